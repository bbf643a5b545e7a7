//! Rows copied into padded rows, maybe of another form.

use crate::error::Result;
use crate::kernels::host::Host;
use crate::kernels::site::Site;
use crate::kernels::spec::{Extent, Spec};
use crate::kernels::value::{Constant, Invocation, Side, Value};

/// A copy of rows into padded rows, maybe of another form.
#[derive(Clone, Debug, PartialEq)]
pub struct Load;

impl Spec for Load {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        let path = "kernel::copy::Relayout";
        let sides = [Side::First, Side::Result].map(Value::Lying);
        let copy = Value::made("kernel::copy::Relayout::between", sides);
        vec![Constant::own(path, Value::Shifted(Box::new(copy)))]
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        Invocation::method(copying(site), [Value::Rows, Value::First, Value::Result])
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let (image, _) = host.image();
        host.put(&image.values);
        Ok(())
    }

    fn loads(&self) -> bool {
        true
    }

    fn word(&self) -> Option<&'static str> {
        Some("load")
    }
}

/// The method that copies between two sides: numbers may be stored otherwise on either.
pub(super) fn copying(site: &Site) -> &'static str {
    let from = site.from.first().map_or(site.into.element, |from| from.element);
    if from.bytes() == site.into.element.bytes() { "run" } else { "convert" }
}
