//! Every kernel of the catalog with any values in its public fields, called as safe code may call it: it panics, or reads
//! and writes its slices alone.
//!
//! A draw is a kernel that makes sense, some of whose fields and lengths then get other numbers; without them it must run.

use mnv2c_runtime::activation::Activation;
use mnv2c_runtime::affine::{Affine, Arithmetic, Dequantized, Levels, Pair as Bytes};
use mnv2c_runtime::brain::Brain;
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::brain::Pair;
use mnv2c_runtime::clamp::Clamp;
use mnv2c_runtime::half::Half;
use mnv2c_runtime::isa::Isa;
use mnv2c_runtime::kernel::conv::Conv;
use mnv2c_runtime::kernel::pointwise::Pointwise;
use mnv2c_runtime::kernel::unary::Unary;
use mnv2c_runtime::kernel::winograd::Winograd;
use mnv2c_runtime::part::Part;
use mnv2c_runtime::ring::Ring;
use mnv2c_runtime::simd::epilogue::Adding;
use mnv2c_runtime::simd::gemm::Gemm;
use mnv2c_runtime::simd::residual::{QResidual, Residual};
use mnv2c_runtime::simd::stencil::Stencil;
use mnv2c_runtime::simd::window::Window;
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::simd::{Avx2, Avx512, Avx512Bf16, Avx512Vnni};
use mnv2c_runtime::simd::{Dsp, Plain, Scalar};
#[cfg(target_arch = "aarch64")]
use mnv2c_runtime::simd::{Neon, NeonDot};
use mnv2c_runtime::{
    depthwise_any_tiles, depthwise_tiles, gemm_tiles, qdepthwise_any_tiles, qdepthwise_tiles,
    qgemm_tiles, winograd_tiles,
};

#[macro_use]
mod machine;
#[path = "any_fields/draw.rs"]
mod draw;
#[path = "any_fields/guard.rs"]
mod guard;
#[path = "any_fields/matrices.rs"]
mod matrices;
use draw::{Fields, Filter, each_draw};
use guard::{Lens, stays_inside};

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
    (Avx512Vnni 16, $($rest:tt)*) => {
        compiled_for!("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512Vnni::assume(), $($rest)*)
    };
    (Avx512Bf16 16, $($rest:tt)*) => {
        compiled_for!("avx512bf16,avx512vnni,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512Bf16::assume(), $($rest)*)
    };
    (Neon 4, $($rest:tt)*) => { compiled_for!("neon", Neon::assume(), $($rest)*) };
    (NeonDot 4, $($rest:tt)*) => { compiled_for!("neon,dotprod", NeonDot::assume(), $($rest)*) };
}

const RELU6: Activation = Activation::Clamp(Clamp { lo: 0.0, hi: 6.0 });

/// What comes last, by a number: most fields are numbers here.
fn activation(at: usize) -> Activation {
    [Activation::NONE, RELU6, Activation::Function(Unary::HardSigmoid { alpha: 0.25, beta: 0.5 })]
        [at % 3]
}

fn levels(at: usize) -> Levels {
    let arithmetic =
        [Arithmetic::Float, Arithmetic::Fixed, Arithmetic::Twice, Arithmetic::Once][at % 4];
    Levels { zero: 3, lo: 0, hi: 255, arithmetic }
}

const SUM: Bytes = Bytes::Float {
    a: Affine { scale: 0.5, zero: 1 },
    b: Affine { scale: 0.25, zero: 9 },
    scale: 0.5,
    levels: Levels { zero: 3, lo: 0, hi: 255, arithmetic: Arithmetic::Float },
};

/// What is added, by a number.
fn residual(at: usize, skip: &[f32], ring: Ring) -> Residual<'_> {
    [Residual::None, Residual::Of(skip, ring), Residual::InPlace][at % 3]
}

fn residual_of_halves(at: usize, skip: &[Half], ring: Ring) -> Residual<'_> {
    [Residual::None, Residual::OfHalf(skip, ring), Residual::InPlace][at % 3]
}

fn residual_of_brains(at: usize, skip: &[Brain], ring: Ring) -> Residual<'_> {
    [Residual::None, Residual::OfBrain(skip, ring), Residual::InPlace][at % 3]
}

fn qresidual(at: usize, skip: &[u8], ring: Ring) -> QResidual<'_> {
    [QResidual::None, QResidual::Of(skip, ring, SUM), QResidual::InPlace(SUM)][at % 3]
}

#[test]
fn chunks_shorter_than_a_vector_are_no_way_out_of_a_slice() {
    let from = Ring { base: 0, kept: 1, top: 0, row: 8, pixel: 8, chunk: 4 };
    let into = Ring { base: 0, kept: 1, top: 0, row: 1, pixel: 1, chunk: 0 };
    let epilogue = activation(0);
    let gemm = Gemm::<1, 1> {
        width: 1,
        c_out: 5,
        window: Window::point(&from, 1, 4),
        from,
        into,
        epilogue,
    };
    let stencil = Stencil {
        width: 1,
        channels: 5,
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        pad: [0, 0],
        from,
        into,
        epilogue,
    };
    let (qgemm, real) = (product(&gemm, levels(0)), product(&gemm, Dequantized));
    let qstencil = windows(&stencil, levels(0));
    let part = || Part { rows: 0..1, pixels: 0..1, panels: 0..2 };
    let lens = Lens { all: [128, 8, 0, 1], tight: 3 };
    let simd = Scalar::new();
    let ran = [
        stays_inside(lens, &|w, x, _: &[f32], y: &mut [f32]| {
            gemm.run::<_, f32, f32, f32>(simd, w, x, y, part());
        }),
        stays_inside(lens, &|w, x, _: &[f32], y: &mut [f32]| {
            stencil.run::<_, f32, f32, f32, 1, 1, 1>(simd, w, x, y, part());
        }),
        stays_inside(lens, &|w, x, _: &[f32], y: &mut [f32]| {
            stencil.run_any::<_, f32, f32, f32, 1>(simd, w, x, y, part());
        }),
        stays_inside(lens, &|w: &[u8], x: &[u8], _: &[u8], y: &mut [u8]| {
            qgemm.run(simd, w, x, y, part());
        }),
        stays_inside(lens, &|w: &[u8], x: &[u8], _: &[f32], y: &mut [f32]| {
            real.run(simd, w, x, y, part());
        }),
        stays_inside(lens, &|w, x, _: &[u8], y: &mut [u8]| {
            qstencil.run::<_, u8, u8, u8, 1, 1, 1>(simd, w, x, y, part());
        }),
        stays_inside(lens, &|w, x, _: &[u8], y: &mut [u8]| {
            qstencil.run_any::<_, u8, u8, u8, 1>(simd, w, x, y, part());
        }),
    ];
    assert_eq!(ran, [Ok(false); 7]);
}

/// A matrix kernel with another end.
fn product<const MR: usize, const NV: usize, E>(
    gemm: &Gemm<MR, NV>,
    epilogue: E,
) -> Gemm<MR, NV, E> {
    let Gemm { width, c_out, window, from, into, .. } = *gemm;
    Gemm { width, c_out, window, from, into, epilogue }
}

/// A depthwise kernel with another end.
fn windows<E>(stencil: &Stencil, epilogue: E) -> Stencil<E> {
    let Stencil { width, channels, kernel, stride, dilation, pad, from, into, .. } = *stencil;
    Stencil { width, channels, kernel, stride, dilation, pad, from, into, epilogue }
}

/// Fields of a matrix kernel, its part and its residual's.
fn gemm_of<const MR: usize, const NV: usize>(
    fields: &mut Fields,
) -> (Gemm<MR, NV>, Part, Ring, usize) {
    let [width, c_out] = fields.take();
    let [rows, row_stride, row_step, above, before, pixel_step] = fields.take();
    let [taps, tap_step, depth, depth_step, tail] = fields.take();
    let window = Window {
        rows,
        row_stride,
        row_step,
        above,
        before,
        pixel_step,
        taps,
        tap_step,
        depth,
        depth_step,
        tail,
    };
    let (from, into, skip) = (fields.ring(), fields.ring(), fields.ring());
    let part = Part { rows: fields.range(4), pixels: fields.range(64), panels: fields.range(64) };
    let [at] = fields.take();
    let epilogue = activation(at);
    (Gemm { width, c_out, window, from, into, epilogue }, part, skip, at / 3)
}

/// Fields of a convolution, its part and its residual's.
fn conv_of<const MR: usize, const NV: usize>(
    fields: &mut Fields,
) -> (Conv<MR, NV>, Part, Ring, usize) {
    let [width] = fields.take();
    let (kernel, stride, dilation, pad) =
        (fields.take(), fields.take(), fields.take(), fields.take());
    let [groups, c_in, c_out] = fields.take();
    let (from, into, skip) = (fields.ring(), fields.ring(), fields.ring());
    let part = Part { rows: fields.range(4), pixels: fields.range(64), panels: fields.range(64) };
    let [at] = fields.take();
    let epilogue = activation(at);
    #[rustfmt::skip]
    let conv = Conv {
        width, kernel, stride, dilation, pad, groups, c_in, c_out, from, into, epilogue,
    };
    (conv, part, skip, at / 3)
}

/// Fields of a depthwise kernel and its part.
fn stencil_of(fields: &mut Fields) -> (Stencil, Part) {
    let [width, channels] = fields.take();
    let (kernel, stride, dilation, pad) =
        (fields.take(), fields.take(), fields.take(), fields.take());
    let (from, into) = (fields.ring(), fields.ring());
    let part = Part { rows: fields.range(4), pixels: fields.range(64), panels: fields.range(64) };
    let [at] = fields.take();
    let epilogue = activation(at);
    (Stencil { width, channels, kernel, stride, dilation, pad, from, into, epilogue }, part)
}

/// The same for bytes.
fn qstencil_of(fields: &mut Fields) -> (Stencil<Levels>, Part) {
    let (stencil, part) = stencil_of(fields);
    (windows(&stencil, levels(stencil.width)), part)
}

#[test]
fn products_stay_inside_whatever_their_fields_say() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($mr:literal x $nv:literal),*;)*) => {$(where_present!($isa { $({
            let run = on!($isa $lanes, simd, (
                kernel: &Gemm<$mr, $nv>, w: &[f32], x: &[f32], y: &mut [f32],
                residual: Residual<'_>, part: Part
            ) {
                let epilogue = Adding { residual, then: kernel.epilogue };
                product(kernel, epilogue).run(simd, w, x, y, part)
            });
            each_draw(24, &|draw| {
                let (mut fields, lens) = draw.gemm($mr, $nv, $lanes, 1);
                let (kernel, part, ring, at) = gemm_of(&mut fields);
                stays_inside(lens, &|w, x, skip, y| {
                    run(&kernel, w, x, y, residual(at, skip, ring), part.clone());
                })
            });
        })* });)*};
    }
    gemm_tiles!(lines);
}

/// Fields of a convolution between transforms, its residual's, and how many numbers it works in.
fn winograd_of<const OUT: usize, const MR: usize, const NV: usize>(
    fields: &mut Fields,
) -> (Winograd<OUT, MR, NV>, Ring, [usize; 2]) {
    let (mut size, pad) = (fields.take(), fields.take());
    let [c_in, c_out] = fields.take();
    let (from, into, skip) = (fields.ring(), fields.ring(), fields.ring());
    let [groups, at, scratch] = fields.take();
    // A ring of few rows has room for any number of them, which would be counted through.
    size[0] = usize::min(size[0], 64);
    let epilogue = activation(at);
    (Winograd { size, pad, c_in, c_out, from, into, groups, epilogue }, skip, [at / 3, scratch])
}

/// Numbers behind those that a kernel may work in.
const BEHIND: usize = 1 << 12;

#[test]
fn transforms_stay_inside_whatever_their_fields_say() {
    macro_rules! one {
        ($isa:ident $lanes:tt $out:literal $mr:literal $nv:literal) => {
            let run = on!($isa $lanes, simd, (
                kernel: &Winograd<$out, $mr, $nv>, w: &[f32], x: &[f32], scratch: &mut [f32], y: &mut [f32],
                residual: Residual<'_>
            ) kernel.adding(residual).run(simd, w, x, scratch, y));
            each_draw(24, &|draw| {
                let (mut fields, lens) = draw.winograd([$out, $mr, $nv], $lanes);
                let (kernel, ring, [at, len]) = winograd_of::<$out, $mr, $nv>(&mut fields);
                let (len, behind) = (len.min(1 << 18), std::cell::Cell::new(true));
                let ran = stays_inside(lens, &|w, x, skip, y| {
                    let mut scratch = vec![7.5; len + BEHIND];
                    run(&kernel, w, x, &mut scratch[..len], y, residual(at, skip, ring));
                    behind.set(behind.get() && scratch[len..].iter().all(|x| *x == 7.5));
                });
                if behind.get() { ran } else { Err("written behind what it works in") }
            });
        };
    }
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($mr:literal x $nv:literal),*;)*) => {$(where_present!($isa { $({
            one!($isa $lanes 2 $mr $nv);
            one!($isa $lanes 4 $mr $nv);
        })* });)*};
    }
    winograd_tiles!(lines);
}

#[test]
fn products_of_bytes_stay_inside_whatever_their_fields_say() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($mr:literal x $nv:literal),*;)*) => {$(where_present!($isa { $({
            let run = on!($isa $lanes, simd, (
                kernel: &Gemm<$mr, $nv>, w: &[u8], x: &[u8], y: &mut [u8],
                residual: QResidual<'_>, part: Part
            ) {
                let epilogue = Adding { residual, then: levels(kernel.width) };
                product(kernel, epilogue).run(simd, w, x, y, part)
            });
            let run_floats = on!($isa $lanes, simd, (
                kernel: &Gemm<$mr, $nv>, w: &[u8], x: &[u8], y: &mut [f32], part: Part
            ) product(kernel, Dequantized).run(simd, w, x, y, part));
            each_draw(24, &|draw| {
                let (mut fields, lens) = draw.qgemm($mr, $nv, $lanes, Isa::$isa);
                let (kernel, part, ring, at) = gemm_of::<$mr, $nv>(&mut fields);
                let bytes = stays_inside(lens, &|w, x, skip, y| {
                    run(&kernel, w, x, y, qresidual(at, skip, ring), part.clone());
                })?;
                let floats = stays_inside(lens, &|w: &[u8], x: &[u8], _, y: &mut [f32]| {
                    run_floats(&kernel, w, x, y, part.clone());
                })?;
                Ok(bytes && floats)
            });
        })* });)*};
    }
    qgemm_tiles!(lines);
}

#[test]
fn windows_stay_inside_whatever_their_fields_say() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($k:literal $stride:literal $t:literal),*;)*) => {$(where_present!($isa { $({
            let run = on!($isa $lanes, simd, (
                kernel: &Stencil, w: &[f32], x: &[f32], y: &mut [f32], part: Part
            ) kernel.run::<_, f32, f32, f32, $k, $stride, $t>(simd, w, x, y, part));
            each_draw(24, &|draw| {
                let (mut fields, lens) = draw.stencil(Filter::square($k, $stride), $t, $lanes);
                let (kernel, part) = stencil_of(&mut fields);
                stays_inside(lens, &|w, x, _, y| run(&kernel, w, x, y, part.clone()))
            });
        })* });)*};
    }
    depthwise_tiles!(lines);
}

#[test]
fn windows_of_any_form_stay_inside_whatever_their_fields_say() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($t:literal),*;)*) => {$(where_present!($isa { $({
            let run = on!($isa $lanes, simd, (
                kernel: &Stencil, w: &[f32], x: &[f32], y: &mut [f32], part: Part
            ) kernel.run_any::<_, f32, f32, f32, $t>(simd, w, x, y, part));
            each_draw(128, &|draw| {
                let (mut fields, lens) = draw.stencil(draw.filter(), $t, $lanes);
                let (kernel, part) = stencil_of(&mut fields);
                stays_inside(lens, &|w, x, _, y| run(&kernel, w, x, y, part.clone()))
            });
        })* });)*};
    }
    depthwise_any_tiles!(lines);
}

#[test]
fn windows_of_bytes_stay_inside_whatever_their_fields_say() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($k:literal $stride:literal $t:literal),*;)*) => {$(where_present!($isa { $({
            let run = on!($isa $lanes, simd, (
                kernel: &Stencil<Levels>, w: &[u8], x: &[u8], y: &mut [u8], part: Part
            ) kernel.run::<_, u8, u8, u8, $k, $stride, $t>(simd, w, x, y, part));
            each_draw(24, &|draw| {
                let filter = Filter::square($k, $stride);
                let (mut fields, lens) = draw.qstencil(filter, $t, $lanes, Isa::$isa);
                let (kernel, part) = qstencil_of(&mut fields);
                stays_inside(lens, &|w, x, _, y| run(&kernel, w, x, y, part.clone()))
            });
        })* });)*};
    }
    qdepthwise_tiles!(lines);
}

#[test]
fn windows_of_bytes_of_any_form_stay_inside_whatever_their_fields_say() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($t:literal),*;)*) => {$(where_present!($isa { $({
            let run = on!($isa $lanes, simd, (
                kernel: &Stencil<Levels>, w: &[u8], x: &[u8], y: &mut [u8], part: Part
            ) kernel.run_any::<_, u8, u8, u8, $t>(simd, w, x, y, part));
            each_draw(128, &|draw| {
                let (mut fields, lens) = draw.qstencil(draw.filter(), $t, $lanes, Isa::$isa);
                let (kernel, part) = qstencil_of(&mut fields);
                stays_inside(lens, &|w, x, _, y| run(&kernel, w, x, y, part.clone()))
            });
        })* });)*};
    }
    qdepthwise_any_tiles!(lines);
}

/// Convolutions of one tile, by the types of their numbers: the kernels above are behind all of them.
macro_rules! convolutions {
    ($isa:ident $lanes:tt, $weight:ty, $number:ty, $inputs:literal, $residual:expr) => {
        let run = on!($isa $lanes, simd, (
            kernel: &Conv<2, 2>, w: &[$weight], x: &[$number], y: &mut [$number],
            residual: Residual<'_>, part: Part
        ) kernel.adding(residual).run(simd, w, x, y, part));
        each_draw(128, &|draw| {
            let (mut fields, lens) = draw.conv(2, 2, $lanes, $inputs);
            let (conv, part, ring, at) = conv_of(&mut fields);
            stays_inside(lens, &|w, x, skip, y| {
                run(&conv, w, x, y, $residual(at, skip, ring), part.clone());
            })
        });
        let run = on!($isa $lanes, simd, (
            kernel: &Pointwise<2, 2>, w: &[$weight], x: &[$number], y: &mut [$number],
            residual: Residual<'_>, part: Part
        ) kernel.adding(residual).run(simd, w, x, y, part));
        each_draw(128, &|draw| {
            let (mut fields, lens) = draw.pointwise(2, 2, $lanes, $inputs);
            let (conv, part, ring, at) = conv_of::<2, 2>(&mut fields);
            let Conv { width, c_in, c_out, from, into, epilogue, .. } = conv;
            let pointwise = Pointwise { width, c_in, c_out, from, into, epilogue };
            stays_inside(lens, &|w, x, skip, y| {
                run(&pointwise, w, x, y, $residual(at, skip, ring), part.clone());
            })
        });
    };
}

#[test]
fn convolutions_stay_inside_whatever_their_fields_say() {
    convolutions!(Plain 4, f32, f32, 1, residual);
    convolutions!(Dsp 1, f32, f32, 1, residual);
    convolutions!(Scalar 4, f32, f32, 1, residual);
    convolutions!(Scalar 4, Half, Half, 1, residual_of_halves);
    convolutions!(Scalar 4, Brain, Brain, 1, residual_of_brains);
    #[cfg(target_arch = "x86_64")]
    if Isa::Avx2.is_present() {
        convolutions!(Avx2 8, f32, f32, 1, residual);
        convolutions!(Avx2 8, Half, Half, 1, residual_of_halves);
    }
    #[cfg(target_arch = "x86_64")]
    if Isa::Avx512Bf16.is_present() {
        convolutions!(Avx512Bf16 16, Pair, Brain, 2, residual_of_brains);
    }
}

#[test]
fn convolutions_of_bytes_stay_inside_whatever_their_fields_say() {
    let simd = Scalar::new();
    each_draw(128, &|draw| {
        let (mut fields, lens) = draw.qconv(2, 2, 4, Isa::Scalar);
        let (conv, part, ring, at) = conv_of::<2, 2>(&mut fields);
        let Conv { width, kernel, stride, dilation, pad, groups, c_in, c_out, .. } = conv;
        let Conv { from, into, .. } = conv;
        let epilogue = levels(at);
        #[rustfmt::skip]
        let conv = Conv::<2, 2, Levels> {
            width, kernel, stride, dilation, pad, groups, c_in, c_out, from, into, epilogue,
        };
        stays_inside(lens, &|w: &[u8], x: &[u8], skip: &[u8], y: &mut [u8]| {
            conv.adding(qresidual(at, skip, ring)).run(simd, w, x, y, part.clone());
        })
    });
    each_draw(128, &|draw| {
        let (mut fields, lens) = draw.qpointwise(2, 2, 4, Isa::Scalar);
        let (conv, part, ring, at) = conv_of::<2, 2>(&mut fields);
        let Conv { width, c_in, c_out, from, into, .. } = conv;
        let pointwise =
            Pointwise::<2, 2, Levels> { width, c_in, c_out, from, into, epilogue: levels(at) };
        stays_inside(lens, &|w: &[u8], x: &[u8], skip: &[u8], y: &mut [u8]| {
            pointwise.adding(qresidual(at, skip, ring)).run(simd, w, x, y, part.clone());
        })
    });
}
