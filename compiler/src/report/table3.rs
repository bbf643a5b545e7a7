//! The paper's Table 3 for any network: the largest value at each resolution, 16 bits a number.
//!
//! The table counts what is materialised, so not the wide values inside a block.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::ir::{Graph, NodeId, Op};
use crate::model_io::ModelIo;
use crate::objective::Memory;
use crate::prepare::prepare;
use crate::segment;

/// The largest value of one resolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Rows, columns.
    pub size: [usize; 2],
    /// Channels of the largest value between blocks.
    pub channels: usize,
    /// Bytes of it, two a number.
    pub bytes: usize,
    /// Bytes of the largest value of all, the wide ones inside blocks too.
    pub widest_bytes: usize,
}

/// Every resolution of `graph` as read, the largest first; the image is left out.
pub fn entries(mut graph: Graph) -> Result<Vec<Entry>> {
    prepare(&mut graph, Memory::default(), &ModelIo::default(), |_, _, _| ())?;
    let units = segment::units(&graph)?;
    let inside: BTreeSet<NodeId> = units
        .iter()
        .flat_map(|unit| unit.stages[..unit.stages.len() - 1].iter().copied())
        .collect();
    let mut entries: BTreeMap<[usize; 2], Entry> = BTreeMap::new();
    for id in graph.ids() {
        let node = graph.node(id);
        let Some([_, c, h, w]) = node.out.nchw() else { continue };
        if matches!(node.op, Op::Input | Op::Const(_)) || h * w == 1 {
            continue;
        }
        let size = [h, w];
        let none = Entry { size, channels: 0, bytes: 0, widest_bytes: 0 };
        let entry = entries.entry(size).or_insert(none);
        let bytes = c * h * w * 2;
        entry.widest_bytes = entry.widest_bytes.max(bytes);
        if !inside.contains(&id) && bytes > entry.bytes {
            (entry.channels, entry.bytes) = (c, bytes);
        }
    }
    Ok(entries.into_values().rev().collect())
}
