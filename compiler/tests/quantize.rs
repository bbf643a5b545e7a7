//! Models quantised by pictures: as good as in floats, standard, and refused where nothing can be learnt.

use std::path::Path;

use mnv2c::frontend::onnx;
use mnv2c::interp::{self, Array};
use mnv2c::ir::{Graph, Op, Quant, Values};
use mnv2c::npy;
use mnv2c::pass::{Skips, legalize_quant};
use mnv2c::quantize::histogram::Observer;
use mnv2c::quantize::{Settings, note, quantize};
use mnv2c::source::{Options, Source};

/// Test digits and their classes, as the network takes them.
fn digits() -> Vec<(Array, usize)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits");
    let read = |name: &str| npy::read(&std::fs::read(folder.join(name)).unwrap()).unwrap();
    let (pictures, classes) = (read("test_x.npy"), read("test_y.npy"));
    let (Values::U8(pictures), Values::U8(classes)) = (pictures.values, classes.values) else {
        panic!("the digits are bytes");
    };
    let padded = |picture: &[u8]| {
        let mut values = vec![0.0; 32 * 32];
        for (at, byte) in picture.iter().enumerate() {
            values[(at / 28 + 2) * 32 + at % 28 + 2] = f32::from(*byte) / 255.0;
        }
        Array::f32([1, 32, 32, 1], values)
    };
    pictures.chunks(28 * 28).map(padded).zip(classes.into_iter().map(usize::from)).collect()
}

fn floats() -> Graph {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits/digits.onnx");
    let source = Source::open(model.to_str().unwrap()).unwrap();
    source.model(&Options::default()).unwrap().graph
}

fn bytes(file: Vec<u8>) -> Graph {
    let mut graph = onnx::read(file, Path::new(""), &onnx::Options::default()).unwrap();
    legalize_quant::run(&mut graph, &mut Skips::new()).unwrap();
    graph
}

fn right(graph: &Graph, digits: &[(Array, usize)]) -> usize {
    let is_right = |(picture, class): &&(Array, usize)| {
        let answers = interp::run(graph, std::slice::from_ref(picture)).unwrap();
        let scores = answers[0].values.as_f32().unwrap();
        (0..scores.len()).all(|other| scores[other] <= scores[*class])
    };
    digits.iter().filter(is_right).count()
}

#[test]
fn digits_on_bytes_are_read_as_well_as_in_floats() {
    let digits = digits();
    let images: Vec<Array> =
        digits.iter().step_by(40).map(|(picture, _)| picture.clone()).collect();
    for observer in [Observer::MinMax, Observer::Percentile(1e-4), Observer::Entropy] {
        let settings = Settings { observer, ..Settings::default() };
        let quantized = quantize(floats(), &images, &settings, |_| ()).unwrap();
        assert_eq!(quantized.report.agreeing, quantized.report.images, "{}", quantized.report);
        assert!(quantized.report.cosine > 0.995, "{}", quantized.report);
        let noted = onnx::summary(quantized.file.clone()).unwrap().metadata;
        assert_eq!(note::read(&noted[note::KEY]), Some(quantized.report));
        let graph = bytes(quantized.file);
        let computes =
            |id: &_| !matches!(graph.node(*id).op, Op::Input | Op::Const(_) | Op::Identity);
        let left: Vec<&str> = graph
            .order()
            .unwrap()
            .iter()
            .filter(|id| computes(id))
            .map(|id| graph.node(*id).op.name())
            .collect();
        let in_floats =
            left.iter().filter(|op| ["conv", "add", "gemm", "matmul", "dequantize"].contains(op));
        assert_eq!(in_floats.count(), 0, "{graph}");
        assert!(right(&graph, &digits[..40]) >= 39, "{observer:?}");
    }
}

#[test]
fn a_layer_that_is_kept_is_computed_in_floats() {
    let images = vec![digits().swap_remove(0).0];
    let of = |keep: &[String]| {
        let settings = Settings { keep: keep.iter().cloned().collect(), ..Settings::default() };
        quantize(floats(), &images, &settings, |_| ())
    };
    let all = of(&[]).unwrap().report;
    let name = all.layers.iter().filter(|layer| layer.op == "conv").nth(5).unwrap().name.clone();
    let graph = bytes(of(std::slice::from_ref(&name)).unwrap().file);
    let convs = |floats: bool| {
        let ids = graph.ids().into_iter();
        ids.filter(|id| match &graph.node(*id).op {
            Op::Conv(_) => floats,
            Op::Quant(Quant::Conv(_)) => !floats,
            _ => false,
        })
        .count()
    };
    let layers = all.layers.iter().filter(|layer| layer.op == "conv").count();
    assert_eq!((convs(true), convs(false)), (1, layers - 1), "{graph}");
    let mistaken = name.to_uppercase().replacen('/', "_", 1);
    let unknown = of(std::slice::from_ref(&mistaken)).unwrap_err().to_string();
    let told = format!("there is no layer {mistaken:?} to keep in floats; like it are {name:?}, ");
    assert!(unknown.starts_with(&told), "{unknown}");
    assert!(unknown.ends_with("; the report of `mnv2c quantize` names all layers"), "{unknown}");
}

#[test]
fn two_runs_write_the_same_bytes() {
    let images: Vec<Array> = digits().into_iter().take(3).map(|(picture, _)| picture).collect();
    let file = || quantize(floats(), &images, &Settings::default(), |_| ()).unwrap().file;
    assert_eq!(file(), file());
}

#[test]
fn what_nothing_can_be_learnt_from_is_refused() {
    let refused = |graph: Graph, images: &[Array]| {
        quantize(graph, images, &Settings::default(), |_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        refused(floats(), &[]),
        "there is no picture to calibrate with; name some .npy, .png or .jpg files"
    );
    let small = Array::f32([1, 28, 28, 1], vec![0.0; 28 * 28]);
    assert_eq!(
        refused(floats(), &[small]),
        "input \"image\": takes f32[1,32,32,1], an array of shape [1, 28, 28, 1] is given"
    );
    let image = digits().swap_remove(0).0;
    let quantized = quantize(floats(), std::slice::from_ref(&image), &Settings::default(), |_| ());
    assert_eq!(
        refused(bytes(quantized.unwrap().file), &[image]),
        "the model is quantised already; give the float model"
    );
}
