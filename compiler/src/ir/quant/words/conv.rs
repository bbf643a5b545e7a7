//! Convolutions of integers of 16 bits, or of bytes whose results have 16.

use crate::ir::op::reads::Floats;
use crate::ir::quant::tflite::Twice;
use crate::ir::quant::words::{CHANNEL, Span, bias, dims, factor};

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
    /// Bytes of a weight: 1, or 2 that are 32,768 more than they are, the low one first.
    pub bytes: usize,
    /// True if sums are rounded twice, as those of bytes are; else once, by 15 bits of the factor.
    pub twice: bool,
    /// The zero points of operand and result.
    pub zeros: [i32; 2],
    /// Bounds of the result.
    pub span: Span,
}

impl WordConv {
    pub(super) fn shape(&self, x: &[usize], operands: &[&[usize]]) -> Result<Vec<usize>, String> {
        let (w, channels) = (operands.get(1), operands.get(2));
        match (x, w, channels) {
            ([n, _, _, c], Some([m, kh, kw, each]), Some([numbered, CHANNEL]))
                if each * self.group == *c * self.bytes
                    && m == numbered
                    && m.is_multiple_of(self.group.max(1))
                    && kh * kw > 0 =>
            {
                Ok(vec![*n, self.into[0], self.into[1], *m])
            }
            _ => Err(format!("reads {x:?} by weights {w:?} and numbers {channels:?}")),
        }
    }

    /// The results by weights of a shape.
    pub(super) fn convolved(
        &self,
        x: Floats<'_>,
        w: &[usize],
        weights: &[u8],
        channels: &[u8],
    ) -> Vec<f32> {
        let ([n, h, width, c], [m, kh, kw, each]) = (dims(x.shape), dims(w));
        let each = each / self.bytes.max(1);
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
                    let weight = self.weight(weights, (channel * kh * kw + tap) * each + i);
                    sum += (x.values[pixel + i] as i64 - i64::from(self.zeros[0])) * weight;
                }
            }
            let factor = factor(channels, channel);
            let steps = if self.twice { factor.scaled(sum as i32) } else { once(sum, factor) };
            results.push(self.span.hold(i64::from(steps) + i64::from(self.zeros[1])));
        }
        results
    }

    fn weight(&self, weights: &[u8], at: usize) -> i64 {
        match self.bytes {
            2 => i64::from(u16::from_le_bytes([weights[2 * at], weights[2 * at + 1]])) - 32768,
            _ => i64::from(weights[at]) - 128,
        }
    }
}

/// `sum` times a factor of which the upper 15 bits are taken, rounded once, halves up.
fn once(sum: i64, factor: Twice) -> i32 {
    let mantissa = i64::from(factor.mantissa);
    let short = if mantissa < 0x7fff_0000 { (mantissa + 0x8000) / 0x1_0000 } else { 0x7fff };
    let by = 15 - factor.exponent.min(14);
    ((sum.wrapping_mul(short).wrapping_add(1 << (by - 1))) >> by) as i32
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
            bytes: 1,
            twice: false,
            zeros: [0, 0],
            span: Span::ALL,
        };
        let of = |w: &[usize]| conv.shape(&[1, 4, 4, 6], &[&[1, 4, 4, 6], w, &[8, 16]]);
        assert_eq!(of(&[8, 3, 2, 3]), Ok(vec![1, 2, 3, 8]));
        assert!(of(&[8, 3, 2, 6]).is_err() && of(&[7, 3, 2, 3]).is_err());
    }
}
