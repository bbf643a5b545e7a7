//! Sums, means, products and extremes over axes of a tensor.
//!
//! A long sum is kept in sixteen partial sums, whatever the instruction set: the same bits on every machine.

use super::strided::{Strided, each_step};
use crate::simd::Number;

/// A reduction of the numbers along axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Their sum.
    Sum,
    /// Their sum by their count.
    Mean,
    /// Their product.
    Product,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

impl Fold {
    #[inline(always)]
    fn start(self) -> f32 {
        match self {
            Self::Sum | Self::Mean => 0.0,
            Self::Product => 1.0,
            Self::Min => f32::INFINITY,
            Self::Max => f32::NEG_INFINITY,
        }
    }

    #[inline(always)]
    fn join(self, a: f32, b: f32) -> f32 {
        match self {
            Self::Sum | Self::Mean => a + b,
            Self::Product => a * b,
            Self::Min => lesser(a, b),
            Self::Max => greater(a, b),
        }
    }
}

/// A fold over some of the `N` axes of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reduce<const N: usize> {
    fold: Fold,
    walk: Strided<N>,
}

impl<const N: usize> Reduce<N> {
    /// A fold along a walk over the operand: axes whose step in the result is zero are reduced.
    pub const fn new(fold: Fold, walk: Strided<N>) -> Self {
        Self { fold, walk }
    }

    /// Reduces `x` into `y`, which holds the results and nothing else.
    #[inline(always)]
    pub fn run<X: Number>(&self, x: &[X], y: &mut [f32]) {
        let fold = self.fold;
        let (len, from_by, into_by) = self.walk.innermost();
        y.fill(fold.start());
        self.walk.each_run(x.len(), y.len(), |from, into| match (from_by, into_by) {
            (1, 0) => {
                if let (Some(x), Some(y)) = (x.get(from..from + len), y.get_mut(into)) {
                    *y = fold.join(*y, over(x, fold.start(), |x| x, |a, b| fold.join(a, b)));
                }
            }
            (1, 1) => {
                if let (Some(x), Some(y)) = (x.get(from..from + len), y.get_mut(into..into + len)) {
                    y.iter_mut().zip(x).for_each(|(y, x)| *y = fold.join(*y, x.real()));
                }
            }
            _ => each_step(len, [from, into], [from_by, into_by], |[from, into]| {
                if let (Some(x), Some(y)) = (x.get(from), y.get_mut(into)) {
                    *y = fold.join(*y, x.real());
                }
            }),
        });
        if fold == Fold::Mean {
            let count = (self.walk.count() / y.len().max(1)) as f32;
            y.iter_mut().for_each(|y| *y /= count);
        }
    }
}

/// The lesser of two, in one instruction: a NaN among many numbers is passed over.
#[inline(always)]
pub(crate) fn lesser(least: f32, x: f32) -> f32 {
    if x < least { x } else { least }
}

/// The greater of two, in one instruction: a NaN among many numbers is passed over.
#[inline(always)]
pub(crate) fn greater(most: f32, x: f32) -> f32 {
    if x > most { x } else { most }
}

/// Joins what `map` makes of each number of a slice.
#[inline(always)]
pub(crate) fn over<X: Number>(
    x: &[X],
    start: f32,
    map: impl Fn(f32) -> f32,
    join: impl Fn(f32, f32) -> f32,
) -> f32 {
    let (parts, rest) = x.as_chunks::<16>();
    let mut lanes = [start; 16];
    for part in parts {
        lanes.iter_mut().zip(part).for_each(|(lane, x)| *lane = join(*lane, map(x.real())));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, x)| *lane = join(*lane, map(x.real())));
    let mut left = &mut lanes[..];
    while left.len() > 1 {
        let (low, high) = left.split_at_mut(left.len() / 2);
        low.iter_mut().zip(high).for_each(|(low, high)| *low = join(*low, *high));
        left = low;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

    fn over_last(fold: Fold) -> [f32; 2] {
        let mut y = [f32::NAN; 2];
        let into = [1, 0];
        Reduce::new(fold, Strided::new([2, 3], [3, 1], into)).run(&X, &mut y);
        y
    }

    #[test]
    fn the_last_axis_is_reduced() {
        assert_eq!(over_last(Fold::Sum), [6.0, 15.0]);
        assert_eq!(over_last(Fold::Mean), [2.0, 5.0]);
        assert_eq!(over_last(Fold::Product), [6.0, 120.0]);
        assert_eq!(over_last(Fold::Min), [1.0, 4.0]);
        assert_eq!(over_last(Fold::Max), [3.0, 6.0]);
    }

    #[test]
    fn the_first_axis_is_reduced() {
        let mut y = [f32::NAN; 3];
        let (from, into) = ([3, 1], [0, 1]);
        Reduce::new(Fold::Mean, Strided::new([2, 3], from, into)).run(&X, &mut y);
        assert_eq!(y, [2.5, 3.5, 4.5]);
    }

    #[test]
    fn outer_axes_are_reduced_together() {
        let mut y = [f32::NAN; 2];
        let (from, into) = ([2, 1], [0, 1]);
        Reduce::new(Fold::Sum, Strided::new([3, 2], from, into)).run(&X, &mut y);
        assert_eq!(y, [9.0, 12.0]);
        let mut y = [f32::NAN; 1];
        let into = [0, 0];
        Reduce::new(Fold::Max, Strided::new([3, 2], from, into)).run(&X, &mut y);
        assert_eq!(y, [6.0]);
    }

    #[test]
    fn a_long_run_leaves_nothing_out() {
        let x: [f32; 1003] = core::array::from_fn(|at| at as f32);
        assert_eq!(over(&x, 0.0, |x| x, |a, b| a + b), 502_503.0);
    }
}
