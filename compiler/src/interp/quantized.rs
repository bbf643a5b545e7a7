//! Operators on bytes: exact integer sums, then f32 in the order that [`crate::ir::quant`] writes down, or integers.

use crate::error::Result;
use crate::interp::index::{broadcast_strides, offsets};
use crate::interp::{Array, Floats, Reads, slices, window};
use crate::ir::{Affine, Arithmetic, Pool, PoolKind, QAverage, QConv, QDense, QMean, QPair};
use crate::ir::{QSoftmax, Quant, Requant, Softmax, To, Unpack, Values};

/// What `quant` makes of what its node reads, in the arithmetic of its graph.
pub(super) fn compute(quant: &Quant, by: Arithmetic, reads: &Reads<'_>) -> Result<Values> {
    let out = reads.node.out.shape.as_slice();
    let x = || reads.bytes(0);
    Ok(match quant {
        Quant::Quantize(affine) => quantized(reads.floats(0)?.values, *affine),
        Quant::Dequantize(affine) => {
            Values::F32(x()?.values.iter().map(|q| affine.dequantize(*q)).collect())
        }
        Quant::Unpack(unpack) => Values::F32(unpacked(unpack, reads.array(0)?)),
        Quant::Flip => flipped(reads)?,
        Quant::Conv(conv) => convolved(conv, by, reads, out)?,
        Quant::Dense(dense) => multiplied(dense, by, reads)?,
        Quant::Add(pair) => zipped(x()?, reads.bytes(1)?, out, |a, b| sum(pair, by, a, b)),
        Quant::Mul(pair, times) => match by {
            Arithmetic::Float => zipped(x()?, reads.bytes(1)?, out, |a, b| pair.mul(*times, a, b)),
            Arithmetic::Fixed => zipped(x()?, reads.bytes(1)?, out, |a, b| pair.mul_fixed(a, b)),
        },
        Quant::Average(average) => averages(average, by, x()?, out),
        Quant::Mean(mean) => means(mean, by, x()?),
        Quant::Softmax(softmax) => shares(softmax, by, x()?),
        Quant::Table(table) => {
            Values::U8(x()?.values.iter().map(|q| table[usize::from(*q)]).collect())
        }
    })
}

/// The greatest byte of each window.
pub(super) fn max_pool(pool: &Pool, reads: &Reads<'_>) -> Result<Values> {
    let greatest = |bytes: &[u8]| bytes.iter().copied().max().unwrap_or(0);
    let (array, out) = (reads.array(0)?, &reads.node.out.shape);
    let Some(signed) = array.values.as_i8() else {
        return Ok(Values::U8(windows(pool, reads.bytes(0)?, out, greatest)));
    };
    // The order of signed bytes is that of unsigned ones with the top bit turned.
    let values: Vec<u8> = signed.iter().map(|q| *q as u8 ^ 0x80).collect();
    let x = Bytes { shape: &array.shape, values: &values };
    let bytes = windows(pool, x, out, greatest);
    Ok(Values::I8(bytes.into_iter().map(|q| (q ^ 0x80) as i8).collect()))
}

/// An array known to hold unsigned bytes.
#[derive(Clone, Copy)]
struct Bytes<'a> {
    shape: &'a [usize],
    values: &'a [u8],
}

impl<'a> Reads<'a> {
    fn bytes(&self, port: usize) -> Result<Bytes<'a>> {
        let array = self.array(port)?;
        let values = array.values.as_u8();
        let values = values.ok_or_else(|| self.mistyped(port, "u8"))?;
        Ok(Bytes { shape: &array.shape, values })
    }

    fn weights(&self) -> Result<(&'a [usize], &'a [i8])> {
        let array = self.array(1)?;
        let values = array.values.as_i8().ok_or_else(|| self.mistyped(1, "i8"))?;
        Ok((&array.shape, values))
    }

    /// The bias, or none for zeros.
    fn bias(&self) -> Result<Option<&'a [i32]>> {
        let Some(array) = self.arrays.get(&2) else { return Ok(None) };
        array.values.as_i32().map(Some).ok_or_else(|| self.mistyped(2, "i32"))
    }

    fn mistyped(&self, port: usize, wanted: &str) -> crate::error::Error {
        let found =
            self.arrays.get(&port).map_or_else(String::new, |x| x.values.dtype().to_string());
        self.fault(format!("reads {found} at operand {port}, where {wanted} belongs"))
    }
}

fn quantized(x: &[f32], affine: Affine) -> Values {
    Values::U8(x.iter().map(|x| affine.quantize(*x)).collect())
}

fn unpacked(unpack: &Unpack, x: &Array) -> Vec<f32> {
    let entries = unpack.scales.len();
    let inner: usize = x.shape.iter().skip(unpack.axis + 1).product();
    let at = |i: usize| if entries == 1 { 0 } else { i / inner % entries };
    let real = |(i, x): (usize, i32)| {
        (i64::from(x) - i64::from(unpack.zeros[at(i)])) as f32 * unpack.scales[at(i)]
    };
    match &x.values {
        Values::I8(v) => v.iter().map(|x| i32::from(*x)).enumerate().map(real).collect(),
        Values::U8(v) => v.iter().map(|x| i32::from(*x)).enumerate().map(real).collect(),
        Values::I32(v) => v.iter().copied().enumerate().map(real).collect(),
        Values::F32(_) | Values::I64(_) => Vec::new(),
    }
}

fn flipped(reads: &Reads<'_>) -> Result<Values> {
    match &reads.array(0)?.values {
        Values::U8(v) => Ok(Values::I8(v.iter().map(|q| (q ^ 0x80) as i8).collect())),
        Values::I8(v) => Ok(Values::U8(v.iter().map(|q| *q as u8 ^ 0x80).collect())),
        Values::F32(_) | Values::I32(_) | Values::I64(_) => Err(reads.mistyped(0, "u8 or i8")),
    }
}

/// Sums over channels, then rows, then columns; they are exact, so the order is free.
fn convolved(qconv: &QConv, by: Arithmetic, reads: &Reads<'_>, out: &[usize]) -> Result<Values> {
    let (x, (w_shape, w), bias) = (reads.bytes(0)?, reads.weights()?, reads.bias()?);
    let seen = looked_up(x, reads)?;
    let (x, conv) = (Bytes { values: seen.as_deref().unwrap_or(x.values), ..x }, &qconv.conv);
    let (m_len, c_len, c_per_group) = (out[1], x.shape[1], w_shape[1]);
    let (from, to) = ([x.shape[2], x.shape[3]], [out[2], out[3]]);
    let (from_len, taps_len) = (from[0] * from[1], conv.kernel[0] * conv.kernel[1]);
    let mut sums = vec![0; out.iter().product()];
    for (at, plane) in sums.chunks_exact_mut((to[0] * to[1]).max(1)).enumerate() {
        let (n, m) = (at / m_len, at % m_len);
        plane.fill(bias.map_or(0, |bias| bias[m]));
        for i in 0..c_per_group {
            let c = m / (m_len / conv.group) * c_per_group + i;
            let x = &x.values[(n * c_len + c) * from_len..][..from_len];
            let taps = &w[(m * c_per_group + i) * taps_len..][..taps_len];
            let add =
                |y: &mut i32, w: i8, x: &u8| *y = y.wrapping_add(product(*x, qconv.x_zero, w));
            window::slide(conv, x, from, taps, plane, to, add);
        }
    }
    let channel = |at: usize| at / (to[0] * to[1]).max(1) % m_len;
    let finished = requantised(&qconv.requant, by, &sums, channel);
    let (Values::U8(bytes), Some(pair)) = (&finished, qconv.residual) else {
        return Ok(finished);
    };
    let added = bytes.iter().zip(reads.bytes(3)?.values).map(|(a, b)| sum(&pair, by, *a, *b));
    Ok(Values::U8(added.collect()))
}

/// What the tables at port 4 make of each channel of `x`, if there are any.
fn looked_up(x: Bytes<'_>, reads: &Reads<'_>) -> Result<Option<Vec<u8>>> {
    if !reads.arrays.contains_key(&4) {
        return Ok(None);
    }
    let (tables, area) = (reads.bytes(4)?.values, x.shape[2] * x.shape[3]);
    let planes = x.values.chunks_exact(area.max(1)).zip(tables.chunks_exact(256).cycle());
    Ok(Some(
        planes.flat_map(|(plane, table)| plane.iter().map(|q| table[usize::from(*q)])).collect(),
    ))
}

fn multiplied(dense: &QDense, by: Arithmetic, reads: &Reads<'_>) -> Result<Values> {
    let (x, (w_shape, w), bias) = (reads.bytes(0)?, reads.weights()?, reads.bias()?);
    let (depth, columns) = (w_shape[0].max(1), w_shape[1]);
    let mut sums = Vec::new();
    for row in x.values.chunks_exact(depth) {
        let mut y = bias.map_or_else(|| vec![0; columns], <[i32]>::to_vec);
        for (x, w) in row.iter().zip(w.chunks_exact(columns.max(1))) {
            y.iter_mut()
                .zip(w)
                .for_each(|(y, w)| *y = y.wrapping_add(product(*x, dense.x_zero, *w)));
        }
        sums.append(&mut y);
    }
    Ok(requantised(&dense.requant, by, &sums, |at| at % columns))
}

fn product(x: u8, zero: u8, w: i8) -> i32 {
    (i32::from(x) - i32::from(zero)) * i32::from(w)
}

fn requantised(
    requant: &Requant,
    by: Arithmetic,
    sums: &[i32],
    channel: impl Fn(usize) -> usize,
) -> Values {
    let sums = sums.iter().enumerate();
    match requant.to {
        To::Bytes { zero, bounds } => Values::U8(
            sums.map(|(at, sum)| bounds.apply(requant.byte(by, *sum, channel(at), zero))).collect(),
        ),
        To::Floats => Values::F32(
            sums.map(|(at, sum)| *sum as f32 * requant.multipliers[channel(at)]).collect(),
        ),
    }
}

fn sum(pair: &QPair, by: Arithmetic, a: u8, b: u8) -> u8 {
    match by {
        Arithmetic::Float => pair.add(a, b),
        Arithmetic::Fixed => pair.add_fixed(a, b),
    }
}

fn zipped(a: Bytes<'_>, b: Bytes<'_>, out: &[usize], f: impl Fn(u8, u8) -> u8) -> Values {
    let of_a = offsets(out, 0, &broadcast_strides(a.shape, out));
    let of_b = offsets(out, 0, &broadcast_strides(b.shape, out));
    Values::U8(of_a.zip(of_b).map(|(i, j)| f(a.values[i], b.values[j])).collect())
}

fn averages(average: &QAverage, by: Arithmetic, x: Bytes<'_>, out: &[usize]) -> Values {
    let pool = &average.pool;
    Values::U8(windows(pool, x, out, |bytes| {
        let count = match pool.kind {
            PoolKind::AverageWithPads => pool.kernel[0] * pool.kernel[1],
            PoolKind::Average | PoolKind::Max => bytes.len(),
        };
        match by {
            Arithmetic::Float => {
                let sum: f32 = bytes.iter().fold(0.0, |sum, q| sum + average.x.dequantize(*q));
                average.y.quantize_early(sum / count as f32, average.early)
            }
            Arithmetic::Fixed => average.fixed(bytes, count),
        }
    }))
}

fn windows(pool: &Pool, x: Bytes<'_>, out: &[usize], f: impl Fn(&[u8]) -> u8) -> Vec<u8> {
    let (from, to) = ([x.shape[2], x.shape[3]], [out[2], out[3]]);
    let mut y = Vec::with_capacity(out.iter().product());
    for plane in x.values.chunks_exact((from[0] * from[1]).max(1)) {
        for row in 0..to[0] {
            for column in 0..to[1] {
                y.push(f(&window::elements(pool, plane, from, [row, column])));
            }
        }
    }
    y
}

fn means(mean: &QMean, by: Arithmetic, x: Bytes<'_>) -> Values {
    let len: usize = x.shape[2..].iter().product();
    let sum = |plane: &[u8]| {
        let exact = |sum: i32, q: &u8| sum.wrapping_add(i32::from(*q) - i32::from(mean.x_zero));
        plane.iter().fold(0, exact)
    };
    let sums: Vec<i32> = x.values.chunks_exact(len.max(1)).map(sum).collect();
    requantised(&mean.requant, by, &sums, |_| 0)
}

fn shares(softmax: &QSoftmax, by: Arithmetic, x: Bytes<'_>) -> Values {
    let QSoftmax { axis, x: from, y: to } = *softmax;
    if by == Arithmetic::Float {
        let reals: Vec<f32> = x.values.iter().map(|q| from.dequantize(*q)).collect();
        let reals = Floats { shape: x.shape, values: &reals };
        return quantized(&slices::softmax(Softmax { axis, log: false }, reals), to);
    }
    let (len, powers) = (x.shape[axis], softmax.powers());
    let inner: usize = x.shape[axis + 1..].iter().product();
    let mut y = x.values.to_vec();
    for block in y.chunks_exact_mut((len * inner).max(1)) {
        for first in 0..inner {
            let row: Vec<u8> = (0..len).map(|i| block[first + i * inner]).collect();
            for (i, q) in softmax.fixed(&powers, &row).into_iter().enumerate() {
                block[first + i * inner] = q;
            }
        }
    }
    Values::U8(y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interp::run;
    use crate::ir::verify::verify;
    use crate::ir::{
        Bounds, Clamp, Conv, Dtype, Graph, Layout, NodeId, Op, Output, QPair, Tensor, Times,
    };

    const POINT: Conv = Conv {
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        pads: [0; 4],
        group: 1,
        clamp: Clamp::NONE,
        then: None,
    };

    fn bytes(shape: &[usize]) -> Tensor {
        Tensor { shape: shape.to_vec(), dtype: Dtype::U8, layout: Layout::RowMajor }
    }

    fn to(zero: u8, bounds: Bounds) -> To {
        To::Bytes { zero, bounds }
    }

    /// The lawful graph's answer to bytes.
    fn answer(mut graph: Graph, node: NodeId, x: &[u8]) -> Values {
        graph.outputs.push(Output { name: "y".into(), node });
        assert_eq!(verify(&graph), [], "{graph}");
        let shape = graph.node(graph.inputs[0]).out.shape.clone();
        let x = Array { shape, values: Values::U8(x.to_vec()) };
        run(&graph, &[x]).unwrap().remove(0).values
    }

    #[test]
    fn a_convolution_pads_with_its_zero_point_and_adds_a_residual_last() {
        let conv = Conv { kernel: [1, 3], pads: [0, 1, 0, 1], ..POINT };
        let affine = |scale, zero| Affine { scale, zero };
        let residual = QPair {
            a: affine(0.5, 100),
            b: affine(1.0, 0),
            y: affine(1.0, 0),
            bounds: Bounds::ALL,
        };
        let expected = [[104, 98, 94], [5, 10, 19]];
        for (residual, expected) in [None, Some(residual)].into_iter().zip(expected) {
            let mut graph = Graph::default();
            let x = graph.add_input("x", bytes(&[1, 1, 1, 3]));
            let w = graph.add_const("w", [1, 1, 1, 3], Values::I8(vec![1, -2, 1]));
            let b = graph.add_const("b", [1], Values::I32(vec![-6]));
            let requant =
                Requant { multipliers: vec![0.5], to: to(100, Bounds { lo: 94, hi: 255 }) };
            let op = QConv { conv: conv.clone(), x_zero: 10, requant, residual };
            let y = graph.add("y", Op::Quant(Quant::Conv(op)), bytes(&[1, 1, 1, 3]), &[x, w, b]);
            if residual.is_some() {
                graph.connect(x, y, crate::ir::Port(3));
            }
            // About 10, x is (-7, 1, 12); the sums are 9, -3 and -29.
            assert_eq!(answer(graph, y, &[3, 11, 22]), Values::U8(expected.to_vec()));
        }
    }

    #[test]
    fn a_dense_layer_may_answer_in_floats() {
        let mut graph = Graph::default();
        let x = graph.add_input("x", bytes(&[1, 2]));
        let w = graph.add_const("w", [2, 2], Values::I8(vec![1, -128, 2, 127]));
        let requant = Requant { multipliers: vec![0.5, 0.25], to: To::Floats };
        let op = Op::Quant(Quant::Dense(QDense { x_zero: 128, requant }));
        let y = graph.add("y", op, Tensor::f32([1, 2]), &[x, w]);
        assert_eq!(answer(graph, y, &[0, 255]), Values::F32(vec![63.0, 8128.25]));
    }

    #[test]
    fn means_are_of_exact_sums() {
        let mut graph = Graph::default();
        let x = graph.add_input("x", bytes(&[1, 2, 1, 2]));
        let requant = Requant { multipliers: vec![0.5], to: to(1, Bounds::ALL) };
        let op = Op::Quant(Quant::Mean(QMean { x_zero: 5, requant }));
        let y = graph.add("y", op, bytes(&[1, 2, 1, 1]), &[x]);
        assert_eq!(answer(graph, y, &[5, 6, 255, 255]), Values::U8(vec![1, 251]));
    }

    #[test]
    fn averages_are_of_the_elements_inside() {
        let pool = |kind| Pool {
            kind,
            kernel: [1, 2],
            stride: [1, 2],
            dilation: [1, 1],
            pads: [0, 1, 0, 0],
        };
        let affine = Affine { scale: 0.5, zero: 4 };
        for (kind, expected) in [(PoolKind::Average, [8, 16]), (PoolKind::AverageWithPads, [6, 16])]
        {
            let mut graph = Graph::default();
            let x = graph.add_input("x", bytes(&[1, 1, 1, 3]));
            let op = QAverage { pool: pool(kind), x: affine, y: affine, early: 0 };
            let y = graph.add("y", Op::Quant(Quant::Average(op)), bytes(&[1, 1, 1, 2]), &[x]);
            assert_eq!(answer(graph, y, &[8, 12, 20]), Values::U8(expected.to_vec()));
        }
    }

    #[test]
    fn signed_bytes_are_flipped_into_unsigned_ones_and_looked_up() {
        let mut graph = Graph::default();
        let x = graph.add_input("x", bytes(&[3]));
        let signed = Tensor { dtype: Dtype::I8, ..bytes(&[3]) };
        let there = graph.add("there", Op::Quant(Quant::Flip), signed, &[x]);
        let back = graph.add("back", Op::Quant(Quant::Flip), bytes(&[3]), &[there]);
        let table = Box::new(std::array::from_fn(|q| 255 - q as u8));
        let y = graph.add("y", Op::Quant(Quant::Table(table)), bytes(&[3]), &[back]);
        let same = answer(graph.clone(), y, &[0, 127, 255]);
        assert_eq!(same, Values::U8(vec![255, 128, 0]));
        assert_eq!(answer(graph, there, &[0, 127, 255]), Values::I8(vec![-128, -1, 127]));
    }

    #[test]
    fn sums_of_two_scales_are_rounded_once() {
        let affine = |scale, zero| Affine { scale, zero };
        let bounds = Bounds { lo: 0, hi: 200 };
        let pair = QPair { a: affine(0.5, 2), b: affine(0.25, 1), y: affine(0.5, 3), bounds };
        let mut graph = Graph::default();
        let x = graph.add_input("x", bytes(&[3]));
        let c = graph.add_const("c", [1], Values::U8(vec![3]));
        let sum = graph.add("sum", Op::Quant(Quant::Add(pair)), bytes(&[3]), &[x, c]);
        let product =
            graph.add("product", Op::Quant(Quant::Mul(pair, Times::Reals)), bytes(&[3]), &[x, c]);
        assert_eq!(answer(graph.clone(), sum, &[2, 7, 250]), Values::U8(vec![4, 9, 200]));
        assert_eq!(answer(graph, product, &[0, 5, 255]), Values::U8(vec![2, 5, 129]));
    }

    #[test]
    fn constants_unpack_along_their_axis() {
        let mut graph = Graph::default();
        let w = graph.add_const("w", [2, 2], Values::I8(vec![1, 2, -3, -4]));
        let op = Unpack { axis: 1, scales: vec![1.0, 0.5], zeros: vec![0, 2] };
        let y = graph.add("y", Op::Quant(Quant::Unpack(op)), Tensor::f32([2, 2]), &[w]);
        graph.outputs.push(Output { name: "y".into(), node: y });
        assert_eq!(verify(&graph), []);
        let floats = run(&graph, &[]).unwrap().remove(0);
        assert_eq!(floats, Array::f32([2, 2], vec![1.0, 0.0, -3.0, -3.0]));
    }
}
