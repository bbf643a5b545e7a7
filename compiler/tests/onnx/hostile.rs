//! Damaged and absurd files: whatever the bytes, the reader returns, and what it accepts keeps the IR's invariants.

use std::path::Path;

use mnv2c::frontend::onnx::{self, Options};
use mnv2c::ir::verify::verify;
use mnv2c::proto::AttributeProto;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::build::{Model, int, ints, real};
use crate::control;

/// Small models that together use every reader.
fn models() -> Vec<Model> {
    vec![classifier(), plumbing(), signals(), control::choice(1), control::nested()]
}

fn classifier() -> Model {
    Model::opset(13)
        .input("x", &[1, 2, 9, 9])
        .floats("w", &[4, 2, 3, 3])
        .floats("s", &[4])
        .floats("fc", &[4, 3])
        .scalar("lo", 0.0)
        .node(
            "Conv",
            &["x", "w", "s"],
            &["a"],
            vec![ints("pads", &[1, 1, 1, 1]), ints("strides", &[2, 2])],
        )
        .node(
            "BatchNormalization",
            &["a", "s", "s", "s", "s"],
            &["b"],
            vec![real("epsilon", 0.001)],
        )
        .node("Clip", &["b", "lo"], &["c"], vec![])
        .node("MaxPool", &["c"], &["d"], vec![ints("kernel_shape", &[2, 2]), int("ceil_mode", 1)])
        .node("GlobalAveragePool", &["d"], &["e"], vec![])
        .node("Flatten", &["e"], &["f"], vec![int("axis", 1)])
        .node("Gemm", &["f", "fc"], &["g"], vec![real("alpha", 0.5)])
        .node("Softmax", &["g"], &["y"], vec![int("axis", -1)])
        .output("y")
}

fn plumbing() -> Model {
    Model::opset(13)
        .input("x", &[2, 6, 4])
        .ints("one", &[1])
        .ints("two", &[2])
        .ints("open", &[-1])
        .ints("widths", &[0, 1, 0, 0, 1, 0])
        .node("Shape", &["x"], &["dims"], vec![int("start", 0)])
        .node("Gather", &["dims", "one"], &["d"], vec![int("axis", 0)])
        .node("Div", &["d", "two"], &["half"], vec![])
        .node("Concat", &["two", "half", "open"], &["target"], vec![int("axis", 0)])
        .node("Reshape", &["x", "target"], &["a"], vec![])
        .node("Transpose", &["a"], &["b"], vec![ints("perm", &[0, 2, 1])])
        .node("Slice", &["b", "one", "open", "one"], &["c"], vec![])
        .node("Pad", &["c", "widths"], &["e"], vec![])
        .node("Split", &["e"], &["f", "g"], vec![int("axis", 1)])
        .node("Unsqueeze", &["f", "one"], &["h"], vec![])
        .node("Squeeze", &["h", "one"], &["i"], vec![])
        .node("ReduceMean", &["i"], &["j"], vec![ints("axes", &[1]), int("keepdims", 0)])
        .node("Range", &["one", "two", "one"], &["r"], vec![])
        .node("Equal", &["r", "one"], &["q"], vec![])
        .node("Where", &["q", "two", "one"], &["s"], vec![])
        .node("Unsqueeze", &["j", "s"], &["k"], vec![])
        .node("Expand", &["k", "two"], &["y"], vec![])
        .output("y")
        .output("g")
}

fn signals() -> Model {
    Model::opset(6)
        .input("x", &[1, 2, 8])
        .floats("w", &[2, 1, 3])
        .floats("slope", &[2])
        .node("Conv", &["x", "w"], &["a"], vec![int("group", 2), ints("dilations", &[2])])
        .node("PRelu", &["a", "slope"], &["b"], vec![])
        .node("Add", &["b", "slope"], &["c"], vec![int("broadcast", 1), int("axis", 1)])
        .node("Max", &["c", "b", "a"], &["d"], vec![])
        .node("Softmax", &["d"], &["e"], vec![])
        .node("Dropout", &["e"], &["f"], vec![real("ratio", 0.5)])
        .node(
            "AveragePool",
            &["f"],
            &["y"],
            vec![ints("kernel_shape", &[2]), ints("pads", &[1, 0])],
        )
        .output("y")
}

/// Reads the bytes; a graph that comes out keeps the invariants.
fn survives(bytes: Vec<u8>) {
    if let Ok(graph) = onnx::read(bytes, Path::new(""), &Options::default()) {
        assert_eq!(verify(&graph), []);
    }
}

#[test]
fn undamaged_models_are_read() {
    for model in models() {
        let read = model.read().map(|_| ());
        assert_eq!(read, Ok(()));
    }
}

#[test]
fn every_truncation_is_survived() {
    for model in models() {
        let bytes = model.bytes();
        for len in 0..bytes.len() {
            survives(bytes[..len].to_vec());
        }
    }
}

/// Integers at which arithmetic on shapes goes wrong, if it does.
fn absurd() -> impl Strategy<Value = i64> {
    let powers = (0..63u32).prop_map(|bits| 1i64 << bits);
    prop_oneof![select(vec![0, -1, -2, 3, 7, i64::MIN, i64::MAX]), powers, any::<i64>(), -9i64..9]
}

fn attributes(model: &mut Model) -> Vec<&mut AttributeProto> {
    model.graph().node.iter_mut().flat_map(|node| &mut node.attribute).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        survives(bytes);
    }

    #[test]
    fn any_damage_is_survived(
        model in select(models()),
        damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = model.bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survives(bytes);
    }

    #[test]
    fn any_cut_out_is_survived(model in select(models()), from in any::<Index>(), len in 1usize..64) {
        let mut bytes = model.bytes();
        let from = from.index(bytes.len());
        let to = bytes.len().min(from + len);
        bytes.drain(from..to);
        survives(bytes);
    }

    #[test]
    fn absurd_attributes_are_survived(
        model in select(models()),
        changes in proptest::collection::vec((any::<Index>(), any::<Index>(), absurd()), 1..4),
    ) {
        let mut model = model;
        for (which, at, value) in changes {
            let mut attributes = attributes(&mut model);
            let attribute = which.get_mut(&mut attributes);
            attribute.i = value;
            attribute.f = value as f32;
            if !attribute.ints.is_empty() {
                *at.get_mut(&mut attribute.ints) = value;
            }
        }
        survives(model.bytes());
    }

    #[test]
    fn absurd_constants_are_survived(
        model in select(models()),
        changes in proptest::collection::vec((any::<Index>(), absurd()), 1..4),
    ) {
        let mut model = model;
        for (which, value) in changes {
            let tensor = which.get_mut(&mut model.graph().initializer);
            tensor.int64_data.iter_mut().for_each(|int| *int = value);
            if tensor.int64_data.is_empty() {
                tensor.dims.iter_mut().for_each(|dim| *dim = value);
            }
        }
        survives(model.bytes());
    }

    #[test]
    fn wrongly_wired_nodes_are_survived(
        model in select(models()),
        changes in proptest::collection::vec((any::<Index>(), any::<Index>(), any::<Index>()), 1..4),
    ) {
        let mut model = model;
        let nodes = &mut model.graph().node;
        for (which, port, other) in changes {
            let name = other.get(nodes).output[0].clone();
            *port.get_mut(&mut which.get_mut(nodes).input) = name;
        }
        survives(model.bytes());
    }

    #[test]
    fn absurd_operators_are_survived(
        model in select(models()),
        changes in proptest::collection::vec((any::<Index>(), select(onnx::OPERATORS)), 1..4),
    ) {
        let mut model = model;
        for (which, operator) in changes {
            which.get_mut(&mut model.graph().node).op_type = operator.name.into();
        }
        survives(model.bytes());
    }
}
