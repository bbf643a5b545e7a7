//! Reads a thousand handwritten digits with a network that `mobilenet!` compiled into this program.

use mnv2c_macros::mobilenet;

mobilenet! {
    /// Tells ten digits apart.
    mod digits;
    model = "../digits/digits.onnx";
}

/// The test digits, 28x28 bytes each, behind the header of their file.
static PICTURES: &[u8] = include_bytes!("../../digits/test_x.npy").split_at(128).1;
static CLASSES: &[u8] = include_bytes!("../../digits/test_y.npy").split_at(128).1;

fn main() {
    let mut arena = Box::new(digits::Arena::new());
    let mut probabilities = [0.0; digits::OUTPUT_LEN];
    let mut right = 0;
    for (picture, class) in PICTURES.chunks_exact(28 * 28).zip(CLASSES) {
        digits::infer(&mut arena, &padded(picture), &mut probabilities);
        right += usize::from(best(&probabilities) == usize::from(*class));
    }
    println!("{right} of {} digits are read right", CLASSES.len());
}

/// 28x28 bytes as the network takes them: 32x32 numbers from 0 to 1.
fn padded(picture: &[u8]) -> [f32; digits::INPUT_LEN] {
    let mut padded = [0.0; digits::INPUT_LEN];
    for (row, line) in picture.chunks_exact(28).enumerate() {
        for (column, byte) in line.iter().enumerate() {
            padded[(row + 2) * 32 + column + 2] = f32::from(*byte) / 255.0;
        }
    }
    padded
}

fn best(probabilities: &[f32]) -> usize {
    let all = probabilities.iter().enumerate();
    all.max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(class, _)| class)
}
