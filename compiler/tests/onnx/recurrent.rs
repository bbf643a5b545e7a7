//! RNN, GRU and LSTM answer what onnxruntime does, forwards, backwards and both, in the oracle and in the program.

use mnv2c::interp::Array;
use mnv2c::proto::AttributeProto;

use crate::build::{Model, int, numbers, real, reals, text, texts};
use crate::truths::near;

const STEPS: usize = 3;
const BATCH: usize = 2;
const SIZE: usize = 2;

/// A layer of 2 inputs and 2 hidden numbers, its weights as `numbers` has them, without those of `left_out`.
fn layer(op: &str, directions: usize, attributes: Vec<AttributeProto>, left_out: &[&str]) -> Model {
    let gates = match op {
        "LSTM" => 4,
        "GRU" => 3,
        _ => 1,
    };
    let rows = gates * SIZE;
    let state = [directions, BATCH, SIZE];
    let constants: [(&str, &[usize], usize); 6] = [
        ("w", &[directions, rows, SIZE], 2),
        ("r", &[directions, rows, SIZE], 3),
        ("b", &[directions, 2 * rows], 4),
        ("h", &state, 5),
        ("c", &state, 6),
        ("p", &[directions, 3 * SIZE], 7),
    ];
    let mut model = Model::opset(17).input("x", &[STEPS as i64, BATCH as i64, SIZE as i64]);
    for (name, shape, seed) in constants {
        model = model.tensor(numbers(name, shape, seed));
    }
    let given = |name: &'static str| if left_out.contains(&name) { "" } else { name };
    let last = if op == "LSTM" { 8 } else { 6 };
    let inputs = ["x", "w", "r", given("b"), "", given("h"), given("c"), given("p")];
    let results = if op == "LSTM" { &["y", "yh", "yc"][..] } else { &["y", "yh"] };
    let attributes = [attributes, vec![int("hidden_size", SIZE as i64)]].concat();
    let model = model.node(op, &inputs[..last], results, attributes);
    results.iter().fold(model, |model, name| model.output(name))
}

fn check(model: &Model, expected: &[&[f32]]) {
    let x = numbers("x", &[STEPS, BATCH, SIZE], 1).float_data;
    near(model, Array::f32([STEPS, BATCH, SIZE], x), expected);
}

fn both(attributes: Vec<AttributeProto>) -> Vec<AttributeProto> {
    [attributes, vec![text("direction", "bidirectional")]].concat()
}

#[test]
fn lstm_of_both_directions_with_peepholes() {
    check(
        &layer("LSTM", 2, both(vec![]), &[]),
        &[
            &[
                -0.1510516,
                0.01216988,
                0.01080768,
                0.06983927,
                0.08201124,
                -0.2120635,
                -0.2017796,
                -0.3495661,
                -0.2060177,
                0.07989299,
                -0.08107225,
                0.09377199,
                -0.1341079,
                -0.1272128,
                -0.253468,
                -0.3319017,
                -0.2699223,
                0.1502129,
                -0.1752877,
                0.1535293,
                0.11642,
                0.06025158,
                0.02090572,
                -0.402247,
            ],
            &[
                -0.2699223, 0.1502129, -0.1752877, 0.1535293, 0.08201124, -0.2120635, -0.2017796,
                -0.3495661,
            ],
            &[
                -0.6355149, 0.2866969, -0.293737, 0.3963919, 0.1140887, -0.355101, -0.288682,
                -0.9959097,
            ],
        ],
    );
}

#[test]
fn lstm_backwards_within_bounds_and_by_other_functions() {
    let attributes = vec![
        text("direction", "reverse"),
        real("clip", 0.5),
        texts("activations", &["HardSigmoid", "Relu", "LeakyRelu"]),
        reals("activation_alpha", &[0.3, 0.1]),
        reals("activation_beta", &[0.4]),
    ];
    check(
        &layer("LSTM", 1, attributes, &["p"]),
        &[
            &[
                0.005982807,
                0.06879696,
                0.008995517,
                0.06084559,
                0.01260542,
                0.02370361,
                0.03189336,
                0.04768878,
                0.03620118,
                -0.001860871,
                0.08679688,
                0.03125,
            ],
            &[0.005982807, 0.06879696, 0.008995517, 0.06084559],
            &[0.01152583, 0.1677357, 0.01635548, 0.2299153],
        ],
    );
}

#[test]
fn lstm_that_starts_from_nothing() {
    check(
        &layer("LSTM", 1, vec![], &["b", "h", "c", "p"]),
        &[
            &[
                -0.06366459,
                0.1002248,
                -0.01375253,
                -0.04707524,
                -0.009110161,
                0.006056086,
                0.06451716,
                -0.07480271,
                -0.0553442,
                0.0964575,
                0.03332739,
                -0.1078231,
            ],
            &[-0.0553442, 0.0964575, 0.03332739, -0.1078231],
            &[-0.124096, 0.1648139, 0.06372787, -0.2422269],
        ],
    );
}

#[test]
fn gru_whose_reset_gate_scales_the_state() {
    check(
        &layer("GRU", 2, both(vec![]), &[]),
        &[
            &[
                0.5472251,
                -0.3170372,
                0.5074586,
                0.04792347,
                -0.1936413,
                -0.4638851,
                -0.06572601,
                -0.6392703,
                0.6240561,
                -0.07042306,
                0.6409872,
                0.08313265,
                -0.01114707,
                -0.3477684,
                0.1569635,
                -0.3412882,
                0.7715228,
                -0.1075878,
                0.5792488,
                0.1728339,
                -0.2365255,
                0.0619813,
                -0.05725181,
                0.1000244,
            ],
            &[
                0.7715228,
                -0.1075878,
                0.5792488,
                0.1728339,
                -0.1936413,
                -0.4638851,
                -0.06572601,
                -0.6392703,
            ],
        ],
    );
}

#[test]
fn gru_whose_reset_gate_scales_what_the_state_gives() {
    let attributes = vec![
        int("linear_before_reset", 1),
        texts("activations", &["Sigmoid", "Tanh", "HardSigmoid", "Elu"]),
        reals("activation_alpha", &[0.2, 0.7]),
        reals("activation_beta", &[0.5]),
    ];
    check(
        &layer("GRU", 2, both(attributes), &[]),
        &[
            &[
                0.5283311,
                -0.2758118,
                0.446301,
                0.07107023,
                -0.05529486,
                -0.1770284,
                0.05384064,
                -0.2865416,
                0.5940896,
                -0.03067428,
                0.5659301,
                0.1128412,
                0.04077961,
                -0.1226118,
                0.2156613,
                -0.08063665,
                0.7335119,
                -0.0695705,
                0.4733843,
                0.1992919,
                -0.20166,
                0.1405366,
                -0.04557618,
                0.2218968,
            ],
            &[
                0.7335119,
                -0.0695705,
                0.4733843,
                0.1992919,
                -0.05529486,
                -0.1770284,
                0.05384064,
                -0.2865416,
            ],
        ],
    );
}

#[test]
fn rnn_of_a_function_for_each_direction() {
    let attributes = vec![texts("activations", &["Relu", "Tanh"])];
    check(
        &layer("RNN", 2, both(attributes), &[]),
        &[
            &[
                0.1875, 0.0, 0.0, 0.0, 0.1350083, 0.8254007, 0.4897746, 0.4182653, 0.0, 0.0, 0.0,
                0.0, 0.2404252, 0.699982, 0.5090277, 0.4086039, 0.515625, 0.0, 0.0, 0.0,
                -0.2595493, 0.8833083, 0.1853333, 0.6959356,
            ],
            &[0.515625, 0.0, 0.0, 0.0, 0.1350083, 0.8254007, 0.4897746, 0.4182653],
        ],
    );
}

#[test]
fn what_is_not_laid_out_is_refused_in_words() {
    let message = |model: Model| model.read().expect_err("this is not read").to_string();
    let coupled = message(layer("LSTM", 1, vec![int("input_forget", 1)], &[]));
    assert!(coupled.contains("gates of their own"), "{coupled}");
    let unknown = message(layer("RNN", 1, vec![texts("activations", &["Softsign"])], &[]));
    assert!(unknown.contains("supported: Elu, HardSigmoid"), "{unknown}");
    let few = message(layer("GRU", 2, both(vec![texts("activations", &["Tanh"; 3])]), &[]));
    assert!(few.contains("3 activations; each direction has 2"), "{few}");
    let long = Model::opset(17)
        .input("x", &[2000, 1, 2])
        .tensor(numbers("w", &[1, 2, 2], 1))
        .tensor(numbers("r", &[1, 2, 2], 2))
        .node("RNN", &["x", "w", "r"], &["y"], vec![int("hidden_size", 2)])
        .output("y");
    let long = message(long);
    assert!(long.contains("2000 steps; up to 1024"), "{long}");
}
