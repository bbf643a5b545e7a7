//! Networks of any size, each long, wide or deep in one way.

use mnv2c::proto::AttributeProto;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, int, int_tensor, ints, raw_tensor, text};

/// A kind of network, and how to make one of a size.
pub(crate) struct Kind {
    /// The name.
    pub(crate) name: &'static str,
    /// The model of a size.
    pub(crate) model: fn(usize) -> Model,
}

/// All kinds.
pub(crate) const KINDS: &[Kind] = &[
    kind("relus", relus),
    kind("bends", bends),
    kind("adds", adds),
    kind("outputs", outputs),
    kind("concat", concat),
    kind("initialisers", initialisers),
    kind("inputs", inputs),
    kind("fan_out", fan_out),
    kind("residuals", residuals),
    kind("convolutions", convolutions),
    kind("transposes", transposes),
    kind("reshapes", reshapes),
    kind("dense", dense),
];

const fn kind(name: &'static str, model: fn(usize) -> Model) -> Kind {
    Kind { name, model }
}

/// A picture of four channels, read as "x".
fn picture() -> Model {
    Model::opset(13).input("x", &[1, 4, 4, 4])
}

/// `n` clamps, one after another, of which one is left.
fn relus(n: usize) -> Model {
    chain(picture(), n, |model, x, y| model.node("Relu", &[x], &[y], vec![]))
}

/// `n` functions of one number, one after another, all of which are left.
fn bends(n: usize) -> Model {
    chain(picture(), n, |model, x, y| {
        let op = if number(y).is_multiple_of(2) { "Abs" } else { "Sigmoid" };
        model.node(op, &[x], &[y], vec![])
    })
}

/// `n` sums, each of the one before it and the input.
fn adds(n: usize) -> Model {
    chain(picture(), n, |model, x, y| model.node("Add", &[x, "x"], &[y], vec![]))
}

/// `n` outputs of one input.
fn outputs(n: usize) -> Model {
    (0..n).fold(picture(), |model, i| {
        let (sum, y) = (format!("v{i}"), format!("y{i}"));
        let factor = format!("k{i}");
        model
            .scalar(&factor, i as f32)
            .node("Add", &["x", &factor], &[&sum], vec![])
            .node("Abs", &[&sum], &[&y], vec![])
            .output(&y)
    })
}

/// One value of `n` convolutions side by side.
fn concat(n: usize) -> Model {
    let made = |i: usize| format!("c{i}");
    let model = (0..n).fold(picture(), |model, i| convolved(model, i, 4, "x", &made(i)));
    joined(model, &(0..n).map(made).collect::<Vec<_>>()).output("y")
}

/// One convolution, and sums with `n` constants.
fn initialisers(n: usize) -> Model {
    chain(picture(), n, |model, x, y| {
        let constant = format!("k{y}");
        model.floats(&constant, &[4, 1, 1]).node("Div", &[x, &constant], &[y], vec![])
    })
}

/// The sum of `n` inputs.
fn inputs(n: usize) -> Model {
    let model = (1..=n).fold(picture(), |model, i| model.input(&format!("x{i}"), &[1, 4, 4, 4]));
    chain(model, n, |model, x, y| model.node("Add", &[x, &format!("x{}", number(y))], &[y], vec![]))
}

/// One value that `n` nodes read, whose results are summed one after another.
fn fan_out(n: usize) -> Model {
    let model =
        picture().node("Sigmoid", &["x"], &["s"], vec![]).node("Abs", &["x"], &["v0"], vec![]);
    (0..n)
        .fold(model, |model, i| {
            let (bend, factor) = (format!("b{i}"), format!("k{i}"));
            model.scalar(&factor, i as f32).node("Div", &["s", &factor], &[&bend], vec![]).node(
                "Add",
                &[&value(i), &bend],
                &[&value(i + 1)],
                vec![],
            )
        })
        .output(&value(n))
}

/// `n` blocks of two convolutions and a residual.
fn residuals(n: usize) -> Model {
    chain(picture(), n, |model, x, y| {
        let [a, b, c] = ["a", "b", "c"].map(|part| format!("{part}{y}"));
        let model = convolved(model, 2 * number(y), 4, x, &a).node("Relu", &[&a], &[&b], vec![]);
        let model = convolved(model, 2 * number(y) + 1, 4, &b, &c);
        model.node("Add", &[x, &c], &[y], vec![])
    })
}

/// `n` convolutions, one after another.
fn convolutions(n: usize) -> Model {
    chain(picture(), n, |model, x, y| convolved(model, number(y), 4, x, y))
}

/// `n` transposes with a function between two of them, which no pass may move them over.
fn transposes(n: usize) -> Model {
    chain(picture(), n, |model, x, y| {
        let turned = format!("t{y}");
        model.node("Transpose", &[x], &[&turned], vec![ints("perm", &[0, 2, 3, 1])]).node(
            "Softmax",
            &[&turned],
            &[y],
            vec![int("axis", 3)],
        )
    })
}

/// `n` reshapes with a softmax between two of them.
fn reshapes(n: usize) -> Model {
    let model =
        picture().tensor(int_tensor("flat", &[1, 64])).tensor(int_tensor("deep", &[1, 4, 4, 4]));
    chain(model, n, |model, x, y| {
        let flat = format!("f{y}");
        model
            .node("Reshape", &[x, "flat"], &[&flat], vec![])
            .node("Softmax", &[&flat], &[&format!("s{y}")], vec![int("axis", 1)])
            .node("Reshape", &[&format!("s{y}"), "deep"], &[y], vec![])
    })
}

/// `n` concats, each of the one before it and a convolution of that, as a DenseNet has them.
fn dense(n: usize) -> Model {
    chain(picture(), n, |model, x, y| {
        let grown = format!("g{y}");
        let channels = 3 + number(y);
        let model = convolved(model, channels, channels, x, &grown);
        model.node("Concat", &[x, &grown], &[y], vec![int("axis", 1)])
    })
}

/// `n` links behind "x", each made by `link` of the name of what it reads and of what it makes.
fn chain(model: Model, n: usize, link: impl Fn(Model, &str, &str) -> Model) -> Model {
    let model = (0..n).fold(model, |model, i| {
        let before = if i == 0 { "x".to_owned() } else { value(i) };
        link(model, &before, &value(i + 1))
    });
    model.output(&value(n))
}

fn value(i: usize) -> String {
    format!("v{i}")
}

fn number(value: &str) -> usize {
    value[1..].parse().expect("values of a chain are numbered")
}

fn convolved(model: Model, number: usize, channels: usize, x: &str, y: &str) -> Model {
    let weights = format!("w{number}");
    let made = if y.starts_with('g') { 1 } else { 4 };
    let numbers: Vec<u8> =
        (0..made * channels).flat_map(|i| ((i + number) as f32 * 1e-3).to_le_bytes()).collect();
    let shape = [made as i64, channels as i64, 1, 1];
    model.tensor(raw_tensor(&weights, DataType::Float, &shape, numbers)).node(
        "Conv",
        &[x, &weights],
        &[y],
        no_attributes(),
    )
}

fn no_attributes() -> Vec<AttributeProto> {
    vec![text("auto_pad", "VALID")]
}

fn joined(model: Model, parts: &[String]) -> Model {
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    model.node("Concat", &parts, &["y"], vec![int("axis", 1)])
}
