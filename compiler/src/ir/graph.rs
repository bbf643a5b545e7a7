//! The graph itself: nodes, the edges between them, and the edits passes make.
//!
//! petgraph stays behind this file. Every listing is sorted, so equal graphs give equal bytes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;

use crate::ir::op::site::{Operand, Site};
use crate::ir::{
    Affine, Arithmetic, Dtype, Layout, Op, Output, Outputs, State, Tensor, Values, Weights,
};

/// A model.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The model's own name; may be empty.
    pub name: String,
    /// The numbers that `Op::Const` nodes own.
    pub weights: Weights,
    /// `Op::Input` nodes in the order in which the model takes them.
    pub inputs: Vec<NodeId>,
    /// Outputs of the model, in its order, and the next values of `states`.
    pub outputs: Outputs,
    /// Values that the network keeps between calls; `outputs.kept()` lists what each becomes.
    pub states: Vec<State>,
    /// Inverted residual blocks that `find_blocks` recognised, in order of execution.
    pub blocks: Vec<Block>,
    /// Notes for the user on how the model was read.
    pub notes: Vec<String>,
    /// Scale and zero point of quantised inputs that the model takes as floats and the caller quantises.
    pub scales: BTreeMap<NodeId, Affine>,
    /// The arithmetic by which sums are requantised.
    pub arithmetic: Arithmetic,
    /// Runs of the graph per inference, each on the next part of the model's inputs along their leading dimension.
    pub batch: usize,
    /// Greatest entries of the only output that the caller gets, instead of all of them; 0 for all.
    pub top_k: usize,
    dag: StableDiGraph<Node, Port>,
    names: BTreeSet<String>,
    /// Reads of each node, by its number.
    read: Vec<usize>,
}

/// One operator and the tensor it makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The name in the model (of the value it makes); unique in the graph.
    pub name: String,
    /// The operator.
    pub op: Op,
    /// The result's description.
    pub out: Tensor,
}

/// Identifier of a node; stays valid while other nodes come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(u32);

/// Index of an operand of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port(pub usize);

/// The paper's inverted residual: expand, depthwise, project, maybe add (section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The 1x1 convolution that widens; a block of expansion 1 has none.
    pub expand: Option<NodeId>,
    /// The depthwise convolution.
    pub depthwise: NodeId,
    /// The 1x1 convolution that narrows, holding the residual if there is one.
    pub project: NodeId,
}

impl Default for Graph {
    fn default() -> Self {
        Self {
            name: String::new(),
            weights: Weights::default(),
            inputs: Vec::new(),
            outputs: Outputs::default(),
            states: Vec::new(),
            blocks: Vec::new(),
            notes: Vec::new(),
            scales: BTreeMap::new(),
            arithmetic: Arithmetic::default(),
            batch: 1,
            top_k: 0,
            dag: StableDiGraph::new(),
            names: BTreeSet::new(),
            read: Vec::new(),
        }
    }
}

impl Graph {
    /// Adds a node that reads `operands` at ports 0, 1, ...
    pub fn add(
        &mut self,
        name: impl Into<String>,
        op: Op,
        out: Tensor,
        operands: &[NodeId],
    ) -> NodeId {
        let name = self.fresh_name(name.into());
        let id = NodeId(self.dag.add_node(Node { name, op, out }).index() as u32);
        self.read.resize(self.read.len().max(id.number() + 1), 0);
        for (port, operand) in operands.iter().enumerate() {
            self.join(*operand, id, Port(port));
        }
        id
    }

    /// Adds a model input.
    pub fn add_input(&mut self, name: impl Into<String>, out: Tensor) -> NodeId {
        let id = self.add(name, Op::Input, out, &[]);
        self.inputs.push(id);
        id
    }

    /// Makes `input` a state, which no caller passes: it begins as `start`, and `next` is its value for the next call.
    pub fn keep(&mut self, input: NodeId, name: String, next: NodeId, start: Values) {
        self.inputs.retain(|id| *id != input);
        self.outputs.keep(Output { name, node: next });
        self.states.push(State { input, start });
    }

    /// Inputs that the caller passes, and then those that read states.
    pub fn sources(&self) -> Vec<NodeId> {
        let states = self.states.iter().map(|state| state.input);
        self.inputs.iter().copied().chain(states).collect()
    }

    /// Adds constant numbers of the given shape.
    pub fn add_const(
        &mut self,
        name: impl Into<String>,
        shape: impl Into<Vec<usize>>,
        values: Values,
    ) -> NodeId {
        let out = Tensor { shape: shape.into(), dtype: values.dtype(), layout: Layout::RowMajor };
        let id = self.weights.add(values);
        self.add(name, Op::Const(id), out, &[])
    }

    /// Makes `to` read `from` at `port`, instead of whatever it read there.
    pub fn connect(&mut self, from: NodeId, to: NodeId, port: Port) {
        self.disconnect(to, port);
        self.join(from, to, port);
    }

    fn join(&mut self, from: NodeId, to: NodeId, port: Port) {
        self.dag.add_edge(from.index(), to.index(), port);
        self.read[from.number()] += 1;
    }

    /// Makes `to` read nothing at `port`.
    pub fn disconnect(&mut self, to: NodeId, port: Port) {
        let edge =
            self.dag.edges_directed(to.index(), Direction::Incoming).find(|e| *e.weight() == port);
        if let Some((edge, from)) = edge.map(|e| (e.id(), NodeId::from(e.source()))) {
            self.dag.remove_edge(edge);
            self.read[from.number()] -= 1;
        }
    }

    /// Redirects every reader of `old`, and every output that it is, to `new`.
    pub fn redirect(&mut self, old: NodeId, new: NodeId) {
        for (reader, port) in self.readers(old) {
            if reader != new {
                self.connect(new, reader, port);
            }
        }
        self.outputs.redirect(old, new);
    }

    /// Puts a new node between `id` and all who read it.
    pub fn insert_after(
        &mut self,
        id: NodeId,
        name: impl Into<String>,
        op: Op,
        out: Tensor,
    ) -> NodeId {
        let new = self.add(name, op, out, &[]);
        self.redirect(id, new);
        self.connect(id, new, Port(0));
        new
    }

    /// Removes a node, and its numbers if it is a constant. Readers lose the operand.
    pub fn remove(&mut self, id: NodeId) {
        for operand in self.dag.neighbors_directed(id.index(), Direction::Incoming) {
            self.read[operand.index()] -= 1;
        }
        let Some(node) = self.dag.remove_node(id.index()) else {
            return;
        };
        self.read[id.number()] = 0;
        self.names.remove(&node.name);
        if let Op::Const(weights) = node.op {
            self.weights.release(weights);
        }
    }

    /// The node `id` names.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.dag[id.index()]
    }

    /// The node `id` names, to change.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.dag[id.index()]
    }

    /// The shape of an input or output as the model's caller has it: that of all parts of a batch.
    pub fn outer_shape(&self, id: NodeId) -> Vec<usize> {
        let mut shape = self.node(id).out.shape.clone();
        if let Some(leading) = shape.first_mut() {
            *leading *= self.batch;
        }
        shape
    }

    /// True if `id` is still in the graph.
    pub fn contains(&self, id: NodeId) -> bool {
        self.dag.contains_node(id.index())
    }

    /// Nodes in the graph.
    pub fn len(&self) -> usize {
        self.dag.node_count()
    }

    /// True if there is no node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every node, oldest first.
    pub fn ids(&self) -> Vec<NodeId> {
        self.dag.node_indices().map(NodeId::from).collect()
    }

    /// The operand of `id` at `port`.
    pub fn operand(&self, id: NodeId, port: usize) -> Option<NodeId> {
        let mut edges = self.dag.edges_directed(id.index(), Direction::Incoming);
        edges.find(|e| e.weight().0 == port).map(|e| e.source().into())
    }

    /// All operands of `id`, by port.
    pub fn operands(&self, id: NodeId) -> Vec<(Port, NodeId)> {
        let edges = self.dag.edges_directed(id.index(), Direction::Incoming);
        let mut operands: Vec<_> = edges.map(|e| (*e.weight(), e.source().into())).collect();
        operands.sort();
        operands
    }

    /// Readers of `id`, unordered, with the port at which they read it.
    pub fn readings(&self, id: NodeId) -> impl Iterator<Item = (NodeId, Port)> {
        let edges = self.dag.edges_directed(id.index(), Direction::Outgoing);
        edges.map(|e| (e.target().into(), *e.weight()))
    }

    /// Readers of `id`, with the port at which they read it.
    pub fn readers(&self, id: NodeId) -> Vec<(NodeId, Port)> {
        let mut readers: Vec<_> = self.readings(id).collect();
        readers.sort();
        readers
    }

    /// The number of reads of `id`: a node counts once for each port at which it reads it.
    pub fn readers_len(&self, id: NodeId) -> usize {
        self.read[id.number()]
    }

    /// The one node that reads `id`, if there is exactly one and `id` is no output.
    pub fn only_reader(&self, id: NodeId) -> Option<NodeId> {
        let mut readers = self.dag.neighbors_directed(id.index(), Direction::Outgoing);
        match (readers.next(), readers.next()) {
            (Some(reader), None) if !self.is_output(id) => Some(reader.into()),
            _ => None,
        }
    }

    /// True if `id` is an output of the model.
    pub fn is_output(&self, id: NodeId) -> bool {
        !self.outputs.places_of(id).is_empty()
    }

    /// The numbers of a constant node.
    pub fn constant(&self, id: NodeId) -> Option<&Values> {
        match self.node(id).op {
            Op::Const(weights) => Some(self.weights.get(weights)),
            // Only constants have numbers.
            _ => None,
        }
    }

    /// The floats of a constant that `id` reads at `port`.
    pub fn constant_operand(&self, id: NodeId, port: usize) -> Option<&[f32]> {
        self.constant(self.operand(id, port)?)?.as_f32()
    }

    /// True if `id` depends on any input; a node that does not is as fixed as a constant, though nobody folded it.
    pub fn depends_on_inputs(&self, id: NodeId) -> bool {
        let (mut seen, mut left) = (BTreeSet::from([id]), vec![id]);
        while let Some(id) = left.pop() {
            if matches!(self.node(id).op, Op::Input) {
                return true;
            }
            let operands = self.operands(id).into_iter().map(|(_, operand)| operand);
            left.extend(operands.filter(|operand| seen.insert(*operand)));
        }
        false
    }

    /// True if any operator is quantised.
    pub fn is_quantised(&self) -> bool {
        self.ids().into_iter().any(|id| matches!(self.node(id).op, Op::Quant(_) | Op::Words(_)))
    }

    /// True if any value is stored as `dtype`.
    pub fn stores(&self, dtype: Dtype) -> bool {
        self.ids().into_iter().any(|id| self.node(id).out.dtype == dtype)
    }

    /// Nodes in an order in which each comes after what it reads, oldest first; `Err` names a node on a cycle.
    pub fn order(&self) -> Result<Vec<NodeId>, NodeId> {
        let ids = self.ids();
        let mut waiting = vec![0_usize; ids.last().map_or(0, |last| last.number() + 1)];
        for id in &ids {
            let reads = self.dag.edges_directed(id.index(), Direction::Incoming);
            waiting[id.number()] = reads.count();
        }
        let free = ids.iter().filter(|id| waiting[id.number()] == 0);
        let mut ready: BinaryHeap<Reverse<NodeId>> = free.map(|id| Reverse(*id)).collect();
        let mut order = Vec::with_capacity(ids.len());
        while let Some(Reverse(id)) = ready.pop() {
            order.push(id);
            for edge in self.dag.edges_directed(id.index(), Direction::Outgoing) {
                let reader = NodeId::from(edge.target());
                waiting[reader.number()] -= 1;
                if waiting[reader.number()] == 0 {
                    ready.push(Reverse(reader));
                }
            }
        }
        let stuck = ids.into_iter().find(|id| waiting[id.number()] > 0);
        stuck.map_or(Ok(order), Err)
    }

    /// Multiply-adds of one node, counted as the paper does: convolutions and dense layers only.
    pub fn madds(&self, id: NodeId) -> u64 {
        let per_output = self.node(id).op.define(|op| op.madds(&self.site(id).shapes()));
        per_output as u64 * self.node(id).out.len() as u64
    }

    /// Multiply-adds of one node, or elements that it looks at.
    pub fn work(&self, id: NodeId) -> u64 {
        let per_output = self.node(id).op.define(|op| op.work(&self.site(id).shapes()));
        (per_output as u64).saturating_mul(self.node(id).out.len() as u64)
    }

    /// Operands and result of `id`, as its operator sees them.
    pub fn site(&self, id: NodeId) -> Site<'_> {
        let operands = self.operands(id).into_iter().map(|(port, operand)| Operand {
            port: port.0,
            tensor: &self.node(operand).out,
            constant: self.constant(operand),
        });
        Site { out: &self.node(id).out, operands: operands.collect() }
    }

    /// Multiply-adds of one inference.
    pub fn total_madds(&self) -> u64 {
        self.ids().into_iter().map(|id| self.madds(id)).sum()
    }

    /// Trained numbers: floats of constants, without the running statistics that batch norms fold away.
    pub fn params(&self) -> u64 {
        let statistic = |(reader, port): &(NodeId, Port)| {
            matches!(self.node(*reader).op, Op::BatchNorm(_)) && port.0 >= 3
        };
        let counts = self.ids().into_iter().filter_map(|id| {
            let values = self.constant(id)?;
            let readers = self.readers(id);
            let trained = !readers.is_empty() && !readers.iter().all(statistic);
            (trained && values.dtype() != Dtype::I64).then_some(values.len() as u64)
        });
        counts.sum()
    }

    fn fresh_name(&mut self, wanted: String) -> String {
        let free = |name: &String| !name.is_empty() && !self.names.contains(name);
        let stem = if wanted.is_empty() { "value".to_owned() } else { wanted.clone() };
        let mut candidates = std::iter::once(wanted).chain((1..).map(|n| format!("{stem}_{n}")));
        let name = candidates.find(free).expect("there are more numbers than nodes");
        self.names.insert(name.clone());
        name
    }
}

impl NodeId {
    /// A number for tables and messages: nodes are numbered as they were added.
    pub fn number(self) -> usize {
        self.0 as usize
    }

    fn index(self) -> NodeIndex {
        NodeIndex::new(self.0 as usize)
    }
}

impl From<NodeIndex> for NodeId {
    fn from(index: NodeIndex) -> Self {
        Self(index.index() as u32)
    }
}
