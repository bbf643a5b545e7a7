//! Convolutions of any window and group, of floats and of bytes, but depthwise ones and those of points.

use crate::error::Result;
use crate::ir;
use crate::kernels::epilogue::{Epilogue, OTHER};
use crate::kernels::host::Host;
use crate::kernels::site::{Operand, Site, Skip};
use crate::kernels::spec::{Extent, Footprint, Spec, Work};
use crate::kernels::value::{Constant, Invocation, Side, Value};
use crate::kernels::weights::{PackOrder, Vectors};
use crate::kernels::windows;

/// Any convolution but one of points or a depthwise one.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Pixels and vectors of a tile.
    pub tile: [usize; 2],
    /// The operator.
    pub conv: ir::Conv,
    /// The epilogue of the sums.
    pub epilogue: Epilogue,
    /// The source of the residual.
    pub skip: Skip,
}

impl Spec for Conv {
    fn constants(&self, site: &Site) -> Vec<Constant> {
        let mut fields = vec![("width", Value::size(site.into.rows.width))];
        fields.extend(windows::window(&self.conv));
        fields.extend([
            ("groups", Value::size(self.conv.group)),
            ("c_in", Value::size(site.first().rows.channels)),
            ("c_out", Value::size(site.into.rows.channels)),
            ("from", Value::Ring(Side::First)),
            ("into", Value::Ring(Side::Result)),
        ]);
        let own = self.epilogue.kernel("kernel::conv::Conv", self.tile, fields);
        [own].into_iter().chain(self.epilogue.constant()).collect()
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        self.epilogue.product(site, self.skip, [Value::Rows, OTHER])
    }

    fn takes_token(&self, _: &Site) -> bool {
        true
    }

    fn order(&self, from: &Operand, vectors: Vectors) -> Option<PackOrder> {
        let run = windows::run(&self.conv, from, vectors.lanes);
        Some(windows::panels(from, self.tile[1] * vectors.lanes, run, vectors))
    }

    fn work(&self, from: &Operand) -> Work {
        let [rows, columns] = self.conv.kernel;
        Work::Product { depth: from.rows.channels / self.conv.group * rows * columns }
    }

    fn footprint(&self) -> Footprint<'_> {
        Footprint::Windows
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        host.convolve(&self.conv)
    }

    fn skip(&self) -> Skip {
        self.skip
    }

    fn tile(&self) -> Option<[usize; 2]> {
        Some(self.tile)
    }
}
