//! Convolutions between Winograd's transforms, by every tile of the catalog on every instruction set of this machine,
//! against direct sums in f64.
//!
//! Images are as small as a tile allows and as odd as may be: edges, channels that are no whole vector, rows longer than
//! their pixels. All memory around the values is NaN, and what a call must not write must not change.

use mnv2c_runtime::activation::Activation;
use mnv2c_runtime::isa::Isa;
use mnv2c_runtime::kernel::winograd::Winograd;
use mnv2c_runtime::ring::{Ring, Rows};
#[cfg(target_arch = "aarch64")]
use mnv2c_runtime::simd::Neon;
use mnv2c_runtime::simd::residual::Residual;
use mnv2c_runtime::simd::winograd::scratch_len;
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::simd::{Avx2, Avx512};
use mnv2c_runtime::simd::{Dsp, Scalar};
use mnv2c_runtime::winograd_tiles;

#[macro_use]
mod machine;

/// A closure that runs a body with a token, compiled for the instruction set as emitted code is.
macro_rules! on {
    (Dsp, $($rest:tt)*) => { compiled_for!("", Dsp::new(), $($rest)*) };
    (Scalar, $($rest:tt)*) => { compiled_for!("", Scalar::new(), $($rest)*) };
    (Avx2, $($rest:tt)*) => { compiled_for!("avx2,fma,f16c", Avx2::assume(), $($rest)*) };
    (Avx512, $($rest:tt)*) => {
        compiled_for!("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512::assume(), $($rest)*)
    };
    (Neon, $($rest:tt)*) => { compiled_for!("neon", Neon::assume(), $($rest)*) };
}

#[test]
fn transforms_agree_with_direct_sums() {
    macro_rules! lines {
        ($($isa:ident $lanes:tt: $($mr:literal x $nv:literal),*;)*) => {$(
            where_present!($isa {
                $(
                    check::<2, $mr, $nv>($lanes, on!($isa, simd, (
                        kernel: &Winograd<2, $mr, $nv>, w: &[f32], x: &[f32], scratch: &mut [f32], y: &mut [f32],
                        residual: Residual<'_>
                    ) kernel.adding(residual).run(simd, w, x, scratch, y)));
                    check::<4, $mr, $nv>($lanes, on!($isa, simd, (
                        kernel: &Winograd<4, $mr, $nv>, w: &[f32], x: &[f32], scratch: &mut [f32], y: &mut [f32],
                        residual: Residual<'_>
                    ) kernel.adding(residual).run(simd, w, x, scratch, y)));
                )*
            });
        )*};
    }
    winograd_tiles!(lines);
}

/// A kernel that computes a convolution.
trait Run<const OUT: usize, const MR: usize, const NV: usize>:
    Fn(&Winograd<OUT, MR, NV>, &[f32], &[f32], &mut [f32], &mut [f32], Residual<'_>)
{
}

impl<const OUT: usize, const MR: usize, const NV: usize, F> Run<OUT, MR, NV> for F where
    F: Fn(&Winograd<OUT, MR, NV>, &[f32], &[f32], &mut [f32], &mut [f32], Residual<'_>)
{
}

/// Numbers between -1 and 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next().abs() * most as f32) as usize % most
    }

    fn many(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.next()).collect()
    }
}

/// A convolution of random shape.
struct Shape {
    size: [usize; 2],
    c_in: usize,
    c_out: usize,
    pad: [usize; 2],
}

impl Shape {
    fn draw(random: &mut Random, out: usize, tiles: usize, lanes: usize) -> Self {
        let mut size = [1 + random.below(3 * out + 3), 1 + random.below(3 * out + 3)];
        while size[0].div_ceil(out) * size[1].div_ceil(out) < tiles {
            size[random.below(2)] += 1;
        }
        let c_in = 1 + random.below(3 * lanes);
        let c_out = 1 + random.below(5 * lanes);
        Self { size, c_in, c_out, pad: [random.below(2), random.below(3)] }
    }
}

fn check<const OUT: usize, const MR: usize, const NV: usize>(
    lanes: usize,
    run: impl Run<OUT, MR, NV>,
) {
    let mut random = Random((OUT * 1_000 + MR * 10 + NV) as u64);
    for round in 0..4 {
        let shape = Shape::draw(&mut random, OUT, MR, lanes);
        trial::<OUT, MR, NV>(&mut random, lanes, round, &shape, &run);
    }
}

fn trial<const OUT: usize, const MR: usize, const NV: usize>(
    random: &mut Random,
    lanes: usize,
    round: usize,
    shape: &Shape,
    run: &impl Run<OUT, MR, NV>,
) {
    let Shape { size: [height, width], c_in, c_out, pad } = *shape;
    let from = Rows::nhwc(pad[0] + height + 2, width, c_in).padded(pad[0], pad[1], 2);
    let into = Rows::nhwc(height + 2, width, c_out).padded(1, 2, 1);
    let x = random.many(from.len());
    let taps = random.many(c_out * c_in * 9);
    let bias = random.many(c_out);
    let skip = random.many(height * width * c_out);
    let groups = 1 + random.below(4);
    let kernel = Winograd::<OUT, MR, NV> {
        size: [height, width],
        pad,
        c_in,
        c_out,
        from: from.ring(lanes),
        into: into.ring(lanes),
        groups,
        epilogue: Activation::RELU,
    };
    let w = packed(OUT, NV * lanes, [c_out, c_in], &taps, &bias);
    let mut scratch = vec![f32::NAN; scratch_len([OUT, MR, NV], groups, c_in, lanes)];
    let mut y = vec![f32::NAN; into.len()];
    let over = round % 3 == 1;
    let ring = into.ring(lanes);
    let at = |row: usize, column: usize, m: usize| ring.slot(row + ring.top) + column * c_out + m;
    let pixels = || (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
    for (row, column) in pixels().filter(|_| over) {
        let from = (row * width + column) * c_out;
        y[at(row, column, 0)..][..c_out].copy_from_slice(&skip[from..][..c_out]);
    }
    let residual = match round % 3 {
        0 => Residual::None,
        1 => Residual::InPlace,
        _ => Residual::Of(&skip, Rows::nhwc(height, width, c_out).ring(lanes)),
    };
    run(&kernel, &w, &x, &mut scratch, &mut y, residual);
    for (row, column) in pixels() {
        for m in 0..c_out {
            let taps = &taps[m * c_in * 9..][..c_in * 9];
            let mut sum = f64::from(bias[m]) + direct(&kernel.from, pad, &x, taps, [row, column]);
            if !round.is_multiple_of(3) {
                sum += f64::from(skip[(row * width + column) * c_out + m]);
            }
            let (found, wanted) = (f64::from(y[at(row, column, m)]), sum.max(0.0));
            let far = (found - wanted).abs();
            assert!(far < 2e-5 * (c_in as f64 + 4.0).sqrt(), "{kernel:?}: {found}, not {wanted}");
            y[at(row, column, m)] = f32::NAN;
        }
    }
    assert!(y.iter().all(|y| y.is_nan()), "{kernel:?} writes beside its outputs");
}

/// The direct sum of a window, of taps `[c_in][3][3]`.
fn direct(ring: &Ring, pad: [usize; 2], x: &[f32], taps: &[f32], [row, column]: [usize; 2]) -> f64 {
    let c_in = taps.len() / 9;
    let terms = (0..9).flat_map(|tap| (0..c_in).map(move |k| (tap, k))).map(|(tap, k)| {
        let start = ring.slot(row + tap / 3 + ring.top - pad[0]);
        let x = x[start + (column + tap % 3) * c_in + k - pad[1] * c_in];
        f64::from(x) * f64::from(taps[k * 9 + tap])
    });
    terms.sum()
}

/// The taps of each output `[c_in][3][3]` as the kernel reads them.
fn packed(
    out: usize,
    columns: usize,
    [c_out, c_in]: [usize; 2],
    taps: &[f32],
    bias: &[f32],
) -> Vec<f32> {
    let (a, b) = (11.0 / 16.0, 1.5);
    let pair = |p: f64, q: f64| {
        let by = 2.0 * p * p * (p * p - q * q);
        [[1.0 / by, p / by, p * p / by], [1.0 / by, -p / by, p * p / by]]
    };
    let matrix: Vec<[f64; 3]> = match out {
        2 => vec![[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]],
        _ => {
            [&[[1.0 / (a * a * b * b), 0.0, 0.0]], &pair(a, b)[..], &pair(b, a), &[[0.0, 0.0, 1.0]]]
                .concat()
        }
    };
    let mut w = Vec::new();
    for panel in (0..c_out).step_by(columns) {
        let each = panel..panel + columns;
        w.extend(each.clone().map(|m| bias.get(m).copied().unwrap_or(0.0)));
        for (row, column) in matrix.iter().flat_map(|row| matrix.iter().map(move |it| (row, it))) {
            for (k, m) in (0..c_in).flat_map(|k| each.clone().map(move |m| (k, m))) {
                let tap = |tap: usize| {
                    let weight = taps.get((m * c_in + k) * 9 + tap).copied().unwrap_or(0.0);
                    row[tap / 3] * f64::from(weight) * column[tap % 3]
                };
                w.push(if m < c_out { (0..9).map(tap).sum::<f64>() as f32 } else { 0.0 });
            }
        }
    }
    w
}
