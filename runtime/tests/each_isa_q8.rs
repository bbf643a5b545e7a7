//! Every tile of the catalog for bytes on every instruction set of this machine, against plain loops: equal, byte for
//! byte. Memory around the values holds a guard, and what a call must not write must not change.

use mnv2c_runtime::affine::{Affine, Arithmetic, Factor, Levels, Pair, Share, Term};
use mnv2c_runtime::isa::Isa;
use mnv2c_runtime::kernel::conv::Conv;
use mnv2c_runtime::kernel::depthwise::{Depthwise, DepthwiseAny};
use mnv2c_runtime::kernel::pointwise::Pointwise;
use mnv2c_runtime::part::Part;
use mnv2c_runtime::simd::residual::QResidual;
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::simd::{Avx2, Avx512Vnni};
use mnv2c_runtime::simd::{Dsp, Plain, Scalar};
#[cfg(target_arch = "aarch64")]
use mnv2c_runtime::simd::{Neon, NeonDot};
use mnv2c_runtime::{qdepthwise_any_tiles, qdepthwise_tiles, qgemm_tiles};

#[macro_use]
mod machine;
#[path = "each_isa_q8/value.rs"]
mod value;
use value::{Filter, Form, Value};

/// A closure that runs a body with a token, compiled for the instruction set as emitted code is.
macro_rules! on {
    (Plain, $($rest:tt)*) => { compiled_for!("", Plain::new(), $($rest)*) };
    (Dsp, $($rest:tt)*) => { compiled_for!("", Dsp::new(), $($rest)*) };
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
            Some(&on!(Dsp, $simd, ($($arg: $type),*) $body)),
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

#[path = "each_isa_q8/ends.rs"]
mod ends; // after the macros that they need
#[path = "each_isa_q8/whole.rs"]
mod whole;

const LEVELS: [Levels; 7] = [
    Levels { zero: 0, lo: 0, hi: 255, arithmetic: Arithmetic::Float },
    Levels { zero: 131, lo: 0, hi: 255, arithmetic: Arithmetic::Float },
    Levels { zero: 7, lo: 9, hi: 200, arithmetic: Arithmetic::Float },
    Levels { zero: 0, lo: 0, hi: 255, arithmetic: Arithmetic::Fixed },
    Levels { zero: 131, lo: 9, hi: 200, arithmetic: Arithmetic::Fixed },
    Levels { zero: 0, lo: 0, hi: 255, arithmetic: Arithmetic::Twice },
    Levels { zero: 131, lo: 9, hi: 200, arithmetic: Arithmetic::Twice },
];

const A: Affine = Affine { scale: 0.11, zero: 131 };

const B: Affine = Affine { scale: 0.07, zero: 40 };

const REALS: Pair = Pair::Float {
    a: A,
    b: B,
    scale: 0.13,
    levels: Levels { zero: 120, lo: 3, hi: 255, arithmetic: Arithmetic::Float },
};

const SUMS: [Pair; 3] = [
    REALS,
    Pair::Fixed {
        a: Term { zero: 131, factor: 908_541_324 },
        b: Term { zero: 40, factor: 578_162_661 },
        shift: 30,
        levels: Levels { zero: 120, lo: 3, hi: 255, arithmetic: Arithmetic::Fixed },
    },
    Pair::Twice {
        a: Share { zero: 131, factor: Factor::twice(1 << 30, 0) },
        b: Share { zero: 40, factor: Factor::twice(1_366_610_455, -1) },
        factor: Factor::twice(1_817_082_648, -19),
        levels: Levels { zero: 120, lo: 3, hi: 255, arithmetic: Arithmetic::Twice },
    },
];

#[test]
fn pointwise_gives_the_bytes_of_plain_loops() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($mr:literal x $nv:literal),*;)*) => {$(
            where_present!($isa { $(
                pointwise::<$mr, $nv>($lanes, Isa::$isa, on!($isa, simd, (
                    kernel: &Pointwise<$mr, $nv, Levels>, w: &[u8], x: &[u8], y: &mut [u8],
                    residual: QResidual<'_>, part: Part
                ) kernel.adding(residual).run(simd, w, x, y, part)));
            )* });
        )*};
    }
    qgemm_tiles!(lines);
    let run = on!(Plain, simd, (
        kernel: &Pointwise<2, 2, Levels>, w: &[u8], x: &[u8], y: &mut [u8],
        residual: QResidual<'_>, part: Part
    ) kernel.adding(residual).run(simd, w, x, y, part));
    pointwise::<2, 2>(4, Isa::Scalar, run);
}

fn pointwise<const MR: usize, const NV: usize>(
    lanes: usize,
    isa: Isa,
    run: impl Fn(&Pointwise<MR, NV, Levels>, &[u8], &[u8], &mut [u8], QResidual<'_>, Part),
) {
    let panel = NV * lanes;
    for (turn, (c_in, c_out)) in
        [(1, 1), (8, panel), (17, panel + 1), (3, 2 * panel - 1), (3 * lanes, panel)]
            .into_iter()
            .cycle()
            .take(LEVELS.len())
            .enumerate()
    {
        let filter = Filter::new([1, 1], [1, 1], [1, 1], [0, 0], [1, c_in, c_out], LEVELS[turn]);
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
            let kernel = Pointwise { width, c_in, c_out, from, into, epilogue: filter.levels };
            let part = |pixels| Part { rows: 1..3, pixels, panels: 0..c_out.div_ceil(panel) };
            for pixels in [0..width, width - MR..width] {
                let mut memory = y.guard();
                run(&kernel, &w, &x.memory(), &mut memory, QResidual::None, part(pixels.clone()));
                y.check(&memory, &y.guard(), 1..3, pixels, |at| filter.byte(&x, at));
            }
            let (skip, whole) = (y.memory(), part(0..width));
            let pair = SUMS[turn % 3];
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
                    kernel: &Conv<$mr, $nv, Levels>, w: &[u8], x: &[u8], y: &mut [u8], part: Part
                ) kernel.run(simd, w, x, y, part)));
            )* });
        )*};
    }
    qgemm_tiles!(lines);
}

fn conv<const MR: usize, const NV: usize>(
    lanes: usize,
    isa: Isa,
    run: impl Fn(&Conv<MR, NV, Levels>, &[u8], &[u8], &mut [u8], Part),
) {
    let (panel, one, two) = (NV * lanes, [1, 1], [2, 2]);
    for (turn, filter) in [
        Filter::new([3, 3], two, one, [1, 1], [1, 3, panel], LEVELS[0]),
        Filter::new([2, 3], one, [2, 3], [0, 2], [1, 2, 5], LEVELS[5]),
        Filter::new([3, 3], one, one, [1, 1], [1, 5, panel + 3], LEVELS[2]),
        Filter::new([1, 1], [5, 4], one, [0, 0], [1, 17, 9], LEVELS[3]),
        Filter::new([3, 3], one, one, [1, 1], [3, 9, 15], LEVELS[4]),
        Filter::new([5, 5], [3, 3], one, [2, 2], [2, 2, 2], LEVELS[2]),
        Filter::new([2, 2], one, one, [1, 0], [2, 4, 2 * panel + 2], LEVELS[6]),
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
        let kernel = Conv::<MR, NV, Levels> {
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
            epilogue: levels,
        };
        let panels = 0..(c_out / groups).div_ceil(panel);
        let mut memory = y.guard();
        let part = Part { rows: 0..3, pixels: 0..width, panels };
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
                    kernel: &Depthwise<$k, $stride, $t, Levels>, w: &[u8], x: &[u8], y: &mut [u8],
                    part: Part
                ) kernel.run(simd, w, x, y, part)));
            )* });
        )*};
    }
    qdepthwise_tiles!(lines);
    let run = on!(Plain, simd, (
        kernel: &Depthwise<3, 2, 4, Levels>, w: &[u8], x: &[u8], y: &mut [u8], part: Part
    ) kernel.run(simd, w, x, y, part));
    depthwise::<3, 2, 4>(4, Isa::Scalar, run);
}

fn depthwise<const K: usize, const STRIDE: usize, const T: usize>(
    lanes: usize,
    isa: Isa,
    run: impl Fn(&Depthwise<K, STRIDE, T, Levels>, &[u8], &[u8], &mut [u8], Part),
) {
    for (turn, (c, pad)) in [(1, K / 2), (8, K - 1), (17, 0), (2 * lanes, K / 2)]
        .into_iter()
        .cycle()
        .take(LEVELS.len())
        .enumerate()
    {
        let stride = [STRIDE, STRIDE];
        let filter = Filter::new([K, K], stride, [1, 1], [pad, pad], [c, c, c], LEVELS[turn]);
        windows(&filter, lanes, isa, T, turn, |[x, y], w, from, into, part| {
            let (width, pad, epilogue) = (y.width, filter.pad, filter.levels);
            let (from_ring, into_ring) = (x.ring, y.ring);
            let kernel =
                Depthwise { width, channels: c, pad, from: from_ring, into: into_ring, epilogue };
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
                    kernel: &DepthwiseAny<$t, Levels>, w: &[u8], x: &[u8], y: &mut [u8], part: Part
                ) kernel.run(simd, w, x, y, part)));
            )* });
        )*};
    }
    qdepthwise_any_tiles!(lines);
}

fn depthwise_any<const T: usize>(
    lanes: usize,
    isa: Isa,
    run: impl Fn(&DepthwiseAny<T, Levels>, &[u8], &[u8], &mut [u8], Part),
) {
    for (turn, (kernel, stride, dilation, pad, c)) in [
        ([1, 1], [1, 1], [1, 1], [0, 0], 8),
        ([3, 3], [1, 1], [2, 3], [2, 3], lanes + 1),
        ([2, 5], [3, 1], [1, 1], [1, 0], 1),
        ([9, 1], [1, 5], [1, 1], [3, 0], 2 * lanes),
    ]
    .into_iter()
    .cycle()
    .take(LEVELS.len())
    .enumerate()
    {
        let filter = Filter::new(kernel, stride, dilation, pad, [c, c, c], LEVELS[turn]);
        windows(&filter, lanes, isa, T, turn, |[x, y], w, from, into, part| {
            let (width, levels) = (y.width, filter.levels);
            let kernel = DepthwiseAny {
                width,
                channels: c,
                kernel,
                stride,
                dilation,
                pad,
                from: x.ring,
                into: y.ring,
                epilogue: levels,
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
    run: impl Fn([&Value; 2], &[u8], &[u8], &mut [u8], Part),
) {
    let w = filter.vectors(isa, lanes);
    let (image, width) = [([1, 1], t), ([7, 9], t + 1), ([4, 5], 2 * t)][turn % 3];
    for (from, into) in [(Form::Chunks, Form::Nhwc), (Form::Nhwc, Form::Chunks)] {
        let x = filter.image(from, lanes, image, [3, width]);
        let y = Value::new(into, lanes, [3, width, filter.c_out], [0; 4], 0);
        let panels = 0..filter.c_out.div_ceil(lanes);
        for pixels in [0..width, width - t..width] {
            let mut memory = y.guard();
            let part = Part { rows: 0..3, pixels: pixels.clone(), panels: panels.clone() };
            run([&x, &y], &w, &x.memory(), &mut memory, part);
            y.check(&memory, &y.guard(), 0..3, pixels, |at| filter.byte(&x, at));
        }
    }
}
