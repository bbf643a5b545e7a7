//! Assigns a layout to every tensor, and moves elements only where that cannot be helped.
//!
//! ```text
//! conv(input nchw)                  ->  the conv reads planes, its result is nhwc
//! conv(transpose(input as n,h,w,c)) ->  the transpose is a view
//! reshape(conv(x)), more than one pixel  ->  reshape(relayout(conv(x)))
//! output = conv(x)                  ->  output = relayout(conv(x))
//! ```
//! Images are NHWC for convolutions and pools; what treats all elements alike takes whichever layout it finds.
//! Model inputs and outputs are row-major, and so are several images that no window reads. A constant has no layout: it is
//! packed for its reader.

use crate::error::Result;
use crate::ir::op::traits::Layouts;
use crate::ir::view::{base, is_view, moves_nothing};
use crate::ir::{Graph, Layout, NodeId, Op, Tensor};
use crate::pass::Skips;
use crate::pass::edit::{x, x_tensor};

/// Assigns layouts; the number of tensors whose layout changed and of relayouts inserted.
pub fn run(graph: &mut Graph, _: &mut Skips) -> Result<usize> {
    let mut count = 0;
    for id in graph.order().expect("verified graphs are acyclic") {
        let layout = result_layout(graph, id);
        count += usize::from(graph.node(id).out.layout != layout);
        graph.node_mut(id).out.layout = layout;
        for (port, operand) in graph.operands(id) {
            let wanted = wanted_layout(graph, id, port.0);
            if let Some(layout) = wanted.filter(|layout| differs(graph, operand, *layout)) {
                let (moved, added) = relayout(graph, operand, layout);
                graph.connect(moved, id, port);
                count += added;
            }
        }
    }
    Ok(count + legalize_outputs(graph))
}

/// Gives row-major order back to the outputs.
fn legalize_outputs(graph: &mut Graph) -> usize {
    let mut count = 0;
    for index in 0..graph.outputs.all().len() {
        let node = graph.outputs.all()[index].node;
        if differs(graph, node, Layout::RowMajor) {
            let (moved, added) = relayout(graph, node, Layout::RowMajor);
            graph.outputs.set(index, moved);
            count += added;
        }
    }
    count
}

/// The layout of `id`'s result, when its operands are legalized.
fn result_layout(graph: &Graph, id: NodeId) -> Layout {
    let node = graph.node(id);
    let traits = node.op.traits();
    if node.out.shape.len() != 4 || (node.out.shape[0] != 1 && !traits.takes_images()) {
        return Layout::RowMajor;
    }
    match traits.layouts {
        Layouts::Source | Layouts::Rows => Layout::RowMajor,
        Layouts::Pixels | Layouts::Convolution => Layout::Nhwc,
        Layouts::Converted if readers_layout(graph, id) == Layout::Nhwc => Layout::Nhwc,
        Layouts::Own => node.out.layout,
        Layouts::Permuted => {
            view_layout(graph, id, x_tensor(graph, id)).unwrap_or_else(|| readers_layout(graph, id))
        }
        Layouts::Regrouped => reshaped_layout(graph, id),
        Layouts::Reduced(_) if x_tensor(graph, id).shape.len() != 4 => Layout::RowMajor,
        Layouts::Reduced(_) | Layouts::Alike | Layouts::Converted => common_layout(graph, id),
    }
}

/// The layout that makes a transpose or reshape of `from` a view.
fn view_layout(graph: &Graph, id: NodeId, from: &Tensor) -> Option<Layout> {
    let node = graph.node(id);
    let lies = |layout| Tensor { layout, ..node.out.clone() };
    let is_view = |layout: &Layout| moves_nothing(&node.op, from, &lies(*layout));
    [Layout::Nhwc, Layout::RowMajor].into_iter().find(is_view)
}

/// The layout of a reshape, which is a view of its operand as it lies or else as it will lie in rows.
fn reshaped_layout(graph: &Graph, id: NodeId) -> Layout {
    let from = x_tensor(graph, id);
    let rows = Tensor { layout: Layout::RowMajor, ..from.clone() };
    let layout = view_layout(graph, id, from).or_else(|| view_layout(graph, id, &rows));
    layout.unwrap_or(Layout::RowMajor)
}

/// The layout that saves the readers of a transpose a second move.
fn readers_layout(graph: &Graph, id: NodeId) -> Layout {
    let readers = graph.readers(id);
    if readers.iter().any(|(reader, _)| graph.node(*reader).op.traits().takes_images()) {
        Layout::Nhwc
    } else {
        Layout::RowMajor
    }
}

/// Row-major if all operands for which that makes a difference are, else NHWC.
fn common_layout(graph: &Graph, id: NodeId) -> Layout {
    let mut operands = graph.operands(id).into_iter().map(|(_, operand)| operand);
    let in_rows = |id: &NodeId| differs(graph, *id, Layout::Nhwc);
    let mut decided =
        operands.by_ref().filter(|id| in_rows(id) || differs(graph, *id, Layout::RowMajor));
    match decided.next() {
        Some(first) if in_rows(&first) && decided.all(|id| in_rows(&id)) => Layout::RowMajor,
        Some(_) | None => Layout::Nhwc,
    }
}

/// The layout that `id` needs of its operand at `port`, if any.
fn wanted_layout(graph: &Graph, id: NodeId, port: usize) -> Option<Layout> {
    let node = graph.node(id);
    match node.op.traits().layouts {
        Layouts::Convolution if port == 0 && is_from_input(graph, x(graph, id)) => None,
        Layouts::Convolution if port == 1 || port == 2 => Some(Layout::RowMajor),
        Layouts::Convolution | Layouts::Pixels => Some(Layout::Nhwc),
        Layouts::Converted if node.out.layout == Layout::Nhwc => None,
        Layouts::Rows => Some(Layout::RowMajor),
        Layouts::Regrouped => (!is_view(graph, id)).then_some(Layout::RowMajor),
        Layouts::Reduced(axes) if x_tensor(graph, id).shape.len() != node.out.shape.len() => {
            let sorted = keeps_order(x_tensor(graph, id), &axes);
            (!sorted).then_some(Layout::RowMajor)
        }
        Layouts::Source | Layouts::Permuted | Layouts::Own | Layouts::Reduced(_) => None,
        Layouts::Alike | Layouts::Converted => Some(node.out.layout),
    }
}

/// True if `id` is an input of the model, or a view of one: convolutions read its planes as they are.
fn is_from_input(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.node(base(graph, id)).op, Op::Input)
}

/// True if the dimensions that are not reduced lie in their logical order.
fn keeps_order(tensor: &Tensor, axes: &[usize]) -> bool {
    let strides = tensor.strides();
    let kept = |axis: &usize| tensor.shape[*axis] != 1 && !axes.contains(axis);
    let kept: Vec<usize> = (0..strides.len()).filter(kept).map(|axis| strides[axis]).collect();
    kept.is_sorted_by(|outer, inner| outer > inner)
}

/// True if a computed image would have to be moved to lie in `layout`.
fn differs(graph: &Graph, id: NodeId, layout: Layout) -> bool {
    let node = graph.node(id);
    node.out.shape.len() == 4
        && node.out.layout != layout
        && !matches!(node.op, Op::Const(_))
        && !lies_alike(&node.out)
}

/// True if an image lies alike in both layouts.
fn lies_alike(picture: &Tensor) -> bool {
    let nhwc = Tensor { layout: Layout::Nhwc, ..picture.clone() };
    nhwc.lies_in_rows()
}

/// `id` in another layout, and how many nodes that took.
fn relayout(graph: &mut Graph, id: NodeId, layout: Layout) -> (NodeId, usize) {
    let fits = |reader: &NodeId| {
        let node = graph.node(*reader);
        node.op == Op::Relayout && node.out.layout == layout
    };
    let readers = graph.readers(id).into_iter().map(|(reader, _)| reader);
    if let Some(present) = readers.into_iter().find(fits) {
        return (present, 0);
    }
    let out = Tensor { layout, ..graph.node(id).out.clone() };
    let name = format!(
        "{}.{}",
        graph.node(id).name,
        match layout {
            Layout::Nhwc => "nhwc",
            Layout::RowMajor => "rows",
        }
    );
    (graph.add(name, Op::Relayout, out, &[id]), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Binary, Clamp, Reducer};
    use crate::pass::fixture::{Net, golden, left, rewrite, same};

    fn reduce(axes: &[usize]) -> Op {
        Op::Reduce(crate::ir::Reduce { kind: Reducer::Mean, axes: axes.to_vec() })
    }

    #[test]
    fn planes_go_in_and_come_out() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 4]);
        let conv = net.conv(x, 2, same(3));
        let (scale, pooled) = (net.ramp(&[2, 1, 1]), net.shaped(reduce(&[2, 3]), &[1, 2], &[conv]));
        let y = net.put(Op::Binary(Binary::Mul), &[conv, scale]);
        golden("legalize_layout", run, net.answer(&[y, pooled]));
    }

    #[test]
    fn a_model_of_nhwc_pictures_moves_nothing() {
        let mut net = Net::default();
        let x = net.input(&[1, 4, 5, 3]);
        let planes = net.put(Op::Transpose(vec![0, 3, 1, 2]), &[x]);
        let conv = net.conv(planes, 2, same(3));
        let y = net.put(Op::Transpose(vec![0, 2, 3, 1]), &[conv]);
        golden("legalize_layout_nhwc", run, net.answer(&[y]));
    }

    #[test]
    fn work_between_two_transposes_needs_no_move() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 4]);
        let conv = net.conv(x, 2, same(3));
        let there = net.put(Op::Transpose(vec![0, 2, 3, 1]), &[conv]);
        let work = net.clamp(there, Clamp::RELU);
        let back = net.put(Op::Transpose(vec![0, 3, 1, 2]), &[work]);
        let conv = net.conv(back, 2, same(3));
        let y = net.shaped(reduce(&[2, 3]), &[1, 2], &[conv]);
        let (after, _) = rewrite(run, net.answer(&[y]));
        assert!(is_view(&after, there) && is_view(&after, back), "{after}");
        assert_eq!(left(run, after), "input conv transpose clamp transpose conv reduce_mean");
    }

    #[test]
    fn a_flattened_picture_is_moved_and_one_pixel_is_not() {
        let flattened = |size| {
            let mut net = Net::default();
            let x = net.input(&[1, 3, size, size]);
            let conv = net.conv(x, 2, same(3));
            let y = net.shaped(Op::Reshape, &[1, 2 * size * size], &[conv]);
            left(run, net.answer(&[y]))
        };
        assert_eq!(flattened(4), "input conv relayout reshape");
        assert_eq!(flattened(1), "input conv reshape");
    }

    #[test]
    fn a_reshape_is_legal_at_once_when_its_operand_has_to_move() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 4]);
        let conv = net.conv(x, 8, crate::ir::Conv { kernel: [4, 4], pads: [0; 4], ..same(1) });
        let pairs = net.shaped(Op::Reshape, &[1, 2, 4, 1], &[conv]);
        let turned = net.put(Op::Transpose(vec![0, 2, 1, 3]), &[pairs]);
        let y = net.shaped(Op::Reshape, &[1, 8, 1, 1], &[turned]);
        let ops = "input conv reshape transpose relayout reshape";
        assert_eq!(left(run, net.answer(&[y])), ops);
    }

    #[test]
    fn one_relayout_serves_all_who_need_it() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 4]);
        let conv = net.conv(x, 3, same(3));
        let (sum, max) = (net.add(conv, x), net.put(Op::Binary(Binary::Max), &[conv, x]));
        let a = net.shaped(reduce(&[2, 3]), &[1, 3], &[sum]);
        let b = net.shaped(reduce(&[2, 3]), &[1, 3], &[max]);
        let (after, _) = rewrite(run, net.answer(&[a, b]));
        let relayouts = after.ids().into_iter().filter(|id| after.node(*id).op == Op::Relayout);
        assert_eq!(relayouts.count(), 1, "{after}");
    }

    #[test]
    fn a_reduction_that_mixes_what_it_keeps_reads_rows() {
        let reduced = |axes: &[usize], shape: &[usize]| {
            let mut net = Net::default();
            let x = net.input(&[1, 3, 4, 5]);
            let conv = net.conv(x, 2, same(3));
            let y = net.shaped(reduce(axes), shape, &[conv]);
            left(run, net.answer(&[y]))
        };
        assert_eq!(reduced(&[1], &[1, 4, 5]), "input conv reduce_mean");
        assert_eq!(reduced(&[3], &[1, 2, 4]), "input conv relayout reduce_mean");
    }
}
