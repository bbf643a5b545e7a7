//! Every tile of the catalog on every instruction set of this machine, against plain loops.
//!
//! Numbers are small and whole, so that every sum is exact in whatever order: answers must be equal. All memory
//! around the values is NaN, which would spread to the answers, and what a call must not write must not change.

use mnv2c_runtime::activation::Activation;
use mnv2c_runtime::brain::Brain;
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::brain::Pair;
use mnv2c_runtime::clamp::Clamp;
use mnv2c_runtime::half::Half;
use mnv2c_runtime::isa::Isa;
use mnv2c_runtime::kernel::conv::Conv;
use mnv2c_runtime::kernel::depthwise::{Depthwise, DepthwiseAny};
use mnv2c_runtime::kernel::matmul::MatMul;
use mnv2c_runtime::kernel::pointwise::Pointwise;
use mnv2c_runtime::kernel::unary::Unary;
use mnv2c_runtime::part::Part;
#[cfg(target_arch = "aarch64")]
use mnv2c_runtime::simd::Neon;
use mnv2c_runtime::simd::residual::Residual;
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::simd::{Avx2, Avx512, Avx512Bf16};
use mnv2c_runtime::simd::{Dsp, Plain, Scalar};
use mnv2c_runtime::{depthwise_any_tiles, depthwise_tiles, gemm_tiles};

#[macro_use]
mod machine;
#[path = "each_isa/halved.rs"]
mod halved;
#[cfg(target_arch = "x86_64")]
#[path = "each_isa/paired.rs"]
mod paired;
#[path = "each_isa/trial.rs"]
mod trial;
#[path = "each_isa/value.rs"]
mod value;
use trial::Trial;
use value::{Filter, Form, Pad, Value};

const WIDE: Activation = Activation::Clamp(Clamp { lo: -9.0, hi: 20.0 });

/// A function of numbers that kernels compute where they are; 16 bits hold each of its few results on integers.
const BENT: Activation = Activation::Function(Unary::HardSigmoid { alpha: 0.25, beta: 0.5 });

/// A closure that runs a body with a token, compiled for the instruction set as emitted code is.
macro_rules! on {
    (Plain 4, $($rest:tt)*) => { compiled_for!("", Plain::new(), $($rest)*) };
    (Dsp 1, $($rest:tt)*) => { compiled_for!("", Dsp::new(), $($rest)*) };
    (Scalar 4, $($rest:tt)*) => { compiled_for!("", Scalar::new(), $($rest)*) };
    (Avx2 8, $($rest:tt)*) => { compiled_for!("avx2,fma,f16c", Avx2::assume(), $($rest)*) };
    (Avx512 16, $($rest:tt)*) => {
        compiled_for!("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512::assume(), $($rest)*)
    };
    (Avx512 8, $($rest:tt)*) => {
        compiled_for!("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512::assume().halves(), $($rest)*)
    };
    (Avx512Bf16 16, $($rest:tt)*) => {
        compiled_for!("avx512bf16,avx512vnni,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512Bf16::assume(), $($rest)*)
    };
    (Neon 4, $($rest:tt)*) => { compiled_for!("neon", Neon::assume(), $($rest)*) };
}

#[test]
fn pointwise_agrees_with_plain_loops() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($mr:literal x $nv:literal),*;)*) => {$(
            where_present!($isa {
                $(pointwise::<$mr, $nv>($lanes, on!($isa $lanes, simd, (
                    kernel: &Pointwise<$mr, $nv>, w: &[f32], x: &[f32], y: &mut [f32],
                    residual: Residual<'_>, part: Part
                ) kernel.adding(residual).run(simd, w, x, y, part)));)*
            });
        )*};
    }
    gemm_tiles!(lines);
}

#[test]
fn conv_agrees_with_plain_loops() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($mr:literal x $nv:literal),*;)*) => {$(
            where_present!($isa {
                $(conv::<$mr, $nv>($lanes, on!($isa $lanes, simd, (
                    kernel: &Conv<$mr, $nv>, w: &[f32], x: &[f32], y: &mut [f32],
                    residual: Residual<'_>, part: Part
                ) kernel.adding(residual).run(simd, w, x, y, part)));)*
            });
        )*};
    }
    gemm_tiles!(lines);
}

#[test]
fn depthwise_agrees_with_plain_loops() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($k:literal $stride:literal $t:literal),*;)*) => {$(
            where_present!($isa {
                $(depthwise::<$k, $stride, $t>($lanes, on!($isa $lanes, simd, (
                    kernel: &Depthwise<$k, $stride, $t>, w: &[f32], x: &[f32], y: &mut [f32],
                    part: Part
                ) kernel.run(simd, w, x, y, part)));)*
            });
        )*};
    }
    depthwise_tiles!(lines);
}

#[test]
fn depthwise_of_any_window_agrees_with_plain_loops() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($t:literal),*;)*) => {$(
            where_present!($isa {
                $(depthwise_any::<$t>($lanes, on!($isa $lanes, simd, (
                    kernel: &DepthwiseAny<$t>, w: &[f32], x: &[f32], y: &mut [f32],
                    part: Part
                ) kernel.run(simd, w, x, y, part)));)*
            });
        )*};
    }
    depthwise_any_tiles!(lines);
}

#[test]
fn products_of_rows_agree_with_plain_loops() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt),*) => {$(
            where_present!($isa {
                products(&on!($isa $lanes, simd, (kernel: &MatMul<1>, a: &[f32], b: &[f32], y: &mut [f32])
                    kernel.run(simd, a, b, y)));
            });
        )*};
    }
    lines!(Dsp 1, Scalar 4, Avx2 8, Avx512 16, Avx512 8, Avx512Bf16 16, Neon 4);
}

/// A kernel that multiplies matrices in rows.
type Multiply<'a> = &'a dyn Fn(&MatMul<1>, &[f32], &[f32], &mut [f32]);

/// Products of three left matrices by one right one, at the edges of tiles.
fn products(run: Multiply<'_>) {
    for rows in [1, 3, 4, 5, 8] {
        for columns in [1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 70] {
            let depth = 1 + columns % 5;
            let (left, right) = ([rows * depth], [0]);
            let kernel = MatMul { stack: [3], left, right, rows, depth, columns };
            let whole = |len: usize| (0..len).map(|at| (at * 5 % 7) as f32 - 3.0);
            let a: Vec<f32> = whole(3 * rows * depth).collect();
            let b: Vec<f32> = whole(depth * columns).collect();
            let mut y = vec![f32::NAN; 3 * rows * columns];
            run(&kernel, &a, &b, &mut y);
            for (at, y) in y.into_iter().enumerate() {
                let (row, column) = (at / columns, at % columns);
                let sum: f32 =
                    (0..depth).map(|k| a[row * depth + k] * b[k * columns + column]).sum();
                assert_eq!(y, sum, "{kernel:?} at row {row}, column {column}");
            }
        }
    }
}

/// Tests with matrices of a short number.
macro_rules! matrices {
    ($number:ident: $($isa:ident $lanes:tt: $($mr:literal x $nv:literal),*;)*) => {$(
        where_present!($isa {
            $(
                pointwise::<$mr, $nv>($lanes, halved::gemm(on!($isa $lanes, simd, (
                    kernel: &Pointwise<$mr, $nv>, w: &[$number], x: &[$number], y: &mut [$number],
                    residual: Residual<'_>, part: Part
                ) kernel.adding(residual).run(simd, w, x, y, part))));
                conv::<$mr, $nv>($lanes, halved::gemm(on!($isa $lanes, simd, (
                    kernel: &Conv<$mr, $nv>, w: &[$number], x: &[$number], y: &mut [$number],
                    residual: Residual<'_>, part: Part
                ) kernel.adding(residual).run(simd, w, x, y, part))));
            )*
        });
    )*};
}

/// The same with windows.
macro_rules! windows {
    ($number:ident: $($isa:ident $lanes:tt: $($k:literal $stride:literal $t:literal),*;)*) => {$(
        where_present!($isa {
            $(depthwise::<$k, $stride, $t>($lanes, halved::stencil(on!($isa $lanes, simd, (
                kernel: &Depthwise<$k, $stride, $t>, w: &[$number], x: &[$number], y: &mut [$number],
                part: Part
            ) kernel.run(simd, w, x, y, part))));)*
        });
    )*};
}

#[test]
fn matrices_of_halves_agree_with_plain_loops() {
    macro_rules! lines {
        ($($lines:tt)*) => { matrices!(Half: $($lines)*) };
    }
    gemm_tiles!(lines);
}

#[test]
fn matrices_of_brain_floats_agree_with_plain_loops() {
    macro_rules! lines {
        ($($lines:tt)*) => { matrices!(Brain: $($lines)*) };
    }
    gemm_tiles!(lines);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn matrices_of_pairs_agree_with_plain_loops() {
    macro_rules! line {
        (Avx512 16: $($mr:literal x $nv:literal),*) => {$(
            pointwise::<$mr, $nv>(16, paired::gemm(
                on!(Avx512Bf16 16, simd, (
                    kernel: &Pointwise<$mr, $nv>, w: &[Pair], x: &[Brain], y: &mut [Brain],
                    residual: Residual<'_>, part: Part
                ) kernel.adding(residual).run(simd, w, x, y, part)),
                |_, _, _, _, _, _| unreachable!("channels of a pixel lie side by side"),
            ));
            conv::<$mr, $nv>(16, paired::gemm(
                on!(Avx512Bf16 16, simd, (
                    kernel: &Conv<$mr, $nv>, w: &[Pair], x: &[Brain], y: &mut [Brain],
                    residual: Residual<'_>, part: Part
                ) kernel.adding(residual).run(simd, w, x, y, part)),
                halved::gemm(on!(Avx512Bf16 16, simd, (
                    kernel: &Conv<$mr, $nv>, w: &[Brain], x: &[Brain], y: &mut [Brain],
                    residual: Residual<'_>, part: Part
                ) kernel.adding(residual).run(simd, w, x, y, part))),
            ));
        )*};
        ($isa:ident $lanes:tt: $($tiles:tt)*) => {};
    }
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($mr:literal x $nv:literal),*;)*) => {
            $(line!($isa $lanes: $($mr x $nv),*);)*
        };
    }
    if Isa::Avx512Bf16.is_present() {
        gemm_tiles!(lines);
    }
}

#[test]
fn windows_of_halves_agree_with_plain_loops() {
    macro_rules! lines {
        ($($lines:tt)*) => { windows!(Half: $($lines)*) };
    }
    depthwise_tiles!(lines);
}

#[test]
fn windows_of_brain_floats_agree_with_plain_loops() {
    macro_rules! lines {
        ($($lines:tt)*) => { windows!(Brain: $($lines)*) };
    }
    depthwise_tiles!(lines);
}

/// Where `Scalar` is something better than plain floats, these are tested by nothing else.
#[test]
fn plain_floats_agree_with_plain_loops() {
    pointwise::<2, 2>(
        4,
        on!(Plain 4, simd, (
        kernel: &Pointwise<2, 2>, w: &[f32], x: &[f32], y: &mut [f32],
        residual: Residual<'_>, part: Part
    ) kernel.adding(residual).run(simd, w, x, y, part)),
    );
    depthwise::<3, 2, 4>(
        4,
        on!(Plain 4, simd, (
        kernel: &Depthwise<3, 2, 4>, w: &[f32], x: &[f32], y: &mut [f32],
        part: Part
    ) kernel.run(simd, w, x, y, part)),
    );
}

/// Forms and slots of input and output.
const FORMS: [(Form, Form, usize); 4] = [
    (Form::Pixels(0), Form::Pixels(0), 0),
    (Form::Chunks, Form::Pixels(3), 1),
    (Form::Pixels(2), Form::Chunks, 2),
    (Form::Chunks, Form::Chunks, 0),
];

fn pointwise<const MR: usize, const NV: usize>(
    lanes: usize,
    run: impl Fn(&Pointwise<MR, NV>, &[f32], &[f32], &mut [f32], Residual<'_>, Part),
) {
    let panel = NV * lanes;
    let cases = [
        (1, 1, Activation::NONE),
        (8, panel, Activation::RELU6),
        (17, panel + 1, BENT),
        (3 * lanes, 2 * panel - lanes + 2, WIDE),
        // Inputs that are widened in several turns, the last of them shorter.
        (130, 3, BENT),
    ];
    for (turn, (c_in, c_out, activation)) in cases.into_iter().enumerate() {
        let filter = Filter::pointwise(c_in, c_out, activation);
        let w = filter.panels(panel, Form::Pixels(0));
        for (at, (from, into, kept)) in FORMS.into_iter().enumerate() {
            let width = [MR, MR + 1, 2 * MR][(at + turn) % 3];
            let value = |form, c| Value::new(form, lanes, [3, width, c], Pad::default(), kept);
            let trial = Trial { filter: &filter, x: value(from, c_in), y: value(into, c_out) };
            let (from, into) = (trial.x.ring, trial.y.ring);
            let kernel = Pointwise { width, c_in, c_out, from, into, epilogue: activation };
            trial.gemm(MR, panel, |x, y, residual, part| run(&kernel, &w, x, y, residual, part));
        }
    }
}

fn conv<const MR: usize, const NV: usize>(
    lanes: usize,
    run: impl Fn(&Conv<MR, NV>, &[f32], &[f32], &mut [f32], Residual<'_>, Part),
) {
    let (panel, nhwc, chunks) = (NV * lanes, Form::Pixels(0), Form::Chunks);
    let filter = Filter::new;
    let (two, one) = ([2, 2], [1, 1]);
    for (from, into, filter) in [
        (Form::Planes, nhwc, filter([3, 3], two, one, [1, 1], [1, 3, panel], Activation::RELU6)),
        (Form::Planes, chunks, filter([2, 3], one, [2, 3], [0, 2], [1, 2, 5], WIDE)),
        (nhwc, chunks, filter([3, 3], one, one, [1, 1], [1, 5, panel + 3], Activation::NONE)),
        (Form::Pixels(1), nhwc, filter([3, 2], one, two, [2, 0], [1, 6, 1], Activation::RELU)),
        (nhwc, nhwc, filter([1, 1], [5, 4], one, [0, 0], [1, 17, 9], BENT)),
        (nhwc, nhwc, filter([3, 3], one, one, [1, 1], [3, 9, 15], WIDE)),
        (nhwc, nhwc, filter([2, 3], one, [1, 2], [0, 2], [1, 1, 5], WIDE)),
        (nhwc, chunks, filter([1, 3], one, one, [0, 1], [2, 4, 2 * lanes], BENT)),
        (Form::Planes, nhwc, filter([5, 5], [3, 3], one, [2, 2], [2, 2, 2], WIDE)),
    ] {
        let w = filter.panels(panel, from);
        for (image, width, kept) in [([1, 1], MR, 0), ([7, 9], MR + 1, 0), ([7, 9], MR, 6)] {
            let pad = filter.padding(image, [3, width], kept % 2);
            let x = Value::new(from, lanes, [image[0], image[1], filter.c_in], pad, kept);
            let y = Value::new(into, lanes, [3, width, filter.c_out], Pad::default(), kept);
            let trial = Trial { filter: &filter, x, y };
            let Filter { kernel, stride, dilation, pad, groups, c_in, c_out, activation, .. } =
                filter;
            let (from, into) = (trial.x.ring, trial.y.ring);
            let kernel = Conv::<MR, NV> {
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
                epilogue: activation,
            };
            trial.gemm(MR, panel, |x, y, residual, part| run(&kernel, &w, x, y, residual, part));
        }
    }
}

fn depthwise<const K: usize, const STRIDE: usize, const T: usize>(
    lanes: usize,
    run: impl Fn(&Depthwise<K, STRIDE, T>, &[f32], &[f32], &mut [f32], Part),
) {
    let stride = [STRIDE, STRIDE];
    for (channels, pad, activation) in
        [(1, K / 2, Activation::NONE), (17, 0, Activation::RELU6), (2 * lanes, K - 1, BENT)]
    {
        let groups = [channels, channels, channels];
        let filter = Filter::new([K, K], stride, [1, 1], [pad, pad], groups, activation);
        windows(&filter, lanes, T, |trial, x, y, part| {
            let (from, into, pad) = (trial.x.ring, trial.y.ring, filter.pad);
            let kernel =
                Depthwise { width: trial.y.width, channels, pad, from, into, epilogue: activation };
            run(&kernel, &filter.vectors(lanes), x, y, part);
        });
    }
}

fn depthwise_any<const T: usize>(
    lanes: usize,
    run: impl Fn(&DepthwiseAny<T>, &[f32], &[f32], &mut [f32], Part),
) {
    for (kernel, stride, dilation, pad, channels) in [
        ([1, 1], [1, 1], [1, 1], [0, 0], 8),
        ([3, 3], [1, 1], [2, 3], [2, 3], lanes + 1),
        ([2, 5], [3, 1], [1, 1], [1, 0], 1),
        ([4, 1], [1, 5], [2, 1], [3, 0], 2 * lanes),
    ] {
        let (groups, activation) = ([channels, channels, channels], Activation::RELU);
        let filter = Filter::new(kernel, stride, dilation, pad, groups, activation);
        windows(&filter, lanes, T, |trial, x, y, part| {
            let (from, into, width) = (trial.x.ring, trial.y.ring, trial.y.width);
            let kernel = DepthwiseAny {
                width,
                channels,
                kernel,
                stride,
                dilation,
                pad,
                from,
                into,
                epilogue: activation,
            };
            run(&kernel, &filter.vectors(lanes), x, y, part);
        });
    }
}

/// Runs a depthwise kernel over images, forms and rings.
fn windows(
    filter: &Filter,
    lanes: usize,
    t: usize,
    run: impl Fn(&Trial<'_>, &[f32], &mut [f32], Part),
) {
    for (at, (from, into, kept)) in FORMS.into_iter().enumerate() {
        let images = [([1, 1], t), ([7, 9], t + 1), ([4, 5], 2 * t)];
        let (image, width) = images[(at + filter.c_out) % 3];
        let pad = filter.padding(image, [3, width], kept % 2);
        let kept = if kept == 0 { 0 } else { filter.extent([1, 1])[0] + kept };
        let c = filter.c_out;
        let x = Value::new(from, lanes, [image[0], image[1], c], pad, kept);
        let y = Value::new(into, lanes, [3, width, c], Pad::default(), kept);
        let trial = Trial { filter, x, y };
        trial.depthwise(t, lanes, |x, y, part| run(&trial, x, y, part));
    }
}
