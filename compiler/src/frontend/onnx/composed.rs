//! Readers of operators that are a few others: norms of slices, normalisations, smooth activations.
//!
//! Each is written as ONNX's own function body has it, so every pass and kernel sees operators that it knows.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::{arithmetic, reduce, slice};
use crate::ir::{Binary, Clamp, NodeId, Op, Pool, PoolKind, Reduce, Reducer, Unary, Values, infer};

/// ReduceL1: the sum of magnitudes.
pub(super) fn reduce_l1(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let magnitudes = call.step("magnitudes", Op::Unary(Unary::Abs), &[x])?;
    let (sum, shape) = reduce::reduction(call, x, Reducer::Sum)?;
    call.emit_as(sum, shape, &[magnitudes])
}

/// ReduceSumSquare.
pub(super) fn reduce_sum_square(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let squares = pair(call, "squares", Binary::Mul, x, x)?;
    let (sum, shape) = reduce::reduction(call, x, Reducer::Sum)?;
    call.emit_as(sum, shape, &[squares])
}

/// ReduceL2: the root of the sum of squares.
pub(super) fn reduce_l2(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let squares = pair(call, "squares", Binary::Mul, x, x)?;
    let (sum, shape) = reduce::reduction(call, x, Reducer::Sum)?;
    let sum = call.step_as("sum", sum, shape, &[squares])?;
    call.emit(Op::Unary(Unary::Sqrt), &[sum])
}

/// ReduceLogSum.
pub(super) fn reduce_log_sum(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let (sum, shape) = reduce::reduction(call, x, Reducer::Sum)?;
    let sum = call.step_as("sum", sum, shape, &[x])?;
    call.emit(Op::Unary(Unary::Log), &[sum])
}

/// ReduceLogSumExp, by way of the greatest element, so that no exponential overflows.
pub(super) fn reduce_log_sum_exp(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let (axes, reduced) = reduce::slices(call, x)?;
    let mut kept = call.shape(x);
    axes.iter().for_each(|axis| kept[*axis] = 1);
    let max = Op::Reduce(Reduce { kind: Reducer::Max, axes: axes.clone() });
    let max = call.step_as("max", max, kept.clone(), &[x])?;
    let below = pair(call, "below", Binary::Sub, x, max)?;
    let exp = call.step("exp", Op::Unary(Unary::Exp), &[below])?;
    let sum = Op::Reduce(Reduce { kind: Reducer::Sum, axes });
    let sum = call.step_as("sum", sum, kept, &[exp])?;
    let log = call.step("log", Op::Unary(Unary::Log), &[sum])?;
    let total = pair(call, "total", Binary::Add, log, max)?;
    call.emit_as(Op::Reshape, reduced, &[total])
}

/// Mean of any number of operands.
pub(super) fn mean(call: &mut Call<'_>) -> Made {
    let count = call.operands.len();
    let mut sum = call.float(0)?;
    for port in 1..count {
        let next = call.float(port)?;
        sum = pair(call, &port.to_string(), Binary::Add, sum, next)?;
    }
    let count = number(call, "count", count as f32);
    call.emit(Op::Binary(Binary::Div), &[sum, count])
}

/// ReduceProd: products of halves, of halves of those, and so on along each axis.
pub(super) fn reduce_prod(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let (axes, shape) = reduce::slices(call, x)?;
    if call.graph.node(x).out.is_empty() {
        return Err(Fault::Misfit(format!("its operand {:?} has no element", call.shape(x))));
    }
    let mut product = x;
    for axis in axes {
        product = product_along(call, product, axis)?;
    }
    let op = if call.shape(product) == shape { Op::Identity } else { Op::Reshape };
    call.emit_as(op, shape, &[product])
}

fn product_along(call: &mut Call<'_>, mut x: NodeId, axis: usize) -> Result<NodeId, Fault> {
    let mut odd = Vec::new();
    loop {
        let len = call.shape(x)[axis];
        let name = |part: &str| format!("{part}{axis}/{len}");
        if len % 2 == 1 {
            odd.push(slice::contiguous(call, &name("last"), x, axis, len - 1, 1)?);
        }
        if len < 2 {
            break;
        }
        let first = slice::contiguous(call, &name("first"), x, axis, 0, len / 2)?;
        let second = slice::contiguous(call, &name("second"), x, axis, len / 2, len / 2)?;
        x = pair(call, &name("halves"), Binary::Mul, first, second)?;
    }
    let mut rest = odd.into_iter().rev();
    let mut product = rest.next().ok_or_else(|| "it has no element".to_owned())?;
    for (at, part) in rest.enumerate() {
        product = pair(call, &format!("odd{axis}/{at}"), Binary::Mul, product, part)?;
    }
    Ok(product)
}

/// Softplus: `log(1 + exp(x))`, as `max(x, 0) + log(1 + exp(-|x|))`, which does not overflow.
pub(super) fn softplus(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let [positive, rest] = softplus_parts(call, x)?;
    call.emit(Op::Binary(Binary::Add), &[positive, rest])
}

/// Mish: `x * tanh(softplus(x))`.
pub(super) fn mish(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let [positive, rest] = softplus_parts(call, x)?;
    let softplus = pair(call, "softplus", Binary::Add, positive, rest)?;
    let tanh = call.step("tanh", Op::Unary(Unary::Tanh), &[softplus])?;
    call.emit(Op::Binary(Binary::Mul), &[x, tanh])
}

fn softplus_parts(call: &mut Call<'_>, x: NodeId) -> Result<[NodeId; 2], Fault> {
    let positive = call.step("positive", Op::Clamp(Clamp::RELU), &[x])?;
    let magnitude = call.step("magnitude", Op::Unary(Unary::Abs), &[x])?;
    let negated = call.step("negated", Op::Unary(Unary::Neg), &[magnitude])?;
    let exp = call.step("exp", Op::Unary(Unary::Exp), &[negated])?;
    let one = number(call, "one", 1.0);
    let above = pair(call, "above", Binary::Add, exp, one)?;
    Ok([positive, call.step("log", Op::Unary(Unary::Log), &[above])?])
}

/// Gelu by the error function, or by the hyperbolic tangent.
pub(super) fn gelu(call: &mut Call<'_>) -> Made {
    match call.text("approximate", "none")?.as_str() {
        "none" => arithmetic::unary(call, Unary::Gelu),
        "tanh" => gelu_by_tanh(call),
        other => Err(Fault::Misfit(format!("approximate={other}; none or tanh belong there"))),
    }
}

/// Gelu by the hyperbolic tangent: `0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`.
fn gelu_by_tanh(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let square = pair(call, "square", Binary::Mul, x, x)?;
    let cube = pair(call, "cube", Binary::Mul, square, x)?;
    let [factor, root, one, half] =
        [("factor", 0.044_715), ("root", 0.797_884_6), ("one", 1.0), ("half", 0.5)]
            .map(|(part, value)| number(call, part, value));
    let bent = pair(call, "bent", Binary::Mul, cube, factor)?;
    let sum = pair(call, "sum", Binary::Add, x, bent)?;
    let inner = pair(call, "inner", Binary::Mul, sum, root)?;
    let tanh = call.step("tanh", Op::Unary(Unary::Tanh), &[inner])?;
    let above = pair(call, "above", Binary::Add, tanh, one)?;
    let gate = pair(call, "gate", Binary::Mul, above, half)?;
    call.emit(Op::Binary(Binary::Mul), &[x, gate])
}

/// Softsign: `x / (1 + |x|)`.
pub(super) fn softsign(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let magnitude = call.step("magnitude", Op::Unary(Unary::Abs), &[x])?;
    let one = number(call, "one", 1.0);
    let above = pair(call, "above", Binary::Add, magnitude, one)?;
    call.emit(Op::Binary(Binary::Div), &[x, above])
}

/// Selu: `gamma * elu(x)`.
pub(super) fn selu(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    // The defaults of operator set 6, rounded to f32.
    let alpha = call.real("alpha", 1.673_263_2)?;
    let gamma = call.real("gamma", 1.050_701)?;
    let elu = call.step("elu", Op::Unary(Unary::Elu(alpha)), &[x])?;
    let gamma = number(call, "gamma", gamma);
    call.emit(Op::Binary(Binary::Mul), &[elu, gamma])
}

/// Celu: `max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)`.
pub(super) fn celu(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let alpha = call.real("alpha", 1.0)?;
    let scale = number(call, "alpha", alpha);
    let scaled = pair(call, "scaled", Binary::Div, x, scale)?;
    let elu = call.step("elu", Op::Unary(Unary::Elu(1.0)), &[scaled])?;
    call.emit(Op::Binary(Binary::Mul), &[elu, scale])
}

/// LRN: each element over a power of what the channels around it hold.
pub(super) fn lrn(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let shape = call.shape(x);
    let &[n, channels, ..] = shape.as_slice() else {
        return Err(Fault::Misfit(format!("its input {shape:?} has no channels")));
    };
    let size = call.int("size", 0)?;
    let size = usize::try_from(size).ok().filter(|size| (1..=1 << 16).contains(size));
    let size = size.ok_or_else(|| Fault::Misfit("size is missing; it counts channels".into()))?;
    let (alpha, beta) = (call.real("alpha", 1e-4)?, call.real("beta", 0.75)?);
    let bias = call.real("bias", 1.0)?;
    let squares = pair(call, "squares", Binary::Mul, x, x)?;
    let pixels = shape[2..].iter().product();
    let squares = call.view("channels", squares, vec![n, 1, channels, pixels])?;
    let pads = [(size - 1) / 2, 0, size / 2, 0];
    let kind = PoolKind::AverageWithPads;
    let window = Pool { kind, kernel: [size, 1], stride: [1, 1], dilation: [1, 1], pads };
    let mean = call.step("mean", Op::Pool(window), &[squares])?;
    let mean = call.view("pixels", mean, shape)?;
    let alpha = number(call, "alpha", alpha);
    let scaled = pair(call, "scaled", Binary::Mul, mean, alpha)?;
    let bias = number(call, "bias", bias);
    let base = pair(call, "base", Binary::Add, scaled, bias)?;
    let beta = number(call, "beta", beta);
    let power = pair(call, "power", Binary::Pow, base, beta)?;
    call.emit(Op::Binary(Binary::Div), &[x, power])
}

/// InstanceNormalization: each channel of each image by its own mean and variance.
pub(super) fn instance_norm(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let shape = call.shape(x);
    if shape.len() < 3 {
        return Err(Fault::Misfit(format!("its input {shape:?} is no picture")));
    }
    let epsilon = call.real("epsilon", 1e-5)?;
    each_of(call, shape[1])?;
    let normal = normal(call, x, (2..shape.len()).collect(), epsilon)?;
    scaled(call, normal, shape.len() - 2)
}

/// GroupNormalization: each group of channels by its own mean and variance; scales are by channel since opset 21.
pub(super) fn group_norm(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let shape = call.shape(x);
    let groups = call.int("num_groups", 0)?;
    let groups = usize::try_from(groups).ok().filter(|groups| {
        *groups > 0 && shape.get(1).is_some_and(|channels| channels.is_multiple_of(*groups))
    });
    let groups = groups.ok_or_else(|| {
        Fault::Misfit(format!("num_groups does not divide the channels of {shape:?}"))
    })?;
    let epsilon = call.real("epsilon", 1e-5)?;
    each_of(call, if call.opset < 21 { groups } else { shape[1] })?;
    let each: usize = shape[1..].iter().product::<usize>() / groups;
    let grouped = call.view("groups", x, vec![shape[0], groups, each])?;
    let mut normal = normal(call, grouped, vec![2], epsilon)?;
    if call.opset < 21 {
        let split = [&[shape[0], groups, shape[1] / groups], &shape[2..]].concat();
        let split = call.view("split", normal, split)?;
        let mut operands = [split, call.float(1)?, call.float(2)?];
        for (part, operand) in ["scales", "biases"].iter().zip(&mut operands[1..]) {
            let along = [&[groups], vec![1; shape.len() - 1].as_slice()].concat();
            *operand = call.view(part, *operand, along)?;
        }
        let scaled = pair(call, "scaled", Binary::Mul, operands[0], operands[1])?;
        let sum = pair(call, "sum", Binary::Add, scaled, operands[2])?;
        return call.emit_as(Op::Reshape, shape, &[sum]);
    }
    normal = call.view("channels", normal, shape.clone())?;
    scaled(call, normal, shape.len() - 2)
}

/// LayerNormalization: all dimensions from `axis` on by their mean and variance; the mean and one over the deviation, too.
pub(super) fn layer_norm(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let rank = call.shape(x).len();
    let axis = call.int("axis", -1)?;
    let axis = call.axis(axis, rank)?;
    let epsilon = call.real("epsilon", 1e-5)?;
    let [mean, below, deviation] = deviation(call, x, (axis..rank).collect(), epsilon)?;
    let normal = pair(call, "normal", Binary::Div, below, deviation)?;
    let mut made = scaled(call, normal, 0)?;
    let wants = |at: usize| call.node.output.get(at).is_some_and(|name| !name.is_empty());
    let inverse = wants(2);
    if wants(1) || inverse {
        made.push(mean);
    }
    if inverse {
        made.push(call.step("inverse", Op::Unary(Unary::Reciprocal), &[deviation])?);
    }
    Ok(made)
}

/// RMSNormalization: all dimensions from `axis` on by the root of the mean of their squares.
pub(super) fn rms_norm(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let mut kept = call.shape(x);
    let axis = call.int("axis", -1)?;
    let axis = call.axis(axis, kept.len())?;
    kept[axis..].fill(1);
    let axes = (axis..kept.len()).collect();
    let squares = pair(call, "squares", Binary::Mul, x, x)?;
    let mean = Op::Reduce(Reduce { kind: Reducer::Mean, axes });
    let mean = call.step_as("mean", mean, kept, &[squares])?;
    let epsilon = call.real("epsilon", 1e-5)?;
    let epsilon = number(call, "epsilon", epsilon);
    let above = pair(call, "above", Binary::Add, mean, epsilon)?;
    let root = call.step("root", Op::Unary(Unary::Sqrt), &[above])?;
    let normal = pair(call, "normal", Binary::Div, x, root)?;
    scaled(call, normal, 0)
}

/// MeanVarianceNormalization: over all but the channels, if no axes are given.
pub(super) fn mean_variance_norm(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let axes = call.ints("axes")?.unwrap_or_else(|| vec![0, 2, 3]);
    let axes = call.axes(&axes, call.shape(x).len())?;
    let [_, below, deviation] = deviation(call, x, axes, 0.0)?;
    // ONNX's function body adds this to the deviation, not to the variance.
    let least = number(call, "least", 1e-9);
    let deviation = pair(call, "divisor", Binary::Add, deviation, least)?;
    call.emit(Op::Binary(Binary::Div), &[below, deviation])
}

/// LpNormalization: each slice along an axis over its norm, of order 1 or 2.
pub(super) fn lp_norm(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let mut kept = call.shape(x);
    let axis = call.int("axis", -1)?;
    let axis = call.axis(axis, kept.len())?;
    kept[axis] = 1;
    let order = call.int("p", 2)?;
    let parts = match order {
        1 => call.step("magnitudes", Op::Unary(Unary::Abs), &[x])?,
        2 => pair(call, "squares", Binary::Mul, x, x)?,
        other => return Err(Fault::Misfit(format!("p is {other}; 1 or 2 belong there"))),
    };
    let sum = Op::Reduce(Reduce { kind: Reducer::Sum, axes: vec![axis] });
    let mut norm = call.step_as("norm", sum, kept, &[parts])?;
    if order == 2 {
        norm = call.step("root", Op::Unary(Unary::Sqrt), &[norm])?;
    }
    // A slice of zeros stays one.
    let some = Clamp { lo: f32::MIN_POSITIVE, hi: f32::INFINITY };
    norm = call.step("some", Op::Clamp(some), &[norm])?;
    call.emit(Op::Binary(Binary::Div), &[x, norm])
}

/// `x` less its mean over `axes`, over the root of its variance and `epsilon`.
pub(super) fn normal(
    call: &mut Call<'_>,
    x: NodeId,
    axes: Vec<usize>,
    epsilon: f32,
) -> Result<NodeId, Fault> {
    let [_, below, deviation] = deviation(call, x, axes, epsilon)?;
    pair(call, "normal", Binary::Div, below, deviation)
}

/// The mean of `x` over `axes`, `x` less it, and the root of its variance and `epsilon`.
fn deviation(
    call: &mut Call<'_>,
    x: NodeId,
    axes: Vec<usize>,
    epsilon: f32,
) -> Result<[NodeId; 3], Fault> {
    let mut kept = call.shape(x);
    axes.iter().for_each(|axis| kept[*axis] = 1);
    let mean = Op::Reduce(Reduce { kind: Reducer::Mean, axes });
    let middle = call.step_as("mean", mean.clone(), kept.clone(), &[x])?;
    let below = pair(call, "centred", Binary::Sub, x, middle)?;
    let squares = pair(call, "squares", Binary::Mul, below, below)?;
    let mut variance = call.step_as("variance", mean, kept, &[squares])?;
    if epsilon != 0.0 {
        let epsilon = number(call, "epsilon", epsilon);
        variance = pair(call, "above", Binary::Add, variance, epsilon)?;
    }
    Ok([middle, below, call.step("deviation", Op::Unary(Unary::Sqrt), &[variance])?])
}

/// The fault of scales and biases, operands 1 and 2, that are not one number for each of `count`.
fn each_of(call: &Call<'_>, count: usize) -> Result<(), Fault> {
    for port in [1, 2] {
        let shape = call.shape(call.any(port)?);
        if shape != [count] {
            return Err(Fault::Misfit(format!(
                "operand {port} is {shape:?}; [{count}] belongs there"
            )));
        }
    }
    Ok(())
}

/// The result: `x` times operand 1, plus operand 2 if it is there, each with `behind` dimensions of 1 behind its own.
pub(super) fn scaled(call: &mut Call<'_>, x: NodeId, behind: usize) -> Made {
    let operand = |call: &mut Call<'_>, port: usize, part: &str| {
        let id = call.float(port)?;
        let (shape, to) = ([call.shape(id), vec![1; behind]].concat(), call.shape(x));
        if infer::broadcast(&to, &shape)? != to {
            return Err(Fault::Misfit(format!(
                "operand {port} is {:?}, which does not lie along {to:?}",
                call.shape(id)
            )));
        }
        if behind == 0 { Ok(id) } else { call.view(part, id, shape) }
    };
    let scale = operand(call, 1, "scale")?;
    if call.given(2).is_none() {
        return call.emit(Op::Binary(Binary::Mul), &[x, scale]);
    }
    let bias = operand(call, 2, "bias")?;
    let scaled = pair(call, "scaled", Binary::Mul, x, scale)?;
    call.emit(Op::Binary(Binary::Add), &[scaled, bias])
}

/// A step of two operands.
pub(super) fn pair(
    call: &mut Call<'_>,
    part: &str,
    f: Binary,
    a: NodeId,
    b: NodeId,
) -> Result<NodeId, Fault> {
    call.step(part, Op::Binary(f), &[a, b])
}

/// A constant of one number.
pub(super) fn number(call: &mut Call<'_>, part: &str, value: f32) -> NodeId {
    let name = format!("{}/{part}", call.result_name(0));
    call.graph.add_const(name, [], Values::F32(vec![value]))
}
