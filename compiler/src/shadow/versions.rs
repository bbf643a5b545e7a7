//! Versions: the value that each stage finds at a place, as the stages before it, in order, have made it last.

use std::collections::BTreeMap;
use std::ops::Range;

use mnv2c_runtime::ring::Form;

use crate::ir::NodeId;
use crate::schedule::{Element, Home, Place, Stage, Step};
use crate::shadow::cells::Tag;

/// Some channels, and what was made of them last.
pub(super) type Parts = Vec<(Range<usize>, u32)>;

/// The latest value at each home, in the order of stages.
#[derive(Debug, Default)]
pub(super) struct Versions {
    latest: BTreeMap<Home, Parts>,
    borders: BTreeMap<Home, NodeId>,
    makers: Vec<Option<NodeId>>,
}

/// Values that the stages of a step find and make.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// At each operand of each stage.
    pub read: Vec<Vec<Parts>>,
    /// At the place of each stage's result, before it.
    pub over: Vec<Parts>,
    /// The version that each stage makes.
    pub made: Vec<u32>,
    /// The padding of rows at the home of each stage's operands, and of its result.
    pub padding: Vec<Vec<Tag>>,
}

impl Versions {
    /// A new version of all of what lies at a home.
    pub(super) fn renew(&mut self, home: Home, maker: Option<NodeId>) -> u32 {
        let version = self.makers.len() as u32;
        self.makers.push(maker);
        self.latest.insert(home, vec![(0..usize::MAX, version)]);
        version
    }

    /// The values at a home.
    pub(super) fn at(&self, place: Place) -> Parts {
        let channels = channels(place);
        let all = self.latest.get(&place.home).into_iter().flatten();
        let within = all.map(|(range, version)| {
            (range.start.max(channels.start)..range.end.min(channels.end), *version)
        });
        within.filter(|(range, _)| !range.is_empty()).collect()
    }

    /// The node of the stage that made a version.
    pub(super) fn maker(&self, version: u32) -> Option<NodeId> {
        self.makers[version as usize]
    }

    /// The padding of rows at a place.
    pub(super) fn padding(&self, place: Place) -> Tag {
        match self.borders.get(&place.home) {
            Some(border) => Tag::Border(*border),
            None => zero(place),
        }
    }

    /// Goes through the stages of a step.
    pub(super) fn enter(&mut self, step: &Step) -> Found {
        let mut found = Found::default();
        let mut made: BTreeMap<(Home, NodeId), u32> = BTreeMap::new();
        let mut seen: Vec<Home> = Vec::new();
        for stage in &step.stages {
            found.read.push(stage.from.iter().map(|place| self.at(*place)).collect());
            found.over.push(self.at(stage.into));
            let home = stage.into.home;
            if !seen.contains(&home) {
                seen.push(home);
                self.border(stage);
            }
            let version = *made.entry((home, stage.node)).or_insert_with(|| {
                self.makers.push(Some(stage.node));
                self.makers.len() as u32 - 1
            });
            self.make(stage.into, version);
            found.made.push(version);
            let places = stage.from.iter().chain([&stage.into]);
            found.padding.push(places.map(|place| self.padding(*place)).collect());
        }
        found
    }

    /// Notes what the first stage that writes a home pads its rows with.
    fn border(&mut self, stage: &Stage) {
        let given = stage.kernel.loads() && stage.from.len() > 1;
        if given {
            self.borders.insert(stage.into.home, stage.node);
        } else {
            self.borders.remove(&stage.into.home);
        }
    }

    /// Puts a version in the place of what lay there.
    fn make(&mut self, place: Place, version: u32) {
        let new = channels(place);
        let old = self.latest.remove(&place.home).unwrap_or_default();
        let mut parts: Parts = Vec::new();
        for (range, before) in old {
            let (left, right) =
                (range.start..range.end.min(new.start), range.start.max(new.end)..range.end);
            parts.extend([left, right].map(|range| (range, before)));
        }
        parts.push((new, version));
        parts.retain(|(range, _)| !range.is_empty());
        parts.sort_by_key(|(range, _)| range.start);
        self.latest.insert(place.home, parts);
    }
}

/// The channels of whole pixels that a place is.
fn channels(place: Place) -> Range<usize> {
    match place.rows.form {
        Form::Slice { first, .. } => first..first + place.rows.channels,
        Form::Nhwc | Form::Chunks(_) | Form::Planes => 0..usize::MAX,
    }
}

/// The zeros of a place.
fn zero(place: Place) -> Tag {
    Tag::Zero(match place.element {
        Element::U8 { zero } => zero,
        _ => 0,
    })
}
