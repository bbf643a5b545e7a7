//! Counts a file's messages before it is decoded: an empty one takes two bytes of file, but up to a kilobyte of memory.
//!
//! Malformed bytes end the count; decoding says what is wrong with them.

use bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::error::{Error, Result};
use crate::proto::{
    AttributeProto, FunctionProto, GraphProto, NodeProto, SparseTensorProto,
    StringStringEntryProto, ValueInfoProto,
};

/// Most bytes that the messages of a file may take when they are decoded, beside their texts and numbers, which take
/// little more than in the file. A chain of a million nodes takes less than half.
const MOST_BYTES: usize = 1 << 30;

/// Messages that hold repeated messages; the others are counted where they stand.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Function,
    Other,
}

/// Most messages that one may lie in: what is nested deeper is not decoded.
const MAX_DEPTH: usize = 100;

/// The fault of a file that would take far more memory than its size.
pub(super) fn check(file: &[u8]) -> Result<()> {
    let mut left = MOST_BYTES;
    match count(file, Kind::Model, MAX_DEPTH, &mut left) {
        Some(()) | None if left > 0 => Ok(()),
        Some(()) | None => Err(Error::Malformed {
            what: format!(
                "the nodes, attributes and tensors of the file take more than {} MiB of memory",
                MOST_BYTES >> 20
            ),
        }),
    }
}

/// Takes the messages inside `bytes` from `left`; `None` at the first malformed byte, or when nothing is left.
fn count(mut bytes: &[u8], kind: Kind, depth: usize, left: &mut usize) -> Option<()> {
    while bytes.has_remaining() {
        let (tag, wire) = decode_key(&mut bytes).ok()?;
        let inner = inner(kind, tag).filter(|_| wire == WireType::LengthDelimited);
        let Some((inner, size)) = inner else {
            skip_field(wire, tag, &mut bytes, DecodeContext::default()).ok()?;
            continue;
        };
        // Lists double when they are full.
        *left = left.saturating_sub(2 * size);
        if *left == 0 {
            return None;
        }
        let len = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
        let message = bytes.get(..len)?;
        match inner {
            Kind::Other => {}
            _ => count(message, inner, depth.checked_sub(1)?, left)?,
        }
        bytes.advance(len);
    }
    Some(())
}

/// The kind of message in a field of the schema, and the bytes that one takes; `None` if it holds none.
fn inner(kind: Kind, tag: u32) -> Option<(Kind, usize)> {
    match (kind, tag) {
        (Kind::Model, 7) => Some((Kind::Graph, size_of::<GraphProto>())),
        (Kind::Graph, 1) => Some((Kind::Node, size_of::<NodeProto>())),
        (Kind::Node, 5) | (Kind::Function, 11) => {
            Some((Kind::Attribute, size_of::<AttributeProto>()))
        }
        (Kind::Attribute, 6) => Some((Kind::Graph, size_of::<GraphProto>())),
        (Kind::Model, 25) => Some((Kind::Function, size_of::<FunctionProto>())),
        (Kind::Function, 7) => Some((Kind::Node, size_of::<NodeProto>())),
        (Kind::Graph, 5 | 15) => Some((Kind::Other, size_of::<SparseTensorProto>())),
        (Kind::Graph, 11..=13) => Some((Kind::Other, size_of::<ValueInfoProto>())),
        (Kind::Model, 8 | 14) => Some((Kind::Other, size_of::<StringStringEntryProto>())),
        (_, _) => None,
    }
}
