//! Pools over windows of images.

use crate::frontend::tflite::model::Operator;
use crate::frontend::tflite::read::window::{Padding, Window};
use crate::frontend::tflite::read::{
    Fused, answer_image, byte, image_of, int, nhwc, operand, result, words,
};
use crate::frontend::tflite::write::{Writer, Written, int as int_attribute};
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
