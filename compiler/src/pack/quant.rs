//! Weights of bytes: biases with the zero point of the input in them, multipliers, and quads of weights.

use mnv2c_runtime::affine::Factor;
use mnv2c_runtime::simd::quads::quad;

use crate::ir::quant::fixed::Fixed;
use crate::ir::quant::tflite::Twice;
use crate::ir::{Arithmetic, Graph, NodeId, Op, Quant, Requant, Values};
use crate::schedule::{Pack, PackOrder};
use crate::target::Target;

/// A pack that is bytes; nothing for one of floats.
pub(super) fn bytes(graph: &Graph, pack: Pack, target: &Target) -> Option<Vec<u8>> {
    let node = graph.node(pack.node);
    match (pack.order, &node.op) {
        (PackOrder::QPanels { columns, run }, _) => {
            Some(Layer::of(graph, pack.node, target).panels(columns, run))
        }
        (PackOrder::QDepthwise { .. }, _) => Some(Layer::of(graph, pack.node, target).vectors()),
        (PackOrder::Table, Op::Quant(Quant::Table(table))) => Some(table.to_vec()),
        (PackOrder::Table, Op::Quant(Quant::Softmax(softmax))) => {
            Some(softmax.powers(graph.arithmetic).into_iter().flat_map(u32::to_le_bytes).collect())
        }
        (PackOrder::Tables, _) => {
            let tables = graph.operand(pack.node, 4).and_then(|tables| graph.constant(tables));
            tables.and_then(Values::as_u8).map(<[u8]>::to_vec)
        }
        (PackOrder::Plain, _) => {
            graph.constant(pack.node).and_then(Values::as_u8).map(<[u8]>::to_vec)
        }
        (PackOrder::Panels { .. } | PackOrder::Pairs { .. } | PackOrder::Depthwise { .. }, _) => {
            None
        }
        (PackOrder::Table | PackOrder::Winograd { .. }, _) => None,
    }
}

/// A convolution or a dense layer of bytes.
struct Layer<'a> {
    /// `[m][c per group][rows][columns]`, or `[k][n]` of a dense layer.
    weights: &'a [i8],
    bias: Option<&'a [i32]>,
    requant: &'a Requant,
    by: Arithmetic,
    x_zero: u8,
    outputs: usize,
    groups: usize,
    depth: usize,
    kernel: [usize; 2],
    is_dense: bool,
    target: Target,
}

impl<'a> Layer<'a> {
    fn of(graph: &'a Graph, id: NodeId, target: &Target) -> Self {
        let operand = |port| graph.operand(id, port).and_then(|operand| graph.constant(operand));
        let weights = operand(1).and_then(Values::as_i8).expect("verified weights are bytes");
        let bias = operand(2).and_then(Values::as_i32);
        let (target, by) = (*target, graph.arithmetic);
        match &graph.node(id).op {
            Op::Quant(Quant::Conv(q)) => {
                let (outputs, kernel) = (graph.node(id).out.shape[1], q.conv.kernel);
                let depth = weights.len() / (outputs * kernel[0] * kernel[1]);
                let (requant, x_zero, groups) = (&q.requant, q.x_zero, q.conv.group);
                let is_dense = false;
                Layer {
                    weights,
                    bias,
                    requant,
                    by,
                    x_zero,
                    outputs,
                    groups,
                    depth,
                    kernel,
                    is_dense,
                    target,
                }
            }
            Op::Quant(Quant::Dense(q)) => {
                let outputs = q.requant.multipliers.len();
                let (requant, x_zero) = (&q.requant, q.x_zero);
                let (groups, depth, kernel, is_dense) = (1, weights.len() / outputs, [1, 1], true);
                Layer {
                    weights,
                    bias,
                    requant,
                    by,
                    x_zero,
                    outputs,
                    groups,
                    depth,
                    kernel,
                    is_dense,
                    target,
                }
            }
            op => unreachable!("{} has no weights of bytes", op.name()),
        }
    }

    /// For each group, panels of `columns` outputs; inputs lie side by side in runs of `run`.
    fn panels(&self, columns: usize, run: usize) -> Vec<u8> {
        let (per_group, row) = (self.outputs / self.groups, self.depth * self.kernel[1]);
        let mut packed = Vec::new();
        for first in (0..self.outputs).step_by(per_group) {
            for panel in (0..per_group).step_by(columns) {
                let channel =
                    |column: usize| (panel + column < per_group).then_some(first + panel + column);
                self.put_factors(&mut packed, (0..columns).map(channel));
                for ky in 0..self.kernel[0] {
                    for start in (0..row).step_by(run) {
                        let len = run.min(row - start);
                        for at in 0..len.div_ceil(4) {
                            self.put_quads(&mut packed, columns, |column, i| {
                                let at = start + quad(len, at)[i]?;
                                let (k, kx) = (at % self.depth, at / self.depth);
                                Some(self.weight(channel(column)?, k, ky, kx))
                            });
                        }
                    }
                }
            }
        }
        packed
    }

    /// Vectors of channels of a depthwise convolution.
    fn vectors(&self) -> Vec<u8> {
        let lanes = self.target.isa.lanes();
        let mut packed = Vec::new();
        for vector in (0..self.outputs).step_by(lanes) {
            let channel = |lane: usize| (vector + lane < self.outputs).then_some(vector + lane);
            self.put_factors(&mut packed, (0..lanes).map(channel));
            for group in 0..self.kernel[0].div_ceil(4) {
                for kx in 0..self.kernel[1] {
                    self.put_quads(&mut packed, lanes, |lane, i| {
                        let ky = Some(4 * group + i).filter(|ky| *ky < self.kernel[0])?;
                        Some(self.weight(channel(lane)?, 0, ky, kx))
                    });
                }
            }
        }
        packed
    }

    /// Biases, less what the zero point adds to each sum, multipliers, and their exponents where they have some.
    fn put_factors(
        &self,
        packed: &mut Vec<u8>,
        channels: impl Iterator<Item = Option<usize>> + Clone,
    ) {
        let zero = i32::from(self.x_zero) - i32::from(self.target.isa.lift());
        let bias = |m: usize| {
            let bias = self.bias.map_or(0, |bias| bias[m]);
            bias.wrapping_sub(zero.wrapping_mul(self.sum(m)))
        };
        let biases = channels.clone().map(|m| m.map_or(0, bias));
        packed.extend(biases.flat_map(i32::to_le_bytes));
        let factors = channels.map(|m| self.factor(m.map_or(0.0, |m| self.requant.multipliers[m])));
        packed.extend(factors.clone().flat_map(|factor| factor.0.to_le_bytes()));
        if matches!(self.arithmetic(), Arithmetic::Tflite | Arithmetic::TfliteDense) {
            packed.extend(factors.flat_map(|factor| factor.1.to_le_bytes()));
        }
    }

    fn arithmetic(&self) -> Arithmetic {
        self.requant.arithmetic(self.by)
    }

    fn factor(&self, multiplier: f64) -> Factor {
        match self.arithmetic() {
            Arithmetic::Float => Factor::float(multiplier as f32),
            Arithmetic::Fixed => {
                let Fixed { mantissa, shift } = Fixed::of(multiplier as f32);
                Factor::fixed(mantissa, shift)
            }
            Arithmetic::Tflite | Arithmetic::TfliteDense => {
                let Twice { mantissa, exponent } = Twice::of(multiplier);
                Factor::twice(mantissa, exponent)
            }
        }
    }

    /// The weights of `columns` outputs for four inputs.
    fn put_quads(
        &self,
        packed: &mut Vec<u8>,
        columns: usize,
        weight: impl Fn(usize, usize) -> Option<i8>,
    ) {
        let (quads, lanes) = (self.target.isa.quads(), self.target.isa.lanes());
        for vector in (0..columns).step_by(lanes) {
            let start = packed.len();
            packed.resize(start + quads.len(lanes), 0);
            for lane in 0..lanes {
                for at in 0..4 {
                    let weight = weight(vector + lane, at).unwrap_or(0);
                    quads.put(&mut packed[start..], lanes, lane, at, weight);
                }
            }
        }
    }

    /// The sum of the weights of output `m`.
    fn sum(&self, m: usize) -> i32 {
        let [rows, columns] = self.kernel;
        let taps = (0..self.depth * rows * columns).map(|at| {
            let (k, tap) = (at / (rows * columns), at % (rows * columns));
            i32::from(self.weight(m, k, tap / columns, tap % columns))
        });
        taps.fold(0, i32::wrapping_add)
    }

    fn weight(&self, m: usize, k: usize, ky: usize, kx: usize) -> i8 {
        let [rows, columns] = self.kernel;
        if self.is_dense {
            return self.weights[k * self.outputs + m];
        }
        self.weights[((m * self.depth + k) * rows + ky) * columns + kx]
    }
}

#[cfg(test)]
mod tests {
    use mnv2c_runtime::affine::{Levels, Pair, Share};
    use mnv2c_runtime::kernel::q8::softmax::QSoftmaxTwice;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::ir::quant::tflite::{Shares, softmax};
    use crate::ir::{Affine, Bounds, QPair, Times};

    /// Scales of one network: within a factor of 4096.
    fn affine() -> impl Strategy<Value = Affine> {
        ((-6.0..6.0_f32), any::<u8>()).prop_map(|(e, zero)| Affine { scale: e.exp2(), zero })
    }

    fn factor(Twice { mantissa, exponent }: Twice) -> Factor {
        Factor::twice(mantissa, exponent)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn kernels_scale_as_the_oracle_does(mantissa in 0..=i32::MAX, exponent in -31..=30, x: i32, shift in 0..31) {
            let (mantissa, x) = (mantissa.cast_unsigned(), x >> shift);
            let twice = Twice { mantissa, exponent };
            prop_assert_eq!(factor(twice).scaled(x), twice.scaled(x));
        }

        #[test]
        fn kernels_add_and_multiply_as_the_oracle_does(a in affine(), b in affine(), y in affine(), x: [u8; 2]) {
            let pair = QPair { a, b, y, bounds: Bounds::ALL };
            let (levels, [x, z]) = (Levels::u8_twice(y.zero), x);
            let Shares { of: [of_a, of_b], whole } = pair.shares();
            let share = |of: Affine, twice| Share { zero: of.zero, factor: factor(twice) };
            let [of_a, of_b] = [share(a, of_a), share(b, of_b)];
            let sum = Pair::Twice { a: of_a, b: of_b, factor: factor(whole), levels };
            prop_assert_eq!(sum.add(x, z), pair.sum(Arithmetic::Tflite, x, z));
            let product = Pair::Twice { a: of_a, b: of_b, factor: factor(pair.twice()), levels };
            prop_assert_eq!(product.mul(x, z), pair.product(Arithmetic::Tflite, Times::Reals, x, z));
        }

        #[test]
        fn kernels_share_as_the_oracle_does(row in vec(any::<u8>(), 1..=1001), scale in -20.0..5.0_f32, spread in 0..8_u32) {
            let powers = softmax::powers(scale.exp2());
            let mut row: Vec<u8> = row.iter().map(|q| q >> spread).collect();
            let expected = softmax::shares(&powers, &row);
            let table: Vec<u8> = powers.into_iter().flat_map(u32::to_le_bytes).collect();
            QSoftmaxTwice { outer: 1, axis: row.len(), inner: 1 }.run_assign(&table, &mut row);
            prop_assert_eq!(row, expected);
        }
    }
}
