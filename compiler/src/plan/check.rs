//! The checker of plans: obvious, written from the definition; quadratic only in what lives at one step.
//!
//! Shares no code with the solver, so that one mistake cannot hide in both.

use super::{Buffer, BufferId, Overlap, Plan, Slot};
use std::collections::BTreeMap;
use std::fmt;

/// A way in which a plan is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// There is not one slot per buffer.
    Count {
        /// Buffers of the schedule.
        buffers: usize,
        /// Slots of the plan.
        slots: usize,
    },
    /// A slot is not as long as its buffer.
    Length {
        /// The buffer's name.
        name: String,
        /// Bytes that the buffer takes.
        len: usize,
        /// Bytes that the slot has.
        slot: usize,
    },
    /// An offset is no multiple of the buffer's alignment.
    Align {
        /// The buffer's name.
        name: String,
        /// Bytes from the start of the arena.
        offset: usize,
        /// Bytes that the offset must be a multiple of.
        align: usize,
    },
    /// A slot ends past the end of the arena.
    Outside {
        /// The buffer's name.
        name: String,
        /// One past the last byte of the slot.
        end: usize,
        /// Bytes of the arena.
        arena_len: usize,
    },
    /// Two buffers are live at one step and share bytes without leave.
    Shared {
        /// The name of the buffer listed first.
        first: String,
        /// The name of the buffer listed second.
        second: String,
        /// A step at which both are live.
        step: usize,
        /// The lowest byte that both take.
        byte: usize,
    },
    /// A buffer is read or written at a step at which it is not live.
    Dead {
        /// The buffer's name.
        name: String,
        /// The step.
        step: usize,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { buffers, slots } => write!(f, "{buffers} buffers, but {slots} slots"),
            Self::Length { name, len, slot } => {
                write!(f, "`{name}` takes {len} bytes, its slot has {slot}")
            }
            Self::Align { name, offset, align } => {
                write!(f, "`{name}` lies at {offset}, no multiple of {align}")
            }
            Self::Outside { name, end, arena_len } => {
                write!(f, "`{name}` ends at {end}, past an arena of {arena_len} bytes")
            }
            Self::Shared { first, second, step, byte } => {
                write!(f, "`{first}` and `{second}` share byte {byte} at step {step}")
            }
            Self::Dead { name, step } => {
                write!(f, "`{name}` is used at step {step}, but not live there")
            }
        }
    }
}

/// Everything that is wrong with a plan; nothing for a sound one.
pub fn check(buffers: &[Buffer], overlaps: &[Overlap], plan: &Plan) -> Vec<Violation> {
    if buffers.len() != plan.slots.len() {
        return vec![Violation::Count { buffers: buffers.len(), slots: plan.slots.len() }];
    }
    let mut violations = Vec::new();
    for (buffer, slot) in buffers.iter().zip(&plan.slots) {
        violations.extend(alone(buffer, slot, plan.arena_len));
    }
    let mut leaves: BTreeMap<[usize; 2], Vec<&Overlap>> = BTreeMap::new();
    for overlap in overlaps {
        leaves.entry(pair(overlap.dying.0, overlap.growing.0)).or_default().push(overlap);
    }
    for [first, second] in live_together(buffers) {
        let leaves = leaves.get(&[first, second]).map_or(&[][..], Vec::as_slice);
        violations.extend(together(buffers, leaves, plan, first, second));
    }
    violations
}

/// Every two buffers that are live at one step, in order of the second, then of the first.
fn live_together(buffers: &[Buffer]) -> Vec<[usize; 2]> {
    let mut by_start: Vec<usize> = (0..buffers.len()).collect();
    by_start.retain(|id| !buffers[*id].live.is_empty());
    by_start.sort_by_key(|id| buffers[*id].live.start);
    let (mut live, mut pairs) = (Vec::new(), Vec::new());
    for id in by_start {
        live.retain(|other: &usize| buffers[*other].live.end > buffers[id].live.start);
        pairs.extend(live.iter().map(|other| pair(*other, id)));
        live.push(id);
    }
    pairs.sort_unstable_by_key(|[first, second]| (*second, *first));
    pairs
}

/// Two buffers, the one listed first before the other.
fn pair(a: usize, b: usize) -> [usize; 2] {
    [a.min(b), a.max(b)]
}

/// Every use of a buffer, by step, for which its memory is not kept. What the caller writes before the network runs is
/// used at the first step, whether or not anybody reads it.
pub fn check_uses(buffers: &[Buffer], uses: &[(usize, BufferId)]) -> Vec<Violation> {
    let dead = uses.iter().filter(|(step, id)| !buffers[id.0].live.contains(step));
    dead.map(|(step, id)| Violation::Dead { name: buffers[id.0].name.clone(), step: *step })
        .collect()
}

fn alone(buffer: &Buffer, slot: &Slot, arena_len: usize) -> Vec<Violation> {
    let name = || buffer.name.clone();
    let mut violations = Vec::new();
    if slot.len != buffer.len {
        violations.push(Violation::Length { name: name(), len: buffer.len, slot: slot.len });
    }
    if buffer.align > 1 && !slot.offset.is_multiple_of(buffer.align) {
        violations.push(Violation::Align {
            name: name(),
            offset: slot.offset,
            align: buffer.align,
        });
    }
    let end = slot.offset.saturating_add(slot.len);
    if end > arena_len {
        violations.push(Violation::Outside { name: name(), end, arena_len });
    }
    violations
}

fn together(
    buffers: &[Buffer],
    leaves: &[&Overlap],
    plan: &Plan,
    first: usize,
    second: usize,
) -> Option<Violation> {
    let (a, b) = (&buffers[first], &buffers[second]);
    let (x, y) = (plan.slots[first], plan.slots[second]);
    let step = a.live.start.max(b.live.start);
    let byte = x.offset.max(y.offset);
    let both_live = step < a.live.end && step < b.live.end;
    let both_take = byte < x.offset.saturating_add(x.len) && byte < y.offset.saturating_add(y.len);
    let allowed = leaves.iter().any(|overlap| permits(overlap, plan));
    (both_live && both_take && !allowed).then(|| Violation::Shared {
        first: a.name.clone(),
        second: b.name.clone(),
        step,
        byte,
    })
}

/// True if the reader leads far enough.
fn permits(overlap: &Overlap, plan: &Plan) -> bool {
    let dying = plan.slots[overlap.dying.0];
    let growing = plan.slots[overlap.growing.0];
    let up = dying.offset.checked_sub(growing.offset);
    up.is_some_and(|lead| lead >= overlap.ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(name: &str, len: usize, live: std::ops::Range<usize>) -> Buffer {
        Buffer { name: name.to_owned(), len, align: 4, live }
    }

    fn at(offsets: [usize; 2], arena_len: usize) -> Plan {
        let slots = offsets.map(|offset| Slot { offset, len: 8 }).to_vec();
        Plan { slots, arena_len, load: 0, optimal: false }
    }

    fn complaints(
        lives: [std::ops::Range<usize>; 2],
        overlaps: &[Overlap],
        plan: &Plan,
    ) -> Vec<String> {
        let [a, b] = lives;
        let found = check(&[buffer("a", 8, a), buffer("b", 8, b)], overlaps, plan);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn buffers_that_touch_in_time_or_space_are_apart() {
        assert_eq!(complaints([0..2, 2..3], &[], &at([0, 0], 8)), [""; 0]);
        assert_eq!(complaints([0..2, 1..3], &[], &at([8, 0], 16)), [""; 0]);
    }

    #[test]
    fn sharing_names_both_buffers_and_the_place() {
        let found = complaints([0..2, 1..3], &[], &at([0, 4], 16));
        assert_eq!(found, ["`a` and `b` share byte 4 at step 1"]);
    }

    #[test]
    fn overlap_holds_from_its_distance_on() {
        let overlap = [Overlap { dying: BufferId(0), growing: BufferId(1), ahead: 4 }];
        assert_eq!(complaints([0..2, 1..3], &overlap, &at([4, 0], 16)), [""; 0]);
        assert_eq!(complaints([0..2, 1..3], &overlap, &at([0, 4], 16)).len(), 1);
        assert_eq!(complaints([0..2, 1..3], &overlap, &at([0, 0], 16)).len(), 1);
    }

    #[test]
    fn overlap_says_nothing_about_other_pairs() {
        let overlap = [Overlap { dying: BufferId(0), growing: BufferId(2), ahead: 0 }];
        assert_eq!(complaints([0..2, 1..3], &overlap, &at([0, 0], 16)).len(), 1);
    }

    #[test]
    fn a_buffer_is_live_whenever_it_is_used() {
        let buffers = [buffer("read", 8, 0..2), buffer("unread", 8, 0..0)];
        let uses = [(0, BufferId(0)), (0, BufferId(1)), (1, BufferId(0)), (2, BufferId(0))];
        let found = check_uses(&buffers, &uses).iter().map(ToString::to_string).collect::<Vec<_>>();
        let expected = [
            "`unread` is used at step 0, but not live there",
            "`read` is used at step 2, but not live there",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn offset_length_and_arena_are_held_against_the_buffer() {
        let mut plan = at([2, 12], 16);
        plan.slots[0].len = 6;
        let found = complaints([0..2, 1..3], &[], &plan);
        let expected = [
            "`a` takes 8 bytes, its slot has 6",
            "`a` lies at 2, no multiple of 4",
            "`b` ends at 20, past an arena of 16 bytes",
        ];
        assert_eq!(found, expected);
        plan.slots.pop();
        assert_eq!(complaints([0..2, 1..3], &[], &plan), ["2 buffers, but 1 slots"]);
    }
}
