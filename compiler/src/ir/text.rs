//! A graph as text: a line a node, in order of execution. Snapshots and `--dump-ir` print this.
//!
//! ```text
//! %3 conv "features.0" x=%0 w=f32[32,3,3,3] b=f32[32] k3x3 s2 p1/1/1/1 clamp 0..6 -> f32[1,32,112,112] nhwc
//! ```
//! Constants are shown where they are read; their numbers are not shown, but for those of one element.

mod quant;

use std::collections::BTreeMap;
use std::fmt;

use crate::ir::{
    Arithmetic, Blend, Clamp, Conv, Graph, NodeId, Op, PadMode, Pool, PoolKind, Quant, Resize,
    Scale, Unary,
};

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = self.order().unwrap_or_else(|_| self.ids());
        let shown =
            order.into_iter().filter(|id| self.constant(*id).is_none() || self.is_output(*id));
        let numbers: BTreeMap<NodeId, usize> =
            shown.enumerate().map(|(number, id)| (id, number)).collect();
        let mut lines: Vec<_> = numbers.iter().map(|(id, number)| (*number, *id)).collect();
        lines.sort_unstable();
        for (number, id) in lines {
            write!(f, "%{number} {} {:?}", self.node(id).op.name(), self.node(id).name)?;
            for (port, operand) in self.operands(id) {
                write!(
                    f,
                    " {}={}",
                    port_name(&self.node(id).op, port.0),
                    value(self, &numbers, operand)
                )?;
            }
            writeln!(f, "{} -> {}", attributes(&self.node(id).op), self.node(id).out)?;
        }
        for output in &self.outputs {
            writeln!(f, "output {:?} = {}", output.name, value(self, &numbers, output.node))?;
        }
        if self.arithmetic == Arithmetic::Fixed {
            writeln!(f, "arithmetic fixed")?;
        }
        if self.batch > 1 {
            writeln!(f, "batch {}", self.batch)?;
        }
        for block in &self.blocks {
            let part = |id| value(self, &numbers, id);
            let expand = block.expand.map_or_else(|| "-".to_owned(), part);
            writeln!(f, "block {expand} {} {}", part(block.depthwise), part(block.project))?;
        }
        Ok(())
    }
}

fn value(graph: &Graph, numbers: &BTreeMap<NodeId, usize>, id: NodeId) -> String {
    match (numbers.get(&id), graph.constant(id)) {
        (Some(number), _) => format!("%{number}"),
        (None, Some(values)) if values.len() == 1 && values.as_f32().is_some() => {
            format!("{}", values.as_f32().map_or(0.0, |v| v[0]))
        }
        (None, _) => graph.node(id).out.to_string(),
    }
}

fn port_name(op: &Op, port: usize) -> String {
    let names: &[&str] = match op {
        Op::Conv(_) => &["x", "w", "b", "add", "border"],
        Op::Quant(Quant::Conv(_)) => &["x", "w", "b", "add", "tables"],
        Op::Dense(_) | Op::Quant(Quant::Dense(_)) => &["x", "w", "b"],
        Op::BatchNorm(_) => &["x", "scale", "bias", "mean", "var"],
        Op::Gemm(_) | Op::MatMul | Op::Binary(_) => &["a", "b", "c"],
        Op::Quant(Quant::Add(_) | Quant::Mul(..)) => &["a", "b"],
        Op::Quant(_) => &["x"],
        Op::PRelu => &["x", "slope"],
        Op::Concat(_) | Op::Input | Op::Const(_) => &[],
        Op::Clamp(_)
        | Op::Unary(_)
        | Op::Pool(_)
        | Op::Resize(_)
        | Op::Reduce(_)
        | Op::Softmax(_)
        | Op::Reshape => &["x"],
        Op::Transpose(_) | Op::Relayout | Op::Slice(_) | Op::Pad(_) | Op::Expand | Op::Identity => {
            &["x"]
        }
    };
    names.get(port).map_or_else(|| format!("x{port}"), |name| (*name).to_owned())
}

fn attributes(op: &Op) -> String {
    match op {
        Op::Conv(conv) => conv_attributes(conv),
        Op::BatchNorm(norm) => format!(" epsilon {}", norm.epsilon),
        Op::Gemm(g) => {
            let transposed = |on, name| if on { name } else { "" };
            let (a, b) = (transposed(g.transpose_a, " a'"), transposed(g.transpose_b, " b'"));
            format!(" alpha {} beta {}{a}{b}", g.alpha, g.beta)
        }
        Op::Dense(dense) => activation(dense.clamp, dense.then),
        Op::Clamp(clamp) => format!(" {clamp}"),
        Op::Unary(function) => slopes(*function),
        Op::Pool(pool) => pool_attributes(pool),
        Op::Resize(resize) => resize_attributes(resize),
        Op::Reduce(reduce) => format!(" axes {:?}", reduce.axes),
        Op::Softmax(softmax) => format!(" axis {}", softmax.axis),
        Op::Transpose(perm) => format!(" {perm:?}"),
        Op::Concat(axis) => format!(" axis {axis}"),
        Op::Slice(slice) => format!(" from {:?} by {:?}", slice.starts, slice.steps),
        Op::Pad(pad) => {
            let mode = match pad.mode {
                PadMode::Constant(value) => value.to_string(),
                PadMode::Reflect => "reflect".into(),
                PadMode::Edge => "edge".into(),
            };
            format!(" {:?} {:?} with {mode}", pad.before, pad.after)
        }
        Op::Input | Op::Const(_) | Op::MatMul | Op::Binary(_) | Op::PRelu => String::new(),
        Op::Reshape | Op::Relayout | Op::Expand | Op::Identity => String::new(),
        Op::Quant(quant) => quant::attributes(quant),
    }
}

fn conv_attributes(conv: &Conv) -> String {
    let group = if conv.group == 1 { String::new() } else { format!(" g{}", conv.group) };
    let window = window(conv.kernel, conv.stride, conv.dilation, conv.pads);
    format!("{window}{group}{}", activation(conv.clamp, conv.then))
}

fn pool_attributes(pool: &Pool) -> String {
    let counted = if pool.kind == PoolKind::AverageWithPads { " pads counted" } else { "" };
    format!("{}{counted}", window(pool.kernel, pool.stride, pool.dilation, pool.pads))
}

fn resize_attributes(resize: &Resize) -> String {
    let place = |scale: &Scale| match scale {
        Scale { step, shift, per, listed } if listed.is_empty() => {
            format!("({step}i{shift:+})/{per}")
        }
        Scale { listed, .. } => format!("{listed:?}"),
    };
    let blend = match resize.blend {
        Blend::Nearest => "nearest",
        Blend::Linear => "linear",
    };
    format!(" {blend} at {} {}", place(&resize.down), place(&resize.across))
}

fn window(
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pads: [usize; 4],
) -> String {
    let pair = |[down, across]: [usize; 2]| {
        if down == across { format!("{down}") } else { format!("{down}x{across}") }
    };
    let mut text = format!(" k{}x{} s{}", kernel[0], kernel[1], pair(stride));
    if dilation != [1, 1] {
        text += &format!(" d{}", pair(dilation));
    }
    if pads != [0; 4] {
        text += &format!(" p{}/{}/{}/{}", pads[0], pads[1], pads[2], pads[3]);
    }
    text
}

/// What a layer does to its sums.
fn activation(clamp: Clamp, then: Option<Unary>) -> String {
    let clamp = if clamp == Clamp::NONE { String::new() } else { format!(" clamp {clamp}") };
    let then = then.map(|then| format!(" then {}{}", then.name(), slopes(then)));
    clamp + &then.unwrap_or_default()
}

fn slopes(function: Unary) -> String {
    match function {
        Unary::LeakyRelu(alpha) | Unary::Elu(alpha) => format!(" alpha {alpha}"),
        Unary::HardSigmoid(alpha, beta) => format!(" alpha {alpha} beta {beta}"),
        _ => String::new(),
    }
}
