//! Where elements lie: strides, and the offsets they give in row-major order of a shape.

/// Elements from one index to the next, per dimension of a row-major array.
pub(super) fn strides(shape: &[usize]) -> Vec<isize> {
    let inner = |dim: usize| shape[dim + 1..].iter().product::<usize>() as isize;
    (0..shape.len()).map(inner).collect()
}

/// Strides with which an array of `shape` is read as if it had the shape `out`, as numpy broadcasts.
pub(super) fn broadcast_strides(shape: &[usize], out: &[usize]) -> Vec<isize> {
    let own = strides(shape);
    let along = |dim: usize| match (dim + shape.len()).checked_sub(out.len()) {
        Some(dim) if shape[dim] != 1 => own[dim],
        Some(_) | None => 0,
    };
    (0..out.len()).map(along).collect()
}

/// The offset of each index of `shape`, in row-major order, when index 0 lies at `start`.
pub(super) fn offsets(shape: &[usize], start: isize, strides: &[isize]) -> Offsets {
    Offsets {
        shape: shape.to_vec(),
        strides: strides.to_vec(),
        index: vec![0; shape.len()],
        at: start,
        left: shape.iter().product(),
    }
}

/// See [`offsets`].
pub(super) struct Offsets {
    shape: Vec<usize>,
    strides: Vec<isize>,
    index: Vec<usize>,
    at: isize,
    left: usize,
}

impl Iterator for Offsets {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let here = self.at as usize;
        for dim in (0..self.shape.len()).rev() {
            self.index[dim] += 1;
            self.at += self.strides[dim];
            if self.index[dim] < self.shape[dim] {
                break;
            }
            self.at -= self.strides[dim] * self.shape[dim] as isize;
            self.index[dim] = 0;
        }
        Some(here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_repeats_missing_and_single_dimensions() {
        let strides = broadcast_strides(&[2, 1], &[2, 2, 2]);
        assert_eq!(strides, [0, 1, 0]);
        let read: Vec<usize> = offsets(&[2, 2, 2], 0, &strides).collect();
        assert_eq!(read, [0, 0, 1, 1, 0, 0, 1, 1]);
    }

    #[test]
    fn a_negative_stride_runs_backwards() {
        assert_eq!(offsets(&[3], 5, &[-2]).collect::<Vec<_>>(), [5, 3, 1]);
    }

    #[test]
    fn a_scalar_has_one_offset_and_an_empty_shape_none() {
        assert_eq!(offsets(&[], 0, &[]).count(), 1);
        assert_eq!(offsets(&[2, 0], 0, &[0, 1]).count(), 0);
    }
}
