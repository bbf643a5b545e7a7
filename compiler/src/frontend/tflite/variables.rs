//! Variables of a file: what they are called, who reads and writes them, and what they are while a graph is written.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::frontend::tflite::model::{Model, Operator, Tensor};
use crate::frontend::tflite::schema::Read;

/// The number of the operator that remembers what it saw.
pub(super) const SVDF: i32 = 27;
/// The number of the operator whose cells remember.
pub(super) const LSTM: i32 = 44;
/// The numbers of the operators on variables: one that runs a graph before the first call, and those that name, read and
/// write one.
pub(super) const CALL_ONCE: i32 = 129;
pub(super) const VAR_HANDLE: i32 = 142;
pub(super) const READ_VARIABLE: i32 = 143;
pub(super) const ASSIGN_VARIABLE: i32 = 144;

/// What the file calls a variable: its container, and its name in that.
pub(super) type Key = (String, String);
/// The variables that tensors stand for.
pub(super) type Handles = BTreeMap<usize, Key>;

/// A variable that is read before anything is assigned to it, and so kept between calls.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    /// The name of its input.
    pub(super) input: String,
    /// The name of the output that it becomes.
    pub(super) output: String,
    /// Its first numbers, little endian.
    pub(super) start: Bytes,
}

/// The variables of a graph while it is written.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// The variables that tensors stand for.
    pub(super) handles: Handles,
    /// The tensors that they start as.
    pub(super) starts: BTreeMap<Key, Tensor>,
    /// Graphs of the file that were read for those.
    pub(super) graphs: BTreeSet<i64>,
    /// The values that they have now.
    pub(super) now: BTreeMap<Key, String>,
    /// Those that are kept, with a tensor of their kind.
    pub(super) kept: Vec<(Key, Variable, usize)>,
}

impl Variables {
    /// The value of a variable at the end.
    pub(super) fn last(&self, key: &Key) -> Option<&String> {
        self.now.get(key)
    }
}

/// True if a graph keeps something between calls.
pub(super) fn any(model: &Model<'_>) -> bool {
    let keeps = |operator: &Operator<'_>| [SVDF, LSTM, VAR_HANDLE].contains(&operator.number);
    model.operators.iter().any(keeps)
}

/// The variables of a whole graph.
pub(super) fn handles(model: &Model<'_>) -> Handles {
    let named = |operator: &Operator<'_>| {
        let key = key(operator).ok().filter(|_| operator.number == VAR_HANDLE)?;
        Some((*operator.outputs.first()?, key))
    };
    model.operators.iter().filter_map(named).collect()
}

/// The variable that an operator reads.
pub(super) fn read_by<'a>(operator: &Operator<'_>, handles: &'a Handles) -> Option<&'a Key> {
    let tensor = operator.inputs.first().copied().flatten()?;
    handles.get(&tensor).filter(|_| operator.number == READ_VARIABLE)
}

/// The variable that an operator writes.
pub(super) fn written_by<'a>(operator: &Operator<'_>, handles: &'a Handles) -> Option<&'a Key> {
    let tensor = operator.inputs.first().copied().flatten()?;
    handles.get(&tensor).filter(|_| operator.number == ASSIGN_VARIABLE)
}

/// The variable that an operator names.
pub(super) fn key(operator: &Operator<'_>) -> Read<Key> {
    let options = operator.options.ok_or("has no name")?;
    Ok((options.text(0)?.to_owned(), options.text(1)?.to_owned()))
}
