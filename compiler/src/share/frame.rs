//! The memory of a step: parts of the arena and weights, in the order of their first use.

use std::ops::Range;

use crate::plan::{Plan, Slot};
use crate::schedule::{Home, PackId, Place, Stage, Step};

/// Memory and weights that a step gives the function that it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The parts of the arena that it borrows.
    pub arrays: Vec<Array>,
    /// The weights of its stages, then those that are operands.
    pub packs: Vec<PackId>,
}

/// A part of the arena that a step borrows; slots that share bytes are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// Where it lies.
    pub bytes: Range<usize>,
    /// Bytes of an element.
    pub element: usize,
}

impl Frame {
    /// The frame of a step.
    pub fn of(plan: &Plan, step: &Step) -> Self {
        let ranges = borrowed(plan, step);
        let mut arrays: Vec<Array> = Vec::new();
        for place in places(step) {
            let Some(slot) = slot(plan, place) else { continue };
            let mut lent = ranges.iter().filter(|range| range.contains(&slot.offset));
            let bytes = lent.next().expect("every slot is borrowed").clone();
            if arrays.iter().all(|array| array.bytes != bytes) {
                arrays.push(Array { bytes, element: place.element.bytes() });
            }
        }
        let mut packs: Vec<PackId> = step.stages.iter().filter_map(|stage| stage.pack).collect();
        let own = packs.len();
        for (id, _) in step.stages.iter().flat_map(operands) {
            if !packs[own..].contains(&id) {
                packs.push(id);
            }
        }
        Self { arrays, packs }
    }

    /// The array that holds a byte of the arena.
    pub(super) fn array(&self, byte: usize) -> Option<usize> {
        self.arrays.iter().position(|array| array.bytes.contains(&byte))
    }
}

impl Array {
    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.element
    }

    /// True if it has none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Constant operands that a stage reads as arrays, and what each is for.
pub fn operands(stage: &Stage) -> impl Iterator<Item = (PackId, &'static str)> + '_ {
    stage.from.iter().enumerate().filter_map(|(port, place)| {
        let written_out = port == 1 && stage.kernel.writes_second_out();
        let word = if stage.kernel.loads() { "border" } else { "operand" };
        match place.home {
            Home::Weights(id) if !written_out => Some((id, word)),
            Home::Weights(_) | Home::Arena(_) => None,
            Home::Input(_) | Home::Output(_) | Home::Feed(_) => None,
        }
    })
}

/// Bytes of the arena that `step` borrows: its slots, those that share bytes as one, from the lowest on.
pub fn borrowed(plan: &Plan, step: &Step) -> Vec<Range<usize>> {
    let slots = places(step).filter_map(|place| slot(plan, place));
    let mut slots: Vec<_> = slots.map(|slot| (slot.offset, slot.end())).collect();
    slots.sort_unstable();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (start, end) in slots {
        match ranges.last_mut() {
            Some(last) if start < last.end => last.end = last.end.max(end),
            _ => ranges.push(start..end),
        }
    }
    ranges
}

/// The places of a step's stages: what each reads, then what it writes and works in.
fn places(step: &Step) -> impl Iterator<Item = Place> + '_ {
    step.stages.iter().flat_map(Stage::places).copied()
}

/// Where a place of the arena lies.
fn slot(plan: &Plan, place: Place) -> Option<Slot> {
    match place.home {
        Home::Arena(buffer) => Some(plan.slots[buffer.0]),
        Home::Input(_) | Home::Feed(_) | Home::Output(_) | Home::Weights(_) => None,
    }
}
