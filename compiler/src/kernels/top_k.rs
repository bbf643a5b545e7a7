//! The greatest or least elements along an axis, or where they are.

use crate::error::Result;
use crate::interp::Array;
use crate::ir::{self, Op};
use crate::kernels::host::Host;
use crate::kernels::site::Site;
use crate::kernels::spec::{Extent, Flow, Spec};
use crate::kernels::value::{Constant, Invocation, Value};

/// The first elements of floats in an order.
#[derive(Clone, Debug, PartialEq)]
pub struct TopK {
    /// The operator.
    pub top_k: ir::op::TopK,
    /// Elements outside, along and inside the axis in the memory of its operand.
    pub shape: [usize; 3],
}

impl Spec for TopK {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        let [outer, axis, inner] = self.shape.map(Value::size);
        let ir::op::TopK { count, least, last, places, .. } = self.top_k;
        let [least, last, places] = [least, last, places].map(Value::Flag);
        let fields = [
            ("outer", outer),
            ("axis", axis),
            ("inner", inner),
            ("count", Value::size(count)),
            ("least", least),
            ("last", last),
            ("places", places),
        ];
        vec![Constant::of_fields("kernel::top_k::TopK", [], fields)]
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        Invocation::method("run", [Value::First, Value::Result])
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let values = host.along(0).expect("something is ranked");
        let x = Array { shape: self.shape.to_vec(), values };
        let op = Op::TopK(ir::op::TopK { axis: 1, ..self.top_k });
        let [outer, _, inner] = self.shape;
        let y = host.oracle(op, &[outer, self.top_k.count, inner], &[(0, x)])?;
        host.put_along(&y);
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }
}
