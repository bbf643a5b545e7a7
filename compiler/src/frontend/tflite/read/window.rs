//! Windows over images: where they lie, and how much of them lies outside.

use crate::frontend::tflite::write::{Written, ints, number_of};
use crate::proto::AttributeProto;

/// A window that slides over an image; rows first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) kernel: [usize; 2],
    pub(super) stride: [i64; 2],
    pub(super) dilation: [i64; 2],
    pub(super) padding: Padding,
}

/// Zeros around an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// As many as give each stride a result, the odd one behind.
    Same,
    /// None.
    Valid,
}

impl Padding {
    /// The padding by the number that the format gives it.
    pub(super) fn of(number: u8) -> Written<Self> {
        match number {
            0 => Ok(Self::Same),
            1 => Ok(Self::Valid),
            other => Err(format!("padding {other} is not supported")),
        }
    }
}

impl Window {
    /// The attributes of a window that makes `to` of `from` (rows and columns).
    pub(super) fn attributes(
        &self,
        from: [usize; 2],
        to: [usize; 2],
    ) -> Written<Vec<AttributeProto>> {
        let kernel = self.kernel.map(number_of);
        if self.stride.iter().chain(&self.dilation).chain(&kernel).any(|number| *number < 1) {
            return Err("has a window, stride or dilation below 1".into());
        }
        let pads = self.pads(from, to);
        Ok(vec![
            ints("kernel_shape", &kernel),
            ints("strides", &self.stride),
            ints("dilations", &self.dilation),
            ints("pads", &[pads[0][0], pads[1][0], pads[0][1], pads[1][1]]),
        ])
    }

    /// Zeros before and behind, of rows and of columns.
    pub(super) fn pads(&self, from: [usize; 2], to: [usize; 2]) -> [[i64; 2]; 2] {
        [0, 1].map(|at| {
            let reach = (number_of(self.kernel[at]) - 1).saturating_mul(self.dilation[at]);
            let last = (number_of(to[at]) - 1).saturating_mul(self.stride[at]);
            let all = last.saturating_add(reach).saturating_add(1) - number_of(from[at]);
            let all = if self.padding == Padding::Same { all.max(0) } else { 0 };
            [all / 2, all - all / 2]
        })
    }
}
