//! Readers of operators that compare and choose: comparisons, logic, Mod and Where, on constants.

use crate::frontend::onnx::arithmetic;
use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::constant::{broadcast, constant_at, integers};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::tensor::Constant;
use crate::ir::{Binary, Values, infer};

/// A comparison of two numbers.
#[derive(Clone, Copy)]
pub(in super::super) enum Comparison {
    /// `a == b`.
    Equal,
    /// `a < b`.
    Less,
    /// `a <= b`.
    LessOrEqual,
    /// `a > b`.
    Greater,
    /// `a >= b`.
    GreaterOrEqual,
}

impl Comparison {
    /// The function of two numbers that is 1 where it holds.
    pub(in super::super) fn function(self) -> Binary {
        match self {
            Self::Equal => Binary::Equal,
            Self::Less => Binary::Less,
            Self::LessOrEqual => Binary::LessOrEqual,
            Self::Greater => Binary::Greater,
            Self::GreaterOrEqual => Binary::GreaterOrEqual,
        }
    }

    /// True if the comparison holds; never for unordered operands.
    fn holds<T: PartialOrd>(self, a: &T, b: &T) -> bool {
        match self {
            Self::Equal => a == b,
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
            Self::Greater => a > b,
            Self::GreaterOrEqual => a >= b,
        }
    }
}

/// Equal, Less and their like.
pub(in super::super) fn compare(call: &mut Call<'_>, comparison: Comparison) -> Made {
    let (shape, a, b) = operands(call)?;
    let values = match (a.as_f32(), b.as_f32()) {
        (Some(a), Some(b)) => zipped(a, b, |a, b| comparison.holds(a, b)),
        _ => zipped(&integers(&a)?, &integers(&b)?, |a, b| comparison.holds(a, b)),
    };
    call.emit_const(Constant { shape, values: truths(values) })
}

/// And, Or and Xor: the function that does it on 0 and 1.
pub(in super::super) fn logic(call: &mut Call<'_>, f: Binary) -> Made {
    let (shape, a, b) = operands(call)?;
    let truth = |x: &i64| f32::from(u8::from(*x != 0));
    let values = zipped(&integers(&a)?, &integers(&b)?, |a, b| f.apply(truth(a), truth(b)) != 0.0);
    call.emit_const(Constant { shape, values: truths(values) })
}

/// Not.
pub(in super::super) fn not(call: &mut Call<'_>) -> Made {
    let x = constant_at(call, 0)?;
    call.spend(x.values.dtype(), x.values.len())?;
    let values = integers(&x.values)?.into_iter().map(|x| x == 0).collect();
    call.emit_const(Constant { shape: x.shape, values: truths(values) })
}

/// Mod of constants: of integers by the sign of the divisor, or as C's `fmod` by that of the dividend.
pub(in super::super) fn modulo(call: &mut Call<'_>) -> Made {
    let (shape, a, b) = operands(call)?;
    let as_c = call.flag("fmod")?;
    let values = match (a.as_f32(), b.as_f32()) {
        (Some(_), Some(_)) if !as_c => {
            return Err(Fault::Misfit("floats without fmod=1".into()));
        }
        (Some(a), Some(b)) => Values::F32(zipped(a, b, |a, b| a % b)),
        _ => {
            let remainder = |a: &i64, b: &i64| {
                let left = a.checked_rem(*b)?;
                let other_side = !as_c && left != 0 && (left < 0) != (*b < 0);
                Some(if other_side { left + b } else { left })
            };
            let values = zipped(&integers(&a)?, &integers(&b)?, remainder);
            let values: Option<Vec<i64>> = values.into_iter().collect();
            Values::I64(values.ok_or_else(|| Fault::Misfit("a divisor is 0".into()))?)
        }
    };
    call.emit_const(Constant { shape, values })
}

/// Where.
pub(in super::super) fn select(call: &mut Call<'_>) -> Made {
    let [which, a, b] = [constant_at(call, 0)?, constant_at(call, 1)?, constant_at(call, 2)?];
    let shape = infer::broadcast(&infer::broadcast(&which.shape, &a.shape)?, &b.shape)?;
    let which = integers(&broadcast(call, &which, &shape)?)?;
    let [a, b] = [broadcast(call, &a, &shape)?, broadcast(call, &b, &shape)?];
    let values = match (a.as_f32(), b.as_f32()) {
        (Some(a), Some(b)) => Values::F32(selected(&which, a, b)),
        _ => Values::I64(selected(&which, &integers(&a)?, &integers(&b)?)),
    };
    call.emit_const(Constant { shape, values })
}

/// Both operands broadcast against each other; before opset 7 only what `broadcast` and `axis` say is broadcast.
fn operands(call: &mut Call<'_>) -> Result<(Vec<usize>, Values, Values), Fault> {
    let [a, mut b] = [constant_at(call, 0)?, constant_at(call, 1)?];
    if call.opset < 7 {
        b.shape = arithmetic::aligned_shape(call, &a.shape, b.shape)?;
    }
    let shape = infer::broadcast(&a.shape, &b.shape)?;
    let [a, b] = [broadcast(call, &a, &shape)?, broadcast(call, &b, &shape)?];
    Ok((shape, a, b))
}

fn zipped<T, R>(a: &[T], b: &[T], f: impl Fn(&T, &T) -> R) -> Vec<R> {
    a.iter().zip(b).map(|(a, b)| f(a, b)).collect()
}

fn truths(values: Vec<bool>) -> Values {
    Values::U8(values.into_iter().map(u8::from).collect())
}

fn selected<T: Copy>(which: &[i64], a: &[T], b: &[T]) -> Vec<T> {
    let pairs = a.iter().zip(b);
    which.iter().zip(pairs).map(|(which, (a, b))| if *which != 0 { *a } else { *b }).collect()
}
