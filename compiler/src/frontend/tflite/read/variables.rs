//! Variables: values that a file keeps between calls, by name.
//!
//! A variable is an input and an output of the graph that is written. It is read at the input until something is assigned
//! to it, then as what was assigned last, which is the output. The graph that CALL_ONCE names says what it starts as.

use bytes::Bytes;

use crate::frontend::tflite::model::{Kind, Operator, Tensor};
use crate::frontend::tflite::read::{int, operand, result};
use crate::frontend::tflite::variables::{Key, VAR_HANDLE, Variable, handles, key, written_by};
use crate::frontend::tflite::write::{Writer, Written, floats_of_words, read};
use crate::printed::quoted;

/// Most graphs that give variables their start.
const MOST_GRAPHS: usize = 16;

/// The meaning of a tensor as a variable.
pub(in super::super) fn handle(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let tensor = result(operator)?;
    writer.variables.handles.insert(tensor, read(key(operator))?);
    // The variable may have the name of the tensor, which is no value.
    writer.release(tensor);
    Ok(())
}

/// Start values of variables: constants that another graph assigns to them.
pub(in super::super) fn call_once(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let at = int(operator.options, 0, 0)?;
    if !writer.variables.graphs.insert(at) {
        return Ok(());
    }
    if writer.variables.graphs.len() > MOST_GRAPHS {
        return Err(format!("more than {MOST_GRAPHS} graphs give variables their start"));
    }
    let graph = read(writer.model.other(usize::try_from(at).unwrap_or(usize::MAX)))?;
    let handles = handles(&graph);
    for operator in graph.operators.iter().filter(|operator| operator.number != VAR_HANDLE) {
        let key = written_by(operator, &handles);
        let value = operator.inputs.get(1).copied().flatten().map(|tensor| &graph.tensors[tensor]);
        match (key, value) {
            (Some(key), Some(value)) if value.data.is_some() => {
                writer.variables.starts.insert(key.clone(), value.clone());
            }
            _ => {
                let what =
                    "starts a variable as something that is computed; a constant belongs there";
                return Err(what.into());
            }
        }
    }
    Ok(())
}

/// The value that a variable has now.
pub(in super::super) fn read_variable(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let (key, to) = (variable(writer, operator)?, result(operator)?);
    let value = match writer.variables.now.get(&key) {
        Some(value) => value.clone(),
        None => begin(writer, &key, to)?,
    };
    let name = writer.model.tensors[to].name.clone();
    writer.node_as("Identity", &[&value], vec![], &name);
    Ok(())
}

/// Gives a variable a value.
pub(in super::super) fn assign(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let key = variable(writer, operator)?;
    let value = writer.plain(operand(operator, 1)?)?;
    writer.variables.now.insert(key, value);
    Ok(())
}

/// The value that a tensor has which an operator keeps between calls, and what it is called as a variable.
pub(super) fn own(writer: &mut Writer<'_>, tensor: usize) -> Written<(Key, String)> {
    let key = ("tensor".to_owned(), writer.model.tensors[tensor].name.clone());
    if let Some(value) = writer.variables.now.get(&key) {
        return Ok((key, value.clone()));
    }
    writer.release(tensor);
    let value = begin(writer, &key, tensor)?;
    Ok((key, value))
}

/// Makes a variable an input that is kept, of the kind of tensor `like`; its name.
fn begin(writer: &mut Writer<'_>, key: &Key, like: usize) -> Written<String> {
    let it = &writer.model.tensors[like];
    if !matches!(it.kind, Kind::F32 | Kind::I8 | Kind::U8 | Kind::I16) {
        let kind = it.kind;
        return Err(format!(
            "keeps numbers of type {kind:?}; supported: float32, int8, uint8, int16"
        ));
    }
    // Integers of 16 bits are kept as floats.
    let bytes = if it.kind == Kind::I16 { 4 } else { it.kind.bytes() };
    let len = it.shape.iter().product::<usize>() * bytes;
    let start = writer.variables.starts.get(key).and_then(|start| start.data.clone());
    let start = match start
        .map(|data| if bytes > it.kind.bytes() { floats_of_words(&data) } else { data })
    {
        Some(start) if start.len() == len => start,
        Some(_) => return Err(format!("variable {} starts in another shape", quoted(&key.1))),
        None => zeros(it, len),
    };
    let input = writer.unique(if key.1.is_empty() { "variable" } else { &key.1 });
    let output = writer.unique(&format!("{input}/next"));
    writer.variables.now.insert(key.clone(), input.clone());
    let variable = Variable { input: input.clone(), output, start };
    writer.variables.kept.push((key.clone(), variable, like));
    Ok(input)
}

/// Numbers that stand for zeros.
fn zeros(tensor: &Tensor, len: usize) -> Bytes {
    let zero = tensor.scales.as_ref().and_then(|scales| scales.zeros.first()).copied();
    let byte = match (tensor.kind, zero) {
        (Kind::I8 | Kind::U8, Some(zero)) => zero.to_le_bytes()[0],
        _ => 0,
    };
    vec![byte; len].into()
}

/// The variable that an operator is about.
fn variable(writer: &Writer<'_>, operator: &Operator<'_>) -> Written<Key> {
    let tensor = operand(operator, 0)?;
    let key = writer.variables.handles.get(&tensor).cloned();
    key.ok_or_else(|| "is about a variable that has no name".into())
}
