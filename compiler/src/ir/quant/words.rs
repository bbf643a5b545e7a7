//! Operators on integers of 16 bits beside weights of bytes, as TensorFlow Lite's reference kernels compute them.
//!
//! ```text
//! a convolution, a dense layer   steps = (sum * m' + 2^(14-e)) >> (15-e)          sums of 64 bits, m' the upper 15 bits of m
//! an addition                    sum = scaled(a * 2^15, a.scale / t) + the same of b; steps = scaled(sum, t / (2^15 * y.scale))
//! a product, a function          steps = scaled(a * b, f), rounded twice
//! an average of n                (s +- n / 2) / n, halves away from zero
//! a real                         the nearest integer, halves away from zero
//! ```
//! Factors are those of [`tflite`](super::tflite). Integers are floats of the same values, which f32 holds exactly; zero points
//! are 0. Images lie as the file has them, `[n,h,w,c]`. Absent: speed; the runtime computes them by plain loops too.

use crate::error::Error;
use crate::ir::op::definition::{Definition, PortSpec, Ports, first, second};
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Constants, Layouts, Streams, Traits};
use crate::ir::quant::tflite::Twice;
use crate::ir::{Dtype, Values};

/// Bytes of the numbers of a channel: bias of 64 bits, mantissa and exponent of 32.
pub const CHANNEL: usize = 16;
/// Bits by which the operands of a sum are moved up.
const LIFT: u32 = 15;

/// An operator on integers of 16 bits.
#[derive(Clone, Debug, PartialEq)]
pub enum Words {
    /// A convolution: x `[n,h,w,c]`, constant weights `[m,kh,kw,c/group]` as bytes that are 128 more, and for each channel
    /// [`CHANNEL`] constant bytes, `[m,16]`.
    Conv(WordConv),
    /// The sum of two operands of one shape: a, b. The factors of both, and of their sum.
    Add([Twice; 3], Span),
    /// The product of two operands of one shape: a, b.
    Mul(Twice, Span),
    /// A factor from 0 on and one below, of integers without a zero point: x.
    Scale(WordScale),
    /// Means of windows: x `[n,h,w,c]`.
    Average(WordAverage),
    /// The nearest integer to reals over a scale: x.
    Quantize(f32),
}

/// Least and greatest results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The least.
    pub lo: i32,
    /// The greatest.
    pub hi: i32,
}

/// Attributes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordConv {
    /// Rows and columns of the result.
    pub into: [usize; 2],
    /// Rows and columns from one window to the next.
    pub stride: [usize; 2],
    /// Rows and columns from one tap to the next.
    pub dilation: [usize; 2],
    /// Zeros above and left.
    pub pads: [usize; 2],
    /// Groups of channels.
    pub group: usize,
    /// Bounds of the result.
    pub span: Span,
}

/// Attributes of a function of each integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordScale {
    /// The factor from 0 on.
    pub up: Twice,
    /// The factor below 0.
    pub down: Twice,
    /// The zero points of operand and result.
    pub zeros: [i32; 2],
    /// Bounds of the result.
    pub span: Span,
}

/// Attributes of an average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordAverage {
    /// Rows and columns of the result.
    pub into: [usize; 2],
    /// Rows and columns of a window.
    pub kernel: [usize; 2],
    /// Rows and columns from one window to the next.
    pub stride: [usize; 2],
    /// Rows and columns outside, above and left.
    pub pads: [usize; 2],
    /// Bounds of the result.
    pub span: Span,
}

impl Span {
    /// All integers of 16 bits.
    pub const ALL: Self = Self { lo: -32768, hi: 32767 };

    fn hold(self, x: i64) -> f32 {
        x.clamp(self.lo.into(), self.hi.into()) as f32
    }
}

impl Definition for Words {
    fn name(&self) -> &'static str {
        match self {
            Self::Conv(_) => "word_conv",
            Self::Add(..) => "word_add",
            Self::Mul(..) => "word_mul",
            Self::Scale(_) => "word_scale",
            Self::Average(_) => "word_average",
            Self::Quantize(_) => "word_quantize",
        }
    }

    fn ports(&self) -> Ports {
        const CONV: Ports = Ports::all(&[
            PortSpec::of("x", Dtype::F32),
            PortSpec::constant("w", Dtype::U8),
            PortSpec::constant("channels", Dtype::U8),
        ]);
        const PAIR: Ports =
            Ports::all(&[PortSpec::of("a", Dtype::F32), PortSpec::of("b", Dtype::F32)]);
        match self {
            Self::Conv(_) => CONV,
            Self::Add(..) | Self::Mul(..) => PAIR,
            Self::Scale(_) | Self::Average(_) | Self::Quantize(_) => Ports::FLOATS,
        }
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(Dtype::F32)
    }

    fn traits(&self) -> Traits {
        let traits = Traits::new(Layouts::Rows, Streams::No);
        let constants = Constants { ports: 1..3, what: "weights or numbers of channels" };
        match self {
            Self::Conv(_) => Traits { constants: Some(constants), ..traits },
            _ => traits,
        }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let x = first(operands, self.name())?;
        match self {
            Self::Conv(conv) => conv.shape(x, operands).map(Some),
            Self::Average(average) => match x {
                [n, _, _, c] => Ok(Some(vec![*n, average.into[0], average.into[1], *c])),
                _ => Err(format!("reads {x:?}; an image [n,h,w,c] belongs there")),
            },
            Self::Add(..) | Self::Mul(..) => {
                let b = second(operands, "reads one operand of two")?;
                let fits = x == b;
                fits.then(|| Some(x.to_vec())).ok_or_else(|| format!("reads {x:?} and {b:?}"))
            }
            Self::Scale(_) | Self::Quantize(_) => Ok(Some(x.to_vec())),
        }
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let x = reads.floats(0)?;
        let numbers = match self {
            Self::Conv(conv) => {
                let (w, channels) = (reads.bytes(1)?, reads.bytes(2)?);
                conv.convolved(x, w.shape, w.values, channels.values)
            }
            Self::Add([a, b, whole], span) => pairs(x, reads.floats(1)?, |of_a, of_b| {
                let [of_a, of_b] = [of_a, of_b].map(|x| (x as i32).wrapping_shl(LIFT));
                let sum = a.scaled(of_a).wrapping_add(b.scaled(of_b));
                span.hold(whole.scaled(sum).into())
            }),
            Self::Mul(factor, span) => {
                pairs(x, reads.floats(1)?, |a, b| span.hold(factor.scaled((a * b) as i32).into()))
            }
            Self::Scale(scale) => x.values.iter().map(|x| scale.of(*x)).collect(),
            Self::Average(average) => average.averaged(x),
            Self::Quantize(scale) => {
                let steps = x.values.iter().map(|x| (x / scale).round());
                steps.map(|steps| steps.clamp(-32768.0, 32767.0)).collect()
            }
        };
        Ok(Values::F32(numbers))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        false
    }

    fn attributes(&self) -> String {
        match self {
            Self::Conv(conv) => {
                let WordConv { stride, dilation, pads, group, .. } = conv;
                format!(" s{stride:?} d{dilation:?} p{pads:?} group {group}")
            }
            Self::Average(average) => format!(" k{:?} s{:?}", average.kernel, average.stride),
            Self::Quantize(scale) => format!(" {scale}"),
            Self::Add(..) | Self::Mul(..) | Self::Scale(_) => String::new(),
        }
    }

    fn madds(&self, operands: &[&[usize]]) -> usize {
        match (self, operands) {
            (Self::Conv(_), [_, [_, window @ ..], ..]) => window.iter().product(),
            _ => 0,
        }
    }

    fn work(&self, operands: &[&[usize]]) -> usize {
        match self {
            Self::Average(average) => average.kernel.iter().product(),
            _ => self.madds(operands).max(1),
        }
    }
}

impl WordConv {
    fn shape(&self, x: &[usize], operands: &[&[usize]]) -> Result<Vec<usize>, String> {
        let (w, channels) = (operands.get(1), operands.get(2));
        match (x, w, channels) {
            ([n, _, _, c], Some([m, kh, kw, each]), Some([numbered, CHANNEL]))
                if each * self.group == *c
                    && m == numbered
                    && m.is_multiple_of(self.group.max(1))
                    && kh * kw > 0 =>
            {
                Ok(vec![*n, self.into[0], self.into[1], *m])
            }
            _ => Err(format!("reads {x:?} by weights {w:?} and numbers {channels:?}")),
        }
    }

    /// The results by weights of a shape, which are 128 more than they are.
    fn convolved(&self, x: Floats<'_>, w: &[usize], weights: &[u8], channels: &[u8]) -> Vec<f32> {
        let ([n, h, width, c], [m, kh, kw, each]) = (dims(x.shape), dims(w));
        let (of_group, [rows, columns]) = (m / self.group, self.into);
        let mut results = Vec::with_capacity(n * rows * columns * m);
        for at in 0..n * rows * columns * m {
            let (channel, column) = (at % m, at / m % columns);
            let (row, image) = (at / m / columns % rows, at / m / columns / rows);
            let first = channel / of_group * each;
            let mut sum = bias(channels, channel);
            for tap in 0..kh * kw {
                let y = (row * self.stride[0] + tap / kw * self.dilation[0])
                    .checked_sub(self.pads[0])
                    .filter(|y| *y < h);
                let x_at = (column * self.stride[1] + tap % kw * self.dilation[1])
                    .checked_sub(self.pads[1])
                    .filter(|x| *x < width);
                let (Some(y), Some(x_at)) = (y, x_at) else { continue };
                let pixel = ((image * h + y) * width + x_at) * c + first;
                for i in 0..each {
                    let weight = weights[(channel * kh * kw + tap) * each + i];
                    sum += x.values[pixel + i] as i64 * (i64::from(weight) - 128);
                }
            }
            results.push(self.span.hold(once(sum, factor(channels, channel)).into()));
        }
        results
    }
}

impl WordScale {
    /// The result for an integer.
    fn of(&self, x: f32) -> f32 {
        let x = x as i32 - self.zeros[0];
        let factor = if x < 0 { self.down } else { self.up };
        self.span.hold(i64::from(factor.scaled(x)) + i64::from(self.zeros[1]))
    }
}

impl WordAverage {
    fn averaged(&self, x: Floats<'_>) -> Vec<f32> {
        let ([n, h, w, c], [rows, columns]) = (dims(x.shape), self.into);
        let mut means = Vec::with_capacity(n * rows * columns * c);
        for at in 0..n * rows * columns * c {
            let (channel, column) = (at % c, at / c % columns);
            let (row, image) = (at / c / columns % rows, at / c / columns / rows);
            let (mut sum, mut count) = (0_i64, 0_i64);
            for tap in 0..self.kernel[0] * self.kernel[1] {
                let y = (row * self.stride[0] + tap / self.kernel[1]).checked_sub(self.pads[0]);
                let x_at =
                    (column * self.stride[1] + tap % self.kernel[1]).checked_sub(self.pads[1]);
                if let (Some(y), Some(x_at)) = (y.filter(|y| *y < h), x_at.filter(|x_at| *x_at < w))
                {
                    sum += x.values[((image * h + y) * w + x_at) * c + channel] as i64;
                    count += 1;
                }
            }
            let half = if sum > 0 { count / 2 } else { -(count / 2) };
            means.push(self.span.hold((sum + half).checked_div(count).unwrap_or(0)));
        }
        means
    }
}

/// The four dimensions of an image or of weights.
fn dims(shape: &[usize]) -> [usize; 4] {
    shape.try_into().expect("a verified operator reads images and weights of them")
}

/// A function of each two elements.
fn pairs(a: Floats<'_>, b: Floats<'_>, of: impl Fn(i64, i64) -> f32) -> Vec<f32> {
    a.values.iter().zip(b.values).map(|(a, b)| of(*a as i64, *b as i64)).collect()
}

/// `sum` times a factor of which the upper 15 bits are taken, rounded once, halves up.
fn once(sum: i64, factor: Twice) -> i32 {
    let mantissa = i64::from(factor.mantissa);
    let short = if mantissa < 0x7fff_0000 { (mantissa + 0x8000) / 0x1_0000 } else { 0x7fff };
    let by = 15 - factor.exponent.min(14);
    ((sum.wrapping_mul(short).wrapping_add(1 << (by - 1))) >> by) as i32
}

/// The bias of a channel.
fn bias(channels: &[u8], channel: usize) -> i64 {
    let bytes = &channels[channel * CHANNEL..][..8];
    i64::from_le_bytes(bytes.try_into().expect("there are eight"))
}

/// The factor of a channel.
fn factor(channels: &[u8], channel: usize) -> Twice {
    let word = |at: usize| {
        let bytes = &channels[channel * CHANNEL + at..][..4];
        i32::from_le_bytes(bytes.try_into().expect("there are four"))
    };
    Twice { mantissa: word(8) as u32, exponent: word(12) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_rounded_once_by_fifteen_bits() {
        let half = Twice { mantissa: 1 << 30, exponent: 0 };
        assert_eq!([3, -3, 1 << 40].map(|sum| once(sum, half)), [2, -1, 0]);
        let most = Twice { mantissa: (1 << 31) - 1, exponent: 0 };
        assert_eq!(once(1 << 15, most), 0x7fff);
    }

    #[test]
    fn a_convolution_has_the_shape_of_its_weights() {
        let conv = WordConv {
            into: [2, 3],
            stride: [1, 1],
            dilation: [1, 1],
            pads: [0, 0],
            group: 2,
            span: Span::ALL,
        };
        let of = |w: &[usize]| Words::Conv(conv).shape(&[&[1, 4, 4, 6], w, &[8, 16]]);
        assert_eq!(of(&[8, 3, 2, 3]), Ok(Some(vec![1, 2, 3, 8])));
        assert!(of(&[8, 3, 2, 6]).is_err() && of(&[7, 3, 2, 3]).is_err());
    }
}
