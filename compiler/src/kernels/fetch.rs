//! Rows that the caller is asked for, of floats or of bytes.

use crate::error::Result;
use crate::kernels::host::Host;
use crate::kernels::look_up::look_up;
use crate::kernels::site::{Operand, Site};
use crate::kernels::spec::{Extent, Spec};
use crate::kernels::value::{Callee, Constant, Invocation, Value};
use crate::kernels::weights::{PackOrder, Vectors};
use crate::kernels::widen::widen;

/// Rows that the caller is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetch {
    /// As they are, or floats of bytes.
    Plain,
    /// Bytes, each looked up in the table of its channel.
    LookUp,
}

impl Spec for Fetch {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        Vec::new()
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        let plain = [Value::First, Value::Row, Value::ResultRow];
        match self {
            Self::Plain if site.widens() => Invocation::function("kernel::widen::fetch", plain),
            Self::Plain => {
                let arguments = vec![Value::Row, Value::ResultRow];
                Invocation { callee: Callee::Feed, adding: None, arguments }
            }
            Self::LookUp => {
                let arguments = [Value::First, Value::Row, Value::Weights, Value::ResultRow];
                Invocation::function("kernel::q8::look_up::fetch", arguments)
            }
        }
    }

    fn order(&self, _: &Operand, _: Vectors) -> Option<PackOrder> {
        match self {
            Self::Plain => None,
            Self::LookUp => Some(PackOrder::Tables),
        }
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        match self {
            Self::Plain if host.site().widens() => widen(host),
            Self::Plain => {
                let (image, _) = host.image();
                host.put(&image.values);
            }
            Self::LookUp => look_up(host),
        }
        Ok(())
    }

    fn loads(&self) -> bool {
        true
    }

    fn word(&self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::LookUp => Some("load"),
        }
    }
}
