//! Kernels that compute each element by itself, move elements, or fold whole values.

use crate::error::Result;
use crate::interp::Array;
use crate::ir::op::{CumSum, leaky};
use crate::ir::{Arithmetic, Op, QSoftmax, Quant, Reducer, Softmax, Values};
use crate::schedule::{Kernel, Move, QBinary};
use crate::shadow::area::Area;
use crate::shadow::numbers::{Numbers, Piece, decoded, encode};

impl Numbers<'_> {
    /// A function of each element, in the order of memory.
    pub(super) fn each(&mut self, piece: &Piece<'_>) -> Result<()> {
        let (area, start) = piece.read(0).expect("what is computed of elements reads some");
        let x = self.read_along(area, start);
        let second = piece.read(1).map(|(area, start)| self.read_along(area, start));
        let constant = || piece.stage.from.get(1).and_then(|place| self.packed(*place));
        let second = second.or_else(constant);
        let by = self.graph.arithmetic;
        let y = match (&piece.stage.kernel, x, second) {
            (Kernel::Clamp(clamp), Values::F32(x), _) => floats(&x, |x| clamp.apply(x)),
            (Kernel::Unary(function), Values::F32(x), _) => floats(&x, |x| function.apply(x)),
            (Kernel::Binary(function, _), Values::F32(a), Some(Values::F32(b))) => {
                pairs(&a, &b, |a, b| function.apply(a, b))
            }
            (Kernel::PRelu(_), Values::F32(a), Some(Values::F32(b))) => pairs(&a, &b, leaky),
            (Kernel::Quantize(affine), Values::F32(x), _) => {
                Values::U8(x.iter().map(|x| affine.quantize(*x)).collect())
            }
            (Kernel::Dequantize(affine), Values::U8(x), _) => {
                Values::F32(x.iter().map(|q| affine.dequantize(*q)).collect())
            }
            (Kernel::Table, Values::U8(x), _) => {
                let Op::Quant(Quant::Table(table)) = &self.graph.node(piece.stage.node).op else {
                    unreachable!("tables are those of their node")
                };
                Values::U8(x.iter().map(|q| table[usize::from(*q)]).collect())
            }
            (Kernel::QBinary(function, pair), Values::U8(a), Some(Values::U8(b))) => {
                let of = |a: u8, b: u8| match (function, by) {
                    (QBinary::Add, Arithmetic::Float) => pair.add(a, b),
                    (QBinary::Add, Arithmetic::Fixed) => pair.add_fixed(a, b),
                    (QBinary::Mul(times), Arithmetic::Float) => pair.mul(*times, a, b),
                    (QBinary::Mul(_), Arithmetic::Fixed) => pair.mul_fixed(a, b),
                };
                Values::U8(a.iter().zip(b.iter().cycle()).map(|(a, b)| of(*a, *b)).collect())
            }
            (kernel, x, _) => unreachable!("{kernel:?} of {}", x.dtype()),
        };
        self.write_along(&piece.write, piece.start, &y);
        Ok(())
    }

    /// Brings an image: copied, widened, looked up, quantised, maybe to rows of another form.
    pub(super) fn load(&mut self, piece: &Piece<'_>) -> Result<()> {
        let (area, start) = piece.read(0).expect("what is brought lies somewhere");
        let x = self.read(area, start);
        let y = match (&piece.stage.kernel, x) {
            (Kernel::Quantize(affine), Values::F32(x)) => {
                Values::U8(x.iter().map(|x| affine.quantize(*x)).collect())
            }
            (_, Values::U8(x)) if piece.stage.into.element.bytes() > 1 => {
                Values::F32(x.into_iter().map(f32::from).collect())
            }
            (_, Values::U8(x)) if piece.stage.pack.is_some() => {
                let tables = self.constant(piece.stage.node, 4);
                let tables = tables.and_then(|tables| tables.values.as_u8().map(<[u8]>::to_vec));
                let tables = tables.expect("what is looked up has tables");
                let each = x.len() / area.channels.len().max(1);
                let channel = |at: usize| at / each.max(1);
                let looked = x.iter().enumerate();
                Values::U8(
                    looked.map(|(at, q)| tables[channel(at) * 256 + usize::from(*q)]).collect(),
                )
            }
            (_, x) => x,
        };
        self.write(&piece.write, piece.start, &y);
        Ok(())
    }

    /// Shares of a whole value that sum to one, or sums that run along it.
    pub(super) fn along(&mut self, piece: &Piece<'_>) -> Result<()> {
        let (area, start) = piece.read(0).expect("what runs along an axis reads something");
        let values = self.read_along(area, start);
        let (op, shape) = match &piece.stage.kernel {
            Kernel::QSoftmax { softmax, shape } => {
                let softmax = QSoftmax { axis: 1, ..*softmax };
                (Op::Quant(Quant::Softmax(softmax)), shape.to_vec())
            }
            Kernel::Softmax { softmax, outer, axis, inner } => {
                let softmax = Softmax { axis: 1, log: softmax.log };
                (Op::Softmax(softmax), vec![*outer, *axis, *inner])
            }
            Kernel::CumSum { cum_sum, shape } => {
                (Op::CumSum(CumSum { axis: 1, ..*cum_sum }), shape.to_vec())
            }
            kernel => unreachable!("{kernel:?} runs along no axis"),
        };
        let x = Array { shape: shape.clone(), values };
        let y = self.apply(piece.stage, op, &shape, &[(0, x)])?;
        self.write_along(&piece.write, piece.start, &y);
        Ok(())
    }

    /// Products of whole values that lie in rows.
    pub(super) fn multiply(&mut self, piece: &Piece<'_>) -> Result<()> {
        let (node, graph) = (piece.stage.node, self.graph);
        let operand = |port: usize| {
            let id = graph.operand(node, port).expect("verified nodes have their operands");
            let lies = piece.read(port).map(|(area, start)| self.read_along(area, start));
            let values = lies.or_else(|| self.packed(piece.stage.from[port]));
            let values = values.expect("what lies in no memory is constant");
            (port, Array { shape: graph.node(id).out.shape.clone(), values })
        };
        let operands = [0, 1].map(operand);
        let y = self.apply(piece.stage, Op::MatMul, &graph.node(node).out.shape, &operands)?;
        self.write_along(&piece.write, piece.start, &y);
        Ok(())
    }

    /// Copies elements one by one between strides: of whole values, or of a row of each.
    pub(super) fn walk(&mut self, piece: &Piece<'_>, copy: &Move) {
        let (place, each) = (piece.stage.into, piece.stage.into.element.bytes());
        let x = self.walked(piece, copy);
        let into = piece.start + piece.lies(&piece.write);
        let bytes = steps(copy).map(|[_, written]| into + written * each);
        encode(place.element, self.memory_mut(place.home), bytes, &x);
    }

    /// The numbers that a walk reads, in its order.
    fn walked(&self, piece: &Piece<'_>, copy: &Move) -> Values {
        let source = piece.stage.from[0];
        let Some((area, start)) = piece.read(0) else {
            let packed = self.packed(source).expect("what lies in no memory is constant");
            return match packed {
                Values::U8(x) => Values::U8(steps(copy).map(|[at, _]| x[at]).collect()),
                x => {
                    let x = x.as_f32().unwrap_or_default();
                    Values::F32(steps(copy).map(|[at, _]| x[at]).collect())
                }
            };
        };
        let (from, each) = (start + piece.lies(area), source.element.bytes());
        let bytes = steps(copy).map(|[read, _]| from + read * each);
        decoded(source.element, self.memory(source.home), bytes)
    }

    /// One number in all elements of a value.
    pub(super) fn filled(&mut self, piece: &Piece<'_>, value: f32) {
        let len = along_len(&piece.write);
        let values = match piece.stage.into.element.bytes() {
            1 => Values::U8(vec![value as u8; len]),
            _ => Values::F32(vec![value; len]),
        };
        self.write_along(&piece.write, piece.start, &values);
    }

    /// A fold over some axes of a whole value.
    pub(super) fn fold(&mut self, piece: &Piece<'_>, kind: Reducer, copy: &Move) {
        let len = along_len(&piece.write);
        let (first, join): (f32, fn(f32, f32) -> f32) = match kind {
            Reducer::Sum | Reducer::Mean => (0.0, |a, b| a + b),
            Reducer::Max => (f32::NEG_INFINITY, f32::max),
            Reducer::Min => (f32::INFINITY, f32::min),
        };
        let mut y = vec![first; len];
        let x = self.walked(piece, copy);
        for ([_, written], x) in steps(copy).zip(x.as_f32().unwrap_or_default()) {
            y[written] = join(y[written], *x);
        }
        if kind == Reducer::Mean {
            let count = copy.shape.iter().product::<usize>() / len.max(1);
            y.iter_mut().for_each(|y| *y /= count as f32);
        }
        self.write_along(&piece.write, piece.start, &Values::F32(y));
    }
}

fn along_len(area: &Area) -> usize {
    super::along(area, 0).len()
}

fn floats(x: &[f32], f: impl Fn(f32) -> f32) -> Values {
    Values::F32(x.iter().map(|x| f(*x)).collect())
}

/// A function of pairs; a shorter second operand begins anew.
fn pairs(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> Values {
    Values::F32(a.iter().zip(b.iter().cycle()).map(|(a, b)| f(*a, *b)).collect())
}

/// The elements that a walk reads and writes, in its order.
fn steps(copy: &Move) -> impl Iterator<Item = [usize; 2]> {
    let count: usize = copy.shape.iter().product();
    (0..count).map(|number| {
        let (mut rest, mut at) = (number, [copy.from as isize, copy.into as isize]);
        for (axis, len) in copy.shape.iter().enumerate().rev() {
            let i = (rest % len) as isize;
            rest /= len;
            at[0] += i * copy.from_steps[axis];
            at[1] += i * copy.into_steps[axis];
        }
        at.map(|at| at.max(0) as usize)
    })
}
