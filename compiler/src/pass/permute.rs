//! Permutations of dimensions: output dimension `i` is input dimension `perm[i]`, as [`crate::ir::Op::Transpose`] has it.

/// Entries of each dimension, in the order that the dimensions had before `perm`.
pub(crate) fn turned<T: Copy>(per_dimension: &[T], perm: &[usize]) -> Vec<T> {
    inverse(perm).into_iter().map(|axis| per_dimension[axis]).collect()
}

/// The permutation that undoes `perm`.
pub(crate) fn inverse(perm: &[usize]) -> Vec<usize> {
    let mut axes: Vec<usize> = (0..perm.len()).collect();
    axes.sort_by_key(|axis| perm[*axis]);
    axes
}

/// Transposing by `inner` and then by `outer`, as one.
pub(crate) fn composed(outer: &[usize], inner: &[usize]) -> Vec<usize> {
    outer.iter().map(|axis| inner[*axis]).collect()
}

/// Row-major numbers of `shape`, transposed by `perm`.
pub(crate) fn transposed(values: &[f32], shape: &[usize], perm: &[usize]) -> Vec<f32> {
    let stride = |axis: usize| shape[axis + 1..].iter().product::<usize>();
    let mut offsets = vec![0];
    for axis in perm {
        let steps = (0..shape[*axis]).map(|index| index * stride(*axis));
        let steps: Vec<usize> = steps.collect();
        offsets =
            offsets.iter().flat_map(|base| steps.iter().map(move |step| base + step)).collect();
    }
    offsets.into_iter().map(|offset| values[offset]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERM: [usize; 3] = [2, 0, 1];

    #[test]
    fn a_permutation_and_its_inverse_do_nothing() {
        assert_eq!(composed(&PERM, &inverse(&PERM)), [0, 1, 2]);
        assert_eq!(composed(&inverse(&PERM), &PERM), [0, 1, 2]);
    }

    #[test]
    fn turning_undoes_a_transpose_of_the_shape() {
        let shape = [4, 5, 6];
        let there: Vec<usize> = PERM.iter().map(|axis| shape[*axis]).collect();
        assert_eq!(turned(&there, &PERM), shape);
    }

    #[test]
    fn numbers_move_with_their_dimensions() {
        let values: Vec<f32> = (0..6u8).map(f32::from).collect();
        assert_eq!(transposed(&values, &[2, 3], &[1, 0]), [0., 3., 1., 4., 2., 5.]);
        let there = transposed(&values, &[1, 2, 3], &PERM);
        assert_eq!(there, [0., 3., 1., 4., 2., 5.]);
        assert_eq!(transposed(&there, &[3, 1, 2], &inverse(&PERM)), values);
    }
}
