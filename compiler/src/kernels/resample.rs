//! Images of weighted sums: tables of factors, each of which stands once.

use crate::error::Result;
use crate::ir::{self, Samples, Values};
use crate::kernels::host::Host;
use crate::kernels::site::{Operand, Site};
use crate::kernels::spec::{Extent, Footprint, Spec, Work};
use crate::kernels::value::{Constant, Invocation, Side, Value};

/// Rows and columns that are weighted sums of a few of the operand's.
#[derive(Clone, Debug, PartialEq)]
pub struct Resample(pub ir::Resample);

impl Spec for Resample {
    fn constants(&self, site: &Site) -> Vec<Constant> {
        let fields = [
            ("from", Value::Ring(Side::First)),
            ("into", Value::Ring(Side::Result)),
            ("channels", Value::size(site.first().rows.channels)),
            ("down", table(&self.0.down)),
            ("across", table(&self.0.across)),
            ("outside", Value::Float(self.0.outside)),
        ];
        vec![Constant::of_fields("kernel::resample::Resample", [], fields)]
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        Invocation::method("run", [Value::Rows, Value::First, Value::Result])
    }

    fn work(&self, _: &Operand) -> Work {
        Work::Windows { taps: self.0.down.most() * (self.0.across.most() + 1) }
    }

    fn footprint(&self) -> Footprint<'_> {
        Footprint::Clipped
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let ((image, first), width) = (host.image(), host.site().first().rows.width);
        let plane = image.shape[2] * width;
        let planes = image.values.as_f32().unwrap_or_default().chunks_exact(plane.max(1));
        let (rows, columns) = (host.rows(), host.columns());
        let pixels = || rows.clone().flat_map(|row| (0..columns).map(move |column| [row, column]));
        let mut made = Vec::new();
        for plane in planes {
            let at =
                |row: usize, column: usize| plane[(row as isize - first) as usize * width + column];
            made.extend(pixels().map(|pixel| self.0.pixel(pixel, at)));
        }
        host.put(&Values::F32(made));
        Ok(())
    }

    fn word(&self) -> Option<&'static str> {
        Some("resample")
    }
}

/// Starts of the sums of an axis, and the index of each one's factors in the list of different ones.
fn table(samples: &Samples) -> Value {
    let mut lists: Vec<&[f32]> = Vec::new();
    let mut which = Vec::with_capacity(samples.taps.len());
    for taps in &samples.taps {
        let known = lists.iter().position(|list| *list == taps.weights);
        which.push(Value::size(known.unwrap_or(lists.len())));
        if known.is_none() {
            lists.push(&taps.weights);
        }
    }
    let list = |list: &&[f32]| Value::Slice(list.iter().copied().map(Value::Float).collect());
    let fields = [
        ("first", Value::Slice(samples.taps.iter().map(|taps| Value::size(taps.first)).collect())),
        ("which", Value::Slice(which)),
        ("weights", Value::Slice(lists.iter().map(list).collect())),
    ];
    Value::fields("kernel::resample::Samples", fields)
}
