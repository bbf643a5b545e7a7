//! Convolutions between Winograd's transforms: per cent of this core's FMA peak, counted by the products of direct sums, so
//! that 100 is as soon as those can ever be.
//!
//! `cargo bench -p mnv2c-runtime --features std --bench winograd`, on an idle machine. Each figure is the best of many runs
//! of one layer alone, whose weights may stay in a cache: in a network those of many channels come from beyond.

use mnv2c_runtime::activation::Activation;
use mnv2c_runtime::isa::Isa;
use mnv2c_runtime::kernel::winograd::Winograd;
use mnv2c_runtime::probe::fma_peak;
use mnv2c_runtime::ring::Rows;
#[cfg(target_arch = "aarch64")]
use mnv2c_runtime::simd::Neon;
use mnv2c_runtime::simd::Scalar;
use mnv2c_runtime::simd::winograd::scratch_len;
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::simd::{Avx2, Avx512};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Measures one instruction set: its peak, and every layer with tiles `OUT MR NV`.
macro_rules! measure {
    ($isa:ident $lanes:literal $features:literal: $tiles:tt) => {
        if Isa::$isa.is_present() {
            #[target_feature(enable = $features)]
            fn peak() -> f64 {
                // SAFETY: the features are enabled here.
                fma_peak(unsafe { $isa::assume() })
            }
            // SAFETY: the machine has the features.
            let peak = unsafe { peak() };
            println!("\n{} peak: {peak:.1} GFLOP/s; per cent of it:", Isa::$isa.name());
            layer!($isa $lanes $features peak $tiles 56, 64, 2);
            layer!($isa $lanes $features peak $tiles 28, 128, 1);
            layer!($isa $lanes $features peak $tiles 14, 256, 2);
            layer!($isa $lanes $features peak $tiles 7, 512, 1);
            layer!($isa $lanes $features peak $tiles 40, 64, 2);
            layer!($isa $lanes $features peak $tiles 128, 32, 4);
        }
    };
}

fn main() {
    #[cfg(target_arch = "x86_64")]
    {
        measure!(Avx512 16 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma":
            (2 14 2, 2 8 2, 2 4 4, 4 14 2, 4 10 2, 4 7 2, 4 4 4));
        measure!(Avx2 8 "avx2,fma,f16c": (2 6 2, 2 4 2, 4 6 2, 4 4 3, 4 4 2));
        measure!(Scalar 4 "sse2": (2 4 2, 2 3 2, 4 4 2, 4 3 2));
    }
    #[cfg(target_arch = "aarch64")]
    measure!(Neon 4 "neon": (2 8 2, 2 4 4, 4 8 2, 4 7 3, 4 4 4));
}

/// One line: a layer of `$width` squared pixels and so many channels on both sides, with each tile that it has enough of.
macro_rules! layer {
    ($isa:ident $lanes:literal $features:literal $peak:ident
     ($($out:literal $mr:literal $nv:literal),*) $width:literal, $channels:literal, $groups:literal) => {
        print!("{:>18}", format!("{}x{} {}", $width, $width, $channels));
        let mut x = numbers(($width + 2) * ($width + 2) * $channels);
        let mut y = numbers($width * $width * $channels);
        let (x, y) = (aligned(&mut x), aligned(&mut y));
        $({
            #[target_feature(enable = $features)]
            fn run(w: &[f32], x: &[f32], scratch: &mut [f32], y: &mut [f32]) {
                const KERNEL: Winograd<$out, $mr, $nv> = Winograd {
                    size: [$width, $width],
                    pad: [1, 1],
                    c_in: $channels,
                    c_out: $channels,
                    from: Rows::nhwc($width + 2, $width, $channels).padded(1, 1, 1).ring($lanes),
                    into: Rows::nhwc($width, $width, $channels).ring($lanes),
                    groups: $groups,
                    epilogue: Activation::RELU,
                };
                // SAFETY: the features are enabled here.
                KERNEL.run(unsafe { $isa::assume() }, w, x, scratch, y);
            }
            const POINTS: usize = ($out + 2) * ($out + 2);
            const COLUMNS: usize = ($channels as usize).next_multiple_of($nv * $lanes);
            let side = ($width as usize).div_ceil($out);
            if side * side >= $mr {
                let mut w = numbers(COLUMNS * ($channels * POINTS + 1));
                let mut scratch = numbers(scratch_len([$out, $mr, $nv], $groups, $channels, $lanes));
                let (w, scratch) = (aligned(&mut w), aligned(&mut scratch));
                let best = fastest(|| {
                    // SAFETY: the machine has the features.
                    unsafe { run(black_box(&*w), black_box(&*x), &mut *scratch, black_box(&mut *y)) }
                });
                let flops = 18.0 * ($width * $width) as f64 * ($channels * $channels) as f64;
                print!("  F{} {}x{} {:>3.0}", $out, $mr, $nv, flops / best / $peak * 1e-7);
            }
        })*
        println!();
    };
}
use layer;

/// Seconds of the fastest of many runs.
fn fastest(run: impl FnMut()) -> f64 {
    const ENOUGH: Duration = Duration::from_millis(60);
    let mut run = run;
    let (begin, mut best) = (Instant::now(), Duration::MAX);
    while begin.elapsed() < ENOUGH {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
    }
    best.as_secs_f64()
}

/// Numbers of no meaning, as aligned as an arena: `aligned` finds them.
fn numbers(len: usize) -> Vec<f32> {
    (0..len + LINE / 4).map(|i| (i * 7 % 13) as f32 / 13.0 - 0.5).collect()
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// The numbers from the first cache line on.
fn aligned(numbers: &mut [f32]) -> &mut [f32] {
    let skip = numbers.as_ptr().align_offset(LINE);
    &mut numbers[skip..]
}
