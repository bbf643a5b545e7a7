//! Makes float operators between dequantize and quantize quantised operators.
//!
//! ```text
//! quantize(clamp(conv(dequantize(x), unpack(w), unpack(b))))  ->  qconv(x, w, b) within bounds
//! quantize(add(matmul(dequantize(x), unpack(w)), unpack(b)))  ->  qdense(x, w, b)
//! quantize(add(dequantize(a), dequantize(b)))                 ->  qadd(a, b)
//! quantize(f(dequantize(x))), f of each element by itself     ->  table(x)
//! quantize(softmax(dequantize(x))), where there are no floats  ->  qsoftmax(x)
//! quantize(reshape(dequantize(x)))                            ->  reshape(x)
//! flip(reshape(flip(x)))                                      ->  reshape(x)
//! ```
//! Operators that match nothing stay in floats between bytes, their weights unpacked, and mean the same.

pub mod floats;
mod function;
mod layer;
mod merge;
mod moves;
mod pair;
mod unpack;

use crate::error::Result;
use crate::ir::{Affine, Arithmetic, Bounds, Clamp, Graph, NodeId, Op, Quant};
use crate::pass::edit::{replace, sole_reader, x};
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// Legalizes quantised operators; the number of rewrites.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    let mut count = fixpoint(graph, skips, rewrite);
    // What has not become bytes by now does not, so its weights may become floats.
    count += fixpoint(graph, &mut Skips::new(), layer::to_floats);
    count += fixpoint(graph, &mut Skips::new(), unpack::to_floats);
    Ok(count)
}

fn rewrite(graph: &mut Graph, id: NodeId) -> Attempt {
    match graph.node(id).op.clone() {
        Op::Quant(Quant::Quantize(to)) => legalize(graph, id, to),
        Op::Quant(Quant::Flip) => {
            Ok(moves::cancel_flips(graph, id) || moves::raise_flip(graph, id))
        }
        Op::Quant(Quant::Table(table)) => {
            Ok(merge::table(graph, id, &table) || moves::raise_table(graph, id, &table))
        }
        Op::Reshape | Op::Transpose(_) if reads_unpacked(graph, id) => Ok(unpack::sink(graph, id)),
        op if op.moves() => Ok(moves::sink_dequantize(graph, id)),
        // What computes in floats stays until its result is quantised.
        _ => Ok(false),
    }
}

/// Computes the operand of the quantize `id` in u8.
fn legalize(graph: &mut Graph, id: NodeId, to: Affine) -> Attempt {
    let value = through(graph, x(graph, id));
    if let Some((bytes, from)) = dequantized(graph, value) {
        let made = if from == to { bytes } else { function::rescale(graph, id, bytes, [from, to]) };
        replace(graph, id, made);
        return Ok(true);
    }
    if moves::raise_quantize(graph, id, to) || function::look_up(graph, id, to) {
        return Ok(true);
    }
    let (value, bounds) = clamped(graph, value, to);
    let made = match &graph.node(value).op {
        Op::Conv(_) | Op::Gemm(_) | Op::MatMul => layer::legalize(graph, value, to, bounds)?,
        Op::Binary(_) => match layer::biased(graph, value) {
            Some(sum) => layer::legalize_sum(graph, value, sum, (to, bounds))?,
            None => pair::legalize(graph, value, to, bounds)?,
        },
        Op::Softmax(_) if graph.arithmetic != Arithmetic::Float && bounds == Bounds::ALL => {
            pair::legalize_softmax(graph, value, to)?
        }
        Op::Reduce(_) | Op::Pool(_) => {
            let mean = pair::legalize_mean(graph, value, to)?;
            if bounds == Bounds::ALL { mean } else { function::within(graph, mean, bounds) }
        }
        // Operators without a form on bytes compute in floats.
        _ => return Ok(false),
    };
    replace(graph, id, made);
    Ok(true)
}

/// The operand of the clamps at `value`, and their bounds in bytes; clamps are followed while only they read it.
fn clamped(graph: &Graph, mut value: NodeId, to: Affine) -> (NodeId, Bounds) {
    let mut bounds = Bounds::ALL;
    while let Op::Clamp(Clamp { lo, hi }) = graph.node(value).op {
        let byte = |x| bound(graph.arithmetic, to, x);
        bounds = Bounds { lo: byte(lo), hi: byte(hi) }.then(bounds);
        value = through(graph, x(graph, value));
    }
    (value, bounds)
}

/// The byte of a bound; TensorFlow Lite rounds halves away from zero.
fn bound(by: Arithmetic, to: Affine, x: f32) -> u8 {
    match by {
        Arithmetic::Float | Arithmetic::Fixed => to.quantize(x),
        Arithmetic::Tflite | Arithmetic::TfliteDense => {
            ((x / to.scale).round() + f32::from(to.zero)).clamp(0.0, 255.0) as u8
        }
    }
}

/// `id`, or what it copies.
fn through(graph: &Graph, mut id: NodeId) -> NodeId {
    while graph.node(id).op == Op::Identity {
        id = x(graph, id);
    }
    id
}

/// The bytes that `id` is the reals of.
fn dequantized(graph: &Graph, id: NodeId) -> Option<(NodeId, Affine)> {
    let id = through(graph, id);
    match graph.node(id).op {
        Op::Quant(Quant::Dequantize(affine)) => Some((x(graph, id), affine)),
        // Nothing else makes floats of bytes with a scale.
        _ => None,
    }
}

fn reads_unpacked(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.node(x(graph, id)).op, Op::Quant(Quant::Unpack(_)))
}

/// Refuses a value that has a reader in floats: behind clamps and copies, one quantize must be all that reads it.
fn only_quantized(graph: &Graph, value: NodeId) -> Attempt<()> {
    let mut reader = sole_reader(graph, value)?;
    while matches!(graph.node(reader).op, Op::Clamp(_) | Op::Identity) {
        reader = sole_reader(graph, reader)?;
    }
    match graph.node(reader).op {
        Op::Quant(Quant::Quantize(_)) => Ok(()),
        // Any other reader takes the floats themselves.
        _ => Err(Skip::new(graph, value, "its result is read in floats")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Binary, Dtype, Softmax, Tensor, Unpack, Values};
    use crate::pass::fixture::{Net, golden, left, refusals, same};

    const FINE: Affine = Affine { scale: 0.02, zero: 100 };
    const COARSE: Affine = Affine { scale: 0.05, zero: 0 };

    #[test]
    fn floats_between_bytes_are_refused_where_there_are_no_floats() {
        for between in [false, true] {
            let mut net = Net::default();
            let x = net.input(&[1, 4]);
            let x = reals(&mut net, x, FINE);
            let table = net.clamp(x, Clamp::RELU6);
            let bytes = reals(&mut net, table, FINE);
            let softmax = net.put(Op::Softmax(Softmax { axis: 1, log: false }), &[bytes]);
            let y = if between { reals(&mut net, softmax, FINE) } else { softmax };
            let mut graph = net.answer(&[y]);
            run(&mut graph, &mut Skips::new()).expect("the graph is sound");
            let refusal = floats::refuse(&graph).err().map(|error| error.to_string());
            let told = refusal.as_ref().is_some_and(|error| error.starts_with("softmax \""));
            assert_eq!(told, between, "{refusal:?}\n{graph}");
        }
    }

    #[test]
    fn a_softmax_between_bytes_computes_on_bytes_where_there_are_no_floats() {
        for (to, log, operators) in [
            (COARSE, false, "input quantize qsoftmax dequantize"),
            (COARSE, true, "input quantize dequantize log_softmax quantize dequantize"),
            (
                Affine { scale: 1e-9, zero: 0 },
                false,
                "input quantize dequantize softmax quantize dequantize",
            ),
        ] {
            let mut net = Net::default();
            let x = net.input(&[2, 4]);
            let bytes = reals(&mut net, x, FINE);
            let softmax = net.put(Op::Softmax(Softmax { axis: 1, log }), &[bytes]);
            let y = reals(&mut net, softmax, to);
            let mut graph = net.answer(&[y]);
            graph.arithmetic = Arithmetic::Fixed;
            assert_eq!(left(run, graph), operators);
        }
    }

    #[test]
    fn tensorflow_lite_has_a_softmax_of_256_steps_alone() {
        for (scale, zero, left_as) in [
            (1.0 / 256.0, 0, "input quantize qsoftmax dequantize"),
            (1.0 / 256.0, 1, "input quantize dequantize softmax quantize dequantize"),
            (1.0 / 255.0, 0, "input quantize dequantize softmax quantize dequantize"),
        ] {
            let mut net = Net::default();
            let x = net.input(&[2, 4]);
            let bytes = reals(&mut net, x, FINE);
            let softmax = net.put(Op::Softmax(Softmax { axis: 1, log: false }), &[bytes]);
            let y = reals(&mut net, softmax, Affine { scale, zero });
            let mut graph = net.answer(&[y]);
            graph.arithmetic = Arithmetic::Tflite;
            assert_eq!(left(run, graph), left_as);
        }
    }

    #[test]
    fn tensorflow_lite_averages_bytes_of_one_scale_alone() {
        let pool = crate::ir::Pool {
            kind: crate::ir::PoolKind::Average,
            kernel: [3, 3],
            stride: [1, 1],
            dilation: [1, 1],
            pads: [0; 4],
        };
        for (to, left_as) in [
            (FINE, "input quantize qaverage dequantize"),
            (COARSE, "input quantize dequantize average_pool quantize dequantize"),
        ] {
            let mut net = Net::default();
            let x = net.input(&[1, 2, 3, 3]);
            let x = reals(&mut net, x, FINE);
            let pooled = net.put(Op::Pool(pool.clone()), &[x]);
            let y = reals(&mut net, pooled, to);
            let mut graph = net.answer(&[y]);
            graph.arithmetic = Arithmetic::Tflite;
            assert_eq!(left(run, graph), left_as);
        }
    }

    #[test]
    fn factors_of_tensorflow_lite_are_of_f64_but_for_a_matrix_of_one_scale() {
        let factors = |matrix: bool, scales: Vec<f32>| {
            let mut net = Net::default();
            let x = net.input(if matrix { &[1, 2] } else { &[1, 2, 3, 3] });
            let x = reals(&mut net, x, FINE);
            let shape: &[usize] = if matrix { &[2, 2] } else { &[2, 2, 1, 1] };
            let integers = net.constant(shape, Values::I8(vec![100, -50, 70, 90]));
            let (axis, zeros) = (usize::from(matrix), vec![0; scales.len()]);
            let w = Op::Quant(Quant::Unpack(Unpack { axis, scales, zeros }));
            let w = net.put(w, &[integers]);
            let op = if matrix { Op::MatMul } else { Op::Conv(same(1)) };
            let y = net.put(op, &[x, w]);
            let y = reals(&mut net, y, COARSE);
            let mut graph = net.answer(&[y]);
            graph.arithmetic = Arithmetic::Tflite;
            run(&mut graph, &mut Skips::new()).expect("the graph is sound");
            let requant = |id: NodeId| match &graph.node(id).op {
                Op::Quant(quant) => quant.requant().cloned(),
                // Layers on bytes are quantised.
                _ => None,
            };
            let layer = graph.ids().into_iter().find_map(requant).expect("there is a layer");
            layer.multipliers[0]
        };
        let exact = |x: f32, w: f32| f64::from(x) * f64::from(w) / f64::from(COARSE.scale);
        let one = f64::from(FINE.scale * 0.3_f32) / f64::from(COARSE.scale);
        assert_ne!(one, exact(FINE.scale, 0.3));
        assert_eq!(factors(true, vec![0.3]), one);
        assert_eq!(factors(true, vec![0.3, 0.3]), exact(FINE.scale, 0.3));
        assert_eq!(factors(false, vec![0.3]), exact(FINE.scale, 0.3));
    }

    fn quantize(net: &mut Net, x: NodeId, affine: Affine) -> NodeId {
        net.typed(Op::Quant(Quant::Quantize(affine)), Dtype::U8, &[x])
    }

    fn reals(net: &mut Net, x: NodeId, affine: Affine) -> NodeId {
        let bytes = quantize(net, x, affine);
        net.put(Op::Quant(Quant::Dequantize(affine)), &[bytes])
    }

    fn unpack(net: &mut Net, shape: &[usize], values: Values, scales: Vec<f32>) -> NodeId {
        let integers = net.constant(shape, values);
        let zeros = vec![0; scales.len()];
        net.put(Op::Quant(Quant::Unpack(Unpack { axis: 0, scales, zeros })), &[integers])
    }

    /// A convolution of 2 channels to 2 with weights and a bias of integers.
    fn conv(net: &mut Net, x: NodeId, from: Affine) -> NodeId {
        let scales = vec![0.01, 0.02];
        let units = scales.iter().map(|scale| scale * from.scale).collect();
        let w = unpack(net, &[2, 2, 1, 1], Values::I8(vec![100, -50, 70, 90]), scales);
        let b = unpack(net, &[2], Values::I32(vec![300, -500]), units);
        net.put(Op::Conv(same(1)), &[x, w, b])
    }

    #[test]
    fn a_layer_between_bytes_computes_on_bytes() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 3, 3]);
        let x = reals(&mut net, x, FINE);
        let conv = conv(&mut net, x, FINE);
        let bounded = net.clamp(conv, Clamp::RELU6);
        let bounded = reals(&mut net, bounded, COARSE);
        let sum = net.add(bounded, x);
        let y = reals(&mut net, sum, FINE);
        golden("legalize_quant", run, net.answer(&[y]));
    }

    #[test]
    fn weights_that_no_layer_on_bytes_takes_become_floats() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 3, 3]);
        let y = conv(&mut net, x, FINE);
        assert_eq!(left(run, net.answer(&[y])), "input conv");
    }

    #[test]
    fn a_value_that_is_read_in_floats_stays_in_floats() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 3, 3]);
        let (a, b) = (reals(&mut net, x, FINE), reals(&mut net, x, COARSE));
        let z = net.add(a, b);
        let y = reals(&mut net, z, FINE);
        let operators = left(run, net.answer(&[y, z]));
        assert_eq!(
            operators,
            "input quantize dequantize quantize dequantize add quantize dequantize"
        );
    }

    #[test]
    fn a_sum_of_reals_that_are_no_bytes_is_refused() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 3, 3]);
        let sum = net.add(x, x);
        let y = reals(&mut net, sum, FINE);
        assert_eq!(refusals(run, net.answer(&[y])), ["an operand is no bytes"]);
    }

    #[test]
    fn moves_go_to_the_side_of_bytes() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 3, 3]);
        let x = reals(&mut net, x, FINE);
        let turned = net.put(Op::Transpose(vec![0, 2, 3, 1]), &[x]);
        let flat = net.shaped(Op::Reshape, &[1, 18], &[turned]);
        let y = reals(&mut net, flat, FINE);
        let operators = left(run, net.answer(&[y]));
        assert_eq!(operators, "input quantize transpose reshape dequantize");
    }

    #[test]
    fn a_table_of_padded_bytes_looks_up_before_they_are_padded() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 3, 3]);
        let x = reals(&mut net, x, FINE);
        let mode = crate::ir::PadMode::Constant(0.0);
        let pad = crate::ir::Pad { before: vec![0, 0, 1, 0], after: vec![0; 4], mode };
        let padded = net.put(Op::Pad(pad), &[x]);
        let y = reals(&mut net, padded, COARSE);
        let (after, _) = crate::pass::fixture::rewrite(run, net.answer(&[y]));
        assert_eq!(left(run, after.clone()), "input quantize table pad dequantize");
        assert!(after.to_string().contains(" with 0 ->"), "{after}");
    }

    #[test]
    fn a_table_that_only_bounds_becomes_the_bounds_of_what_it_reads() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 3, 3]);
        let (a, b) = (reals(&mut net, x, FINE), reals(&mut net, x, COARSE));
        let product = net.put(Op::Binary(Binary::Mul), &[a, b]);
        let product = reals(&mut net, product, FINE);
        let bounded = net.clamp(product, Clamp { lo: -0.5, hi: 1.0 });
        let y = reals(&mut net, bounded, FINE);
        let (after, _) = crate::pass::fixture::rewrite(run, net.answer(&[y]));
        let text = after.to_string();
        assert!(text.contains("within 75..150") && !text.contains("table"), "{text}");
    }

    #[test]
    fn a_byte_is_flipped_once() {
        let out = Tensor { dtype: Dtype::U8, ..Tensor::f32([2]) };
        let mut graph = Graph::default();
        let x = graph.add_input("x", Tensor { dtype: Dtype::I8, ..out.clone() });
        let there = graph.add("there", Op::Quant(Quant::Flip), out.clone(), &[x]);
        let back = graph.add("back", Op::Quant(Quant::Flip), graph.node(x).out.clone(), &[there]);
        let again = graph.add("again", Op::Quant(Quant::Flip), out, &[back]);
        graph.outputs.push(crate::ir::Output { name: "y".into(), node: again });
        assert_eq!(run(&mut graph, &mut Skips::new()), Ok(1));
        assert_eq!(x_of_output(&graph), x);
    }

    #[test]
    fn flips_meet_over_several_moves() {
        let bytes = |dtype, shape: &[usize]| Tensor { dtype, ..Tensor::f32(shape.to_vec()) };
        let mut graph = Graph::default();
        let x = graph.add_input("x", bytes(Dtype::U8, &[2, 3]));
        let flip = || Op::Quant(Quant::Flip);
        let there = graph.add("there", flip(), bytes(Dtype::I8, &[2, 3]), &[x]);
        let turned =
            graph.add("turned", Op::Transpose(vec![1, 0]), bytes(Dtype::I8, &[3, 2]), &[there]);
        let both = graph.add("both", Op::Concat(0), bytes(Dtype::I8, &[6, 2]), &[turned, turned]);
        let row = graph.add("row", Op::Reshape, bytes(Dtype::I8, &[12]), &[both]);
        let y = graph.add("y", flip(), bytes(Dtype::U8, &[12]), &[row]);
        graph.outputs.push(crate::ir::Output { name: "y".into(), node: y });
        run(&mut graph, &mut Skips::new()).unwrap();
        assert!(!graph.to_string().contains("flip"), "{graph}");
        assert_eq!(crate::ir::verify::verify(&graph), []);
    }

    fn x_of_output(graph: &Graph) -> NodeId {
        x(graph, graph.outputs[0].node)
    }
}
