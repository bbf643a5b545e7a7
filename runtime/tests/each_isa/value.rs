//! Values in memory for the tests, and the plain loops that say what a convolution is.

use mnv2c_runtime::activation::Activation;
use mnv2c_runtime::brain::Brain;
use mnv2c_runtime::half::Half;
use mnv2c_runtime::ring::Ring;
use std::ops::Range;

/// The layout of a value in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// NHWC with so many unused lanes after each pixel.
    Pixels(usize),
    /// Chunks of as many channels as a vector has lanes.
    Chunks,
    /// A plane for each channel.
    Planes,
}

/// A small image of whole numbers and where it lies.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) ring: Ring,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pad: Pad,
    lanes: usize,
    len: usize,
    numbers: Vec<f32>,
}

/// Stored zero rows and columns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pad {
    pub(crate) top: usize,
    pub(crate) left: usize,
    pub(crate) bottom: usize,
    pub(crate) right: usize,
}

impl Value {
    /// A random image; `kept` slots, or all rows where it is 0.
    pub(crate) fn new(form: Form, lanes: usize, shape: [usize; 3], pad: Pad, kept: usize) -> Self {
        const GUARD: usize = 19;
        let [height, width, channels] = shape;
        let all = pad.top + height + pad.bottom;
        let kept = if kept == 0 { all } else { kept };
        let columns = pad.left + width + pad.right;
        let (pixel, chunks) = match form {
            Form::Pixels(spare) => (channels + spare, 1),
            Form::Chunks => (lanes, channels.div_ceil(lanes)),
            Form::Planes => (1, channels),
        };
        let row = columns * pixel;
        let chunk = if let Form::Pixels(_) = form { lanes } else { kept * row + 3 };
        let ring = Ring { base: GUARD + pad.left * pixel, kept, top: pad.top, row, pixel, chunk };
        Value {
            ring,
            height,
            width,
            channels,
            pad,
            lanes: if form == Form::Planes { 1 } else { lanes },
            len: GUARD + chunks * (kept * row + 3) + GUARD,
            numbers: random(height * width * channels),
        }
    }

    /// The number at an image row, column and channel; zero outside the image.
    pub(crate) fn at(&self, row: isize, column: isize, channel: usize) -> f32 {
        let inside = |at: isize, size: usize| usize::try_from(at).ok().filter(|at| *at < size);
        let (Some(row), Some(column)) = (inside(row, self.height), inside(column, self.width))
        else {
            return 0.0;
        };
        self.numbers[(row * self.width + column) * self.channels + channel]
    }

    /// Memory with these image rows and their padding, NaN elsewhere.
    pub(crate) fn memory(&self, rows: impl Iterator<Item = isize>) -> Vec<f32> {
        let mut memory = vec![f32::NAN; self.len];
        for row in rows {
            for column in -(self.pad.left as isize)..(self.width + self.pad.right) as isize {
                for channel in 0..self.channels {
                    let number = self.at(row, column, channel);
                    memory[self.offset(row, column, channel)] = number;
                }
            }
        }
        memory
    }

    /// All rows that are stored at once.
    pub(crate) fn all(&self) -> impl Iterator<Item = isize> {
        -(self.pad.top as isize)..(self.height + self.pad.bottom) as isize
    }

    /// The position of a number.
    pub(crate) fn offset(&self, row: isize, column: isize, channel: usize) -> usize {
        let row = usize::try_from(row + self.pad.top as isize).expect("rows are stored");
        let slot = self.ring.slot(row) as isize + column * self.ring.pixel as isize;
        let lane = channel / self.lanes * self.ring.chunk + channel % self.lanes;
        usize::try_from(slot).expect("columns are stored") + lane
    }
}

/// A convolution with its weights, `[c_out][c_in / groups][rows][columns]`.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) dilation: [usize; 2],
    pub(crate) pad: [usize; 2],
    pub(crate) groups: usize,
    pub(crate) c_in: usize,
    pub(crate) c_out: usize,
    pub(crate) activation: Activation,
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl Filter {
    /// A 1x1 convolution.
    pub(crate) fn pointwise(c_in: usize, c_out: usize, activation: Activation) -> Self {
        Filter::new([1, 1], [1, 1], [1, 1], [0, 0], [1, c_in, c_out], activation)
    }

    /// Random weights for a kernel, stride, dilation, pad and `[groups, c_in, c_out]`.
    pub(crate) fn new(
        kernel: [usize; 2],
        stride: [usize; 2],
        dilation: [usize; 2],
        pad: [usize; 2],
        [groups, c_in, c_out]: [usize; 3],
        activation: Activation,
    ) -> Self {
        let weights = random(c_out * c_in / groups * kernel[0] * kernel[1]);
        let bias = random(c_out);
        Filter { kernel, stride, dilation, pad, groups, c_in, c_out, activation, weights, bias }
    }

    /// Rows, columns of input that an output of `[rows, columns]` reads, from the first padding on.
    pub(crate) fn extent(&self, out: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|i| (out[i] - 1) * self.stride[i] + (self.kernel[i] - 1) * self.dilation[i] + 1)
    }

    /// Zeros beside an image of `[rows, columns]` so that the output has a shape; `above` more rows than needed.
    pub(crate) fn padding(&self, image: [usize; 2], out: [usize; 2], above: usize) -> Pad {
        let [rows, columns] = self.extent(out);
        let [top, left] = self.pad;
        Pad {
            top: top + above,
            left,
            bottom: rows.saturating_sub(top + image[0]),
            right: columns.saturating_sub(left + image[1]),
        }
    }

    /// Image rows that an output row reads.
    pub(crate) fn rows(&self, row: usize) -> impl Iterator<Item = isize> {
        (0..self.kernel[0]).map(move |ky| {
            (row * self.stride[0] + ky * self.dilation[0]) as isize - self.pad[0] as isize
        })
    }

    /// The answer, by definition.
    pub(crate) fn answer(&self, x: &Value, added: f32, row: usize, column: usize, c: usize) -> f32 {
        let depth = self.c_in / self.groups;
        let first = c / (self.c_out / self.groups) * depth;
        let mut sum = self.bias[c] + added;
        for (ky, row) in self.rows(row).enumerate() {
            for kx in 0..self.kernel[1] {
                let left = column * self.stride[1] + kx * self.dilation[1];
                for k in 0..depth {
                    let number = x.at(row, left as isize - self.pad[1] as isize, first + k);
                    sum += number * self.weight(c, k, ky, kx);
                }
            }
        }
        self.activation.apply(sum)
    }

    /// Panels of `columns` output channels for `Pointwise` and `Conv`.
    pub(crate) fn panels(&self, columns: usize, form: Form) -> Vec<f32> {
        let (depth, per_group) = (self.c_in / self.groups, self.c_out / self.groups);
        let mut packed = Vec::new();
        for first in (0..self.c_out).step_by(per_group) {
            for panel in (0..per_group).step_by(columns) {
                let channels = first + panel..first + per_group.min(panel + columns);
                pad_to(columns, &mut packed, channels.clone().map(|c| self.bias[c]));
                for [ky, kx, k] in order(self.kernel, depth, form) {
                    let row = channels.clone().map(|c| self.weight(c, k, ky, kx));
                    pad_to(columns, &mut packed, row);
                }
            }
        }
        packed
    }

    /// Vectors of `lanes` channels for the depthwise kernels.
    pub(crate) fn vectors(&self, lanes: usize) -> Vec<f32> {
        let mut packed = Vec::new();
        for first in (0..self.c_out).step_by(lanes) {
            let channels = first..self.c_out.min(first + lanes);
            pad_to(lanes, &mut packed, channels.clone().map(|c| self.bias[c]));
            for [ky, kx, _] in order(self.kernel, 1, Form::Chunks) {
                let row = channels.clone().map(|c| self.weight(c, 0, ky, kx));
                pad_to(lanes, &mut packed, row);
            }
        }
        packed
    }

    fn weight(&self, c: usize, k: usize, ky: usize, kx: usize) -> f32 {
        let [rows, columns] = self.kernel;
        let depth = self.c_in / self.groups;
        self.weights[((c * depth + k) * rows + ky) * columns + kx]
    }
}

/// `[ky, kx, k]` in the order of the kernels' loops.
fn order([rows, columns]: [usize; 2], depth: usize, form: Form) -> Vec<[usize; 3]> {
    let all = move |ky: usize| {
        let inner = if form == Form::Planes { columns } else { depth };
        (0..columns * depth).map(move |at| match form {
            Form::Planes => [ky, at % inner, at / inner],
            Form::Pixels(_) | Form::Chunks => [ky, at / inner, at % inner],
        })
    };
    (0..rows).flat_map(all).collect()
}

fn pad_to(len: usize, packed: &mut Vec<f32>, row: impl Iterator<Item = f32>) {
    let end = packed.len() + len;
    packed.extend(row);
    packed.resize(end, 0.0);
}

/// Whole numbers from -3 to 3.
fn random(len: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_u32 ^ len as u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) % 7) as f32 - 3.0
    };
    (0..len).map(|_| next()).collect()
}

/// Panics unless memory holds the answers at some rows, pixels and channels of a value, and elsewhere what it held.
pub(crate) fn check(
    y: &Value,
    [before, after]: [&[f32]; 2],
    [rows, pixels, channels]: [Range<usize>; 3],
    answer: impl Fn(usize, usize, usize) -> f32,
) {
    let mut expected = before.to_vec();
    for row in rows {
        for pixel in pixels.clone() {
            for channel in channels.clone() {
                expected[y.offset(row as isize, pixel as isize, channel)] =
                    answer(row, pixel, channel);
            }
        }
    }
    for (at, (expected, found)) in expected.iter().zip(after).enumerate() {
        // Fractions, which functions make of whole numbers, are rounded where they are stored in 16 bits.
        let stored = [*expected, Half::of(*expected).real(), Brain::of(*expected).real()];
        let same = stored.contains(found) || expected.to_bits() == found.to_bits();
        assert!(same, "at {at}: expected {expected}, found {found} in {:?}", y.ring);
    }
}
