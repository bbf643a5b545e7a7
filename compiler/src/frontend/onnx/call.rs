//! One node as its operator's reader sees it: operands, attributes, and where to add the result.
//!
//! Added operators are folded away if their operands are constants, so readers need not tell shape arithmetic from
//! arithmetic: `Add` of two shapes and of two images are one function.

mod carried;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::frontend::onnx::body::{Body, Room};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::store::{Store, checked_len};
use crate::frontend::onnx::tensor::{self, Constant};
use crate::frontend::onnx::whole::Wholes;
use crate::frontend::onnx::{empty, evaluate, fold};
use crate::ir::{Binary, Dtype, Graph, Layout, NodeId, Op, Tensor, Values};
use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, NodeProto};

/// A node that is being read.
pub(super) struct Call<'a> {
    /// The graph that grows.
    pub(super) graph: &'a mut Graph,
    /// The node in the file.
    pub(super) node: &'a NodeProto,
    /// Its operands by port; `None` where one is left out.
    pub(super) operands: Vec<Option<NodeId>>,
    /// The model's version of the standard operator set.
    pub(super) opset: i64,
    /// The store that constants are made from, with its limit.
    pub(super) store: &'a mut Store,
    /// The sequences of tensors that are known, by name.
    pub(super) sequences: &'a mut BTreeMap<String, Vec<NodeId>>,
    /// Integers and truth values that floats carry.
    pub(super) wholes: &'a mut Wholes,
    /// The remaining budget for copies of bodies.
    pub(super) room: &'a mut Room,
    /// Nodes to read in place of this one, if its reader leaves some here.
    pub(super) body: Option<Body>,
}

impl Call<'_> {
    /// The operand at `port`, if it is there.
    pub(super) fn given(&self, port: usize) -> Option<NodeId> {
        self.operands.get(port).copied().flatten()
    }

    /// The operand at `port`, of any type.
    pub(super) fn any(&self, port: usize) -> Result<NodeId, Fault> {
        self.given(port).ok_or_else(|| Fault::Misfit(format!("operand {port} is missing")))
    }

    /// The operand at `port`, which must hold floats.
    pub(super) fn float(&self, port: usize) -> Result<NodeId, Fault> {
        let id = self.any(port)?;
        if let Some(whole) = self.wholes.get(&id) {
            let kind = tensor::type_name(whole.kind as i32);
            return Err(Fault::Unsupported(format!(
                "operand {port} of type {kind} at run time; supported: f32"
            )));
        }
        match self.graph.node(id).out.dtype {
            Dtype::F32 => Ok(id),
            other => {
                Err(Fault::Unsupported(format!("operand {port} of type {other}; supported: f32")))
            }
        }
    }

    /// The tensors of the sequence at `port`.
    pub(super) fn sequence(&self, port: usize) -> Result<Vec<NodeId>, Fault> {
        let name = self.node.input.get(port).map_or("", String::as_str);
        let sequence = self.sequences.get(name).cloned();
        sequence.ok_or_else(|| Fault::Misfit(format!("operand {port} is no sequence")))
    }

    /// The shape of a value.
    pub(super) fn shape(&self, id: NodeId) -> Vec<usize> {
        self.graph.node(id).out.shape.clone()
    }

    /// The integers of the constant at `port`; `None` if the operand is left out.
    pub(super) fn const_ints(&self, port: usize) -> Result<Option<Vec<i64>>, Fault> {
        let Some(id) = self.given(port) else {
            return Ok(None);
        };
        match self.graph.constant(id) {
            Some(Values::I64(values)) => Ok(Some(values.clone())),
            Some(Values::I32(values)) => Ok(Some(values.iter().map(|v| i64::from(*v)).collect())),
            Some(other) => Err(Fault::Misfit(format!(
                "operand {port} holds {}; integers belong there",
                other.dtype()
            ))),
            None => Err(Fault::Unsupported(format!(
                "operand {port} that is {}; supported: constants",
                self.made(id)
            ))),
        }
    }

    /// A dimension of a tensor of `rank` dimensions; negative ones count from the end.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> Result<usize, Fault> {
        let from_front = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
        let found =
            from_front.and_then(|axis| usize::try_from(axis).ok()).filter(|axis| *axis < rank);
        found.ok_or_else(|| Fault::Misfit(format!("dimension {axis} of a tensor that has {rank}")))
    }

    /// Different dimensions of a tensor of `rank` dimensions, ascending.
    pub(super) fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>, Fault> {
        checked_len(&vec![1; rank])?;
        let found: Result<BTreeSet<usize>, Fault> =
            axes.iter().map(|axis| self.axis(*axis, rank)).collect();
        let found: Vec<usize> = found?.into_iter().collect();
        if found.len() != axes.len() {
            return Err(Fault::Misfit(format!("dimensions {axes:?} name one twice")));
        }
        Ok(found)
    }

    /// Integers that old files hold in an attribute and newer ones in the operand at `port`.
    pub(super) fn ints_or_operand(
        &self,
        name: &str,
        port: usize,
    ) -> Result<Option<Vec<i64>>, Fault> {
        match self.ints(name)? {
            Some(ints) => Ok(Some(ints)),
            None => self.const_ints(port),
        }
    }

    /// The one float of the constant at `port`; `None` if the operand is left out.
    pub(super) fn const_float(&self, port: usize) -> Result<Option<f32>, Fault> {
        let Some(id) = self.given(port) else {
            return Ok(None);
        };
        match self.numbers(id).as_deref() {
            Some(Values::F32(values)) if values.len() == 1 => Ok(Some(values[0])),
            Some(values) => {
                let (len, dtype) = (values.len(), values.dtype());
                Err(Fault::Misfit(format!(
                    "operand {port} holds {len} of {dtype}; one float belongs there"
                )))
            }
            None => Err(Fault::Unsupported(format!(
                "operand {port} that is {}; supported: constants",
                self.made(id)
            ))),
        }
    }

    /// The numbers of a constant, or of one that is stored as bytes and their scales; `None` of any other value.
    pub(super) fn numbers(&self, id: NodeId) -> Option<Cow<'_, Values>> {
        evaluate::numbers(self.graph, id)
    }

    /// How a value that is no constant comes to be, for messages.
    pub(super) fn made(&self, id: NodeId) -> &'static str {
        if self.graph.depends_on_inputs(id) {
            "computed at run time"
        } else {
            "made of constants by operators that are not folded here (onnxsim folds them)"
        }
    }

    /// The one number of the constant at `port`, a float or a byte; `None` if the operand is left out.
    pub(super) fn const_number(&self, port: usize) -> Result<Option<f32>, Fault> {
        match self.given(port).and_then(|id| self.graph.constant(id)) {
            Some(Values::U8(values)) if values.len() == 1 => Ok(Some(values[0].into())),
            Some(Values::I8(values)) if values.len() == 1 => Ok(Some(values[0].into())),
            Some(_) | None => self.const_float(port),
        }
    }

    /// An integer attribute.
    pub(super) fn int(&self, name: &str, default: i64) -> Result<i64, Fault> {
        Ok(self.attribute(name, AttributeType::Int)?.map_or(default, |attribute| attribute.i))
    }

    /// A truth-value attribute, false if it is left out.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.int(name, 0)? != 0)
    }

    /// A float attribute.
    pub(super) fn real(&self, name: &str, default: f32) -> Result<f32, Fault> {
        Ok(self.attribute(name, AttributeType::Float)?.map_or(default, |attribute| attribute.f))
    }

    /// A list of integers; `None` if it is left out.
    pub(super) fn ints(&self, name: &str) -> Result<Option<Vec<i64>>, Fault> {
        Ok(self.attribute(name, AttributeType::Ints)?.map(|attribute| attribute.ints.clone()))
    }

    /// A text attribute.
    pub(super) fn text(&self, name: &str, default: &str) -> Result<String, Fault> {
        let text = self.attribute(name, AttributeType::String)?;
        Ok(text
            .map_or_else(|| default.into(), |text| String::from_utf8_lossy(&text.s).into_owned()))
    }

    /// An attribute of the given type; files may leave the type unsaid.
    pub(super) fn attribute(
        &self,
        name: &str,
        kind: AttributeType,
    ) -> Result<Option<&AttributeProto>, Fault> {
        let Some(attribute) = self.node.attribute.iter().find(|attribute| attribute.name == name)
        else {
            return Ok(None);
        };
        if attribute.r#type() != kind && attribute.r#type() != AttributeType::Undefined {
            let (is, needs) = (attribute.r#type().as_str_name(), kind.as_str_name());
            return Err(Fault::Misfit(format!(
                "attribute {name:?} is {is}; {needs} belongs there"
            )));
        }
        Ok(Some(attribute))
    }

    /// Adds the node's one result, whose shape the operator gives.
    pub(super) fn emit(&mut self, op: Op, operands: &[NodeId]) -> Made {
        let name = self.result_name(0);
        Ok(vec![self.add(name, op, None, operands)?])
    }

    /// Adds the node's one result, of a shape that the operator leaves open.
    pub(super) fn emit_as(&mut self, op: Op, shape: Vec<usize>, operands: &[NodeId]) -> Made {
        let name = self.result_name(0);
        Ok(vec![self.add(name, op, Some(shape), operands)?])
    }

    /// Adds constant numbers, already paid for, as the node's one result.
    pub(super) fn emit_const(&mut self, constant: Constant) -> Made {
        checked_len(&constant.shape)?;
        let name = self.result_name(0);
        Ok(vec![self.graph.add_const(name, constant.shape, constant.values)])
    }

    /// Adds a step on the way to the result, named after its first result and `part`.
    pub(super) fn step(
        &mut self,
        part: &str,
        op: Op,
        operands: &[NodeId],
    ) -> Result<NodeId, Fault> {
        let name = format!("{}/{part}", self.result_name(0));
        self.add(name, op, None, operands)
    }

    /// Adds a step on the way to the result, of a shape that the operator leaves open.
    pub(super) fn step_as(
        &mut self,
        part: &str,
        op: Op,
        shape: Vec<usize>,
        operands: &[NodeId],
    ) -> Result<NodeId, Fault> {
        let name = format!("{}/{part}", self.result_name(0));
        self.add(name, op, Some(shape), operands)
    }

    /// Adds a view of `x` under another shape, as a step on the way to the result.
    pub(super) fn view(
        &mut self,
        part: &str,
        x: NodeId,
        shape: Vec<usize>,
    ) -> Result<NodeId, Fault> {
        self.step_as(part, Op::Reshape, shape, &[x])
    }

    /// The name of the value that result `index` is.
    pub(super) fn result_name(&self, index: usize) -> String {
        self.node.output.get(index).cloned().unwrap_or_default()
    }

    /// Adds one value, as a constant if its operands are and it can be folded.
    pub(super) fn add(
        &mut self,
        name: String,
        op: Op,
        shape: Option<Vec<usize>>,
        operands: &[NodeId],
    ) -> Result<NodeId, Fault> {
        let ranks = matches!(op, Op::Binary(Binary::Min | Binary::Max));
        if operands.iter().any(|id| self.wholes.contains_key(id) || ranks && self.is_byte(*id)) {
            return self.add_carried(name, op, shape, operands);
        }
        self.put(name, op, shape, operands)
    }

    /// Adds one value of operands that are computed with as they lie.
    pub(super) fn put(
        &mut self,
        name: String,
        op: Op,
        shape: Option<Vec<usize>>,
        operands: &[NodeId],
    ) -> Result<NodeId, Fault> {
        let operands = &empty::left_out(self.graph, &op, operands);
        let shape = self.result_shape(&op, shape, operands)?;
        if let Some(values) = self.folded(&op, &shape, operands)? {
            return Ok(self.graph.add_const(name, shape, values));
        }
        let dtype = self.result_dtype(&op, operands)?;
        let out = Tensor { shape, dtype, layout: Layout::RowMajor };
        Ok(self.graph.add(name, op, out, operands))
    }

    /// The type that `op` makes: floats of floats, but bytes are moved and what is on bytes says itself.
    fn result_dtype(&self, op: &Op, operands: &[NodeId]) -> Result<Dtype, Fault> {
        let mut dtypes = operands.iter().map(|id| self.graph.node(*id).out.dtype);
        let first = dtypes.next().unwrap_or(Dtype::F32);
        if let Some(dtype) = op.dtype(first) {
            return Ok(dtype);
        }
        let moved = op.moves() && matches!(first, Dtype::U8 | Dtype::I8);
        let dtype = if moved { first } else { Dtype::F32 };
        match dtypes.chain([first]).find(|other| *other != dtype) {
            None => Ok(dtype),
            Some(_) if moved => Err(Fault::Misfit("its operands are of different types".into())),
            Some(other) => Err(Fault::Unsupported(format!(
                "arithmetic on {other} at run time; supported: f32"
            ))),
        }
    }

    fn result_shape(
        &self,
        op: &Op,
        shape: Option<Vec<usize>>,
        operands: &[NodeId],
    ) -> Result<Vec<usize>, Fault> {
        let shapes: Vec<&[usize]> =
            operands.iter().map(|id| self.graph.node(*id).out.shape.as_slice()).collect();
        let shape = match (op.shape(&shapes)?, shape) {
            (Some(shape), _) | (None, Some(shape)) => shape,
            (None, None) => return Err(Fault::Misfit(format!("{} needs a shape", op.name()))),
        };
        let len = checked_len(&shape)?;
        match (op, shapes.first()) {
            (Op::Reshape, Some(from)) if from.iter().product::<usize>() != len => {
                Err(Fault::Misfit(format!("an operand of shape {from:?} where {shape:?} belongs")))
            }
            // What is implied by operands has been checked with them.
            _ => Ok(shape),
        }
    }

    fn folded(
        &mut self,
        op: &Op,
        shape: &[usize],
        operands: &[NodeId],
    ) -> Result<Option<Values>, Fault> {
        let constants: Option<Vec<(&[usize], &Values)>> = operands
            .iter()
            .map(|id| Some((self.graph.node(*id).out.shape.as_slice(), self.graph.constant(*id)?)))
            .collect();
        let Some(constants) = constants.filter(|constants| !constants.is_empty()) else {
            return Ok(None);
        };
        if shape.iter().product::<usize>() > most_folded(constants[0].1.dtype()) {
            return Ok(None);
        }
        let values = match fold::values(op, &constants, shape)? {
            Some(values) => Some(values),
            None => evaluate::values(op, &constants, shape)?,
        };
        self.store.take(values.as_ref().map_or(0, Values::len))?;
        Ok(values)
    }

    /// Pays for a computed constant of `len` elements, before it is made.
    pub(super) fn spend(&mut self, dtype: Dtype, len: usize) -> Result<(), Fault> {
        if len > most_folded(dtype) {
            let what = format!("a computed constant of {len} elements of {dtype}");
            return Err(Fault::Unsupported(what));
        }
        self.store.take(len)
    }
}

/// Most elements of a constant that is computed while reading: weights may be large, shapes and indices are not.
fn most_folded(dtype: Dtype) -> usize {
    match dtype {
        Dtype::F32 | Dtype::F16 | Dtype::Bf16 | Dtype::I8 | Dtype::U8 => 1 << 24,
        Dtype::I32 | Dtype::I64 => 1 << 20,
    }
}
