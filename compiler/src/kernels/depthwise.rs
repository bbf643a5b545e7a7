//! Depthwise convolutions, of floats and of bytes: unrolled for common windows, or of any window.

use crate::error::Result;
use crate::ir::Conv;
use crate::kernels::epilogue::Epilogue;
use crate::kernels::host::Host;
use crate::kernels::site::{Operand, Site};
use crate::kernels::spec::{Extent, Footprint, Spec, Work};
use crate::kernels::value::{Constant, Invocation, Side, Value};
use crate::kernels::weights::{PackOrder, Vectors};
use crate::kernels::windows;

/// Depthwise convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Depthwise {
    /// Pixels of a tile.
    pub tile: usize,
    /// The operator.
    pub conv: Conv,
    /// The epilogue of the sums.
    pub epilogue: Epilogue,
}

impl Spec for Depthwise {
    fn constants(&self, site: &Site) -> Vec<Constant> {
        let mut fields = vec![
            ("width", Value::size(site.into.rows.width)),
            ("channels", Value::size(site.first().rows.channels)),
        ];
        let (path, generics) = match self.conv.square_window() {
            Some([k, stride]) => {
                fields.push(windows::pad(&self.conv));
                ("kernel::depthwise::Depthwise", vec![k, stride, self.tile])
            }
            None => {
                fields.extend(windows::window(&self.conv));
                ("kernel::depthwise::DepthwiseAny", vec![self.tile])
            }
        };
        fields.extend([("from", Value::Ring(Side::First)), ("into", Value::Ring(Side::Result))]);
        vec![self.epilogue.kernel(path, generics, fields)]
    }

    fn call(&self, _: &Site, extent: Extent) -> Invocation {
        let part = match extent {
            Extent::Vectors(1) => Value::Tuple(vec![Value::Rows, Value::Panel]),
            Extent::Vectors(vectors) => {
                Value::Tuple(vec![Value::Rows, Value::VectorsOfPanel(vectors)])
            }
            Extent::Some | Extent::All => Value::Rows,
        };
        let [w, x, y] = [Value::Weights, Value::First, Value::Result];
        Invocation::method("run", [Value::Token, w, x, y, part])
    }

    fn takes_token(&self, _: &Site) -> bool {
        true
    }

    fn order(&self, from: &Operand, Vectors { lanes, .. }: Vectors) -> Option<PackOrder> {
        Some(match from.element.bytes() {
            1 => PackOrder::QDepthwise { lanes },
            _ => PackOrder::Depthwise { lanes },
        })
    }

    fn work(&self, _: &Operand) -> Work {
        Work::Windows { taps: self.conv.kernel[0] * self.conv.kernel[1] }
    }

    fn footprint(&self) -> Footprint<'_> {
        Footprint::Channels(&self.conv)
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        host.convolve(&self.conv)
    }

    fn registers(&self) -> Option<[usize; 2]> {
        Some([self.tile, 1])
    }

    fn word(&self) -> Option<&'static str> {
        Some("depthwise")
    }
}
