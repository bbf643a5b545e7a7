//! Positions of pixels, and those that a nearest resize takes, in the arithmetic of onnxruntime.
//!
//! The specification gives positions as real numbers; onnxruntime computes them in f32 and calls halves what lies
//! within a millionth of one, and where two pixels are equally near that decides. Models are trained and checked with
//! what it answers, so these lines repeat its operations one by one: none may be fused or reordered.

use crate::frontend::onnx::fault::Fault;

/// How far from a half a position still counts as one.
const HALF_WAY: f32 = 1e-6;

/// An axis of an image, before and after.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Pixels of the operand.
    pub(super) len: usize,
    /// Pixels of the result.
    pub(super) size: usize,
    /// Pixels of the result for each of the operand, as the file or the sizes give it.
    pub(super) scale: f32,
    /// The part that is taken, if not all of it.
    pub(super) crop: Option<Crop>,
}

/// The part of an axis that is taken, from 0 for its first pixel to 1 for its last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Crop {
    /// Where the first pixel of the result lies.
    pub(super) from: f32,
    /// Where its last one lies.
    pub(super) to: f32,
}

/// The pixel of the operand that each pixel of the result takes.
pub(super) fn pixels(axis: Axis, coordinates: &str, rounding: &str) -> Result<Vec<usize>, Fault> {
    if axis.scale == 1.0 && axis.crop.is_none() {
        return Ok((0..axis.size).map(|i| i.min(axis.len - 1)).collect());
    }
    let position = position(axis, coordinates)?;
    let nearest = nearest(rounding)?;
    let last = (axis.len - 1) as f32;
    let pixel = |i: usize| nearest(position(i as f32)).clamp(0.0, last) as usize;
    Ok((0..axis.size).map(|i| pixel(i).min(axis.len - 1)).collect())
}

/// True for each pixel of the result that lies inside the operand; only those of a crop may not.
pub(super) fn inside(axis: Axis, coordinates: &str) -> Result<Box<dyn Fn(usize) -> bool>, Fault> {
    if axis.crop.is_none() {
        return Ok(Box::new(|_| true));
    }
    let (position, last) = (position(axis, coordinates)?, (axis.len - 1) as f32);
    Ok(Box::new(move |i| (0.0..=last).contains(&position(i as f32))))
}

/// Where a pixel of the result lies in the operand.
pub(super) fn position(axis: Axis, coordinates: &str) -> Result<Box<dyn Fn(f32) -> f32>, Fault> {
    let Axis { len, size, scale, crop } = axis;
    let (from, to) = (len as f32, size as f32);
    let half_pixel = move |i: f32| (i + 0.5) / scale - 0.5;
    Ok(match coordinates {
        "asymmetric" => Box::new(move |i| i / scale),
        "half_pixel" => Box::new(half_pixel),
        "pytorch_half_pixel" if size > 1 => Box::new(half_pixel),
        "align_corners" if size > 1 => Box::new(move |i| i * (from - 1.0) / (to - 1.0)),
        "pytorch_half_pixel" | "align_corners" => Box::new(|_| 0.0),
        "tf_half_pixel_for_nn" => Box::new(move |i| (i + 0.5) / scale),
        "half_pixel_symmetric" => {
            let offset = from / 2.0 * (1.0 - to / (scale * from));
            let position = move |i: f32| (f64::from(i) + 0.5) / f64::from(scale) - 0.5;
            Box::new(move |i| (f64::from(offset) + position(i)) as f32)
        }
        "tf_crop_and_resize" => {
            let Crop { from: first, to: last } = crop.unwrap_or(Crop { from: 0.0, to: 1.0 });
            match size {
                1 => Box::new(move |_| 0.5 * (first + last) * (from - 1.0)),
                _ => Box::new(move |i| {
                    first * (from - 1.0) + i * (last - first) * (from - 1.0) / (to - 1.0)
                }),
            }
        }
        other => {
            return Err(Fault::Unsupported(format!(
                "coordinate_transformation_mode {other:?}; supported: asymmetric, half_pixel, \
                 pytorch_half_pixel, align_corners, tf_half_pixel_for_nn, half_pixel_symmetric, \
                 tf_crop_and_resize"
            )));
        }
    })
}

/// The whole number that is taken for a position.
fn nearest(rounding: &str) -> Result<fn(f32) -> f32, Fault> {
    Ok(match rounding {
        "floor" => f32::floor,
        "ceil" => f32::ceil,
        "round_prefer_floor" => |x| if half_way(x) { x.floor() } else { (x + 0.5).floor() },
        "round_prefer_ceil" => |x| if half_way(x) { x.floor() + 1.0 } else { (x + 0.5).floor() },
        other => return Err(Fault::Misfit(format!("nearest_mode {other:?} is unknown"))),
    })
}

fn half_way(x: f32) -> bool {
    (x - (x.floor() + 0.5)).abs() < HALF_WAY
}
