//! Softmax and its logarithm over one axis of a tensor.

use super::reduce::{self, greater};
use crate::math;
use crate::simd::Number;

/// A tensor of `outer` blocks of `axis` rows of `inner` numbers; numbers of a block at the same place in their rows
/// compete for a sum of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax {
    /// Blocks.
    pub outer: usize,
    /// Numbers that compete.
    pub axis: usize,
    /// Distance between them; 1 for the last axis.
    pub inner: usize,
}

impl Softmax {
    /// `y = exp(x) / sum(exp(x))`.
    #[inline(always)]
    pub fn run<X: Number>(&self, x: &[X], y: &mut [f32]) {
        assert!(x.len() == y.len(), "operand and result are equally long");
        y.iter_mut().zip(x).for_each(|(y, x)| *y = x.real());
        self.run_assign(y);
    }

    /// `y = x - ln(sum(exp(x)))`.
    #[inline(always)]
    pub fn run_log<X: Number>(&self, x: &[X], y: &mut [f32]) {
        assert!(x.len() == y.len(), "operand and result are equally long");
        y.iter_mut().zip(x).for_each(|(y, x)| *y = x.real());
        self.run_log_assign(y);
    }

    /// [`Softmax::run`] in place.
    #[inline(always)]
    pub fn run_assign(&self, y: &mut [f32]) {
        self.each_block::<false>(y);
    }

    /// [`Softmax::run_log`] in place.
    #[inline(always)]
    pub fn run_log_assign(&self, y: &mut [f32]) {
        self.each_block::<true>(y);
    }

    #[inline(always)]
    fn each_block<const LOG: bool>(&self, y: &mut [f32]) {
        assert!(
            y.len() == self.outer * self.axis * self.inner,
            "the tensor is as long as its shape says"
        );
        for block in y.chunks_exact_mut(self.axis * self.inner) {
            if self.inner == 1 {
                row::<LOG>(block);
            } else {
                columns::<LOG>(block, self.inner);
            }
        }
    }
}

/// Numbers side by side.
#[inline(always)]
fn row<const LOG: bool>(y: &mut [f32]) {
    let most = reduce::over(y, f32::NEG_INFINITY, |y| y, greater);
    y.iter_mut().for_each(|y| *y -= most);
    if LOG {
        let sum = math::ln(reduce::over(y, 0.0, math::exp, |a, b| a + b));
        y.iter_mut().for_each(|y| *y -= sum);
    } else {
        y.iter_mut().for_each(|y| *y = math::exp(*y));
        let sum = reduce::over(y, 0.0, |y| y, |a, b| a + b);
        y.iter_mut().for_each(|y| *y /= sum);
    }
}

/// Numbers `inner` apart: sixteen columns at a time, and those left one by one.
#[inline(always)]
fn columns<const LOG: bool>(y: &mut [f32], inner: usize) {
    let whole = inner - inner % 16;
    for at in (0..whole).step_by(16) {
        some_columns::<LOG, 16>(y, inner, at);
    }
    for at in whole..inner {
        some_columns::<LOG, 1>(y, inner, at);
    }
}

#[inline(always)]
fn some_columns<const LOG: bool, const L: usize>(y: &mut [f32], inner: usize, at: usize) {
    let (mut most, mut sum) = ([f32::NEG_INFINITY; L], [0.0; L]);
    each_row(y, inner, at, &mut most, |most, y| *most = greater(*most, *y));
    each_row(y, inner, at, &mut most, |most, y| *y -= *most);
    if LOG {
        each_row(y, inner, at, &mut sum, |sum, y| *sum += math::exp(*y));
        sum = sum.map(math::ln);
        each_row(y, inner, at, &mut sum, |sum, y| *y -= *sum);
    } else {
        each_row(y, inner, at, &mut sum, |sum, y| {
            *y = math::exp(*y);
            *sum += *y;
        });
        each_row(y, inner, at, &mut sum, |sum, y| *y /= *sum);
    }
}

/// Calls `f` for the `L` columns from `at` of every row; `at + L <= inner`, so the `get` always succeeds.
#[inline(always)]
fn each_row<const L: usize>(
    y: &mut [f32],
    inner: usize,
    at: usize,
    lanes: &mut [f32; L],
    f: impl Fn(&mut f32, &mut f32),
) {
    for row in y.chunks_exact_mut(inner) {
        if let Some(row) = row.get_mut(at..at + L) {
            lanes.iter_mut().zip(row).for_each(|(lane, y)| f(lane, y));
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use proptest::prelude::*;
    use std::vec::Vec;

    use super::*;

    proptest! {
        #[test]
        fn shares_follow_the_definition(outer in 1..4_usize, axis in 1..40_usize, inner in 1..36_usize) {
            let shape = Softmax { outer, axis, inner };
            let x: Vec<f32> = (0..outer * axis * inner).map(|at| (at * 37 % 101) as f32 * 0.25 - 12.0).collect();
            let [mut shares, mut logs] = [x.clone(), x.clone()];
            shape.run(&x, &mut shares);
            shape.run_log(&x, &mut logs);
            for at in 0..x.len() {
                let first = at / (axis * inner) * axis * inner + at % inner;
                let sum: f64 = (0..axis).map(|k| f64::from(x[first + k * inner]).exp()).sum();
                let log = f64::from(x[at]) - sum.ln();
                prop_assert!((f64::from(shares[at]) - log.exp()).abs() <= 1e-6 * log.exp());
                prop_assert!((f64::from(logs[at]) - log).abs() <= 4e-6);
            }
        }
    }

    #[test]
    fn large_numbers_do_not_overflow() {
        let mut y = [1e30, 1e30, -1e30];
        Softmax { outer: 1, axis: 3, inner: 1 }.run_assign(&mut y);
        assert_eq!(y, [0.5, 0.5, 0.0]);
    }
}
