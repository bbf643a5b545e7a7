//! Operators that the runtime computes whole: all of their operands into all of the result.
//!
//! An operator that no row can be made of alone adds here what its struct in the runtime is called and which fields it
//! has. Its plain loops are the oracle's.

use crate::error::Result;
use crate::interp::Array;
use crate::ir::op::{Change, CumSum, Gather, Indexing, NonMaxSuppression, Scatter, TopK};
use crate::ir::{Op, Tensor};
use crate::kernels::host::Host;
use crate::kernels::site::Site;
use crate::kernels::spec::{Extent, Flow, Spec};
use crate::kernels::value::{Constant, Invocation, Value};
use crate::kernels::words;

/// An operator over whole operands, all seen as they lie in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    /// The operator, its axes those of the shapes below.
    op: Op,
    /// The shapes of its operands in memory.
    operands: Vec<Vec<usize>>,
    /// The shape of its result in memory.
    result: Vec<usize>,
}

impl Whole {
    /// The kernel of an operator, if it is one that is computed whole.
    pub fn of(op: &Op, operands: &[&Tensor], result: &Tensor) -> Option<Self> {
        let x = operands.first()?;
        let one =
            |op, operand: Vec<usize>, result| Some(Self { op, operands: vec![operand], result });
        match op {
            Op::CumSum(cum_sum) => {
                let shape = x.along(cum_sum.axis).to_vec();
                one(Op::CumSum(CumSum { axis: 1, ..*cum_sum }), shape.clone(), shape)
            }
            Op::TopK(top_k) => {
                let [outer, axis, inner] = x.along(top_k.axis);
                let result = vec![outer, top_k.count, inner];
                one(Op::TopK(TopK { axis: 1, ..*top_k }), vec![outer, axis, inner], result)
            }
            Op::NonMaxSuppression(_) | Op::Gather(_) | Op::Scatter(_) | Op::Words(_) => {
                let operands = operands.iter().map(|operand| operand.shape.clone()).collect();
                Some(Self { op: op.clone(), operands, result: result.shape.clone() })
            }
            Op::Integers(_) => one(op.clone(), vec![x.len()], vec![result.len()]),
            // Rows can be made of all others, or their kernels have files of their own.
            _ => None,
        }
    }

    /// The fields of a shape that is seen as what lies outside, along and inside an axis.
    fn along(&self) -> [(&'static str, Value); 3] {
        let [outer, axis, inner] = [0, 1, 2].map(|at| Value::size(self.operands[0][at]));
        [("outer", outer), ("axis", axis), ("inner", inner)]
    }

    /// The fields of a non-maximum suppression.
    fn thresholds(&self, op: NonMaxSuppression) -> [(&'static str, Value); 8] {
        let [images, classes, boxes] = [0, 1, 2].map(|at| Value::size(self.operands[1][at]));
        [
            ("images", images),
            ("classes", classes),
            ("boxes", boxes),
            ("count", Value::size(op.count)),
            ("centred", Value::Flag(op.centred)),
            ("overlap", Value::Float(op.overlap)),
            ("score", Value::Float(op.score.unwrap_or(0.0))),
            ("scored", Value::Flag(op.score.is_some())),
        ]
    }
}

/// The fields of what `by` names in a tensor of shape `x`: of which R axes and K dimensions there are, and those.
fn indexed(by: Indexing, x: &[usize], indices: &[usize]) -> Constant {
    let strides = |shape: &[usize]| -> Vec<usize> {
        (1..=shape.len()).map(|end| shape[end..].iter().product()).collect()
    };
    let len = |shape: &[usize]| shape.iter().product::<usize>();
    let named = by.dimensions(x, indices).expect("a verified operator has operands that fit");
    let (sizes, of_named) = (&x[named.clone()], &strides(x)[named.clone()]);
    let [shape, steps, places] = match by {
        Indexing::Axis(axis) => {
            let inner = len(&x[axis + 1..]);
            let shape = vec![len(&x[..axis]), len(indices), inner];
            [shape, vec![x[axis] * inner, 0, 1], vec![0, 1, 0]]
        }
        Indexing::Elements(axis) => {
            let mut steps = strides(x);
            steps[axis] = 0;
            [indices.to_vec(), steps, strides(indices)]
        }
        Indexing::Rows { batch } => {
            let rows = len(&indices[batch..]) / named.len();
            let shape = vec![len(&x[..batch]), rows, len(&x[named.end..])];
            [shape, vec![len(&x[batch..]), 0, 1], vec![rows * named.len(), named.len(), 0]]
        }
    };
    let fields = [
        ("shape", Value::sizes(&shape)),
        ("steps", Value::sizes(&steps)),
        ("places", Value::sizes(&places)),
        ("sizes", Value::sizes(sizes)),
        ("strides", Value::sizes(of_named)),
    ];
    Constant::of_fields("kernel::indexed::Indexed", [shape.len(), sizes.len()], fields)
}

/// The method of the runtime that makes a change.
fn changing(change: Change) -> &'static str {
    match change {
        Change::Replace => "replace",
        Change::Add => "add",
        Change::Mul => "mul",
        Change::Min => "min",
        Change::Max => "max",
    }
}

impl Spec for Whole {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        let flag = |name, is| (name, Value::Flag(is));
        let fields = |path, more: &[(&'static str, Value)]| {
            vec![Constant::of_fields(path, [], [&self.along(), more].concat())]
        };
        match self.op {
            Op::Words(ref words) => vec![words::constant(words, &self.operands, &self.result)],
            Op::CumSum(CumSum { exclusive, reverse, .. }) => {
                let ways = [flag("exclusive", exclusive), flag("reverse", reverse)];
                fields("kernel::cum_sum::CumSum", &ways)
            }
            Op::TopK(TopK { count, least, last, places, .. }) => {
                let ways = [flag("least", least), flag("last", last), flag("places", places)];
                let count = ("count", Value::size(count));
                fields("kernel::top_k::TopK", &[&[count], &ways[..]].concat())
            }
            Op::NonMaxSuppression(suppression) => {
                vec![Constant::of_fields(
                    "kernel::suppression::NonMaxSuppression",
                    [],
                    self.thresholds(suppression),
                )]
            }
            Op::Gather(Gather(by)) | Op::Scatter(Scatter { by, .. }) => {
                vec![indexed(by, &self.operands[0], &self.operands[1])]
            }
            // The others are functions without numbers.
            _ => Vec::new(),
        }
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        let arguments = [Value::First, Value::Result];
        match self.op {
            Op::Words(ref words) => words::call(words),
            Op::Integers(_) => Invocation::function("kernel::integers::integers", arguments),
            Op::NonMaxSuppression(_) => {
                Invocation::method("run", [Value::First, Value::Second, Value::Result])
            }
            Op::Gather(_) => {
                Invocation::method("gather", [Value::First, Value::Second, Value::Result])
            }
            Op::Scatter(Scatter { change, .. }) => Invocation::method(
                changing(change),
                [Value::First, Value::Second, Value::Third, Value::Result],
            ),
            // The others are structs of their numbers.
            _ => Invocation::method("run", arguments),
        }
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let operand = |(port, shape): (usize, &Vec<usize>)| {
            let values = host.along(port).expect("an operator is given its operands");
            (port, Array { shape: shape.clone(), values })
        };
        let operands: Vec<_> = self.operands.iter().enumerate().map(operand).collect();
        let result = host.oracle(self.op.clone(), &self.result, &operands)?;
        host.put_along(&result);
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }
}
