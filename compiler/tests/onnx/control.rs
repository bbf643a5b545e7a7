//! Control flow, functions and sequences that constants decide: what is left is what onnxruntime 1.32 computes.

use mnv2c::interp::{self, Array};
use mnv2c::ir::Values;
use mnv2c::proto::attribute_proto::AttributeType;
use mnv2c::proto::{
    AttributeProto, FunctionProto, GraphProto, NodeProto, OperatorSetIdProto, ValueInfoProto,
};

use crate::build::{Model, int, int_tensor, real};

fn node(op: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<AttributeProto>) -> NodeProto {
    Model::opset(1).node(op, inputs, outputs, attribute).graph().node.remove(0)
}

fn values(names: &[&str]) -> Vec<ValueInfoProto> {
    names.iter().map(|name| ValueInfoProto { name: (*name).into(), r#type: None }).collect()
}

fn graph(inputs: &[&str], node: Vec<NodeProto>, outputs: &[&str]) -> GraphProto {
    GraphProto { node, input: values(inputs), output: values(outputs), ..GraphProto::default() }
}

fn subgraph(name: &str, graph: GraphProto) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Graph.into(),
        g: Some(Box::new(graph)),
        ..AttributeProto::default()
    }
}

/// The output of a model of input `x`.
#[track_caller]
fn check(model: &Model, shape: &[usize], x: &[f32], expected: &[f32]) {
    let graph = model.read().unwrap();
    let x = Array { shape: shape.to_vec(), values: Values::F32(x.to_vec()) };
    let y = interp::run(&graph, &[x]).unwrap().remove(0);
    assert_eq!(y.values.as_f32().unwrap(), expected, "{graph}");
}

/// A branch that reads `doubled` from around it.
fn branch(op: &str) -> GraphProto {
    let nodes = vec![
        node(op, &["doubled"], &["inner"], vec![]),
        node("Add", &["inner", "doubled"], &["out"], vec![]),
    ];
    graph(&[], nodes, &["out"])
}

/// A model whose branch the number of rows chooses.
pub(crate) fn choice(rows: i64) -> Model {
    Model::opset(13)
        .input("x", &[rows, 2])
        .ints("at", &[0])
        .ints("one", &[1])
        .node("Shape", &["x"], &["dims"], vec![])
        .node("Gather", &["dims", "at"], &["rows"], vec![])
        .node("Equal", &["rows", "one"], &["is_one"], vec![])
        .node(
            "If",
            &["is_one"],
            &["y"],
            vec![subgraph("then_branch", branch("Neg")), subgraph("else_branch", branch("Relu"))],
        )
        .node("Add", &["x", "x"], &["doubled"], vec![])
        .output("y")
}

#[test]
fn the_branch_that_is_taken_is_read_in_place() {
    check(&choice(1), &[1, 2], &[1.0, -3.0], &[0.0, 0.0]);
    check(&choice(2), &[2, 2], &[1.0, -3.0, 2.0, 0.0], &[4.0, -6.0, 8.0, 0.0]);
    assert_eq!(
        choice(1).text(),
        "%1 add \"doubled\" a=%0 b=%0 -> f32[1,2]\n%2 neg \"y/inner\" x=%1 -> f32[1,2]\n\
         %3 add \"y\" a=%2 b=%1 -> f32[1,2]"
    );
}

#[test]
fn a_branch_that_inputs_decide_is_refused() {
    let branches =
        vec![subgraph("then_branch", branch("Neg")), subgraph("else_branch", branch("Relu"))];
    let model = Model::opset(13)
        .input("x", &[])
        .node("Add", &["x", "x"], &["doubled"], vec![])
        .node("If", &["x"], &["y"], branches)
        .output("y");
    assert!(
        model.text().contains("If: a condition that is computed at run time"),
        "{}",
        model.text()
    );
    let missing = Model::opset(13).input("x", &[]).scalar("one", 1.0).ints("c", &[1]);
    let missing = missing.node("If", &["c"], &["y"], vec![]).output("y").text();
    assert!(missing.contains("then_branch is missing"), "{missing}");
}

/// `scaled(a) = leaky_relu(a) * factor`, whose factor and slope are attributes.
fn scaled(version: i64) -> FunctionProto {
    let pass = |name: &str, of: &str, kind: AttributeType| AttributeProto {
        name: name.into(),
        ref_attr_name: of.into(),
        r#type: kind.into(),
        ..AttributeProto::default()
    };
    let float = AttributeType::Float;
    FunctionProto {
        name: "Scaled".into(),
        domain: "local".into(),
        input: vec!["a".into()],
        output: vec!["b".into()],
        attribute: vec!["slope".into()],
        attribute_proto: vec![real("factor", 4.0)],
        node: vec![
            node("LeakyRelu", &["a"], &["leaky"], vec![pass("alpha", "slope", float)]),
            node("Constant", &[], &["factor"], vec![pass("value_float", "factor", float)]),
            node("Mul", &["leaky", "factor"], &["b"], vec![]),
        ],
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version }],
        ..FunctionProto::default()
    }
}

fn local(model: Model, op: &str, from: &str, to: &str, attributes: Vec<AttributeProto>) -> Model {
    let mut model = model.node(op, &[from], &[to], attributes);
    model.graph().node.last_mut().unwrap().domain = "local".into();
    model
}

#[test]
fn functions_of_the_model_are_inlined_with_their_attributes() {
    let mut twice = Model::opset(13).input("x", &[2]);
    twice = local(twice, "Scaled", "x", "first", vec![real("slope", 0.5)]);
    twice = local(twice, "Scaled", "first", "y", vec![real("factor", 2.0), real("slope", 0.25)]);
    let mut twice = twice.output("y");
    twice.proto.functions = vec![scaled(13)];
    check(&twice, &[2], &[3.0, -8.0], &[24.0, -8.0]);
    // Left out, the slope is what LeakyRelu has without it.
    let mut plain =
        local(Model::opset(13).input("x", &[2]), "Scaled", "x", "y", vec![]).output("y");
    plain.proto.functions = vec![scaled(13)];
    check(&plain, &[2], &[3.0, -100.0], &[12.0, -4.0]);
}

#[test]
fn functions_are_refused_that_call_themselves_or_have_no_such_attribute() {
    let with = |function: FunctionProto, attributes| {
        let mut model =
            local(Model::opset(13).input("x", &[2]), "Scaled", "x", "y", attributes).output("y");
        model.proto.functions = vec![function];
        model.text()
    };
    let mut endless = scaled(13);
    endless
        .node
        .push(NodeProto { domain: "local".into(), ..node("Scaled", &["b"], &["c"], vec![]) });
    endless.output = vec!["c".into()];
    assert!(with(endless, vec![]).contains("its function calls itself"));
    let odd = with(scaled(13), vec![int("speed", 9)]);
    assert!(odd.contains("local.Scaled: attribute \"speed\""), "{odd}");
    let new = with(scaled(99), vec![]);
    assert!(new.contains("operator set: version 99"), "{new}");
}

/// A loop that doubles `x` and keeps each of its values.
fn doubling(trips: i64, condition: Vec<NodeProto>) -> Model {
    let mut nodes = vec![node("Add", &["v", "v"], &["next"], vec![])];
    nodes.extend(condition);
    nodes.push(node("Identity", &["v"], &["kept"], vec![]));
    let body = graph(&["i", "go", "v"], nodes, &["goes", "next", "kept"]);
    Model::opset(13)
        .input("x", &[2])
        .ints("trips", &[trips])
        .node("Loop", &["trips", "", "x"], &["last", "all"], vec![subgraph("body", body)])
        .node("ReduceSum", &["all"], &["sum"], vec![int("keepdims", 1)])
        .node("Add", &["last", "sum"], &["y"], vec![])
        .output("y")
}

/// A model with a loop and a function.
pub(crate) fn nested() -> Model {
    let mut model = doubling(2, vec![node("Identity", &["go"], &["goes"], vec![])]);
    model.graph().output.clear();
    model = local(model, "Scaled", "y", "z", vec![real("slope", 0.5)]).output("z");
    model.proto.functions = vec![scaled(13)];
    model
}

#[test]
fn loops_of_a_known_count_are_unrolled() {
    let always = || vec![node("Identity", &["go"], &["goes"], vec![])];
    // 8x, and the sum of x, 2x and 4x.
    check(&doubling(3, always()), &[2], &[1.0, 2.0], &[29.0, 37.0]);
    let long = doubling(1025, always()).text();
    assert!(long.contains("Loop: [1025] rounds; 1024 is the most"), "{long}");
    let counted = vec![
        node("Constant", &[], &["two"], vec![int("value_int", 2)]),
        node("Less", &["i", "two"], &["goes"], vec![]),
    ];
    check(&doubling(3, counted.clone()), &[2], &[1.0, 2.0], &[29.0, 37.0]);
    let ends = doubling(5, counted).text();
    assert!(ends.contains("a condition that ends it before its count"), "{ends}");
    assert!(doubling(0, always()).text().contains("of no round"));
}

#[test]
fn sequences_are_read_by_position() {
    let parts = |sizes: &[i64], at: [i64; 2]| {
        let scalar = |name: &str, at: i64| {
            let mut tensor = int_tensor(name, &[at]);
            tensor.dims.clear();
            tensor
        };
        Model::opset(13)
            .input("x", &[4])
            .ints("sizes", sizes)
            .tensor(scalar("a_at", at[0]))
            .tensor(scalar("b_at", at[1]))
            .node("SplitToSequence", &["x", "sizes"], &["parts"], vec![])
            .node("SequenceAt", &["parts", "a_at"], &["a"], vec![])
            .node("SequenceAt", &["parts", "b_at"], &["b"], vec![])
            .node("SequenceInsert", &["parts", "b", "a_at"], &["more"], vec![])
            .node("SequenceErase", &["more"], &["fewer"], vec![])
            .node("ConcatFromSequence", &["fewer"], &["joined"], vec![int("axis", 0)])
            .node("Concat", &["a", "b", "joined"], &["y"], vec![int("axis", 0)])
            .output("y")
    };
    let x = [1.0, 2.0, 3.0, 4.0];
    check(&parts(&[1, 3], [0, -1]), &[4], &x, &[1.0, 2.0, 3.0, 4.0, 2.0, 3.0, 4.0, 1.0]);
    assert!(parts(&[1, 3], [0, 2]).text().contains("position 2 in a sequence of 2"));
    assert!(parts(&[1, 2], [0, 1]).text().contains("4 elements do not split into parts of [1, 2]"));
}

#[test]
fn sequences_are_stacked_and_are_no_tensors() {
    let sequence = || {
        Model::opset(13).input("x", &[2]).node("Neg", &["x"], &["n"], vec![]).node(
            "SequenceConstruct",
            &["x", "n"],
            &["s"],
            vec![],
        )
    };
    let stacked = vec![int("axis", 1), int("new_axis", 1)];
    let stack = sequence().node("ConcatFromSequence", &["s"], &["y"], stacked).output("y");
    check(&stack, &[2], &[1.0, 2.0], &[1.0, -1.0, 2.0, -2.0]);
    let relu = sequence().node("Relu", &["s"], &["y"], vec![]).output("y").text();
    assert!(relu.contains("operand 0 is a sequence; a tensor belongs there"), "{relu}");
    assert!(sequence().output("s").text().contains("a sequence; supported: tensors"));
}
