//! Runs of the graph: units that can be joined in sequence, branches included.
//!
//! A run is a chain of links. Each link ends in one value; nobody but the next link reads it, and nobody but the link
//! itself reads what else is made in it, so any range of links may be one segment. A link of several units holds
//! branches that meet in its last unit; how they run if the link is not joined, their own runs say.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::view::base;
use crate::ir::{Graph, NodeId};
use crate::segment::Segment;

/// A chain of links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// First to last.
    pub links: Vec<Link>,
}

/// Units that only one value needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Indices of its units, in order; the last makes the link's value.
    pub units: Vec<usize>,
    /// The runs of all units before the last, in order.
    pub branches: Vec<Run>,
}

impl Run {
    /// This run split at links of several units that `joins` refuses: their branches run separately.
    pub fn split(self, joins: &impl Fn(&Link) -> bool) -> Vec<Self> {
        let (mut runs, mut open) = (Vec::new(), Self::default());
        for mut link in self.links {
            if !link.branches.is_empty() && !joins(&link) {
                runs.push(std::mem::take(&mut open));
                let branches = std::mem::take(&mut link.branches).into_iter();
                runs.extend(branches.flat_map(|branch| branch.split(joins)));
                link.units.drain(..link.units.len() - 1);
            }
            open.links.push(link);
        }
        runs.push(open);
        runs.retain(|run| !run.links.is_empty());
        runs
    }
}

/// The runs of `units`, which follow what they read. The branches of a link of more than `most` units are runs by
/// themselves, between the links before it and itself.
pub fn runs(graph: &Graph, units: &[Segment], most: usize) -> Vec<Run> {
    let tree = Tree::new(graph, units);
    let mut runs = Vec::new();
    let mut left: Vec<Part> =
        tree.children[units.len()].iter().rev().map(|at| Part::Ends(*at)).collect();
    while let Some(part) = left.pop() {
        match part {
            Part::Run(run) => runs.push(run),
            Part::Ends(last) => left.extend(tree.parts(last, most).into_iter().rev()),
        }
    }
    runs.retain(|run| !run.links.is_empty());
    runs
}

/// Runs that are still to be listed.
enum Part {
    Run(Run),
    /// Links of the run that ends in this unit.
    Ends(usize),
}

/// The dominator tree of units: the parent of a unit is the one (or the caller, at the end) that all ways from its
/// value lead through next.
struct Tree {
    /// For each unit and the caller, the units whose ways meet there first, ascending.
    children: Vec<Vec<usize>>,
    /// For each unit, how many units need it alone to be made, itself among them.
    needed_len: Vec<usize>,
    /// For each unit, whether what only it needs reads the value of a unit with the same parent.
    reads_beside: Vec<bool>,
}

impl Tree {
    fn new(graph: &Graph, units: &[Segment]) -> Self {
        let caller = units.len();
        let reads = reads(graph, units);
        let meets = meets(graph, units, &reads);
        let mut children = vec![Vec::new(); caller + 1];
        let mut needed_len = vec![1; caller + 1];
        for at in 0..caller {
            children[meets[at]].push(at);
            needed_len[meets[at]] += needed_len[at];
        }
        // Numbered so that what a unit needs stands right behind it.
        let mut number = vec![0; caller + 1];
        for at in (0..=caller).rev() {
            let mut next = number[at] + 1;
            for child in &children[at] {
                number[*child] = next;
                next += needed_len[*child];
            }
        }
        let mut reads_beside = vec![false; caller];
        for (at, reads) in reads.iter().enumerate() {
            for read in reads.iter().filter(|read| meets[**read] != at) {
                let beside = &children[meets[*read]];
                let holds = beside.partition_point(|child| number[*child] <= number[at]);
                reads_beside[beside[holds - 1]] = true;
            }
        }
        Self { children, needed_len, reads_beside }
    }

    /// All units that only `last` needs, itself among them, ascending.
    fn needed(&self, last: usize) -> Vec<usize> {
        let mut needed = vec![last];
        let mut at = 0;
        while let Some(unit) = needed.get(at) {
            needed.extend(&self.children[*unit]);
            at += 1;
        }
        needed.sort_unstable();
        needed
    }

    /// The units that end the links of the run that ends in `last`, first to last.
    fn ends(&self, last: usize) -> Vec<usize> {
        let mut ends: Vec<usize> =
            std::iter::successors(Some(last), |at| self.before(*at)).collect();
        ends.reverse();
        ends
    }

    /// The run that ends in `last`, in parts where links are too large.
    fn parts(&self, last: usize, most: usize) -> Vec<Part> {
        let (mut parts, mut open) = (Vec::new(), Run::default());
        for end in self.ends(last) {
            let beside = self.beside(end);
            let len = 1 + beside.iter().map(|child| self.needed_len[*child]).sum::<usize>();
            if len > most && len > 1 {
                parts.push(Part::Run(std::mem::take(&mut open)));
                parts.extend(beside.into_iter().map(Part::Ends));
                open.links.push(Link { units: vec![end], branches: vec![] });
            } else {
                open.links.push(self.link(end));
            }
        }
        parts.push(Part::Run(open));
        parts
    }

    /// The link that ends in `last`.
    fn link(&self, last: usize) -> Link {
        let beside = self.beside(last);
        let mut units: Vec<usize> = beside.iter().flat_map(|child| self.needed(*child)).collect();
        units.push(last);
        units.sort_unstable();
        let run =
            |last| Run { links: self.ends(last).into_iter().map(|end| self.link(end)).collect() };
        Link { units, branches: beside.into_iter().map(run).collect() }
    }

    /// The units whose ways meet in `last`, but for the one that ends the link before.
    fn beside(&self, last: usize) -> Vec<usize> {
        let before = self.before(last);
        self.children[last].iter().copied().filter(|child| Some(*child) != before).collect()
    }

    /// The child that ends the link before: what only it needs reads nothing of the other children. Those read nothing
    /// of that but its value, or their ways and its would not meet here. If several do, the one that needs most.
    fn before(&self, last: usize) -> Option<usize> {
        let fits = self.children[last].iter().copied().filter(|child| !self.reads_beside[*child]);
        fits.max_by_key(|child| self.needed_len[*child])
    }
}

/// For each unit, the units that it reads.
fn reads(graph: &Graph, units: &[Segment]) -> Vec<BTreeSet<usize>> {
    let maker = makers(units);
    let reads = |(at, unit): (usize, &Segment)| -> BTreeSet<usize> {
        let operands = unit.stages.iter().flat_map(|id| graph.operands(*id));
        let makers = operands.filter_map(|(_, x)| maker.get(&base(graph, x)).copied());
        makers.filter(|maker| *maker != at).collect()
    };
    units.iter().enumerate().map(reads).collect()
}

/// For each unit, where all ways from it meet; the number of units for the caller.
fn meets(graph: &Graph, units: &[Segment], reads: &[BTreeSet<usize>]) -> Vec<usize> {
    let maker = makers(units);
    let outputs = graph.outputs.all().iter().map(|output| base(graph, output.node));
    let answers: BTreeSet<usize> = outputs.filter_map(|id| maker.get(&id).copied()).collect();
    let mut readers = vec![Vec::new(); units.len()];
    for (at, reads) in reads.iter().enumerate() {
        reads.iter().for_each(|read| readers[*read].push(at));
    }
    let mut meets = vec![units.len(); units.len()];
    for at in (0..units.len()).rev() {
        let met = readers[at].iter().copied().reduce(|a, b| common(&meets, a, b));
        if let Some(met) = met.filter(|_| !answers.contains(&at)) {
            meets[at] = met;
        }
    }
    meets
}

/// The unit of each node.
fn makers(units: &[Segment]) -> BTreeMap<NodeId, usize> {
    let stages = units.iter().enumerate();
    stages.flat_map(|(at, unit)| unit.stages.iter().map(move |id| (*id, at))).collect()
}

/// The unit where all ways from both units meet.
fn common(meets: &[usize], mut a: usize, mut b: usize) -> usize {
    while a != b {
        if a < b {
            a = meets[a];
        } else {
            b = meets[b];
        }
    }
    a
}
