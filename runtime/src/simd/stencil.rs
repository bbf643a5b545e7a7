//! The depthwise kernel: each vector of channels with its own small window, `T` pixels of a row at a time, of floats and
//! of bytes.
//!
//! `run` checks all extents once; the loops below it do not. A vector of channels has its own panel of biases and
//! weights, whose order is that of its [`Taps`]. The last vector is read whole, even where channels end inside it, so rows
//! must have room for that. Where `T` does not divide the pixels, the last tile overlaps the one before it.

mod bytes;
mod floats;

use core::ops::Range;

use super::dots::Planes;
use super::epilogue::{Epilogue, Outputs, Tile};
use super::window::{reach, tiles_fit};
use super::{Simd, Task};
use crate::activation::Activation;
use crate::blob::Element;
use crate::part::Part;
use crate::ring::Ring;

/// A window over each channel alone.
#[derive(Clone, Copy, Debug)]
pub struct Stencil<E = Activation> {
    /// Output pixels in a row.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Rows, columns of the window.
    pub kernel: [usize; 2],
    /// Input rows, columns from an output to the next.
    pub stride: [usize; 2],
    /// Input rows, columns from a tap to the next.
    pub dilation: [usize; 2],
    /// Input rows above, columns left of the image where the first window begins.
    pub pad: [usize; 2],
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// The end of its sums.
    pub epilogue: E,
}

/// Weights of windows over inputs `X`.
///
/// # Safety
/// Methods read the tile's windows and one vector's panel and nothing else.
pub unsafe trait Taps<S: Simd, X: Copy>: Element {
    /// A vector of sums, for which all bits zero is a valid value.
    type Sum: Copy;
    /// Weights of a `K` x `K` window that stay in registers while rows go by.
    type Near<const K: usize>: Copy;

    /// Elements of one vector's panel.
    fn panel_len(kernel: [usize; 2], more_factors: usize) -> usize;

    /// Reads the weights that stay in registers.
    ///
    /// # Safety
    /// A panel begins at `w`.
    unsafe fn near<const K: usize>(simd: S, w: *const Self) -> Self::Near<K>;

    /// Biases plus products of one tile, its window unrolled.
    ///
    /// # Safety
    /// A panel begins at `w`, and the tile's windows lie in the slice that begins at `x`.
    unsafe fn square<const K: usize, const STRIDE: usize, const T: usize>(
        simd: S,
        windows: &Windows,
        w: *const Self,
        near: &Self::Near<K>,
        x: *const X,
        at: Place,
    ) -> [[Self::Sum; 1]; T];

    /// Biases plus products of one tile of any window.
    ///
    /// # Safety
    /// As above.
    unsafe fn any<const T: usize>(
        simd: S,
        windows: &Windows,
        w: *const Self,
        x: *const X,
        at: Place,
    ) -> [[Self::Sum; 1]; T];
}

/// How windows lie in the input.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// Rows, columns of the window.
    pub kernel: [usize; 2],
    /// Input rows, columns from an output to the next.
    pub stride: [usize; 2],
    /// Input rows, columns from a tap to the next.
    pub dilation: [usize; 2],
    /// Input rows above, columns left of the image where the first window begins.
    pub pad: [usize; 2],
    /// Where the input lies.
    pub from: Ring,
    /// Bytes of factors that a panel begins with beyond the usual ones.
    pub more_factors: usize,
}

/// Where a tile lies: vector of channels, output row, first pixel.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The vector.
    pub v: usize,
    /// The row.
    pub row: usize,
    /// The first pixel.
    pub pixel: usize,
}

impl Windows {
    /// Element at which window row `ky` of a tile begins.
    #[inline(always)]
    pub(super) const fn input(&self, at: Place, ky: usize) -> usize {
        let row = at.row * self.stride[0] + ky * self.dilation[0] + self.from.top - self.pad[0];
        let column = at.pixel * self.stride[1] * self.from.pixel;
        self.from.slot(row) + column + at.v * self.from.chunk - self.pad[1] * self.from.pixel
    }
}

impl<E> Stencil<E> {
    /// Computes a part of the output with an unrolled `K` x `K` window; panics where an extent is outside its slice.
    #[inline(always)]
    pub fn run<
        S: Simd,
        W: Taps<S, X>,
        X: Copy,
        Y: Copy,
        const K: usize,
        const STRIDE: usize,
        const T: usize,
    >(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        part: Part,
    ) where
        E: Epilogue<S, W::Sum, Y>,
    {
        let square = Square::<K, STRIDE>;
        simd.apart(Call::<W, X, Y, E, _, T> { stencil: self, walk: square, w, x, y, part });
    }

    /// Computes a part of the output with any window; panics where an extent is outside its slice.
    #[inline(always)]
    pub fn run_any<S: Simd, W: Taps<S, X>, X: Copy, Y: Copy, const T: usize>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        part: Part,
    ) where
        E: Epilogue<S, W::Sum, Y>,
    {
        simd.apart(Call::<W, X, Y, E, _, T> { stencil: self, walk: Any, w, x, y, part });
    }
}

/// The arguments of one call.
struct Call<'a, W, X, Y, E, V, const T: usize> {
    stencil: &'a Stencil<E>,
    walk: V,
    w: &'a [W],
    x: &'a [X],
    y: &'a mut [Y],
    part: Part,
}

impl<S: Simd, W: Taps<S, X>, X: Copy, Y: Copy, E, V: Walk<S, W, X>, const T: usize> Task<S>
    for Call<'_, W, X, Y, E, V, T>
where
    E: Epilogue<S, W::Sum, Y>,
{
    #[inline(always)]
    fn run(self, simd: S) {
        let Call { stencil, walk, w, x, y, part } = self;
        let Stencil { width, channels, kernel, stride, dilation, pad, from, into, epilogue } =
            *stencil;
        let more_factors = epilogue.more_factors();
        let windows = Windows { kernel, stride, dilation, pad, from, more_factors };
        let outputs = Outputs { width, channels, into };
        assert!(T >= 1 && T <= 14 && width > 0 && channels > 0 && kernel[0] > 0 && kernel[1] > 0);
        let (vectors, panel_len) =
            (channels.div_ceil(S::LANES), W::panel_len(kernel, more_factors));
        let Part { rows, pixels, panels } = part.within(width, vectors);
        assert!(panels.end <= vectors);
        assert!(tiles_fit(&pixels, T, width));
        assert!(w.len() >= vectors.saturating_mul(panel_len));
        let left = pad[1].saturating_mul(from.pixel);
        assert!(left <= from.base && pad[0] <= from.top);
        let columns = (width - 1).saturating_mul(stride[1]);
        let columns = columns.saturating_add((kernel[1] - 1).saturating_mul(dilation[1]));
        let last = (vectors - 1).saturating_mul(from.chunk).saturating_add(S::LANES);
        let read = columns.saturating_mul(from.pixel).saturating_add(last).saturating_sub(left);
        assert!(reach(&from, read) <= x.len());
        assert!(outputs.reach::<S>(&into) <= y.len());
        epilogue.check(&outputs, &pixels, T);
        walk.check::<T>(&windows);
        let (x, y) = (x.as_ptr(), y.as_mut_ptr());
        let parts = [&rows, &pixels, &panels];
        if let Some(own) = planes::<T>(&windows, into, (w.as_ptr().cast(), panel_len), x, parts) {
            // SAFETY: all extents were checked above; epilogues of bytes alone look at it.
            if unsafe { epilogue.stencil(simd, &own, y) } {
                return;
            }
        }
        for v in panels {
            // SAFETY: every address that the loops form was checked above.
            unsafe {
                let w = w.as_ptr().add(v * panel_len);
                let near = walk.near(simd, w);
                for row in rows.clone() {
                    let mut next = pixels.start;
                    while next < pixels.end {
                        let pixel = next.min(pixels.end - T);
                        let at = Place { v, row, pixel };
                        let acc = walk.sums::<T>(simd, &windows, w, &near, x, at);
                        let tile = Tile { outputs: &outputs, panel: v, row, pixel };
                        epilogue.finish(simd, acc, w.cast(), y, tile);
                        next += T;
                    }
                }
            }
        }
    }
}

/// A part of windows as planes, where they are three by three pixels of such; `w` are weights and those of a panel.
#[inline(always)]
fn planes<const T: usize>(
    windows: &Windows,
    into: Ring,
    (w, panel_len): (*const u8, usize),
    x: *const impl Copy,
    parts: [&Range<usize>; 3],
) -> Option<Planes> {
    let Windows { kernel, stride, dilation, pad, from, .. } = *windows;
    let is_plain = kernel == [3, 3] && dilation == [1, 1] && stride[0] == stride[1];
    let [rows, pixels, channels] = parts.map(|part| [part.start, part.end]);
    let (stride, x) = (stride[0], x.cast());
    (is_plain && stride <= 2 && from.pixel == 1 && T == 2).then_some(Planes {
        from,
        into,
        stride,
        pad,
        panel_len,
        rows,
        pixels,
        channels,
        w,
        x,
    })
}

/// How windows are walked.
trait Walk<S: Simd, W: Taps<S, X>, X: Copy> {
    /// Weights that stay in registers.
    type Near;

    /// Panics where windows are not such as it walks.
    fn check<const T: usize>(&self, windows: &Windows);

    /// See [`Taps::near`].
    unsafe fn near(&self, simd: S, w: *const W) -> Self::Near;

    /// See [`Taps::square`].
    unsafe fn sums<const T: usize>(
        &self,
        simd: S,
        windows: &Windows,
        w: *const W,
        near: &Self::Near,
        x: *const X,
        at: Place,
    ) -> [[W::Sum; 1]; T];
}

/// A `K` x `K` window, unrolled.
struct Square<const K: usize, const STRIDE: usize>;

/// Any window.
struct Any;

impl<S: Simd, W: Taps<S, X>, X: Copy, const K: usize, const STRIDE: usize> Walk<S, W, X>
    for Square<K, STRIDE>
{
    type Near = W::Near<K>;

    #[inline(always)]
    fn check<const T: usize>(&self, windows: &Windows) {
        assert!(K >= 1 && K <= 7);
        assert!(windows.kernel[0] == K && windows.kernel[1] == K);
        assert!(windows.stride[1] == STRIDE && windows.dilation[1] == 1);
    }

    #[inline(always)]
    unsafe fn near(&self, simd: S, w: *const W) -> W::Near<K> {
        // SAFETY: the caller's promise; so below.
        unsafe { W::near::<K>(simd, w) }
    }

    #[inline(always)]
    unsafe fn sums<const T: usize>(
        &self,
        simd: S,
        windows: &Windows,
        w: *const W,
        near: &W::Near<K>,
        x: *const X,
        at: Place,
    ) -> [[W::Sum; 1]; T] {
        // SAFETY: as above.
        unsafe { W::square::<K, STRIDE, T>(simd, windows, w, near, x, at) }
    }
}

impl<S: Simd, W: Taps<S, X>, X: Copy> Walk<S, W, X> for Any {
    type Near = ();

    #[inline(always)]
    fn check<const T: usize>(&self, _: &Windows) {}

    #[inline(always)]
    unsafe fn near(&self, _: S, _: *const W) {}

    #[inline(always)]
    unsafe fn sums<const T: usize>(
        &self,
        simd: S,
        windows: &Windows,
        w: *const W,
        (): &(),
        x: *const X,
        at: Place,
    ) -> [[W::Sum; 1]; T] {
        // SAFETY: the caller's promise.
        unsafe { W::any::<T>(simd, windows, w, x, at) }
    }
}

#[cfg(feature = "sources")]
crate::listed::listed! {
    "simd/stencil/", "stencil/":
    "bytes" "floats"
}
