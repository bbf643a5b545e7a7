//! The setting of a lowering: graph, target and memory options, with facts of the whole network that are found once.

use std::collections::BTreeMap;

use crate::ir::view::is_view;
use crate::ir::{Graph, NodeId};
use crate::objective::Memory;
use crate::target::Target;

/// The form in which a step leaves its result for the convolutions of later steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Results {
    /// With the zeros around it that those read, which costs memory and saves a copy.
    #[default]
    Padded,
    /// Dense, so that it may lie over a dying operand, row behind row; readers copy rows between zeros.
    Dense,
}

/// A network, its machine and its memory.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// The machine.
    pub target: &'a Target,
    /// The memory options.
    pub memory: Memory,
    /// The form of results between steps.
    pub(super) results: Results,
    /// True if any operator is quantised.
    pub(super) is_quantised: bool,
    /// The position of each node in the order of the graph.
    position: BTreeMap<NodeId, usize>,
    /// The last position at which a value or a view of it is read, by the node that makes it.
    last_read: BTreeMap<NodeId, usize>,
    /// The first output that is a value or a view of it, by the node that makes it.
    answers: BTreeMap<NodeId, usize>,
    /// The first state whose next value is a value or a view of it, by the node that makes it.
    kept: BTreeMap<NodeId, usize>,
}

impl<'a> Setting<'a> {
    /// The setting of a verified graph.
    pub fn new(graph: &'a Graph, target: &'a Target, memory: Memory) -> Self {
        let order = graph.order().unwrap_or_default();
        let mut bases: BTreeMap<NodeId, NodeId> = BTreeMap::new();
        let (mut position, mut last_read) = (BTreeMap::new(), BTreeMap::new());
        for (at, id) in order.into_iter().enumerate() {
            position.insert(id, at);
            for (_, operand) in graph.operands(id) {
                last_read.insert(bases[&operand], at);
            }
            let viewed = graph.operand(id, 0).filter(|_| is_view(graph, id));
            bases.insert(id, viewed.map_or(id, |viewed| bases[&viewed]));
        }
        let mut answers = BTreeMap::new();
        for (at, output) in graph.outputs.iter().enumerate() {
            answers.entry(bases[&output.node]).or_insert(at);
        }
        let mut kept = BTreeMap::new();
        for (at, next) in graph.outputs.kept().iter().enumerate() {
            kept.entry(bases[&next.node]).or_insert(at);
        }
        let is_quantised = graph.is_quantised();
        let results = Results::default();
        Self { graph, target, memory, results, is_quantised, position, last_read, answers, kept }
    }

    /// The setting with results between steps in another form.
    pub fn with(self, results: Results) -> Self {
        Self { results, ..self }
    }

    /// The position of a node in the order of the graph.
    pub fn position(&self, id: NodeId) -> usize {
        self.position[&id]
    }

    /// The first output of the model that is the value of `id` or a view of it.
    pub fn answer(&self, id: NodeId) -> Option<usize> {
        self.answers.get(&id).copied()
    }

    /// The first state that becomes the value of `id` or a view of it.
    pub fn kept(&self, id: NodeId) -> Option<usize> {
        self.kept.get(&id).copied()
    }

    /// True if the caller gets the value of `id` or a view of it, or the network keeps it.
    pub fn lives_on(&self, id: NodeId) -> bool {
        self.answers.contains_key(&id) || self.kept.contains_key(&id)
    }

    /// True if a node behind `position`, or in the end the caller or the next call, reads the value of `id` or a view of
    /// it.
    pub fn is_read_behind(&self, id: NodeId, position: usize) -> bool {
        let last = self.last_read.get(&id);
        self.lives_on(id) || last.is_some_and(|last| *last > position)
    }
}
