//! Windows over images: where they lie, and the pools.

use crate::frontend::tflite::model::Operator;
use crate::frontend::tflite::read::{
    Fused, answer_image, byte, image_of, int, nhwc, operand, result, words,
};
use crate::frontend::tflite::write::{Writer, Written, int as int_attribute, ints, number_of};
use crate::proto::AttributeProto;

/// Fields of a pool's options.
mod field {
    pub(super) const PADDING: usize = 0;
    pub(super) const STRIDE_W: usize = 1;
    pub(super) const STRIDE_H: usize = 2;
    pub(super) const WIDTH: usize = 3;
    pub(super) const HEIGHT: usize = 4;
    pub(super) const FUSED: usize = 5;
}

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

/// Means of windows; what lies outside of the image is not counted.
pub(in super::super) fn average(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    pool(writer, operator, "AveragePool", vec![int_attribute("count_include_pad", 0)])
}

/// The greatest elements of windows.
pub(in super::super) fn max(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    pool(writer, operator, "MaxPool", vec![])
}

fn pool(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    op: &str,
    attributes: Vec<AttributeProto>,
) -> Written {
    let (x, options) = (operand(operator, 0)?, operator.options);
    [x, result(operator)?].into_iter().try_for_each(|it| nhwc(writer, it).map(drop))?;
    let size = |field| Ok::<_, String>(usize::try_from(int(options, field, 0)?).unwrap_or(0));
    let window = Window {
        kernel: [size(field::HEIGHT)?, size(field::WIDTH)?],
        stride: [int(options, field::STRIDE_H, 0)?, int(options, field::STRIDE_W, 0)?],
        dilation: [1, 1],
        padding: Padding::of(byte(options, field::PADDING)?)?,
    };
    let fused = Fused::of(options, field::FUSED)?;
    if words::is_word(writer, x) {
        return match op {
            "AveragePool" => words::average(writer, operator, &window, fused),
            _ if matches!(fused, Fused::None | Fused::Relu) => {
                writer.moving(|writer| images(writer, operator, op, attributes, &window, fused))
            }
            _ => Err("has bounds fused into a pool of int16; supported: none, RELU".into()),
        };
    }
    images(writer, operator, op, attributes, &window, fused)
}

/// A pool of images with their channels outside.
fn images(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    op: &str,
    mut attributes: Vec<AttributeProto>,
    window: &Window,
    fused: Fused,
) -> Written {
    let x = operand(operator, 0)?;
    let ([_, h, w, _], [_, to_h, to_w, _]) = (nhwc(writer, x)?, nhwc(writer, result(operator)?)?);
    attributes.extend(
        window.attributes([h, w], [to_h, to_w])?.into_iter().filter(|it| it.name != "dilations"),
    );
    let image = image_of(writer, x)?;
    let pooled = writer.node(op, &[&image], attributes);
    answer_image(writer, operator, pooled, fused)
}
