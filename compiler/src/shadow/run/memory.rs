//! Loads and stores of a program in the shadow of its memory.

use mnv2c_runtime::ring::Form;

use crate::error::Result;
use crate::ir::view::base;
use crate::ir::{Graph, NodeId, Op};
use crate::schedule::Home;
use crate::shadow::area::Area;
use crate::shadow::cells::{Cells, Found, Tag};
use crate::shadow::run::{Running, Shadow};
use crate::shadow::versions::Parts;

impl Shadow<'_> {
    /// Looks for a value in an area, whose memory begins at `start`: the row and what it holds where it is not there.
    pub(super) fn holds(
        &self,
        area: &Area,
        parts: &Parts,
        padding: Tag,
        start: usize,
    ) -> std::result::Result<(), (isize, String)> {
        let memory = match area.place.home {
            Home::Arena(_) => &self.arena,
            Home::Output(at) => match self.outputs.get(&at) {
                Some(cells) => cells,
                None => return Err((area.rows.start, "nothing yet".to_owned())),
            },
            Home::Input(_) | Home::Feed(_) | Home::Weights(_) => return Ok(()),
        };
        for (area, version) in split(area, parts) {
            let mut fault = None;
            area.each_run(|run| {
                let bytes = run.bytes.start + start..run.bytes.end + start;
                let (tag, at) = match run.at {
                    Some(at) => (Tag::Made(version), at),
                    None => (padding, 0),
                };
                if let (Err(lies), None) = (memory.read(bytes, tag, at), &fault) {
                    fault = Some((run.row, lies));
                }
            });
            if let Some((row, lies)) = fault {
                return Err((row, self.describe(lies)));
            }
        }
        if parts.is_empty() && !area.rows.is_empty() {
            return Err((area.rows.start, "nothing yet".to_owned()));
        }
        Ok(())
    }

    fn describe(&self, lies: Found) -> String {
        match lies.tag {
            None => "nothing yet".to_owned(),
            Some(Tag::Made(version)) => match self.versions.maker(version) {
                Some(node) => {
                    format!("another part or version of {:?}", self.graph.node(node).name)
                }
                None => "an input".to_owned(),
            },
            Some(Tag::Zero(byte)) => format!("padding of {byte}"),
            Some(Tag::Border(_)) => "a border".to_owned(),
            Some(Tag::Sums(_)) => "sums that are no means yet".to_owned(),
        }
    }

    pub(super) fn memory(&mut self, home: Home) -> Option<&mut Cells> {
        match home {
            Home::Arena(_) => Some(&mut self.arena),
            Home::Output(at) => Some(self.outputs.entry(at).or_default()),
            Home::Input(_) | Home::Feed(_) | Home::Weights(_) => None,
        }
    }
}

impl Running<'_, '_> {
    pub(super) fn padding(&self, stage: usize) -> Tag {
        let of_places = &self.found.padding[stage];
        of_places[of_places.len() - 1]
    }

    /// Looks for what an operand should be.
    pub(super) fn reads(&self, stage: usize, port: usize, area: &Area) -> Result<()> {
        let parts = &self.found.read[stage][port];
        let padding = self.found.padding[stage][port];
        for (_, version) in parts {
            self.is_operand(stage, *version)?;
        }
        self.holds(stage, area, parts, padding)
    }

    /// Checks that the node that made a version is one that the stage's node reads, or that node itself.
    fn is_operand(&self, stage: usize, version: u32) -> Result<()> {
        let graph = self.shadow.graph;
        let node = self.step.stages[stage].node;
        let Some(maker) = self.shadow.versions.maker(version) else { return Ok(()) };
        if maker == node || is_source(graph, node, maker) {
            return Ok(());
        }
        let what = format!("finds {:?} where its operand should lie", graph.node(maker).name);
        Err(self.unsound(stage, &what))
    }

    /// Checks that a value lies in an area.
    pub(super) fn holds(
        &self,
        stage: usize,
        area: &Area,
        parts: &Parts,
        padding: Tag,
    ) -> Result<()> {
        let home = area.place.home;
        if matches!(home, Home::Input(_) | Home::Feed(_) | Home::Weights(_)) {
            return Ok(());
        }
        let start = self.limits(home).start;
        self.shadow.holds(area, parts, padding, start).map_err(|(row, what)| {
            let slot = self.name(home);
            self.unsound(stage, &format!("reads row {row} of {slot}, which holds {what}"))
        })
    }

    pub(super) fn put(&mut self, stage: usize, area: &Area, tag: Tag) -> Result<()> {
        let home = area.place.home;
        let limits = self.limits(home);
        let (mut past, start) = (false, limits.start);
        if let Some(memory) = self.shadow.memory(home) {
            area.each_run(|run| {
                let bytes = run.bytes.start + start..run.bytes.end + start;
                past |= bytes.end > limits.end;
                memory.write(bytes, tag, run.at.unwrap_or(0));
            });
        }
        if past { Err(self.unsound(stage, "writes past its memory")) } else { Ok(()) }
    }
}

/// True if a node is `maker` or reads it: itself, a view of it, or it as a part of a concatenation.
fn is_source(graph: &Graph, node: NodeId, maker: NodeId) -> bool {
    let mut operands = graph.operands(node).into_iter().map(|(_, x)| base(graph, x));
    base(graph, node) == maker
        || operands.any(|x| {
            let joins = matches!(graph.node(x).op, Op::Concat(_));
            x == maker || (joins && is_source(graph, x, maker))
        })
}

/// An area by the versions of its channels.
fn split(area: &Area, parts: &Parts) -> Vec<(Area, u32)> {
    if let [(_, version)] = parts.as_slice() {
        return vec![(area.clone(), *version)];
    }
    let first = match area.place.rows.form {
        Form::Slice { first, .. } => first,
        _ => 0,
    } + area.part.channel;
    let cut = parts.iter().map(|(range, version)| {
        let start = range.start.saturating_sub(first).max(area.channels.start);
        let end = range.end.saturating_sub(first).min(area.channels.end);
        (Area { channels: start..end.max(start), ..area.clone() }, *version)
    });
    cut.filter(|(area, _)| !area.channels.is_empty()).collect()
}
