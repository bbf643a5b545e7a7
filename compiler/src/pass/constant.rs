//! Constants as passes see them: one number throughout, or one number a channel, whatever shape the file gave them.

use crate::ir::{Graph, NodeId};

/// The value of a constant whose elements are all equal.
pub(crate) fn uniform(graph: &Graph, id: NodeId) -> Option<f32> {
    let values = graph.constant(id)?.as_f32()?;
    let first = *values.first()?;
    values.iter().all(|value| *value == first).then_some(first)
}

/// The value of a uniform constant that changes no shape when broadcast against `shape`.
pub(crate) fn scalar(graph: &Graph, id: NodeId, shape: &[usize]) -> Option<f32> {
    broadcasts_into(&graph.node(id).out.shape, shape).then(|| uniform(graph, id))?
}

/// One number for each index of dimension `axis` of `shape`, if the constant broadcast against `shape` varies with
/// that dimension alone and leaves the shape as it is.
pub(crate) fn per_channel(
    graph: &Graph,
    id: NodeId,
    shape: &[usize],
    axis: usize,
) -> Option<Vec<f32>> {
    let channels = *shape.get(axis)?;
    if let Some(value) = scalar(graph, id, shape) {
        return Some(vec![value; channels]);
    }
    let own = &graph.node(id).out.shape;
    let offset = shape.len().checked_sub(own.len())?;
    let along_axis =
        |(i, dim): (usize, &usize)| *dim == if i + offset == axis { channels } else { 1 };
    let values = graph.constant(id)?.as_f32()?;
    (offset <= axis && own.iter().enumerate().all(along_axis)).then(|| values.to_vec())
}

/// True if broadcasting a tensor of shape `own` against `shape` gives `shape`.
fn broadcasts_into(own: &[usize], shape: &[usize]) -> bool {
    own.len() <= shape.len()
        && own.iter().rev().zip(shape.iter().rev()).all(|(own, dim)| *own == 1 || own == dim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Values;

    fn channels(shape: &[usize], values: &[f32], of: &[usize], axis: usize) -> Option<Vec<f32>> {
        let mut graph = Graph::default();
        let id = graph.add_const("c", shape, Values::F32(values.to_vec()));
        per_channel(&graph, id, of, axis)
    }

    #[test]
    fn channels_may_be_given_in_many_shapes() {
        let of = [1, 2, 4, 5];
        for shape in [&[2, 1, 1][..], &[1, 2, 1, 1]] {
            assert_eq!(channels(shape, &[3., 4.], &of, 1), Some(vec![3., 4.]));
        }
        for shape in [&[][..], &[1], &[1, 1, 1, 1]] {
            assert_eq!(channels(shape, &[3.], &of, 1), Some(vec![3., 3.]));
        }
        assert_eq!(channels(&[2], &[3., 4.], &[7, 2], 1), Some(vec![3., 4.]));
    }

    #[test]
    fn a_constant_along_another_dimension_is_not_per_channel() {
        assert_eq!(channels(&[2], &[3., 4.], &[1, 2, 4, 2], 1), None);
        assert_eq!(channels(&[2, 1], &[3., 4.], &[1, 2, 2, 1], 1), None);
    }

    #[test]
    fn a_constant_that_enlarges_the_result_is_not_per_channel() {
        assert_eq!(channels(&[2, 1, 1], &[3., 4.], &[1, 1, 4, 4], 1), None);
        assert_eq!(channels(&[1, 1, 1, 1, 1], &[3.], &[1, 2, 4, 4], 1), None);
    }
}
