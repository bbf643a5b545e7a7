//! Bytes of an image, each looked up in the table of its channel, maybe in padded rows.

use crate::error::Result;
use crate::ir::Values;
use crate::kernels::host::Host;
use crate::kernels::site::{Operand, Site};
use crate::kernels::spec::{Extent, Spec};
use crate::kernels::value::{Constant, Invocation, Side, Value};
use crate::kernels::weights::{PackOrder, Vectors};

/// Bytes of an image, each looked up in the table of its channel.
#[derive(Clone, Debug, PartialEq)]
pub struct LookUp;

impl Spec for LookUp {
    fn constants(&self, site: &Site) -> Vec<Constant> {
        let fields = [
            ("from", Value::Ring(Side::First)),
            ("into", Value::Ring(Side::Result)),
            ("width", Value::size(site.into.rows.width)),
            ("channels", Value::size(site.into.rows.channels)),
        ];
        vec![Constant::of_fields("kernel::q8::look_up::LookUp", [], fields)]
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        let arguments = [Value::Rows, Value::Weights, Value::First, Value::Result];
        Invocation::method("run", arguments)
    }

    fn order(&self, _: &Operand, _: Vectors) -> Option<PackOrder> {
        Some(PackOrder::Tables)
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        look_up(host);
        Ok(())
    }

    fn loads(&self) -> bool {
        true
    }

    fn word(&self) -> Option<&'static str> {
        Some("load")
    }
}

/// Writes what the packed tables have for each byte, those of a channel one after the other.
pub(super) fn look_up(host: &mut dyn Host) {
    let (image, _) = host.image();
    let each = image.values.len() / image.shape[1].max(1);
    let tables = host.packed();
    let found = image.values.as_u8().unwrap_or_default().iter().enumerate();
    let found = found.map(|(at, q)| tables[at / each.max(1) * 256 + usize::from(*q)]);
    let found = Values::U8(found.collect());
    host.put(&found);
}
