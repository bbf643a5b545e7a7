//! Counts a file's messages before it is decoded: an empty one takes two bytes of file, but up to a kilobyte of memory.
//!
//! Malformed bytes end the count; decoding says what is wrong with them.

use bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::error::{Error, Result};

/// Most messages in a file. Large networks have some ten thousand nodes and attributes.
const MAX_MESSAGES: usize = 1 << 18;

/// Messages that hold repeated messages; the others are counted where they stand.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Other,
}

/// The fault of a file that would take far more memory than its size.
pub(super) fn check(file: &[u8]) -> Result<()> {
    let mut left = MAX_MESSAGES;
    match count(file, Kind::Model, &mut left) {
        None if left == 0 => Err(Error::Malformed {
            what: format!("the file has more than {MAX_MESSAGES} nodes, attributes and tensors"),
        }),
        Some(()) | None => Ok(()),
    }
}

/// Takes the messages inside `bytes` from `left`; `None` at the first malformed byte, or when nothing is left.
fn count(mut bytes: &[u8], kind: Kind, left: &mut usize) -> Option<()> {
    while bytes.has_remaining() {
        let (tag, wire) = decode_key(&mut bytes).ok()?;
        let Some(inner) = inner(kind, tag).filter(|_| wire == WireType::LengthDelimited) else {
            skip_field(wire, tag, &mut bytes, DecodeContext::default()).ok()?;
            continue;
        };
        *left -= 1;
        if *left == 0 {
            return None;
        }
        let len = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
        let message = bytes.get(..len)?;
        match inner {
            Kind::Other => {}
            Kind::Model | Kind::Graph | Kind::Node => count(message, inner, left)?,
        }
        bytes.advance(len);
    }
    Some(())
}

/// The kind of message in a field of the schema; `None` if it holds none.
fn inner(kind: Kind, tag: u32) -> Option<Kind> {
    match (kind, tag) {
        (Kind::Model, 7) => Some(Kind::Graph),
        (Kind::Graph, 1) => Some(Kind::Node),
        (Kind::Model, 8 | 14) | (Kind::Graph, 5 | 11 | 12 | 13 | 15) | (Kind::Node, 5) => {
            Some(Kind::Other)
        }
        (Kind::Model | Kind::Graph | Kind::Node | Kind::Other, _) => None,
    }
}
