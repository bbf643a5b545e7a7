//! Shadow memory: for every byte, the value that lies there and the byte of it.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::ir::NodeId;

/// A value at one point of its making, or a kind of padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tag {
    /// The value of a stage.
    Made(u32),
    /// Zeros: bytes of this number.
    Zero(u8),
    /// The border that the stage of a node is given.
    Border(NodeId),
    /// Sums that are no value yet.
    Sums(u32),
}

impl Tag {
    /// True if all bytes of this tag are alike.
    fn is_padding(self) -> bool {
        matches!(self, Self::Zero(_) | Self::Border(_))
    }
}

/// A run of bytes of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    end: usize,
    tag: Tag,
    /// The byte of the value that the first one is.
    at: u64,
}

/// Contents of each byte of a memory, as runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    runs: BTreeMap<usize, Cell>,
}

/// A mismatch: the contents that were found instead of those expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The first byte that differs.
    pub byte: usize,
    /// The contents, if anything was ever written.
    pub tag: Option<Tag>,
}

impl Cells {
    /// Writes bytes of a value, from its byte `at` on.
    pub(super) fn write(&mut self, bytes: Range<usize>, tag: Tag, at: u64) {
        if bytes.is_empty() {
            return;
        }
        self.clear(bytes.clone());
        let (mut start, mut cell) = (bytes.start, Cell { end: bytes.end, tag, at });
        if let Some((&before, &last)) = self.runs.range(..start).next_back()
            && last.end == start
            && continues((before, last), (start, cell))
        {
            self.runs.remove(&before);
            (start, cell.at) = (before, last.at);
        }
        if let Some(&next) = self.runs.get(&cell.end)
            && continues((start, cell), (cell.end, next))
        {
            self.runs.remove(&cell.end);
            cell.end = next.end;
        }
        self.runs.insert(start, cell);
    }

    /// Looks for bytes of a value, from its byte `at` on.
    pub(super) fn read(&self, bytes: Range<usize>, tag: Tag, at: u64) -> Result<(), Found> {
        let mut byte = bytes.start;
        while byte < bytes.end {
            let run = self.runs.range(..=byte).next_back().filter(|(_, cell)| cell.end > byte);
            let Some((&start, cell)) = run else { return Err(Found { byte, tag: None }) };
            let wanted = at + (byte - bytes.start) as u64;
            let place = tag.is_padding() || cell.at + (byte - start) as u64 == wanted;
            if cell.tag != tag || !place {
                return Err(Found { byte, tag: Some(cell.tag) });
            }
            byte = cell.end;
        }
        Ok(())
    }

    /// Moves what lies from `by` bytes behind the start of a range on to its start.
    pub(super) fn slide(&mut self, bytes: Range<usize>, by: usize) {
        let from = bytes.start + by;
        self.split(from);
        self.split(bytes.end);
        let moved: Vec<(usize, Cell)> =
            self.runs.range(from..bytes.end).map(|(start, cell)| (*start, *cell)).collect();
        self.clear(bytes);
        for (start, cell) in moved {
            self.write(start - by..cell.end - by, cell.tag, cell.at);
        }
    }

    /// Forgets what bytes hold.
    pub(super) fn clear(&mut self, bytes: Range<usize>) {
        self.split(bytes.start);
        self.split(bytes.end);
        while let Some((&start, _)) = self.runs.range(bytes.clone()).next() {
            self.runs.remove(&start);
        }
    }

    /// Parts the run around a byte before it.
    fn split(&mut self, byte: usize) {
        let Some((&start, cell)) = self.runs.range_mut(..byte).next_back() else { return };
        if cell.end <= byte {
            return;
        }
        let behind = Cell { at: cell.at + (byte - start) as u64, ..*cell };
        cell.end = byte;
        self.runs.insert(byte, behind);
    }
}

/// True if the second of two runs that touch continues the first; all padding of a kind is alike.
fn continues((start, cell): (usize, Cell), (_, next): (usize, Cell)) -> bool {
    let follows = cell.at + (cell.end - start) as u64 == next.at;
    cell.tag == next.tag && (follows || cell.tag.is_padding())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_was_written_last() {
        let mut cells = Cells::default();
        cells.write(0..8, Tag::Made(1), 0);
        cells.write(8..16, Tag::Made(1), 8);
        assert_eq!(cells.read(4..12, Tag::Made(1), 4), Ok(()));
        cells.write(6..10, Tag::Made(2), 0);
        let found = Found { byte: 6, tag: Some(Tag::Made(2)) };
        assert_eq!(cells.read(4..12, Tag::Made(1), 4), Err(found));
        assert_eq!(cells.read(10..16, Tag::Made(1), 10), Ok(()));
        assert_eq!(cells.read(14..18, Tag::Made(1), 14), Err(Found { byte: 16, tag: None }));
        let found = Found { byte: 10, tag: Some(Tag::Made(1)) };
        assert_eq!(cells.read(10..12, Tag::Made(1), 0), Err(found));
    }

    #[test]
    fn what_slides_keeps_its_place_in_its_value() {
        let mut cells = Cells::default();
        cells.write(0..4, Tag::Zero(0), 0);
        cells.write(4..12, Tag::Made(3), 100);
        cells.slide(0..12, 6);
        assert_eq!(cells.read(0..6, Tag::Made(3), 102), Ok(()));
        assert_eq!(cells.read(5..7, Tag::Made(3), 107), Err(Found { byte: 6, tag: None }));
    }
}
