//! Leaves the quantisation of an input to the caller, who writes it into the arena or gives it row by row.
//!
//! ```text
//! quantize(input f32)    ->  input u8, and the scale that the caller quantises it with
//! qconv(input u8, lent)  ->  qconv(relayout(input)), for convolutions of bytes read no planes
//! view(quantize(input))  ->  quantize(view(input)), where it is lent, so that its bytes are an image by their shape
//! ```
//! Not one of the passes: an input that the caller lends stays what the model says it is.

use crate::ir::view::{base, is_view};
use crate::ir::{Affine, Dtype, Graph, Layout, NodeId, Op, Port, Quant, Tensor};
use crate::objective::Feed;
use crate::pass::edit::{replace, x};

/// Makes inputs that are only quantised bytes, where `feed` says that the caller brings them.
pub fn run(graph: &mut Graph, feed: Feed) {
    if feed == Feed::Caller {
        see_pictures(graph);
        return interleave(graph);
    }
    for input in graph.inputs.clone() {
        let Some((reader, scale)) = quantiser(graph, input) else { continue };
        graph.node_mut(input).out.dtype = Dtype::U8;
        graph.scales.insert(input, scale);
        replace(graph, reader, input);
    }
}

/// Quantises inputs as their readers see them.
fn see_pictures(graph: &mut Graph) {
    for input in graph.inputs.clone() {
        let Some((quantise, _)) = quantiser(graph, input) else { continue };
        while let Some(view) = graph.only_reader(quantise).filter(|view| is_view(graph, *view))
            && !graph.is_output(view)
        {
            let seen = x(graph, quantise);
            for (reader, port) in graph.readers(view) {
                graph.connect(quantise, reader, port);
            }
            graph.node_mut(quantise).out = graph.node(view).out.clone();
            graph.node_mut(view).out.dtype = Dtype::F32;
            graph.connect(seen, view, Port(0));
            graph.connect(view, quantise, Port(0));
        }
    }
}

/// Moves the planes of bytes that convolutions read into rows of pixels.
fn interleave(graph: &mut Graph) {
    for id in graph.ids() {
        if !matches!(graph.node(id).op, Op::Quant(Quant::Conv(_))) {
            continue;
        }
        let lent = x(graph, id);
        let pixels = Tensor { layout: Layout::Nhwc, ..graph.node(lent).out.clone() };
        let is_lent = graph.node(base(graph, lent)).op == Op::Input;
        if is_lent && graph.node(lent).out.layout == Layout::RowMajor && !pixels.lies_in_rows() {
            let name = format!("{}.nhwc", graph.node(lent).name);
            let moved = graph.add(name, Op::Relayout, pixels, &[lent]);
            graph.connect(moved, id, Port(0));
        }
    }
}

/// The operator that quantises an input for all who read it, and how.
fn quantiser(graph: &Graph, input: NodeId) -> Option<(NodeId, Affine)> {
    let reader = graph.only_reader(input)?;
    match graph.node(reader).op {
        Op::Quant(Quant::Quantize(scale)) if !graph.is_output(reader) => Some((reader, scale)),
        // Any other reader wants the floats.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Bounds, Clamp, Conv, Output, QConv, Requant, Tensor, To, Values};

    #[test]
    fn an_input_that_is_quantised_becomes_bytes() {
        let mut graph = Graph::default();
        let scale = Affine { scale: 0.5, zero: 7 };
        let x = graph.add_input("x", Tensor::f32([4]));
        let bytes = Tensor { dtype: Dtype::U8, ..Tensor::f32([4]) };
        let q = graph.add("q", Op::Quant(Quant::Quantize(scale)), bytes, &[x]);
        let y = graph.add("y", Op::Quant(Quant::Dequantize(scale)), Tensor::f32([4]), &[q]);
        graph.outputs.push(Output { name: "y".into(), node: y });
        let lent = graph.clone();
        run(&mut graph, Feed::Caller);
        assert_eq!(graph.operand(y, 0), lent.operand(y, 0));
        run(&mut graph, Feed::Arena);
        assert_eq!(graph.operand(y, 0), Some(x));
        assert_eq!((graph.node(x).out.dtype, graph.scales[&x]), (Dtype::U8, scale));
        assert!(crate::ir::verify::verify(&graph).is_empty());
    }

    #[test]
    fn a_picture_that_is_lent_is_quantised_as_its_readers_see_it() {
        let mut graph = Graph::default();
        let scale = Affine { scale: 0.5, zero: 7 };
        let typed = |dtype, shape: [usize; 4]| Tensor { dtype, ..Tensor::f32(shape) };
        let x = graph.add_input("x", Tensor::f32([1, 5, 4, 3]));
        let q = Op::Quant(Quant::Quantize(scale));
        let q = graph.add("q", q, typed(Dtype::U8, [1, 5, 4, 3]), &[x]);
        let seen = Tensor { layout: Layout::Nhwc, ..typed(Dtype::U8, [1, 3, 5, 4]) };
        let turn = Op::Transpose(vec![0, 3, 1, 2]);
        let turned = graph.add("turned", turn, seen.clone(), &[q]);
        let reals = Op::Quant(Quant::Dequantize(scale));
        let floats = Tensor { dtype: Dtype::F32, ..seen.clone() };
        let y = graph.add("y", reals, floats, &[turned]);
        graph.outputs.push(Output { name: "y".into(), node: y });
        run(&mut graph, Feed::Caller);
        assert_eq!([y, q, turned].map(|id| graph.operand(id, 0)), [Some(q), Some(turned), Some(x)]);
        assert_eq!((&graph.node(q).out, graph.node(turned).out.dtype), (&seen, Dtype::F32));
        assert_eq!(crate::ir::verify::verify(&graph), []);
    }

    #[test]
    fn planes_of_bytes_that_the_caller_lends_are_moved() {
        let bytes = |shape: [usize; 4]| Tensor { dtype: Dtype::U8, ..Tensor::f32(shape) };
        let mut graph = Graph::default();
        let picture = graph.add_input("picture", bytes([1, 3, 2, 2]));
        let w = graph.add_const("w", [1, 3, 1, 1], Values::I8(vec![1, 2, 3]));
        let conv = Conv {
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            pads: [0; 4],
            group: 1,
            clamp: Clamp::NONE,
            activation: None,
        };
        let to = To::Bytes { zero: 0, bounds: Bounds::ALL };
        let requant = Requant::new(vec![0.1], to);
        let conv = Op::Quant(Quant::Conv(QConv { conv, x_zero: 0, requant, residual: None }));
        let y = graph.add("y", conv, bytes([1, 1, 2, 2]), &[picture, w]);
        graph.outputs.push(Output { name: "y".into(), node: y });
        let mut brought = graph.clone();
        run(&mut brought, Feed::Rows);
        assert_eq!(brought.operand(y, 0), Some(picture));
        run(&mut graph, Feed::Caller);
        let moved = graph.node(graph.operand(y, 0).expect("it has one"));
        assert_eq!((&moved.op, moved.out.layout), (&Op::Relayout, Layout::Nhwc));
        assert_eq!(crate::ir::verify::verify(&graph), []);
    }
}
