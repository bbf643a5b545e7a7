//! Check that no floats are left between quantised values, for machines without floats.

use std::collections::BTreeSet;

use crate::error::mention::given;
use crate::error::{Error, Result};
use crate::ir::{Dtype, Graph, NodeId, Op, Quant};

/// Refuses a graph that quantises floats that were dequantised.
pub fn refuse(graph: &Graph) -> Result<()> {
    let mut made = BTreeSet::new();
    for id in graph.order().expect("verified graphs are acyclic") {
        let dtype = |id: &NodeId| graph.node(*id).out.dtype;
        let operands: Vec<NodeId> = graph.operands(id).into_iter().map(|(_, x)| x).collect();
        let of_bytes = operands.iter().any(|x| dtype(x) == Dtype::U8);
        let of_made = operands.iter().find(|x| made.contains(*x));
        if dtype(&id) == Dtype::F32 && (of_bytes || of_made.is_some()) {
            made.insert(id);
        }
        if let (Op::Quant(Quant::Quantize(_)), Some(float)) = (&graph.node(id).op, of_made) {
            let node = graph.node(*float);
            return Err(Error::Node {
                name: node.name.clone(),
                op: node.op.name().into(),
                what: format!(
                    "is computed in floats between quantised values, which {} rules out; use a quantised operator, or {}",
                    given("requant", "fixed"),
                    given("requant", "float")
                ),
            });
        }
    }
    Ok(())
}
