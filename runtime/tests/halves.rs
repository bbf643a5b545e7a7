//! Numbers of 16 bits on every instruction set of this machine: the same bits as the conversions written in integers.

use mnv2c_runtime::activation::Activation;
use mnv2c_runtime::brain::Brain;
use mnv2c_runtime::half::Half;
use mnv2c_runtime::isa::Isa;
use mnv2c_runtime::kernel::depthwise::DepthwiseAny;
use mnv2c_runtime::ring::Rows;
#[cfg(target_arch = "aarch64")]
use mnv2c_runtime::simd::Neon;
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::simd::{Avx2, Avx512, Avx512Bf16};
use mnv2c_runtime::simd::{Dsp, Number, Plain, Scalar, Simd};

#[macro_use]
mod machine;

/// A closure that runs a body with a token, compiled for the instruction set as emitted code is.
macro_rules! on {
    (Plain, $($rest:tt)*) => { compiled_for!("", Plain::new(), $($rest)*) };
    (Dsp, $($rest:tt)*) => { compiled_for!("", Dsp::new(), $($rest)*) };
    (Scalar, $($rest:tt)*) => { compiled_for!("", Scalar::new(), $($rest)*) };
    (Avx2, $($rest:tt)*) => { compiled_for!("avx2,fma,f16c", Avx2::assume(), $($rest)*) };
    (Avx512, $($rest:tt)*) => {
        compiled_for!("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512::assume(), $($rest)*)
    };
    (Avx512Bf16, $($rest:tt)*) => {
        compiled_for!("avx512bf16,avx512vnni,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512Bf16::assume(), $($rest)*)
    };
    (Neon, $($rest:tt)*) => { compiled_for!("neon", Neon::assume(), $($rest)*) };
}

/// Runs `check` with the conversions of a number on each instruction set.
macro_rules! on_each {
    ($check:ident $number:ident) => {
        $check::<$number>(
            on!(Plain, simd, (from: &[$number], into: &mut [f32]) widen(simd, from, into)),
            on!(Plain, simd, (from: &[f32], into: &mut [$number]) narrow(simd, from, into)),
        );
        on_each!($check $number: Dsp Scalar Avx2 Avx512 Avx512Bf16 Neon);
    };
    ($check:ident $number:ident: $($isa:ident)*) => {$(
        where_present!($isa {
            $check::<$number>(
                on!($isa, simd, (from: &[$number], into: &mut [f32]) widen(simd, from, into)),
                on!($isa, simd, (from: &[f32], into: &mut [$number]) narrow(simd, from, into)),
            );
        });
    )*};
}

#[test]
fn every_number_is_widened_alike() {
    on_each!(every_number Half);
    on_each!(every_number Brain);
}

#[test]
fn floats_between_halves_are_rounded_alike() {
    on_each!(between Half);
    on_each!(between Brain);
}

#[test]
fn vectors_of_any_window_are_those_of_whole_rows() {
    parts_of_a_window::<Half>();
    parts_of_a_window::<Brain>();
}

fn parts_of_a_window<E: Short>() {
    let (from, into) = (Rows::chunks(7, 7, 8, 4), Rows::nhwc(2, 2, 8));
    let kernel = DepthwiseAny::<1> {
        width: 2,
        channels: 8,
        kernel: [3, 3],
        stride: [4, 4],
        dilation: [1, 1],
        pad: [0, 0],
        from: from.ring(4),
        into: into.ring(4),
        epilogue: Activation::NONE,
    };
    let numbers = |len: usize| -> Vec<E> { (0..len).map(|at| E::of((at % 9) as f32)).collect() };
    let (x, w) = (numbers(7 * 7 * 8), numbers(10 * 8));
    let (mut whole, mut parts) = (vec![E::ZERO; 2 * 2 * 8], vec![E::ZERO; 2 * 2 * 8]);
    kernel.run(Scalar::new(), &w, &x, &mut whole, 0..2);
    for vector in 0..2 {
        kernel.run(Scalar::new(), &w, &x, &mut parts, (0..2, vector));
    }
    assert_eq!(bits(&parts), bits(&whole));
    assert!(bits(&whole).iter().all(|bits| *bits != 0));
}

/// A number of 16 bits, by its bits.
trait Short: Number {
    /// Low bits of a float around and between ties, and how many bits those are.
    const LOW: (u32, [u32; 6]);
    fn from_bits(bits: u16) -> Self;
    fn bits(self) -> u16;
}

impl Short for Half {
    const LOW: (u32, [u32; 6]) = (13, [0, 1, 0xfff, 0x1000, 0x1001, 0x1fff]);
    fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
    fn bits(self) -> u16 {
        self.0
    }
}

impl Short for Brain {
    const LOW: (u32, [u32; 6]) = (16, [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff]);
    fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
    fn bits(self) -> u16 {
        self.0
    }
}

fn rounded<E: Short>(floats: &[f32]) -> Vec<u16> {
    floats.iter().map(|x| E::of(*x).bits()).collect()
}

fn bits<E: Short>(numbers: &[E]) -> Vec<u16> {
    numbers.iter().map(|number| number.bits()).collect()
}

fn every_number<E: Short>(widened: impl Fn(&[E], &mut [f32]), narrowed: impl Fn(&[f32], &mut [E])) {
    // 15 at a time, so that each turn ends in part of a vector.
    let all: Vec<E> = (0..=u16::MAX).map(E::from_bits).collect();
    for numbers in all.chunks(15) {
        let (mut floats, mut back) = (vec![0.0; numbers.len()], vec![E::ZERO; numbers.len()]);
        widened(numbers, &mut floats);
        let expected: Vec<u32> = numbers.iter().map(|number| number.real().to_bits()).collect();
        let found: Vec<u32> = floats.iter().map(|x| x.to_bits()).collect();
        assert_eq!(found, expected, "{:x?}", bits(numbers));
        narrowed(&floats, &mut back);
        assert_eq!(bits(&back), rounded::<E>(&floats), "{floats:?}");
    }
}

fn between<E: Short>(_: impl Fn(&[E], &mut [f32]), narrowed: impl Fn(&[f32], &mut [E])) {
    let (len, low) = E::LOW;
    for high in 0..1_u32 << (32 - len) {
        let floats: Vec<f32> = low.map(|low| f32::from_bits(high << len | low)).into();
        let mut numbers = vec![E::ZERO; floats.len()];
        narrowed(&floats, &mut numbers);
        assert_eq!(bits(&numbers), rounded::<E>(&floats), "{floats:?}");
    }
}

#[inline(always)]
fn widen<S: Simd, E: Number>(simd: S, from: &[E], into: &mut [f32]) {
    for (from, into) in from.chunks(S::LANES).zip(into.chunks_mut(S::LANES)) {
        // SAFETY: both chunks are as long as the vector, or as its head.
        unsafe {
            if from.len() == S::LANES {
                f32::store_at(simd, into.as_mut_ptr(), E::load_at(simd, from.as_ptr()));
            } else {
                let v = E::load_head_at(simd, from.as_ptr(), from.len());
                f32::store_head_at(simd, into.as_mut_ptr(), from.len(), v);
            }
        }
    }
}

#[inline(always)]
fn narrow<S: Simd, E: Number>(simd: S, from: &[f32], into: &mut [E]) {
    for (from, into) in from.chunks(S::LANES).zip(into.chunks_mut(S::LANES)) {
        // SAFETY: as above.
        unsafe {
            if from.len() == S::LANES {
                E::store_at(simd, into.as_mut_ptr(), f32::load_at(simd, from.as_ptr()));
            } else {
                let v = f32::load_head_at(simd, from.as_ptr(), from.len());
                E::store_head_at(simd, into.as_mut_ptr(), from.len(), v);
            }
        }
    }
}
