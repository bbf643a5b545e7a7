//! Weights of three by three taps at the points of Winograd's transforms: computed in f64 and rounded once.

use crate::ir::{Graph, NodeId};
use crate::pack::operand;

/// The lesser and the greater point of tiles of four outputs; see `runtime::simd::winograd`.
const POINTS: [f64; 2] = [11.0 / 16.0, 3.0 / 2.0];

/// Packs a convolution's weights for tiles of `out` outputs: for each panel of `columns` channels the biases, then for each
/// point, by rows, a row of weights for each input channel.
pub(super) fn put(graph: &Graph, id: NodeId, out: usize, columns: usize, into: &mut Vec<f32>) {
    let (weights, bias) = (operand(graph, id, 1), graph.constant_operand(id, 2));
    let outputs = graph.node(id).out.shape[1];
    let inputs = weights.len() / (9 * outputs);
    let matrix = matrix(out);
    let points = matrix.len() * matrix.len();
    for panel in (0..outputs).step_by(columns) {
        let some = panel..outputs.min(panel + columns);
        into.extend(some.clone().map(|m| bias.map_or(0.0, |bias| bias[m])));
        into.extend(std::iter::repeat_n(0.0, columns - some.len()));
        let start = into.len();
        into.resize(start + points * inputs * columns, 0.0);
        for (column, m) in some.enumerate() {
            for input in 0..inputs {
                let taps = &weights[(m * inputs + input) * 9..][..9];
                let transformed = transformed(&matrix, taps);
                for (point, weight) in transformed.into_iter().enumerate() {
                    into[start + (point * inputs + input) * columns + column] = weight;
                }
            }
        }
    }
}

/// The taps of one input at all points.
fn transformed(matrix: &[[f64; 3]], taps: &[f32]) -> Vec<f32> {
    let at = |row: &[f64; 3], column: &[f64; 3]| -> f64 {
        let terms = (0..9).map(|tap| row[tap / 3] * f64::from(taps[tap]) * column[tap % 3]);
        terms.sum()
    };
    matrix.iter().flat_map(|row| matrix.iter().map(move |column| at(row, column) as f32)).collect()
}

/// For each point, what each tap of a dimension is multiplied by.
fn matrix(out: usize) -> Vec<[f64; 3]> {
    if out == 2 {
        return vec![[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];
    }
    let [a, b] = POINTS;
    let pair = |point: f64, other: f64| {
        let by = 2.0 * point * point * (point * point - other * other);
        [point, -point].map(|point| [1.0 / by, point / by, point * point / by])
    };
    let ([a_rows, b_rows], zero) = ([pair(a, b), pair(b, a)], 1.0 / (a * a * b * b));
    let ends = [[zero, 0.0, 0.0], [0.0, 0.0, 1.0]];
    [&ends[..1], &a_rows, &b_rows, &ends[1..]].concat()
}
