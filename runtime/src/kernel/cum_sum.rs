//! Running sums along one axis of a tensor.

use crate::simd::Number;

/// A tensor of `outer` blocks of `axis` rows of `inner` numbers; numbers of a block at the same place in their rows are
/// summed one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CumSum {
    /// Blocks.
    pub outer: usize,
    /// Numbers of a sum.
    pub axis: usize,
    /// Distance between them; 1 for the last axis.
    pub inner: usize,
    /// True if a number itself is left out of its sum.
    pub exclusive: bool,
    /// True if sums run from the last number to the first.
    pub reverse: bool,
}

impl CumSum {
    /// Each number of `x` with those before it, in f32.
    #[inline(always)]
    pub fn run<X: Number, Y: Number>(&self, x: &[X], y: &mut [Y]) {
        let len = self.axis * self.inner;
        let fits = x.len() == y.len() && y.len() == self.outer * len;
        assert!(fits, "operand and result are as long as their shape says");
        for (x, y) in x.chunks_exact(len.max(1)).zip(y.chunks_exact_mut(len.max(1))) {
            for column in 0..self.inner {
                self.column(column, x, y);
            }
        }
    }

    /// The sums of one column of a block.
    #[inline(always)]
    fn column<X: Number, Y: Number>(&self, column: usize, x: &[X], y: &mut [Y]) {
        let mut sum = 0.0;
        for step in 0..self.axis {
            let row = if self.reverse { self.axis - 1 - step } else { step };
            let at = row * self.inner + column;
            if let (Some(x), Some(y)) = (x.get(at), y.get_mut(at)) {
                let before = sum;
                sum += x.real();
                *y = Y::of(if self.exclusive { before } else { sum });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_summed_apart() {
        let x = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0];
        let of = |exclusive, reverse| {
            let mut y = [0.0; 6];
            CumSum { outer: 1, axis: 3, inner: 2, exclusive, reverse }.run(&x, &mut y);
            y
        };
        assert_eq!(of(false, false), [1.0, 10.0, 3.0, 30.0, 6.0, 60.0]);
        assert_eq!(of(true, false), [0.0, 0.0, 1.0, 10.0, 3.0, 30.0]);
        assert_eq!(of(false, true), [6.0, 60.0, 5.0, 50.0, 3.0, 30.0]);
        assert_eq!(of(true, true), [5.0, 50.0, 3.0, 30.0, 0.0, 0.0]);
    }
}
