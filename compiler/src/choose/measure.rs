//! The stretches of a run: which links could be joined, and what that would cost.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use crate::choose::Network;
use crate::choose::run::{Run, Stretch, THRIFTY};
use crate::error::Result;
use crate::ir::NodeId;
use crate::segment::{self, RowBatch, Segment, link};

/// Units that are joined at most: longer stretches hold more rings than whole tensors would be.
const LONGEST: usize = 24;

/// What stretches are measured with.
pub(super) struct Measure<'a> {
    network: &'a Network<'a>,
    units: &'a [Segment],
    order: Vec<NodeId>,
    position: BTreeMap<NodeId, usize>,
}

impl<'a> Measure<'a> {
    pub(super) fn new(network: &'a Network<'a>, units: &'a [Segment]) -> Self {
        let order = network.graph.order().unwrap_or_default();
        let position = order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        Self { network, units, order, position }
    }

    /// Every stretch of `run`: its links joined with all their branches, and with those of the first one run before.
    pub(super) fn run(&self, run: &link::Run) -> Result<Run> {
        let (links, mut stretches) = (&run.links, Vec::new());
        for (from, first) in links.iter().enumerate() {
            let apart = self.apart(first)?;
            for to in from + 1..=links.len() {
                let rest = links[from + 1..to].iter().flat_map(|link| link.units.iter().copied());
                let (last, before) = first.units.split_last().expect("a link has a unit");
                let tail: Vec<usize> = [*last].into_iter().chain(rest).collect();
                let whole = [before, tail.as_slice()].concat();
                if whole.len() > LONGEST && to > from + 1 {
                    break;
                }
                for branches in &apart {
                    self.add(&mut stretches, from..to, branches, &tail)?;
                }
                if !before.is_empty() {
                    self.add(&mut stretches, from..to, &[], &whole)?;
                }
            }
        }
        Ok(Run::of(links.len(), stretches))
    }

    /// Ways to run the branches of a link by themselves: in the least memory, and fastest.
    fn apart(&self, link: &link::Link) -> Result<Vec<Vec<Segment>>> {
        let branches = link.branches.iter().map(|branch| self.run(branch));
        let branches: Vec<Run> = branches.collect::<Result<_>>()?;
        let least: Vec<Segment> = branches.iter().flat_map(Run::least).collect();
        let fastest = branches.iter().filter_map(|run| run.fastest(usize::MAX));
        let fastest: Vec<Segment> = fastest.flatten().collect();
        Ok(if least == fastest { vec![least] } else { vec![least, fastest] })
    }

    /// Adds what `units` make of the stretch `links` when they are joined behind the segments `before`.
    fn add(
        &self,
        stretches: &mut Vec<Stretch>,
        links: Range<usize>,
        before: &[Segment],
        units: &[usize],
    ) -> Result<()> {
        let parts: Vec<&Segment> = units.iter().map(|at| &self.units[*at]).collect();
        for batch in [RowBatch::Whole, THRIFTY] {
            let Some(joined) = segment::joined(self.network.graph, &parts, batch) else {
                continue;
            };
            let segments = [before, &[joined]].concat();
            let nodes = segments.iter().flat_map(|segment| &segment.stages);
            let last = nodes.map(|id| self.position[id]).max().unwrap_or(0);
            let later: Rc<BTreeSet<NodeId>> =
                Rc::new(self.order[last + 1..].iter().copied().collect());
            let meets = units.len() > links.len();
            stretches.extend(Stretch::new(self.network, links.clone(), segments, meets, later)?);
        }
        Ok(())
    }
}
