//! Images that become larger or smaller, and pixels that become channels.

use crate::frontend::tflite::model::Operator;
use crate::frontend::tflite::read::{
    Fused, answer_image, byte, image_of, int, nhwc, operand, result,
};
use crate::frontend::tflite::write::{Writer, Written, int as int_attribute, number_of, text};

/// Each channel block becomes a block of pixels.
pub(in super::super) fn depth_to_space(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
) -> Written {
    let block = int_attribute("blocksize", int(operator.options, 0, 0)?);
    let image = image_of(writer, operand(operator, 0)?)?;
    let made = writer.node("DepthToSpace", &[&image], vec![block, text("mode", "DCR")]);
    answer_image(writer, operator, made, Fused::None)
}

/// Each block of pixels becomes a channel block.
pub(in super::super) fn space_to_depth(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
) -> Written {
    let block = int_attribute("blocksize", int(operator.options, 0, 0)?);
    let image = image_of(writer, operand(operator, 0)?)?;
    let made = writer.node("SpaceToDepth", &[&image], vec![block]);
    answer_image(writer, operator, made, Fused::None)
}

/// Linear interpolation; the options have their flags behind two old fields.
pub(in super::super) fn resize_bilinear(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
) -> Written {
    resize(writer, operator, [2, 3], ["linear", "floor"])
}

/// The nearest pixel.
pub(in super::super) fn resize_nearest(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
) -> Written {
    resize(writer, operator, [0, 1], ["nearest", "floor"])
}

fn resize(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    [corners, centers]: [usize; 2],
    [mode, rounding]: [&str; 2],
) -> Written {
    let x = operand(operator, 0)?;
    let ([n, _, _, c], [_, h, w, _]) = (nhwc(writer, x)?, nhwc(writer, result(operator)?)?);
    let flags = [byte(operator.options, corners)?, byte(operator.options, centers)?];
    // A pixel's centre is rounded, which is the pixel below half a pixel on.
    let (coordinates, rounding) = match flags {
        [0, 0] => ("asymmetric", rounding),
        [0, _] => ("half_pixel", "round_prefer_ceil"),
        _ => ("align_corners", "round_prefer_ceil"),
    };
    let sizes = writer.integers("sizes", &[n, c, h, w].map(number_of));
    let image = image_of(writer, x)?;
    let attributes = vec![
        text("mode", mode),
        text("coordinate_transformation_mode", coordinates),
        text("nearest_mode", rounding),
    ];
    let made = writer.node("Resize", &[&image, "", "", &sizes], attributes);
    answer_image(writer, operator, made, Fused::None)
}
