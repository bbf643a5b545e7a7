//! Products of which several threads compute parts at once, each other rows, pixels or panels of one output.

extern crate std;

use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::epilogue::{Epilogue, Outputs};
use super::gemm::Gemm;
use super::winograd::Transformed;
use super::{Simd, Task, Weight};
use crate::part::Part;
use crate::pool::Pool;

/// Parts of an output that threads take one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Rows of the output.
    pub rows: usize,
    /// Bands of its rows; of a single row, runs of its pixels.
    pub bands: usize,
    /// Runs of its panels of weights, each of which makes every band.
    pub panels: usize,
}

impl Shares {
    /// Computes all of a product's output on the threads of a pool; `product` gives the same one whenever it is asked.
    ///
    /// It is a function so that its numbers are constants wherever it runs.
    ///
    /// # Panics
    /// Where an extent is outside its slice, where parts of the output would lie over one another, and where `product`
    /// gives different ones.
    #[inline(always)]
    pub fn run<S, W, X, Y, E, const MR: usize, const NV: usize>(
        self,
        pool: &mut Pool,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        product: impl Fn() -> Gemm<MR, NV, E> + Sync,
    ) where
        S: Simd + Sync,
        W: Weight<S, X> + Sync,
        X: Copy + Sync,
        Y: Copy + Send,
        E: Epilogue<S, W::Sum, Y>,
    {
        let (next, y) = (AtomicUsize::new(0), Output(core::ptr::from_mut(y)));
        let made = product().outputs();
        assert!(self.bands > 0 && self.panels > 0 && made.lie_apart::<S>(self.rows));
        pool.lend(&|| {
            loop {
                let at = next.fetch_add(1, Relaxed);
                if at / self.bands >= self.panels {
                    return;
                }
                let (product, y) = (&product, y.whole());
                simd.framed(Turn { shares: self, at, made, product, w, x, y });
            }
        });
    }

    /// Computes all of a convolution's output between transforms on the threads of a pool, as [`run`](Self::run) does a
    /// product's: `bands` are runs of its blocks, and each thread works in numbers of `scratch` of its own.
    ///
    /// # Panics
    /// As [`run`](Self::run) does, and where `scratch` is too short for one thread.
    #[inline(always)]
    pub fn run_in<S, E, const OUT: usize, const MR: usize, const NV: usize>(
        self,
        pool: &mut Pool,
        simd: S,
        [w, x]: [&[f32]; 2],
        scratch: &mut [f32],
        y: &mut [f32],
        product: impl Fn() -> Transformed<OUT, MR, NV, E> + Sync,
    ) where
        S: Simd + Sync,
        E: Epilogue<S, S::F32, f32>,
    {
        let (next, y) = (AtomicUsize::new(0), Output(core::ptr::from_mut(y)));
        let (made, len) = (product().outputs(), product().scratch_len::<S>());
        assert!(self.bands > 0 && self.panels > 0 && len > 0 && scratch.len() >= len);
        assert!(self.rows == product().size[0] && made.lie_apart::<S>(self.rows));
        let scratch = Mutex::new(scratch.chunks_exact_mut(len));
        pool.lend(&|| {
            let own = scratch.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(own) = own else { return };
            loop {
                let at = next.fetch_add(1, Relaxed);
                if at / self.bands >= self.panels {
                    return;
                }
                let (product, y) = (&product, y.whole());
                simd.framed(TileTurn { shares: self, at, made, product, w, x, own: &mut *own, y });
            }
        });
    }

    /// The part of number `at`, of an output of so many pixels a row and panels; nothing where parts are more than there
    /// is to share. Parts of one row's pixels begin at a multiple of `tile` and hold one at least.
    fn part(&self, at: usize, [width, panels]: [usize; 2], tile: usize) -> Option<Part> {
        let Self { rows, bands, .. } = *self;
        let (band, panels) = (at % bands, cut(panels, at / bands, self.panels));
        let (rows, pixels) = if rows == 1 {
            let (tiles, all) = (cut(width / tile, band, bands), width / tile);
            let end = if tiles.end == all { width } else { tiles.end * tile };
            (0..usize::from(!tiles.is_empty()), tiles.start * tile..end)
        } else {
            (cut(rows, band, bands), 0..width)
        };
        (!rows.is_empty() && !panels.is_empty()).then_some(Part { rows, pixels, panels })
    }
}

/// An output that threads write, each other parts of it.
struct Output<Y>(*mut [Y]);

// SAFETY: its elements may be written from any thread; that no two write the same is up to who does.
unsafe impl<Y: Send> Sync for Output<Y> {}

impl<Y> Output<Y> {
    /// Where it lies.
    #[inline(always)]
    const fn whole(&self) -> *mut [Y] {
        self.0
    }
}

/// One part of a product, computed by the thread that took it.
struct Turn<'a, W, X, Y, F> {
    shares: Shares,
    at: usize,
    /// The outputs whose parts are known to lie apart.
    made: Outputs,
    product: &'a F,
    w: &'a [W],
    x: &'a [X],
    y: *mut [Y],
}

impl<S, W, X, Y, E, F, const MR: usize, const NV: usize> Task<S> for Turn<'_, W, X, Y, F>
where
    S: Simd,
    W: Weight<S, X>,
    X: Copy,
    Y: Copy,
    E: Epilogue<S, W::Sum, Y>,
    F: Fn() -> Gemm<MR, NV, E>,
{
    #[inline(always)]
    fn run(self, simd: S) {
        let Turn { shares, at, made, product, w, x, y } = self;
        let product = product();
        assert!(product.outputs() == made);
        let panels = made.channels.div_ceil(NV * S::LANES);
        let Some(part) = shares.part(at, [product.width, panels], MR) else { return };
        // SAFETY: every number is taken once, parts of different numbers have no row, pixel and panel in common, and what
        // those are made of lies apart. The lender waits for all of them.
        unsafe { product.run_at(simd, w, x, y, part) };
    }
}

/// One part of a convolution between transforms, computed by the thread that took it.
struct TileTurn<'a, F> {
    shares: Shares,
    at: usize,
    /// The outputs whose parts are known to lie apart.
    made: Outputs,
    product: &'a F,
    w: &'a [f32],
    x: &'a [f32],
    own: &'a mut [f32],
    y: *mut [f32],
}

impl<S, E, F, const OUT: usize, const MR: usize, const NV: usize> Task<S> for TileTurn<'_, F>
where
    S: Simd,
    E: Epilogue<S, S::F32, f32>,
    F: Fn() -> Transformed<OUT, MR, NV, E>,
{
    #[inline(always)]
    fn run(self, simd: S) {
        let TileTurn { shares, at, made, product, w, x, own, y } = self;
        let product = product();
        assert!(product.outputs() == made && product.size[0] == shares.rows);
        let [blocks, panels] = product.counts::<S>();
        let blocks = cut(blocks, at % shares.bands, shares.bands);
        let panels = cut(panels, at / shares.bands, shares.panels);
        // SAFETY: every number is taken once, different numbers have no block and panel in common, and what those are
        // made of lies apart: each tile is stored by one block. The lender waits for all of them.
        unsafe { product.run_at(simd, [w, x], own, y, [blocks, panels]) };
    }
}

/// Part `at` of `of` nearly equal parts of a range.
fn cut(len: usize, at: usize, of: usize) -> Range<usize> {
    len * at / of..len * (at + 1) / of
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::vec::Vec;

    use super::*;
    use crate::activation::Activation;
    use crate::kernel::conv::Conv;
    use crate::ring::{Ring, Rows};
    use crate::simd::Scalar;

    const FROM: Ring = Rows::nhwc(7, 9, 5).padded(1, 1, 1).ring(4);
    const INTO: Ring = Rows::nhwc(6, 9, 22).padded(1, 1, 0).ring(4);

    /// A window of three by three over five rows of nine pixels, five channels to twenty-two.
    const fn conv(into: Ring) -> Conv<4, 2> {
        Conv {
            width: 9,
            kernel: [3, 3],
            stride: [1, 1],
            dilation: [1, 1],
            pad: [1, 1],
            groups: 1,
            c_in: 5,
            c_out: 22,
            from: FROM,
            into,
            epilogue: Activation::RELU,
        }
    }

    fn numbers(len: usize) -> Vec<f32> {
        (0..len).map(|at| (at * 37 % 101) as f32 / 51.0 - 1.0).collect()
    }

    #[test]
    fn parts_together_are_the_whole_to_the_bit() {
        let (w, x) = (numbers(3 * 46 * 8), numbers(7 * 11 * 5));
        let (mut pool, simd) = (Pool::new(3), Scalar::new());
        let mut whole = numbers(6 * 10 * 22);
        conv(INTO).run(simd, &w, &x, &mut whole, 0..5);
        for (bands, panels) in (1..9).flat_map(|bands| (1..5).map(move |panels| (bands, panels))) {
            let (mut y, shares) = (numbers(6 * 10 * 22), Shares { rows: 5, bands, panels });
            shares.run(&mut pool, simd, &w, &x, &mut y, || conv(INTO).product(simd));
            assert_eq!(y, whole, "{bands} bands by {panels}");
            let one = Shares { rows: 1, ..shares };
            let (mut y, mut row) = (numbers(6 * 10 * 22), numbers(6 * 10 * 22));
            conv(INTO).run(simd, &w, &x, &mut row, 0..1);
            one.run(&mut pool, simd, &w, &x, &mut y, || conv(INTO).product(simd));
            assert_eq!(y, row, "{bands} bands of a row by {panels}");
        }
    }

    #[test]
    fn outputs_that_lie_over_one_another_are_refused() {
        let (w, x) = (numbers(3 * 46 * 8), numbers(7 * 11 * 5));
        let (mut pool, simd) = (Pool::new(2), Scalar::new());
        let narrow = [
            Ring { row: 100, ..INTO },
            Ring { pixel: 21, ..INTO },
            Ring { kept: 4, ..INTO },
            Ring { chunk: 3, ..INTO },
        ];
        for into in narrow {
            let mut y = numbers(6 * 10 * 22);
            let shares = Shares { rows: 5, bands: 2, panels: 1 };
            let run = || shares.run(&mut pool, simd, &w, &x, &mut y, || conv(into).product(simd));
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "{into:?}");
        }
    }
}
