//! Forms that are read as other operators, against what onnxruntime 1.32 answered on x86-64.

use mnv2c::interp::{self, Array};
use mnv2c::ir::Values;
use mnv2c::proto::tensor_proto::DataType;
use mnv2c::proto::{AttributeProto, TensorProto};

use crate::build::{Model, int, int_tensor, ints, raw_tensor, real, text};

/// Numbers between -2 and 2 without pattern.
fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 37 + 11) % 101) as f32 / 25.0 - 2.0).collect()
}

/// Constant floats.
fn f(shape: &[i64], values: &[f32]) -> TensorProto {
    let raw = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    raw_tensor("", DataType::Float, shape, raw)
}

/// Constant integers.
fn i(values: &[i64]) -> TensorProto {
    int_tensor("", values)
}

/// An operator that reads input `x` and constants behind it.
fn of(
    opset: i64,
    op: &str,
    shape: &[i64],
    constants: &[TensorProto],
    attributes: Vec<AttributeProto>,
) -> Model {
    let mut model = Model::opset(opset).input("x", shape);
    let mut names = vec!["x".to_owned()];
    for (port, constant) in constants.iter().enumerate() {
        let name = if constant.dims == [0] { String::new() } else { format!("c{port}") };
        if !name.is_empty() {
            model = model.tensor(TensorProto { name: name.clone(), ..constant.clone() });
        }
        names.push(name);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    model.node(op, &names, &["y"], attributes).output("y")
}

/// An operand that is left out.
fn none() -> TensorProto {
    i(&[])
}

#[track_caller]
fn check(model: &Model, inputs: &[&[f32]], shape: &[usize], expected: &[f32]) {
    let graph = model.read().unwrap();
    let array = |(id, x): (&mnv2c::ir::NodeId, &&[f32])| Array {
        shape: graph.node(*id).out.shape.clone(),
        values: Values::F32(x.to_vec()),
    };
    let inputs: Vec<Array> = graph.inputs.iter().zip(inputs).map(array).collect();
    let y = interp::run(&graph, &inputs).unwrap().remove(0);
    assert_eq!(y.shape, shape, "{graph}");
    let found = y.values.as_f32().unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let near = (found - expected).abs() <= 2e-6 * expected.abs().max(1.0);
        assert!(near || found == expected, "{found} is not {expected}\n{graph}");
    }
}

#[test]
fn gelu_by_tanh_is_not_gelu_by_erf() {
    let model = of(20, "Gelu", &[5], &[], vec![text("approximate", "tanh")]);
    let x = [-100.0, -1.5, -0.0, 0.5, 3.0];
    check(&model, &[&x], &[5], &[0.0, -0.100428, 0.0, 0.345714, 2.996363]);
    let odd = of(20, "Gelu", &[5], &[], vec![text("approximate", "fast")]).text();
    assert!(odd.contains("approximate=fast; none or tanh belong there"), "{odd}");
}

#[test]
fn a_root_of_squares_normalises() {
    let x = numbers(6);
    let scale = f(&[3], &[2.0, -1.0, 0.5]);
    let last = of(23, "RMSNormalization", &[2, 3], &[scale], vec![real("epsilon", 1e-5)]);
    let expected = [-2.576246, 0.066058, 0.578004, -1.855895, -0.255985, 0.719959];
    check(&last, &[&x], &[2, 3], &expected);
    let all = vec![int("axis", 0), real("epsilon", 0.5)];
    let all = of(23, "RMSNormalization", &[2, 3], &[f(&[2, 3], &x)], all);
    let expected = [1.71454, 0.004509, 1.380876, 0.948013, 0.072144, 2.282671];
    check(&all, &[&x], &[2, 3], &expected);
}

#[test]
fn training_normalises_by_the_statistics_of_the_batch() {
    let one = |values: &[f32]| f(&[2], values);
    let constants = [one(&[2., -1.]), one(&[0.25, 1.]), one(&[0., 0.]), one(&[1., 1.])];
    let training = || vec![int("training_mode", 1)];
    let model = of(15, "BatchNormalization", &[2, 2, 2], &constants, training());
    let expected =
        [-2.558585, -0.084355, -0.288399, 2.154787, 0.584355, 3.058585, 1.773039, 0.360572];
    check(&model, &[&numbers(8)], &[2, 2, 2], &expected);
    let mut running = of(15, "BatchNormalization", &[2, 2, 2], &constants, training());
    running.graph().node[0].output.push("mean".into());
    let running = running.output("mean").text();
    assert!(running.contains("BatchNormalization: result 1, which is used"), "{running}");
}

#[test]
fn statistics_may_be_of_each_element() {
    let each = |values: &[f32]| f(&[2, 2], values);
    let constants = [
        each(&[2., -1., 0.5, 3.]),
        each(&[0.25, 1., -2., 0.]),
        each(&[0., 1., 2., 3.]),
        each(&[1., 2., 3., 4.]),
    ];
    let model = of(7, "BatchNormalization", &[1, 2, 2], &constants, vec![int("spatial", 0)]);
    let expected = [-2.869984, 1.763673, -2.173205, -6.239993];
    check(&model, &[&numbers(4)], &[1, 2, 2], &expected);
    let constants =
        [f(&[2], &[1.0; 2]), f(&[2], &[0.0; 2]), f(&[2], &[0.0; 2]), f(&[2], &[1.0; 2])];
    let wrong = of(7, "BatchNormalization", &[1, 2, 2], &constants, vec![int("spatial", 0)]).text();
    assert!(wrong.contains("operand 1 is [2]; [2, 2] belongs there"), "{wrong}");
}

#[test]
fn bounds_may_be_computed() {
    let model = Model::opset(13).input("x", &[4]).input("lo", &[]).input("hi", &[1]);
    let model = model.node("Clip", &["x", "lo", "hi"], &["y"], vec![]).output("y");
    let x = [-3.0, 0.0, 1.0, 5.0];
    check(&model, &[&x, &[-1.0], &[2.0]], &[4], &[-1.0, 0.0, 1.0, 2.0]);
    check(&model, &[&x, &[3.0], &[2.0]], &[4], &[2.0; 4]);
    let list = Model::opset(13).input("x", &[4]).input("lo", &[4]);
    let list = list.node("Clip", &["x", "lo"], &["y"], vec![]).output("y").text();
    assert!(list.contains("operand 1 is [4]; one number belongs there"), "{list}");
}

#[test]
fn what_is_computed_may_be_tiled_gathered_and_wrapped() {
    let tiled = of(13, "Tile", &[2, 2], &[i(&[2, 3])], vec![]);
    let expected = [[1., 2., 1., 2., 1., 2.], [3., 4., 3., 4., 3., 4.]].concat();
    check(&tiled, &[&[1., 2., 3., 4.]], &[4, 6], &expected.repeat(2));
    let gathered = |indices: &[i64]| of(13, "Gather", &[1, 4], &[i(indices)], vec![int("axis", 1)]);
    let x = [1.0, 2.0, 3.0, 4.0];
    for (indices, expected) in [
        (&[0, 0, 1, 1, 3, 3][..], &[1., 1., 2., 2., 4., 4.][..]),
        (&[3, 1, -1, 0, 1], &[4., 2., 4., 1., 2.]),
        (&[3, 2, 1, 0], &[4., 3., 2., 1.]),
        (&[0, 2], &[1., 3.]),
        (&[2, 2, 2], &[3., 3., 3.]),
    ] {
        check(&gathered(indices), &[&x], &[1, expected.len()], expected);
    }
    let many: Vec<i64> = (0..400).map(|i| i * i % 3).collect();
    let expected: Vec<f32> = many.iter().map(|i| x[*i as usize]).collect();
    check(&gathered(&many), &[&x], &[1, 400], &expected);
    let wrap = |pads: &[i64]| of(19, "Pad", &[2, 3], &[i(pads)], vec![text("mode", "wrap")]);
    let x = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    let (low, high) = ([1., 2., 0., 1., 2., 0., 1., 2., 0.], [4., 5., 3., 4., 5., 3., 4., 5., 3.]);
    check(&wrap(&[1, 2, 0, 4]), &[&x], &[3, 9], &[high, low, high].concat());
    check(&wrap(&[0, -1, 0, 0]), &[&x], &[2, 2], &[1., 2., 4., 5.]);
    assert!(wrap(&[0, -1, 0, 1]).text().contains("pads -1 and 1 around a dimension of 3"));
    assert!(wrap(&[0, -3, 0, 0]).text().contains("pads -3 and 0 around a dimension of 3"));
}

#[test]
fn products_run_over_the_axes_that_they_name() {
    let x = [1., 2., 3., 4., 5., -6.];
    let rows = vec![ints("axes", &[-1]), int("keepdims", 0)];
    check(&of(13, "ReduceProd", &[2, 3], &[], rows), &[&x], &[2], &[6., -120.]);
    check(&of(13, "ReduceProd", &[2, 3], &[], vec![]), &[&x], &[1, 1], &[-720.]);
    let seven = of(13, "ReduceProd", &[7], &[], vec![]);
    check(&seven, &[&[1., 2., 3., 4., 5., 6., 7.]], &[1], &[5040.]);
}

#[test]
fn what_jumps_at_a_threshold_is_exact_there() {
    let inf = f32::INFINITY;
    let relu = |alpha| of(13, "ThresholdedRelu", &[4], &[], vec![real("alpha", alpha)]);
    check(&relu(0.5), &[&[-inf, 0.5, 0.500_000_06, inf]], &[4], &[0., 0., 0.500_000_06, inf]);
    check(&relu(-0.5), &[&[-1.0, -0.5, -0.25, 1.25]], &[4], &[0., 0., -0.25, 1.25]);
    let shrink = of(13, "Shrink", &[6], &[], vec![real("lambd", 1.0), real("bias", 0.25)]);
    let x = [-3.0, -1.0, -0.5, 0.0, 1.0, 1.5];
    check(&shrink, &[&x], &[6], &[-2.75, 0.0, 0.0, 0.0, 0.0, 1.25]);
    let sign = of(13, "Sign", &[5], &[], vec![]);
    check(&sign, &[&[-3.0, -0.0, 1e-45, inf, -inf]], &[5], &[-1., 0., 1., 1., -1.]);
    let divisors = f(&[4], &[0.5, -2.0, 0.5, 0.5]);
    let modulo = of(13, "Mod", &[4], &[divisors], vec![int("fmod", 1)]);
    check(&modulo, &[&[-7.25, 7.25, 0.3, -0.5]], &[4], &[-0.25, 1.25, 0.3, 0.0]);
    let third = of(13, "Mod", &[4], &[f(&[], &[3.0])], vec![int("fmod", 1)]).text();
    assert!(third.contains("a divisor that is no constant power of two"), "{third}");
    let negative = of(13, "Shrink", &[6], &[], vec![real("lambd", -1.0)]).text();
    assert!(negative.contains("lambd=-1; supported: 0 and more"), "{negative}");
}

#[test]
fn einsums_are_products_sums_and_transposes() {
    let einsum = |equation: &str, shape: &[i64], other: &[TensorProto]| {
        of(13, "Einsum", shape, other, vec![text("equation", equation)])
    };
    let (a, b) = (numbers(6), f(&[3, 4], &numbers(12)));
    let expected = [-0.168, -1.4, -0.5232, 0.0208, -0.5552, 0.1488, -0.264, -1.016];
    check(&einsum("ij, jk -> ki", &[2, 3], std::slice::from_ref(&b)), &[&a], &[4, 2], &expected);
    let expected = [-0.168, -0.5232, -0.5552, -0.264, -1.4, 0.0208, 0.1488, -1.016];
    check(&einsum("ba,ac", &[2, 3], &[b]), &[&a], &[2, 4], &expected);
    let (cube, square) = (numbers(8), f(&[2, 2], &numbers(4)));
    let sums = einsum("abc->ca", &[2, 2, 2], &[]);
    check(&sums, &[&cube], &[2, 2], &[-0.16, -0.44, -1.24, 2.52]);
    let along = einsum("abc,b->cab", &[2, 2, 2], &[f(&[2], &[1.0, -2.0])]);
    let expected = [-1.56, -2.8, 0.32, 1.52, -0.08, 2.32, 1.8, -1.44];
    check(&along, &[&cube], &[2, 2, 2], &expected);
    let stacked = einsum("nab,nb->na", &[2, 2, 2], std::slice::from_ref(&square));
    check(&stacked, &[&cube], &[2, 2], &[2.44, -2.0912, -1.64, -1.8992]);
    let summed = einsum("abc,bd->ad", &[2, 2, 2], &[square]);
    check(&summed, &[&cube], &[2, 2], &[2.8944, -0.1472, -3.3632, -0.1232]);
    for (equation, words) in [
        ("aa->a", "each once in an operand"),
        ("...a->a", "letters, each once in an operand"),
        ("ab,bc,cd->ad", "of 1 operands; supported: one or two"),
        ("abc->a", "operand 0 of shape [2, 2] in \"abc->a\""),
        ("ab->c", "the result of \"ab->c\""),
    ] {
        let text = einsum(equation, &[2, 2], &[]).text();
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn transposed_convolutions_of_signals_are_those_of_one_row() {
    let (x, w) = (numbers(8), f(&[2, 2, 3], &numbers(12)));
    let bias = f(&[2], &[0.5, -1.0]);
    let attributes =
        vec![ints("strides", &[2]), ints("pads", &[1, 0]), ints("output_padding", &[1])];
    let model = of(13, "ConvTranspose", &[1, 2, 4], &[w.clone(), bias], attributes);
    let expected = [
        0.8552, -3.516, 1.8024, -4.5304, -0.1592, 5.1208, 1.1112, -2.4488, 0.5, -1.1408,
        -4.823_999, 0.9904, -5.0864, -1.4032, 3.7008, -0.5648, -4.1248, -1.0,
    ];
    check(&model, &[&x], &[1, 2, 9], &expected);
    let grouped = vec![int("group", 2), ints("dilations", &[2])];
    let model = of(13, "ConvTranspose", &[1, 2, 4], std::slice::from_ref(&w), grouped);
    let expected = [
        2.4336, 0.1248, -2.0592, 1.816, -2.296, -0.0192, 1.96, -1.624, 1.8096, 0.0928, -2.1232,
        1.32, -2.36, -0.5152, 2.52, -2.088, -0.2432, -1.368, 0.808, 0.7488, -1.136, -2.7936,
        1.3984, -1.3248, -0.1152, -0.648, 0.632, 1.7568, -1.312, -1.7856, 1.0944, -1.0368,
    ];
    check(&model, &[&x], &[1, 4, 8], &expected);
    let sized = vec![ints("strides", &[3]), ints("output_shape", &[11])];
    let model = of(13, "ConvTranspose", &[1, 2, 4], &[w], sized);
    let expected = [
        0.3552, -2.7728, -1.2432, 1.3024, -3.424, -1.6064, -0.6592, 3.3584, 1.2624, 0.6112,
        -2.9488, -0.1408, -3.2688, -0.5552, 1.9904, -2.736, -1.3504, -0.4032, 3.6144, 1.0864,
        0.4352, -3.1248,
    ];
    check(&model, &[&x], &[1, 2, 11], &expected);
}

#[test]
fn quantised_weights_of_transposed_convolutions_are_their_floats() {
    let scalar = |value: f32| f(&[], &[value]);
    let bytes = raw_tensor("w", DataType::Int8, &[1, 1, 2, 2], vec![1, 2, 254, 4]);
    let bias = [10_i32, 0].iter().take(1).flat_map(|x| x.to_le_bytes()).collect();
    let model = Model::opset(13)
        .input("x", &[1, 1, 1, 2])
        .tensor(bytes)
        .tensor(raw_tensor("b", DataType::Int32, &[1], bias))
        .tensor(TensorProto { name: "s".into(), ..scalar(0.5) })
        .node("DequantizeLinear", &["w", "s"], &["weights"], vec![])
        .node("DequantizeLinear", &["b", "s"], &["bias"], vec![])
        .node("ConvTranspose", &["x", "weights", "bias"], &["y"], vec![ints("strides", &[2, 2])])
        .output("y");
    let expected = [5.5, 6.0, 6.0, 7.0, 4.0, 7.0, 3.0, 9.0];
    check(&model, &[&[1.0, 2.0]], &[1, 1, 2, 4], &expected);
}

#[test]
fn signals_are_resized_as_pictures_of_one_row() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let resize = |attributes, scale: f32| {
        of(13, "Resize", &[1, 1, 4], &[none(), f(&[3], &[1.0, 1.0, scale])], attributes)
    };
    check(&resize(vec![], 1.5), &[&x], &[1, 1, 6], &[1., 1., 2., 3., 3., 4.]);
    let linear = resize(vec![text("mode", "linear")], 2.0);
    check(&linear, &[&x], &[1, 1, 8], &[1.0, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4.0]);
    check(&resize(vec![], 1.0), &[&x], &[1, 1, 4], &x);
    let doubled = of(9, "Upsample", &[1, 1, 4], &[f(&[3], &[1., 1., 2.])], vec![]);
    check(&doubled, &[&x], &[1, 1, 8], &[1., 1., 2., 2., 3., 3., 4., 4.]);
}

#[test]
fn a_list_of_one_slope_makes_a_single_number_a_list() {
    let model = of(13, "PRelu", &[], &[f(&[1], &[0.1])], vec![]);
    check(&model, &[&[-2.0]], &[1], &[-0.2]);
}

#[test]
fn a_constant_matrix_may_stand_on_the_left() {
    let model = Model::opset(13).input("x", &[2, 3, 2]);
    let model = model.tensor(TensorProto { name: "m".into(), ..f(&[2, 3], &numbers(6)) });
    let model = model.node("MatMul", &["m", "x"], &["y"], vec![]).output("y");
    let expected = [2.7696, 2.7376, 2.8336, 2.9616, 2.9008, -3.1104, 2.3088, -3.5424];
    check(&model, &[&numbers(12)], &[2, 2, 2], &expected);
}
