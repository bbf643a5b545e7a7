//! Runs of the graph: which units could be joined with which, branches included.
//!
//! A run is a chain of links. Each link ends in one value; nobody but the next link reads it, and nobody but the link
//! itself reads what else is made in it, so any stretch of links may be one segment. A link of several units holds
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

/// Units that one value needs, and nobody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Indices of its units, in order; the last makes the link's value.
    pub units: Vec<usize>,
    /// The runs of all units before the last, in order.
    pub branches: Vec<Run>,
}

impl Run {
    /// The same as runs in which every link of several units `joins` them; what a link that does not needs, runs by
    /// itself.
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

/// The runs of `units`, which follow what they read.
pub fn runs(graph: &Graph, units: &[Segment]) -> Vec<Run> {
    let tree = Tree::new(graph, units);
    tree.children(units.len()).into_iter().map(|last| tree.run(last)).collect()
}

/// Which unit needs which: the unit (or the caller, at the end) that all ways from a unit's value lead through next.
struct Tree {
    /// For each unit, what it reads.
    reads: Vec<BTreeSet<usize>>,
    /// For each unit, where all ways from it meet; the number of units for the caller.
    meets: Vec<usize>,
}

impl Tree {
    fn new(graph: &Graph, units: &[Segment]) -> Self {
        let maker: BTreeMap<NodeId, usize> = units
            .iter()
            .enumerate()
            .flat_map(|(at, unit)| unit.stages.iter().map(move |id| (*id, at)))
            .collect();
        let reads = |(at, unit): (usize, &Segment)| -> BTreeSet<usize> {
            let operands = unit.stages.iter().flat_map(|id| graph.operands(*id));
            let makers = operands.filter_map(|(_, x)| maker.get(&base(graph, x)).copied());
            makers.filter(|maker| *maker != at).collect()
        };
        let reads: Vec<BTreeSet<usize>> = units.iter().enumerate().map(reads).collect();
        let outputs = graph.outputs.iter().map(|output| base(graph, output.node));
        let answers: BTreeSet<usize> = outputs.filter_map(|id| maker.get(&id).copied()).collect();
        let mut meets = vec![units.len(); units.len()];
        for at in (0..units.len()).rev() {
            let readers = (at + 1..units.len()).filter(|reader| reads[*reader].contains(&at));
            let met = readers.reduce(|a, b| common(&meets, a, b));
            meets[at] = match met {
                Some(met) if !answers.contains(&at) => met,
                _ => units.len(),
            };
        }
        Self { reads, meets }
    }

    fn children(&self, of: usize) -> Vec<usize> {
        (0..self.meets.len()).filter(|at| self.meets[*at] == of).collect()
    }

    /// All units that only `last` needs, itself among them.
    fn needed(&self, last: usize) -> BTreeSet<usize> {
        let mut needed = BTreeSet::from([last]);
        for at in (0..last).rev() {
            if needed.contains(&self.meets[at]) {
                needed.insert(at);
            }
        }
        needed
    }

    /// The run that ends in `last`.
    fn run(&self, last: usize) -> Run {
        let (mut links, mut at) = (Vec::new(), Some(last));
        while let Some(last) = at {
            let children = self.children(last);
            let before = self.before(&children);
            let beside = children.into_iter().filter(|child| Some(*child) != before);
            let beside: Vec<usize> = beside.collect();
            let units: BTreeSet<usize> =
                beside.iter().flat_map(|child| self.needed(*child)).chain([last]).collect();
            let branches = beside.into_iter().map(|child| self.run(child)).collect();
            links.push(Link { units: units.into_iter().collect(), branches });
            at = before;
        }
        links.reverse();
        Run { links }
    }

    /// The child that ends the link before: what only it needs reads nothing of the other children, and those read
    /// nothing of that but its value. If several do, the one that needs most.
    fn before(&self, children: &[usize]) -> Option<usize> {
        let needed: BTreeMap<usize, BTreeSet<usize>> =
            children.iter().map(|child| (*child, self.needed(*child))).collect();
        let fits = |child: &usize| {
            let own = &needed[child];
            let others = children.iter().filter(|other| *other != child);
            others.map(|other| &needed[other]).all(|other| {
                let reads = |at: &usize, of: &BTreeSet<usize>| !self.reads[*at].is_disjoint(of);
                let hidden: BTreeSet<usize> =
                    own.iter().copied().filter(|at| at != child).collect();
                !own.iter().any(|at| reads(at, other)) && !other.iter().any(|at| reads(at, &hidden))
            })
        };
        children.iter().copied().filter(fits).max_by_key(|child| needed[child].len())
    }
}

/// Where all ways from both units meet.
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
