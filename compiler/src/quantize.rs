//! Quantises a float model by the ranges of its values on the user's own images.
//!
//! ```text
//! Graph -passes-> Graph -observe-> ranges -equalize-> Graph, ranges -choose-> Choice -correct-> Choice -write-> QDQ ONNX
//! ```
//! Activations become u8 with one scale a tensor, weights i8 with one a channel and zero point 0, biases i32. What comes
//! out is a standard file, which other runtimes run too; [`measure`] runs it by the oracle beside the floats.

pub mod choose;
mod correct;
mod equalize;
pub mod histogram;
pub mod measure;
pub mod note;
pub mod observe;
mod settings;
mod write;

use std::collections::BTreeSet;

use crate::alike::alike;
use crate::error::{Error, Result};
use crate::interp::Array;
use crate::ir::{Graph, Op};
use crate::model_io::ModelIo;
use crate::objective::Memory;
use crate::pass::{self, Skips};
use crate::prepare::prepare;
use crate::printed;
use crate::quantize::measure::Report;
pub use crate::quantize::settings::Settings;

/// A quantised model.
#[derive(Clone, Debug)]
pub struct Quantized {
    /// The ONNX file, the report in its metadata.
    pub file: Vec<u8>,
    /// The comparison with the float model.
    pub report: Report,
}

/// Quantises a model of one input by `images`, each of which that input takes; `say` hears what is going on.
pub fn quantize(
    graph: Graph,
    images: &[Array],
    settings: &Settings,
    mut say: impl FnMut(&str),
) -> Result<Quantized> {
    if images.is_empty() {
        let what = "there is no picture to calibrate with; name some .npy, .png or .jpg files";
        return Err(Error::Spec(what.into()));
    }
    supported(&graph)?;
    let mut graph = simplified(graph)?;
    check_names(&graph, &settings.keep)?;
    let equalized = if settings.equalize {
        let few = &images[..images.len().min(FEW)];
        let ranges = observe::all(&graph, few, |_| say("equalising channels"))?;
        equalize::run(&mut graph, &ranges)
    } else {
        0
    };
    let seen = observe::all(&graph, images, |done| {
        say(&format!("observing: {done} of {} pictures", images.len()));
    })?;
    let mut choice = choose::choose(&graph, &seen, settings)?;
    if settings.correct {
        correct::biases(&graph, &seen, &mut choice);
    }
    let mut file = write::onnx(&graph, &choice)?;
    let report = measure::compare(&graph, &file, &choice, &seen, images, |done, all| {
        say(&format!("comparing with floats: {done} of {all} pictures"));
    })?;
    let report = Report { equalized, ..report };
    note::append(&mut file, &report);
    Ok(Quantized { file, report })
}

/// Images that show well enough how the ranges of channels compare.
const FEW: usize = 4;

/// Most similar names that are listed for a layer that does not exist.
const LIKE: usize = 5;

/// Passes that leave operators which a file can hold and which have the meaning of the model's own.
const PASSES: &[&str] = &[
    "fold_consts",
    "drop_noop",
    "merge_same",
    "drop_dead",
    "sink_transpose",
    "fold_pad",
    "legalize_dense",
    "merge_reduce",
    "fold_bn",
    "fuse_clamp",
];

/// Refuses what would not compile as floats either.
fn supported(graph: &Graph) -> Result<()> {
    prepare(&mut graph.clone(), Memory::default(), &ModelIo::default(), |_, _, _| ()).map(drop)
}

fn simplified(mut graph: Graph) -> Result<Graph> {
    if graph.ids().into_iter().any(|id| matches!(graph.node(id).op, Op::Quant(_))) {
        return Err(Error::Spec("the model is quantised already; give the float model".into()));
    }
    if let Some(state) = graph.states.first() {
        let name = &graph.node(state.input).name;
        return Err(Error::Spec(format!(
            "state {name:?} is kept between calls, and pictures show one call each; quantise the model without it"
        )));
    }
    if graph.inputs.len() != 1 {
        let count = graph.inputs.len();
        return Err(Error::Spec(format!(
            "the model has {count} inputs; models of one input are quantised"
        )));
    }
    for pass in pass::PIPELINE.iter().filter(|pass| PASSES.contains(&pass.name)) {
        (pass.run)(&mut graph, &mut Skips::new())?;
    }
    Ok(graph)
}

fn check_names(graph: &Graph, keep: &BTreeSet<String>) -> Result<()> {
    let layers = graph.ids().into_iter().filter(|id| graph.constant(*id).is_none());
    let names: BTreeSet<String> = layers.map(|id| graph.node(id).name.clone()).collect();
    let Some(unknown) = keep.difference(&names).next() else { return Ok(()) };
    let like = alike(unknown, names.iter().map(String::as_str), LIKE);
    let like: Vec<String> = like.into_iter().map(printed::quoted).collect();
    Err(Error::Spec(format!(
        "there is no layer {} to keep in floats; like it are {}; the report of `mnv2c quantize` names all layers",
        printed::quoted(unknown),
        like.join(", ")
    )))
}
