//! Operators of the IR as nodes of ONNX.

use super::{Writer, int, ints, real, tensors, text};
use crate::error::Result;
use crate::ir::op::onnx::{Attribute, OnnxNode};
use crate::ir::{Conv, NodeId, Op, Pad, PadMode, Pool, PoolKind, Reduce, Reducer, Slice, Unary};
use crate::proto::AttributeProto;
use crate::proto::tensor_proto::DataType;

/// The attributes of a convolution.
fn window(conv: &Conv) -> Vec<AttributeProto> {
    vec![
        int("group", conv.group as i64),
        ints("kernel_shape", conv.kernel),
        ints("strides", conv.stride),
        ints("dilations", conv.dilation),
        ints("pads", conv.pads),
    ]
}

impl Writer<'_> {
    /// Writes the operator `id`, without its bounds, whose result is called `result`.
    pub(super) fn operator(&mut self, id: NodeId, result: &str) -> Result<()> {
        let graph = self.graph;
        let shape = graph.node(id).out.shape.clone();
        match &graph.node(id).op {
            Op::Conv(conv) => self.layer(id, "Conv", result, window(conv)),
            Op::Dense(_) => self.layer(id, "Gemm", result, vec![]),
            Op::Clamp(clamp) => {
                let x = self.operand(id, 0)?;
                self.clip(*clamp, &x, result);
                Ok(())
            }
            Op::Unary(f) => self.unary(id, *f, result),
            Op::Pool(pool) => self.pool(id, pool, result),
            Op::Reduce(reduce) => self.reduce(id, reduce, result),
            Op::Reshape => self.with_sizes(id, "Reshape", &shape, result),
            Op::Expand => self.with_sizes(id, "Expand", &shape, result),
            Op::Slice(slice) => self.slice(id, slice, &shape, result),
            Op::Pad(pad) => self.pad(id, pad, result),
            Op::Identity | Op::Relayout if self.keeps_type(id) => {
                self.plain(id, "Identity", result, vec![])
            }
            Op::Identity | Op::Relayout => {
                let to = if self.is_half(id) { DataType::Float16 } else { DataType::Float };
                self.plain(id, "Cast", result, vec![int("to", i64::from(i32::from(to)))])
            }
            Op::Const(weights) => {
                let tensor = tensors::values(result, &shape, graph.weights.get(*weights));
                self.file.initializer.push(tensor);
                Ok(())
            }
            // What is one node of ONNX says so itself, and what is neither that nor above has no form in files yet.
            op => match op.define(|op| op.in_onnx()) {
                Some(node) => self.said(id, node, result),
                None => Err(self.fault(
                    id,
                    "has no form in files yet; quantise the model in front of it".into(),
                )),
            },
        }
    }

    /// Writes an operator that says itself which node it is.
    fn said(&mut self, id: NodeId, node: OnnxNode, result: &str) -> Result<()> {
        let attributes = node.attributes.into_iter().map(|(name, value)| match value {
            Attribute::Int(value) => int(name, value),
            Attribute::Ints(values) => ints(name, values),
            Attribute::Real(value) => real(name, value),
        });
        let attributes = attributes.collect();
        let read = (0..self.graph.operands(id).len()).map(|port| self.operand(id, port));
        let mut names = read.collect::<Result<Vec<String>>>()?;
        names.extend(node.operand.map(|(part, values)| self.sizes(result, part, &values)));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.push(node.op, &names, result, attributes);
        Ok(())
    }

    /// Writes a node that reads operand 0 alone.
    fn plain(
        &mut self,
        id: NodeId,
        op: &str,
        result: &str,
        attributes: Vec<AttributeProto>,
    ) -> Result<()> {
        let x = self.operand(id, 0)?;
        self.push(op, &[&x], result, attributes);
        Ok(())
    }

    /// A convolution or product, with its integers if it has them.
    fn layer(
        &mut self,
        id: NodeId,
        op: &str,
        result: &str,
        attributes: Vec<AttributeProto>,
    ) -> Result<()> {
        let x = self.operand(id, 0)?;
        let from = self.graph.operand(id, 0).and_then(|x| self.choice.bytes.get(&x)).copied();
        let [w, b] = match (self.choice.layers.get(&id), from) {
            (Some(layer), Some(from)) => self.integers(id, layer, from),
            _ if self.graph.operand(id, 2).is_some() => {
                [self.operand(id, 1)?, self.operand(id, 2)?]
            }
            _ => [self.operand(id, 1)?, String::new()],
        };
        self.push(op, &[&x, &w, &b], result, attributes);
        Ok(())
    }

    fn unary(&mut self, id: NodeId, f: Unary, result: &str) -> Result<()> {
        let (op, attributes) = match f {
            Unary::LeakyRelu(alpha) => ("LeakyRelu", vec![real("alpha", alpha)]),
            Unary::Elu(alpha) => ("Elu", vec![real("alpha", alpha)]),
            Unary::HardSigmoid(alpha, beta) => {
                ("HardSigmoid", vec![real("alpha", alpha), real("beta", beta)])
            }
            Unary::Silu => return self.gated(id, result),
            Unary::Gelu => return self.gelu(id, result),
            Unary::Sigmoid => ("Sigmoid", vec![]),
            Unary::HardSwish => ("HardSwish", vec![]),
            Unary::Tanh => ("Tanh", vec![]),
            Unary::Erf => ("Erf", vec![]),
            Unary::Exp => ("Exp", vec![]),
            Unary::Log => ("Log", vec![]),
            Unary::Sqrt => ("Sqrt", vec![]),
            Unary::Reciprocal => ("Reciprocal", vec![]),
            Unary::Neg => ("Neg", vec![]),
            Unary::Abs => ("Abs", vec![]),
            Unary::Floor => ("Floor", vec![]),
            Unary::Ceil => ("Ceil", vec![]),
            Unary::Round => ("Round", vec![]),
            Unary::Trunc => return self.rounded(id, DataType::Int64, result),
            Unary::ToF16 => return self.rounded(id, DataType::Float16, result),
            Unary::ToBf16 => return self.rounded(id, DataType::Bfloat16, result),
        };
        self.plain(id, op, result, attributes)
    }

    /// Floats cast to fewer digits, or to integers, and back.
    fn rounded(&mut self, id: NodeId, digits: DataType, result: &str) -> Result<()> {
        let (x, narrow) = (self.operand(id, 0)?, self.fresh(&format!("{result}/narrow")));
        let to = |kind: DataType| vec![int("to", i64::from(i32::from(kind)))];
        self.push("Cast", &[&x], &narrow, to(digits));
        self.push("Cast", &[&narrow], result, to(DataType::Float));
        Ok(())
    }

    /// `x * sigmoid(x)`, which has no operator of its own.
    fn gated(&mut self, id: NodeId, result: &str) -> Result<()> {
        let (x, gate) = (self.operand(id, 0)?, self.fresh(&format!("{result}/gate")));
        self.push("Sigmoid", &[&x], &gate, vec![]);
        self.push("Mul", &[&x, &gate], result, vec![]);
        Ok(())
    }

    /// `x * (erf(x * sqrt(1/2)) + 1) * 1/2`, which has none either.
    fn gelu(&mut self, id: NodeId, result: &str) -> Result<()> {
        let x = self.operand(id, 0)?;
        let numbers = [("root", std::f32::consts::FRAC_1_SQRT_2), ("one", 1.0), ("half", 0.5)];
        let [root, one, half] = numbers.map(|(part, value)| {
            let name = self.fresh(&format!("{result}/{part}"));
            self.file.initializer.push(tensors::floats(&name, &[], &[value]));
            name
        });
        let steps = ["scaled", "erf", "above", "product"];
        let [scaled, erf, above, product] =
            steps.map(|part| self.fresh(&format!("{result}/{part}")));
        self.push("Mul", &[&x, &root], &scaled, vec![]);
        self.push("Erf", &[&scaled], &erf, vec![]);
        self.push("Add", &[&erf, &one], &above, vec![]);
        self.push("Mul", &[&x, &above], &product, vec![]);
        self.push("Mul", &[&product, &half], result, vec![]);
        Ok(())
    }

    fn pool(&mut self, id: NodeId, pool: &Pool, result: &str) -> Result<()> {
        let mut attributes = vec![
            ints("kernel_shape", pool.kernel),
            ints("strides", pool.stride),
            ints("pads", pool.pads),
        ];
        if pool.dilation != [1, 1] && pool.kind != PoolKind::Max {
            return Err(
                self.fault(id, "averages over spaced taps, which the operator set lacks".into())
            );
        }
        let op = match pool.kind {
            PoolKind::Max => {
                attributes.push(ints("dilations", pool.dilation));
                "MaxPool"
            }
            PoolKind::Average => "AveragePool",
            PoolKind::AverageWithPads => {
                attributes.push(int("count_include_pad", 1));
                "AveragePool"
            }
        };
        self.plain(id, op, result, attributes)
    }

    fn reduce(&mut self, id: NodeId, reduce: &Reduce, result: &str) -> Result<()> {
        let graph = self.graph;
        let rank = |x: Option<NodeId>| x.map_or(0, |x| graph.node(x).out.shape.len());
        let from = rank(graph.operand(id, 0));
        let keeps = rank(Some(id)) == from;
        if reduce.kind == Reducer::Mean && reduce.axes == [2, 3] && from == 4 && keeps {
            return self.plain(id, "GlobalAveragePool", result, vec![]);
        }
        let keepdims = int("keepdims", keeps.into());
        let axes = reduce.axes.iter().copied();
        let op = match reduce.kind {
            Reducer::Mean => "ReduceMean",
            Reducer::Max => "ReduceMax",
            Reducer::Min => "ReduceMin",
            Reducer::Sum => {
                let axes: Vec<i64> = axes.map(|axis| axis as i64).collect();
                let (x, axes) = (self.operand(id, 0)?, self.sizes(result, "axes", &axes));
                self.push("ReduceSum", &[&x, &axes], result, vec![keepdims]);
                return Ok(());
            }
        };
        self.plain(id, op, result, vec![ints("axes", axes), keepdims])
    }

    fn with_sizes(&mut self, id: NodeId, op: &str, shape: &[usize], result: &str) -> Result<()> {
        let sizes: Vec<i64> = shape.iter().map(|size| *size as i64).collect();
        let (x, sizes) = (self.operand(id, 0)?, self.sizes(result, "shape", &sizes));
        self.push(op, &[&x, &sizes], result, vec![]);
        Ok(())
    }

    fn slice(&mut self, id: NodeId, slice: &Slice, shape: &[usize], result: &str) -> Result<()> {
        let starts: Vec<i64> = slice.starts.iter().map(|start| *start as i64).collect();
        let steps: Vec<i64> = slice.steps.iter().map(|step| *step as i64).collect();
        let lens = shape.iter().map(|len| *len as i64);
        let last =
            starts.iter().zip(&steps).zip(lens).map(|((start, step), len)| start + step * len);
        // Running backwards past the first element is said by a number beyond any size.
        let ends: Vec<i64> = last.map(|end| if end < 0 { i64::MIN / 2 } else { end }).collect();
        let axes: Vec<i64> = (0..shape.len() as i64).collect();
        let x = self.operand(id, 0)?;
        let [starts, ends, axes, steps] =
            [("starts", &starts), ("ends", &ends), ("axes", &axes), ("steps", &steps)]
                .map(|(part, values)| self.sizes(result, part, values));
        self.push("Slice", &[&x, &starts, &ends, &axes, &steps], result, vec![]);
        Ok(())
    }

    fn pad(&mut self, id: NodeId, pad: &Pad, result: &str) -> Result<()> {
        let pads: Vec<i64> = pad.before.iter().chain(&pad.after).map(|pad| *pad as i64).collect();
        let (x, pads) = (self.operand(id, 0)?, self.sizes(result, "pads", &pads));
        let (mode, value) = match pad.mode {
            PadMode::Constant(value) => {
                let name = self.fresh(&format!("{result}/filler"));
                self.file.initializer.push(tensors::floats(&name, &[], &[value]));
                ("constant", name)
            }
            PadMode::Reflect => ("reflect", String::new()),
            PadMode::Edge => ("edge", String::new()),
        };
        self.push("Pad", &[&x, &pads, &value], result, vec![text("mode", mode)]);
        Ok(())
    }

    /// Writes integers that say a shape; their name.
    fn sizes(&mut self, result: &str, part: &str, values: &[i64]) -> String {
        let name = self.fresh(&format!("{result}/{part}"));
        self.file.initializer.push(tensors::i64s(&name, &[values.len()], values));
        name
    }
}
