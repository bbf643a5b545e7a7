//! Per cent of this core's FMA peak that kernels reach on the shapes of MobileNetV2 1.0 at 224 x 224.
//!
//! `cargo bench -p mnv2c-runtime --features std`, on an idle machine. Each figure is the best of many runs. Shapes are
//! constants and kernels run inside a `#[target_feature]` function, as in emitted code; nothing is fused, so wide
//! values come from L2 or beyond. Columns of padding beside the last channel count as no work done.

use mnv2c_runtime::activation::Activation;
use mnv2c_runtime::isa::Isa;
use mnv2c_runtime::kernel::depthwise::Depthwise;
use mnv2c_runtime::kernel::pointwise::Pointwise;
use mnv2c_runtime::probe::fma_peak;
use mnv2c_runtime::ring::Rows;
#[cfg(target_arch = "aarch64")]
use mnv2c_runtime::simd::Neon;
use mnv2c_runtime::simd::Scalar;
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::simd::{Avx2, Avx512};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Measures one instruction set: its peak, matrix tiles `MR x NV`, depthwise tiles `T`.
macro_rules! measure {
    ($isa:ident $lanes:literal $features:literal: $tiles:tt, $pixels:tt) => {
        if Isa::$isa.is_present() {
            #[target_feature(enable = $features)]
            fn peak() -> f64 {
                // SAFETY: the features are enabled here.
                fma_peak(unsafe { $isa::assume() })
            }
            // SAFETY: the machine has the features.
            let peak = unsafe { peak() };
            println!("\n{} peak: {peak:.1} GFLOP/s; per cent of it:", Isa::$isa.name());
            gemm_shapes!(gemm $isa $lanes $features peak $tiles);
            depthwise_shapes!(depthwise $isa $lanes $features peak $pixels);
        }
    };
}

fn main() {
    #[cfg(target_arch = "x86_64")]
    {
        measure!(Avx512 16 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma":
            (14 2, 14 1, 9 3, 7 3, 6 4, 5 5), (1, 2, 4, 7));
        measure!(Avx2 8 "avx2,fma,f16c": (6 2, 5 2, 4 3, 3 3, 2 4), (1, 2, 4, 7));
        measure!(Scalar 4 "sse2": (4 2, 3 3, 2 4), (1, 4, 7));
    }
    #[cfg(target_arch = "aarch64")]
    measure!(Neon 4 "neon": (8 2, 7 3, 6 4, 5 4), (1, 2, 4, 7));
}

/// Pixels, input channels, output channels of the 1x1 convolutions.
macro_rules! gemm_shapes {
    ($each:ident $($given:tt)*) => {
        $each!($($given)* 12_544, 32, 16);
        $each!($($given)* 12_544, 16, 96);
        $each!($($given)* 3_136, 96, 24);
        $each!($($given)* 3_136, 24, 144);
        $each!($($given)* 3_136, 144, 24);
        $each!($($given)* 784, 144, 32);
        $each!($($given)* 784, 32, 192);
        $each!($($given)* 784, 192, 32);
        $each!($($given)* 196, 192, 64);
        $each!($($given)* 196, 64, 384);
        $each!($($given)* 196, 384, 64);
        $each!($($given)* 196, 384, 96);
        $each!($($given)* 196, 96, 576);
        $each!($($given)* 196, 576, 96);
        $each!($($given)* 49, 576, 160);
        $each!($($given)* 49, 160, 960);
        $each!($($given)* 49, 960, 160);
        $each!($($given)* 49, 960, 320);
        $each!($($given)* 49, 320, 1_280);
    };
}
use gemm_shapes;

/// Input width, channels, stride of the depthwise convolutions.
macro_rules! depthwise_shapes {
    ($each:ident $($given:tt)*) => {
        $each!($($given)* 112, 32, 1);
        $each!($($given)* 112, 96, 2);
        $each!($($given)* 56, 144, 1);
        $each!($($given)* 56, 144, 2);
        $each!($($given)* 28, 192, 1);
        $each!($($given)* 28, 192, 2);
        $each!($($given)* 14, 384, 1);
        $each!($($given)* 14, 576, 1);
        $each!($($given)* 14, 576, 2);
        $each!($($given)* 7, 960, 1);
    };
}
use depthwise_shapes;

/// One line: a 1x1 convolution, NHWC to NHWC, with each tile.
macro_rules! gemm {
    ($isa:ident $lanes:literal $features:literal $peak:ident ($($mr:literal $nv:literal),*)
     $pixels:literal, $c_in:literal, $c_out:literal) => {
        print!("{:>18}", format!("{}x{}x{}", $pixels, $c_in, $c_out));
        let (mut x, mut y) = (numbers($pixels * $c_in), numbers($pixels * $c_out));
        let (x, y) = (aligned(&mut x), aligned(&mut y));
        $({
            #[target_feature(enable = $features)]
            fn run(w: &[f32], x: &[f32], y: &mut [f32]) {
                const KERNEL: Pointwise<$mr, $nv> = Pointwise {
                    width: $pixels,
                    c_in: $c_in,
                    c_out: $c_out,
                    from: Rows::nhwc(1, $pixels, $c_in).ring($lanes),
                    into: Rows::nhwc(1, $pixels, $c_out).ring($lanes),
                    epilogue: Activation::RELU6,
                };
                // SAFETY: the features are enabled here.
                KERNEL.run(unsafe { $isa::assume() }, w, x, y, 0..1);
            }
            const COLUMNS: usize = ($c_out as usize).next_multiple_of($nv * $lanes);
            let mut w = numbers(COLUMNS * ($c_in + 1));
            let w = aligned(&mut w);
            let best = fastest(|| {
                // SAFETY: the machine has the features.
                unsafe { run(black_box(&*w), black_box(&*x), black_box(&mut *y)) }
            });
            let flops = 2.0 * ($pixels * $c_in * $c_out) as f64;
            print!("  {}x{} {:>3.0}", $mr, $nv, flops / best / $peak * 1e-7);
        })*
        println!();
    };
}
use gemm;

/// One line: a depthwise 3x3 convolution, chunks to chunks, with each tile.
macro_rules! depthwise {
    ($isa:ident $lanes:literal $features:literal $peak:ident ($($t:literal),*)
     $width:literal, $channels:literal, $stride:literal) => {{
        print!("{:>18}", format!("{}x{} s{}", $width, $channels, $stride));
        const OUT: usize = $width / $stride;
        let mut x = numbers(($width + 2) * ($width + 2) * $channels);
        let (mut y, mut w) = (numbers(OUT * OUT * $channels), numbers(10 * $channels));
        let (x, y, w) = (aligned(&mut x), aligned(&mut y), aligned(&mut w));
        $({
            #[target_feature(enable = $features)]
            fn run(w: &[f32], x: &[f32], y: &mut [f32]) {
                const KERNEL: Depthwise<3, $stride, $t> = Depthwise {
                    width: OUT,
                    channels: $channels,
                    pad: [1, 1],
                    from: Rows::chunks($width + 2, $width, $lanes, $lanes).padded(1, 1, 1).ring($lanes),
                    into: Rows::chunks(OUT, OUT, $lanes, $lanes).ring($lanes),
                    epilogue: Activation::RELU6,
                };
                // SAFETY: the features are enabled here.
                KERNEL.run(unsafe { $isa::assume() }, w, x, y, 0..OUT);
            }
            let best = fastest(|| {
                // SAFETY: the machine has the features.
                unsafe { run(black_box(&*w), black_box(&*x), black_box(&mut *y)) }
            });
            let flops = 18.0 * (OUT * OUT * $channels) as f64;
            print!("  T{} {:>3.0}", $t, flops / best / $peak * 1e-7);
        })*
        println!();
    }};
}
use depthwise;

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
