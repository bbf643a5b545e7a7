//! A graph as text: a line a node, in order of execution. Snapshots and `--dump-ir` print this.
//!
//! ```text
//! %3 conv "features.0" x=%0 w=f32[32,3,3,3] b=f32[32] k3x3 s2 p1/1/1/1 clamp 0..6 -> f32[1,32,112,112] nhwc
//! ```
//! Constants are shown where they are read; their numbers are not shown, but for those of one element.

use std::collections::BTreeMap;
use std::fmt;

use crate::ir::{Arithmetic, Graph, NodeId, Op};

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = self.order().unwrap_or_else(|_| self.ids());
        let shown =
            order.into_iter().filter(|id| self.constant(*id).is_none() || self.is_output(*id));
        let numbers: BTreeMap<NodeId, usize> =
            shown.enumerate().map(|(number, id)| (id, number)).collect();
        let mut lines: Vec<_> = numbers.iter().map(|(id, number)| (*number, *id)).collect();
        lines.sort_unstable();
        for (number, id) in lines {
            write!(f, "%{number} {} {:?}", self.node(id).op.name(), self.node(id).name)?;
            for (port, operand) in self.operands(id) {
                write!(
                    f,
                    " {}={}",
                    port_name(&self.node(id).op, port.0),
                    value(self, &numbers, operand)
                )?;
            }
            let attributes = self.node(id).op.define(|op| op.attributes());
            writeln!(f, "{attributes} -> {}", self.node(id).out)?;
        }
        for output in &self.outputs {
            writeln!(f, "output {:?} = {}", output.name, value(self, &numbers, output.node))?;
        }
        for (state, next) in self.states.iter().zip(self.outputs.kept()) {
            let [was, is] = [state.input, next.node].map(|id| value(self, &numbers, id));
            writeln!(f, "state {was} = {is}")?;
        }
        if self.arithmetic != Arithmetic::Float {
            writeln!(f, "arithmetic {}", self.arithmetic)?;
        }
        if self.batch > 1 {
            writeln!(f, "batch {}", self.batch)?;
        }
        for block in &self.blocks {
            let part = |id| value(self, &numbers, id);
            let expand = block.expand.map_or_else(|| "-".to_owned(), part);
            writeln!(f, "block {expand} {} {}", part(block.depthwise), part(block.project))?;
        }
        Ok(())
    }
}

fn value(graph: &Graph, numbers: &BTreeMap<NodeId, usize>, id: NodeId) -> String {
    match (numbers.get(&id), graph.constant(id)) {
        (Some(number), _) => format!("%{number}"),
        (None, Some(values)) if values.len() == 1 && values.as_f32().is_some() => {
            format!("{}", values.as_f32().map_or(0.0, |v| v[0]))
        }
        (None, _) => graph.node(id).out.to_string(),
    }
}

fn port_name(op: &Op, port: usize) -> String {
    let listed = op.ports().listed.get(port);
    listed.map_or_else(|| format!("x{port}"), |spec| spec.name.to_owned())
}
