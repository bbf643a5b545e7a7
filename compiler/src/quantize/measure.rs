//! Comparison of a quantised model with the float model that it came from, layer by layer and in its outputs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::error::Result;
use crate::frontend::onnx;
use crate::interp::{self, Array};
use crate::ir::{Affine, Dtype, Graph, NodeId};
use crate::pass::{Skips, legalize_quant};
use crate::printed;
use crate::quantize::choose::Choice;
use crate::quantize::observe::Seen;
use crate::quantize::write::{BYTES, LINEAR};

/// Most images that both models are run on.
const MOST: usize = 16;

/// The comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Every value that is bytes, in order of execution.
    pub layers: Vec<Layer>,
    /// Pairs of layers whose channels were scaled.
    pub equalized: usize,
    /// Images compared.
    pub images: usize,
    /// Images whose greatest answer is in the same place.
    pub agreeing: usize,
    /// The least cosine between the answers of both models to one image.
    pub cosine: f64,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its name in the model.
    pub name: String,
    /// The operator that makes it.
    pub op: String,
    /// The reals of 0 and 255.
    pub range: (f32, f32),
    /// The part of the floats seen that lies outside of the range.
    pub clipped: f64,
    /// Decibels of signal over noise, the noise of all layers before it included; infinite without any noise.
    pub sqnr: f64,
}

/// Power of a signal and of what was added to it.
#[derive(Clone, Copy, Debug, Default)]
struct Noise {
    signal: f64,
    noise: f64,
}

/// Runs both models on some of `images`; `done` hears how many of how many.
pub(super) fn compare(
    graph: &Graph,
    file: &[u8],
    choice: &Choice,
    seen: &Seen,
    images: &[Array],
    mut done: impl FnMut(usize, usize),
) -> Result<Report> {
    let mut bytes = onnx::read(file.to_vec(), Path::new(""), &onnx::Options::default())?;
    legalize_quant::run(&mut bytes, &mut Skips::new())?;
    let twins = twins(graph, &bytes, choice);
    let images = &images[..images.len().min(MOST)];
    let mut noises: BTreeMap<NodeId, Noise> = BTreeMap::new();
    let mut report = Report { images: images.len(), cosine: 1.0, ..Report::default() };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for (round, some) in images.chunks(cores).enumerate() {
        let parts: Vec<Result<One>> = std::thread::scope(|scope| {
            let (bytes, twins) = (&bytes, &twins);
            let threads: Vec<_> = some
                .iter()
                .map(|image| scope.spawn(move || one(graph, bytes, twins, image)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("the oracle does not panic"))
                .collect()
        });
        for part in parts {
            let part = part?;
            for (id, noise) in part.noises {
                let sum = noises.entry(id).or_default();
                (sum.signal, sum.noise) = (sum.signal + noise.signal, sum.noise + noise.noise);
            }
            report.agreeing += usize::from(part.agrees);
            report.cosine = report.cosine.min(part.cosine);
        }
        done(round * cores + some.len(), images.len());
    }
    let order = graph.order().expect("verified graphs are acyclic").into_iter();
    let chosen = order.filter_map(|id| Some((id, *choice.bytes.get(&id)?)));
    report.layers = chosen.map(|(id, affine)| layer(graph, seen, id, affine, &noises)).collect();
    Ok(report)
}

fn layer(
    graph: &Graph,
    seen: &Seen,
    id: NodeId,
    affine: Affine,
    noises: &BTreeMap<NodeId, Noise>,
) -> Layer {
    let node = graph.node(id);
    let (lo, hi) = (affine.dequantize(0), affine.dequantize(255));
    // Half a step beyond its ends still rounds to them.
    let (least, most) = (lo - affine.scale / 2.0, hi + affine.scale / 2.0);
    let clipped = seen.get(&id).map_or(0.0, |value| value.histogram.outside(least, most));
    let Noise { signal, noise } = noises.get(&id).copied().unwrap_or_default();
    let sqnr = if noise == 0.0 { f64::INFINITY } else { 10.0 * (signal / noise).log10() };
    Layer { name: node.name.clone(), op: node.op.name().to_owned(), range: (lo, hi), clipped, sqnr }
}

/// Quantised nodes, each with the float node that it stands for.
fn twins(graph: &Graph, bytes: &Graph, choice: &Choice) -> BTreeMap<NodeId, (NodeId, Affine)> {
    let ids = bytes.ids().into_iter().filter(|id| bytes.node(*id).out.dtype == Dtype::U8);
    let by_name: BTreeMap<&str, NodeId> =
        ids.map(|id| (bytes.node(id).name.as_str(), id)).collect();
    let twin = |(id, affine): (&NodeId, &Affine)| {
        let name = &graph.node(*id).name;
        let names = [name.clone(), format!("{name}{BYTES}"), format!("{name}{LINEAR}")];
        let twin = names.iter().find_map(|name| by_name.get(name.as_str()))?;
        Some((*twin, (*id, *affine)))
    };
    choice.bytes.iter().filter_map(twin).collect()
}

/// The comparison on one image.
struct One {
    noises: BTreeMap<NodeId, Noise>,
    agrees: bool,
    cosine: f64,
}

fn one(
    graph: &Graph,
    bytes: &Graph,
    twins: &BTreeMap<NodeId, (NodeId, Affine)>,
    image: &Array,
) -> Result<One> {
    let image = std::slice::from_ref(image);
    let mut reals: BTreeMap<NodeId, Vec<f32>> = BTreeMap::new();
    let kept: BTreeMap<NodeId, ()> = twins.values().map(|(id, _)| (*id, ())).collect();
    let expected = interp::watch(graph, image, |id, array| {
        if let (Some(floats), true) = (array.values.as_f32(), kept.contains_key(&id)) {
            reals.insert(id, floats.to_vec());
        }
    })?;
    let mut noises = BTreeMap::new();
    let found = interp::watch(bytes, image, |id, array| {
        let twin = twins.get(&id).and_then(|(id, affine)| Some((id, affine, reals.get(id)?)));
        if let (Some((id, affine, reals)), Some(bytes)) = (twin, array.values.as_u8()) {
            noises.insert(*id, noise(reals, bytes, *affine));
        }
    })?;
    let floats = |answers: &[Array]| {
        let floats = answers.iter().filter_map(|answer| answer.values.as_f32());
        floats.flatten().copied().collect::<Vec<f32>>()
    };
    let (expected, found) = (floats(&expected), floats(&found));
    let agrees = greatest(&expected) == greatest(&found);
    Ok(One { noises, agrees, cosine: cosine(&expected, &found) })
}

fn noise(reals: &[f32], bytes: &[u8], affine: Affine) -> Noise {
    let mut sums = Noise::default();
    for (real, byte) in reals.iter().zip(bytes) {
        let (real, byte) = (f64::from(*real), f64::from(affine.dequantize(*byte)));
        sums.signal += real * real;
        sums.noise += (real - byte) * (real - byte);
    }
    sums
}

fn greatest(values: &[f32]) -> Option<usize> {
    values
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))
        .map(|(at, _)| at)
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms == 0.0 { 1.0 } else { dot(a, b) / norms }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest =
            self.layers.iter().map(|layer| layer.name.len()).max().unwrap_or(0).clamp(5, 48);
        writeln!(
            f,
            "{:longest$}  {:12}  {:>21}  {:>9}  {:>7}",
            "layer", "operator", "range", "clipped", "SQNR"
        )?;
        for layer in &self.layers {
            let (lo, hi) = layer.range;
            writeln!(
                f,
                "{:longest$}  {:12}  {lo:>10.4}..{hi:<9.4}  {:>7.3} %  {:>4.1} dB",
                printed::name(&layer.name),
                layer.op,
                layer.clipped * 100.0,
                layer.sqnr
            )?;
        }
        if self.equalized > 0 {
            writeln!(f, "{} pairs of layers equalised", self.equalized)?;
        }
        let Self { agreeing, images, cosine, .. } = self;
        write!(
            f,
            "top-1 as in floats on {agreeing} of {images} pictures, cosine at least {cosine:.5}"
        )
    }
}
