//! Options of the compiler as settings: cut graphs, models quantised on the way, modules that need no other crate.

mnv2c_macros::mobilenet! {
    mod scores;
    model = "../examples/digits/digits.onnx";
    outputs = "model/probabilities/MatMul_Gemm__6:0";
    standalone = true;
}

mnv2c_macros::mobilenet! {
    mod bytes;
    model = "../examples/digits/digits.onnx";
    dtype = int8;
    calibration = ["../examples/digits/input_0.npy"];
    limit = 1;
    input_shapes { image = [1, 32, 32, 1] }
}

#[test]
fn a_cut_module_that_stands_alone_answers_with_scores() {
    let mut answer = [0.0; scores::OUTPUT_LEN];
    let mut arena = Box::new(scores::Arena::new());
    scores::infer(&mut arena, &[0.5; scores::INPUT_LEN], &mut answer);
    let sum: f32 = answer.iter().sum();
    assert!((sum - 1.0).abs() > 1e-2, "{answer:?} are probabilities");
}

#[test]
fn a_model_that_was_quantised_on_the_way_answers_with_probabilities() {
    let mut answer = [0.0; bytes::OUTPUT_LEN];
    let mut arena = Box::new(bytes::Arena::new());
    bytes::infer(&mut arena, &[0.5; bytes::INPUT_LEN], &mut answer);
    let sum: f32 = answer.iter().sum();
    assert!((sum - 1.0).abs() < 0.1, "{answer:?}");
}
