//! Folds per-channel scales and shifts into the convolution or dense layer beside them.
//!
//! ```text
//! batch_norm(conv(x, w, b))            ->  conv(x, w * scale, b * scale + shift)
//! conv(mul(x, scale), w, b)            ->  conv(x, w * scale, b)
//! conv(add(x, shift), w, b), no pads   ->  conv(x, w, b + w * shift)
//! batch_norm(x), nothing beside it     ->  add(mul(x, scale), shift)
//! ```
//! Exporters leave batch norms as Mul, Add, Sub and Div too; all are affine in each channel. Computed in f64, rounded once.

use crate::error::Result;
use crate::ir::{Binary, Clamp, Graph, NodeId, Op, Values};
use crate::pass::affine::{self, Affine};
use crate::pass::edit::{replace, sole_reader};
use crate::pass::layer::{Layer, clamp, rounded, widened};
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// Folds, and expands the batch norms that are left into products and sums; the number of both.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    let mut total = fixpoint(graph, skips, fold);
    loop {
        let refused = std::mem::take(skips);
        let expanded = fixpoint(graph, skips, expand);
        if expanded == 0 {
            skips.retain(|skip| !refused.contains(skip));
            skips.splice(0..0, refused);
            return Ok(total);
        }
        total += expanded + fixpoint(graph, skips, fold);
    }
}

fn fold(graph: &mut Graph, id: NodeId) -> Attempt {
    let Some(affine) = affine(graph, id)? else {
        return Ok(false);
    };
    if clamp(&graph.node(affine.x).op).is_none() {
        return fold_before(graph, id, &affine);
    }
    fold_after(graph, id, &affine).or_else(|skip| fold_before(graph, id, &affine).map_err(|_| skip))
}

/// Scale and shift that `id` applies to each channel, if it does nothing else.
fn affine(graph: &Graph, id: NodeId) -> Attempt<Option<Affine>> {
    match graph.node(id).op {
        Op::BatchNorm(norm) => batch_norm(graph, id, norm.epsilon).map(Some),
        Op::Binary(binary) => Ok(affine::binary(graph, id, binary)),
        // Only these scale and shift.
        _ => Ok(None),
    }
}

fn batch_norm(graph: &Graph, id: NodeId, epsilon: f32) -> Attempt<Affine> {
    let channels = graph.node(id).out.shape.get(1).copied();
    let constant = |port| {
        let values = graph.constant_operand(id, port).map(widened);
        let fitting = values.filter(|values| Some(values.len()) == channels);
        let reason = || format!("its operand {port} is not one constant a channel");
        fitting.ok_or_else(|| Skip::new(graph, id, reason()))
    };
    let (gain, bias, mean, variance) = (constant(1)?, constant(2)?, constant(3)?, constant(4)?);
    let scale: Vec<f64> = gain
        .iter()
        .zip(&variance)
        .map(|(gain, variance)| gain / (variance + f64::from(epsilon)).sqrt())
        .collect();
    let shift = bias.iter().zip(mean.iter().zip(&scale));
    let shift = shift.map(|(bias, (mean, scale))| bias - mean * scale).collect();
    let x = graph.operand(id, 0).expect("a batch norm has its operand");
    Ok(Affine { x, scale, shift })
}

/// Folds into the layer that makes `x`: always exact.
fn fold_after(graph: &mut Graph, id: NodeId, affine: &Affine) -> Attempt {
    let before = affine.x;
    sole_reader(graph, before)?;
    if clamp(&graph.node(before).op) != Some(Clamp::NONE) {
        return Err(Skip::new(graph, id, "the layer before it clamps"));
    }
    if graph.operand(before, 3).is_some() {
        return Err(Skip::new(graph, id, "the layer before it adds a residual"));
    }
    let mut layer = Layer::read(graph, before)?;
    layer.map_outputs(&affine.scale, &affine.shift);
    layer.write(graph)?;
    replace(graph, id, before);
    Ok(true)
}

/// Folds into the one layer that reads the result: exact unless it pads, for pads are not shifted.
fn fold_before(graph: &mut Graph, id: NodeId, affine: &Affine) -> Attempt {
    let after = sole_reader(graph, id)?;
    let pads = match &graph.node(after).op {
        Op::Conv(conv) => conv.pads,
        Op::Dense(_) => [0; 4],
        // Only layers have weights to scale.
        _ => return Err(Skip::new(graph, id, "there is no conv or dense beside it")),
    };
    if graph.operand(after, 0) != Some(id) {
        return Err(Skip::new(graph, id, "it is a residual of the conv after it"));
    }
    if pads != [0; 4] && affine.shift.iter().any(|shift| *shift != 0.0) {
        let reason = "the conv after it pads with zeros, which it does not shift";
        return Err(Skip::new(graph, id, reason));
    }
    let mut layer = Layer::read(graph, after)?;
    layer.map_inputs(&affine.scale, &affine.shift);
    layer.write(graph)?;
    replace(graph, id, affine.x);
    Ok(true)
}

/// Writes a batch norm that found no layer as a product and a sum.
fn expand(graph: &mut Graph, id: NodeId) -> Attempt {
    let Op::BatchNorm(norm) = graph.node(id).op else {
        return Ok(false);
    };
    let Affine { x, scale, shift } = batch_norm(graph, id, norm.epsilon)?;
    let mut value = x;
    for (binary, numbers, neutral) in [(Binary::Mul, scale, 1.0), (Binary::Add, shift, 0.0)] {
        if numbers.iter().any(|number| *number != neutral) {
            value = put_binary(graph, id, (binary, value), &numbers);
        }
    }
    replace(graph, id, value);
    Ok(true)
}

fn put_binary(
    graph: &mut Graph,
    norm: NodeId,
    (binary, x): (Binary, NodeId),
    numbers: &[f64],
) -> NodeId {
    let out = graph.node(norm).out.clone();
    let name = format!("{}.{}", graph.node(norm).name, binary.name());
    let mut shape = vec![1; out.shape.len() - 1];
    shape[0] = numbers.len();
    let constant = graph.add_const(format!("{name}.c"), shape, Values::F32(rounded(numbers)));
    graph.add(name, Op::Binary(binary), out, &[x, constant])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Conv, Dense};
    use crate::pass::fixture::{Net, golden, left, refusals, rewrite, same};

    fn binary(net: &mut Net, binary: Binary, a: NodeId, b: NodeId) -> NodeId {
        net.put(Op::Binary(binary), &[a, b])
    }

    #[test]
    fn a_batch_norm_goes_into_the_conv_before_it() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let conv = net.conv(x, 3, same(3));
        let y = net.batch_norm(conv);
        golden("fold_bn", run, net.answer(&[y]));
    }

    #[test]
    fn what_exporters_leave_of_a_batch_norm_goes_too() {
        for (first, second) in
            [(Binary::Mul, Binary::Add), (Binary::Div, Binary::Sub), (Binary::Sub, Binary::Mul)]
        {
            let mut net = Net::default();
            let x = net.input(&[1, 2, 4, 4]);
            let conv = net.conv(x, 3, same(3));
            let (a, b) = (net.ramp(&[3, 1, 1]), net.ramp(&[1, 3, 1, 1]));
            let scaled = binary(&mut net, first, conv, a);
            let y = binary(&mut net, second, scaled, b);
            assert_eq!(left(run, net.answer(&[y])), "input conv");
        }
    }

    #[test]
    fn a_conv_taken_from_a_constant_is_negated() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let (conv, c) = (net.conv(x, 3, same(3)), net.ramp(&[3, 1, 1]));
        let y = binary(&mut net, Binary::Sub, c, conv);
        assert_eq!(left(run, net.answer(&[y])), "input conv");
    }

    #[test]
    fn a_batch_norm_goes_into_the_grouped_conv_after_it() {
        let mut net = Net::default();
        let x = net.input(&[1, 6, 4, 4]);
        let norm = net.batch_norm(x);
        let y = net.conv(norm, 4, Conv { group: 2, ..same(1) });
        assert_eq!(left(run, net.answer(&[y])), "input conv");
    }

    #[test]
    fn a_scale_goes_into_a_padding_conv_a_shift_does_not() {
        let after = |f| {
            let mut net = Net::default();
            let x = net.input(&[1, 2, 4, 4]);
            let c = net.ramp(&[2, 1, 1]);
            let value = binary(&mut net, f, x, c);
            let y = net.conv(value, 3, same(3));
            net.answer(&[y])
        };
        assert_eq!(left(run, after(Binary::Mul)), "input conv");
        assert_eq!(
            refusals(run, after(Binary::Add)),
            ["the conv after it pads with zeros, which it does not shift"]
        );
    }

    #[test]
    fn a_dense_layer_folds_on_both_sides() {
        let mut net = Net::default();
        let x = net.input(&[2, 3]);
        let (shift, w, bias, scale) =
            (net.ramp(&[3]), net.ramp(&[3, 4]), net.ramp(&[4]), net.ramp(&[1, 4]));
        let shifted = net.add(x, shift);
        let dense =
            net.put(Op::Dense(Dense { clamp: Clamp::NONE, activation: None }), &[shifted, w, bias]);
        let y = binary(&mut net, Binary::Mul, dense, scale);
        assert_eq!(left(run, net.answer(&[y])), "input dense");
    }

    #[test]
    fn a_batch_norm_alone_is_a_product_and_a_sum() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let y = net.batch_norm(x);
        golden("fold_bn_alone", run, net.answer(&[y]));
    }

    #[test]
    fn a_clamp_between_keeps_the_norm_apart() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let conv = net.conv(x, 3, Conv { clamp: Clamp::RELU, ..same(3) });
        let y = net.batch_norm(conv);
        let (after, skips) = rewrite(run, net.answer(&[y]));
        assert_eq!(skips[0].reason, "the layer before it clamps");
        assert_eq!(left(run, after), "input conv mul add");
    }

    #[test]
    fn what_cannot_be_folded_says_why() {
        let scaled = |prepare: fn(&mut Net, NodeId) -> Vec<NodeId>| {
            let mut net = Net::default();
            let x = net.input(&[1, 3, 4, 4]);
            let nodes = prepare(&mut net, x);
            let c = net.ramp(&[3, 1, 1]);
            let y = binary(&mut net, Binary::Mul, nodes[0], c);
            let answers: Vec<NodeId> = [y].into_iter().chain(nodes[1..].to_vec()).collect();
            refusals(run, net.answer(&answers))
        };
        let read_twice = scaled(|net, x| {
            let conv = net.conv(x, 3, same(3));
            vec![conv, conv]
        });
        assert_eq!(read_twice, ["conv is an output of the model"]);
        let residual = scaled(|net, x| {
            let conv = net.conv(x, 3, same(3));
            net.connect(x, conv, 3);
            vec![conv]
        });
        assert_eq!(residual, ["the layer before it adds a residual"]);
        let computed = scaled(|net, x| {
            let conv = net.conv(x, 3, Conv { group: 3, ..same(1) });
            let w = net.shaped(Op::Reshape, &[16, 3, 1, 1], &[x]);
            let slice = crate::ir::Slice { starts: vec![0; 4], steps: vec![1, 3, 1, 1] };
            let w = net.shaped(Op::Slice(slice), &[3, 1, 1, 1], &[w]);
            net.connect(w, conv, 1);
            vec![conv]
        });
        assert_eq!(computed, ["the conv's weights or bias are computed"]);
        let alone = scaled(|net, x| vec![net.clamp(x, Clamp::RELU)]);
        assert_eq!(alone, ["mul is an output of the model"]);
    }

    #[test]
    fn a_batch_norm_of_computed_numbers_stays() {
        let mut net = Net::default();
        let (x, scale) = (net.input(&[1, 3, 4, 4]), net.input(&[3]));
        let y = net.batch_norm(x);
        net.connect(scale, y, 1);
        let reasons = refusals(run, net.answer(&[y]));
        assert_eq!(reasons, ["its operand 1 is not one constant a channel"]);
    }

    #[test]
    fn a_chain_before_a_conv_folds_from_its_end() {
        let mut net = Net::default();
        let mut x = net.input(&[1, 2, 4, 4]);
        for _ in 0..3 {
            let c = net.ramp(&[2, 1, 1]);
            x = binary(&mut net, Binary::Add, x, c);
        }
        let y = net.conv(x, 3, same(1));
        assert_eq!(left(run, net.answer(&[y])), "input conv");
    }

    #[test]
    fn infinite_weights_are_refused() {
        let mut net = Net::default();
        let x = net.input(&[1, 1, 2, 2]);
        let (conv, zero) = (net.conv(x, 1, same(1)), net.floats(&[], &[0.0]));
        let y = binary(&mut net, Binary::Div, conv, zero);
        let reasons = refusals(run, net.answer(&[y]));
        assert_eq!(reasons, ["its numbers would leave the range of f32"]);
    }
}
