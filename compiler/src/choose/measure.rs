//! Candidate segments of a run: links that can be joined, with their costs.

use std::ops::Range;

use mnv2c_runtime::blob::MOST_SLOTS;

use crate::choose::Network;
use crate::choose::cuts::{Aim, Candidate, Cost, Cuts, MIN_MEMORY};
use crate::error::Result;
use crate::segment::link::{self, Link};
use crate::segment::{self, RowBatch, Segment};

/// Units that are joined at most: longer ones hold more rings than whole tensors would be.
const LONGEST: usize = 24;

/// The network and units that candidates are measured with.
pub(super) struct Measure<'a> {
    network: &'a Network<'a>,
    units: &'a [Segment],
}

impl<'a> Measure<'a> {
    pub(super) fn new(network: &'a Network<'a>, units: &'a [Segment]) -> Self {
        Self { network, units }
    }

    /// All candidates of all runs.
    pub(super) fn all(&self) -> Result<Cuts> {
        let joins = |link: &Link| {
            let parts: Vec<&Segment> = link.units.iter().map(|at| &self.units[*at]).collect();
            parts.len() <= MOST_SLOTS && self.joined(&parts, MIN_MEMORY).is_some()
        };
        let runs = link::runs(self.network.setting.graph, self.units, MOST_SLOTS).into_iter();
        let mut cuts = Cuts { len: 0, candidates: Vec::new() };
        for (number, run) in runs.flat_map(|run| run.split(&joins)).enumerate() {
            self.run(&mut cuts, number, &run)?;
        }
        Ok(cuts)
    }

    /// Adds all candidates of a run: its links joined with all their branches, and with those of the first one run before.
    fn run(&self, cuts: &mut Cuts, number: usize, run: &link::Run) -> Result<()> {
        let (links, start) = (&run.links, cuts.len);
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
                let range = start + from..start + to;
                for branches in &apart {
                    self.add(cuts, number, range.clone(), branches, &tail)?;
                }
                if !before.is_empty() {
                    self.add(cuts, number, range, &[], &whole)?;
                }
            }
        }
        cuts.len += links.len();
        Ok(())
    }

    /// Ways to run the branches of a link separately: in minimum memory, and fastest.
    fn apart(&self, link: &Link) -> Result<Vec<Vec<Segment>>> {
        let mut cuts = Cuts { len: 0, candidates: Vec::new() };
        link.branches.iter().try_for_each(|branch| self.run(&mut cuts, 0, branch))?;
        let least = cuts.least(0).segments;
        let fastest = cuts.best(Aim::Cycles(usize::MAX), 0).map(|partition| partition.segments);
        let other = fastest.filter(|fastest| *fastest != least);
        Ok([least].into_iter().chain(other).collect())
    }

    /// Adds the candidates of `links` in which `units` are joined behind the segments `before`.
    fn add(
        &self,
        cuts: &mut Cuts,
        run: usize,
        links: Range<usize>,
        before: &[Segment],
        units: &[usize],
    ) -> Result<()> {
        let parts: Vec<&Segment> = units.iter().map(|at| &self.units[*at]).collect();
        for batch in [RowBatch::Whole, MIN_MEMORY] {
            let Some(segment) = self.joined(&parts, batch) else { continue };
            let nodes = before.iter().chain([&segment]).flat_map(|segment| &segment.stages);
            let last = nodes.map(|id| self.network.setting.position(*id)).max().unwrap_or(0);
            let meets = (units.len() > links.len()).then_some(run);
            let Range { start: from, end: to } = links;
            let (before, cost) = (before.to_vec(), Cost::default());
            let candidate = Candidate { from, to, before, segment, meets, last, cost };
            cuts.candidates.extend(candidate.measured(self.network)?);
        }
        Ok(())
    }

    fn joined(&self, parts: &[&Segment], batch: RowBatch) -> Option<Segment> {
        segment::joined(self.network.setting.graph, parts, batch)
    }
}
