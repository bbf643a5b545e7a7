//! Bytes as floats, maybe in padded rows.

use crate::error::Result;
use crate::ir::Values;
use crate::kernels::host::Host;
use crate::kernels::site::Site;
use crate::kernels::spec::{Extent, Spec};
use crate::kernels::value::{Constant, Invocation, Side, Value};

/// Bytes as floats, maybe in padded rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Widen;

impl Spec for Widen {
    fn constants(&self, site: &Site) -> Vec<Constant> {
        let len = site.into.rows.width * site.into.rows.channels;
        let fields = [("into", Value::Ring(Side::Result)), ("len", Value::size(len))];
        vec![Constant::of_fields("kernel::widen::Widen", [], fields)]
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        Invocation::method("run", [Value::Rows, Value::FirstImage, Value::Result])
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        widen(host);
        Ok(())
    }

    fn loads(&self) -> bool {
        true
    }

    fn word(&self) -> Option<&'static str> {
        Some("load")
    }
}

/// Writes the floats of bytes; floats as they are.
pub(super) fn widen(host: &mut dyn Host) {
    let floats = match host.image().0.values {
        Values::U8(bytes) => Values::F32(bytes.into_iter().map(f32::from).collect()),
        values => values,
    };
    host.put(&floats);
}
