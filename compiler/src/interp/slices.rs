//! Operators that look along dimensions: reductions and softmax.

use crate::interp::Floats;
use crate::interp::index::{offsets, strides};
use crate::ir::{Reduce, Reducer, Softmax};

/// One number from each slice over the reduced dimensions.
pub(super) fn reduce(reduce: &Reduce, x: Floats<'_>) -> Vec<f32> {
    let reduced = |dim: &usize| reduce.axes.contains(dim);
    let kept: Vec<usize> = (0..x.shape.len()).filter(|dim| !reduced(dim)).collect();
    let gone: Vec<usize> = (0..x.shape.len()).filter(reduced).collect();
    let own = strides(x.shape);
    let along = |dims: &[usize], start: usize| {
        let shape: Vec<usize> = dims.iter().map(|&dim| x.shape[dim]).collect();
        let strides: Vec<isize> = dims.iter().map(|&dim| own[dim]).collect();
        offsets(&shape, start as isize, &strides)
    };
    let slice = |start| {
        let elements: Vec<f32> = along(&gone, start).map(|i| x.values[i]).collect();
        reduced_slice(reduce.kind, &elements)
    };
    along(&kept, 0).map(slice).collect()
}

fn reduced_slice(kind: Reducer, elements: &[f32]) -> f32 {
    let fold = |start, f: fn(f32, f32) -> f32| elements.iter().copied().fold(start, f);
    match kind {
        Reducer::Sum => elements.iter().sum(),
        Reducer::Mean => elements.iter().sum::<f32>() / elements.len() as f32,
        Reducer::Max => fold(f32::NEG_INFINITY, f32::max),
        Reducer::Min => fold(f32::INFINITY, f32::min),
    }
}

/// `exp(x) / sum(exp(x))` along one dimension, with the greatest x taken off first; or the logarithm of it.
pub(super) fn softmax(softmax: Softmax, x: Floats<'_>) -> Vec<f32> {
    let len = x.shape[softmax.axis];
    let inner: usize = x.shape[softmax.axis + 1..].iter().product();
    let mut y = x.values.to_vec();
    for block in y.chunks_exact_mut((len * inner).max(1)) {
        for first in 0..inner {
            let slice = || (0..len).map(|i| first + i * inner);
            let greatest = slice().map(|i| block[i]).fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = slice().map(|i| (block[i] - greatest).exp()).sum();
            for i in slice() {
                block[i] = match softmax.log {
                    true => block[i] - greatest - sum.ln(),
                    false => (block[i] - greatest).exp() / sum,
                };
            }
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: Floats<'_> = Floats { shape: &[2, 1, 3], values: &[1.0, 5.0, 3.0, 4.0, 2.0, 9.0] };

    #[test]
    fn reductions_keep_the_order_of_the_other_dimensions() {
        let over = |kind, axes: &[usize]| reduce(&Reduce { kind, axes: axes.to_vec() }, X);
        assert_eq!(over(Reducer::Sum, &[2]), [9.0, 15.0]);
        assert_eq!(over(Reducer::Mean, &[0, 1]), [2.5, 3.5, 6.0]);
        assert_eq!(over(Reducer::Max, &[0, 1, 2]), [9.0]);
        assert_eq!(over(Reducer::Min, &[2]), [1.0, 2.0]);
        assert_eq!(over(Reducer::Sum, &[]), X.values);
    }

    #[test]
    fn softmax_sums_to_one_along_its_axis() {
        let x = Floats { shape: &[2, 2], values: &[0.0, 100.0, 3.0f32.ln(), 100.0] };
        let of = |log| softmax(Softmax { axis: 0, log }, x);
        let close = |found: Vec<f32>, wanted: [f32; 4]| {
            found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6)
        };
        assert!(close(of(false), [0.25, 0.5, 0.75, 0.5]));
        assert!(close(of(true), [0.25f32.ln(), 0.5f32.ln(), 0.75f32.ln(), 0.5f32.ln()]));
    }
}
