//! Resizing of images: pixels between those of the operand.

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

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        let method = match self.0.blend {
            Blend::Nearest if site.reads_bytes() => "bytes",
            Blend::Nearest => "nearest",
            Blend::Linear => "linear",
        };
        Invocation::method(method, [Value::Rows, Value::First, Value::Result])
    }

    fn footprint(&self) -> Footprint<'_> {
        Footprint::Clipped
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let (image, first) = host.image();
        let made = match (self.0.blend, &image.values) {
            (Blend::Nearest, Values::U8(bytes)) => {
                Values::U8(self.pixels(host, bytes, first, |at, pixel| self.taken(at, pixel)))
            }
            (Blend::Nearest, values) => {
                let x = values.as_f32().unwrap_or_default();
                Values::F32(self.pixels(host, x, first, |at, pixel| self.taken(at, pixel)))
            }
            (Blend::Linear, values) => {
                let x = values.as_f32().unwrap_or_default();
                Values::F32(self.pixels(host, x, first, |at, pixel| self.blended(at, pixel)))
            }
        };
        host.put(&made);
        Ok(())
    }

    fn word(&self) -> Option<&'static str> {
        Some("resize")
    }
}

/// A pixel's row and column, and how many there are.
#[derive(Clone, Copy)]
struct Pixel {
    row: usize,
    column: usize,
    of: [usize; 2],
}

impl Resize {
    /// The pixels that a call makes by `make` of the rows from `first` on.
    fn pixels<E: Copy>(
        &self,
        host: &dyn Host,
        x: &[E],
        first: isize,
        make: impl Fn(&dyn Fn(usize, usize) -> E, Pixel) -> E,
    ) -> Vec<E> {
        let (image, from) = (host.image().0, host.site().first());
        let width = from.rows.width;
        let (rows, columns) = (host.rows(), host.columns());
        let pixels = || rows.clone().flat_map(|row| (0..columns).map(move |column| (row, column)));
        let mut made = Vec::new();
        for plane in x.chunks_exact((image.shape[2] * width).max(1)) {
            let at =
                |row: usize, column: usize| plane[(row as isize - first) as usize * width + column];
            let of = [from.height, width];
            made.extend(pixels().map(|(row, column)| make(&at, Pixel { row, column, of })));
        }
        made
    }

    fn taken<E>(&self, at: &dyn Fn(usize, usize) -> E, pixel: Pixel) -> E {
        let Pixel { row, column, of: [height, width] } = pixel;
        at(self.0.down.at(row, height).0, self.0.across.at(column, width).0)
    }

    fn blended(&self, at: &dyn Fn(usize, usize) -> f32, pixel: Pixel) -> f32 {
        let Pixel { row, column, of: [height, width] } = pixel;
        let ((i, down), (j, across)) =
            (self.0.down.at(row, height), self.0.across.at(column, width));
        let (below, right) = ((i + 1).min(height - 1), (j + 1).min(width - 1));
        let line = |row: usize| at(row, j) + (at(row, right) - at(row, j)) * across;
        line(i) + (line(below) - line(i)) * down
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
