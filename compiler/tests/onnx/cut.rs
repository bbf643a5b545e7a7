//! Graphs that are cut at values which become their outputs.

use mnv2c::error::Error;
use mnv2c::frontend::onnx::Options;
use mnv2c::ir::Graph;
use mnv2c::options::Door;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, fixed};

/// Boxes and scores of an image, and a head that no kernel has, which reads a limit too.
fn detector() -> Model {
    Model::opset(13)
        .input("image", &[1, 2])
        .input_of("limit", DataType::Int64, vec![fixed(1)])
        .node("Relu", &["image"], &["trunk"], vec![])
        .node("Sigmoid", &["trunk"], &["scores"], vec![])
        .node("Tanh", &["trunk"], &["boxes"], vec![])
        .node("NonMaxSuppression", &["boxes", "scores", "limit"], &["kept"], vec![])
        .node("Relu", &["kept"], &["answer"], vec![])
        .output("answer")
        .output("scores")
}

fn at(names: &[&str]) -> Options {
    let outputs = names.iter().map(|name| (*name).to_owned()).collect();
    Options { outputs, ..Options::default() }
}

fn cut(names: &[&str]) -> Result<Graph, Error> {
    detector().read_with(&at(names))
}

#[test]
fn what_only_later_nodes_need_is_dropped_with_what_cannot_be_compiled() {
    let graph = cut(&["boxes", "scores"]).expect("the head is cut off");
    let names: Vec<&str> = graph.outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, ["boxes", "scores"]);
    let inputs: Vec<&str> = graph.inputs.iter().map(|id| graph.node(*id).name.as_str()).collect();
    assert_eq!(inputs, ["image"]);
    let trunk = cut(&["trunk"]).expect("the head is cut off");
    assert_eq!(trunk.len(), 2);
}

#[test]
fn the_message_about_an_unsupported_node_names_the_last_values_before_it() {
    let error = detector().read().expect_err("nobody has the head");
    let message = Door::CommandLine.told(&error);
    assert!(
        message.ends_with("to compile what comes before, give --outputs scores,boxes"),
        "{message}"
    );
    let Error::Unsupported { before, .. } = error else { panic!("{message}") };
    let names: Vec<&str> = before.iter().map(String::as_str).collect();
    assert_eq!(cut(&names).map(|graph| graph.outputs.len()), Ok(2));
    let first = Model::of(13, &[2], "GridSample", vec![]).read().expect_err("nobody has it");
    assert!(!first.to_string().contains("outputs"), "{first}");
}

#[test]
fn values_that_are_not_there_are_told_with_names_like_theirs() {
    let refused = |names: &[&str]| cut(names).expect_err("it is no value").to_string();
    let words = "outputs: no node makes a value \"score\"; like it are \"scores\", ";
    assert!(refused(&["boxes", "score"]).starts_with(words), "{}", refused(&["score"]));
    assert!(refused(&["image"]).starts_with("outputs: no node makes a value \"image\""));
    assert_eq!(refused(&["boxes", "boxes"]), "outputs: \"boxes\" is given twice; remove one");
}
