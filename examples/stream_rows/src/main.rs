//! Reads digits that are never in memory: the network asks the camera for row after row, and keeps three.

use std::sync::Mutex;

use mnv2c_macros::mobilenet;

mobilenet! {
    /// Tells ten digits apart.
    mod digits;
    model = "../digits/digits.onnx";
    input_format = u8_nhwc; // the camera's bytes
    objective = ram;        // as little memory as can be
    feed = rows;            // no picture in it
    output = argmax;        // no scores either
}

/// All the memory there is, beside a little stack.
static ARENA: Mutex<digits::Arena> = Mutex::new(digits::Arena::new());

/// The test digits stand in for a camera: 28x28 bytes each, behind the header of their file.
static PICTURES: &[u8] = include_bytes!("../../digits/test_x.npy").split_at(128).1;
static CLASSES: &[u8] = include_bytes!("../../digits/test_y.npy").split_at(128).1;

fn main() {
    let mut arena = ARENA.lock().expect("nobody panicked with it");
    let mut right = 0;
    for (picture, class) in PICTURES.chunks_exact(28 * 28).zip(CLASSES) {
        let digit = digits::infer_rows(&mut arena, |row, bytes| scan(picture, row, bytes));
        right += usize::from(digit == usize::from(*class));
    }
    let (all, kept) = (CLASSES.len(), digits::ARENA_BYTES);
    println!("{right} of {all} digits are read right, in {kept} bytes");
}

/// A row of the sensor's 32x32 pixels, two of which on each side are dark.
fn scan(picture: &[u8], row: usize, bytes: &mut [u8]) {
    bytes.fill(0);
    if (2..30).contains(&row) {
        bytes[2..30].copy_from_slice(&picture[(row - 2) * 28..][..28]);
    }
}
