//! Halves on every instruction set of this machine: the same bits as the conversion written in integers.

use mnv2c_runtime::half::Half;
use mnv2c_runtime::isa::Isa;
#[cfg(target_arch = "aarch64")]
use mnv2c_runtime::simd::Neon;
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::simd::{Avx2, Avx512};
use mnv2c_runtime::simd::{Number, Plain, Scalar, Simd};

#[macro_use]
mod machine;

/// A closure that runs a body with a token, compiled for the instruction set as emitted code is.
macro_rules! on {
    (Plain, $($rest:tt)*) => { compiled_for!("", Plain::new(), $($rest)*) };
    (Scalar, $($rest:tt)*) => { compiled_for!("", Scalar::new(), $($rest)*) };
    (Avx2, $($rest:tt)*) => { compiled_for!("avx2,fma,f16c", Avx2::assume(), $($rest)*) };
    (Avx512, $($rest:tt)*) => {
        compiled_for!("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", Avx512::assume(), $($rest)*)
    };
    (Neon, $($rest:tt)*) => { compiled_for!("neon", Neon::assume(), $($rest)*) };
}

/// Runs `check` with the conversions of each instruction set.
macro_rules! on_each {
    ($check:ident) => {
        $check(
            on!(Plain, simd, (from: &[Half], into: &mut [f32]) widen(simd, from, into)),
            on!(Plain, simd, (from: &[f32], into: &mut [Half]) narrow(simd, from, into)),
        );
        on_each!($check Scalar Avx2 Avx512 Neon);
    };
    ($check:ident $($isa:ident)*) => {$(
        where_present!($isa {
            $check(
                on!($isa, simd, (from: &[Half], into: &mut [f32]) widen(simd, from, into)),
                on!($isa, simd, (from: &[f32], into: &mut [Half]) narrow(simd, from, into)),
            );
        });
    )*};
}

#[test]
fn every_half_is_widened_alike() {
    on_each!(every_half);
}

#[test]
fn floats_between_halves_are_rounded_alike() {
    on_each!(between);
}

fn every_half(widened: impl Fn(&[Half], &mut [f32]), narrowed: impl Fn(&[f32], &mut [Half])) {
    // 15 at a time, so that each turn ends in part of a vector.
    let all: Vec<Half> = (0..=u16::MAX).map(Half).collect();
    for halves in all.chunks(15) {
        let (mut floats, mut back) = (vec![0.0; halves.len()], vec![Half::ZERO; halves.len()]);
        widened(halves, &mut floats);
        let expected: Vec<u32> = halves.iter().map(|half| half.real().to_bits()).collect();
        let found: Vec<u32> = floats.iter().map(|x| x.to_bits()).collect();
        assert_eq!(found, expected, "{halves:x?}");
        narrowed(&floats, &mut back);
        let expected: Vec<Half> = floats.iter().map(|x| Half::of(*x)).collect();
        assert_eq!(back, expected);
    }
}

fn between(_: impl Fn(&[Half], &mut [f32]), narrowed: impl Fn(&[f32], &mut [Half])) {
    // From zero to beyond infinity: the upper bits of a float, and the lower ones around and between ties.
    let low = [0, 1, 0xfff, 0x1000, 0x1001, 0x1fff];
    for high in 0..1_u32 << 19 {
        let floats: Vec<f32> = low.map(|low| f32::from_bits(high << 13 | low)).into();
        let mut halves = vec![Half::ZERO; floats.len()];
        narrowed(&floats, &mut halves);
        let expected: Vec<Half> = floats.iter().map(|x| Half::of(*x)).collect();
        assert_eq!(halves, expected, "{floats:?}");
    }
}

#[inline(always)]
fn widen<S: Simd>(simd: S, from: &[Half], into: &mut [f32]) {
    for (from, into) in from.chunks(S::LANES).zip(into.chunks_mut(S::LANES)) {
        // SAFETY: both chunks are as long as the vector, or as its head.
        unsafe {
            if from.len() == S::LANES {
                f32::store_at(simd, into.as_mut_ptr(), Half::load_at(simd, from.as_ptr()));
            } else {
                let v = Half::load_head_at(simd, from.as_ptr(), from.len());
                f32::store_head_at(simd, into.as_mut_ptr(), from.len(), v);
            }
        }
    }
}

#[inline(always)]
fn narrow<S: Simd>(simd: S, from: &[f32], into: &mut [Half]) {
    for (from, into) in from.chunks(S::LANES).zip(into.chunks_mut(S::LANES)) {
        // SAFETY: as above.
        unsafe {
            if from.len() == S::LANES {
                Half::store_at(simd, into.as_mut_ptr(), f32::load_at(simd, from.as_ptr()));
            } else {
                let v = f32::load_head_at(simd, from.as_ptr(), from.len());
                Half::store_head_at(simd, into.as_mut_ptr(), from.len(), v);
            }
        }
    }
}
