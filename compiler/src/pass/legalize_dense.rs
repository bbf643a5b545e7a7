//! Gives matrix products their final form: with constant weights `x * w + bias`, `w` as `[k, n]`; else `a * b` alone.
//!
//! ```text
//! gemm(x, b, c) alpha beta b'  ->  dense(x, alpha * b', beta * c)
//! gemm(x, b, c), c no vector   ->  add(dense(x, b, 0), c)
//! matmul(x, b)                 ->  dense(x, b, 0)
//! gemm(a, b, c), b computed    ->  add(mul(matmul(a', b'), alpha), beta * c)
//! ```
//! An addition behind a product is `fold_bn`'s work; it finds the addition behind the rows of a product of many dimensions.

use crate::error::Result;
use crate::ir::{Binary, Clamp, Dense, Gemm, Graph, NodeId, Op, Port, Tensor, Values};
use crate::pass::constant::per_channel;
use crate::pass::edit::{reconnect, replace, retire, set_floats, x, x_tensor};
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// Legalizes matrix products; the number rewritten.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, |graph, id| match graph.node(id).op {
        Op::Gemm(gemm) => legalize_gemm(graph, id, gemm),
        Op::MatMul => legalize_matmul(graph, id),
        // The pass is about products alone.
        _ => Ok(false),
    }))
}

fn legalize_gemm(graph: &mut Graph, id: NodeId, gemm: Gemm) -> Attempt {
    if graph.constant_operand(id, 1).is_none() {
        expand_gemm(graph, id, gemm);
        return Ok(true);
    }
    let (weights, [rows, columns]) = matrix(graph, id)?;
    let (w, k, n) = if gemm.transpose_b {
        (transposed(&weights, columns), columns, rows)
    } else {
        (weights, rows, columns)
    };
    let w = w.into_iter().map(|value| gemm.alpha * value).collect();
    if gemm.transpose_a {
        transpose_operand(graph, id, 0);
    }
    let bias = take_bias(graph, id, gemm.beta).unwrap_or_else(|| vec![0.0; n]);
    make_dense(graph, id, (w, [k, n]), bias);
    Ok(true)
}

/// Makes a product by a computed matrix the operators that its attributes stand for.
fn expand_gemm(graph: &mut Graph, id: NodeId, gemm: Gemm) {
    for (port, transposed) in [gemm.transpose_a, gemm.transpose_b].into_iter().enumerate() {
        if transposed {
            transpose_operand(graph, id, port);
        }
    }
    let name = graph.node(id).name.clone();
    let c = graph.operand(id, 2);
    if let (Some(c), Some(bias)) = (c, take_bias(graph, id, gemm.beta)) {
        graph.disconnect(id, Port(2));
        retire(graph, c);
        let bias = graph.add_const(format!("{name}.bias"), [bias.len()], Values::F32(bias));
        follow(graph, id, Binary::Add, bias);
    }
    if gemm.alpha != 1.0 {
        let alpha = graph.add_const(format!("{name}.alpha"), [], Values::F32(vec![gemm.alpha]));
        follow(graph, id, Binary::Mul, alpha);
    }
    graph.node_mut(id).op = Op::MatMul;
}

fn legalize_matmul(graph: &mut Graph, id: NodeId) -> Attempt {
    let (w, [k, n]) = matrix(graph, id)?;
    if x_tensor(graph, id).shape.len() > 2 {
        flatten_rows(graph, id, k, n);
    }
    make_dense(graph, id, (w, [k, n]), vec![0.0; n]);
    Ok(true)
}

fn make_dense(graph: &mut Graph, id: NodeId, (w, shape): (Vec<f32>, [usize; 2]), bias: Vec<f32>) {
    set_floats(graph, id, 1, shape, w);
    set_floats(graph, id, 2, [bias.len()], bias);
    graph.node_mut(id).op = Op::Dense(Dense { clamp: Clamp::NONE, activation: None });
}

/// The constant that is the right operand, as a matrix.
fn matrix(graph: &Graph, id: NodeId) -> Attempt<(Vec<f32>, [usize; 2])> {
    let refused = |reason| Err(Skip::new(graph, id, reason));
    let Some(weights) = graph.constant_operand(id, 1) else {
        return refused("its right operand is computed, or no floats");
    };
    let shape = graph.operand(id, 1).map(|b| &graph.node(b).out.shape[..]);
    match shape {
        Some([ones @ .., k, n]) if ones.iter().all(|dim| *dim == 1) => {
            let fits = ones.len() + 2 <= x_tensor(graph, id).shape.len();
            if fits { Ok((weights.to_vec(), [*k, *n])) } else { refused("it adds dimensions") }
        }
        _ => refused("its right operand is a batch of matrices"),
    }
}

fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let column = |j| values.iter().skip(j).step_by(columns.max(1)).copied();
    (0..columns).flat_map(column).collect()
}

/// Puts a transpose before an operand, or transposes its numbers.
fn transpose_operand(graph: &mut Graph, id: NodeId, port: usize) {
    let operand = graph.operand(id, port).expect("verified operators have their operands");
    let mut out = graph.node(operand).out.clone();
    if let Some(values) = graph.constant_operand(id, port) {
        let [rows, columns] = [out.shape[0], out.shape[1]];
        let turned = transposed(values, columns);
        return set_floats(graph, id, port, [columns, rows], turned);
    }
    out.shape.reverse();
    let name = format!("{}.{}", graph.node(id).name, ["a", "b"][port]);
    let transpose = graph.add(name, Op::Transpose(vec![1, 0]), out, &[operand]);
    graph.connect(transpose, id, Port(port));
}

/// `beta * c` if it is one constant a column or absent; any other c becomes an addition behind the product.
fn take_bias(graph: &mut Graph, id: NodeId, beta: f32) -> Option<Vec<f32>> {
    let c = graph.operand(id, 2)?;
    let shape = graph.node(id).out.shape.clone();
    if beta == 0.0 {
        graph.disconnect(id, Port(2));
        retire(graph, c);
        return None;
    }
    if let Some(bias) = per_channel(graph, c, &shape, 1) {
        return Some(bias.into_iter().map(|value| beta * value).collect());
    }
    graph.disconnect(id, Port(2));
    let c = if beta == 1.0 { c } else { scaled(graph, c, beta) };
    follow(graph, id, Binary::Add, c);
    None
}

/// Puts a function of `id` and `other` behind `id`.
fn follow(graph: &mut Graph, id: NodeId, f: Binary, other: NodeId) {
    let out = graph.node(id).out.clone();
    let word = if f == Binary::Add { "sum" } else { "scaled" };
    let name = format!("{}.{word}", graph.node(id).name);
    let after = graph.insert_after(id, name, Op::Binary(f), out);
    graph.connect(other, after, Port(1));
}

/// `beta * c`: a constant, or a product if c is computed.
fn scaled(graph: &mut Graph, c: NodeId, beta: f32) -> NodeId {
    let out = graph.node(c).out.clone();
    let name = format!("{}.scaled", graph.node(c).name);
    if let Some(values) = graph.constant(c).and_then(Values::as_f32) {
        let values = values.iter().map(|value| beta * value).collect();
        return graph.add_const(name, out.shape, Values::F32(values));
    }
    let factor = graph.add_const(format!("{name}.beta"), [], Values::F32(vec![beta]));
    graph.add(name, Op::Binary(Binary::Mul), out, &[c, factor])
}

/// Reshapes operands so that the product sees all but the last dimension as rows.
fn flatten_rows(graph: &mut Graph, id: NodeId, k: usize, n: usize) {
    let (a, out) = (x(graph, id), graph.node(id).out.clone());
    let rows = out.shape.iter().rev().skip(1).product::<usize>();
    let name = graph.node(id).name.clone();
    let flat = |columns| Tensor { shape: vec![rows, columns], ..out.clone() };
    let view = graph.add(format!("{name}.rows"), Op::Reshape, flat(k), &[a]);
    reconnect(graph, id, 0, view);
    graph.node_mut(id).out = flat(n);
    let unrowed = graph.insert_after(id, format!("{name}.unrowed"), Op::Reshape, out.clone());
    let mut last = id;
    while let Some((reader, f, numbers)) = by_column(graph, unrowed) {
        let name = graph.node(reader).name.clone();
        last = graph.insert_after(last, name.clone(), Op::Binary(f), flat(n));
        let numbers = graph.add_const(format!("{name}.columns"), [n], Values::F32(numbers));
        graph.connect(numbers, last, Port(1));
        replace(graph, reader, unrowed);
    }
}

/// The only reader of `id`, if it adds or multiplies by one number a column.
fn by_column(graph: &Graph, id: NodeId) -> Option<(NodeId, Binary, Vec<f32>)> {
    let reader = graph.only_reader(id)?;
    let Op::Binary(f @ (Binary::Add | Binary::Mul)) = graph.node(reader).op else { return None };
    let shape = &graph.node(id).out.shape;
    let other = graph.operands(reader).into_iter().find(|(_, operand)| *operand != id)?.1;
    let numbers = per_channel(graph, other, shape, shape.len() - 1)?;
    (graph.node(reader).out.shape == *shape).then_some((reader, f, numbers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::fixture::{Net, golden, left, refusals};

    const PLAIN: Gemm = Gemm { alpha: 1.0, beta: 1.0, transpose_a: false, transpose_b: false };

    #[test]
    fn factors_and_transposes_go_into_the_numbers() {
        let mut net = Net::default();
        let (x, w, c) = (net.input(&[2, 3]), net.ramp(&[4, 3]), net.ramp(&[1, 4]));
        let gemm = Gemm { alpha: 0.5, beta: 3.0, transpose_b: true, ..PLAIN };
        let y = net.put(Op::Gemm(gemm), &[x, w, c]);
        golden("legalize_dense", run, net.answer(&[y]));
    }

    #[test]
    fn a_transposed_left_operand_keeps_its_transpose() {
        let mut net = Net::default();
        let (x, w) = (net.input(&[3, 2]), net.ramp(&[3, 4]));
        let y = net.put(Op::Gemm(Gemm { transpose_a: true, ..PLAIN }), &[x, w]);
        assert_eq!(left(run, net.answer(&[y])), "input transpose dense");
    }

    #[test]
    fn a_c_for_each_row_is_added_behind() {
        let mut net = Net::default();
        let (x, w, c) = (net.input(&[2, 3]), net.ramp(&[3, 4]), net.ramp(&[2, 1]));
        let y = net.put(Op::Gemm(Gemm { beta: 2.0, ..PLAIN }), &[x, w, c]);
        assert_eq!(left(run, net.answer(&[y])), "input dense add");
    }

    #[test]
    fn a_computed_c_is_scaled_and_added_behind() {
        let mut net = Net::default();
        let (x, w) = (net.input(&[2, 3]), net.ramp(&[3, 3]));
        let y = net.put(Op::Gemm(Gemm { beta: 2.0, ..PLAIN }), &[x, w, x]);
        assert_eq!(left(run, net.answer(&[y])), "input mul dense add");
    }

    #[test]
    fn a_product_by_a_computed_matrix_is_expanded() {
        let mut net = Net::default();
        let (a, b, c) = (net.input(&[3, 2]), net.input(&[4, 3]), net.ramp(&[4]));
        let turned = Gemm { alpha: 0.5, beta: 2.0, transpose_a: true, transpose_b: true };
        let y = net.put(Op::Gemm(turned), &[a, b, c]);
        assert_eq!(left(run, net.answer(&[y])), "input input transpose transpose matmul mul add");
    }

    #[test]
    fn a_constant_left_operand_is_transposed_at_once() {
        let mut net = Net::default();
        let (c, x) = (net.ramp(&[3, 2]), net.input(&[3, 4]));
        let y = net.put(Op::Gemm(Gemm { transpose_a: true, ..PLAIN }), &[c, x]);
        assert_eq!(left(run, net.answer(&[y])), "input matmul");
    }

    #[test]
    fn a_c_of_factor_zero_goes() {
        let mut net = Net::default();
        let (x, w, c) = (net.input(&[2, 3]), net.ramp(&[3, 4]), net.ramp(&[2, 4]));
        let y = net.put(Op::Gemm(Gemm { beta: 0.0, ..PLAIN }), &[x, w, c]);
        assert_eq!(left(run, net.answer(&[y])), "input dense");
    }

    #[test]
    fn a_product_of_more_dimensions_sees_rows() {
        let mut net = Net::default();
        let (x, w) = (net.input(&[2, 3, 5]), net.ramp(&[5, 4]));
        let y = net.put(Op::MatMul, &[x, w]);
        assert_eq!(left(run, net.answer(&[y])), "input reshape dense reshape");
    }

    #[test]
    fn products_that_no_dense_layer_computes_stay() {
        let product = |constant: &[usize], x: &[usize], x_first: bool| {
            let mut net = Net::default();
            let (x, c) = (net.input(x), net.ramp(constant));
            let y = net.put(Op::MatMul, &if x_first { [x, c] } else { [c, x] });
            net.answer(&[y])
        };
        let cases = [
            (product(&[2, 3], &[3, 4], false), "its right operand is computed, or no floats"),
            (product(&[2, 3, 4], &[5, 3], true), "its right operand is a batch of matrices"),
            (product(&[1, 3, 4], &[5, 3], true), "it adds dimensions"),
        ];
        for (graph, reason) in cases {
            assert_eq!(refusals(run, graph), [reason]);
        }
    }

    #[test]
    fn numbers_of_columns_come_before_the_rows_part() {
        let mut net = Net::default();
        let (x, w) = (net.input(&[1, 2, 3, 4]), net.ramp(&[4, 5]));
        let (bias, scale) = (net.ramp(&[5]), net.ramp(&[1, 1, 5]));
        let product = net.put(Op::MatMul, &[x, w]);
        let sum = net.add(bias, product);
        let scaled = net.put(Op::Binary(Binary::Mul), &[sum, scale]);
        let rows = net.ramp(&[3, 1]);
        let y = net.add(scaled, rows);
        assert_eq!(left(run, net.answer(&[y])), "input reshape dense add mul reshape add");
    }
}
