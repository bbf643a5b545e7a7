//! Graph edits and questions that passes are made of: take a node out, give it other numbers, ask who reads it.
//!
//! A retired node takes along what only it read, so that dead readers never hide an only reader.

use crate::ir::{Graph, NodeId, Op, Port, Tensor, Values};
use crate::pass::{Attempt, Skip};

/// Redirects all readers of `old` to `new`, and retires `old`.
pub(crate) fn replace(graph: &mut Graph, old: NodeId, new: NodeId) {
    graph.redirect(old, new);
    retire(graph, old);
}

/// Removes `id`, and then all that only it read, unless it still has a reader or is an input or output of the model.
pub(crate) fn retire(graph: &mut Graph, id: NodeId) {
    let mut doomed = vec![id];
    while let Some(id) = doomed.pop() {
        let kept = !graph.contains(id)
            || graph.is_output(id)
            || matches!(graph.node(id).op, Op::Input)
            || graph.readers_len(id) > 0;
        if kept {
            continue;
        }
        let operands = graph.operands(id);
        graph.remove(id);
        doomed.extend(operands.into_iter().map(|(_, operand)| operand));
    }
}

/// Gives `reader` floats of its own at `port`, in place of what it read there.
pub(crate) fn set_floats(
    graph: &mut Graph,
    reader: NodeId,
    port: usize,
    shape: impl Into<Vec<usize>>,
    values: Vec<f32>,
) {
    let old = graph.operand(reader, port);
    let name = old.map_or_else(
        || format!("{}.{port}", graph.node(reader).name),
        |old| graph.node(old).name.clone(),
    );
    let new = graph.add_const(name, shape, Values::F32(values));
    graph.connect(new, reader, Port(port));
    if let Some(old) = old {
        retire(graph, old);
    }
}

/// Puts operators one behind the other after `value`, each with the word behind the name of `id` and the shape of its
/// result; the last one.
pub(crate) fn put_steps(
    graph: &mut Graph,
    id: NodeId,
    mut value: NodeId,
    steps: impl IntoIterator<Item = (&'static str, Op, Vec<usize>)>,
) -> NodeId {
    for (step, op, shape) in steps {
        let out = Tensor { shape, ..x_tensor(graph, id).clone() };
        value = graph.add(format!("{}.{step}", graph.node(id).name), op, out, &[value]);
    }
    value
}

/// Makes `reader` read `new` at `port`, and retires what it read there.
pub(crate) fn reconnect(graph: &mut Graph, reader: NodeId, port: usize, new: NodeId) {
    let old = graph.operand(reader, port);
    graph.connect(new, reader, Port(port));
    if let Some(old) = old.filter(|old| *old != new) {
        retire(graph, old);
    }
}

/// The operand of `id` at port 0. Only `Input` and `Const` have none.
pub(crate) fn x(graph: &Graph, id: NodeId) -> NodeId {
    graph.operand(id, 0).expect("verified operators have their operands")
}

/// The tensor `id` reads at port 0.
pub(crate) fn x_tensor(graph: &Graph, id: NodeId) -> &Tensor {
    &graph.node(x(graph, id)).out
}

/// The one reader of `id`, or the reason why there is none.
pub(crate) fn sole_reader(graph: &Graph, id: NodeId) -> Attempt<NodeId> {
    graph.only_reader(id).ok_or_else(|| {
        let readers = match (graph.readers_len(id), graph.is_output(id)) {
            (_, true) => "is an output of the model".to_owned(),
            (count, false) => format!("has {count} readers"),
        };
        Skip::new(graph, id, format!("{} {readers}", graph.node(id).op.name()))
    })
}
