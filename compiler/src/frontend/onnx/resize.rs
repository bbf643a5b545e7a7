//! Readers of Resize and Upsample: scales or sizes, resolved to where each pixel lies.
//!
//! Positions are exact fractions where those say what onnxruntime takes, else a list of pixels.

mod nearest;

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::convolution::windowed;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::store::checked_len;
use crate::frontend::onnx::window::Picture;
use crate::ir::{Blend, Dtype, Op, Resize, Scale, Values};
use nearest::Axis;

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
    put(call, blend, Sense { coordinates: "asymmetric", rounding: "floor" }, Some(scales), None)
}

/// Resize since operator set 10.
pub(super) fn resize(call: &mut Call<'_>) -> Made {
    let old = call.opset < 11;
    let (scales, sizes) =
        if old { (floats(call, 1)?, None) } else { (floats(call, 2)?, call.const_ints(3)?) };
    let coordinates = if old { "asymmetric" } else { "half_pixel" };
    let coordinates = call.text("coordinate_transformation_mode", coordinates)?;
    let rounding = if old { OLD } else { "round_prefer_floor" };
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
    let sense = Sense { coordinates: &coordinates, rounding: &rounding };
    put(call, blend, sense, scales, sizes)
}

/// The rounding of Resize 10, which the file cannot name: down where a picture grows, up where it shrinks.
const OLD: &str = "floor, or ceil of a smaller picture";

/// Which pixel is meant.
#[derive(Clone, Copy)]
struct Sense<'a> {
    /// The mode that says where pixels lie.
    coordinates: &'a str,
    /// The mode that says how positions are rounded.
    rounding: &'a str,
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
    sense: Sense<'_>,
    scales: Option<Vec<f32>>,
    sizes: Option<Vec<i64>>,
) -> Made {
    let Picture { id: x, rank, size: [h, w] } = Picture::read(call)?;
    let shape = call.shape(x);
    let [n, c] = [shape[0], shape[1]];
    if shape.contains(&0) {
        return Err(Fault::Unsupported(format!("an empty input {shape:?}")));
    }
    let axes = axes(call, rank)?;
    let mut ratios = [Ratio::same(1); 4];
    for (axis, ratio) in ratios.iter_mut().enumerate() {
        let at = axes.iter().position(|given| *given == axis);
        *ratio = match (at, &scales, &sizes) {
            (None, _, _) => Ratio::same(shape[axis]),
            (Some(at), _, Some(sizes)) => by_size(shape[axis], sizes.get(at).copied())?,
            (Some(at), Some(scales), None) => by_scale(shape[axis], scales.get(at).copied())?,
            (Some(_), None, None) => return Err(Fault::Misfit("neither scales nor sizes".into())),
        };
    }
    let [batch, channels, down, across] = ratios;
    if batch.size != n || channels.size != c {
        return Err(Fault::Unsupported("a resize of images or channels".into()));
    }
    let size = [down.size, across.size];
    if size == [h, w] {
        let x = call.any(0)?;
        return call.emit(Op::Identity, &[x]);
    }
    checked_len(&[n, c, size[0], size[1]])?;
    if blend == Blend::Nearest {
        // A list of pixels is made of each axis, and may be kept.
        size.into_iter().try_for_each(|pixels| call.spend(Dtype::F32, pixels))?;
    }
    let [down, across] = [down, across].map(|ratio| match blend {
        Blend::Linear => ratio.blended(sense.coordinates),
        Blend::Nearest => ratio.taken(sense),
    });
    let op = Op::Resize(Resize { blend, size, down: down?, across: across? });
    windowed(call, op, &[x], rank, Dtype::F32)
}

/// The dimensions of a picture that scales and sizes are for; of a signal, whose rows it has none of, three.
fn axes(call: &Call<'_>, rank: usize) -> Result<Vec<usize>, Fault> {
    let all = || (0..rank as i64 + 2).collect();
    let axes = call.ints("axes")?.unwrap_or_else(all);
    let in_picture = |axis: usize| if rank == 1 && axis == 2 { 3 } else { axis };
    axes.iter().map(|axis| call.axis(*axis, rank + 2).map(in_picture)).collect()
}

/// What becomes of an axis.
#[derive(Clone, Copy)]
struct Ratio {
    /// Pixels before and after.
    axis: Axis,
    /// Pixels of the result.
    size: usize,
    /// Pixels of the operand that are as long as pixels of the result, if numbers say so exactly.
    fraction: Option<[usize; 2]>,
}

fn by_size(len: usize, size: Option<i64>) -> Result<Ratio, Fault> {
    let size = size.and_then(|size| usize::try_from(size).ok());
    match size {
        Some(size) if (1..=i32::MAX as usize).contains(&size) => {
            let axis = Axis { len, size, scale: size as f32 / len as f32 };
            Ok(Ratio { axis, size, fraction: Some([len, size]) })
        }
        _ => Err(Fault::Misfit("sizes do not give every dimension a size above 0".into())),
    }
}

/// A scale, and as a fraction: of the sizes if it is one, else of small numbers.
fn by_scale(len: usize, scale: Option<f32>) -> Result<Ratio, Fault> {
    let scale = scale.filter(|scale| scale.is_finite() && *scale > 0.0 && *scale < 1e6);
    let scale = scale.ok_or_else(|| {
        Fault::Misfit("scales do not give every dimension a number above 0".into())
    })?;
    let size = (len as f32 * scale).floor() as usize;
    if size == 0 || size > i32::MAX as usize {
        return Err(Fault::Misfit(format!("a scale of {scale} makes {size} of {len} pixels")));
    }
    let is_scale = |to: usize, from: usize| (to as f32 / from as f32 - scale).abs() <= scale * 1e-6;
    let small = (1..=FRACTIONS).map(|from| [from, (from as f32 * scale).round() as usize]);
    let mut tried = small.chain([[len, size]]);
    let fraction = tried.find(|[from, to]| *to > 0 && is_scale(*to, *from));
    Ok(Ratio { axis: Axis { len, size, scale }, size, fraction })
}

impl Ratio {
    /// An axis that stays as it is.
    fn same(len: usize) -> Self {
        Self { axis: Axis { len, size: len, scale: 1.0 }, size: len, fraction: Some([1, 1]) }
    }

    /// Where pixels lie that are blended.
    fn blended(self, coordinates: &str) -> Result<Scale, Fault> {
        let Axis { len, scale, .. } = self.axis;
        let fraction = self.fraction.ok_or_else(|| {
            Fault::Unsupported(format!(
                "a linear scale of {scale} of {len} pixels, which is no fraction of small numbers; \
                 give sizes"
            ))
        })?;
        self.placed(fraction, coordinates).ok_or_else(|| {
            Fault::Unsupported(format!(
                "coordinate_transformation_mode {coordinates:?} here; supported: asymmetric, \
                 half_pixel, pytorch_half_pixel, align_corners"
            ))
        })
    }

    /// Which pixels are taken: by a fraction if it gives those of onnxruntime, else listed.
    fn taken(self, sense: Sense<'_>) -> Result<Scale, Fault> {
        let Axis { len, size, scale } = self.axis;
        let smaller = if scale < 1.0 { "ceil" } else { "floor" };
        let rounding = if sense.rounding == OLD { smaller } else { sense.rounding };
        let listed = nearest::pixels(self.axis, sense.coordinates, rounding)?;
        let placed = self.fraction.and_then(|fraction| self.placed(fraction, sense.coordinates));
        let says_so = |scale: &Scale| (0..size).all(|i| scale.at(i, len).0 == listed[i]);
        Ok(placed.map(|scale| rounded(scale, rounding)).filter(says_so).unwrap_or(Scale {
            step: len,
            shift: 0,
            per: size,
            listed,
        }))
    }

    /// Where pixels lie, as a fraction.
    fn placed(self, [from, to]: [usize; 2], coordinates: &str) -> Option<Scale> {
        let Axis { len, size, .. } = self.axis;
        let half = Scale::new(2 * from, from as isize - to as isize, 2 * to);
        match coordinates {
            "asymmetric" => Some(Scale::new(from, 0, to)),
            "half_pixel" => Some(half),
            "pytorch_half_pixel" if size > 1 => Some(half),
            "align_corners" if size > 1 => Some(Scale::new(len - 1, 0, size - 1)),
            "pytorch_half_pixel" | "align_corners" => Some(Scale::new(0, 0, 1)),
            "tf_half_pixel_for_nn" => Some(Scale::new(2 * from, from as isize, 2 * to)),
            // The result's middle lies on the operand's.
            "half_pixel_symmetric" if len * to == size * from => Some(half),
            _ => None,
        }
    }
}

/// The same positions, such that rounding them down gives the nearest pixel in the given sense.
fn rounded(scale: Scale, rounding: &str) -> Scale {
    let (step, shift, per) = (2 * scale.step, 2 * scale.shift, 2 * scale.per);
    let half = scale.per as isize;
    let more = match rounding {
        "round_prefer_ceil" => half,
        "round_prefer_floor" => half - 1,
        "ceil" => 2 * half - 1,
        _ => 0,
    };
    Scale::new(step, shift + more, per)
}
