//! Every tile of the catalog for bytes on every instruction set of this machine, against plain loops: equal, byte for
//! byte. Memory around the values holds a guard, and what a call must not write must not change.

use mnv2c_runtime::affine::{Affine, Arithmetic, Factor, Levels, Pair, Product, Term};
use mnv2c_runtime::arena::Arena;
use mnv2c_runtime::catalog;
use mnv2c_runtime::isa::Isa;
use mnv2c_runtime::kernel::pool::{Divisor, Window, Windows};
use mnv2c_runtime::kernel::q8::border::{Quantize, dequantize, quantize};
use mnv2c_runtime::kernel::q8::conv::{QConv, QPointwise};
use mnv2c_runtime::kernel::q8::depthwise::{QDepthwise, QDepthwiseAny};
use mnv2c_runtime::kernel::q8::elements::{
    add, add_assign, mul, mul_assign, product, product_assign, table, table_assign,
};
use mnv2c_runtime::kernel::q8::pool::{Averaged, QAverage, QMean};
use mnv2c_runtime::ring::Rows;
use mnv2c_runtime::simd::dots::Dots;
use mnv2c_runtime::simd::qgemm::QResidual;
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::simd::{Avx2, Avx512Vnni};
#[cfg(target_arch = "aarch64")]
use mnv2c_runtime::simd::{Neon, NeonDot};
use mnv2c_runtime::simd::{Plain, Scalar, gemm, stencil};
use mnv2c_runtime::{qdepthwise_any_tiles, qdepthwise_tiles, qgemm_tiles};

#[macro_use]
mod machine;
#[path = "each_isa_q8/value.rs"]
mod value;
use value::{Filter, Form, Value, factor, random};

/// A closure that runs a body with a token, compiled for the instruction set as emitted code is.
macro_rules! on {
    (Plain, $($rest:tt)*) => { compiled_for!("", Plain::new(), $($rest)*) };
    (Scalar, $($rest:tt)*) => { compiled_for!("", Scalar::new(), $($rest)*) };
    (Avx2, $($rest:tt)*) => { compiled_for!("avx2,fma,f16c", Avx2::assume(), $($rest)*) };
    (Avx512Vnni, $($rest:tt)*) => {
        compiled_for!("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512Vnni::assume(), $($rest)*)
    };
    (Neon, $($rest:tt)*) => { compiled_for!("neon", Neon::assume(), $($rest)*) };
    (NeonDot, $($rest:tt)*) => { compiled_for!("neon,dotprod", NeonDot::assume(), $($rest)*) };
}

/// Runs a body with each token of this machine, compiled for it.
macro_rules! each_token {
    ($simd:ident, ($($arg:ident: $type:ty),*) $body:expr) => {
        [
            Some(&on!(Plain, $simd, ($($arg: $type),*) $body) as &dyn Fn($($type),*)),
            Some(&on!(Scalar, $simd, ($($arg: $type),*) $body)),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2.is_present().then_some(&on!(Avx2, $simd, ($($arg: $type),*) $body) as _),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni.is_present().then_some(&on!(Avx512Vnni, $simd, ($($arg: $type),*) $body) as _),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon.is_present().then_some(&on!(Neon, $simd, ($($arg: $type),*) $body) as _),
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot.is_present().then_some(&on!(NeonDot, $simd, ($($arg: $type),*) $body) as _),
        ]
    };
}

const LEVELS: [Levels; 5] = [
    Levels { zero: 0, lo: 0, hi: 255, arithmetic: Arithmetic::Float },
    Levels { zero: 131, lo: 0, hi: 255, arithmetic: Arithmetic::Float },
    Levels { zero: 7, lo: 9, hi: 200, arithmetic: Arithmetic::Float },
    Levels { zero: 0, lo: 0, hi: 255, arithmetic: Arithmetic::Fixed },
    Levels { zero: 131, lo: 9, hi: 200, arithmetic: Arithmetic::Fixed },
];

const A: Affine = Affine { scale: 0.11, zero: 131 };

const B: Affine = Affine { scale: 0.07, zero: 40 };

const REALS: Pair = Pair::Float {
    a: A,
    b: B,
    scale: 0.13,
    levels: Levels { zero: 120, lo: 3, hi: 255, arithmetic: Arithmetic::Float },
};

const SUMS: [Pair; 2] = [
    REALS,
    Pair::Fixed {
        a: Term { zero: 131, factor: 908_541_324 },
        b: Term { zero: 40, factor: 578_162_661 },
        shift: 30,
        levels: Levels { zero: 120, lo: 3, hi: 255, arithmetic: Arithmetic::Fixed },
    },
];

const PRODUCTS: [Pair; 2] = [
    REALS,
    Pair::Fixed {
        a: Term { zero: 131, factor: 15_900_000 },
        b: Term { zero: 40, factor: 1 },
        shift: 28,
        levels: Levels { zero: 120, lo: 3, hi: 255, arithmetic: Arithmetic::Fixed },
    },
];

/// Many of its products are halves.
const WHOLE: Product = Product {
    a: 131,
    b: 40,
    factor: 0.0625,
    early: -7.0,
    levels: Levels { zero: 128, lo: 3, hi: 255, arithmetic: Arithmetic::Float },
};

#[test]
fn pointwise_gives_the_bytes_of_plain_loops() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($mr:literal x $nv:literal),*;)*) => {$(
            where_present!($isa { $(
                pointwise::<$mr, $nv>($lanes, Isa::$isa, on!($isa, simd, (
                    kernel: &QPointwise<$mr, $nv>, w: &[u8], x: &[u8], y: &mut [u8],
                    residual: QResidual<'_>, part: gemm::Part
                ) kernel.run_part(simd, w, x, y, residual, part)));
            )* });
        )*};
    }
    qgemm_tiles!(lines);
    let run = on!(Plain, simd, (
        kernel: &QPointwise<2, 2>, w: &[u8], x: &[u8], y: &mut [u8],
        residual: QResidual<'_>, part: gemm::Part
    ) kernel.run_part(simd, w, x, y, residual, part));
    pointwise::<2, 2>(4, Isa::Scalar, run);
}

fn pointwise<const MR: usize, const NV: usize>(
    lanes: usize,
    isa: Isa,
    run: impl Fn(&QPointwise<MR, NV>, &[u8], &[u8], &mut [u8], QResidual<'_>, gemm::Part),
) {
    let panel = NV * lanes;
    for (turn, (c_in, c_out)) in
        [(1, 1), (8, panel), (17, panel + 1), (3, 2 * panel - 1), (3 * lanes, panel)]
            .into_iter()
            .enumerate()
    {
        let filter =
            Filter::new([1, 1], [1, 1], [1, 1], [0, 0], [1, c_in, c_out], LEVELS[turn % 5]);
        for (from, into) in
            [(Form::Nhwc, Form::Nhwc), (Form::Chunks, Form::Nhwc), (Form::Nhwc, Form::Chunks)]
        {
            let run_lens = match from {
                Form::Chunks if c_in > lanes => filter.chunked(lanes),
                Form::Chunks | Form::Nhwc => vec![c_in],
            };
            let w = filter.panels(isa, lanes, panel, &run_lens);
            let width = [MR, MR + 1, 2 * MR][turn % 3];
            let x = Value::new(from, lanes, [3, width, c_in], [0; 4], filter.x_zero);
            let y = Value::new(into, lanes, [3, width, c_out], [0; 4], 0);
            let (from, into) = (x.ring, y.ring);
            let kernel = QPointwise { width, c_in, c_out, from, into, levels: filter.levels };
            let part = |pixels| gemm::Part { rows: 1..3, pixels, panels: 0..c_out.div_ceil(panel) };
            for pixels in [0..width, width - MR..width] {
                let mut memory = y.guard();
                run(&kernel, &w, &x.memory(), &mut memory, QResidual::None, part(pixels.clone()));
                y.check(&memory, &y.guard(), 1..3, pixels, |at| filter.byte(&x, at));
            }
            let (skip, whole) = (y.memory(), part(0..width));
            let pair = SUMS[turn % 2];
            let sum = |at| pair.add(filter.byte(&x, at), y.at(at));
            let mut memory = y.guard();
            let other = QResidual::Of(&skip, y.ring, pair);
            run(&kernel, &w, &x.memory(), &mut memory, other, whole.clone());
            y.check(&memory, &y.guard(), 1..3, 0..width, sum);
            if width.is_multiple_of(MR) {
                let mut memory = skip.clone();
                run(&kernel, &w, &x.memory(), &mut memory, QResidual::InPlace(pair), whole);
                y.check(&memory, &skip, 1..3, 0..width, sum);
            }
        }
    }
}

#[test]
fn conv_gives_the_bytes_of_plain_loops() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($mr:literal x $nv:literal),*;)*) => {$(
            where_present!($isa { $(
                conv::<$mr, $nv>($lanes, Isa::$isa, on!($isa, simd, (
                    kernel: &QConv<$mr, $nv>, w: &[u8], x: &[u8], y: &mut [u8], part: gemm::Part
                ) kernel.run_part(simd, w, x, y, QResidual::None, part)));
            )* });
        )*};
    }
    qgemm_tiles!(lines);
}

fn conv<const MR: usize, const NV: usize>(
    lanes: usize,
    isa: Isa,
    run: impl Fn(&QConv<MR, NV>, &[u8], &[u8], &mut [u8], gemm::Part),
) {
    let (panel, one, two) = (NV * lanes, [1, 1], [2, 2]);
    for (turn, filter) in [
        Filter::new([3, 3], two, one, [1, 1], [1, 3, panel], LEVELS[0]),
        Filter::new([2, 3], one, [2, 3], [0, 2], [1, 2, 5], LEVELS[1]),
        Filter::new([3, 3], one, one, [1, 1], [1, 5, panel + 3], LEVELS[2]),
        Filter::new([1, 1], [5, 4], one, [0, 0], [1, 17, 9], LEVELS[3]),
        Filter::new([3, 3], one, one, [1, 1], [3, 9, 15], LEVELS[4]),
        Filter::new([5, 5], [3, 3], one, [2, 2], [2, 2, 2], LEVELS[2]),
    ]
    .into_iter()
    .enumerate()
    {
        let (width, image) = ([MR, MR + 1][turn % 2], [[1, 1], [7, 9]][turn % 2]);
        let x = filter.image(Form::Nhwc, lanes, image, [3, width]);
        let y = Value::new(Form::Nhwc, lanes, [3, width, filter.c_out], [0; 4], 0);
        let w = filter.panels(isa, lanes, panel, &filter.runs());
        let Filter { kernel, stride, dilation, pad, groups, c_in, c_out, levels, .. } = filter;
        let (from, into) = (x.ring, y.ring);
        let kernel = QConv::<MR, NV> {
            width,
            kernel,
            stride,
            dilation,
            pad,
            groups,
            c_in,
            c_out,
            from,
            into,
            levels,
        };
        let panels = 0..(c_out / groups).div_ceil(panel);
        let mut memory = y.guard();
        let part = gemm::Part { rows: 0..3, pixels: 0..width, panels };
        run(&kernel, &w, &x.memory(), &mut memory, part);
        y.check(&memory, &y.guard(), 0..3, 0..width, |at| filter.byte(&x, at));
    }
}

#[test]
fn depthwise_gives_the_bytes_of_plain_loops() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($k:literal $stride:literal $t:literal),*;)*) => {$(
            where_present!($isa { $(
                depthwise::<$k, $stride, $t>($lanes, Isa::$isa, on!($isa, simd, (
                    kernel: &QDepthwise<$k, $stride, $t>, w: &[u8], x: &[u8], y: &mut [u8],
                    part: stencil::Part
                ) kernel.run_part(simd, w, x, y, part)));
            )* });
        )*};
    }
    qdepthwise_tiles!(lines);
    let run = on!(Plain, simd, (
        kernel: &QDepthwise<3, 2, 4>, w: &[u8], x: &[u8], y: &mut [u8], part: stencil::Part
    ) kernel.run_part(simd, w, x, y, part));
    depthwise::<3, 2, 4>(4, Isa::Scalar, run);
}

fn depthwise<const K: usize, const STRIDE: usize, const T: usize>(
    lanes: usize,
    isa: Isa,
    run: impl Fn(&QDepthwise<K, STRIDE, T>, &[u8], &[u8], &mut [u8], stencil::Part),
) {
    for (turn, (c, pad)) in
        [(1, K / 2), (8, K - 1), (17, 0), (2 * lanes, K / 2)].into_iter().enumerate()
    {
        let stride = [STRIDE, STRIDE];
        let filter = Filter::new([K, K], stride, [1, 1], [pad, pad], [c, c, c], LEVELS[turn % 5]);
        windows(&filter, lanes, isa, T, turn, |[x, y], w, from, into, part| {
            let (width, pad, levels) = (y.width, filter.pad, filter.levels);
            let kernel = QDepthwise { width, channels: c, pad, from: x.ring, into: y.ring, levels };
            run(&kernel, w, from, into, part);
        });
    }
}

#[test]
fn depthwise_of_any_window_gives_the_bytes_of_plain_loops() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($t:literal),*;)*) => {$(
            where_present!($isa { $(
                depthwise_any::<$t>($lanes, Isa::$isa, on!($isa, simd, (
                    kernel: &QDepthwiseAny<$t>, w: &[u8], x: &[u8], y: &mut [u8], part: stencil::Part
                ) kernel.run_part(simd, w, x, y, part)));
            )* });
        )*};
    }
    qdepthwise_any_tiles!(lines);
}

fn depthwise_any<const T: usize>(
    lanes: usize,
    isa: Isa,
    run: impl Fn(&QDepthwiseAny<T>, &[u8], &[u8], &mut [u8], stencil::Part),
) {
    for (turn, (kernel, stride, dilation, pad, c)) in [
        ([1, 1], [1, 1], [1, 1], [0, 0], 8),
        ([3, 3], [1, 1], [2, 3], [2, 3], lanes + 1),
        ([2, 5], [3, 1], [1, 1], [1, 0], 1),
        ([9, 1], [1, 5], [1, 1], [3, 0], 2 * lanes),
    ]
    .into_iter()
    .enumerate()
    {
        let filter = Filter::new(kernel, stride, dilation, pad, [c, c, c], LEVELS[turn % 5]);
        windows(&filter, lanes, isa, T, turn, |[x, y], w, from, into, part| {
            let (width, levels) = (y.width, filter.levels);
            let kernel = QDepthwiseAny {
                width,
                channels: c,
                kernel,
                stride,
                dilation,
                pad,
                from: x.ring,
                into: y.ring,
                levels,
            };
            run(&kernel, w, from, into, part);
        });
    }
}

/// Runs a depthwise kernel over images and forms, and checks its bytes.
fn windows(
    filter: &Filter,
    lanes: usize,
    isa: Isa,
    t: usize,
    turn: usize,
    run: impl Fn([&Value; 2], &[u8], &[u8], &mut [u8], stencil::Part),
) {
    let w = filter.vectors(isa, lanes);
    let (image, width) = [([1, 1], t), ([7, 9], t + 1), ([4, 5], 2 * t)][turn % 3];
    for (from, into) in [(Form::Chunks, Form::Nhwc), (Form::Nhwc, Form::Chunks)] {
        let x = filter.image(from, lanes, image, [3, width]);
        let y = Value::new(into, lanes, [3, width, filter.c_out], [0; 4], 0);
        let vectors = 0..filter.c_out.div_ceil(lanes);
        for pixels in [0..width, width - t..width] {
            let mut memory = y.guard();
            let vectors = vectors.clone();
            let part = stencil::Part { rows: 0..3, pixels: pixels.clone(), vectors };
            run([&x, &y], &w, &x.memory(), &mut memory, part);
            y.check(&memory, &y.guard(), 0..3, pixels, |at| filter.byte(&x, at));
        }
    }
}

#[test]
fn ends_and_elements_give_the_bytes_of_plain_loops() {
    let reals: Vec<f32> = random(999).iter().map(|x| f32::from(*x) * 0.031 - 3.9).collect();
    let mut reals = reals;
    reals[5..9].copy_from_slice(&[f32::NAN, 1e30, -1e30, f32::INFINITY]);
    let (affine, bytes, other) = (A, random(999), random(998));
    for run in each_token!(simd, (x: &[f32], a: &[u8], b: &[u8], to: Affine) {
        for len in [0, 1, 15, 16, 37, 998] {
            let (x, a, b) = (&x[..len], &a[..len], &b[..len]);
            let (mut y, mut reals) = (vec![0; len], vec![0.0; len]);
            quantize(simd, to, x, &mut y);
            let expected: Vec<u8> = x.iter().map(|x| to.levels().byte(x / to.scale)).collect();
            assert_eq!(y, expected);
            dequantize(simd, to, a, &mut reals);
            assert_eq!(reals, a.iter().map(|q| to.real(*q)).collect::<Vec<f32>>());
            let pairs = || a.iter().zip(b);
            for (sum, product) in SUMS.into_iter().zip(PRODUCTS) {
                let added: Vec<u8> = pairs().map(|(a, b)| sum.add(*a, *b)).collect();
                add(simd, sum, a, b, &mut y);
                assert_eq!(y, added);
                y.copy_from_slice(a);
                add_assign(simd, sum, &mut y, b);
                assert_eq!(y, added);
                let multiplied: Vec<u8> = pairs().map(|(a, b)| product.mul(*a, *b)).collect();
                mul(simd, product, a, b, &mut y);
                assert_eq!(y, multiplied);
                y.copy_from_slice(a);
                mul_assign(simd, product, &mut y, b);
                assert_eq!(y, multiplied);
            }
            let multiplied: Vec<u8> = pairs().map(|(a, b)| WHOLE.mul(*a, *b)).collect();
            product(simd, WHOLE, a, b, &mut y);
            assert_eq!(y, multiplied);
            y.copy_from_slice(a);
            product_assign(simd, WHOLE, &mut y, b);
            assert_eq!(y, multiplied);
        }
    })
    .into_iter()
    .flatten()
    {
        run(&reals, &bytes, &other, affine);
    }
}

#[test]
fn a_table_is_looked_up() {
    let (squares, x): (Vec<u8>, _) =
        ((0..=255_u8).map(|x| x.wrapping_mul(x)).collect(), random(77));
    let expected: Vec<u8> = x.iter().map(|x| x.wrapping_mul(*x)).collect();
    let (mut y, mut over) = (vec![0; 77], x.clone());
    table(&squares, &x, &mut y);
    table_assign(&squares, &mut over);
    assert_eq!([&y, &over], [&expected, &expected]);
}

#[test]
fn images_are_quantised_from_planes_and_from_pixels() {
    let x: Vec<f32> = random(3 * 4 * 41).iter().map(|x| f32::from(*x) * 0.03 - 3.0).collect();
    for (channels, width) in [(3, 41), (3, 5), (1, 41), (4, 9), (6, 5)] {
        let image = [2, width, channels];
        for run in each_token!(simd, (x: &[f32], image: [usize; 3]) {
            let [height, width, channels] = image;
            let lanes = lanes(simd);
            let rows = Rows::nhwc(height + 1, width, channels).padded(1, 2, 1);
            let chunks = Rows::chunks(height + 1, width, channels, lanes).padded(1, 2, 1);
            let planes = Rows::planes(height, width, channels);
            for (from, into) in [(planes, rows), (Rows::nhwc(height, width, channels), rows), (planes, chunks)] {
                let to = Affine { scale: 0.02, zero: 117 };
                let (from, len, into) = (from.ring(lanes), into.len(), into.ring(lanes));
                let kernel = Quantize { from, into, width, channels, to };
                let mut y = vec![0xa5; len];
                kernel.run(simd, x, &mut y, 0..height);
                let mut expected = vec![0xa5; len];
                for at in 0..height * width * channels {
                    let (row, column, c) = (at / channels / width, at / channels % width, at % channels);
                    let source = if from.pixel == 1 && channels > 1 {
                        (c * height + row) * width + column
                    } else {
                        at
                    };
                    let lane = c / lanes * into.chunk + c % lanes;
                    expected[into.slot(row + 1) + column * into.pixel + lane] =
                        to.levels().byte(x[source] / to.scale);
                }
                assert_eq!(y, expected);
            }
        }).into_iter().flatten() {
            run(&x, image);
        }
    }
}

fn lanes<S: Dots>(_: S) -> usize {
    S::LANES
}

#[test]
fn means_are_the_same_in_vectors_and_row_by_row() {
    for (channels, levels) in [(1, LEVELS[1]), (8, LEVELS[4]), (17, LEVELS[1]), (40, LEVELS[3])] {
        let x = Value::new(Form::Nhwc, 4, [3, 5, channels], [0; 4], 9);
        let (by, zero) = (0.031, 9);
        let factor = factor(levels, by);
        let from = x.ring;
        let kernel = QMean { from, channels, height: 3, width: 5, zero, factor, levels };
        let sum =
            |c: usize| -> i32 { (0..15).map(|at| i32::from(x.at([at / 5, at % 5, c])) - 9).sum() };
        let bytes: Vec<u8> = (0..channels).map(|c| levels.of_sum(sum(c), factor)).collect();
        let reals: Vec<f32> = (0..channels).map(|c| sum(c) as f32 * by).collect();
        for run in each_token!(simd, (kernel: &QMean, x: &[u8], bytes: &[u8], reals: &[f32]) {
            let (mut y, mut floats) = (vec![0; bytes.len()], vec![0.0; bytes.len()]);
            kernel.run(simd, x, &mut y);
            QMean { factor: Factor::float(0.031), ..*kernel }.run_floats(simd, x, &mut floats);
            assert_eq!((y.as_slice(), floats.as_slice()), (bytes, reals));
        })
        .into_iter()
        .flatten()
        {
            run(&kernel, &x.memory(), &bytes, &reals);
        }
        let mut arena = Arena::<192>::new();
        let sums = arena.bytes_mut();
        for rows in [0..1, 1..3] {
            kernel.take(rows, &x.memory(), sums);
        }
        kernel.finish(channels, sums);
        assert_eq!(sums[..channels], bytes);
    }
}

#[test]
fn averages_of_windows_round_like_the_model() {
    let axis = |len| Window { len, taps: 3, stride: 2, dilation: 1, before: 1, after: 1 };
    let (from, into) = (Rows::nhwc(5, 4, 2).ring(1), Rows::nhwc(3, 2, 2).ring(1));
    let windows = Windows { from, into, channels: 2, down: axis(5), across: axis(4), width: 2 };
    let (x, affine, to) = (random(40), A, Affine { scale: 0.1, zero: 100 });
    let levels = Levels { arithmetic: Arithmetic::Fixed, ..to.levels() };
    let whole = Averaged::Fixed {
        zero: affine.zero,
        factor: factor(levels, affine.scale / to.scale),
        levels,
    };
    for divisor in [Divisor::Inside, Divisor::Padded] {
        let (mut y, mut fixed) = (vec![0; 12], vec![0; 12]);
        let scales = Averaged::Float { x: affine, y: to, early: 0.0 };
        QAverage { windows, divisor, scales }.run(0..3, &x, &mut y);
        QAverage { windows, divisor, scales: whole }.run(0..3, &x, &mut fixed);
        // None of these means is near a half.
        assert_eq!(y, fixed);
        for (at, y) in y.into_iter().enumerate() {
            let [row, column, c] = [at / 4, at / 2 % 2, at % 2];
            let inside = |at: usize, len: usize| {
                (0..3)
                    .filter_map(move |tap| (2 * at + tap).checked_sub(1))
                    .filter(move |i| *i < len)
            };
            let (mut sum, mut count) = (0.0, 0.0);
            for i in inside(row, 5) {
                for j in inside(column, 4) {
                    sum += affine.real(x[(i * 4 + j) * 2 + c]);
                    count += 1.0;
                }
            }
            let count =
                if divisor == Divisor::Padded { padded(row, 5) * padded(column, 4) } else { count };
            assert_eq!(y, to.levels().byte(sum / count / to.scale), "{at}");
        }
    }
}

/// Taps of window `at` in an image of `len` and one pixel of padding on both sides.
fn padded(at: usize, len: usize) -> f32 {
    (0..3).filter(|tap| 2 * at + tap < len + 2).count() as f32
}

#[test]
fn weights_lie_as_the_catalog_says() {
    fn check<S: Dots>(isa: Isa) {
        assert_eq!((S::QUADS, S::LIFT), (catalog::quads(isa), catalog::lift(isa)), "{isa:?}");
    }
    check::<Scalar>(Isa::Scalar);
    check::<Plain>(Isa::Scalar);
    #[cfg(target_arch = "x86_64")]
    {
        check::<Avx2>(Isa::Avx2);
        check::<Avx512Vnni>(Isa::Avx512Vnni);
    }
    #[cfg(target_arch = "aarch64")]
    {
        check::<Neon>(Isa::Neon);
        check::<NeonDot>(Isa::NeonDot);
    }
}
