//! Readers of operators that look along dimensions: ArgMax, ArgMin, TopK and reductions of integers on constants, CumSum
//! of any values.

use std::cmp::Ordering;

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::constant::{constant_at, integers};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::tensor::Constant;
use crate::frontend::onnx::{fold, reduce};
use crate::ir::op::CumSum;
use crate::ir::{Dtype, Op, Reducer, Values};

/// Which of two elements is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Wanted {
    /// The greater.
    Greatest,
    /// The smaller.
    Least,
}

impl Wanted {
    /// The order of two elements, the wanted one first.
    fn order<T: PartialOrd>(self, a: &T, b: &T) -> Ordering {
        let order = a.partial_cmp(b).unwrap_or(Ordering::Equal);
        if self == Self::Greatest { order.reverse() } else { order }
    }
}

/// ArgMax and ArgMin: of equals the first, or the last.
pub(in super::super) fn arg(call: &mut Call<'_>, wanted: Wanted) -> Made {
    let x = ordered(call)?;
    let axis = call.axis(call.int("axis", 0)?, x.shape.len())?;
    let last = call.flag("select_last_index")?;
    let along = Along::read(call, x, axis)?;
    let chosen = along.each(|values| {
        let mut places: Vec<usize> = (0..along.len).collect();
        places.sort_by(|a, b| values.order(wanted, *a, *b));
        let equals = |place: &&usize| values.order(wanted, places[0], **place).is_eq();
        let at = if last { places.iter().filter(equals).count() - 1 } else { 0 };
        places[at] as i64
    });
    let mut shape = along.shape.clone();
    match call.int("keepdims", 1)? {
        0 => drop(shape.remove(axis)),
        _ => shape[axis] = 1,
    }
    call.emit_const(Constant { shape, values: Values::I64(chosen) })
}

/// TopK: elements and their places, the wanted ones first, of equals the first.
pub(in super::super) fn top_k(call: &mut Call<'_>) -> Made {
    let x = ordered(call)?;
    let axis = call.axis(call.int("axis", -1)?, x.shape.len())?;
    let wanted = if call.int("largest", 1)? == 0 { Wanted::Least } else { Wanted::Greatest };
    let count = count(call, x.shape[axis])?;
    let along = Along::read(call, x, axis)?;
    let places = along.each(|values| {
        let mut places: Vec<usize> = (0..along.len).collect();
        places.sort_by(|a, b| values.order(wanted, *a, *b));
        places.truncate(count);
        places
    });
    let mut shape = along.shape.clone();
    shape[axis] = count;
    let inner = along.inner;
    let (mut offsets, mut indices) = (Vec::new(), Vec::new());
    for at in 0..shape.iter().product() {
        let (outer, rank, inside) = (at / inner / count, at / inner % count, at % inner);
        let place = places[outer * inner + inside][rank];
        offsets.push((outer * along.len + place) * inner + inside);
        indices.push(place as i64);
    }
    call.spend(Dtype::I64, indices.len())?;
    let values = fold::pick(&along.values, offsets.into_iter());
    let mut made = call.emit_const(Constant { shape: shape.clone(), values })?;
    let name = call.result_name(1);
    made.push(call.graph.add_const(name, shape, Values::I64(indices)));
    Ok(made)
}

/// How many of `len` elements TopK wants.
pub(in super::super) fn count(call: &Call<'_>, len: usize) -> Result<usize, Fault> {
    let count = match call.const_ints(1)?.as_deref() {
        None => call.int("k", -1)?,
        Some(&[count]) => count,
        Some(other) => return Err(Fault::Misfit(format!("counts {other:?}; one belongs there"))),
    };
    let count = usize::try_from(count).ok().filter(|count| *count <= len);
    count.ok_or_else(|| Fault::Misfit(format!("its count is not within {len}")))
}

/// CumSum: each element with those before it, or behind it.
pub(in super::super) fn cum_sum(call: &mut Call<'_>) -> Made {
    let id = call.any(0)?;
    let axis = match call.const_ints(1)?.as_deref() {
        Some(&[axis]) => call.axis(axis, call.shape(id).len())?,
        other => return Err(Fault::Misfit(format!("dimensions {other:?}; one belongs there"))),
    };
    let (exclusive, reverse) = (call.flag("exclusive")?, call.flag("reverse")?);
    let Some(values) = call.numbers(id) else {
        let x = call.float(0)?;
        return call.emit(Op::CumSum(CumSum { axis, exclusive, reverse }), &[x]);
    };
    let x = Constant { shape: call.shape(id), values: values.into_owned() };
    let along = Along::read(call, x, axis)?;
    let order: Vec<usize> =
        if reverse { (0..along.len).rev().collect() } else { (0..along.len).collect() };
    let values = match &along.values {
        Values::F32(x) => Values::F32(along.running(x, &order, exclusive, |a, b| Some(a + b))?),
        other => {
            let x = integers(other)?;
            Values::I64(along.running(&x, &order, exclusive, i64::checked_add)?)
        }
    };
    call.emit_const(Constant { shape: along.shape, values })
}

/// A reduction of constant integers.
pub(in super::super) fn reduce(call: &mut Call<'_>, kind: Reducer) -> Made {
    let x = constant_at(call, 0)?;
    call.spend(Dtype::I64, x.values.len())?;
    let id = call.any(0)?;
    let (axes, shape) = reduce::slices(call, id)?;
    let kept = (0..x.shape.len()).filter(|axis| !axes.contains(axis));
    let perm: Vec<usize> = kept.chain(axes.iter().copied()).collect();
    let to: Vec<usize> = perm.iter().map(|axis| x.shape[*axis]).collect();
    let len: usize = axes.iter().map(|axis| x.shape[*axis]).product();
    if x.values.is_empty() {
        return Err(Fault::Misfit(format!("its operand {:?} has no element", x.shape)));
    }
    let moved = fold::values(&Op::Transpose(perm), &[(&x.shape, &x.values)], &to)?;
    let moved = integers(&moved.unwrap_or(x.values))?;
    let values: Option<Vec<i64>> = moved.chunks(len).map(|slice| reduced(kind, slice)).collect();
    let values = values.ok_or_else(|| Fault::Misfit("it has no 64-bit result".into()))?;
    call.emit_const(Constant { shape, values: Values::I64(values) })
}

/// The reduction of a slice that is not empty; a mean is cut to an integer.
fn reduced(kind: Reducer, slice: &[i64]) -> Option<i64> {
    let sum = || slice.iter().try_fold(0i64, |sum, x| sum.checked_add(*x));
    match kind {
        Reducer::Sum => sum(),
        Reducer::Mean => Some(sum()? / slice.len() as i64),
        Reducer::Max => slice.iter().copied().max(),
        Reducer::Min => slice.iter().copied().min(),
    }
}

/// The constant at port 0, whose elements have an order.
fn ordered(call: &Call<'_>) -> Result<Constant, Fault> {
    let x = constant_at(call, 0)?;
    match x.values.as_f32() {
        Some(floats) if floats.iter().any(|x| x.is_nan()) => {
            Err(Fault::Unsupported("operand 0 that holds NaN, which has no order".into()))
        }
        _ => Ok(x),
    }
}

/// A constant as lines along one dimension.
struct Along {
    shape: Vec<usize>,
    values: Values,
    /// Elements of a line, and the distance between them.
    len: usize,
    inner: usize,
}

/// One line: its first element and its neighbours' distance.
struct Line<'a> {
    values: &'a Values,
    start: usize,
    stride: usize,
}

impl Line<'_> {
    /// The order of the elements at two places, the wanted one first.
    fn order(&self, wanted: Wanted, a: usize, b: usize) -> Ordering {
        let [a, b] = [a, b].map(|place| self.start + place * self.stride);
        match self.values {
            Values::F32(x) => wanted.order(&x[a], &x[b]),
            Values::I8(x) => wanted.order(&x[a], &x[b]),
            Values::U8(x) => wanted.order(&x[a], &x[b]),
            Values::I32(x) => wanted.order(&x[a], &x[b]),
            Values::I64(x) => wanted.order(&x[a], &x[b]),
        }
    }
}

impl Along {
    /// `x` along `axis`, paid for.
    fn read(call: &mut Call<'_>, x: Constant, axis: usize) -> Result<Self, Fault> {
        let Constant { shape, values } = x;
        if values.is_empty() {
            return Err(Fault::Misfit(format!("its operand {shape:?} has no element")));
        }
        call.spend(values.dtype(), values.len())?;
        let (len, inner) = (shape[axis], shape[axis + 1..].iter().product());
        Ok(Self { shape, values, len, inner })
    }

    /// First elements of the lines.
    fn starts(&self) -> impl Iterator<Item = usize> + '_ {
        let lines = self.values.len() / self.len;
        (0..lines).map(|line| line / self.inner * self.inner * self.len + line % self.inner)
    }

    /// `f` of each line.
    fn each<R>(&self, f: impl Fn(Line<'_>) -> R) -> Vec<R> {
        let line = |start| Line { values: &self.values, start, stride: self.inner };
        self.starts().map(|start| f(line(start))).collect()
    }

    /// Sums of what comes before each element in `order`, it included unless `exclusive`.
    fn running<T: Copy + Default>(
        &self,
        x: &[T],
        order: &[usize],
        exclusive: bool,
        add: fn(T, T) -> Option<T>,
    ) -> Result<Vec<T>, Fault> {
        let mut sums = vec![T::default(); x.len()];
        for start in self.starts() {
            let mut sum = T::default();
            for (at, place) in order.iter().enumerate() {
                let own = start + place * self.inner;
                if exclusive {
                    sums[own] = sum;
                }
                sum = if at == 0 { x[own] } else { add(sum, x[own]).ok_or_else(overflow)? };
                if !exclusive {
                    sums[own] = sum;
                }
            }
        }
        Ok(sums)
    }
}

fn overflow() -> Fault {
    Fault::Misfit("a sum has no 64-bit result".into())
}
