//! Quantised convolutions and matrix products.

use crate::ir::quant::MAX_DEPTH;
use crate::ir::{Affine, Arithmetic, Binary, Bounds, Conv, Gemm, Graph, NodeId, Op, Port, QConv};
use crate::ir::{QDense, Quant, Requant, Rounding, Tensor, To, Unpack, Values};
use crate::pass::edit::{reconnect, x};
use crate::pass::legalize_quant::{dequantized, only_quantized, through, unpack};
use crate::pass::{Attempt, Skip};

/// The layer `id` on bytes, which gives what `to` makes of its result within `bounds`.
pub(super) fn legalize(
    graph: &mut Graph,
    id: NodeId,
    to: Affine,
    bounds: Bounds,
) -> Attempt<NodeId> {
    only_quantized(graph, id)?;
    Parts::of(graph, id)?.quantized(graph, id, to, bounds)
}

/// The sum `id` of a product and a bias as one layer, which gives what `to` makes of it within `bounds`.
pub(super) fn legalize_sum(
    graph: &mut Graph,
    id: NodeId,
    [product, bias]: [NodeId; 2],
    (to, bounds): (Affine, Bounds),
) -> Attempt<NodeId> {
    only_quantized(graph, id)?;
    let mut parts = Parts::of(graph, product)?;
    parts.bias = Some(parts.bias_of(graph, id, bias)?);
    parts.quantized(graph, product, to, bounds)
}

/// The product without a bias and the vector of constants that `id` is the sum of, if it is one.
pub(super) fn biased(graph: &Graph, id: NodeId) -> Option<[NodeId; 2]> {
    let Op::Binary(Binary::Add) = graph.node(id).op else { return None };
    let [a, b] = [graph.operand(id, 0)?, graph.operand(id, 1)?];
    let is_biased = |product: NodeId, bias: NodeId| {
        let node = graph.node(product);
        let multiplies = matches!(node.op, Op::MatMul | Op::Gemm(_));
        let constant = matches!(graph.node(bias).op, Op::Quant(Quant::Unpack(_)))
            || graph.constant(bias).is_some();
        let alone = graph.only_reader(product) == Some(id) && graph.operand(product, 2).is_none();
        multiplies && constant && alone && node.out.shape == graph.node(id).out.shape
    };
    let sums = [[a, b], [b, a]].into_iter();
    sums.map(|[product, bias]| [product, through(graph, bias)])
        .find(|[product, bias]| is_biased(*product, *bias))
}

/// A quantised matrix product whose result is read in floats, as at the end of a classifier.
pub(super) fn to_floats(graph: &mut Graph, id: NodeId) -> Attempt {
    if !matches!(graph.node(id).op, Op::Gemm(_) | Op::MatMul) {
        return Ok(false);
    }
    let parts = Parts::of(graph, id)?;
    let multipliers = parts.scales.iter().map(|w| f64::from(parts.from.scale * w)).collect();
    parts.build(graph, id, multipliers, To::Floats)?;
    Ok(true)
}

/// Operands of a layer.
struct Parts {
    x: NodeId,
    from: Affine,
    weights: Vec<i8>,
    shape: Vec<usize>,
    scales: Vec<f32>,
    /// One scale for all weights, where they are a matrix.
    has_one_scale: bool,
    bias: Option<Vec<i32>>,
    conv: Option<Conv>,
}

impl Parts {
    fn of(graph: &Graph, id: NodeId) -> Attempt<Self> {
        let refused = |reason: &str| Skip::new(graph, id, reason);
        let (conv, transposed_weights) = match &graph.node(id).op {
            Op::Conv(conv) if conv.ends_linear() && graph.operand(id, 3).is_none() => {
                (Some(conv.clone()), false)
            }
            Op::Gemm(Gemm { alpha: 1.0, beta: 1.0, transpose_a: false, transpose_b }) => {
                (None, *transpose_b)
            }
            Op::MatMul => (None, false),
            // Layers of bytes have one factor a channel, and nothing between sum and factor.
            _ => return Err(refused("it is scaled or transposed")),
        };
        let (x, from) =
            dequantized(graph, x(graph, id)).ok_or_else(|| refused("it reads no bytes"))?;
        let w = graph.operand(id, 1).map(|w| through(graph, w));
        let w = w.ok_or_else(|| refused("it has no weights"))?;
        let mut shape = graph.node(w).out.shape.clone();
        let matrix = conv.is_none();
        if matrix && (shape.len() != 2 || graph.node(x).out.shape.len() < 2) {
            return Err(refused("it is no product by one matrix"));
        }
        let axis = if matrix && !transposed_weights { 1 } else { 0 };
        let (mut weights, scales) = unpack::weights(graph, w, axis)
            .ok_or_else(|| refused("its weights are no bytes, symmetric about their zero point"))?;
        if transposed_weights {
            let (rows, columns) = (shape[0], shape[1]);
            weights =
                (0..columns * rows).map(|at| weights[at % rows * columns + at / rows]).collect();
            shape = vec![columns, rows];
        }
        let depth: usize = if matrix { shape[0] } else { shape[1..].iter().product() };
        if depth > MAX_DEPTH {
            return Err(refused("its sums may leave 32 bits"));
        }
        let has_one_scale = matrix
            && matches!(&graph.node(w).op, Op::Quant(Quant::Unpack(Unpack { scales, .. })) if scales.len() == 1);
        let mut parts = Self { x, from, weights, shape, scales, has_one_scale, bias: None, conv };
        if let Some(bias) = graph.operand(id, 2) {
            parts.bias = Some(parts.bias_of(graph, id, through(graph, bias))?);
        }
        Ok(parts)
    }

    /// The bias of layer `id` in units of its sums.
    fn bias_of(&self, graph: &Graph, id: NodeId, bias: NodeId) -> Attempt<Vec<i32>> {
        let units: Vec<f32> = self.scales.iter().map(|scale| self.from.scale * scale).collect();
        unpack::bias(graph, bias, &units)
            .ok_or_else(|| Skip::new(graph, id, "its bias is no vector of integers"))
    }

    /// Makes `id` the layer on bytes, which gives what `to` makes of its result within `bounds`.
    fn quantized(
        self,
        graph: &mut Graph,
        id: NodeId,
        to: Affine,
        bounds: Bounds,
    ) -> Attempt<NodeId> {
        let factor = |w: &f32| self.factor(graph.arithmetic, *w, to.scale);
        let multipliers = self.scales.iter().map(factor).collect();
        self.build(graph, id, multipliers, To::Bytes { zero: to.zero, bounds })
    }

    /// Steps of the result in a sum of products by weights of one scale.
    fn factor(&self, by: Arithmetic, weights: f32, to: f32) -> f64 {
        let from = self.from.scale;
        match by {
            Arithmetic::Float | Arithmetic::Fixed => f64::from(from * weights / to),
            Arithmetic::Tflite if self.has_one_scale => f64::from(from * weights) / f64::from(to),
            Arithmetic::Tflite | Arithmetic::TfliteDense => {
                f64::from(from) * f64::from(weights) / f64::from(to)
            }
        }
    }

    /// Makes `id` the layer on bytes; what its readers read from now on.
    fn build(
        self,
        graph: &mut Graph,
        id: NodeId,
        multipliers: Vec<f64>,
        to: To,
    ) -> Attempt<NodeId> {
        if !multipliers.iter().all(|factor| factor.is_finite()) {
            return Err(Skip::new(graph, id, "its scales multiply beyond the range of f32"));
        }
        let (name, columns) = (graph.node(id).name.clone(), self.scales.len());
        let rounding = if self.conv.is_some() { Rounding::Twice } else { Rounding::Once };
        let requant = Requant { rounding, ..Requant::new(multipliers, to) };
        let x_zero = self.from.zero;
        let op = match self.conv {
            Some(conv) => Quant::Conv(QConv { conv, x_zero, requant, residual: None }),
            None => Quant::Dense(QDense { x_zero, requant }),
        };
        let is_dense = matches!(op, Quant::Dense(_));
        graph.node_mut(id).op = Op::Quant(op);
        graph.node_mut(id).out.dtype = to.dtype();
        reconnect(graph, id, 0, self.x);
        let weights =
            graph.add_const(format!("{name}.weights"), self.shape, Values::I8(self.weights));
        reconnect(graph, id, 1, weights);
        if let Some(bias) = self.bias {
            let bias = graph.add_const(format!("{name}.bias"), [columns], Values::I32(bias));
            reconnect(graph, id, 2, bias);
        }
        let stacked = is_dense && graph.node(id).out.shape.len() > 2;
        Ok(if stacked { as_rows(graph, id) } else { id })
    }
}

/// Makes the product `id` of a stack of rows one of a matrix; the view of the result that has its shape.
fn as_rows(graph: &mut Graph, id: NodeId) -> NodeId {
    let flat = |out: &Tensor| {
        let (rows, last) = out.shape.split_at(out.shape.len() - 1);
        Tensor { shape: vec![rows.iter().product(), last[0]], ..out.clone() }
    };
    let (stack, name) = (x(graph, id), graph.node(id).name.clone());
    let out = flat(&graph.node(stack).out);
    let rows = graph.add(format!("{name}.rows"), Op::Reshape, out, &[stack]);
    graph.connect(rows, id, Port(0));
    let out = graph.node(id).out.clone();
    graph.node_mut(id).out = flat(&out);
    graph.insert_after(id, format!("{name}.unrowed"), Op::Reshape, out)
}
