//! Kernels that read windows of an image: convolutions, pools, pictures made larger or smaller.

use std::ops::Range;

use crate::error::Result;
use crate::interp::Array;
use crate::ir::{Blend, Conv, Op, Pool, QAverage, QConv, Quant, Reducer, Requant, Resize, Values};
use crate::schedule::{Kernel, Stage};
use crate::shadow::area::Area;
use crate::shadow::numbers::{Numbers, Piece};

/// What a pool of a whole image has taken so far: the rows of each of its channels.
#[derive(Default)]
pub(super) struct Pooled {
    channels: Vec<Vec<f32>>,
}

impl Numbers<'_> {
    /// What a call makes.
    pub(in crate::shadow) fn call(&mut self, piece: &Piece<'_>, rows: Range<usize>) -> Result<()> {
        match &piece.stage.kernel {
            Kernel::Load | Kernel::Widen | Kernel::LookUp | Kernel::Fetch => self.load(piece),
            Kernel::Quantize(_) if piece.stage.from[0].rows != piece.stage.into.rows => {
                self.load(piece)
            }
            Kernel::Pointwise { .. } | Kernel::Conv { .. } | Kernel::Depthwise { .. } => {
                self.convolve(piece)
            }
            Kernel::Pool(pool) => self.pool(piece, rows, pool, Op::Pool),
            Kernel::QAverage(average) => {
                let op = |pool| Op::Quant(Quant::Average(QAverage { pool, ..*average }));
                self.pool(piece, rows, &average.pool, op)
            }
            Kernel::Resize(resize) => self.resize(piece, rows, resize),
            Kernel::GlobalPool(_) => {
                self.take(piece);
                Ok(())
            }
            Kernel::Softmax { .. } | Kernel::QSoftmax { .. } | Kernel::CumSum { .. } => {
                self.along(piece)
            }
            Kernel::MatMul(_) => self.multiply(piece),
            Kernel::Reduce(kind, copy) => {
                self.fold(piece, *kind, copy);
                Ok(())
            }
            Kernel::Fill(value) => {
                self.filled(piece, *value);
                Ok(())
            }
            Kernel::Move(copy) => {
                self.walk(piece, copy);
                Ok(())
            }
            Kernel::Clamp(_)
            | Kernel::Unary(_)
            | Kernel::Binary(..)
            | Kernel::PRelu(_)
            | Kernel::Quantize(_)
            | Kernel::Dequantize(_)
            | Kernel::QBinary(..)
            | Kernel::Table => self.each(piece),
        }
    }

    /// A convolution of any kind, or a dense layer.
    fn convolve(&mut self, piece: &Piece<'_>) -> Result<()> {
        let (stage, write) = (piece.stage, &piece.write);
        let (area, start) = piece.read(0).expect("a convolution reads an image");
        let count = write.channels.len();
        let first = write.part.channel + write.part.panel * count + write.channels.start;
        let conv = self.layer(stage);
        let columns = match &stage.kernel {
            Kernel::Pointwise { .. } => {
                write.columns.start
                    ..write.columns.end.min(write.columns.start + area.columns.len() as isize)
            }
            _ => write.columns.clone(),
        };
        let left = columns.start * conv.stride[1] as isize - conv.pads[1] as isize;
        let span = (columns.len().max(1) - 1) * conv.stride[1]
            + (conv.kernel[1] - 1) * conv.dilation[1]
            + 1;
        let x = Area { columns: left..left + span as isize, ..area.clone() };
        let write = Area { columns, ..write.clone() };
        let is_depthwise = matches!(stage.kernel, Kernel::Depthwise { .. });
        let group = if is_depthwise { count } else { conv.group };
        let op = Conv { pads: [0; 4], group, ..conv };
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

    /// The convolution of a stage; a dense layer is one of points.
    fn layer(&self, stage: &Stage) -> Conv {
        let point = |clamp, then| Conv {
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            pads: [0; 4],
            group: 1,
            clamp,
            then,
        };
        match &self.graph.node(stage.node).op {
            Op::Dense(dense) => point(dense.clamp, dense.then),
            Op::Quant(Quant::Dense(_)) => point(crate::ir::Clamp::NONE, None),
            op => op.conv().expect("a convolution is one in the graph").clone(),
        }
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

    fn image(&self, area: &Area, start: usize) -> Array {
        let shape = vec![1, area.channels.len(), area.rows.len(), area.columns.len()];
        Array { shape, values: self.read(area, start) }
    }

    /// Windows of rows that lie in the image, each cut where the image ends.
    fn pool(
        &mut self,
        piece: &Piece<'_>,
        rows: Range<usize>,
        pool: &Pool,
        op: impl Fn(Pool) -> Op,
    ) -> Result<()> {
        let (area, start) = piece.read(0).expect("a pool reads an image");
        let above =
            pool.pads[0] as isize - (rows.start * pool.stride[0]) as isize + area.rows.start;
        let [_, left, bottom, right] = pool.pads;
        let pads = [above.max(0) as usize, left, bottom, right];
        let shape = [1, piece.write.channels.len(), rows.len(), piece.write.columns.len()];
        let x = self.image(area, start);
        let y = self.apply(piece.stage, op(Pool { pads, ..*pool }), &shape, &[(0, x)])?;
        self.write(&piece.write, piece.start, &y);
        Ok(())
    }

    /// Rows between those of an image.
    fn resize(&mut self, piece: &Piece<'_>, rows: Range<usize>, resize: &Resize) -> Result<()> {
        let (area, start) = piece.read(0).expect("a picture is made of one");
        let [height, width] = [area.place.height, area.place.rows.width];
        let values = self.read(area, start);
        let plane = area.rows.len() * width;
        let planes = values.as_f32().unwrap_or_default().chunks_exact(plane.max(1));
        let mut made = Vec::new();
        for plane in planes {
            let at = |row: usize, column: usize| {
                plane[(row as isize - area.rows.start) as usize * width + column]
            };
            for row in rows.clone() {
                let (i, down) = resize.down.at(row, height);
                for column in 0..piece.write.columns.len() {
                    let (j, across) = resize.across.at(column, width);
                    if resize.blend == Blend::Nearest {
                        made.push(at(i, j));
                        continue;
                    }
                    let (below, right) = ((i + 1).min(height - 1), (j + 1).min(width - 1));
                    let line = |row: usize| at(row, j) + (at(row, right) - at(row, j)) * across;
                    made.push(line(i) + (line(below) - line(i)) * down);
                }
            }
        }
        self.write(&piece.write, piece.start, &Values::F32(made));
        Ok(())
    }

    /// Takes rows into a pool of the whole image.
    fn take(&mut self, piece: &Piece<'_>) {
        let (area, start) = piece.read(0).expect("a pool reads an image");
        let values = match self.read(area, start) {
            Values::U8(bytes) => bytes.into_iter().map(f32::from).collect(),
            values => values.as_f32().unwrap_or_default().to_vec(),
        };
        let each = area.rows.len() * area.columns.len();
        let pooled = self.pooled.entry((piece.at, piece.write.part.channel)).or_default();
        pooled.channels.resize(area.channels.len(), Vec::new());
        for (channel, values) in pooled.channels.iter_mut().zip(values.chunks_exact(each.max(1))) {
            channel.extend(values);
        }
    }

    /// Writes what a pool makes of all rows, into the channels from the first that it took on.
    pub(in crate::shadow) fn pooled(&mut self, piece: &Piece<'_>) -> Result<()> {
        let first = piece.write.part.channel;
        let Some(Pooled { channels }) = self.pooled.remove(&(piece.at, first)) else {
            return Ok(());
        };
        let Kernel::GlobalPool(kind) = piece.stage.kernel else { return Ok(()) };
        let (count, len) = (channels.len(), channels.first().map_or(0, Vec::len));
        let values = channels.concat();
        let of_bytes = match &self.graph.node(piece.stage.node).op {
            Op::Quant(Quant::Mean(mean)) => Some(Quant::Mean(mean.clone())),
            Op::Quant(Quant::Average(average)) => {
                let pool = Pool { kernel: [1, len], ..average.pool };
                Some(Quant::Average(QAverage { pool, ..*average }))
            }
            // Other pools are of floats.
            _ => None,
        };
        let y = match of_bytes {
            Some(quant) => {
                let bytes = values.iter().map(|x| *x as u8).collect();
                let x = Array { shape: vec![1, count, 1, len], values: Values::U8(bytes) };
                self.apply(piece.stage, Op::Quant(quant), &[1, count, 1, 1], &[(0, x)])?
            }
            None => Values::F32(values.chunks_exact(len.max(1)).map(|x| pooled(kind, x)).collect()),
        };
        let channels = piece.write.channels.start..piece.write.channels.start + count;
        self.write(&Area { channels, ..piece.write.clone() }, piece.start, &y);
        Ok(())
    }
}

fn pooled(kind: Reducer, x: &[f32]) -> f32 {
    match kind {
        Reducer::Max => x.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        Reducer::Min => x.iter().copied().fold(f32::INFINITY, f32::min),
        Reducer::Sum => x.iter().sum(),
        Reducer::Mean => x.iter().sum::<f32>() / x.len() as f32,
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
