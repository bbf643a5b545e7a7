//! Softmax over runs of numbers, of floats and of bytes.

use crate::error::Result;
use crate::interp::Array;
use crate::ir::{self, Arithmetic, Bounds, Op, Quant};
use crate::kernels::host::Host;
use crate::kernels::scales;
use crate::kernels::site::{Operand, Site};
use crate::kernels::spec::{Extent, Flow, Spec};
use crate::kernels::value::{Constant, Invocation, Value};
use crate::kernels::weights::{PackOrder, Vectors};

/// Softmax of floats.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax {
    /// The operator.
    pub softmax: ir::Softmax,
    /// Elements outside, along and inside the axis in memory.
    pub shape: [usize; 3],
}

/// Quantised softmax.
#[derive(Clone, Debug, PartialEq)]
pub struct QSoftmax {
    /// The operator.
    pub softmax: ir::QSoftmax,
    /// The arithmetic, one of integers alone.
    pub by: Arithmetic,
    /// Elements outside, along and inside the axis in memory.
    pub shape: [usize; 3],
}

impl Spec for Softmax {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        vec![Constant::of_fields("kernel::softmax::Softmax", [], fields(self.shape))]
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        let [over, apart] =
            if self.softmax.log { ["run_log_assign", "run_log"] } else { ["run_assign", "run"] };
        if site.over {
            Invocation::method(over, [Value::Result])
        } else {
            Invocation::method(apart, [Value::First, Value::Result])
        }
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let softmax = ir::Softmax { axis: 1, log: self.softmax.log };
        shares(host, Op::Softmax(softmax), self.shape)
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }
}

impl Spec for QSoftmax {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        if self.by == Arithmetic::Tflite {
            let path = "kernel::q8::softmax::QSoftmaxTwice";
            return vec![Constant::of_fields(path, [], fields(self.shape))];
        }
        let levels = scales::levels_of(self.softmax.y.zero, Bounds::ALL, Arithmetic::Fixed);
        let mut fields = fields(self.shape).to_vec();
        fields.extend([("factor", scales::fixed(self.softmax.factor())), ("levels", levels)]);
        vec![Constant::of_fields("kernel::q8::softmax::QSoftmax", [], fields)]
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        if site.over {
            Invocation::method("run_assign", [Value::Weights, Value::Result])
        } else {
            Invocation::method("run", [Value::Weights, Value::First, Value::Result])
        }
    }

    fn order(&self, _: &Operand, _: Vectors) -> Option<PackOrder> {
        Some(PackOrder::Table)
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let softmax = ir::QSoftmax { axis: 1, ..self.softmax };
        shares(host, Op::Quant(Quant::Softmax(softmax)), self.shape)
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }
}

fn fields(shape: [usize; 3]) -> [(&'static str, Value); 3] {
    let [outer, axis, inner] = shape.map(Value::size);
    [("outer", outer), ("axis", axis), ("inner", inner)]
}

/// Writes shares of a whole value along the middle axis of a shape.
fn shares(host: &mut dyn Host, op: Op, shape: [usize; 3]) -> Result<()> {
    let values = host.along(0).expect("shares are of something");
    let x = Array { shape: shape.to_vec(), values };
    let y = host.oracle(op, &shape, &[(0, x)])?;
    host.put_along(&y);
    Ok(())
}
