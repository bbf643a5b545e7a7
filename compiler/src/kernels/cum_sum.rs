//! Running sums along an axis.

use crate::error::Result;
use crate::interp::Array;
use crate::ir::{self, Op};
use crate::kernels::host::Host;
use crate::kernels::site::Site;
use crate::kernels::spec::{Extent, Flow, Spec};
use crate::kernels::value::{Constant, Invocation, Value};

/// Running sums of floats.
#[derive(Clone, Debug, PartialEq)]
pub struct CumSum {
    /// The operator.
    pub cum_sum: ir::op::CumSum,
    /// Elements outside, along and inside the axis in memory.
    pub shape: [usize; 3],
}

impl Spec for CumSum {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        let [outer, axis, inner] = self.shape.map(Value::size);
        let [exclusive, reverse] = [self.cum_sum.exclusive, self.cum_sum.reverse].map(Value::Flag);
        let fields = [
            ("outer", outer),
            ("axis", axis),
            ("inner", inner),
            ("exclusive", exclusive),
            ("reverse", reverse),
        ];
        vec![Constant::of_fields("kernel::cum_sum::CumSum", [], fields)]
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        Invocation::method("run", [Value::First, Value::Result])
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let values = host.along(0).expect("sums are of something");
        let x = Array { shape: self.shape.to_vec(), values };
        let op = Op::CumSum(ir::op::CumSum { axis: 1, ..self.cum_sum });
        let y = host.oracle(op, &self.shape, &[(0, x)])?;
        host.put_along(&y);
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }
}
