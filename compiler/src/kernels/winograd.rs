//! Convolutions of three by three taps between Winograd's transforms, which save products.

use crate::error::Result;
use crate::ir;
use crate::kernels::epilogue::{Epilogue, OTHER};
use crate::kernels::host::Host;
use crate::kernels::site::{Operand, Site, Skip};
use crate::kernels::spec::{Extent, Flow, Footprint, Spec, Work};
use crate::kernels::value::{Constant, Invocation, Side, Value};
use crate::kernels::weights::{PackOrder, Vectors};
use crate::kernels::windows;

/// A dense 3x3 convolution of stride 1, in tiles of outputs that are made of transformed inputs.
///
/// Its plain loops are the direct sums: transforms change the last places alone, as the order of a sum does.
#[derive(Clone, Debug, PartialEq)]
pub struct Winograd {
    /// Output rows, and pixels, of a tile.
    pub out: usize,
    /// Tiles of the image and vectors of channels whose sums registers hold.
    pub tile: [usize; 2],
    /// Groups of so many tiles that are transformed at once.
    pub groups: usize,
    /// The operator.
    pub conv: ir::Conv,
    /// The epilogue of the sums.
    pub epilogue: Epilogue,
    /// The source of the residual.
    pub skip: Skip,
}

impl Spec for Winograd {
    fn constants(&self, site: &Site) -> Vec<Constant> {
        let (from, into) = (site.first(), site.into);
        let fields = [
            ("size", Value::sizes(&[into.height, into.rows.width])),
            windows::pad(&self.conv),
            ("c_in", Value::size(from.rows.channels)),
            ("c_out", Value::size(into.rows.channels)),
            ("from", Value::Ring(Side::First)),
            ("into", Value::Ring(Side::Result)),
            ("groups", Value::size(self.groups)),
        ];
        let generics = [self.out, self.tile[0], self.tile[1]];
        vec![self.epilogue.kernel("kernel::winograd::Winograd", generics, fields)]
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        let [w, x, y] = [Value::Weights, Value::First, Value::Result];
        let run = Invocation::method("run", [Value::Token, w, x, Value::Scratch, y]);
        Invocation { adding: self.epilogue.residual(site, self.skip, OTHER), ..run }
    }

    fn takes_token(&self, _: &Site) -> bool {
        true
    }

    fn order(&self, _: &Operand, vectors: Vectors) -> Option<PackOrder> {
        Some(PackOrder::Winograd { out: self.out, columns: self.tile[1] * vectors.lanes })
    }

    fn work(&self, from: &Operand) -> Work {
        let points = (self.out + 2) * (self.out + 2);
        Work::Product { depth: from.rows.channels * points / (self.out * self.out) }
    }

    fn footprint(&self) -> Footprint<'_> {
        Footprint::Windows
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        host.convolve(&self.conv)
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }

    fn skip(&self) -> Skip {
        self.skip
    }

    fn tile(&self) -> Option<[usize; 2]> {
        Some(self.tile)
    }
}
