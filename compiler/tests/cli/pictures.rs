//! Pictures and arrays as they come: damaged, turned, in another order, with numbers that are none.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::build::Model;
use crate::place::{Place, TINY};

/// Pixels of a side of the squares that pictures consist of: JPEG codes such squares by themselves.
const SIDE: usize = 8;
/// Columns and rows of squares.
const WIDE: usize = 3;
const HIGH: usize = 2;

/// Writes a picture's numbers into a file in some format.
type Encode = fn(&[u8], u32, u32, Vec<u8>) -> Vec<u8>;

fn encoded(mut encoder: impl ImageEncoder, exif: Vec<u8>, pixels: &[u8], [w, h]: [u32; 2]) {
    encoder.set_exif_metadata(exif).expect("the format has a place for it");
    encoder.write_image(pixels, w, h, ExtendedColorType::L8).expect("it encodes");
}

fn png(pixels: &[u8], w: u32, h: u32, exif: Vec<u8>) -> Vec<u8> {
    let mut file = Vec::new();
    encoded(PngEncoder::new(&mut file), exif, pixels, [w, h]);
    file
}

fn jpeg(pixels: &[u8], w: u32, h: u32, exif: Vec<u8>) -> Vec<u8> {
    let mut file = Vec::new();
    encoded(JpegEncoder::new_with_quality(&mut file, 100), exif, pixels, [w, h]);
    file
}

/// EXIF data with an orientation, as cameras write it.
fn exif(orientation: u8) -> Vec<u8> {
    let head = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
    [&head[..], &[orientation, 0, 0, 0, 0, 0, 0]].concat()
}

/// The brightness of a square.
fn square(column: usize, row: usize) -> u8 {
    40 * (1 + column + row * WIDE) as u8
}

/// Squares of different brightness.
fn squares(encode: Encode, orientation: u8) -> Vec<u8> {
    let (w, h) = (WIDE * SIDE, HIGH * SIDE);
    let pixel = |at: usize| square(at % w / SIDE, at / w / SIDE);
    let pixels: Vec<u8> = (0..w * h).map(pixel).collect();
    encode(&pixels, w as u32, h as u32, exif(orientation))
}

/// The stored square that lies at a place of the upright picture.
fn stored(orientation: u8, [x, y]: [usize; 2]) -> [usize; 2] {
    let (right, bottom) = (WIDE - 1, HIGH - 1);
    match orientation {
        2 => [right - x, y],
        3 => [right - x, bottom - y],
        4 => [x, bottom - y],
        5 => [y, x],
        6 => [y, bottom - x],
        7 => [right - y, bottom - x],
        8 => [right - y, x],
        _ => [x, y],
    }
}

/// A model that gives a grey picture of so many squares as it takes it.
fn echo(columns: usize, rows: usize) -> Vec<u8> {
    let shape = [1, 1, (rows * SIDE) as i64, (columns * SIDE) as i64];
    Model::of(13, &shape, "Relu", vec![]).bytes()
}

#[test]
fn pictures_are_turned_as_cameras_were_held() {
    let place = Place::new();
    place.put("lying.onnx", &echo(WIDE, HIGH));
    place.put("standing.onnx", &echo(HIGH, WIDE));
    for orientation in 1..=8 {
        for (name, encode) in [("it.png", png as Encode), ("it.jpg", jpeg as Encode)] {
            place.put(name, &squares(encode, orientation));
            let (model, columns, rows) =
                if orientation < 5 { ("lying", WIDE, HIGH) } else { ("standing", HIGH, WIDE) };
            place.mnv2c(&format!("run {model}.onnx --input {name} --output-dir .")).well();
            let values = place.floats("output_0.npy");
            for (x, y) in (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))) {
                let middle = (y * SIDE + SIDE / 2) * columns * SIDE + x * SIDE + SIDE / 2;
                let [column, row] = stored(orientation, [x, y]);
                let far = values[middle] - f32::from(square(column, row)) / 255.0;
                assert!(far.abs() < 0.02, "{name} held as {orientation}: {x} {y}: {far}");
            }
        }
    }
}

#[test]
fn calibration_takes_pictures_upright_too() {
    let place = Place::new();
    place.put("standing.onnx", &echo(HIGH, WIDE));
    place.put("it.jpg", &squares(jpeg, 6));
    place.mnv2c("run standing.onnx --input it.jpg --output-dir .").well();
    let of = |calib: &str| {
        place
            .mnv2c(&format!("quantize standing.onnx --calib {calib} -o q.onnx --format json"))
            .json()
    };
    assert_eq!(of("it.jpg")["layers"], of("output_0.npy")["layers"]);
}

#[test]
fn pictures_that_are_not_whole_are_refused() {
    let place = Place::new();
    place.put("net.onnx", &echo(WIDE, HIGH));
    let refused = |name: &str, file: &[u8], part: &str| {
        place.put(name, file);
        for verb in ["run net.onnx --input", "quantize net.onnx -o q.onnx --calib"] {
            place.mnv2c(&format!("{verb} {name}")).fails(1, &[name, part, "again"]);
        }
    };
    for (name, encode) in [("it.png", png as Encode), ("it.jpg", jpeg as Encode)] {
        let whole = squares(encode, 1);
        for cut in [1, 2, 9, 13, whole.len() / 3, whole.len() - 30] {
            refused(name, &whole[..whole.len() - cut], "ends before its picture does");
        }
        let longer = [&whole[..], b"and more"].concat();
        place.put(name, &longer);
        place.mnv2c(&format!("run net.onnx --input {name}")).well();
    }
    let mut damaged = squares(png, 1);
    let at = damaged.windows(4).position(|part| part == b"IDAT").expect("it has pixels");
    damaged[at + 8] ^= 0x10;
    refused("it.png", &damaged, "is damaged: the checksum of its part \"IDAT\" is wrong");
    let mut damaged = squares(jpeg, 1);
    let at = damaged.windows(2).rposition(|pair| pair == [0xFF, 0xDA]).expect("it has pixels");
    // A head of another picture among the coded pixels.
    damaged.splice(at + 14..at + 14, [0xFF, 0xC8, 0, 2]);
    refused("it.jpg", &damaged, "is damaged: ");
}

#[test]
fn a_mean_of_bytes_says_so() {
    let place = Place::new();
    place.put("tiny.toml", TINY.as_bytes());
    place.put("it.png", &squares(png, 1));
    place.put("net.onnx", &echo(WIDE, HIGH));
    let raw = "write --scale raw --mean 127.5 --std 127.5";
    let flags = "--mean 127.5 --std 127.5";
    place.mnv2c(&format!("run net.onnx --input it.png {flags}")).fails(1, &[raw]);
    place.mnv2c(&format!("quantize net.onnx --calib it.png -o q.onnx {flags}")).fails(1, &[raw]);
    let folded = "compile tiny.toml --seed 1 -o net.rs --input-format u8-nhwc";
    place.mnv2c(&format!("{folded} {flags}")).fails(1, &[raw]);
    place
        .mnv2c(&format!("{folded} --scale raw --mean 0.485,0.456,0.406 --std 0.229"))
        .fails(1, &["write --scale unit --mean 0.485,0.456,0.406 --std 0.229"]);
    place.mnv2c(&format!("{folded} --mean 0.5 --std 2")).well();
}

#[test]
fn an_array_in_another_order_is_told_the_call_that_turns_it() {
    let place = Place::new();
    place.put("net/model.onnx", &Model::of(13, &[1, 3, 4, 5], "Relu", vec![]).bytes());
    place.put_array("net/input_0.npy", &[1, 4, 5, 3], |at| at as f32);
    place.put_array("net/output_0.npy", &[1, 3, 4, 5], |at| at as f32);
    let call = "x.transpose(0, 3, 1, 2)";
    place.mnv2c("run net/model.onnx --input net/input_0.npy").fails(1, &[call]);
    place.mnv2c("quantize net/model.onnx --calib net/input_0.npy -o q.onnx").fails(1, &[call]);
}

#[test]
fn numbers_that_are_none_are_told_once_for_each_file() {
    let place = Place::new();
    let model = Model::of(13, &[1, 3, 4, 5], "Relu", vec![]);
    place.put("net/model.onnx", &model.bytes());
    let with_nan = |at: usize| if at == 21 { f32::NAN } else { 1.0 };
    place.put_array("net/input_0.npy", &[1, 3, 4, 5], with_nan);
    place.put_array("net/output_0.npy", &[1, 3, 4, 5], with_nan);
    let told = "holds 1 NaN of 60 numbers, the first at [0, 1, 0, 1]";
    for (line, file) in [
        ("run net/model.onnx --input net/input_0.npy", "net/input_0.npy"),
        ("quantize net/model.onnx --calib net/input_0.npy -o q.onnx", "net/input_0.npy"),
        ("verify net", "net/input_0.npy"),
        ("verify net", "net/output_0.npy"),
    ] {
        let said = place.mnv2c(line);
        let warning = format!(": {file} {told}");
        assert_eq!(said.err.matches(&warning).count(), 1, "{line}: {said:?}");
    }
    let root = Model::of(13, &[2], "Sqrt", vec![]);
    place.put("root.onnx", &root.bytes());
    place.put_array("x.npy", &[2], |at| 1.0 - 2.0 * at as f32);
    let said = place.mnv2c("run root.onnx --input x.npy");
    assert!(
        said.err.contains("warning: output \"y\" holds 1 NaN of 2 numbers, the first at [1]"),
        "{said:?}"
    );
}
