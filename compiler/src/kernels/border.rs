//! Quantisation of floats and dequantisation of bytes.

use mnv2c_runtime::ring::Form;

use crate::error::Result;
use crate::ir::{Affine, Values};
use crate::kernels::host::Host;
use crate::kernels::scales;
use crate::kernels::site::Site;
use crate::kernels::spec::{Extent, Flow, Spec};
use crate::kernels::value::{Constant, Invocation, Side, Value};

/// The nearest byte of each real.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantize(pub Affine);

/// The real of each byte.
#[derive(Clone, Debug, PartialEq)]
pub struct Dequantize(pub Affine);

impl Spec for Quantize {
    fn constants(&self, site: &Site) -> Vec<Constant> {
        if !moves(site) {
            return vec![Constant::own("affine::Affine", scales::affine(self.0))];
        }
        let fields = [
            ("from", Value::Ring(Side::First)),
            ("into", Value::Ring(Side::Result)),
            ("width", Value::size(site.into.rows.width)),
            ("channels", Value::size(site.into.rows.channels)),
            ("to", scales::affine(self.0)),
        ];
        vec![Constant::of_fields("kernel::q8::border::Quantize", [], fields)]
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        if moves(site) {
            let arguments = [Value::Token, Value::First, Value::Result, Value::Rows];
            return Invocation::method("run", arguments);
        }
        let arguments = [Value::Token, Value::Const(None), Value::First, Value::Result];
        Invocation::function("kernel::q8::border::quantize", arguments)
    }

    fn takes_token(&self, _: &Site) -> bool {
        true
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let quantized = |x: &Values| {
            let x = x.as_f32().expect("reals are floats");
            Values::U8(x.iter().map(|x| self.0.quantize(*x)).collect())
        };
        if host.site().first().rows == host.site().into.rows {
            let x = host.along(0).expect("what is quantised lies somewhere");
            host.put_along(&quantized(&x));
        } else {
            let (image, _) = host.image();
            host.put(&quantized(&image.values));
        }
        Ok(())
    }
}

impl Spec for Dequantize {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        vec![Constant::own("affine::Affine", scales::affine(self.0))]
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        let arguments = [Value::Token, Value::Const(None), Value::First, Value::Result];
        Invocation::function("kernel::q8::border::dequantize", arguments)
    }

    fn takes_token(&self, _: &Site) -> bool {
        true
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let bytes = host.along(0).expect("bytes lie somewhere");
        let bytes = bytes.as_u8().expect("bytes are bytes");
        let reals = Values::F32(bytes.iter().map(|q| self.0.dequantize(*q)).collect());
        host.put_along(&reals);
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Slices
    }
}

/// True if floats are quantised row by row: their bytes have another layout, or are an image.
fn moves(site: &Site) -> bool {
    let (from, into) = (site.first(), site.into);
    from.rows != into.rows || (into.rows.form == Form::Nhwc && into.height > 1)
}
