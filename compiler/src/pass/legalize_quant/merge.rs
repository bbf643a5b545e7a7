//! Tables that need no step of their own: those that change nothing, follow another, or only bound.

use crate::ir::{Bounds, Graph, NodeId, Op, Quant, To};
use crate::pass::edit::{replace, x};

/// Drops the table `id`, makes it one with the table before it, or makes it the bounds of what it reads.
pub(super) fn table(graph: &mut Graph, id: NodeId, table: &[u8; 256]) -> bool {
    let before = x(graph, id);
    if table.iter().zip(0..=255).all(|(to, from)| *to == from) {
        replace(graph, id, before);
        return true;
    }
    if let Op::Quant(Quant::Table(inner)) = &graph.node(before).op {
        let both = Box::new(inner.map(|q| table[usize::from(q)]));
        let source = x(graph, before);
        graph.node_mut(id).op = Op::Quant(Quant::Table(both));
        crate::pass::edit::reconnect(graph, id, 0, source);
        return true;
    }
    let next = Bounds { lo: table[0], hi: table[255] };
    let bounds_only =
        next.lo <= next.hi && table.iter().zip(0..=255).all(|(to, q)| *to == next.apply(q));
    if !bounds_only || graph.only_reader(before) != Some(id) {
        return false;
    }
    let Op::Quant(quant) = &mut graph.node_mut(before).op else { return false };
    let Some(bounds) = bounds_of(quant) else { return false };
    *bounds = bounds.then(next);
    replace(graph, id, before);
    true
}

/// The bounds that `quant` applies last.
fn bounds_of(quant: &mut Quant) -> Option<&mut Bounds> {
    let requant = match quant {
        Quant::Add(pair) | Quant::Mul(pair, _) => return Some(&mut pair.bounds),
        Quant::Conv(conv) => match &mut conv.residual {
            Some(pair) => return Some(&mut pair.bounds),
            None => &mut conv.requant,
        },
        Quant::Dense(dense) => &mut dense.requant,
        Quant::Mean(mean) => &mut mean.requant,
        Quant::Quantize(_) | Quant::Dequantize(_) | Quant::Unpack(_) | Quant::Flip => return None,
        Quant::Average(_) | Quant::Softmax(_) | Quant::Table(_) => return None,
    };
    match &mut requant.to {
        To::Bytes { bounds, .. } => Some(bounds),
        To::Floats => None,
    }
}
