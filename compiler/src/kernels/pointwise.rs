//! The 1x1 convolution and the dense layer, of floats and of bytes.

use crate::error::Result;
use crate::ir::Conv;
use crate::kernels::epilogue::{Epilogue, OTHER};
use crate::kernels::host::Host;
use crate::kernels::site::{Operand, Part, Site, Skip, Strip};
use crate::kernels::spec::{Extent, Flow, Footprint, Spec, Work};
use crate::kernels::value::{Constant, Invocation, Side, Value};
use crate::kernels::weights::{PackOrder, Vectors};
use crate::kernels::windows;

/// 1x1 convolution or dense layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Pointwise {
    /// Pixels and vectors of a tile.
    pub tile: [usize; 2],
    /// The epilogue of the sums.
    pub epilogue: Epilogue,
    /// The source of the residual.
    pub skip: Skip,
    /// True if all rows are one long row.
    pub flat: bool,
}

impl Spec for Pointwise {
    fn constants(&self, site: &Site) -> Vec<Constant> {
        if let Part::Strip(strip) = site.part {
            return self.of_strips(site, strip);
        }
        let (from, into) = (site.first(), site.into);
        let width = if self.flat {
            into.rows.width * into.height / site.shares
        } else {
            into.rows.width.min(from.rows.width)
        };
        let own = self.constant(site, self.tile[0], width);
        [own].into_iter().chain(self.epilogue.constant()).collect()
    }

    fn call(&self, site: &Site, extent: Extent) -> Invocation {
        let [part, other] = match extent {
            Extent::Vectors(_) => [Value::Tuple(vec![Value::Rows, Value::Panel]), OTHER],
            Extent::Some | Extent::All if self.flat => {
                [Value::Range(0..1), Value::LongRing(Side::Second)]
            }
            Extent::Some | Extent::All => [Value::Rows, OTHER],
        };
        self.epilogue.product(site, self.skip, [part, other])
    }

    fn takes_token(&self, _: &Site) -> bool {
        true
    }

    fn order(&self, from: &Operand, vectors: Vectors) -> Option<PackOrder> {
        let columns = self.tile[1] * vectors.lanes;
        Some(windows::panels(
            from,
            columns,
            windows::run(&self.conv(), from, vectors.lanes),
            vectors,
        ))
    }

    fn work(&self, from: &Operand) -> Work {
        Work::Product { depth: from.rows.channels }
    }

    fn footprint(&self) -> Footprint<'_> {
        if self.flat { Footprint::Long } else { Footprint::Points }
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        host.convolve(&self.conv())
    }

    fn flow(&self) -> Flow {
        if self.flat { Flow::Whole } else { Flow::Rows }
    }

    fn skip(&self) -> Skip {
        self.skip
    }

    fn tile(&self) -> Option<[usize; 2]> {
        Some(self.tile)
    }
}

impl Pointwise {
    /// The convolution that it is; a dense layer is one of points.
    fn conv(&self) -> Conv {
        let ([kernel, stride, dilation], pads) = ([[1, 1]; 3], [0; 4]);
        let (clamp, then) = self.epilogue.of_floats();
        Conv { kernel, stride, dilation, pads, group: 1, clamp, activation: then }
    }

    /// The const for rows of so many pixels, by a tile of so many.
    fn constant(&self, site: &Site, pixels: usize, width: usize) -> Constant {
        let ring = |side| if self.flat { Value::LongRing(side) } else { Value::Ring(side) };
        let fields = [
            ("width", Value::size(width)),
            ("c_in", Value::size(site.first().rows.channels)),
            ("c_out", Value::size(site.into.rows.channels)),
            ("from", ring(Side::First)),
            ("into", ring(Side::Result)),
        ];
        let generics = [pixels, self.tile[1]];
        self.epilogue.kernel("kernel::pointwise::Pointwise", generics, fields)
    }

    /// The consts for each width that a strip of columns has: the first columns of a row, the last, and those between.
    fn of_strips(&self, site: &Site, strip: Strip) -> Vec<Constant> {
        let named = |word, pixels, width| Constant {
            word: Some(word),
            ..self.constant(site, pixels, width)
        };
        let first = (strip.first > 0).then(|| named("FIRST", 1, strip.first));
        let ends_short = strip.last > 0 && strip.last < strip.adds;
        let last = ends_short.then(|| named("LAST", strip.last_tile, strip.last));
        let each = self.constant(site, self.tile[0], strip.adds);
        first.into_iter().chain([each]).chain(last).collect()
    }
}

#[cfg(test)]
mod tests {
    use mnv2c_runtime::ring::Rows;

    use super::*;
    use crate::ir::Clamp;
    use crate::kernels::site::Element;

    fn check(part: Part, expected: &[(Option<&str>, [usize; 2])]) {
        let operand = |channels| {
            let rows = Rows::nhwc(8, 8, channels);
            Operand { rows, height: 8, element: Element::F32 }
        };
        let (from, into) = (vec![operand(4)], operand(32));
        let site = Site { from, into, over: false, part, shares: 1 };
        let epilogue = Epilogue::Floats { clamp: Clamp::RELU6, then: None };
        let kernel = Pointwise { tile: [6, 2], epilogue, skip: Skip::None, flat: false };
        let constants = kernel.constants(&site);
        let found: Vec<_> = constants.iter().map(|it| (it.word, it.generics.as_slice())).collect();
        let expected: Vec<_> = expected.iter().map(|(word, it)| (*word, it.as_slice())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn strips_have_a_const_for_each_width() {
        check(Part::Row, &[(None, [6, 2])]);
        let strip = Strip { first: 1, adds: 2, last: 1, last_tile: 1, pixels: 2 };
        let each = [(Some("FIRST"), [1, 2]), (None, [6, 2]), (Some("LAST"), [1, 2])];
        check(Part::Strip(strip), &each);
        check(Part::Strip(Strip { first: 0, last: 2, ..strip }), &[(None, [6, 2])]);
    }
}
