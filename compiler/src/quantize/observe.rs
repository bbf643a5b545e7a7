//! Observations of every value of a float graph on images: magnitudes, and the mean of each channel.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::interp::{self, Array};
use crate::ir::{Graph, NodeId};
use crate::quantize::histogram::Histogram;

/// Observations, by node.
pub type Seen = BTreeMap<NodeId, Value>;

/// Observations of one value.
#[derive(Clone, Debug, Default)]
pub struct Value {
    /// Of all its elements.
    pub histogram: Histogram,
    /// Of each channel, which is dimension 1.
    pub channels: Vec<Channel>,
}

/// Observations of one channel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Channel {
    /// Greatest magnitude.
    pub most: f32,
    /// Sum of the elements.
    pub sum: f64,
    /// Elements.
    pub len: u64,
}

impl Channel {
    /// Arithmetic mean.
    pub fn mean(self) -> f64 {
        self.sum / self.len.max(1) as f64
    }
}

/// Runs `graph` on every image; `done` hears how many. Sums are added in the order of images, however many cores run.
pub fn all(graph: &Graph, images: &[Array], mut done: impl FnMut(usize)) -> Result<Seen> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut seen = Seen::new();
    for (round, some) in images.chunks(cores).enumerate() {
        let parts: Vec<Result<Seen>> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                some.iter().map(|image| scope.spawn(|| one(graph, image))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("the oracle does not panic"))
                .collect()
        });
        for part in parts {
            for (id, value) in part? {
                merge(seen.entry(id).or_default(), value);
            }
        }
        done(round * cores + some.len());
    }
    Ok(seen)
}

fn one(graph: &Graph, image: &Array) -> Result<Seen> {
    let mut seen = Seen::new();
    interp::watch(graph, std::slice::from_ref(image), |id, array| {
        if let Some(floats) = array.values.as_f32() {
            let value = seen.entry(id).or_default();
            value.histogram.add(floats);
            value.channels = channels(&array.shape, floats);
        }
    })?;
    Ok(seen)
}

fn channels(shape: &[usize], floats: &[f32]) -> Vec<Channel> {
    let &[_, count, ref inner @ ..] = shape else { return Vec::new() };
    let mut channels = vec![Channel::default(); count];
    let inner: usize = inner.iter().product::<usize>().max(1);
    for (at, plane) in floats.chunks_exact(inner).enumerate() {
        let channel = &mut channels[at % count];
        channel.most = plane.iter().fold(channel.most, |most, x| most.max(x.abs()));
        channel.sum += plane.iter().map(|x| f64::from(*x)).sum::<f64>();
        channel.len += inner as u64;
    }
    channels
}

fn merge(into: &mut Value, value: Value) {
    into.histogram.merge(value.histogram);
    if into.channels.is_empty() {
        into.channels = value.channels;
        return;
    }
    for (a, b) in into.channels.iter_mut().zip(value.channels) {
        *a = Channel { most: a.most.max(b.most), sum: a.sum + b.sum, len: a.len + b.len };
    }
}
