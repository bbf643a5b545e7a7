//! Names the digit on a picture: `cargo run -p classify -- examples/digits/eight.png`.

use std::error::Error;
use std::path::PathBuf;

use image::imageops::FilterType;
use mnv2c_macros::mobilenet;

mobilenet! {
    /// Tells ten digits apart.
    mod net;
    model = "../digits/digits.onnx";
}

const LABELS: &str = include_str!("../../digits/labels.txt");

fn main() -> Result<(), Box<dyn Error>> {
    let seven = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../digits/seven.png"));
    let path = std::env::args_os().nth(1).map_or(seven, PathBuf::from);
    let picture = image::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;

    let [_, height, width, _] = net::INPUT_SHAPE.map(|side| side as u32);
    let gray = picture.resize_exact(width, height, FilterType::Triangle).to_luma8();
    let mut input = [0.0; net::INPUT_LEN];
    for (number, byte) in input.iter_mut().zip(gray.as_raw()) {
        *number = f32::from(*byte) / 255.0;
    }

    let mut arena = Box::new(net::Arena::new());
    let mut probabilities = [0.0; net::OUTPUT_LEN];
    net::infer(&mut arena, &input, &mut probabilities);

    let mut ranked: Vec<(&str, f32)> = LABELS.lines().zip(probabilities).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (label, probability) in &ranked[..3] {
        println!("{:5.1} %  {label}", probability * 100.0);
    }
    Ok(())
}
