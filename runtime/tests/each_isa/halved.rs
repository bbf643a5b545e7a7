//! Kernels of halves as kernels of floats, for numbers that both hold: inputs, weights and results go by way of halves.

use mnv2c_runtime::half::Half;
use mnv2c_runtime::simd::gemm::Residual;

/// A matrix kernel whose every number is a half.
pub(crate) fn gemm<K, P>(
    run: impl Fn(&K, &[Half], &[Half], &mut [Half], Residual<'_>, P),
) -> impl Fn(&K, &[f32], &[f32], &mut [f32], Residual<'_>, P) {
    move |kernel, w, x, y, residual, part| {
        let skip = if let Residual::Of(skip, _) = residual { halves(skip) } else { vec![] };
        let residual = match residual {
            Residual::Of(_, ring) => Residual::OfHalf(&skip, ring),
            other => other,
        };
        let mut into = halves(y);
        run(kernel, &halves(w), &halves(x), &mut into, residual, part);
        floats(&into, y);
    }
}

/// A depthwise kernel whose every number is a half.
pub(crate) fn stencil<K, P>(
    run: impl Fn(&K, &[Half], &[Half], &mut [Half], P),
) -> impl Fn(&K, &[f32], &[f32], &mut [f32], P) {
    move |kernel, w, x, y, part| {
        let mut into = halves(y);
        run(kernel, &halves(w), &halves(x), &mut into, part);
        floats(&into, y);
    }
}

fn halves(floats: &[f32]) -> Vec<Half> {
    floats.iter().map(|x| Half::of(*x)).collect()
}

fn floats(halves: &[Half], into: &mut [f32]) {
    into.iter_mut().zip(halves).for_each(|(y, half)| *y = half.real());
}
