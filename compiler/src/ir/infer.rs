//! Shapes of results from shapes of operands: the one place that knows, for front ends, passes and the verifier.

use crate::ir::{Conv, Gemm, Op, Pad, Pool, Quant, Resize, Scale};

/// Greatest number of elements a tensor may have.
pub const MAX_LEN: usize = 1 << 31;

/// The shape that `op` makes of operands of the given shapes, by port; `None` where the operator itself carries the
/// shape (Input, Const, Reshape, Reduce, Slice, Expand). `Err` says what does not fit.
pub fn shape(op: &Op, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
    let x = || operands.first().copied().ok_or_else(|| format!("{} reads no operand", op.name()));
    let shape = match op {
        Op::Input | Op::Const(_) | Op::Reshape | Op::Reduce(_) | Op::Slice(_) | Op::Expand => {
            return Ok(None);
        }
        Op::Conv(conv) => conv_shape(conv, x()?, operands.get(1).ok_or("conv reads no weights")?)?,
        Op::Pool(pool) => pool_shape(pool, x()?)?,
        Op::Resize(resize) => resized(resize, x()?)?,
        Op::Gemm(gemm) => {
            gemm_shape(*gemm, x()?, operands.get(1).ok_or("gemm reads one operand")?)?
        }
        Op::MatMul => matmul_shape(x()?, operands.get(1).ok_or("matmul reads one operand")?)?,
        Op::Dense(_) => matmul_shape(x()?, operands.get(1).ok_or("dense reads no weights")?)?,
        Op::Binary(_) | Op::PRelu => {
            broadcast(x()?, operands.get(1).ok_or("one operand is missing")?)?
        }
        Op::Transpose(perm) => transposed(perm, x()?)?,
        Op::Concat(axis) => concatenated(*axis, operands)?,
        Op::Pad(pad) => padded(pad, x()?)?,
        Op::BatchNorm(_)
        | Op::Clamp(_)
        | Op::Unary(_)
        | Op::Softmax(_)
        | Op::Relayout
        | Op::Identity => x()?.to_vec(),
        Op::Quant(quant) => quant_shape(quant, x()?, operands.get(1).copied())?,
    };
    checked_len(&shape)?;
    Ok(Some(shape))
}

fn quant_shape(quant: &Quant, x: &[usize], w: Option<&[usize]>) -> Result<Vec<usize>, String> {
    let w = || w.ok_or_else(|| format!("{} reads one operand", quant.name()));
    match quant {
        Quant::Conv(conv) => conv_shape(&conv.conv, x, w()?),
        Quant::Dense(_) => matmul_shape(x, w()?),
        Quant::Add(_) | Quant::Mul(..) => broadcast(x, w()?),
        Quant::Average(average) => pool_shape(&average.pool, x),
        Quant::Mean(_) => match x {
            &[n, c, _, _] => Ok(vec![n, c, 1, 1]),
            _ => Err(format!("qmean needs a rank-4 input, has {x:?}")),
        },
        Quant::Quantize(_) | Quant::Dequantize(_) | Quant::Unpack(_) | Quant::Flip => {
            Ok(x.to_vec())
        }
        Quant::Softmax(_) | Quant::Table(_) => Ok(x.to_vec()),
    }
}

/// The number of elements, unless it is beyond [`MAX_LEN`].
pub fn checked_len(shape: &[usize]) -> Result<usize, String> {
    let len = shape.iter().try_fold(1usize, |len, dim| len.checked_mul(*dim));
    match len {
        Some(len) if len <= MAX_LEN => Ok(len),
        _ => Err(format!("a tensor of shape {shape:?} has more than 2^31 elements")),
    }
}

/// Output size of a window along one dimension; `pads` is the sum of both sides.
pub fn windows(
    size: usize,
    pads: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
) -> Option<usize> {
    let span = kernel.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
    let room = size.checked_add(pads)?.checked_sub(span)?;
    Some(room.checked_div(stride)? + 1)
}

/// The shape of two shapes broadcast against each other, as numpy does.
pub fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let rank = a.len().max(b.len());
    let dim =
        |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    let dims = (0..rank).map(|i| match (dim(a, i), dim(b, i)) {
        (x, y) if x == y || y == 1 => Ok(x),
        (1, y) => Ok(y),
        _ => Err(format!("shapes {a:?} and {b:?} do not broadcast")),
    });
    dims.collect()
}

fn conv_shape(conv: &Conv, x: &[usize], w: &[usize]) -> Result<Vec<usize>, String> {
    let (&[n, c, h, width], &[m, c_per_group, kh, kw]) = (x, w) else {
        return Err(format!("conv needs a rank-4 input and rank-4 weights, has {x:?} and {w:?}"));
    };
    if [kh, kw] != conv.kernel {
        return Err(format!("kernel {:?} but weights {w:?}", conv.kernel));
    }
    if conv.group == 0 || c_per_group.checked_mul(conv.group) != Some(c) || m % conv.group != 0 {
        let group = conv.group;
        return Err(format!(
            "group {group} with {c} input channels and weights {w:?}: need [m, {c}/group, kh, kw]"
        ));
    }
    let [oh, ow] = window_shape([h, width], conv.pads, conv.kernel, conv.stride, conv.dilation)?;
    Ok(vec![n, m, oh, ow])
}

fn pool_shape(pool: &Pool, x: &[usize]) -> Result<Vec<usize>, String> {
    let &[n, c, h, w] = x else {
        return Err(format!("pooling needs a rank-4 input, has {x:?}"));
    };
    let [oh, ow] = window_shape([h, w], pool.pads, pool.kernel, pool.stride, pool.dilation)?;
    Ok(vec![n, c, oh, ow])
}

fn resized(resize: &Resize, x: &[usize]) -> Result<Vec<usize>, String> {
    let &[n, c, h, w] = x else {
        return Err(format!("resize needs a rank-4 input, has {x:?}"));
    };
    let [rows, columns] = resize.size;
    let empty = [h, w, rows, columns, resize.down.per, resize.across.per].contains(&0);
    let fits = |scale: &Scale, size: usize, len: usize| {
        let listed = &scale.listed;
        listed.is_empty() || listed.len() == size && listed.iter().all(|pixel| *pixel < len)
    };
    if empty || !fits(&resize.down, rows, h) || !fits(&resize.across, columns, w) {
        Err(format!("a resize of {x:?} to {rows}x{columns}"))
    } else {
        Ok(vec![n, c, rows, columns])
    }
}

fn window_shape(
    size: [usize; 2],
    pads: [usize; 4],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
) -> Result<[usize; 2], String> {
    let along = |i: usize| {
        let both = pads[i].checked_add(pads[i + 2])?;
        windows(size[i], both, kernel[i], stride[i], dilation[i])
    };
    match (along(0), along(1)) {
        (Some(h), Some(w)) => Ok([h, w]),
        _ => Err(format!(
            "a {kernel:?} window (stride {stride:?}, dilation {dilation:?}, pads {pads:?}) does not fit {size:?}"
        )),
    }
}

fn gemm_shape(gemm: Gemm, a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let (&[a0, a1], &[b0, b1]) = (a, b) else {
        return Err(format!("gemm needs two matrices, has {a:?} and {b:?}"));
    };
    let (m, k) = if gemm.transpose_a { (a1, a0) } else { (a0, a1) };
    let (k_b, n) = if gemm.transpose_b { (b1, b0) } else { (b0, b1) };
    if k == k_b { Ok(vec![m, n]) } else { Err(format!("gemm multiplies depth {k} by depth {k_b}")) }
}

fn matmul_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let ([a_batch @ .., m, k], [b_batch @ .., k_b, n]) = (a, b) else {
        return Err(format!("matmul needs two tensors of rank 2 or more, has {a:?} and {b:?}"));
    };
    if k != k_b {
        return Err(format!("matmul multiplies depth {k} by depth {k_b}"));
    }
    let mut shape = broadcast(a_batch, b_batch)?;
    shape.extend([*m, *n]);
    Ok(shape)
}

fn transposed(perm: &[usize], x: &[usize]) -> Result<Vec<usize>, String> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..x.len()) {
        return Err(format!("{perm:?} is no permutation of the {} dimensions of {x:?}", x.len()));
    }
    Ok(perm.iter().map(|&i| x[i]).collect())
}

fn concatenated(axis: usize, operands: &[&[usize]]) -> Result<Vec<usize>, String> {
    let first = operands.first().ok_or("concat reads nothing")?;
    let mut shape = first.to_vec();
    let Some(total) = shape.get_mut(axis) else {
        return Err(format!("concat along dimension {axis} of {first:?}"));
    };
    *total = 0;
    for operand in operands {
        let fits = |i: usize| i == axis || operand[i] == first[i];
        if operand.len() != first.len() || !(0..first.len()).all(fits) {
            return Err(format!("concat along dimension {axis} of {first:?} and {operand:?}"));
        }
        *total = total.checked_add(operand[axis]).ok_or("concat is too long")?;
    }
    Ok(shape)
}

fn padded(pad: &Pad, x: &[usize]) -> Result<Vec<usize>, String> {
    if pad.before.len() != x.len() || pad.after.len() != x.len() {
        return Err(format!("pads {:?} and {:?} for shape {x:?}", pad.before, pad.after));
    }
    let dim = |i: usize| x[i].checked_add_signed(pad.before[i])?.checked_add_signed(pad.after[i]);
    let shape: Option<Vec<usize>> = (0..x.len()).map(dim).collect();
    shape.ok_or_else(|| format!("pads {:?} and {:?} leave nothing of {x:?}", pad.before, pad.after))
}
