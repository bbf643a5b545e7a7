//! Moving rows from one form to another, and keeping the stored padding zero.
//!
//! One number tells the forms of `ring` apart: the lanes, which is how many channels of a pixel lie side by side.
//! Channel `c` of a pixel lies at `c / lanes * chunk + c % lanes`.
//!
//! | form | lanes |
//! |---|---|
//! | NHWC rows | all channels, and the stored zero lanes if any |
//! | chunks | those of a vector |
//! | planes | 1 |

use core::ops::Range;

use super::strided::convert;
use crate::ring::{Ring, Rows};
use crate::simd::Number;

/// A copy of rows between any two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relayout {
    /// Rows read.
    pub from: Ring,
    /// Their lanes.
    pub from_lanes: usize,
    /// Rows written.
    pub into: Ring,
    /// Their lanes; those past the last channel become zero.
    pub into_lanes: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
}

impl Relayout {
    /// A copy of all pixels of `from` to where `into` says that they lie.
    pub const fn between(from: Rows, into: Rows) -> Self {
        let (from_lanes, into_lanes) = (from.lanes(), into.lanes());
        Self {
            from: from.ring(from_lanes),
            from_lanes,
            into: into.ring(into_lanes),
            into_lanes,
            width: from.width,
            channels: from.channels,
        }
    }

    /// This copy between slices that hold so many elements of something else before what is read and written.
    pub const fn shifted(self, from: usize, into: usize) -> Self {
        Self { from: self.from.shifted(from), into: self.into.shifted(into), ..self }
    }

    /// Copies image rows; stored padding is left to [`Rows`].
    #[inline(always)]
    pub fn run<E: Copy + Default>(&self, rows: Range<usize>, x: &[E], y: &mut [E]) {
        self.run_by(rows, x, y, |x, y| y.copy_from_slice(x), |x| x);
    }

    /// Copies image rows between different types of numbers.
    #[inline(always)]
    pub fn convert<X: Number, Y: Number>(&self, rows: Range<usize>, x: &[X], y: &mut [Y]) {
        let run = |x: &[X], y: &mut [Y]| convert(x, y);
        self.run_by(rows, x, y, run, |x| Y::of(x.real()));
    }

    /// Copies runs by `run` and single elements by `one`.
    #[inline(always)]
    fn run_by<X: Copy, Y: Copy + Default>(
        &self,
        rows: Range<usize>,
        x: &[X],
        y: &mut [Y],
        run: impl Fn(&[X], &mut [Y]),
        one: impl Fn(X) -> Y,
    ) {
        for row in rows {
            let x = &x[self.from.slot(row + self.from.top)..];
            let y = &mut y[self.into.slot(row + self.into.top)..];
            if self.is_plain() {
                self.copy_chunks(x, y, &run);
            } else if self.side_by_side() > 1 {
                self.copy_pixels(x, y, &run);
            } else {
                self.copy_channels(x, y, &one);
            }
            self.clear_lanes(y);
        }
    }

    /// True if a row of a chunk is one run of numbers, alike on both sides.
    #[inline(always)]
    const fn is_plain(&self) -> bool {
        let alike = self.from_lanes == self.into_lanes;
        alike && self.from.pixel == self.from_lanes && self.into.pixel == self.into_lanes
    }

    /// Channels that lie side by side in both forms, if counted from a multiple of them.
    #[inline(always)]
    const fn side_by_side(&self) -> usize {
        let (from, into) = (self.from_lanes, self.into_lanes);
        let (less, more) = if from < into { (from, into) } else { (into, from) };
        if more >= self.channels || more.is_multiple_of(less) { less } else { 1 }
    }

    /// The offset of a channel in each form, from a pixel's start.
    #[inline(always)]
    const fn channel(&self, channel: usize) -> (usize, usize) {
        let from = channel / self.from_lanes * self.from.chunk + channel % self.from_lanes;
        let into = channel / self.into_lanes * self.into.chunk + channel % self.into_lanes;
        (from, into)
    }

    #[inline(always)]
    fn copy_chunks<X, Y>(&self, x: &[X], y: &mut [Y], run: impl Fn(&[X], &mut [Y])) {
        let len = self.width * self.from_lanes;
        for chunk in 0..self.channels.div_ceil(self.from_lanes) {
            let x = &x[chunk * self.from.chunk..][..len];
            run(x, &mut y[chunk * self.into.chunk..][..len]);
        }
    }

    #[inline(always)]
    fn copy_pixels<X, Y>(&self, x: &[X], y: &mut [Y], run: impl Fn(&[X], &mut [Y])) {
        let some = self.side_by_side();
        for part in 0..self.channels.div_ceil(some) {
            let len = some.min(self.channels - part * some);
            let (from, into) = self.channel(part * some);
            for column in 0..self.width {
                let x = &x[from + column * self.from.pixel..][..len];
                run(x, &mut y[into + column * self.into.pixel..][..len]);
            }
        }
    }

    /// Sixteen pixels at a time, so that the lines of the side with strides stay in cache for the next channel.
    #[inline(always)]
    fn copy_channels<X: Copy, Y>(&self, x: &[X], y: &mut [Y], one: impl Fn(X) -> Y) {
        for block in 0..self.width.div_ceil(16) {
            for channel in 0..self.channels {
                let (from, into) = self.channel(channel);
                for column in block * 16..self.width.min(block * 16 + 16) {
                    y[into + column * self.into.pixel] = one(x[from + column * self.from.pixel]);
                }
            }
        }
    }

    /// Zeroes the lanes past the last channel.
    #[inline(always)]
    fn clear_lanes<E: Copy + Default>(&self, y: &mut [E]) {
        let beyond = self.channels.next_multiple_of(self.into_lanes) - self.channels;
        if beyond > 0 {
            let (_, into) = self.channel(self.channels);
            for column in 0..self.width {
                y[into + column * self.into.pixel..][..beyond].fill(E::default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    use super::*;

    /// Rows of `[chunk][row][left + width + right][lanes]`, or NHWC rows if the lanes hold every channel.
    #[derive(Clone, Copy, Debug)]
    struct Form {
        ring: Ring,
        lanes: usize,
        len: usize,
    }

    const SHAPE: (usize, usize) = (3, 5);

    fn form(lanes: usize, channels: usize, edge: usize) -> Form {
        let (height, width) = SHAPE;
        let row = (width + 2 * edge) * lanes;
        let chunk = (height + 2 * edge) * row;
        let ring = Ring {
            base: edge * lanes,
            kept: height + 2 * edge,
            top: edge,
            row,
            pixel: lanes,
            chunk,
        };
        Form { ring, lanes, len: chunk * channels.div_ceil(lanes) }
    }

    fn at(form: Form, row: usize, column: usize, channel: usize) -> usize {
        let Form { ring, lanes, .. } = form;
        ring.slot(row + ring.top)
            + column * ring.pixel
            + channel / lanes * ring.chunk
            + channel % lanes
    }

    /// Numbers in the image, zero in edges and lanes.
    fn filled(form: Form, channels: usize) -> Vec<f32> {
        let mut x = vec![0.0; form.len];
        for row in 0..SHAPE.0 {
            for column in 0..SHAPE.1 {
                for channel in 0..channels {
                    x[at(form, row, column, channel)] =
                        (1 + row * 1000 + column * 100 + channel) as f32;
                }
            }
        }
        x
    }

    proptest! {
        #[test]
        fn every_form_becomes_every_other(
            channels in 1..20_usize,
            (from, into) in (0..4_usize, 0..4_usize),
            (inner, outer) in (0..3_usize, 0..3_usize),
        ) {
            let lanes = [1, 4, 8, channels];
            let from = form(lanes[from], channels, inner);
            let into = form(lanes[into], channels, outer);
            let copy = Relayout {
                from: from.ring,
                from_lanes: from.lanes,
                into: into.ring,
                into_lanes: into.lanes,
                width: SHAPE.1,
                channels,
            };
            let unwritten = |x: f32| if x == 0.0 { x } else { f32::NAN };
            let mut y: Vec<f32> = filled(into, channels).into_iter().map(unwritten).collect();
            copy.run(0..SHAPE.0, &filled(from, channels), &mut y);
            prop_assert_eq!(y, filled(into, channels));
        }
    }

    #[test]
    fn a_ring_takes_the_rows_it_is_given() {
        let image = form(1, 1, 0);
        let ring = Ring { kept: 2, ..image.ring };
        let copy = Relayout {
            from: image.ring,
            from_lanes: 1,
            into: ring,
            into_lanes: 1,
            width: 5,
            channels: 1,
        };
        let mut y = [0.0; 10];
        copy.run(1..3, &filled(image, 1), &mut y);
        assert_eq!(y, [2001., 2101., 2201., 2301., 2401., 1001., 1101., 1201., 1301., 1401.]);
    }
}
