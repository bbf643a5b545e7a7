//! Readers of Resize and Upsample: scales or sizes, resolved to where each pixel lies.

use crate::frontend::onnx::call::{Call, Fault, Made};
use crate::ir::{Blend, Op, Resize, Scale, Values};

/// Denominators that scales are tried with, when they are no fractions of the sizes.
const FRACTIONS: usize = 64;

/// Upsample 7 and 9: corners lie on corners' sides, positions are rounded down.
pub(super) fn upsample(call: &mut Call<'_>) -> Made {
    let scales =
        match call.attribute("scales", crate::proto::attribute_proto::AttributeType::Floats)? {
            Some(scales) => scales.floats.clone(),
            None => floats(call, 1)?.ok_or_else(|| Fault::Misfit("scales are missing".into()))?,
        };
    let blend = blend(call)?;
    put(call, blend, "asymmetric", "floor", Some(scales), None)
}

/// Resize since operator set 10.
pub(super) fn resize(call: &mut Call<'_>) -> Made {
    let old = call.opset < 11;
    let (scales, sizes) =
        if old { (floats(call, 1)?, None) } else { (floats(call, 2)?, call.const_ints(3)?) };
    let coordinates = if old { "asymmetric" } else { "half_pixel" };
    let coordinates = call.text("coordinate_transformation_mode", coordinates)?;
    let rounding = if old { "floor" } else { "round_prefer_floor" };
    let rounding = call.text("nearest_mode", rounding)?;
    if call.flag("antialias")? {
        return Err(Fault::Unsupported("antialias; supported: none".into()));
    }
    let policy = call.text("keep_aspect_ratio_policy", "stretch")?;
    if policy != "stretch" {
        return Err(Fault::Unsupported(format!(
            "keep_aspect_ratio_policy {policy:?}; supported: \"stretch\""
        )));
    }
    let blend = blend(call)?;
    put(call, blend, &coordinates, &rounding, scales, sizes)
}

fn blend(call: &Call<'_>) -> Result<Blend, Fault> {
    match call.text("mode", "nearest")?.as_str() {
        "nearest" => Ok(Blend::Nearest),
        "linear" | "bilinear" => Ok(Blend::Linear),
        other => {
            Err(Fault::Unsupported(format!("mode {other:?}; supported: \"nearest\", \"linear\"")))
        }
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

fn put(
    call: &mut Call<'_>,
    blend: Blend,
    coordinates: &str,
    rounding: &str,
    scales: Option<Vec<f32>>,
    sizes: Option<Vec<i64>>,
) -> Made {
    let x = call.float(0)?;
    let shape = call.shape(x);
    let [n, c, h, w] = shape[..] else {
        let rank = shape.len();
        return Err(Fault::Unsupported(format!("an input of rank {rank}; supported: 4")));
    };
    if [n, c, h, w].contains(&0) {
        return Err(Fault::Unsupported(format!("an empty input {shape:?}")));
    }
    let axes = match call.ints("axes")? {
        Some(axes) => axes.iter().map(|axis| call.axis(*axis, 4)).collect::<Result<_, _>>()?,
        None => vec![0, 1, 2, 3],
    };
    let mut ratios = [Ratio { from: 1, to: 1, size: 0 }; 4];
    for (axis, ratio) in ratios.iter_mut().enumerate() {
        let at = axes.iter().position(|given| *given == axis);
        *ratio = match (at, &scales, &sizes) {
            (None, _, _) => Ratio { from: 1, to: 1, size: shape[axis] },
            (Some(at), _, Some(sizes)) => by_size(shape[axis], sizes.get(at).copied())?,
            (Some(at), Some(scales), None) => by_scale(shape[axis], scales.get(at).copied())?,
            (Some(_), None, None) => return Err(Fault::Misfit("neither scales nor sizes".into())),
        };
    }
    let [batch, channels, down, across] = ratios;
    if batch.size != n || channels.size != c {
        return Err(Fault::Unsupported("a resize of images or channels".into()));
    }
    let place = |ratio: Ratio, len: usize| {
        let scale = ratio.placed(coordinates, len)?;
        if blend == Blend::Linear { Ok(scale) } else { rounded(scale, rounding) }
    };
    let (size, down, across) = ([down.size, across.size], place(down, h)?, place(across, w)?);
    call.emit(Op::Resize(Resize { blend, size, down, across }), &[x])
}

/// `from` pixels of the operand are as long as `to` of the result.
#[derive(Clone, Copy)]
struct Ratio {
    from: usize,
    to: usize,
    /// Pixels of the result.
    size: usize,
}

fn by_size(len: usize, size: Option<i64>) -> Result<Ratio, Fault> {
    let size = size.and_then(|size| usize::try_from(size).ok());
    match size {
        Some(size) if (1..=i32::MAX as usize).contains(&size) => {
            Ok(Ratio { from: len, to: size, size })
        }
        _ => Err(Fault::Misfit("sizes do not give every dimension a size above 0".into())),
    }
}

/// A scale as a fraction: of the sizes if it is one, else of small numbers.
fn by_scale(len: usize, scale: Option<f32>) -> Result<Ratio, Fault> {
    let scale = scale.filter(|scale| scale.is_finite() && *scale > 0.0 && *scale < 1e6);
    let scale = scale.ok_or_else(|| {
        Fault::Misfit("scales do not give every dimension a number above 0".into())
    })?;
    let size = (len as f32 * scale).floor() as usize;
    let is_scale = |to: usize, from: usize| (to as f32 / from as f32 - scale).abs() <= scale * 1e-6;
    let small = (1..=FRACTIONS).map(|from| ((from as f32 * scale).round() as usize, from));
    let mut tried = small.chain([(size, len)]);
    match tried.find(|(to, from)| *to > 0 && is_scale(*to, *from)) {
        Some((to, from)) if size > 0 => Ok(Ratio { from, to, size }),
        _ => Err(Fault::Unsupported(format!(
            "a scale of {scale} of {len} pixels, which is no fraction of small numbers; give sizes"
        ))),
    }
}

impl Ratio {
    /// Where pixels lie in an operand of `len`.
    fn placed(self, coordinates: &str, len: usize) -> Result<Scale, Fault> {
        let Self { from, to, size } = self;
        let half = Scale { step: 2 * from, shift: from as isize - to as isize, per: 2 * to };
        match coordinates {
            "asymmetric" => Ok(Scale { step: from, shift: 0, per: to }),
            "half_pixel" => Ok(half),
            "pytorch_half_pixel" if size > 1 => Ok(half),
            "align_corners" if size > 1 => Ok(Scale { step: len - 1, shift: 0, per: size - 1 }),
            "pytorch_half_pixel" | "align_corners" => Ok(Scale { step: 0, shift: 0, per: 1 }),
            // The result's middle lies on the operand's.
            "half_pixel_symmetric" if len * to == size * from => Ok(half),
            other => Err(Fault::Unsupported(format!(
                "coordinate_transformation_mode {other:?} here; supported: asymmetric, half_pixel, \
                 pytorch_half_pixel, align_corners"
            ))),
        }
    }
}

/// The same positions, such that rounding them down gives the nearest pixel in the given sense.
fn rounded(scale: Scale, rounding: &str) -> Result<Scale, Fault> {
    let Scale { step, shift, per } =
        Scale { step: 2 * scale.step, shift: 2 * scale.shift, per: 2 * scale.per };
    let half = scale.per as isize;
    let more = match rounding {
        "floor" => 0,
        "round_prefer_ceil" => half,
        "round_prefer_floor" => half - 1,
        "ceil" => 2 * half - 1,
        other => return Err(Fault::Misfit(format!("nearest_mode {other:?} is unknown"))),
    };
    Ok(Scale { step, shift: shift + more, per })
}
