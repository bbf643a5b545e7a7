//! Kernels of numbers of 16 bits as kernels of floats, for numbers that both hold: inputs, weights and results go by way
//! of them.

use mnv2c_runtime::brain::Brain;
use mnv2c_runtime::half::Half;
use mnv2c_runtime::ring::Ring;
use mnv2c_runtime::simd::Number;
use mnv2c_runtime::simd::residual::Residual;

/// A number that residuals are of.
pub(crate) trait Short: Number {
    fn residual(skip: &[Self], ring: Ring) -> Residual<'_>;
}

impl Short for Half {
    fn residual(skip: &[Self], ring: Ring) -> Residual<'_> {
        Residual::OfHalf(skip, ring)
    }
}

impl Short for Brain {
    fn residual(skip: &[Self], ring: Ring) -> Residual<'_> {
        Residual::OfBrain(skip, ring)
    }
}

/// A matrix kernel whose every number is a short one.
pub(crate) fn gemm<E: Short, K, P>(
    run: impl Fn(&K, &[E], &[E], &mut [E], Residual<'_>, P),
) -> impl Fn(&K, &[f32], &[f32], &mut [f32], Residual<'_>, P) {
    move |kernel, w, x, y, residual, part| {
        let skip = if let Residual::Of(skip, _) = residual { short::<E>(skip) } else { vec![] };
        let residual = match residual {
            Residual::Of(_, ring) => E::residual(&skip, ring),
            other => other,
        };
        let mut into = short(y);
        run(kernel, &short(w), &short(x), &mut into, residual, part);
        floats(&into, y);
    }
}

/// A depthwise kernel whose every number is a short one.
pub(crate) fn stencil<E: Short, K, P>(
    run: impl Fn(&K, &[E], &[E], &mut [E], P),
) -> impl Fn(&K, &[f32], &[f32], &mut [f32], P) {
    move |kernel, w, x, y, part| {
        let mut into = short(y);
        run(kernel, &short(w), &short(x), &mut into, part);
        floats(&into, y);
    }
}

fn short<E: Number>(floats: &[f32]) -> Vec<E> {
    floats.iter().map(|x| E::of(*x)).collect()
}

fn floats<E: Number>(numbers: &[E], into: &mut [f32]) {
    into.iter_mut().zip(numbers).for_each(|(y, number)| *y = number.real());
}
