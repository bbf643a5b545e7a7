//! Products of two matrices that are both computed, or of two stacks of them.

use crate::simd::product::Matrices;
use crate::simd::{Number, Simd, Task};

/// The product of each left matrix of a stack of `N` axes and its right one; all lie in rows without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatMul<const N: usize> {
    /// Products along each axis of the stack, outermost first.
    pub stack: [usize; N],
    /// Elements from one left matrix to the next along each axis; 0 where it is the same.
    pub left: [usize; N],
    /// Elements from one right matrix to the next.
    pub right: [usize; N],
    /// Rows of left matrices and of products.
    pub rows: usize,
    /// Columns of left matrices, which are the rows of right ones.
    pub depth: usize,
    /// Columns of right matrices and of products.
    pub columns: usize,
}

impl<const N: usize> MatMul<N> {
    /// `y = a * b`, one product after the other; panics where a matrix is not in its slice, or `y` holds more.
    #[inline(always)]
    pub fn run<S: Simd, A: Number, B: Number, Y: Number>(
        &self,
        simd: S,
        a: &[A],
        b: &[B],
        y: &mut [Y],
    ) {
        simd.apart(Call { kernel: self, a, b, y });
    }

    /// The length of a slice that just holds matrices of `len` elements, `steps` apart.
    #[inline(always)]
    fn reach(&self, steps: [usize; N], len: usize) -> usize {
        let axes = self.stack.iter().zip(steps);
        axes.fold(len, |reach, (count, step)| {
            reach.saturating_add(step.saturating_mul(count.saturating_sub(1)))
        })
    }

    /// The start of the matrix of product `number`.
    #[inline(always)]
    fn start(&self, steps: [usize; N], number: usize) -> usize {
        let (mut rest, mut start) = (number, 0);
        for (count, step) in self.stack.iter().zip(steps).rev() {
            start += rest % count * step;
            rest /= count;
        }
        start
    }
}

/// The operands of one call.
struct Call<'a, A, B, Y, const N: usize> {
    kernel: &'a MatMul<N>,
    a: &'a [A],
    b: &'a [B],
    y: &'a mut [Y],
}

impl<S: Simd, A: Number, B: Number, Y: Number, const N: usize> Task<S> for Call<'_, A, B, Y, N> {
    #[inline(always)]
    fn run(self, simd: S) {
        let Call { kernel, a, b, y } = self;
        let MatMul { stack, left, right, rows, depth, columns } = *kernel;
        let each = rows.saturating_mul(columns);
        let len = stack.iter().fold(each, |len, count| len.saturating_mul(*count));
        assert!(y.len() == len, "the result is as long as its shape says");
        if y.is_empty() {
            return;
        }
        assert!(kernel.reach(left, rows.saturating_mul(depth)) <= a.len());
        assert!(kernel.reach(right, depth.saturating_mul(columns)) <= b.len());
        for (number, y) in y.chunks_exact_mut(each).enumerate() {
            let a = &a[kernel.start(left, number)..];
            let b = &b[kernel.start(right, number)..];
            Matrices { a, b, y, depth, columns }.multiply(simd);
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::half::Half;
    use crate::simd::{Plain, Scalar};

    /// Small whole numbers, whose products add up without rounding.
    fn whole(len: usize, by: usize) -> Vec<f32> {
        (0..len).map(|at| (at * by % 7) as f32 - 3.0).collect()
    }

    fn by_plain_loops<const N: usize>(kernel: &MatMul<N>, a: &[f32], b: &[f32]) -> Vec<f32> {
        let MatMul { stack, left, right, rows, depth, columns } = *kernel;
        let count: usize = stack.iter().product();
        let mut y = Vec::new();
        for number in 0..count {
            let (a, b) = (&a[kernel.start(left, number)..], &b[kernel.start(right, number)..]);
            for row in 0..rows {
                for column in 0..columns {
                    let products = (0..depth).map(|k| a[row * depth + k] * b[k * columns + column]);
                    y.push(products.fold(0.0, |sum, product| sum + product));
                }
            }
        }
        y
    }

    proptest! {
        #[test]
        fn products_agree_with_plain_loops(
            [outer, inner] in [1..3_usize, 1..4_usize],
            [rows, depth, columns] in [0..11_usize, 0..9_usize, 0..23_usize],
            [same_left, same_right] in [any::<bool>(), any::<bool>()],
        ) {
            let steps = |same: bool, len| if same { [0, len] } else { [inner * len, len] };
            let (left, right) = (steps(same_left, rows * depth), steps(same_right, depth * columns));
            let kernel = MatMul { stack: [outer, inner], left, right, rows, depth, columns };
            let a = whole(kernel.reach(left, rows * depth), 5);
            let b = whole(kernel.reach(right, depth * columns), 3);
            let expected = by_plain_loops(&kernel, &a, &b);
            let [mut plain, mut scalar] = [vec![f32::NAN; expected.len()], vec![f32::NAN; expected.len()]];
            kernel.run(Plain::new(), &a, &b, &mut plain);
            kernel.run(Scalar::new(), &a, &b, &mut scalar);
            prop_assert_eq!(&plain, &expected);
            prop_assert_eq!(&scalar, &expected);
            let halves = |x: &[f32]| x.iter().map(|x| Half::of(*x)).collect::<Vec<_>>();
            let mut y = vec![Half::of(f32::NAN); expected.len()];
            kernel.run(Scalar::new(), &halves(&a), &b, &mut y);
            prop_assert_eq!(y, halves(&expected));
        }
    }

    #[test]
    fn a_single_product_is_a_stack_without_axes() {
        let kernel = MatMul { stack: [], left: [], right: [], rows: 2, depth: 3, columns: 2 };
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        let mut y = [f32::NAN; 4];
        kernel.run(Scalar::new(), &a, &b, &mut y);
        assert_eq!(y, [4.0, 5.0, 10.0, 11.0]);
    }

    #[test]
    fn a_result_of_another_length_is_refused() {
        let kernel = MatMul { stack: [2], left: [1], right: [0], rows: 1, depth: 1, columns: 1 };
        let run = |len: usize| kernel.run(Scalar::new(), &[1.0, 2.0], &[3.0], &mut vec![0.0; len]);
        assert!(std::panic::catch_unwind(|| run(2)).is_ok());
        assert!(std::panic::catch_unwind(|| run(3)).is_err());
    }
}
