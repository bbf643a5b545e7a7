//! The distance of requantisation in integers from that in floats: operator by operator, on the same operands.

use std::collections::BTreeMap;
use std::fmt;

use mnv2c::error::{Error, Result};
use mnv2c::interp::{self, Array};
use mnv2c::ir::{Arithmetic, Graph, NodeId, Op};

/// Bytes that were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    /// Values that quantised operators make.
    pub(crate) bytes: usize,
    /// Those that are a step off.
    pub(crate) off: usize,
}

/// Counts the bytes of `graph` that integers round otherwise than floats; refuses more than a step.
pub(crate) fn count(graph: &Graph, inputs: &[Array]) -> Result<Steps> {
    let (mut float, mut fixed) = (graph.clone(), graph.clone());
    (float.arithmetic, fixed.arithmetic) = (Arithmetic::Float, Arithmetic::Fixed);
    let mut steps = Steps::default();
    let mut values: BTreeMap<NodeId, Array> = BTreeMap::new();
    let mut far = Ok(());
    interp::watch(&float, inputs, |id, array| {
        if far.is_ok() && matches!(graph.node(id).op, Op::Quant(_)) {
            far = compare(&fixed, id, array, &values, &mut steps);
        }
        values.insert(id, array.clone());
    })?;
    far.map(|()| steps)
}

/// Compares what floats make of node `id` with what integers make of the same operands.
fn compare(
    fixed: &Graph,
    id: NodeId,
    floats: &Array,
    values: &BTreeMap<NodeId, Array>,
    steps: &mut Steps,
) -> Result<()> {
    let Some(floats) = floats.values.as_u8() else { return Ok(()) };
    let operand = |(_, x): (_, NodeId)| match (values.get(&x), fixed.constant(x)) {
        (Some(value), _) => value.clone(),
        (None, Some(values)) => {
            Array { shape: fixed.node(x).out.shape.clone(), values: values.clone() }
        }
        (None, None) => unreachable!("operands come before their readers"),
    };
    let operands: Vec<Array> = fixed.operands(id).into_iter().map(operand).collect();
    let answer = interp::eval(fixed, id, &operands.iter().collect::<Vec<_>>())?;
    let pairs = floats.iter().zip(answer.values.as_u8().unwrap_or_default());
    for (float, whole) in pairs {
        steps.bytes += 1;
        steps.off += usize::from(float != whole);
        if float.abs_diff(*whole) > 1 {
            let name = &fixed.node(id).name;
            let what = format!("{name:?}: floats make {float}, integers {whole}");
            return Err(Error::Program(format!("{what}; they may be one step apart")));
        }
    }
    Ok(())
}

impl Steps {
    /// The greater share of both.
    pub(crate) fn worse(self, other: Self) -> Self {
        if self.off * other.bytes.max(1) > other.off * self.bytes.max(1) { self } else { other }
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes a step off", self.off, self.bytes)
    }
}
