//! Calibration: quantises a float model on the way to a program, by images in files, directories of files, and arrays
//! that hold several.

use std::path::{Path, PathBuf};

use crate::error::mention::{given, option};
use crate::error::{Error, Result};
use crate::frontend::onnx;
use crate::input;
use crate::interp::Array;
use crate::ir::{Arithmetic, Graph, Values};
use crate::model_io::Picture;
use crate::options::Request;
use crate::schedule::Port;
use crate::source::Model;
use crate::{finite, printed, quantize};

/// The model on the numbers that are asked for; `say` hears what is going on.
pub fn typed(model: Model, request: &Request, say: impl FnMut(&str)) -> Result<Model> {
    request.check_quantised()?;
    let mut model = if request.calibrates() { quantised(model, request, say)? } else { model };
    if request.requant != Arithmetic::default() {
        model.graph.arithmetic = request.requant;
    }
    request.check_numbers(&model.graph)?;
    spare_floats(&mut model.graph, request);
    Ok(model)
}

/// Rounds by integers alone where the machine has no floats, unless the request says otherwise.
fn spare_floats(graph: &mut Graph, request: &Request) {
    let rounds_by_floats = graph.is_quantised() && graph.arithmetic == Arithmetic::Float;
    if rounds_by_floats && !request.target.has_floats && !request.is_given("requant") {
        graph.arithmetic = Arithmetic::Fixed;
        let (target, float) = (request.target, given("requant", "float"));
        graph.notes.push(format!(
            "{target} has no FPU: sums are rounded by integers; {float} keeps the model's rounding"
        ));
    }
}

fn quantised(model: Model, request: &Request, say: impl FnMut(&str)) -> Result<Model> {
    let mut notes = model.graph.notes.clone();
    let images = images(request, &model.graph, &mut notes)?;
    let quantized = quantize::quantize(model.graph, &images, &request.quantize, say)?;
    let mut graph = onnx::read(quantized.file, Path::new(""), &onnx::Options::default())?;
    graph.notes = notes;
    Ok(Model { graph, ..model })
}

/// Looks for a picture among the files, to be normalised; arrays are taken as they are.
pub fn has_pictures(request: &Request) -> Result<bool> {
    Ok(files(request)?.iter().any(|path| input::is_picture(path)))
}

/// The pictures as the model's one input takes them, in the order of their names; what was noticed is added to `notes`.
pub fn images(request: &Request, graph: &Graph, notes: &mut Vec<String>) -> Result<Vec<Array>> {
    let Some(id) = graph.inputs.first() else { return Ok(Vec::new()) };
    let node = graph.node(*id);
    let port =
        Port { name: node.name.clone(), shape: node.out.shape.clone(), dtype: node.out.dtype };
    let picture = request.normalisation();
    let (mut images, limit) = (Vec::new(), request.limit);
    for path in &files(request)? {
        if images.len() < limit {
            images.extend(arrays(path, &port, &picture, notes)?);
        }
    }
    if images.is_empty() {
        return Err(nothing(request));
    }
    if images.len() > limit {
        let count = images.len();
        images.truncate(limit);
        let more = option("limit");
        notes.push(format!("{limit} of {count} pictures are used; {more} takes more"));
    }
    Ok(images)
}

/// Every file to calibrate with: those that are named, and those in directories that are.
pub fn files(request: &Request) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in &request.calibration {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let unreadable =
            |error: std::io::Error| Error::in_file(path, format!("cannot be listed: {error}"));
        let entries = std::fs::read_dir(path).map_err(unreadable)?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let mut paths: Vec<PathBuf> = paths.collect::<std::io::Result<_>>().map_err(unreadable)?;
        paths.retain(|path| input::is_array(path) || input::is_picture(path));
        paths.sort();
        files.append(&mut paths);
    }
    if files.is_empty() { Err(nothing(request)) } else { Ok(files) }
}

fn nothing(request: &Request) -> Error {
    if request.calibration.is_empty() {
        return Error::Spec(format!(
            "there is no picture to calibrate with; pass {}, or files",
            given("calibration", "DIR")
        ));
    }
    let places: Vec<String> =
        request.calibration.iter().map(|path| path.display().to_string()).collect();
    Error::Wiring(format!(
        "{}: there is no picture to calibrate with; put .png, .jpg or .npy files there",
        places.join(", ")
    ))
}

/// The inputs in one file: one, or the parts of an array that holds several along its first dimension.
fn arrays(
    path: &Path,
    port: &Port,
    picture: &Picture,
    notes: &mut Vec<String>,
) -> Result<Vec<Array>> {
    if !input::is_array(path) {
        return input::read(path, port, picture).map(|image| vec![image]);
    }
    let array = input::array(path)?;
    notes.extend(finite::told(&array).map(|told| format!("{} holds {told}", path.display())));
    let Values::F32(floats) = &array.values else {
        let dtype = array.values.dtype();
        return Err(Error::in_file(
            path,
            format!("holds {dtype}; the model takes f32, so scale and save it as f32"),
        ));
    };
    let each = match port.shape.as_slice() {
        [1, rest @ ..] => rest,
        whole => whole,
    };
    let several = array.shape.split_first().is_some_and(|(_, rest)| rest == each);
    if array.shape == port.shape || several {
        let len: usize = port.shape.iter().product();
        let part = |part: &[f32]| Array::f32(port.shape.clone(), part.to_vec());
        return Ok(floats.chunks_exact(len.max(1)).map(part).collect());
    }
    let (found, takes) = (printed::shape(&array.shape), printed::shape(&port.shape));
    let remedy = match input::transposed(&array.shape, &port.shape) {
        Some(call) => format!("write {call}"),
        None => "give one of these, or several along the first dimension".into(),
    };
    let what = format!("has shape {found}, input {:?} takes {takes}; {remedy}", port.name);
    Err(Error::in_file(path, what))
}
