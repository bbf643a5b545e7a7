//! Arithmetic of shapes, for operators and for front ends.

/// Greatest number of elements a tensor may have.
pub const MAX_LEN: usize = 1 << 31;

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

/// Height and width of what a window makes of an image; `Err` where it does not fit.
pub fn window_shape(
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
