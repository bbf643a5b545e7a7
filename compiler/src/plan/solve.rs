//! A plan from nothing: quick rules first, exact search where they leave a gap.

use super::problem::Problem;
use super::search::{self, Verdict};
use super::{Buffer, Overlap, Plan, Slot, greedy};
use std::fmt;

/// Effort of planning, counted in work and not in time so that every machine finds the same plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Visits of buffers by the exact search; some 20 million a second.
    pub visits: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { visits: 1 << 24 }
    }
}

/// The reason why there is no plan within a capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// No plan fits: proven.
    Impossible {
        /// Bytes that no plan can do without.
        load: usize,
    },
    /// The budget ran out first.
    Unknown {
        /// The smallest plan found, larger than the capacity.
        best: Plan,
    },
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Impossible { load } => write!(f, "no plan fits; the load is {load} bytes"),
            Self::Unknown { best } => {
                write!(f, "no plan found; the best takes {} bytes", best.arena_len)
            }
        }
    }
}

impl std::error::Error for Unfit {}

/// The smallest plan that the budget finds.
pub fn solve(buffers: &[Buffer], overlaps: &[Overlap], budget: Budget) -> Plan {
    let problem = Problem::new(buffers, overlaps);
    let mut best = quick(buffers, &problem, 0);
    // No plan takes `below` bytes or fewer, so far as the search could tell.
    let (mut below, mut proven) = (best.load.saturating_sub(1), problem.exact);
    let mut visits = budget.visits;
    while below + 1 < best.arena_len && visits > 0 {
        // The load first: it is often reached. Then halves.
        let capacity =
            if below + 1 == best.load { best.load } else { below.midpoint(best.arena_len - 1) };
        let capacity = capacity.max(below + 1);
        let share = visits.div_ceil(2);
        let mut left = share;
        let verdict = search::within(&problem, capacity, &mut left);
        visits -= (share - left).max(1);
        match verdict {
            Verdict::Found(offsets) => best = plan(buffers, &problem, &offsets),
            Verdict::Impossible => below = capacity,
            Verdict::OutOfBudget => (below, proven) = (capacity, false),
        }
    }
    best.optimal = best.arena_len == best.load || proven && below + 1 >= best.arena_len;
    best
}

/// Any plan of at most `capacity` bytes.
///
/// # Errors
/// None fits, or the budget ends before one is found.
pub fn fit(
    buffers: &[Buffer],
    overlaps: &[Overlap],
    capacity: usize,
    budget: Budget,
) -> Result<Plan, Unfit> {
    let problem = Problem::new(buffers, overlaps);
    let best = quick(buffers, &problem, capacity);
    if best.load > capacity {
        return Err(Unfit::Impossible { load: best.load });
    }
    if best.arena_len <= capacity {
        return Ok(best);
    }
    match search::within(&problem, capacity, &mut { budget.visits }) {
        Verdict::Found(offsets) => Ok(plan(buffers, &problem, &offsets)),
        Verdict::Impossible if problem.exact => Err(Unfit::Impossible { load: best.load }),
        Verdict::Impossible | Verdict::OutOfBudget => Err(Unfit::Unknown { best }),
    }
}

/// The best rung of the ladder; the climb ends at `enough` bytes, or at the load.
fn quick(buffers: &[Buffer], problem: &Problem, enough: usize) -> Plan {
    let mut best: Option<Plan> = None;
    for offsets in greedy::ladder(problem) {
        let next = plan(buffers, problem, &offsets);
        if best.as_ref().is_none_or(|best| next.arena_len < best.arena_len) {
            best = Some(next);
        }
        if best.as_ref().is_some_and(|best| best.arena_len <= enough.max(best.load)) {
            break;
        }
    }
    best.expect("the ladder has a rung")
}

fn plan(buffers: &[Buffer], problem: &Problem, offsets: &[usize]) -> Plan {
    let slots =
        buffers.iter().zip(offsets).map(|(buffer, &offset)| Slot { offset, len: buffer.len });
    let slots: Vec<Slot> = slots.collect();
    let arena_len = slots.iter().map(|slot| slot.end()).max().unwrap_or(0);
    let load = problem.load();
    Plan { slots, arena_len, load, optimal: arena_len == load }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{BufferId, check};
    use proptest::prelude::*;

    const BUDGET: Budget = Budget { visits: 200_000 };

    fn listed<const N: usize>(buffers: [(usize, std::ops::Range<usize>); N]) -> Vec<Buffer> {
        let named = buffers.into_iter().enumerate().map(|(i, (len, live))| Buffer {
            name: format!("b{i}"),
            len,
            align: 1,
            live,
        });
        named.collect()
    }

    /// Every quick rule takes 6 bytes for these, where 5 do.
    fn tricky() -> Vec<Buffer> {
        listed([(1, 2..5), (4, 3..6), (1, 0..3), (4, 1..2)])
    }

    #[test]
    fn no_buffers_need_no_arena() {
        let plan = solve(&[], &[], BUDGET);
        assert_eq!(plan, Plan { slots: vec![], arena_len: 0, load: 0, optimal: true });
    }

    #[test]
    fn quick_rules_say_that_they_prove_nothing() {
        let plan = solve(&tricky(), &[], Budget { visits: 0 });
        assert_eq!((plan.arena_len, plan.load, plan.optimal), (6, 5, false));
    }

    #[test]
    fn search_reaches_a_load_that_quick_rules_miss() {
        let plan = solve(&tricky(), &[], BUDGET);
        assert_eq!(check(&tricky(), &[], &plan), []);
        assert_eq!((plan.arena_len, plan.optimal), (5, true));
    }

    #[test]
    fn optimum_above_the_load_is_proven() {
        let mut buffers = listed([(5, 0..1), (5, 0..1), (1, 0..1)]);
        (buffers[0].align, buffers[1].align) = (8, 8);
        let plan = solve(&buffers, &[], BUDGET);
        assert_eq!((plan.arena_len, plan.load, plan.optimal), (13, 11, true));
        let unfit = fit(&buffers, &[], plan.load, BUDGET);
        assert_eq!(unfit, Err(Unfit::Impossible { load: plan.load }));
    }

    #[test]
    fn capacity_below_the_load_is_impossible() {
        assert_eq!(fit(&tricky(), &[], 4, BUDGET), Err(Unfit::Impossible { load: 5 }));
    }

    #[test]
    fn exhausted_budget_hands_back_the_best_plan() {
        let Err(Unfit::Unknown { best }) = fit(&tricky(), &[], 5, Budget { visits: 0 }) else {
            panic!("no plan within 5 bytes can be known");
        };
        assert_eq!(best.arena_len, 6);
    }

    #[test]
    fn diagonal_overlap_costs_only_its_distance() {
        let buffers = listed([(64, 0..2), (64, 1..3)]);
        let overlap = Overlap { dying: BufferId(0), growing: BufferId(1), ahead: 16 };
        let plan = solve(&buffers, &[overlap], BUDGET);
        assert_eq!(check(&buffers, &[overlap], &plan), []);
        assert_eq!((plan.arena_len, plan.optimal), (80, true));
    }

    #[test]
    fn small_input_dies_inside_a_large_output() {
        let buffers = listed([(16, 0..2), (64, 1..3)]);
        let overlap = Overlap { dying: BufferId(0), growing: BufferId(1), ahead: 8 };
        let plan = solve(&buffers, &[overlap], BUDGET);
        assert_eq!(check(&buffers, &[overlap], &plan), []);
        assert_eq!((plan.arena_len, plan.optimal), (64, true));
    }

    #[test]
    fn highest_buffer_need_not_be_rounded_up() {
        let mut buffers = listed([(5, 0..1), (7, 0..1)]);
        for buffer in &mut buffers {
            buffer.align = 4;
        }
        let plan = solve(&buffers, &[], BUDGET);
        assert_eq!((plan.arena_len, plan.load, plan.optimal), (13, 13, true));
    }

    fn buffers(count: usize, len: usize) -> impl Strategy<Value = Vec<Buffer>> {
        let buffer =
            (1..len, 0..3_u32, 0..12_usize, 0..5_usize).prop_map(|(len, align, start, steps)| {
                Buffer {
                    name: format!("{len}"),
                    len,
                    align: 1 << align,
                    live: start..start + steps,
                }
            });
        prop::collection::vec(buffer, 0..count)
    }

    fn overlaps(count: usize) -> impl Strategy<Value = Vec<Overlap>> {
        let overlap = (0..count, 0..count, 0..12_usize).prop_map(|(dying, growing, ahead)| {
            Overlap { dying: BufferId(dying), growing: BufferId(growing), ahead }
        });
        prop::collection::vec(overlap, 0..3)
    }

    /// A full arena of 64 bytes and 16 steps, cut in two again and again: the cut piece, then the place of the cut.
    fn cut_up(cuts: &[(usize, usize)]) -> Vec<Buffer> {
        let mut pieces = listed([(64, 0..16)]);
        for &(piece, place) in cuts {
            let (at, last) = (piece % pieces.len(), pieces.len());
            let whole = pieces[at].clone();
            let (low, early) = (
                whole.len * (place + 1) / 10,
                whole.live.start + whole.live.len() * (place + 1) / 10,
            );
            pieces.push(whole.clone());
            if place % 2 == 0 && low > 0 {
                (pieces[at].len, pieces[last].len) = (low, whole.len - low);
            } else {
                (pieces[at].live.end, pieces[last].live.start) = (early, early);
            }
        }
        pieces
    }

    /// The smallest arena, by trying every offset of every buffer.
    fn brute_force(buffers: &[Buffer], overlaps: &[Overlap]) -> usize {
        let fits = |arena_len: usize| {
            let slots = buffers.iter().map(|buffer| Slot { offset: 0, len: buffer.len }).collect();
            let mut plan = Plan { slots, arena_len, load: 0, optimal: false };
            any_offsets(buffers, overlaps, &mut plan, 0)
        };
        (0..).find(|&arena_len| fits(arena_len)).expect("some arena is large enough")
    }

    fn any_offsets(buffers: &[Buffer], overlaps: &[Overlap], plan: &mut Plan, next: usize) -> bool {
        let Some(buffer) = buffers.get(next) else {
            return true;
        };
        (0..=plan.arena_len.saturating_sub(buffer.len)).any(|offset| {
            plan.slots[next].offset = offset;
            let part = Plan { slots: plan.slots[..=next].to_vec(), ..*plan };
            check(&buffers[..=next], overlaps, &part).is_empty()
                && any_offsets(buffers, overlaps, plan, next + 1)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_plan_passes_the_checker(buffers in buffers(40, 60), overlaps in overlaps(40)) {
            let plan = solve(&buffers, &overlaps, Budget { visits: 20_000 });
            prop_assert_eq!(check(&buffers, &overlaps, &plan), []);
            prop_assert!(plan.load <= plan.arena_len);
        }

        #[test]
        fn checker_refutes_a_buffer_moved_onto_another(buffers in buffers(20, 60), pick in any::<prop::sample::Index>()) {
            let meet = |a: &Buffer, b: &Buffer| a.live.clone().any(|step| b.live.contains(&step));
            let pairs = (0..buffers.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
            let pairs: Vec<_> = pairs.filter(|&(a, b)| meet(&buffers[a], &buffers[b])).collect();
            if pairs.is_empty() {
                return Ok(());
            }
            let (a, b) = pairs[pick.index(pairs.len())];
            let mut plan = solve(&buffers, &[], Budget { visits: 0 });
            plan.slots[a].offset = plan.slots[b].offset;
            let both = format!("`{}` and `{}` share", buffers[a].name, buffers[b].name);
            let found = check(&buffers, &[], &plan);
            prop_assert!(found.iter().any(|violation| violation.to_string().starts_with(&both)));
        }

        #[test]
        fn cut_up_arenas_are_put_together_again(cuts in prop::collection::vec((0..9_usize, 0..9_usize), 0..12)) {
            let buffers = cut_up(&cuts);
            let plan = fit(&buffers, &[], 64, BUDGET).expect("the pieces came from an arena of 64");
            prop_assert_eq!(check(&buffers, &[], &plan), []);
            prop_assert!(plan.optimal && plan.arena_len == 64);
        }

        #[test]
        fn optimum_agrees_with_brute_force(buffers in buffers(6, 8), overlaps in overlaps(5)) {
            let plan = solve(&buffers, &overlaps, BUDGET);
            let optimum = brute_force(&buffers, &overlaps);
            prop_assert_eq!(check(&buffers, &overlaps, &plan), []);
            prop_assert!(plan.load <= optimum && optimum <= plan.arena_len);
            if plan.optimal {
                prop_assert_eq!(plan.arena_len, optimum);
            }
            if overlaps.is_empty() {
                prop_assert!(plan.optimal);
            }
        }
    }
}
