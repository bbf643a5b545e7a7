//! Tables of a TFLite file: which field has which number, and how a field is read.
//!
//! The format is FlatBuffers: a table is a list of fields by number, each of which may be missing and then has a default.
//! What is not listed here is not looked at. Every offset is checked when it is followed.

use planus::errors::ErrorKind;
use planus::table_reader::Table as Fields;
use planus::{SliceWithStartOffset, TableRead, Vector};

/// Reasons why a file is not what it says it is.
pub(super) type Read<T> = Result<T, String>;

/// One table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a>(Fields<'a>);

/// A list of tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables<'a> {
    all: SliceWithStartOffset<'a>,
    /// Where its first offset lies.
    first: usize,
    /// How many there are.
    pub(super) len: usize,
}

/// Bytes of an offset, and of the length of a list.
const WORD: usize = 4;

/// Fields of the root.
pub(super) mod root {
    pub(in super::super) const OPERATOR_CODES: usize = 1;
    pub(in super::super) const SUBGRAPHS: usize = 2;
    pub(in super::super) const DESCRIPTION: usize = 3;
    pub(in super::super) const BUFFERS: usize = 4;
}

/// Fields of an operator's kind.
pub(super) mod code {
    /// The number of a builtin operator, of those below 127.
    pub(in super::super) const EARLY: usize = 0;
    pub(in super::super) const CUSTOM: usize = 1;
    pub(in super::super) const VERSION: usize = 2;
    /// The number of any builtin operator.
    pub(in super::super) const BUILTIN: usize = 3;
}

/// Fields of a graph.
pub(super) mod subgraph {
    pub(in super::super) const TENSORS: usize = 0;
    pub(in super::super) const INPUTS: usize = 1;
    pub(in super::super) const OUTPUTS: usize = 2;
    pub(in super::super) const OPERATORS: usize = 3;
}

/// Fields of a tensor.
pub(super) mod tensor {
    pub(in super::super) const SHAPE: usize = 0;
    pub(in super::super) const TYPE: usize = 1;
    pub(in super::super) const BUFFER: usize = 2;
    pub(in super::super) const NAME: usize = 3;
    pub(in super::super) const QUANTIZATION: usize = 4;
    pub(in super::super) const SPARSITY: usize = 6;
}

/// Fields of a tensor's scales.
pub(super) mod quantization {
    pub(in super::super) const SCALE: usize = 2;
    pub(in super::super) const ZERO_POINT: usize = 3;
    pub(in super::super) const DIMENSION: usize = 6;
}

/// Fields of a buffer.
pub(super) mod buffer {
    pub(in super::super) const DATA: usize = 0;
    /// Where the data lie in the file, if not in the table.
    pub(in super::super) const OFFSET: usize = 1;
    pub(in super::super) const SIZE: usize = 2;
}

/// Fields of an operator.
pub(super) mod operator {
    pub(in super::super) const CODE: usize = 0;
    pub(in super::super) const INPUTS: usize = 1;
    pub(in super::super) const OUTPUTS: usize = 2;
    /// A table of its own, whose kind the field before says.
    pub(in super::super) const OPTIONS: usize = 4;
    pub(in super::super) const INTERMEDIATES: usize = 8;
}

impl<'a> TableRead<'a> for Table<'a> {
    fn from_buffer(buffer: SliceWithStartOffset<'a>, offset: usize) -> Result<Self, ErrorKind> {
        Fields::from_buffer(buffer, offset).map(Self)
    }
}

impl<'a> TableRead<'a> for Tables<'a> {
    fn from_buffer(buffer: SliceWithStartOffset<'a>, offset: usize) -> Result<Self, ErrorKind> {
        let to = u32::from_buffer(buffer, offset)? as usize;
        let at = offset.checked_add(to).ok_or(ErrorKind::InvalidOffset)?;
        let len = u32::from_buffer(buffer, at)? as usize;
        let first = at + WORD;
        let bytes = len.checked_mul(WORD).and_then(|bytes| first.checked_add(bytes));
        if bytes.is_none_or(|end| end > buffer.len()) {
            return Err(ErrorKind::InvalidLength);
        }
        Ok(Self { all: buffer, first, len })
    }
}

impl<'a> Tables<'a> {
    /// The tables, one after the other.
    pub(super) fn iter(self) -> impl Iterator<Item = Read<Table<'a>>> {
        let table = move |at: usize| Table::from_buffer(self.all, self.first + at * WORD);
        (0..self.len).map(table).map(|table| table.map_err(|kind| kind.to_string()))
    }
}

impl<'a> Table<'a> {
    /// The table that the file begins with.
    pub(super) fn root(file: &'a [u8]) -> Read<Self> {
        let all = SliceWithStartOffset { buffer: file, offset_from_start: 0 };
        Self::from_buffer(all, 0).map_err(|kind| kind.to_string())
    }

    /// A field, if it is there.
    pub(super) fn get<T: TableRead<'a>>(&self, field: usize) -> Read<Option<T>> {
        self.0.access(field, "table", "field").map_err(|error| error.to_string())
    }

    /// A whole number; `default` if it is not there.
    pub(super) fn int(&self, field: usize, default: i32) -> Read<i32> {
        Ok(self.get(field)?.unwrap_or(default))
    }

    /// A number of one byte: a flag, or one of a few names.
    pub(super) fn byte(&self, field: usize) -> Read<u8> {
        Ok(self.get(field)?.unwrap_or(0))
    }

    /// A real number; `default` if it is not there.
    pub(super) fn float(&self, field: usize, default: f32) -> Read<f32> {
        Ok(self.get(field)?.unwrap_or(default))
    }

    /// A text; empty if it is not there.
    pub(super) fn text(&self, field: usize) -> Read<&'a str> {
        Ok(self.get(field)?.unwrap_or_default())
    }

    /// A list of whole numbers; empty if it is not there.
    pub(super) fn ints(&self, field: usize) -> Read<Vec<i32>> {
        let list: Option<Vector<'a, i32>> = self.get(field)?;
        Ok(list.map(|list| list.iter().collect()).unwrap_or_default())
    }

    /// A list of tables; empty if it is not there.
    pub(super) fn tables(&self, field: usize) -> Read<Vec<Table<'a>>> {
        let list: Option<Tables<'a>> = self.get(field)?;
        list.map_or_else(|| Ok(Vec::new()), |list| list.iter().collect())
    }
}
