//! Two networks in one program: each lies in a module of its own, with its own arena and weights.

use std::sync::Mutex;

use mnv2c_macros::mobilenet;

mobilenet! {
    /// Tells ten digits apart; trained.
    mod digits;
    model = "../digits/digits.onnx";
}

mobilenet! {
    /// The paper's network at a tenth of its width, for pictures of 32x32; untrained.
    struct Gate<0.1, 32, Generic>;
    classes = 2;
    seed = 7;
}

/// Both are zero at start, so they take no room in the program's file.
static DIGITS: Mutex<digits::Arena> = Mutex::new(digits::Arena::new());
static GATE: Mutex<Gate> = Mutex::new(Gate::new());

fn main() {
    let picture = [0.5; Gate::INPUT_LEN];
    let mut scores = [0.0; Gate::OUTPUT_LEN];
    GATE.lock().expect("nobody panicked with it").infer(&picture, &mut scores);
    println!("gate: {scores:.3?} in {} bytes", Gate::ARENA_BYTES);

    let (image, mut probabilities) = ([0.5; digits::INPUT_LEN], [0.0; digits::OUTPUT_LEN]);
    let mut arena = DIGITS.lock().expect("nobody panicked with it");
    digits::infer(&mut arena, &image, &mut probabilities);
    println!("digits: {probabilities:.3?} in {} bytes", digits::ARENA_BYTES);
}
