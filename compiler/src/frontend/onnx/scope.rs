//! The values that are known while the nodes of a file are read in order.
//!
//! A node that cannot be read loses its results; nodes that read a lost value are passed over, so that one run finds
//! every unsupported thing and names no node that is merely downstream of one.

mod before;
mod inline;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::{Error, Result};
use crate::frontend::onnx::body::Room;
use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::Fault;
use crate::frontend::onnx::function::{self, Functions};
use crate::frontend::onnx::inputs::{self, Input};
use crate::frontend::onnx::operators::{self, Operator, Types};
use crate::frontend::onnx::store::Store;
use crate::frontend::onnx::tensor::Constant;
use crate::frontend::onnx::unsupported::Unsupported;
use crate::frontend::onnx::whole::{self, Wholes};
use crate::frontend::onnx::{OPSETS, empty, narrow, tensor, wiring};
use crate::ir::{Dtype, Graph, Layout, NodeId, Op, Output, Tensor, Unary};
use crate::proto::tensor_proto::DataType;
use crate::proto::{GraphProto, NodeProto, SparseTensorProto, TensorProto, ValueInfoProto};

/// A file that is being read.
pub(super) struct Scope {
    graph: Graph,
    opset: i64,
    store: Store,
    known: BTreeMap<String, NodeId>,
    stored: BTreeMap<String, Stored>,
    sequences: BTreeMap<String, Vec<NodeId>>,
    wholes: Wholes,
    functions: Functions,
    /// Functions whose bodies are being read, outermost first.
    active: Vec<function::Key>,
    room: Room,
    lost: BTreeSet<String>,
    spare: BTreeMap<String, Spare>,
    unsupported: Unsupported,
    fault: Option<Error>,
}

/// An initializer that no node has read yet.
enum Stored {
    Dense(Box<TensorProto>),
    Sparse(Box<SparseTensorProto>),
}

impl Stored {
    fn read(self, store: &mut Store) -> std::result::Result<Constant, Fault> {
        match self {
            Self::Dense(tensor) => tensor::dense(*tensor, store),
            Self::Sparse(tensor) => tensor::sparse(*tensor, store),
        }
    }
}

/// The initializers of a graph by name, taken out of it.
fn stored(graph: &mut GraphProto) -> impl Iterator<Item = (String, Stored)> + use<> {
    let dense = std::mem::take(&mut graph.initializer).into_iter();
    let sparse = std::mem::take(&mut graph.sparse_initializer).into_iter();
    let name = |tensor: &SparseTensorProto| {
        tensor.values.as_ref().map_or_else(String::new, |v| v.name.clone())
    };
    let dense = dense.map(|t| (t.name.clone(), Stored::Dense(t.into())));
    dense.chain(sparse.map(move |t| (name(&t), Stored::Sparse(t.into()))))
}

/// A result that a node has in the file, but that its reader does not make (the mask of Dropout).
struct Spare {
    op: String,
    index: usize,
    node: String,
}

impl Scope {
    /// Takes the initializers out of `proto`, unread.
    pub(super) fn new(
        proto: &mut GraphProto,
        opset: i64,
        base: &Path,
        functions: Functions,
    ) -> Self {
        let stored = stored(proto).collect();
        let mut graph = Graph::default();
        graph.name.clone_from(&proto.name);
        Self {
            graph,
            opset,
            store: Store::new(base),
            known: BTreeMap::new(),
            stored,
            sequences: BTreeMap::new(),
            wholes: Wholes::new(),
            functions,
            active: Vec::new(),
            room: Room::default(),
            lost: BTreeSet::new(),
            spare: BTreeMap::new(),
            unsupported: Unsupported::default(),
            fault: None,
        }
    }

    /// Notes an operator set that is too old or too new.
    pub(super) fn check_opset(&mut self) {
        if !OPSETS.contains(&self.opset) {
            let (least, most) = OPSETS.into_inner();
            let remedy =
                format!("version {}; export the model with one of {least} to {most}", self.opset);
            self.unsupported.add("operator set", remedy, "the model");
        }
    }

    /// Adds what the caller passes; 16-bit floats are widened at once.
    pub(super) fn add_inputs(&mut self, inputs: Vec<Input>) {
        for input in inputs {
            let whole = whole::taken(input.elem_type);
            let dtype = match DataType::try_from(input.elem_type) {
                Ok(DataType::Float) => Dtype::F32,
                Ok(DataType::Float16) => Dtype::F16,
                Ok(DataType::Uint8) => Dtype::U8,
                Ok(DataType::Int8) => Dtype::I8,
                _ if whole.is_some() => Dtype::F32,
                _ => {
                    let reason = format!(
                        "type {}; supported: {}",
                        tensor::type_name(input.elem_type),
                        whole::TAKEN
                    );
                    self.unsupported.add("input", reason, &input.name);
                    self.lost.insert(input.name);
                    continue;
                }
            };
            let out = Tensor { shape: input.shape, dtype, layout: Layout::RowMajor };
            let mut id = self.graph.add_input(input.name.clone(), out.clone());
            if dtype == Dtype::F16 {
                let wide = Tensor { dtype: Dtype::F32, ..out };
                id = self.graph.add(format!("{}/f32", input.name), Op::Identity, wide, &[id]);
            }
            if let Some(whole) = whole {
                let (kind, name) = (tensor::type_name(input.elem_type), &input.name);
                let note = format!("input {name:?} of {kind} is taken as floats, exact up to 2^24");
                self.graph.notes.push(note);
                self.wholes.insert(id, whole);
            }
            self.known.insert(input.name, id);
            self.graph.notes.extend(input.note);
        }
    }

    /// Notes nodes that are not read.
    pub(super) fn note_left_out(&mut self, count: usize) {
        if count > 0 {
            let notes = &mut self.graph.notes;
            notes.push(format!("nodes that feed no output and are left out: {count}"));
        }
    }

    /// Reads one node whose makers have all been read.
    pub(super) fn read(&mut self, node: &NodeProto) {
        let twice = node.output.iter().any(|output| self.is_made(output));
        let made = match twice {
            true => Err(Fault::Misfit("makes a value that something else makes too".into())),
            false => self.results(node),
        };
        let made = made.unwrap_or_else(|fault| {
            self.blame(node, fault);
            Vec::new()
        });
        for (index, output) in node.output.iter().enumerate() {
            // A body has made its results itself.
            if output.is_empty() || self.is_made(output) {
                continue;
            }
            match made.get(index) {
                Some(id) => {
                    self.known.insert(output.clone(), *id);
                }
                None if made.is_empty() => {
                    self.lost.insert(output.clone());
                }
                None => {
                    let (op, node) = (operators::qualified(node), wiring::name(node).to_owned());
                    self.spare.insert(output.clone(), Spare { op, index, node });
                }
            }
        }
    }

    /// The results of a node; none, if it reads a lost value.
    fn results(&mut self, node: &NodeProto) -> std::result::Result<Vec<NodeId>, Fault> {
        let function = self.functions.key_of(node);
        if let Some(key) = function {
            let lost = node.input.iter().filter(|input| self.is_lost(input)).count() > 0;
            return if lost { Ok(Vec::new()) } else { self.inline(key, node) };
        }
        let operator = operators::find(node, self.opset)?;
        // Every operand is asked, so that each spare result that is read gets reported.
        if node.input.iter().filter(|input| self.is_lost(input)).count() > 0 {
            return Ok(Vec::new());
        }
        let operands = node.input.iter().map(|input| self.operand(input));
        let operands: Vec<Option<NodeId>> = operands.collect::<std::result::Result<_, _>>()?;
        let sequence = node.input.iter().position(|input| self.sequences.contains_key(input));
        match (operator.name, sequence) {
            ("Identity", Some(port)) => {
                let result = node.output.iter().find(|output| !output.is_empty());
                result.map_or(Ok(()), |result| self.bind(&node.input[port], result))?;
                return Ok(Vec::new());
            }
            (_, Some(port)) if !matches!(operator.types, Types::Sequences | Types::Any) => {
                let what = format!("operand {port} is a sequence; a tensor belongs there");
                return Err(Fault::Misfit(what));
            }
            _ => {}
        }
        self.call(operator, node, operands)
    }

    fn call(
        &mut self,
        operator: &Operator,
        node: &NodeProto,
        operands: Vec<Option<NodeId>>,
    ) -> std::result::Result<Vec<NodeId>, Fault> {
        let mut call = Call {
            graph: &mut self.graph,
            node,
            operands,
            opset: self.opset,
            store: &mut self.store,
            sequences: &mut self.sequences,
            wholes: &mut self.wholes,
            room: &mut self.room,
            body: None,
        };
        let made = operator.read(&mut call)?;
        let body = call.body.take();
        body.map_or(Ok(made), |body| self.read_body(node, body))
    }

    /// The value of a name, read from the file now if it is an initializer; `None` for the empty name and sequences.
    pub(super) fn operand(&mut self, name: &str) -> std::result::Result<Option<NodeId>, Fault> {
        if name.is_empty() || self.sequences.contains_key(name) {
            return Ok(None);
        }
        if let Some(id) = self.known.get(name) {
            return Ok(Some(*id));
        }
        let stored = self.stored.remove(name);
        let stored = stored.ok_or_else(|| format!("reads {name:?} before it is made"))?;
        let constant = stored.read(&mut self.store);
        if constant.is_err() {
            self.lost.insert(name.to_owned());
        }
        let constant = constant?;
        let id = self.graph.add_const(name, constant.shape, constant.values);
        self.known.insert(name.to_owned(), id);
        Ok(Some(id))
    }

    /// True if a name has a value, or has lost it.
    fn is_made(&self, name: &str) -> bool {
        let made = self.known.contains_key(name)
            || self.lost.contains(name)
            || self.sequences.contains_key(name)
            || self.spare.contains_key(name);
        made && !name.is_empty()
    }

    fn blame(&mut self, node: &NodeProto, fault: Fault) {
        let (name, op) = (wiring::name(node), operators::qualified(node));
        let error = match fault {
            Fault::Unsupported(reason) => return self.unsupported.add(&op, reason, name),
            Fault::Misfit(what) => Error::Node { name: name.into(), op, what },
            Fault::Error(error) => error,
        };
        self.fault.get_or_insert(error);
    }

    /// True if a value has no maker that could be read; a result that no reader makes is reported on its first use.
    fn is_lost(&mut self, name: &str) -> bool {
        if let Some(spare) = self.spare.remove(name) {
            let reason = format!("result {}, which is used", spare.index);
            self.unsupported.add(&spare.op, reason, &spare.node);
            self.lost.insert(name.to_owned());
        }
        self.lost.contains(name)
    }

    /// The finished graph, or everything that is wrong with the file.
    pub(super) fn finish(mut self, proto: &GraphProto) -> Result<Graph> {
        for output in &proto.output {
            self.add_output(output);
        }
        let unsupported = std::mem::take(&mut self.unsupported);
        let before = if unsupported.is_empty() { Vec::new() } else { self.before(proto) };
        if let Some(error) = unsupported.into_error(before).or(self.fault) {
            return Err(error);
        }
        if proto.output.is_empty() {
            let what = "the graph names no output; add what the model answers to its outputs";
            return Err(Error::Malformed { what: what.into() });
        }
        empty::drop_unneeded(&mut self.graph)?;
        drop_unread_constants(&mut self.graph);
        narrow::widen_operands(&mut self.graph);
        Ok(self.graph)
    }

    fn add_output(&mut self, output: &ValueInfoProto) {
        if self.is_lost(&output.name) {
            return;
        }
        let node = match self.operand(&output.name) {
            Ok(Some(node)) => node,
            Ok(None) if output.name.is_empty() => {
                return self.blame_output(output, Fault::Misfit("an output has no name".into()));
            }
            Ok(None) => {
                let what = "a sequence; supported: tensors";
                return self.blame_output(output, Fault::Unsupported(what.into()));
            }
            Err(fault) => return self.blame_output(output, fault),
        };
        let kind = output.r#type.as_ref();
        match self.answer(node, &output.name, inputs::elem_type(kind)) {
            Ok(node) => self.graph.outputs.push(Output { name: output.name.clone(), node }),
            Err(fault) => self.blame_output(output, fault),
        }
        self.compare_shape(node, output);
    }

    /// The node that answers, in the type that the file declares.
    fn answer(
        &mut self,
        node: NodeId,
        name: &str,
        elem_type: i32,
    ) -> std::result::Result<NodeId, Fault> {
        let given = whole::answer(&mut self.graph, &self.wholes, node, name, elem_type)?;
        if let Some(integers) = given {
            return Ok(integers);
        }
        let out = self.graph.node(node).out.clone();
        let unsupported =
            |what: String| Fault::Unsupported(format!("type {what}; supported: {}", whole::GIVEN));
        let bytes = match DataType::try_from(elem_type) {
            Ok(DataType::Undefined) => matches!(out.dtype, Dtype::U8 | Dtype::I8),
            Ok(DataType::Uint8) => out.dtype == Dtype::U8,
            Ok(DataType::Int8) => out.dtype == Dtype::I8,
            _ => false,
        };
        if bytes {
            return Ok(node);
        }
        if out.dtype != Dtype::F32 {
            return Err(unsupported(out.dtype.to_string()));
        }
        match DataType::try_from(elem_type) {
            Ok(DataType::Float | DataType::Undefined) => Ok(node),
            Ok(DataType::Float16) => {
                let rounding = Op::Unary(Unary::ToF16);
                let rounded = match &self.graph.node(node).op {
                    op if *op == rounding => node,
                    _ => self.graph.add(format!("{name}/rounded"), rounding, out.clone(), &[node]),
                };
                let half = Tensor { dtype: Dtype::F16, ..out };
                Ok(self.graph.add(format!("{name}/f16"), Op::Identity, half, &[rounded]))
            }
            _ => Err(unsupported(tensor::type_name(elem_type))),
        }
    }

    /// Notes a declared shape that is not the one the graph makes.
    fn compare_shape(&mut self, node: NodeId, output: &ValueInfoProto) {
        let shape = &self.graph.node(node).out.shape;
        let Some(declared) = inputs::declared(output.r#type.as_ref()) else {
            return;
        };
        let agrees = |(declared, size): (&Option<usize>, &usize)| {
            declared.is_none_or(|declared| declared == *size)
        };
        if declared.len() != shape.len() || !declared.iter().zip(shape).all(agrees) {
            let name = &output.name;
            self.graph
                .notes
                .push(format!("output {name:?} is {shape:?}; the file declares another shape"));
        }
    }

    fn blame_output(&mut self, output: &ValueInfoProto, fault: Fault) {
        let (name, op) = (output.name.clone(), "output");
        let error = match fault {
            Fault::Unsupported(reason) => return self.unsupported.add(op, reason, &name),
            Fault::Misfit(what) => Error::Node { name, op: op.into(), what },
            Fault::Error(error) => error,
        };
        self.fault.get_or_insert(error);
    }
}

/// Forgets constants that only shape arithmetic read.
fn drop_unread_constants(graph: &mut Graph) {
    for id in graph.ids() {
        let unread = graph.constant(id).is_some() && graph.readers_len(id) == 0;
        if unread && !graph.is_output(id) {
            graph.remove(id);
        }
    }
}
