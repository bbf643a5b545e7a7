//! The integers that floats carry, where the caller takes them.

use crate::error::Result;
use crate::ir::Dtype;
use crate::ir::op::integers;
use crate::kernels::host::Host;
use crate::kernels::site::Site;
use crate::kernels::spec::{Extent, Flow, Spec};
use crate::kernels::value::{Constant, Invocation, Value};

/// Integers of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integers(pub Dtype);

impl Spec for Integers {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        Vec::new()
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        let arguments = [Value::First, Value::Result];
        Invocation::function("kernel::integers::integers", arguments)
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let x = host.along(0).expect("integers are made of something");
        host.put_along(&integers(self.0, x.as_f32().expect("floats carry them")));
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }
}
