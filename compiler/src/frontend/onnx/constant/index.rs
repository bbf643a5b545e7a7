//! Operators that pick elements by place, on constants: GatherElements, GatherND, NonZero, OneHot, Trilu.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::constant::{constant_at, integers};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::fold;
use crate::frontend::onnx::store::checked_len;
use crate::frontend::onnx::tensor::Constant;
use crate::ir::{Dtype, Values};

/// GatherElements: each index picks along `axis`, at its own place in the other dimensions.
pub(in super::super) fn gather_elements(call: &mut Call<'_>) -> Made {
    let [x, indices] = [constant_at(call, 0)?, constant_at(call, 1)?];
    let axis = call.axis(call.int("axis", 0)?, x.shape.len())?;
    let offsets = element_offsets(call, &x.shape, &indices, axis)?;
    call.spend(x.values.dtype(), offsets.len())?;
    let values = fold::pick(&x.values, offsets.into_iter());
    call.emit_const(Constant { shape: indices.shape, values })
}

/// Where in `shape` each index along `axis` points, its own place giving the other dimensions.
pub(super) fn element_offsets(
    call: &Call<'_>,
    shape: &[usize],
    indices: &Constant,
    axis: usize,
) -> Result<Vec<usize>, Fault> {
    let others = indices.shape.iter().zip(shape).enumerate();
    if indices.shape.len() != shape.len()
        || others.clone().any(|(i, (len, size))| i != axis && len > size)
    {
        let found = &indices.shape;
        return Err(Fault::Misfit(format!("indices of shape {found:?} into {shape:?}")));
    }
    let listed = integers(&indices.values)?;
    let mut offsets = Vec::with_capacity(listed.len());
    for (at, index) in listed.into_iter().enumerate() {
        let (mut rest, mut offset, mut stride) = (at, 0, 1);
        for i in (0..shape.len()).rev() {
            let own = rest % indices.shape[i];
            rest /= indices.shape[i];
            let place = if i == axis { call.axis(index, shape[i])? } else { own };
            offset += place * stride;
            stride *= shape[i];
        }
        offsets.push(offset);
    }
    Ok(offsets)
}

/// GatherND: each row of indices picks what is left of an image when its first dimensions are fixed.
pub(in super::super) fn gather_nd(call: &mut Call<'_>) -> Made {
    let [x, indices] = [constant_at(call, 0)?, constant_at(call, 1)?];
    let batch = call.int("batch_dims", 0)?;
    let batch = usize::try_from(batch).ok().filter(|batch| {
        *batch < indices.shape.len()
            && *batch < x.shape.len()
            && indices.shape[..*batch] == x.shape[..*batch]
    });
    let batch = batch.ok_or_else(|| {
        Fault::Misfit(format!("batch_dims of {:?} into {:?}", indices.shape, x.shape))
    })?;
    let rows = row_offsets(call, &x.shape, &indices, batch)?;
    let (len, named) = (rows.len, batch + rows.named);
    let shape = [&indices.shape[..indices.shape.len() - 1], &x.shape[named..]].concat();
    call.spend(x.values.dtype(), checked_len(&shape)?)?;
    let offsets = rows.starts.into_iter().flat_map(|start| start..start + len);
    let values = fold::pick(&x.values, offsets);
    call.emit_const(Constant { shape, values })
}

/// Stretches of elements that rows of indices point at.
pub(super) struct Rows {
    /// First element of each.
    pub(super) starts: Vec<usize>,
    /// Elements of each.
    pub(super) len: usize,
    /// Dimensions that a row of indices names.
    pub(super) named: usize,
}

/// Where in `shape`, behind `batch` dimensions that both have, each row of indices points.
pub(super) fn row_offsets(
    call: &Call<'_>,
    shape: &[usize],
    indices: &Constant,
    batch: usize,
) -> Result<Rows, Fault> {
    let misfit = || Fault::Misfit(format!("indices of shape {:?} into {shape:?}", indices.shape));
    let (named, places) = indices.shape.split_last().ok_or_else(misfit)?;
    let end = batch.checked_add(*named).filter(|end| *named > 0 && *end <= shape.len());
    let end = end.ok_or_else(misfit)?;
    let len: usize = shape[end..].iter().product();
    let listed = integers(&indices.values)?;
    let inside: usize = shape[batch..].iter().product();
    let each: usize = places[batch..].iter().product();
    let mut starts = Vec::with_capacity(listed.len() / named);
    for (at, row) in listed.chunks(*named).enumerate() {
        let mut place = 0;
        for (index, size) in row.iter().zip(&shape[batch..end]) {
            place = place * size + call.axis(*index, *size)?;
        }
        starts.push(at / each * inside + place * len);
    }
    Ok(Rows { starts, len, named: *named })
}

/// NonZero: the places of what is not 0, a column each.
pub(in super::super) fn non_zero(call: &mut Call<'_>) -> Made {
    let Constant { shape, values } = constant_at(call, 0)?;
    if shape.is_empty() {
        return Err(Fault::Unsupported("a single number; supported: tensors".into()));
    }
    call.spend(values.dtype(), values.len())?;
    let found: Vec<usize> = match &values {
        Values::F32(x) => (0..x.len()).filter(|at| x[*at] != 0.0).collect(),
        other => {
            let x = integers(other)?;
            (0..x.len()).filter(|at| x[*at] != 0).collect()
        }
    };
    call.spend(Dtype::I64, found.len().saturating_mul(shape.len()))?;
    let mut places = Vec::with_capacity(found.len() * shape.len());
    for axis in 0..shape.len() {
        let inner: usize = shape[axis + 1..].iter().product();
        places.extend(found.iter().map(|at| (at / inner % shape[axis]) as i64));
    }
    call.emit_const(Constant { shape: vec![shape.len(), found.len()], values: Values::I64(places) })
}

/// OneHot: along a new dimension one number where the index says, another elsewhere.
pub(in super::super) fn one_hot(call: &mut Call<'_>) -> Made {
    let (indices, pair, depth) = (constant_at(call, 0)?, constant_at(call, 2)?, depth(call)?);
    if pair.values.len() != 2 {
        return Err(Fault::Misfit(format!(
            "{} values; off and on belong there",
            pair.values.len()
        )));
    }
    let rank = indices.shape.len();
    let axis = call.axis(call.int("axis", -1)?, rank + 1)?;
    let mut shape = indices.shape;
    shape.insert(axis, depth);
    let len = checked_len(&shape)?;
    call.spend(pair.values.dtype(), len)?;
    let listed = whole(&indices.values);
    let inner: usize = shape[axis + 1..].iter().product();
    let is_on = |at: usize| {
        let (outer, place, inside) = (at / inner / depth, at / inner % depth, at % inner);
        let index = listed[outer * inner + inside];
        (if index < 0 { index.saturating_add(depth as i64) } else { index }) == place as i64
    };
    let values = fold::pick(&pair.values, (0..len).map(|at| usize::from(is_on(at))));
    call.emit_const(Constant { shape, values })
}

/// The size of OneHot's new dimension.
pub(in super::super) fn depth(call: &Call<'_>) -> Result<usize, Fault> {
    match whole(&constant_at(call, 1)?.values).as_slice() {
        &[depth] if depth >= 0 => Ok(depth as usize),
        other => Err(Fault::Misfit(format!("depth {other:?}; one size belongs there"))),
    }
}

/// Numbers as integers; floats are cut.
fn whole(values: &Values) -> Vec<i64> {
    let cut = |floats: &[f32]| floats.iter().map(|x| *x as i64).collect();
    fold::ints(values).unwrap_or_else(|| values.as_f32().map_or_else(Vec::new, cut))
}

/// Trilu: a triangle of each matrix, zeros elsewhere.
pub(in super::super) fn trilu(call: &mut Call<'_>) -> Made {
    let Constant { shape, values } = constant_at(call, 0)?;
    let &[.., rows, columns] = shape.as_slice() else {
        return Err(Fault::Misfit(format!("its operand {shape:?} is no matrix")));
    };
    let diagonal = match call.const_ints(1)?.as_deref() {
        None => 0,
        Some(&[diagonal]) => diagonal,
        Some(other) => {
            return Err(Fault::Misfit(format!("diagonals {other:?}; one belongs there")));
        }
    };
    let upper = call.int("upper", 1)? != 0;
    call.spend(values.dtype(), values.len())?;
    let kept = |at: usize| {
        let (row, column) = ((at / columns % rows) as i64, (at % columns) as i64);
        let edge = row.saturating_add(diagonal);
        if upper { column >= edge } else { column <= edge }
    };
    let values = match values {
        Values::F32(x) => Values::F32(triangle(x, kept)),
        Values::I8(x) => Values::I8(triangle(x, kept)),
        Values::U8(x) => Values::U8(triangle(x, kept)),
        Values::I32(x) => Values::I32(triangle(x, kept)),
        Values::I64(x) => Values::I64(triangle(x, kept)),
    };
    call.emit_const(Constant { shape, values })
}

fn triangle<T: Default>(x: Vec<T>, kept: impl Fn(usize) -> bool) -> Vec<T> {
    x.into_iter().enumerate().map(|(at, x)| if kept(at) { x } else { T::default() }).collect()
}
