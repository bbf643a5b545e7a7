//! Bytes in memory for the tests, and the plain loops that say what a convolution of bytes is.

use mnv2c_runtime::affine::{Arithmetic, Factor, Levels};
use mnv2c_runtime::isa::Isa;
use mnv2c_runtime::ring::Ring;
use mnv2c_runtime::simd::quads::quad;
use std::ops::Range;

/// What lies around values.
const GUARD: u8 = 0xa5;
/// Bytes before and after a value.
const AROUND: usize = 19;

/// How a value lies in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    Nhwc,
    Chunks,
}

/// A small random image and where it lies, with padding that holds its byte of zero.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) ring: Ring,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// Rows above, columns left, rows below, columns right.
    pad: [usize; 4],
    lanes: usize,
    len: usize,
    zero: u8,
    numbers: Vec<u8>,
}

impl Value {
    pub(crate) fn new(
        form: Form,
        lanes: usize,
        [height, width, channels]: [usize; 3],
        pad: [usize; 4],
        zero: u8,
    ) -> Self {
        let [top, left, bottom, right] = pad;
        let (kept, columns) = (top + height + bottom, left + width + right);
        let (pixel, chunks) = match form {
            Form::Nhwc => (channels, 1),
            Form::Chunks => (lanes, channels.div_ceil(lanes)),
        };
        let row = columns * pixel;
        let chunk = if form == Form::Nhwc { lanes } else { kept * row + 3 };
        let ring = Ring { base: AROUND + left * pixel, kept, top, row, pixel, chunk };
        let len = AROUND + chunks * (kept * row + 3) + AROUND;
        let numbers = random(height * width * channels);
        Value { ring, height, width, channels, pad, lanes, len, zero, numbers }
    }

    /// The byte at an image row, column and channel.
    pub(crate) fn at(&self, [row, column, channel]: [usize; 3]) -> u8 {
        self.numbers[(row * self.width + column) * self.channels + channel]
    }

    /// The byte at a place that may lie in the padding.
    fn around(&self, row: isize, column: isize, channel: usize) -> u8 {
        let inside = |at: isize, size: usize| usize::try_from(at).ok().filter(|at| *at < size);
        match (inside(row, self.height), inside(column, self.width)) {
            (Some(row), Some(column)) => self.at([row, column, channel]),
            _ => self.zero,
        }
    }

    /// Memory with the image and its padding, a guard elsewhere.
    pub(crate) fn memory(&self) -> Vec<u8> {
        let mut memory = self.guard();
        let [top, left, bottom, right] = self.pad.map(|pad| pad as isize);
        for row in -top..self.height as isize + bottom {
            for column in -left..self.width as isize + right {
                for channel in 0..self.channels {
                    memory[self.offset(row, column, channel)] = self.around(row, column, channel);
                }
            }
        }
        memory
    }

    /// Memory with nothing in it.
    pub(crate) fn guard(&self) -> Vec<u8> {
        vec![GUARD; self.len]
    }

    /// Panics unless `after` holds the answers at some rows and pixels, and elsewhere what `before` holds.
    pub(crate) fn check(
        &self,
        after: &[u8],
        before: &[u8],
        rows: Range<usize>,
        pixels: Range<usize>,
        answer: impl Fn([usize; 3]) -> u8,
    ) {
        let mut expected = before.to_vec();
        for row in rows {
            for pixel in pixels.clone() {
                for channel in 0..self.channels {
                    let at = self.offset(row as isize, pixel as isize, channel);
                    expected[at] = answer([row, pixel, channel]);
                }
            }
        }
        let wrong = expected.iter().zip(after).position(|(expected, found)| expected != found);
        if let Some(at) = wrong {
            panic!("at {at}: expected {}, found {} in {:?}", expected[at], after[at], self.ring);
        }
    }

    fn offset(&self, row: isize, column: isize, channel: usize) -> usize {
        let row = usize::try_from(row + self.pad[0] as isize).expect("rows are stored");
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
    pub(crate) levels: Levels,
    pub(crate) x_zero: u8,
    weights: Vec<i8>,
    bias: Vec<i32>,
    factors: Vec<f32>,
}

impl Filter {
    pub(crate) fn new(
        kernel: [usize; 2],
        stride: [usize; 2],
        dilation: [usize; 2],
        pad: [usize; 2],
        [groups, c_in, c_out]: [usize; 3],
        levels: Levels,
    ) -> Self {
        let depth = c_in / groups * kernel[0] * kernel[1];
        let weights = random(c_out * depth).into_iter().map(u8::cast_signed).collect();
        let bias = random(c_out).iter().map(|x| (i32::from(*x) - 128) * 70).collect();
        let factors =
            random(c_out).into_iter().map(|x| f32::from(x) / (300.0 * depth as f32).sqrt() / 900.0);
        let (x_zero, factors) = (137, factors.collect());
        Filter {
            kernel,
            stride,
            dilation,
            pad,
            groups,
            c_in,
            c_out,
            levels,
            x_zero,
            weights,
            bias,
            factors,
        }
    }

    /// An image with the padding that an output of a shape needs.
    pub(crate) fn image(
        &self,
        form: Form,
        lanes: usize,
        size: [usize; 2],
        out: [usize; 2],
    ) -> Value {
        let [down, across] = [0, 1].map(|i| {
            let extent =
                (out[i] - 1) * self.stride[i] + (self.kernel[i] - 1) * self.dilation[i] + 1;
            extent.saturating_sub(self.pad[i] + size[i])
        });
        let [top, left] = self.pad;
        let shape = [size[0], size[1], self.c_in];
        Value::new(form, lanes, shape, [top, left, down, across], self.x_zero)
    }

    /// The answer, by definition.
    pub(crate) fn byte(&self, x: &Value, [row, column, c]: [usize; 3]) -> u8 {
        let depth = self.c_in / self.groups;
        let first = c / (self.c_out / self.groups) * depth;
        let mut sum = self.bias[c];
        for ky in 0..self.kernel[0] {
            for kx in 0..self.kernel[1] {
                let row = (row * self.stride[0] + ky * self.dilation[0]) as isize;
                let column = (column * self.stride[1] + kx * self.dilation[1]) as isize;
                for k in 0..depth {
                    let (row, column) = (row - self.pad[0] as isize, column - self.pad[1] as isize);
                    let x = i32::from(x.around(row, column, first + k)) - i32::from(self.x_zero);
                    sum += x * i32::from(self.weight(c, k, ky, kx));
                }
            }
        }
        self.levels.of_sum(sum, factor(self.levels, self.factors[c]))
    }

    /// Lengths of the runs of inputs of one window row, for NHWC rows.
    pub(crate) fn runs(&self) -> Vec<usize> {
        let depth = self.c_in / self.groups;
        if self.groups == 1 && self.dilation[1] == 1 {
            vec![self.kernel[1] * depth]
        } else {
            vec![depth; self.kernel[1]]
        }
    }

    /// The same for a 1x1 window over chunks of `lanes` channels.
    pub(crate) fn chunked(&self, lanes: usize) -> Vec<usize> {
        let whole = vec![lanes; self.c_in / lanes];
        whole.into_iter().chain([self.c_in % lanes]).filter(|run| *run > 0).collect()
    }

    /// Panels of `columns` output channels for `Pointwise` and `Conv` of bytes.
    pub(crate) fn panels(&self, isa: Isa, lanes: usize, columns: usize, runs: &[usize]) -> Vec<u8> {
        let (depth, per_group) = (self.c_in / self.groups, self.c_out / self.groups);
        let mut packed = Vec::new();
        for first in (0..self.c_out).step_by(per_group) {
            for panel in (0..per_group).step_by(columns) {
                let channel =
                    |column| (panel + column < per_group).then_some(first + panel + column);
                self.put_factors(&mut packed, isa, (0..columns).map(channel));
                for ky in 0..self.kernel[0] {
                    let mut before = 0;
                    for run in runs {
                        for at in 0..run.div_ceil(4) {
                            for v in (0..columns).step_by(lanes) {
                                put_quad(&mut packed, isa, lanes, |lane, i| {
                                    let c = channel(v + lane)?;
                                    let at = before + quad(*run, at)[i]?;
                                    Some(self.weight(c, at % depth, ky, at / depth))
                                });
                            }
                        }
                        before += run;
                    }
                }
            }
        }
        packed
    }

    /// Vectors of `lanes` channels for the depthwise kernels.
    pub(crate) fn vectors(&self, isa: Isa, lanes: usize) -> Vec<u8> {
        let mut packed = Vec::new();
        for first in (0..self.c_out).step_by(lanes) {
            let channel = |lane| (first + lane < self.c_out).then_some(first + lane);
            self.put_factors(&mut packed, isa, (0..lanes).map(channel));
            for group in 0..self.kernel[0].div_ceil(4) {
                for kx in 0..self.kernel[1] {
                    put_quad(&mut packed, isa, lanes, |lane, i| {
                        let ky = 4 * group + i;
                        let c = channel(lane).filter(|_| ky < self.kernel[0])?;
                        Some(self.weight(c, 0, ky, kx))
                    });
                }
            }
        }
        packed
    }

    /// Biases, less what the byte of zero adds to each sum, and multipliers.
    fn put_factors(
        &self,
        packed: &mut Vec<u8>,
        isa: Isa,
        channels: impl Iterator<Item = Option<usize>> + Clone,
    ) {
        let depth = self.weights.len() / self.c_out;
        let zero = i32::from(self.x_zero) - i32::from(isa.lift());
        let bias = |c: usize| {
            let weights = self.weights[c * depth..][..depth].iter().map(|w| i32::from(*w));
            self.bias[c] - zero * weights.sum::<i32>()
        };
        let biases = channels.clone().map(|c| c.map_or(0, bias));
        packed.extend(biases.flat_map(i32::to_le_bytes));
        let factors = channels.map(|c| factor(self.levels, c.map_or(0.0, |c| self.factors[c])));
        packed.extend(factors.clone().flat_map(|factor| factor.0.to_le_bytes()));
        if matches!(self.levels.arithmetic, Arithmetic::Twice | Arithmetic::Once) {
            packed.extend(factors.flat_map(|factor| factor.1.to_le_bytes()));
        }
    }

    fn weight(&self, c: usize, k: usize, ky: usize, kx: usize) -> i8 {
        let [rows, columns] = self.kernel;
        let depth = self.c_in / self.groups;
        self.weights[((c * depth + k) * rows + ky) * columns + kx]
    }
}

/// `factor` as `levels` wants it.
pub(crate) fn factor(levels: Levels, factor: f32) -> Factor {
    match levels.arithmetic {
        Arithmetic::Float => Factor::float(factor),
        Arithmetic::Fixed if factor == 0.0 => Factor::fixed(0, 60),
        Arithmetic::Fixed => {
            let bits = factor.to_bits();
            Factor::fixed(bits & 0x7f_ffff | 0x80_0000, 150 - (bits >> 23))
        }
        Arithmetic::Twice | Arithmetic::Once if factor == 0.0 => Factor::twice(0, 0),
        Arithmetic::Twice | Arithmetic::Once => {
            // Odd, as a factor of two floats is.
            let bits = factor.to_bits();
            let mantissa = (bits & 0x7f_ffff | 0x80_0000) << 7 | 1;
            Factor::twice(mantissa, (bits >> 23).cast_signed() - 126)
        }
    }
}

fn put_quad(
    packed: &mut Vec<u8>,
    isa: Isa,
    lanes: usize,
    weight: impl Fn(usize, usize) -> Option<i8>,
) {
    let (quads, start) = (isa.quads(), packed.len());
    packed.resize(start + quads.len(lanes), 0);
    for lane in 0..lanes {
        for at in 0..4 {
            let weight = weight(lane, at).unwrap_or(0);
            quads.put(&mut packed[start..], lanes, lane, at, weight);
        }
    }
}

/// Any bytes, the same each time.
pub(crate) fn random(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32 ^ len as u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 21) as u8
    };
    (0..len).map(|_| next()).collect()
}
