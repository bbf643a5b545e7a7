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

mod conv;
mod lstm;

pub use conv::WordConv;
pub use lstm::WordLstm;

use crate::error::Error;
use crate::ir::op::definition::{Definition, PortSpec, Ports, first, second};
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Constants, Layouts, Streams, Traits};
use crate::ir::quant::tflite::Twice;
use crate::ir::quant::tflite::softmax::steps;
use crate::ir::{Dtype, Values};

/// Bytes of the numbers of a channel: bias of 64 bits, mantissa and exponent of 32.
pub const CHANNEL: usize = 16;
/// Bits by which the operands of a sum are moved up.
const LIFT: u32 = 15;

/// An operator on integers of 16 bits.
#[derive(Clone, Debug, PartialEq)]
pub enum Words {
    /// A convolution: x `[n,h,w,c]`, constant weights `[m,kh,kw,c/group]` as bytes that are 128 more, and for each channel
    /// [`CHANNEL`] constant bytes, `[m,16]`. Weights of 16 bits are `[m,kh,kw,2*c/group]` bytes.
    Conv(WordConv),
    /// The sum of two operands of one shape: a, b. The factors of both, and of their sum.
    Add([Twice; 3], Span),
    /// The difference of two operands of one shape: a, b. Factors as of a sum.
    Sub([Twice; 3], Span),
    /// The product of two operands of one shape: a, b.
    Mul(Twice, Span),
    /// A factor from 0 on and one below, of integers without a zero point: x.
    Scale(WordScale),
    /// Means of windows: x `[n,h,w,c]`.
    Average(WordAverage),
    /// The nearest integer to reals over a scale: x.
    Quantize(f32),
    /// Softmax along the last dimension of signed bytes: x, and 256 constant powers of 4 bytes each. The result has 2^16 steps
    /// in one, from -32,768 on.
    Softmax,
    /// Steps of a sequence through cells of LSTM: x `[t,k]`, the last output and the cells `[2*h]`, and constant bytes for
    /// each gate, `[4*h,k+h+32]`; it makes the outputs of all steps and then the cells, `[t*h+h]`.
    Lstm(WordLstm),
}

/// Least and greatest results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The least.
    pub lo: i32,
    /// The greatest.
    pub hi: i32,
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
            Self::Sub(..) => "word_sub",
            Self::Mul(..) => "word_mul",
            Self::Scale(_) => "word_scale",
            Self::Average(_) => "word_average",
            Self::Quantize(_) => "word_quantize",
            Self::Softmax => "word_softmax",
            Self::Lstm(_) => "word_lstm",
        }
    }

    fn ports(&self) -> Ports {
        const CONV: Ports = Ports::all(&[
            PortSpec::of("x", Dtype::F32),
            PortSpec::constant("w", Dtype::U8),
            PortSpec::constant("channels", Dtype::U8),
        ]);
        const LSTM: Ports = Ports::all(&[
            PortSpec::of("x", Dtype::F32),
            PortSpec::of("state", Dtype::F32),
            PortSpec::constant("gates", Dtype::U8),
        ]);
        const SOFTMAX: Ports =
            Ports::all(&[PortSpec::of("x", Dtype::F32), PortSpec::constant("powers", Dtype::U8)]);
        const PAIR: Ports =
            Ports::all(&[PortSpec::of("a", Dtype::F32), PortSpec::of("b", Dtype::F32)]);
        match self {
            Self::Conv(_) => CONV,
            Self::Softmax => SOFTMAX,
            Self::Lstm(_) => LSTM,
            Self::Add(..) | Self::Sub(..) | Self::Mul(..) => PAIR,
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
            Self::Softmax => {
                let constants = Constants { ports: 1..2, what: "powers" };
                Traits { constants: Some(constants), ..traits }
            }
            Self::Lstm(_) => {
                let constants = Constants { ports: 2..3, what: "weights of gates" };
                Traits { constants: Some(constants), ..traits }
            }
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
            Self::Lstm(lstm) => lstm.shape(operands).map(Some),
            Self::Add(..) | Self::Sub(..) | Self::Mul(..) => {
                let b = second(operands, "reads one operand of two")?;
                let fits = x == b;
                fits.then(|| Some(x.to_vec())).ok_or_else(|| format!("reads {x:?} and {b:?}"))
            }
            Self::Scale(_) | Self::Quantize(_) | Self::Softmax => Ok(Some(x.to_vec())),
        }
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let x = reads.floats(0)?;
        let numbers = match self {
            Self::Conv(conv) => {
                let (w, channels) = (reads.bytes(1)?, reads.bytes(2)?);
                conv.convolved(x, w.shape, w.values, channels.values)
            }
            Self::Add(factors, span) => pairs(x, reads.floats(1)?, |a, b| {
                span.hold(sum(factors, [a, b], i32::wrapping_add))
            }),
            Self::Sub(factors, span) => pairs(x, reads.floats(1)?, |a, b| {
                span.hold(sum(factors, [a, b], i32::wrapping_sub))
            }),
            Self::Softmax => softmax(x, reads.bytes(1)?.values),
            Self::Lstm(lstm) => lstm.outputs(x, reads.floats(1)?, reads.bytes(2)?.values),
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
            Self::Lstm(lstm) => format!(" {} bits behind the point", lstm.fraction),
            Self::Add(..) | Self::Sub(..) | Self::Mul(..) | Self::Scale(_) | Self::Softmax => {
                String::new()
            }
        }
    }

    fn madds(&self, operands: &[&[usize]]) -> usize {
        match (self, operands) {
            (Self::Conv(conv), [_, [_, window @ ..], ..]) => {
                window.iter().product::<usize>() / conv.bytes.max(1)
            }
            (Self::Lstm(_), [_, _, [_, row], ..]) => 4 * (row - 2 * CHANNEL),
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

/// Shares of the rows of signed bytes, whose powers are of four bytes each.
fn softmax(x: Floats<'_>, powers: &[u8]) -> Vec<f32> {
    let powers: Vec<u32> =
        powers.as_chunks().0.iter().map(|four| u32::from_le_bytes(*four)).collect();
    let powers: [u32; 256] = powers.try_into().expect("a verified operator reads 256 powers");
    let rows = x.values.chunks(x.shape.last().copied().unwrap_or(1).max(1));
    let shares = rows.flat_map(|row| {
        let row: Vec<u8> = row.iter().map(|q| (*q + 128.0) as u8).collect();
        steps(&powers, &row, 16)
    });
    shares.map(|steps| (steps - 32768).clamp(-32768, 32767) as f32).collect()
}

/// The sum or the difference of two integers, before its bounds.
fn sum([a, b, whole]: &[Twice; 3], operands: [i64; 2], of: fn(i32, i32) -> i32) -> i64 {
    let [of_a, of_b] = operands.map(|x| (x as i32).wrapping_shl(LIFT));
    whole.scaled(of(a.scaled(of_a), b.scaled(of_b))).into()
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
