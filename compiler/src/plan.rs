//! Memory planning: offsets of every buffer in the one static arena.
//!
//! Two buffers that live at the same step must not share a byte, unless an `Overlap` says how they may. The
//! offset of a buffer is a multiple of its alignment. `solve` makes the arena small and says how small it could be
//! at best; `fit` stays within a given one; `check` believes neither of them.
//! Who lives when is the schedule's business.

use std::fmt;
use std::ops::Range;

use crate::printed;

pub mod check;
pub mod csv;
mod greedy;
mod nogoods;
mod problem;
mod search;
mod solve;
mod tree;

pub use check::{check, check_uses};
pub use solve::{Budget, Unfit, fit, solve};

/// A value that needs memory for some of the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// The name in reports.
    pub name: String,
    /// Bytes it takes; a buffer of none lies anywhere.
    pub len: usize,
    /// Its offset is a multiple of so many bytes; 0 and 1 both mean any offset.
    pub align: usize,
    /// The steps at which it is live, first to one past the last.
    pub live: Range<usize>,
}

/// The position of a buffer in the list that a plan is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BufferId(pub usize);

/// Leave for two buffers to share memory diagonally.
///
/// One step reads `dying` and writes `growing`, row after row from the start. What has been read may be overwritten, so
/// the two may share bytes while the writer stays behind the reader: when `dying` starts `ahead` bytes or more past the
/// start of `growing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The buffer that is read for the last time.
    pub dying: BufferId,
    /// The buffer that is written for the first time.
    pub growing: BufferId,
    /// Bytes by which the reader must lead.
    pub ahead: usize,
}

/// The location of a buffer in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Bytes from the start of the arena.
    pub offset: usize,
    /// Bytes taken.
    pub len: usize,
}

impl Slot {
    /// One past the last byte taken.
    pub fn end(self) -> usize {
        self.offset + self.len
    }
}

/// A slot for every buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// `slots[id.0]` is where buffer `id` lies.
    pub slots: Vec<Slot>,
    /// Bytes of the arena: the end of the highest slot.
    pub arena_len: usize,
    /// Bytes that no plan can do without.
    pub load: usize,
    /// True if no plan has a smaller arena; false if that is unknown.
    pub optimal: bool,
}

impl Plan {
    /// The plan as a table, a row per buffer of the list that it was made for.
    pub fn table<'a>(&'a self, buffers: &'a [Buffer]) -> Table<'a> {
        Table { plan: self, buffers }
    }
}

/// A plan beside its buffers, to be printed.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    plan: &'a Plan,
    buffers: &'a [Buffer],
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.buffers.iter().map(|buffer| printed::name(&buffer.name).chars().count());
        // A name beyond that, whatever its length, pushes aside the rest of its own line.
        let width = names.max().unwrap_or(0).clamp("buffer".len(), 96);
        writeln!(f, "{:width$} {:>11} {:>10} {:>10}", "buffer", "live", "offset", "len")?;
        for (buffer, slot) in self.buffers.iter().zip(&self.plan.slots) {
            let live = format!("{}..{}", buffer.live.start, buffer.live.end);
            let name = printed::name(&buffer.name);
            writeln!(f, "{name:width$} {live:>11} {:>10} {:>10}", slot.offset, slot.len)?;
        }
        let Plan { arena_len, load, optimal, .. } = self.plan;
        let proof = if *optimal { ", optimal" } else { "" };
        write!(f, "arena {arena_len}, load {load}, gap {}{proof}", arena_len - load)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_a_row_per_buffer_and_the_gap() {
        let buffers = ["image", "rows"].map(|name| Buffer {
            name: name.to_owned(),
            len: 12,
            align: 4,
            live: 0..3,
        });
        let table = solve(&buffers, &[], Budget::default()).table(&buffers).to_string();
        let expected = "\
buffer        live     offset        len
image         0..3          0         12
rows          0..3         12         12
arena 24, load 24, gap 0, optimal";
        assert_eq!(table, expected);
    }
}
