//! Pixels between those of an image.

use crate::error::Result;
use crate::ir::{self, Blend, Scale, Values};
use crate::kernels::host::Host;
use crate::kernels::site::Site;
use crate::kernels::spec::{Extent, Footprint, Spec};
use crate::kernels::value::{Constant, Invocation, Side, Value};

/// Pixels between those of an image, by fractions, or by lists if either axis has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Resize(pub ir::Resize);

impl Spec for Resize {
    fn constants(&self, site: &Site) -> Vec<Constant> {
        let (from, into, Self(resize)) = (site.first(), site.into, self);
        let mut fields = vec![
            ("from", Value::Ring(Side::First)),
            ("into", Value::Ring(Side::Result)),
            ("channels", Value::size(from.rows.channels)),
        ];
        if [&resize.down, &resize.across].into_iter().any(|scale| !scale.listed.is_empty()) {
            fields.extend([
                ("down", taken(&resize.down, into.height, from.height)),
                ("across", taken(&resize.across, into.rows.width, from.rows.width)),
            ]);
            return vec![Constant::of_fields("kernel::resize::Pick", [], fields)];
        }
        fields.extend([
            ("down", axis(&resize.down, from.height)),
            ("across", axis(&resize.across, from.rows.width)),
            ("width", Value::size(into.rows.width)),
        ]);
        vec![Constant::of_fields("kernel::resize::Resize", [], fields)]
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        let method = match self.0.blend {
            Blend::Nearest => "nearest",
            Blend::Linear => "linear",
        };
        Invocation::method(method, [Value::Rows, Value::First, Value::Result])
    }

    fn footprint(&self) -> Footprint<'_> {
        Footprint::Clipped
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let ((image, first), from) = (host.image(), host.site().first());
        let (height, width) = (from.height, from.rows.width);
        let plane = image.shape[2] * width;
        let planes = image.values.as_f32().unwrap_or_default().chunks_exact(plane.max(1));
        let (rows, columns) = (host.rows(), host.columns());
        let mut made = Vec::new();
        for plane in planes {
            let at =
                |row: usize, column: usize| plane[(row as isize - first) as usize * width + column];
            let pixels = rows.clone().flat_map(|row| (0..columns).map(move |column| (row, column)));
            made.extend(pixels.map(|pixel| self.pixel(pixel, [height, width], at)));
        }
        host.put(&Values::F32(made));
        Ok(())
    }

    fn word(&self) -> Option<&'static str> {
        Some("resize")
    }
}

impl Resize {
    /// A pixel of the result, of an image of so many rows and columns.
    fn pixel(
        &self,
        (row, column): (usize, usize),
        [height, width]: [usize; 2],
        at: impl Fn(usize, usize) -> f32,
    ) -> f32 {
        let ((i, down), (j, across)) =
            (self.0.down.at(row, height), self.0.across.at(column, width));
        match self.0.blend {
            Blend::Nearest => at(i, j),
            Blend::Linear => {
                let (below, right) = ((i + 1).min(height - 1), (j + 1).min(width - 1));
                let line = |row: usize| at(row, j) + (at(row, right) - at(row, j)) * across;
                line(i) + (line(below) - line(i)) * down
            }
        }
    }
}

fn axis(scale: &Scale, len: usize) -> Value {
    let fields = [
        ("len", Value::size(len)),
        ("step", Value::size(scale.step)),
        ("shift", Value::Step(scale.shift)),
        ("per", Value::size(scale.per)),
    ];
    Value::fields("kernel::resize::Scale", fields)
}

/// The pixel of an operand of `len` for each of `size` of the result.
fn taken(scale: &Scale, size: usize, len: usize) -> Value {
    Value::Slice((0..size).map(|i| Value::size(scale.at(i, len).0)).collect())
}
