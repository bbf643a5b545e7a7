//! Resizing of a dimension: its size, and the positions of its pixels.

use crate::frontend::onnx::fault::Fault;
use crate::frontend::onnx::resize::nearest::{self, Axis, Crop};
use crate::frontend::onnx::resize::weights::{self, Filter, Position};
use crate::frontend::onnx::resize::{Mode, OLD, Sense};
use crate::ir::{Samples, Scale, Taps};

/// Denominators that scales are tried with, when they are no fractions of the sizes.
const FRACTIONS: usize = 64;

/// Resizing of an axis.
#[derive(Clone, Copy)]
pub(super) struct Ratio {
    /// Pixels before and after.
    pub(super) axis: Axis,
    /// Pixels of the operand that are as long as pixels of the result, if numbers say so exactly.
    fraction: Option<[usize; 2]>,
}

/// Meanings of sizes.
#[derive(Clone, Copy, Default)]
pub(super) enum Policy {
    /// Sizes of the result.
    #[default]
    Stretch,
    /// Bounds that no dimension exceeds, all by one scale.
    NotLarger,
    /// Sizes that all dimensions reach, by one scale.
    NotSmaller,
}

/// Ratios of dimensions whose sizes are given.
pub(super) fn by_sizes(lens: &[usize], sizes: &[i64], policy: Policy) -> Result<Vec<Ratio>, Fault> {
    let sizes = lens.iter().enumerate().map(|(at, len)| by_size(*len, sizes.get(at).copied()));
    let ratios = sizes.collect::<Result<Vec<_>, _>>()?;
    let by_scale = |a: &&Ratio, b: &&Ratio| a.axis.scale.total_cmp(&b.axis.scale);
    let common = match policy {
        Policy::Stretch => None,
        Policy::NotLarger => ratios.iter().min_by(by_scale),
        Policy::NotSmaller => ratios.iter().max_by(by_scale),
    };
    let Some(Ratio { axis: Axis { scale, .. }, fraction }) = common.copied() else {
        return Ok(ratios);
    };
    let kept = |len: &usize| {
        let size = (*len as f32 * scale).round() as usize;
        sized(*len, scale, size).map(|axis| Ratio { axis, fraction })
    };
    lens.iter().map(kept).collect()
}

/// Ratios of dimensions whose scales are given, as numbers and as fractions of small ones.
pub(super) fn by_scales(lens: &[usize], scales: &[f32]) -> Result<Vec<Ratio>, Fault> {
    let pairs = lens.iter().enumerate();
    pairs.map(|(at, len)| by_scale(*len, scales.get(at).copied())).collect()
}

fn by_size(len: usize, size: Option<i64>) -> Result<Ratio, Fault> {
    let size = size.and_then(|size| usize::try_from(size).ok());
    match size {
        Some(size) if (1..=i32::MAX as usize).contains(&size) => {
            let axis = Axis { len, size, scale: size as f32 / len as f32, crop: None };
            Ok(Ratio { axis, fraction: Some([len, size]) })
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
    let is_scale = |to: usize, from: usize| (to as f32 / from as f32 - scale).abs() <= scale * 1e-6;
    let small = (1..=FRACTIONS).map(|from| [from, (from as f32 * scale).round() as usize]);
    let mut tried = small.chain([[len, size]]);
    let fraction = tried.find(|[from, to]| *to > 0 && is_scale(*to, *from));
    Ok(Ratio { axis: sized(len, scale, size)?, fraction })
}

fn sized(len: usize, scale: f32, size: usize) -> Result<Axis, Fault> {
    if size == 0 || size > i32::MAX as usize {
        return Err(Fault::Misfit(format!("a scale of {scale} makes {size} of {len} pixels")));
    }
    Ok(Axis { len, size, scale, crop: None })
}

impl Ratio {
    /// An axis that stays as it is.
    pub(super) fn same(len: usize) -> Self {
        let axis = Axis { len, size: len, scale: 1.0, crop: None };
        Self { axis, fraction: Some([1, 1]) }
    }

    /// Resizing of a part of the axis, unless that is all of it.
    pub(super) fn cropped(self, crop: Option<Crop>) -> Self {
        let all = Crop { from: 0.0, to: 1.0 };
        let is_same = crop == Some(all) && self.axis.len == self.axis.size;
        let crop = crop.filter(|_| !is_same);
        Self { axis: Axis { crop, ..self.axis }, ..self }
    }

    /// True if every pixel stays where it is.
    pub(super) fn is_same(&self) -> bool {
        self.axis.len == self.axis.size && self.axis.crop.is_none()
    }

    /// True if the scale makes as many pixels as there are, and none in part.
    pub(super) fn makes_whole_pixels(&self) -> bool {
        let Axis { len, size, scale, .. } = self.axis;
        (len as f32 * scale - size as f32).abs() < 1e-3
    }

    /// Factors of all sums.
    pub(super) fn sum_len(&self, sense: &Sense<'_>) -> usize {
        let Mode::Sums(filter) = sense.mode else { return self.axis.size };
        let taps = filter.width(self.narrow(sense)).min(self.axis.len);
        self.axis.size.saturating_mul(taps)
    }

    /// Where pixels lie that are taken or blended by two, if a fraction or a list says it.
    pub(super) fn scale(self, sense: &Sense<'_>) -> Result<Option<Scale>, Fault> {
        match sense.mode {
            Mode::Nearest => self.taken(sense),
            Mode::Sums(Filter::Linear) if self.narrow(sense) == 1.0 => {
                Ok(self.fraction.and_then(|fraction| self.placed(fraction, sense.coordinates)))
            }
            Mode::Sums(_) => Ok(None),
        }
    }

    /// The weighted sum of each pixel.
    pub(super) fn samples(self, sense: &Sense<'_>) -> Result<Samples, Fault> {
        let Axis { len, size, .. } = self.axis;
        let inside = nearest::inside(self.axis, sense.coordinates)?;
        let none = Taps { first: 0, weights: Vec::new() };
        let within = |taps: Taps, i: usize| if inside(i) { taps } else { none.clone() };
        let taps: Vec<Taps> = match sense.mode {
            Mode::Nearest => {
                let pixels = nearest::pixels(self.axis, sense.coordinates, self.rounding(sense))?;
                pixels
                    .into_iter()
                    .map(Taps::one)
                    .enumerate()
                    .map(|(i, taps)| within(taps, i))
                    .collect()
            }
            Mode::Sums(filter) => {
                let position = self.positions(sense.coordinates)?;
                let kernel = weights::Kernel {
                    filter,
                    narrow: self.narrow(sense),
                    exclude_outside: sense.exclude_outside,
                };
                (0..size).map(|i| within(kernel.taps(position(i), len), i)).collect()
            }
        };
        Ok(Samples { len, taps })
    }

    /// The factor of distances before they are weighed.
    fn narrow(&self, sense: &Sense<'_>) -> f64 {
        let scale = match self.fraction {
            Some([from, to]) => to as f64 / from as f64,
            None => f64::from(self.axis.scale),
        };
        if sense.antialias { scale.min(1.0) } else { 1.0 }
    }

    fn rounding<'a>(&self, sense: &Sense<'a>) -> &'a str {
        let smaller = if self.axis.scale < 1.0 { "ceil" } else { "floor" };
        if sense.rounding == OLD { smaller } else { sense.rounding }
    }

    /// Which pixels are taken: by a fraction if it gives those of onnxruntime, else listed; `None` if some lie outside.
    fn taken(self, sense: &Sense<'_>) -> Result<Option<Scale>, Fault> {
        let Axis { len, size, .. } = self.axis;
        let rounding = self.rounding(sense);
        let listed = nearest::pixels(self.axis, sense.coordinates, rounding)?;
        let inside = nearest::inside(self.axis, sense.coordinates)?;
        if !(0..size).all(inside) {
            return Ok(None);
        }
        let placed = self.fraction.and_then(|fraction| self.placed(fraction, sense.coordinates));
        let says_so = |scale: &Scale| (0..size).all(|i| scale.at(i, len).0 == listed[i]);
        let rounded = placed.map(|scale| rounded(scale, rounding)).filter(says_so);
        Ok(Some(rounded.unwrap_or(Scale { step: len, shift: 0, per: size, listed })))
    }

    /// Where pixels lie: as a fraction says, else in the arithmetic of onnxruntime.
    fn positions(self, coordinates: &str) -> Result<Box<dyn Fn(usize) -> Position>, Fault> {
        if self.axis.scale == 1.0 && self.axis.crop.is_none() {
            return Ok(Box::new(|i| Position { whole: i as isize, part: 0.0 }));
        }
        let placed = self.fraction.and_then(|fraction| self.placed(fraction, coordinates));
        Ok(match placed {
            Some(Scale { step, shift, per, .. }) => Box::new(move |i| {
                let (at, per) = ((i * step) as isize + shift, per as isize);
                let part = at.rem_euclid(per) as f64 / per as f64;
                Position { whole: at.div_euclid(per), part }
            }),
            None => {
                let position = nearest::position(self.axis, coordinates)?;
                Box::new(move |i| {
                    let at = f64::from(position(i as f32));
                    Position { whole: at.floor() as isize, part: at - at.floor() }
                })
            }
        })
    }

    /// Where pixels lie, as a fraction.
    fn placed(self, [from, to]: [usize; 2], coordinates: &str) -> Option<Scale> {
        let Axis { len, size, scale, .. } = self.axis;
        let half = Scale::new(2 * from, from as isize - to as isize, 2 * to);
        match coordinates {
            "asymmetric" => Some(Scale::new(from, 0, to)),
            "half_pixel" => Some(half),
            "pytorch_half_pixel" if size > 1 => Some(half),
            "align_corners" if size > 1 => Some(Scale::new(len - 1, 0, size - 1)),
            "pytorch_half_pixel" | "align_corners" => Some(Scale::new(0, 0, 1)),
            "tf_half_pixel_for_nn" if scale == 1.0 => Some(Scale::new(1, 0, 1)),
            "tf_half_pixel_for_nn" => Some(Scale::new(2 * from, from as isize, 2 * to)),
            // The result's middle lies on the operand's.
            "half_pixel_symmetric" if len * to == size * from => Some(half),
            _ => None,
        }
    }
}

/// These positions, such that rounding them down gives the nearest pixel by `rounding`.
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
