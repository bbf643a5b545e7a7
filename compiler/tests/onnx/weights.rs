//! Constants: element types, places where they are stored, and floats of other widths.

use std::path::{Path, PathBuf};

use mnv2c::error::Error;
use mnv2c::frontend::onnx::{self, Options};
use mnv2c::ir::{Dtype, Graph, Op, Values};
use mnv2c::proto::tensor_proto::{DataLocation, DataType};
use mnv2c::proto::{SparseTensorProto, StringStringEntryProto, TensorProto};

use crate::build::{Model, int, int_tensor, raw_tensor, real, tensor};

/// A model that answers with `w`, cast to floats.
fn answer(tensor: TensorProto) -> Model {
    Model::opset(13).tensor(tensor).node("Cast", &["w"], &["y"], vec![int("to", 1)]).output("y")
}

fn floats(graph: &Graph) -> &[f32] {
    graph
        .constant(graph.outputs[0].node)
        .and_then(Values::as_f32)
        .expect("the answer is a constant")
}

fn typed(kind: DataType, len: i64) -> TensorProto {
    TensorProto {
        name: "w".into(),
        data_type: kind.into(),
        dims: vec![len],
        ..TensorProto::default()
    }
}

#[track_caller]
fn check(tensor: TensorProto, expected: &[f32]) {
    let graph = answer(tensor).read().expect("the constant is read");
    assert_eq!(floats(&graph), expected);
}

#[test]
fn raw_bytes_are_read_in_every_type() {
    let raw = |kind, bytes: &[u8], len| raw_tensor("w", kind, &[len], bytes.to_vec());
    check(raw(DataType::Float, &1.5f32.to_le_bytes(), 1), &[1.5]);
    check(raw(DataType::Double, &(-2.5f64).to_le_bytes(), 1), &[-2.5]);
    check(raw(DataType::Float16, &[0x00, 0x3e, 0x01, 0x00], 2), &[1.5, 5.960_464_5e-8]);
    check(raw(DataType::Bfloat16, &[0xc0, 0x3f], 1), &[1.5]);
    check(raw(DataType::Int8, &[0xff, 2], 2), &[-1.0, 2.0]);
    check(raw(DataType::Uint8, &[0xff, 2], 2), &[255.0, 2.0]);
    check(raw(DataType::Bool, &[0, 7], 2), &[0.0, 1.0]);
    check(raw(DataType::Int16, &[0xfe, 0xff], 1), &[-2.0]);
    check(raw(DataType::Uint16, &[0xfe, 0xff], 1), &[65_534.0]);
    check(raw(DataType::Int32, &(-3i32).to_le_bytes(), 1), &[-3.0]);
    check(raw(DataType::Uint32, &u32::MAX.to_le_bytes(), 1), &[4_294_967_295.0]);
    check(raw(DataType::Int64, &(-4i64).to_le_bytes(), 1), &[-4.0]);
    check(raw(DataType::Uint64, &5u64.to_le_bytes(), 1), &[5.0]);
}

#[test]
fn typed_fields_are_read_in_every_type() {
    let small = |kind, int32_data| TensorProto { int32_data, ..typed(kind, 1) };
    check(TensorProto { float_data: vec![1.5], ..typed(DataType::Float, 1) }, &[1.5]);
    check(TensorProto { double_data: vec![-2.5], ..typed(DataType::Double, 1) }, &[-2.5]);
    check(small(DataType::Float16, vec![0x3e00]), &[1.5]);
    check(small(DataType::Bfloat16, vec![0x3fc0]), &[1.5]);
    check(small(DataType::Int8, vec![-1]), &[-1.0]);
    check(small(DataType::Uint8, vec![255]), &[255.0]);
    check(small(DataType::Bool, vec![1]), &[1.0]);
    check(small(DataType::Int16, vec![-2]), &[-2.0]);
    check(small(DataType::Uint16, vec![65_534]), &[65_534.0]);
    check(small(DataType::Int32, vec![-3]), &[-3.0]);
    check(TensorProto { int64_data: vec![-4], ..typed(DataType::Int64, 1) }, &[-4.0]);
    check(TensorProto { uint64_data: vec![5], ..typed(DataType::Uint32, 1) }, &[5.0]);
    check(TensorProto { uint64_data: vec![6], ..typed(DataType::Uint64, 1) }, &[6.0]);
}

#[test]
fn constant_nodes_are_read_in_every_spelling() {
    let check = |attribute, expected: &[f32]| {
        let model = Model::opset(13).node("Constant", &[], &["w"], vec![attribute]);
        let graph = model.node("Cast", &["w"], &["y"], vec![int("to", 1)]).output("y").read();
        assert_eq!(floats(&graph.expect("the constant is read")), expected);
    };
    check(tensor("value", int_tensor("", &[1, 2])), &[1.0, 2.0]);
    check(real("value_float", 1.5), &[1.5]);
    check(int("value_int", 3), &[3.0]);
    check(crate::build::ints("value_ints", &[3, 4]), &[3.0, 4.0]);
    let mut floats = real("value_floats", 0.0);
    (floats.floats, floats.r#type) = (vec![0.5, 1.5], 6);
    check(floats, &[0.5, 1.5]);
}

#[test]
fn sparse_initializers_are_filled_with_zeros() {
    let sparse = |indices: TensorProto| {
        let values = TensorProto { float_data: vec![1.5, 2.5], ..typed(DataType::Float, 2) };
        let mut model = Model::opset(13).node("Identity", &["w"], &["y"], vec![]).output("y");
        model.graph().sparse_initializer.push(SparseTensorProto {
            values: Some(values),
            indices: Some(indices),
            dims: vec![2, 2],
        });
        model.read()
    };
    let flat = sparse(int_tensor("", &[0, 3])).expect("flat indices are read");
    assert_eq!(floats(&flat), [1.5, 0.0, 0.0, 2.5]);
    let rows = TensorProto { dims: vec![2, 2], ..int_tensor("", &[1, 0, 0, 1]) };
    assert_eq!(floats(&sparse(rows).expect("rows of indices are read")), [0.0, 2.5, 1.5, 0.0]);
    let outside = sparse(int_tensor("", &[0, 4])).map(|_| ());
    assert!(matches!(outside, Err(Error::Malformed { .. })), "{outside:?}");
}

#[test]
fn half_floats_come_in_and_go_out_but_are_computed_wide() {
    let x = Model::opset(13).input_of("x", DataType::Float16, vec![crate::build::fixed(2)]);
    let w = raw_tensor("w", DataType::Float16, &[2], vec![0, 0x3c, 0, 0x40]);
    let model =
        x.tensor(w).node("Add", &["x", "w"], &["y"], vec![]).output_of("y", DataType::Float16);
    let graph = model.read().expect("half floats are read");
    assert_eq!(graph.node(graph.inputs[0]).out.dtype, Dtype::F16);
    assert_eq!(graph.node(graph.outputs[0].node).out.dtype, Dtype::F16);
    let sum = graph.ids().into_iter().find(|id| matches!(graph.node(*id).op, Op::Binary(_)));
    assert_eq!(sum.map(|id| graph.node(id).out.dtype), Some(Dtype::F32));
}

#[test]
fn weights_are_taken_from_the_named_range_of_another_file() {
    let dir = scratch("range");
    let stored: Vec<u8> = [9.0f32, 1.5, 2.5].iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(dir.join("w.bin"), stored).expect("the scratch directory can be written");
    let graph = read_external(&dir, &[("location", "w.bin"), ("offset", "4"), ("length", "8")]);
    assert_eq!(floats(&graph.expect("the range is read")), [1.5, 2.5]);
    let past = read_external(&dir, &[("location", "w.bin"), ("offset", "8")]).map(|_| ());
    let message = past.expect_err("the range ends past the file").to_string();
    assert_eq!(message, "w.bin: 8 bytes from 8 are past the end at 12 (weights of \"w\")");
}

#[test]
fn external_weights_stay_below_the_models_directory() {
    let dir = scratch("escape");
    std::fs::create_dir_all(dir.join("model")).expect("the scratch directory can be written");
    std::fs::write(dir.join("w.bin"), [0; 8]).expect("the scratch directory can be written");
    let refused = |location: &str| {
        let error = read_external(&dir.join("model"), &[("location", location)]).map(|_| ());
        error.expect_err("it is refused").to_string()
    };
    let absolute = dir.join("w.bin").display().to_string();
    for location in ["../w.bin", "a/../../w.bin", &absolute, "w\0.bin", "..\\w.bin"] {
        assert!(refused(location).contains("refused"), "{location:?}: {}", refused(location));
    }
    assert!(refused("").contains("the model names no file"));
    assert!(refused("missing.bin").starts_with("missing.bin: "));
    assert!(refused(".").contains("is no plain file"));
}

#[cfg(unix)]
#[test]
fn external_weights_do_not_follow_links_out() {
    let dir = scratch("link");
    std::fs::create_dir_all(dir.join("model")).expect("the scratch directory can be written");
    std::fs::write(dir.join("w.bin"), [0; 8]).expect("the scratch directory can be written");
    let link = dir.join("model/link.bin");
    if !link.exists() {
        std::os::unix::fs::symlink(dir.join("w.bin"), &link).expect("links can be made");
    }
    let error = read_external(&dir.join("model"), &[("location", "link.bin")]).map(|_| ());
    assert!(error.is_err_and(|error| error.to_string().contains("a link leads out")));
}

fn read_external(base: &Path, properties: &[(&str, &str)]) -> Result<Graph, Error> {
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
        key: (*key).into(),
        value: (*value).into(),
    };
    let w = TensorProto {
        data_location: DataLocation::External.into(),
        external_data: properties.iter().map(entry).collect(),
        ..typed(DataType::Float, 2)
    };
    onnx::read(answer(w).bytes(), base, &Options::default())
}

fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("onnx_weights").join(name);
    std::fs::create_dir_all(&dir).expect("the scratch directory can be written");
    dir
}
