//! Quantisation and dequantisation: the ends of an integer network.

use crate::affine::Affine;
use crate::ring::Ring;
use crate::simd::dots::Dots;
use crate::simd::requant::{Steps, reals};
use core::ops::Range;

/// The nearest byte of each real of some rows; the result is rows of pixels or chunks of channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantize {
    /// Rows read: planes where `from.pixel` is 1, else pixels with their channels side by side.
    pub from: Ring,
    /// Rows written.
    pub into: Ring,
    /// Pixels of a row.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
    /// Scale and zero point of the bytes.
    pub to: Affine,
}

impl Quantize {
    /// Makes `rows` of the result.
    #[inline(always)]
    pub fn run<S: Dots>(&self, simd: S, x: &[f32], y: &mut [u8], rows: Range<usize>) {
        for row in rows {
            let x = &x[self.from.slot(row + self.from.top)..];
            let y = &mut y[self.into.slot(row + self.into.top)..];
            let dense = self.from.pixel == self.channels && self.into.pixel == self.channels;
            if dense {
                let len = self.width * self.channels;
                quantize(simd, self.to, &x[..len], &mut y[..len]);
            } else if self.from.pixel == 1 && self.channels == 3 && self.into.pixel == 3 {
                self.triples(simd, x, &mut y[..3 * self.width]);
            } else {
                self.each::<S>(x, y);
            }
        }
    }

    /// Three planes side by side.
    #[inline(always)]
    fn triples<S: Dots>(&self, simd: S, x: &[f32], y: &mut [u8]) {
        let plane = |at: usize| &x[at * self.from.chunk..][..self.width];
        let [a, b, c] = [plane(0), plane(1), plane(2)];
        let whole = self.width / S::LANES * S::LANES;
        let mut at = 0;
        while at < whole {
            let all = [
                bytes(simd, self.to, simd.load(&a[at..])),
                bytes(simd, self.to, simd.load(&b[at..])),
                bytes(simd, self.to, simd.load(&c[at..])),
            ];
            simd.store_triples(&mut y[3 * at..], all);
            at += S::LANES;
        }
        for at in whole..self.width {
            for (channel, plane) in [a, b, c].iter().enumerate() {
                y[3 * at + channel] = self.to.byte(plane[at]);
            }
        }
    }

    #[inline(always)]
    fn each<S: Dots>(&self, x: &[f32], y: &mut [u8]) {
        let step = if self.from.pixel == 1 { self.from.chunk } else { 1 };
        for column in 0..self.width {
            for channel in 0..self.channels {
                let x = x[column * self.from.pixel + channel * step];
                let lane = channel / S::LANES * self.into.chunk + channel % S::LANES;
                y[column * self.into.pixel + lane] = self.to.byte(x);
            }
        }
    }
}

/// The nearest byte of each real.
#[inline(always)]
pub fn quantize<S: Dots>(simd: S, to: Affine, x: &[f32], y: &mut [u8]) {
    for (x, y) in x.chunks(S::LANES).zip(y.chunks_mut(S::LANES)) {
        simd.store_bytes(y, bytes(simd, to, simd.load_head(x)));
    }
}

/// The real of each byte.
#[inline(always)]
pub fn dequantize<S: Dots>(simd: S, from: Affine, x: &[u8], y: &mut [f32]) {
    for (x, y) in x.chunks(S::LANES).zip(y.chunks_mut(S::LANES)) {
        simd.store_head(y, reals(simd, from, simd.bytes(x)));
    }
}

#[inline(always)]
fn bytes<S: Dots>(simd: S, to: Affine, x: S::F32) -> S::I32 {
    let steps = simd.div(x, simd.splat(to.scale));
    Steps::of(simd, to.levels()).bytes(simd, to.levels(), steps)
}
