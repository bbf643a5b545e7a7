//! Operands and results that floats carry: truth values and integers of the file.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::whole::{EXACT, Exact, TRUTHS, Whole, kind_of};
use crate::frontend::onnx::{fold, quantized, tensor};
use crate::ir::{Binary, Dtype, NodeId, Op, Values};
use crate::proto::tensor_proto::DataType;

impl Call<'_> {
    /// The operand at `port`, as floats that are exactly it.
    pub(in super::super) fn exact(&mut self, port: usize) -> Result<Exact, Fault> {
        let id = self.any(port)?;
        exactly(self, port, id)
    }

    /// Adds the node's one result, which carries truth values or integers.
    pub(in super::super) fn emit_whole(
        &mut self,
        op: Op,
        operands: &[NodeId],
        whole: Whole,
    ) -> Made {
        let name = self.result_name(0);
        let id = self.put(name, op, None, operands)?;
        self.wholes.insert(id, whole);
        Ok(vec![id])
    }

    /// Adds what `op` makes of `x`, which may carry something too.
    pub(in super::super) fn put_whole(
        &mut self,
        name: String,
        op: Op,
        x: Exact,
        whole: Option<Whole>,
    ) -> Result<NodeId, Fault> {
        let id = self.put(name, op, None, &[x.id])?;
        self.wholes.extend(whole.map(|whole| (id, whole)));
        Ok(id)
    }

    /// Adds what `op` makes of operands some of which are carried.
    pub(super) fn add_carried(
        &mut self,
        name: String,
        op: Op,
        shape: Option<Vec<usize>>,
        operands: &[NodeId],
    ) -> Result<NodeId, Fault> {
        let (mut floats, mut wholes) = (Vec::new(), Vec::new());
        for (port, id) in operands.iter().enumerate() {
            let Exact { id, whole } = exactly(self, port, *id)?;
            floats.push(id);
            wholes.extend(whole);
        }
        let refused = |what: String| Err(Fault::Unsupported(what));
        let kind = self.kind(operands);
        let kind_name = tensor::type_name(kind as i32);
        if wholes.len() < floats.len() {
            return refused(format!("{kind_name} mixed with floats at run time"));
        }
        let most = match most(&op, &wholes) {
            Some(most) if op.moves() || most <= EXACT => most,
            Some(_) => {
                return refused(format!("arithmetic on {kind_name} at run time beyond 2^24"));
            }
            None => {
                let what = format!("arithmetic on {kind_name} at run time; supported: f32");
                return refused(what);
            }
        };
        let is_byte = matches!(kind, DataType::Int8 | DataType::Uint8);
        if is_byte && matches!(op, Op::Binary(Binary::Min | Binary::Max)) {
            let part = format!("{name}/floats");
            let chosen = self.put(part, op, shape, &floats)?;
            return quantized::narrowed(self, name, chosen, kind);
        }
        if !op.moves() && !matches!(kind, DataType::Int32 | DataType::Int64) {
            return refused(format!("arithmetic on {kind_name} at run time; supported: f32"));
        }
        let id = self.put(name, op, shape, &floats)?;
        self.wholes.insert(id, Whole { kind, most });
        Ok(id)
    }

    /// The type in the file of the first of `operands` that is computed at run time and no float.
    fn kind(&self, operands: &[NodeId]) -> DataType {
        let bytes =
            |id: &NodeId| self.is_byte(*id).then(|| kind_of(self.graph.node(*id).out.dtype));
        let carried = |id: &NodeId| self.wholes.get(id).map(|whole| whole.kind);
        operands.iter().find_map(|id| carried(id).or_else(|| bytes(id))).unwrap_or(TRUTHS.kind)
    }

    /// True if `id` holds bytes that are computed at run time.
    pub(in super::super) fn is_byte(&self, id: NodeId) -> bool {
        let bytes = matches!(self.graph.node(id).out.dtype, Dtype::U8 | Dtype::I8);
        bytes && self.graph.constant(id).is_none()
    }
}

fn exactly(call: &mut Call<'_>, port: usize, id: NodeId) -> Result<Exact, Fault> {
    if let Some(whole) = call.wholes.get(&id) {
        return Ok(Exact { id, whole: Some(*whole) });
    }
    let stored = call.numbers(id).and_then(|x| Some((kind_of(x.dtype()), fold::ints(&x)?)));
    if let Some((kind, ints)) = stored {
        return constant(call, port, id, kind, &ints);
    }
    match call.graph.node(id).out.dtype {
        Dtype::F32 => Ok(Exact { id, whole: None }),
        dtype @ (Dtype::U8 | Dtype::I8) => {
            let part = format!("operand_{port}");
            let id = quantized::widened(call, &part, id)?;
            Ok(Exact { id, whole: Some(Whole { kind: kind_of(dtype), most: 255 }) })
        }
        other => Err(Fault::Unsupported(format!("operand {port} of type {other} at run time"))),
    }
}

/// Constant integers as floats.
fn constant(
    call: &mut Call<'_>,
    port: usize,
    id: NodeId,
    kind: DataType,
    ints: &[i64],
) -> Result<Exact, Fault> {
    let most = ints.iter().map(|int| int.saturating_abs()).max().unwrap_or(0);
    if most > EXACT {
        return Err(Fault::Unsupported(format!(
            "operand {port} holds {most}, beside what is computed at run time; supported: up to 2^24"
        )));
    }
    call.spend(Dtype::F32, ints.len())?;
    let floats = Values::F32(ints.iter().map(|int| *int as f32).collect());
    let (name, shape) = (format!("{}/operand_{port}", call.result_name(0)), call.shape(id));
    let id = call.graph.add_const(name, shape, floats);
    Ok(Exact { id, whole: Some(Whole { kind, most }) })
}

/// The greatest magnitude that `op` makes of operands; `None` if integers are not computed so.
fn most(op: &Op, operands: &[Whole]) -> Option<i64> {
    let each = || operands.iter().map(|whole| whole.most);
    match op {
        Op::Binary(Binary::Add | Binary::Sub) => Some(each().fold(0, i64::saturating_add)),
        Op::Binary(Binary::Mul) => Some(each().fold(1, i64::saturating_mul)),
        Op::Binary(Binary::Min | Binary::Max) => each().max(),
        op if op.moves() => each().max(),
        // Quotients are cut to integers, and the others are on floats alone.
        _ => None,
    }
}
