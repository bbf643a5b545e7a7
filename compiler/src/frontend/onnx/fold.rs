//! Results of operators on constants: shape arithmetic, and weights that are only moved or combined.
//!
//! Floats are computed as the operator would at run time, in f32; integers in i64, truth values are bytes. What is not
//! folded here stays an operator with constant operands.

use crate::ir::{Binary, Op, Slice, Unary, Values, infer};
use crate::proto::tensor_proto::DataType;

/// A constant operand: its shape and numbers.
pub(super) type Operand<'a> = (&'a [usize], &'a Values);

/// The numbers of shape `shape` that `op` makes of constants; `None` if it is not folded. `Err` says what is wrong.
pub(super) fn values(
    op: &Op,
    operands: &[Operand<'_>],
    shape: &[usize],
) -> Result<Option<Values>, String> {
    let Some(&(from, x)) = operands.first() else {
        return Ok(None);
    };
    Ok(match op {
        Op::Reshape | Op::Identity => Some(x.clone()),
        Op::Transpose(perm) => {
            let strides = strides(from);
            let turned: Vec<isize> = perm.iter().map(|axis| strides[*axis]).collect();
            Some(pick(x, Offsets::new(0, &turned, shape)))
        }
        Op::Slice(slice) => Some(sliced(slice, from, x, shape)),
        Op::Expand => Some(expanded((from, x), shape)),
        Op::Concat(axis) => concatenated(*axis, operands),
        Op::Unary(f) => unary(*f, x),
        Op::Binary(f) => match operands {
            [a, b] => binary(*f, *a, *b, shape)?,
            _ => None,
        },
        // Others are computed in floats alone: by the oracle, or at run time.
        _ => None,
    })
}

/// The elements at the given offsets.
pub(super) fn pick(from: &Values, offsets: impl Iterator<Item = usize>) -> Values {
    match from {
        Values::F32(v) => Values::F32(offsets.map(|i| v[i]).collect()),
        Values::I8(v) => Values::I8(offsets.map(|i| v[i]).collect()),
        Values::U8(v) => Values::U8(offsets.map(|i| v[i]).collect()),
        Values::I32(v) => Values::I32(offsets.map(|i| v[i]).collect()),
        Values::I64(v) => Values::I64(offsets.map(|i| v[i]).collect()),
    }
}

/// A constant broadcast to `shape`, which the caller knows to fit.
pub(super) fn expanded((from, x): Operand<'_>, shape: &[usize]) -> Values {
    let own = strides(from);
    let missing = shape.len() - from.len();
    let stride = |i: usize| {
        if i < missing || from[i - missing] == 1 { 0 } else { own[i - missing] }
    };
    let stretched: Vec<isize> = (0..shape.len()).map(stride).collect();
    pick(x, Offsets::new(0, &stretched, shape))
}

/// Integers, widened; `None` for floats.
pub(super) fn ints(values: &Values) -> Option<Vec<i64>> {
    match values {
        Values::I64(v) => Some(v.clone()),
        Values::I32(v) => Some(v.iter().map(|x| i64::from(*x)).collect()),
        Values::I8(v) => Some(v.iter().map(|x| i64::from(*x)).collect()),
        Values::U8(v) => Some(v.iter().map(|x| i64::from(*x)).collect()),
        Values::F32(_) => None,
    }
}

fn sliced(slice: &Slice, from: &[usize], x: &Values, shape: &[usize]) -> Values {
    let own = strides(from);
    let base =
        slice.starts.iter().zip(&own).map(|(start, stride)| start * stride.unsigned_abs()).sum();
    let stepped: Vec<isize> =
        slice.steps.iter().zip(&own).map(|(step, stride)| step * stride).collect();
    pick(x, Offsets::new(base, &stepped, shape))
}

fn concatenated(axis: usize, operands: &[Operand<'_>]) -> Option<Values> {
    /// All operands, if each is of one type.
    fn typed<'a, T: Copy + 'a>(
        operands: &[Operand<'a>],
        outer: usize,
        of: impl Fn(&'a Values) -> Option<&'a [T]>,
    ) -> Option<Vec<T>> {
        let parts: Option<Vec<&[T]>> = operands.iter().map(|(_, values)| of(values)).collect();
        Some(interleaved(&parts?, outer))
    }
    let outer: usize = operands.first()?.0[..axis].iter().product();
    let alike = match operands.first()?.1 {
        Values::F32(_) => return typed(operands, outer, Values::as_f32).map(Values::F32),
        Values::I8(_) => typed(operands, outer, Values::as_i8).map(Values::I8),
        Values::U8(_) => typed(operands, outer, Values::as_u8).map(Values::U8),
        Values::I32(_) => typed(operands, outer, Values::as_i32).map(Values::I32),
        Values::I64(_) => None,
    };
    alike.or_else(|| {
        let parts: Option<Vec<Vec<i64>>> = operands.iter().map(|(_, v)| ints(v)).collect();
        let parts = parts?;
        let parts: Vec<&[i64]> = parts.iter().map(Vec::as_slice).collect();
        Some(Values::I64(interleaved(&parts, outer)))
    })
}

/// `outer` rounds, each taking its share of every part.
fn interleaved<T: Copy>(parts: &[&[T]], outer: usize) -> Vec<T> {
    let share = |part: &&[T], round: usize| {
        let len = part.len() / outer;
        round * len..(round + 1) * len
    };
    let rounds =
        (0..outer).flat_map(|round| parts.iter().map(move |part| &part[share(part, round)]));
    rounds.flatten().copied().collect()
}

fn unary(f: Unary, x: &Values) -> Option<Values> {
    match x {
        Values::F32(x) => {
            let f = float_function(f)?;
            Some(Values::F32(x.iter().map(|x| f(*x)).collect()))
        }
        Values::I64(x) => {
            let f = match f {
                Unary::Neg => i64::checked_neg,
                Unary::Abs => i64::checked_abs,
                _ => return None,
            };
            let values: Option<Vec<i64>> = x.iter().map(|x| f(*x)).collect();
            values.map(Values::I64)
        }
        Values::I8(_) | Values::U8(_) | Values::I32(_) => None,
    }
}

/// The functions that are exact, and so the same wherever they are computed.
fn float_function(f: Unary) -> Option<fn(f32) -> f32> {
    match f {
        Unary::Neg => Some(|x| -x),
        Unary::Abs => Some(f32::abs),
        Unary::Floor => Some(f32::floor),
        Unary::Ceil => Some(f32::ceil),
        Unary::Round => Some(f32::round_ties_even),
        Unary::Trunc => Some(f32::trunc),
        Unary::Sqrt => Some(f32::sqrt),
        Unary::Reciprocal => Some(f32::recip),
        Unary::ToF16 => Some(Unary::nearest_f16),
        Unary::ToBf16 => Some(Unary::nearest_bf16),
        Unary::LeakyRelu(_) | Unary::Elu(_) | Unary::Sigmoid | Unary::HardSigmoid(..) => None,
        Unary::HardSwish | Unary::Silu | Unary::Tanh | Unary::Gelu | Unary::Erf => None,
        Unary::Exp | Unary::Log => None,
    }
}

fn binary(
    f: Binary,
    a: Operand<'_>,
    b: Operand<'_>,
    shape: &[usize],
) -> Result<Option<Values>, String> {
    let (a, b) = (expanded(a, shape), expanded(b, shape));
    if let (Some(a), Some(b)) = (a.as_f32(), b.as_f32()) {
        let f = match f {
            Binary::Add => |a, b| a + b,
            Binary::Sub => |a, b| a - b,
            Binary::Mul => |a, b| a * b,
            Binary::Div => |a, b| a / b,
            // The oracle has the others.
            _ => return Ok(None),
        };
        return Ok(Some(Values::F32(
            a.iter().zip(b).map(|(a, b): (&f32, &f32)| f(*a, *b)).collect(),
        )));
    }
    let (Some(a), Some(b)) = (ints(&a), ints(&b)) else {
        return Err(format!("{} of {} and {}", f.name(), a.dtype(), b.dtype()));
    };
    let values = a.iter().zip(&b).map(|(a, b)| {
        integer(f, *a, *b)
            .ok_or_else(|| format!("{} of {a} and {b} has no 64-bit result", f.name()))
    });
    Ok(Some(Values::I64(values.collect::<Result<_, _>>()?)))
}

fn integer(f: Binary, a: i64, b: i64) -> Option<i64> {
    match f {
        Binary::Add => a.checked_add(b),
        Binary::Sub => a.checked_sub(b),
        Binary::Mul => a.checked_mul(b),
        Binary::Div => a.checked_div(b),
        Binary::Min => Some(a.min(b)),
        Binary::Max => Some(a.max(b)),
        Binary::Pow => a.checked_pow(u32::try_from(b).ok()?),
        // Constants are compared and chosen from by readers of their own.
        _ => None,
    }
}

/// Constants in another type, as C converts them; `None` for types that are not kept.
pub(super) fn converted(values: &Values, kind: DataType) -> Option<Values> {
    let whole =
        || ints(values).or_else(|| Some(values.as_f32()?.iter().map(|x| *x as i64).collect()));
    let reals = || match values.as_f32() {
        Some(floats) => Some(floats.to_vec()),
        None => Some(whole()?.into_iter().map(|x| x as f32).collect()),
    };
    Some(match kind {
        DataType::Float | DataType::Double => Values::F32(reals()?),
        DataType::Float16 => Values::F32(reals()?.into_iter().map(Unary::nearest_f16).collect()),
        DataType::Bfloat16 => Values::F32(reals()?.into_iter().map(Unary::nearest_bf16).collect()),
        DataType::Int64 => Values::I64(whole()?),
        DataType::Int32 => Values::I32(whole()?.into_iter().map(|x| x as i32).collect()),
        DataType::Uint8 => Values::U8(whole()?.into_iter().map(|x| x as u8).collect()),
        DataType::Int8 => Values::I8(whole()?.into_iter().map(|x| x as i8).collect()),
        DataType::Bool => Values::U8(match values.as_f32() {
            Some(floats) => floats.iter().map(|x| u8::from(*x != 0.0)).collect(),
            None => whole()?.into_iter().map(|x| u8::from(x != 0)).collect(),
        }),
        _ => return None,
    })
}

/// Distance in elements between neighbours along each dimension.
fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i] as isize;
    }
    strides
}

/// Offsets of a strided view, its last dimension fastest.
struct Offsets<'a> {
    strides: &'a [isize],
    shape: &'a [usize],
    at: Vec<usize>,
    offset: isize,
    left: usize,
}

impl<'a> Offsets<'a> {
    fn new(base: usize, strides: &'a [isize], shape: &'a [usize]) -> Self {
        let left = infer::checked_len(shape).unwrap_or(0);
        Self { strides, shape, at: vec![0; shape.len()], offset: base as isize, left }
    }
}

impl Iterator for Offsets<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let here = self.offset as usize;
        for i in (0..self.shape.len()).rev() {
            self.at[i] += 1;
            self.offset += self.strides[i];
            if self.at[i] < self.shape[i] {
                break;
            }
            self.offset -= self.strides[i] * self.shape[i] as isize;
            self.at[i] = 0;
        }
        Some(here)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_constants_keep_their_type() {
        let (signed, more) = (Values::I8(vec![1, -2]), Values::I8(vec![3]));
        let joined = concatenated(0, &[(&[2], &signed), (&[1], &more)]);
        assert_eq!(joined, Some(Values::I8(vec![1, -2, 3])));
        let wide = Values::I64(vec![4]);
        let joined = concatenated(0, &[(&[2], &signed), (&[1], &wide)]);
        assert_eq!(joined, Some(Values::I64(vec![1, -2, 4])));
    }
}
