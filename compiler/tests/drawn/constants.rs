//! Operators on constants alone, on sequences, and control flow that constants decide.

use mnv2c::proto::attribute_proto::AttributeType;
use mnv2c::proto::tensor_proto::DataType;
use mnv2c::proto::{AttributeProto, GraphProto, ValueInfoProto};

use crate::build::{Model, int};
use crate::draw::{Draw, Drawn, Value};

pub(super) fn form(draw: &mut Draw, name: &str) -> Option<Drawn> {
    match name {
        "Acos" | "Asin" | "Asinh" | "Atan" | "Atanh" | "Cos" | "Cosh" | "Sin" | "Sinh" | "Tan"
        | "NonZero" | "EyeLike" | "Trilu" => Some(plain(draw, -0.9, 0.9)),
        "Acosh" => Some(plain(draw, 1.0, 3.0)),
        "Mod" if draw.random.one_in(2) => {
            let (x, divisor) = (draw.number()?, draw.reals(&[], &[0.5]));
            Some(Drawn::new(vec![x.name, divisor], vec![int("fmod", 1)]))
        }
        "Mod" => pair(draw, vec![int("fmod", 1)]),
        "And" | "Or" | "Xor" => {
            let [a, b] = [truths(draw), truths(draw)];
            Some(Drawn::new(vec![a, b], vec![]))
        }
        "Not" => Some(Drawn::new(vec![truths(draw)], vec![])),
        "GatherND" | "GatherElements" | "Scatter" | "ScatterElements" | "ScatterND"
            if draw.random.one_in(2) =>
        {
            indexed(draw, name)
        }
        "GatherND" => with_ints(draw, &[1, 0]),
        "GatherElements" => with_matrix(draw, false),
        "Scatter" | "ScatterElements" => with_matrix(draw, true),
        "ScatterND" => {
            let (x, at, update) =
                (draw.floats(&[2, 3], -1.0, 1.0), draw.ints(&[1, 2]), draw.floats(&[], 0.0, 1.0));
            Some(Drawn::new(vec![x, at, update], vec![]))
        }
        "OneHot" => {
            let (at, depth, pair) =
                (draw.ints(&[0, 2]), draw.ints(&[3]), draw.floats(&[2], 0.0, 1.0));
            Some(Drawn::new(vec![at, depth, pair], vec![]))
        }
        "If" => branch(draw),
        "Loop" => repeated(draw),
        _ if name.contains("Sequence") => sequence(draw, name),
        _ => None,
    }
}

fn plain(draw: &mut Draw, lo: f32, hi: f32) -> Drawn {
    Drawn::new(vec![draw.floats(&[2, 3], lo, hi)], vec![])
}

fn pair(draw: &mut Draw, attributes: Vec<AttributeProto>) -> Option<Drawn> {
    let [a, b] = [[2, 3], [2, 3]].map(|shape| draw.floats(&shape, 0.1, 1.0));
    Some(Drawn::new(vec![a, b], attributes))
}

/// Constant truth values, or computed ones.
fn truths(draw: &mut Draw) -> String {
    if let Some(x) = draw.ranked(1, 4).filter(|x| x.shape.last() == Some(&4)) {
        return draw.made("IsNaN", vec![x.name]);
    }
    let raw = (0..4).map(|_| draw.random.below(2) as u8).collect();
    draw.constant(DataType::Bool, &[4], raw)
}

fn with_ints(draw: &mut Draw, ints: &[i64]) -> Option<Drawn> {
    let (x, ints) = (draw.floats(&[2, 3], -1.0, 1.0), draw.ints(ints));
    Some(Drawn::new(vec![x, ints], vec![]))
}

/// Constants with indices of their rank and, if it `updates`, as many numbers.
fn with_matrix(draw: &mut Draw, updates: bool) -> Option<Drawn> {
    let indices = [1_i64, 0, 1].iter().flat_map(|at| at.to_le_bytes()).collect();
    let mut inputs = vec![draw.floats(&[2, 3], -1.0, 1.0)];
    inputs.push(draw.constant(DataType::Int64, &[1, 3], indices));
    if updates {
        inputs.push(draw.floats(&[1, 3], -1.0, 1.0));
    }
    Some(Drawn::new(inputs, vec![]))
}

/// Elements of a computed value that computed indices name, or that are changed by others there.
fn indexed(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let [x, of] = [draw.ranked(1, 5)?, draw.ranked(1, 5)?];
    let len = |value: &Value| value.shape.iter().product::<i64>();
    let size = len(&of);
    // As many elements along the last of so many dimensions as there are indices.
    let shape = [vec![1; x.shape.len() - 1], vec![size]].concat();
    let (shape, mut inputs) = match name {
        "GatherND" | "ScatterND" => (vec![size, 1], vec![x.name.clone()]),
        _ => (shape, vec![x.name.clone()]),
    };
    let scale = draw.single(2.0);
    let far = draw.made("Mul", vec![of.name.clone(), scale]);
    let flat = draw.ints(&shape);
    let far = draw.made("Reshape", vec![far, flat]);
    inputs.push(draw.typed("Cast", far, DataType::Int64));
    if name.starts_with("Scatter") {
        let rows = [vec![size], x.shape[1..].to_vec()].concat();
        let rows = if name == "ScatterND" { rows } else { shape };
        (rows.iter().product::<i64>() <= 4096).then_some(())?;
        inputs.push(draw.floats(&rows, -1.0, 1.0));
    }
    let axis = int("axis", x.shape.len() as i64 - 1);
    let attributes = if name.ends_with("ND") { vec![] } else { vec![axis] };
    Some(Drawn::new(inputs, attributes))
}

/// A graph of one node that reads `input` and makes `r`, or what its caller lists.
fn subgraph(
    name: &str,
    op: &str,
    input: &str,
    inputs: &[&str],
    outputs: &[&str],
) -> AttributeProto {
    let mut model = Model::opset(1).node(op, &[input], &["r"], vec![]);
    let values = |names: &[&str]| -> Vec<ValueInfoProto> {
        names.iter().map(|name| ValueInfoProto { name: (*name).into(), r#type: None }).collect()
    };
    let graph: GraphProto =
        GraphProto { input: values(inputs), output: values(outputs), ..model.graph().clone() };
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Graph.into(),
        g: Some(Box::new(graph)),
        ..AttributeProto::default()
    }
}

fn branch(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.number()?;
    let condition = draw.random.below(2) as u8;
    let condition = draw.constant(DataType::Bool, &[], vec![condition]);
    let branches = [("then_branch", "Relu"), ("else_branch", "Sigmoid")];
    let attributes = branches.map(|(name, op)| subgraph(name, op, &x.name, &[], &["r"]));
    Some(Drawn::new(vec![condition], attributes.to_vec()))
}

fn repeated(draw: &mut Draw) -> Option<Drawn> {
    let (x, trips) = (draw.number()?, draw.ints(&[2]));
    let body = subgraph("body", "Sigmoid", "v", &["i", "go", "v"], &["go", "r"]);
    Some(Drawn::new(vec![trips, String::new(), x.name], vec![body]))
}

/// A sequence, of which a tensor is taken.
fn sequence(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let (x, at) = (draw.ranked(1, 5)?.name, draw.ints(&[0]));
    let made = |draw: &mut Draw| draw.made("SequenceConstruct", vec![x.clone(), x.clone()]);
    let (inputs, attributes) = match name {
        "SequenceConstruct" => (vec![x.clone(), x], vec![]),
        "SequenceEmpty" => (vec![], vec![]),
        "SplitToSequence" => (vec![x], vec![]),
        "SequenceInsert" => (vec![made(draw), x], vec![]),
        "SequenceErase" => (vec![made(draw), at.clone()], vec![]),
        "SequenceAt" => return Some(Drawn::new(vec![made(draw), at], vec![])),
        "SequenceLength" => return Some(Drawn::new(vec![made(draw)], vec![])),
        _ => return Some(Drawn::new(vec![made(draw)], vec![int("axis", 0)])),
    };
    let then =
        if name == "SequenceEmpty" { ("SequenceLength", vec![]) } else { ("SequenceAt", vec![at]) };
    Some(Drawn { then: Some(then), ..Drawn::new(inputs, attributes) })
}
