//! Networks as structs take and give the numbers that their models do.

use mnv2c_macros::mobilenet;

mobilenet! {
    /// Floats as bytes.
    struct Bytes;
    model = "tests/models/bytes.onnx";
}

mobilenet! {
    /// The greatest bytes of windows.
    struct Greatest;
    model = "tests/models/greatest.onnx";
}

mobilenet! {
    /// The paper's network, small.
    struct Best<0.1, 32, Generic>;
    classes 10; seed = 7; output = argmax;
}

mobilenet! {
    /// The same, of a camera's bytes.
    struct Five<0.1, 32, Generic>;
    classes 10; seed = 7; output = top5; input_format = u8_nhwc;
}

mobilenet! {
    /// Sums of all calls.
    struct Sum;
    model = "tests/models/sum.onnx";
    state { h = hn }
}

#[test]
fn what_a_model_keeps_is_kept_until_it_is_cleared() {
    let (mut net, mut y) = (Sum::new(), [0.0; Sum::OUTPUT_LEN]);
    for expected in [[-1.0, -2.0], [-2.0, -4.0]] {
        net.infer(&[1.0, 2.0], &mut y);
        assert_eq!(y, expected);
    }
    net.reset();
    net.infer(&[5.0, 6.0], &mut y);
    assert_eq!(y, [-5.0, -6.0]);
}

#[test]
fn what_a_model_gives_in_bytes_is_given_in_bytes() {
    let mut bytes = [0_u8; Bytes::OUTPUT_LEN];
    Bytes::new().infer(&[-1.0, 0.0, 0.7, 1e9], &mut bytes);
    assert_eq!(bytes, [8, 10, 11, 255]);
}

#[test]
fn what_a_model_takes_in_bytes_is_taken_in_bytes() {
    let mut bytes = [0_u8; Greatest::OUTPUT_LEN];
    let x: [u8; Greatest::INPUT_LEN] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 1, 2, 3, 4, 5, 6];
    Greatest::new().infer(&x, &mut bytes);
    assert_eq!(bytes, [6, 8, 250, 6]);
}

#[test]
fn classes_are_told_as_counts() {
    let best: usize = Best::new().infer(&[0.5; Best::INPUT_LEN]);
    let five: [(usize, f32); 5] = Five::new().infer(&[100; Five::INPUT_LEN]);
    assert!(best < 10 && five.iter().all(|(class, part)| *class < 10 && *part <= 1.0));
}
