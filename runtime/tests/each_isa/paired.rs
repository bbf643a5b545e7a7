//! Kernels that multiply pairs of brain floats as kernels of floats.

use crate::halved;
use mnv2c_runtime::brain::{Brain, Pair};
use mnv2c_runtime::kernel::conv::Conv;
use mnv2c_runtime::kernel::pointwise::Pointwise;
use mnv2c_runtime::simd::residual::Residual;

/// A matrix kernel of brain floats that multiplies pairs, or `singly` where its inputs do not lie side by side.
pub(crate) fn gemm<K: Runs, P>(
    run: impl Fn(&K, &[Pair], &[Brain], &mut [Brain], Residual<'_>, P),
    singly: impl Fn(&K, &[f32], &[f32], &mut [f32], Residual<'_>, P),
) -> impl Fn(&K, &[f32], &[f32], &mut [f32], Residual<'_>, P) {
    move |kernel, w, x, y, residual, part| {
        let Some((columns, [rows, inputs, depth])) = kernel.runs() else {
            return singly(kernel, w, x, y, residual, part);
        };
        let mut pairs = Vec::new();
        for panel in w.chunks_exact(columns * (1 + rows * inputs)) {
            let (biases, weights) = panel.split_at(columns);
            pairs.extend(biases.iter().map(|x| Pair::bias(*x)));
            for run in weights.chunks_exact(columns * depth) {
                for k in (0..depth).step_by(2) {
                    let weight = |k: usize, column| Brain::of(run[k * columns + column]);
                    let odd = |k, column| if k < depth { weight(k, column) } else { Brain::ZERO };
                    pairs.extend((0..columns).map(|c| Pair::of(weight(k, c), odd(k + 1, c))));
                }
            }
        }
        let run = |kernel: &K,
                   _: &[Brain],
                   x: &[Brain],
                   y: &mut [Brain],
                   residual: Residual<'_>,
                   part| { run(kernel, &pairs, x, y, residual, part) };
        halved::gemm(run)(kernel, w, x, y, residual, part);
    }
}

/// How a kernel of sixteen lanes walks over its inputs.
pub(crate) trait Runs {
    /// Columns of a panel; rows of a window, inputs of a row, and how many of them lie side by side, if they do.
    fn runs(&self) -> Option<(usize, [usize; 3])>;
}

impl<const MR: usize, const NV: usize> Runs for Pointwise<MR, NV> {
    fn runs(&self) -> Option<(usize, [usize; 3])> {
        Some((NV * 16, [1, self.c_in, self.c_in]))
    }
}

impl<const MR: usize, const NV: usize> Runs for Conv<MR, NV> {
    fn runs(&self) -> Option<(usize, [usize; 3])> {
        let ([rows, columns], c_in) = (self.kernel, self.c_in / self.groups);
        let depth = match (self.from.pixel, self.dilation[1]) {
            (1, 1) => columns,
            (1, _) if c_in > 1 => return None,
            (pixel, step) if pixel * step == c_in => columns * c_in,
            _ => c_in,
        };
        Some((NV * 16, [rows, columns * c_in, depth]))
    }
}
