//! Readers of Resize and Upsample: scales or sizes, resolved to where each pixel lies.
//!
//! Positions are exact fractions where those say what onnxruntime takes, else a list of pixels, or of those that are
//! summed.

mod nearest;
mod pictures;
mod ratio;
mod weights;

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::store::checked_len;
use crate::ir::{Blend, Dtype, Op, Resample, Resize, Values};
use crate::proto::attribute_proto::AttributeType;
use nearest::Crop;
use pictures::Pictures;
use ratio::{Policy, Ratio};
use weights::Filter;

/// Upsample 7 and 9: corners lie on corners' sides, positions are rounded down.
pub(super) fn upsample(call: &mut Call<'_>) -> Made {
    let scales = match call.attribute("scales", AttributeType::Floats)? {
        Some(scales) => scales.floats.clone(),
        None => floats(call, 1)?.ok_or_else(|| Fault::Misfit("scales are missing".into()))?,
    };
    let sense = Sense::of(mode(call)?, "asymmetric", "floor");
    put(call, &sense, &Wanted { scales: Some(scales), ..Wanted::default() })
}

/// Resize since operator set 10.
pub(super) fn resize(call: &mut Call<'_>) -> Made {
    let mode = mode(call)?;
    if call.opset < 11 {
        let scales = floats(call, 1)?;
        let sense = Sense::of(mode, "asymmetric", OLD);
        return put(call, &sense, &Wanted { scales, ..Wanted::default() });
    }
    let coordinates = call.text("coordinate_transformation_mode", "half_pixel")?;
    let rounding = call.text("nearest_mode", "round_prefer_floor")?;
    let sense = Sense {
        antialias: call.flag("antialias")?,
        exclude_outside: call.flag("exclude_outside")?,
        outside: call.real("extrapolation_value", 0.0)?,
        ..Sense::of(mode, &coordinates, &rounding)
    };
    if sense.antialias && sense.mode == Mode::Nearest {
        return Err(Fault::Misfit("antialias of mode \"nearest\"".into()));
    }
    let crops = coordinates == "tf_crop_and_resize";
    let roi = if crops { floats(call, 1)? } else { None };
    if crops && roi.is_none() {
        return Err(Fault::Misfit("tf_crop_and_resize without a region".into()));
    }
    let policy = policy(call)?;
    put(call, &sense, &Wanted { scales: floats(call, 2)?, sizes: call.const_ints(3)?, policy, roi })
}

/// The rounding of Resize 10, which the file cannot name: down where an image grows, up where it shrinks.
const OLD: &str = "floor, or ceil of a smaller picture";

/// Which pixels are meant, and what is made of them.
struct Sense<'a> {
    /// The interpolation.
    mode: Mode,
    /// The mode that says where pixels lie.
    coordinates: &'a str,
    /// The mode that says how positions are rounded.
    rounding: &'a str,
    /// True if a smaller image is made of all pixels.
    antialias: bool,
    /// True if pixels outside have no weight, in place of that of the edge.
    exclude_outside: bool,
    /// The value of a crop outside the image.
    outside: f32,
}

/// Interpolation between pixels.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// The nearest pixel.
    Nearest,
    /// Sums of pixels around.
    Sums(Filter),
}

/// How large the result is, by one of two operands.
#[derive(Default)]
struct Wanted {
    /// A scale a dimension.
    scales: Option<Vec<f32>>,
    /// A size a dimension.
    sizes: Option<Vec<i64>>,
    /// The meaning of sizes.
    policy: Policy,
    /// Where the part begins that is taken, and where it ends, a dimension.
    roi: Option<Vec<f32>>,
}

impl<'a> Sense<'a> {
    fn of(mode: Mode, coordinates: &'a str, rounding: &'a str) -> Self {
        let (antialias, exclude_outside, outside) = (false, false, 0.0);
        Self { mode, coordinates, rounding, antialias, exclude_outside, outside }
    }
}

fn mode(call: &Call<'_>) -> Result<Mode, Fault> {
    match call.text("mode", "nearest")?.as_str() {
        "nearest" => Ok(Mode::Nearest),
        "linear" | "bilinear" => Ok(Mode::Sums(Filter::Linear)),
        "cubic" => Ok(Mode::Sums(Filter::Cubic(call.real("cubic_coeff_a", -0.75)?))),
        other => Err(Fault::Unsupported(format!(
            "mode {other:?}; supported: \"nearest\", \"linear\", \"cubic\""
        ))),
    }
}

fn policy(call: &Call<'_>) -> Result<Policy, Fault> {
    match call.text("keep_aspect_ratio_policy", "stretch")?.as_str() {
        "stretch" => Ok(Policy::Stretch),
        "not_larger" => Ok(Policy::NotLarger),
        "not_smaller" => Ok(Policy::NotSmaller),
        other => Err(Fault::Misfit(format!("keep_aspect_ratio_policy {other:?} is unknown"))),
    }
}

/// The floats of a constant operand; `None` if it is left out or empty.
fn floats(call: &Call<'_>, port: usize) -> Result<Option<Vec<f32>>, Fault> {
    let Some(id) = call.given(port) else { return Ok(None) };
    match call.graph.constant(id) {
        Some(Values::F32(values)) => Ok((!values.is_empty()).then(|| values.clone())),
        _ => Err(Fault::Unsupported(format!("operand {port} that is no constant of floats"))),
    }
}

fn put(call: &mut Call<'_>, sense: &Sense<'_>, wanted: &Wanted) -> Made {
    let x = call.any(0)?;
    let (shape, dtype) = (call.shape(x), call.graph.node(x).out.dtype);
    if shape.contains(&0) {
        return Err(Fault::Unsupported(format!("an empty input {shape:?}")));
    }
    if !matches!(dtype, Dtype::F32 | Dtype::U8 | Dtype::I8) {
        let words = format!("operand 0 of type {dtype}; supported: f32, u8, i8");
        return Err(Fault::Unsupported(words));
    }
    let ratios = ratios(&shape, &axes(call, shape.len())?, wanted)?;
    let changed: Vec<usize> = (0..shape.len()).filter(|axis| !ratios[*axis].is_same()).collect();
    if changed.is_empty() {
        return call.emit(Op::Identity, &[x]);
    }
    check_corners(sense, &ratios)?;
    let sizes: Vec<usize> = ratios.iter().map(|ratio| ratio.axis.size).collect();
    checked_len(&sizes)?;
    let pictures = Pictures::of(&shape, &changed)?;
    let (down, across) = match *pictures.resized {
        [across] => (Ratio::same(1), ratios[across]),
        [down, across, ..] => (ratios[down], ratios[across]),
        [] => unreachable!("some dimension changes"),
    };
    let op = op(call, sense, down, across)?;
    if dtype != Dtype::F32 && !op.moves() {
        return Err(Fault::Unsupported(
            "sums of bytes; supported: nearest pixels of them, or sums of their reals, between \
             DequantizeLinear and QuantizeLinear"
                .into(),
        ));
    }
    let picture = pictures.take(call, x)?;
    pictures.give(call, op, picture, &sizes)
}

/// Refuses corners that lie on a part of a pixel: ONNX's reference divides by the length before it is rounded down, and
/// onnxruntime by that behind.
fn check_corners(sense: &Sense<'_>, ratios: &[Ratio]) -> Result<(), Fault> {
    let is_uncertain = |ratio: &&Ratio| ratio.axis.size > 1 && !ratio.makes_whole_pixels();
    match (sense.mode, ratios.iter().find(is_uncertain)) {
        (Mode::Sums(_), Some(Ratio { axis, .. })) if sense.coordinates == "align_corners" => {
            Err(Fault::Unsupported(format!(
                "align_corners by a scale of {}, which makes no whole number of {} pixels; give sizes",
                axis.scale, axis.len
            )))
        }
        _ => Ok(()),
    }
}

/// The resizing of each dimension, of which `axes` are given scales or sizes.
fn ratios(shape: &[usize], axes: &[usize], wanted: &Wanted) -> Result<Vec<Ratio>, Fault> {
    let given: Vec<usize> = axes.iter().map(|axis| shape[*axis]).collect();
    let crop = |at: usize| match wanted.roi.as_deref() {
        Some(roi) => match (roi.get(at), roi.get(at + axes.len())) {
            (Some(from), Some(to)) => Ok(Some(Crop { from: *from, to: *to })),
            _ => Err(Fault::Misfit(format!("a region of {} numbers", roi.len()))),
        },
        None => Ok(None),
    };
    let crops = (0..axes.len()).map(crop).collect::<Result<Vec<_>, _>>()?;
    let resized = match (&wanted.sizes, &wanted.scales) {
        (Some(sizes), _) => ratio::by_sizes(&given, sizes, wanted.policy)?,
        (None, Some(scales)) => ratio::by_scales(&given, scales)?,
        (None, None) => return Err(Fault::Misfit("neither scales nor sizes".into())),
    };
    let mut ratios: Vec<Ratio> = shape.iter().map(|len| Ratio::same(*len)).collect();
    for ((axis, ratio), crop) in axes.iter().zip(resized).zip(crops) {
        ratios[*axis] = ratio.cropped(crop);
    }
    Ok(ratios)
}

/// The dimensions that scales and sizes are for.
fn axes(call: &Call<'_>, rank: usize) -> Result<Vec<usize>, Fault> {
    let axes = call.ints("axes")?.unwrap_or_else(|| (0..rank as i64).collect());
    axes.iter().map(|axis| call.axis(*axis, rank)).collect()
}

/// The operator: a resize by fractions and lists of pixels if both axes can be written so, else by sums.
fn op(call: &mut Call<'_>, sense: &Sense<'_>, down: Ratio, across: Ratio) -> Result<Op, Fault> {
    // A list of pixels, or of factors, is made of each axis, and may be kept.
    for ratio in [down, across] {
        match sense.mode {
            Mode::Nearest => call.spend(Dtype::F32, ratio.axis.size)?,
            Mode::Sums(_) => call.spend(Dtype::F32, ratio.sum_len(sense))?,
        }
    }
    let size = [down.axis.size, across.axis.size];
    if let (Some(down), Some(across)) = (down.scale(sense)?, across.scale(sense)?) {
        let blend = if sense.mode == Mode::Nearest { Blend::Nearest } else { Blend::Linear };
        return Ok(Op::Resize(Resize { blend, size, down, across }));
    }
    let (down, across) = (down.samples(sense)?, across.samples(sense)?);
    Ok(Op::Resample(Resample { down, across, outside: sense.outside }))
}
