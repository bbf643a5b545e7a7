//! Attention, and other operators that are read as a few, against their definitions in plain loops.

use mnv2c::interp::Array;
use mnv2c::ir::Values;
use mnv2c::proto::AttributeProto;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, int, ints, raw_tensor, real};
use crate::truths::answers;

/// Numbers between -1 and 1 without pattern.
fn numbers(len: usize, seed: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 37 + seed) % 101) as f32 / 50.0 - 1.0).collect()
}

#[track_caller]
fn check(found: &Values, expected: &[f64]) {
    let found = found.as_f32().unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((f64::from(*found) - expected).abs() <= 1e-5, "{found} is not {expected}");
    }
}

/// Heads of queries, of keys, tokens of queries, of keys, sizes of keys and of values.
#[derive(Clone, Copy)]
struct Form {
    heads: [usize; 2],
    tokens: [usize; 2],
    sizes: [usize; 2],
    softcap: f64,
}

const FORM: Form = Form { heads: [4, 2], tokens: [3, 5], sizes: [4, 6], softcap: 0.0 };

/// The definition, for operands by heads; `bias` is what is added to the score of a token for another.
fn attended(form: Form, qkv: [&[f32]; 3], bias: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let Form { heads: [of_q, of_k], tokens: [tokens, others], sizes: [size, wide], softcap } = form;
    let [q, k, v] = qkv;
    let mut y = Vec::new();
    for (head, token) in (0..of_q).flat_map(|head| (0..tokens).map(move |token| (head, token))) {
        let shared = head / (of_q / of_k);
        let score = |other: usize| {
            let dot = |i: usize| {
                f64::from(q[(head * tokens + token) * size + i])
                    * f64::from(k[(shared * others + other) * size + i])
            };
            let score = (0..size).map(dot).sum::<f64>() / (size as f64).sqrt();
            let capped = if softcap > 0.0 { softcap * (score / softcap).tanh() } else { score };
            (capped + bias(token, other)).exp()
        };
        let scores: Vec<f64> = (0..others).map(score).collect();
        let sum: f64 = scores.iter().sum();
        for i in 0..wide {
            let part = |other: usize| f64::from(v[(shared * others + other) * wide + i]);
            y.push((0..others).map(|other| scores[other] / sum * part(other)).sum());
        }
    }
    y
}

/// A model of `Attention` over queries, keys and values by heads, and the operands.
fn by_heads(form: Form, others: usize) -> (Model, [Vec<f32>; 3], Vec<Array>) {
    let Form { heads, tokens, sizes, .. } = form;
    let shapes = [
        [1, heads[0], tokens[0], sizes[0]],
        [1, heads[1], others, sizes[0]],
        [1, heads[1], others, sizes[1]],
    ];
    let mut model = Model::opset(24);
    for (name, shape) in ["q", "k", "v"].into_iter().zip(&shapes) {
        model = model.input(name, &shape.map(|dim| dim as i64));
    }
    let values: [Vec<f32>; 3] =
        std::array::from_fn(|at| numbers(shapes[at].iter().product(), 11 * at + 5));
    let given = shapes.iter().zip(&values).map(|(shape, x)| Array::f32(*shape, x.clone()));
    (model, values.clone(), given.collect())
}

fn run(model: Model, inputs: &[&str], attributes: Vec<AttributeProto>, given: &[Array]) -> Values {
    answers(&model.node("Attention", inputs, &["y"], attributes).output("y"), given).remove(0)
}

#[test]
fn heads_share_keys_and_scores_are_capped() {
    let form = Form { softcap: 0.5, ..FORM };
    let (model, [q, k, v], given) = by_heads(form, 5);
    let found = run(model, &["q", "k", "v"], vec![real("softcap", 0.5)], &given);
    check(&found, &attended(form, [&q, &k, &v], |_, _| 0.0));
}

#[test]
fn masks_add_or_hide_and_the_future_is_hidden() {
    let (model, [q, k, v], given) = by_heads(FORM, 5);
    let hidden = |is: bool| if is { f64::NEG_INFINITY } else { 0.0 };
    let causal = run(model.clone(), &["q", "k", "v"], vec![int("is_causal", 1)], &given);
    check(&causal, &attended(FORM, [&q, &k, &v], |token, other| hidden(other > token)));
    let truths = (0..15).map(|at| u8::from(at % 5 != 3)).collect();
    let masked = model.clone().tensor(raw_tensor("m", DataType::Bool, &[3, 5], truths));
    let found = run(masked, &["q", "k", "v", "m"], vec![], &given);
    check(&found, &attended(FORM, [&q, &k, &v], |_, other| hidden(other == 3)));
    // A short mask hides the tokens that it does not name.
    let raw = (0..12).flat_map(|at| (at as f32 / 8.0).to_le_bytes()).collect();
    let added = model.clone().tensor(raw_tensor("m", DataType::Float, &[3, 4], raw));
    let found = run(added, &["q", "k", "v", "m"], vec![], &given);
    let bias = |token: usize, other: usize| (token * 4 + other) as f64 / 8.0 + hidden(other > 3);
    check(&found, &attended(FORM, [&q, &k, &v], bias));
    let counted = model.ints("count", &[2]);
    let found = run(counted, &["q", "k", "v", "", "", "", "count"], vec![], &given);
    check(&found, &attended(FORM, [&q, &k, &v], |_, other| hidden(other > 1)));
}

#[test]
fn keys_and_values_of_the_past_come_first() {
    let form = Form { heads: [2, 2], ..FORM };
    let (model, [q, k, v], given) = by_heads(form, 3);
    let model = model.floats("pk", &[1, 2, 2, 4]).floats("pv", &[1, 2, 2, 6]);
    let inputs = ["q", "k", "v", "", "pk", "pv"];
    let causal = vec![int("is_causal", 1)];
    let model = model.node("Attention", &inputs, &["y", "keys"], causal).output("y").output("keys");
    let found = answers(&model, &given);
    let joined = |new: &[f32], size: usize| -> Vec<f32> {
        let head = |at: usize| {
            let past = (0..2 * size).map(|i| (at * 2 * size + i) as f32).collect::<Vec<_>>();
            [past, new[at * 3 * size..][..3 * size].to_vec()].concat()
        };
        [head(0), head(1)].concat()
    };
    let (k, v) = (joined(&k, 4), joined(&v, 6));
    let hidden =
        |token: usize, other: usize| if other > token + 2 { f64::NEG_INFINITY } else { 0.0 };
    check(&found[0], &attended(form, [&q, &k, &v], hidden));
    assert_eq!(found[1], Values::F32(k));
}

#[test]
fn tokens_of_all_heads_in_a_row_are_split() {
    let form = Form { heads: [2, 2], tokens: [3, 3], sizes: [4, 4], softcap: 0.0 };
    let x = numbers(24, 3);
    let heads: Vec<f32> = [0, 1]
        .iter()
        .flat_map(|head| x.chunks(8).flat_map(move |row| row[head * 4..][..4].to_vec()))
        .collect();
    let attributes = ["q_num_heads", "kv_num_heads"].map(|name| int(name, 2));
    let model = Model::opset(23).input("x", &[1, 3, 8]);
    let found = run(model, &["x", "x", "x"], attributes.to_vec(), &[Array::f32([1, 3, 8], x)]);
    let by_heads = attended(form, [&heads, &heads, &heads], |_, _| 0.0);
    let expected: Vec<f64> =
        (0..24).map(|at| by_heads[at % 8 / 4 * 12 + at / 8 * 4 + at % 4]).collect();
    check(&found, &expected);
}

#[test]
fn hardmax_is_one_for_the_first_of_the_greatest() {
    let x = [3.0, 0.0, 1.0, 2.0, 2.0, 5.0, 1.0, 5.0];
    let of = |opset, axis| Model::of(opset, &[2, 2, 2], "Hardmax", vec![int("axis", axis)]);
    let given = [Array::f32([2, 2, 2], x.to_vec())];
    let last = [1., 0., 0., 1., 0., 1., 0., 1.];
    assert_eq!(answers(&of(13, -1), &given), [Values::F32(last.to_vec())]);
    let middle = [1., 0., 0., 1., 1., 1., 0., 0.];
    assert_eq!(answers(&of(13, 1), &given), [Values::F32(middle.to_vec())]);
    let rows = [1., 0., 0., 0., 0., 1., 0., 0.];
    assert_eq!(answers(&of(11, 1), &given), [Values::F32(rows.to_vec())]);
}

#[test]
fn pools_take_the_norm_of_their_windows() {
    let x = numbers(12, 7);
    for p in [1, 2, 3] {
        let attributes = vec![ints("kernel_shape", &[3]), ints("pads", &[1, 0]), int("p", p)];
        let model = Model::of(18, &[1, 2, 6], "LpPool", attributes);
        let found = answers(&model, &[Array::f32([1, 2, 6], x.clone())]).remove(0);
        let power = |x: &f32| f64::from(*x).abs().powi(p as i32);
        let window = |row: &[f32], at: usize| -> f64 {
            let sum: f64 = row[at.saturating_sub(1)..(at + 2)].iter().map(power).sum();
            sum.powf(1.0 / p as f64)
        };
        let expected: Vec<f64> =
            x.chunks(6).flat_map(|row| (0..5).map(move |at| window(row, at))).collect();
        check(&found, &expected);
    }
}

#[test]
fn layer_norm_tells_its_mean_and_one_over_its_deviation() {
    let x = [1.0, 2.0, 3.0, 10.0, 10.0, 40.0];
    let model = Model::opset(17).input("x", &[2, 3]).floats("s", &[3]);
    let outputs = ["y", "mean", "inverse"];
    let model = model.node("LayerNormalization", &["x", "s"], &outputs, vec![]);
    let found = answers(
        &model.output("y").output("mean").output("inverse"),
        &[Array::f32([2, 3], x.to_vec())],
    );
    check(&found[1], &[2.0, 20.0]);
    check(&found[2], &[1.0 / (2.0_f64 / 3.0 + 1e-5).sqrt(), 1.0 / (200.0_f64 + 1e-5).sqrt()]);
}
