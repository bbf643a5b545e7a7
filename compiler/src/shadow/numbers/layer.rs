//! Convolutions and dense layers over the channels that a call writes, by the loops of the oracle.

use std::ops::Range;

use crate::error::Result;
use crate::interp::Array;
use crate::ir::{Conv, Op, QConv, Quant, Requant, Values};
use crate::kernels::spec::Footprint;
use crate::schedule::Stage;
use crate::shadow::area::Area;
use crate::shadow::numbers::{Numbers, Piece};

impl Numbers<'_> {
    /// A convolution of what a call reads.
    pub(super) fn convolve(&mut self, piece: &Piece<'_>, conv: &Conv) -> Result<()> {
        let (stage, write) = (piece.stage, &piece.write);
        let (area, start) = piece.read(0).expect("a convolution reads an image");
        let count = write.channels.len();
        let first = write.part.channel + write.part.panel * count + write.channels.start;
        let footprint = stage.kernel.footprint();
        let columns = match footprint {
            Footprint::Long | Footprint::Points => {
                write.columns.start
                    ..write.columns.end.min(write.columns.start + area.columns.len() as isize)
            }
            Footprint::Windows | Footprint::Channels(_) => write.columns.clone(),
            Footprint::Pooled
            | Footprint::Clipped
            | Footprint::Elements
            | Footprint::Walk { .. } => unreachable!("convolutions read points or windows"),
        };
        let left = columns.start * conv.stride[1] as isize - conv.pads[1] as isize;
        let span = (columns.len().max(1) - 1) * conv.stride[1]
            + (conv.kernel[1] - 1) * conv.dilation[1]
            + 1;
        let x = Area { columns: left..left + span as isize, ..area.clone() };
        let write = Area { columns, ..write.clone() };
        let group = if let Footprint::Channels(_) = footprint { count } else { conv.group };
        let op = Conv { pads: [0; 4], group, ..conv.clone() };
        let shape = [1, count, write.rows.len(), write.columns.len()];
        let mut operands = vec![(0, self.image(&x, start))];
        operands.extend(self.weights(stage, first..first + count));
        let residual = piece.read(1).map(|(area, start)| (area.clone(), start));
        let over = piece.over.clone().map(|area| (area, piece.start));
        if let Some((area, start)) = residual.or(over) {
            let area = Area { columns: write.columns.clone(), ..area };
            operands.push((3, Array { shape: shape.to_vec(), values: self.read(&area, start) }));
        }
        let y =
            self.apply(stage, self.operator(stage, op, first..first + count), &shape, &operands)?;
        self.write(&write, piece.start, &y);
        Ok(())
    }

    /// The operator of a stage over some of its channels.
    fn operator(&self, stage: &Stage, conv: Conv, channels: Range<usize>) -> Op {
        let some = |requant: &Requant| {
            let multipliers = requant.multipliers[channels.clone()].to_vec();
            Requant { multipliers, ..requant.clone() }
        };
        match &self.graph.node(stage.node).op {
            Op::Quant(Quant::Conv(q)) => {
                let requant = some(&q.requant);
                Op::Quant(Quant::Conv(QConv { conv, requant, ..q.clone() }))
            }
            Op::Quant(Quant::Dense(q)) => {
                let (x_zero, requant, residual) = (q.x_zero, some(&q.requant), None);
                Op::Quant(Quant::Conv(QConv { conv, x_zero, requant, residual }))
            }
            // Dense layers of floats are pointwise convolutions here.
            _ => Op::Conv(conv),
        }
    }

    /// Weights and biases of some channels, as those of a convolution.
    fn weights(&self, stage: &Stage, channels: Range<usize>) -> Vec<(usize, Array)> {
        let is_dense =
            matches!(self.graph.node(stage.node).op, Op::Dense(_) | Op::Quant(Quant::Dense(_)));
        let weights = self.constant(stage.node, 1).expect("weights are constant");
        let weights = if is_dense { turned(&weights) } else { weights };
        let bias = self.constant(stage.node, 2).map(|bias| (2, some(&bias, &channels)));
        [(1, some(&weights, &channels))].into_iter().chain(bias).collect()
    }

    pub(super) fn image(&self, area: &Area, start: usize) -> Array {
        let shape = vec![1, area.channels.len(), area.rows.len(), area.columns.len()];
        Array { shape, values: self.read(area, start) }
    }
}

/// Entries of the first dimension of a constant.
fn some(array: &Array, entries: &Range<usize>) -> Array {
    let Some((all, rest)) = array.shape.split_first() else { return array.clone() };
    let each: usize = rest.iter().product();
    if *entries == (0..*all) {
        return array.clone();
    }
    let range = entries.start * each..entries.end * each;
    let values = match &array.values {
        Values::F32(v) => Values::F32(v[range].to_vec()),
        Values::I8(v) => Values::I8(v[range].to_vec()),
        Values::U8(v) => Values::U8(v[range].to_vec()),
        Values::I32(v) => Values::I32(v[range].to_vec()),
        Values::I64(v) => Values::I64(v[range].to_vec()),
    };
    Array { shape: [&[entries.len()], rest].concat(), values }
}

/// The matrix of a dense layer as the filters of a 1x1 convolution.
fn turned(matrix: &Array) -> Array {
    let (depth, columns) = (matrix.shape[0], matrix.shape[1]);
    let order = (0..columns).flat_map(|column| (0..depth).map(move |k| k * columns + column));
    let values = match &matrix.values {
        Values::F32(v) => Values::F32(order.map(|at| v[at]).collect()),
        Values::I8(v) => Values::I8(order.map(|at| v[at]).collect()),
        other => other.clone(),
    };
    Array { shape: vec![columns, depth, 1, 1], values }
}
