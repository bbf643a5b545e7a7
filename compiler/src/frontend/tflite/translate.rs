//! A TFLite graph in ONNX's operators, operator by operator.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::frontend::tflite::model::{Model, Operator};
use crate::frontend::tflite::operators::{self, Words};
use crate::frontend::tflite::variables::{self, Handles, Key, Variable};
use crate::frontend::tflite::write::{Writer, Written};
use crate::printed::quoted;
use crate::proto::ModelProto;

/// Places that are named for each reason.
const SHOWN: usize = 3;

/// The file's graph as a model of ONNX, and the variables that it keeps; or everything in it that is not read.
pub(super) fn model(model: &Model<'_>) -> Result<(ModelProto, Vec<Variable>)> {
    let mut writer = Writer::new(model);
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for at in needed(model) {
        let operator = &model.operators[at];
        if let Err(reason) = write(&mut writer, operator) {
            let (name, version) = (operators::name(operator), operator.version);
            let place = operator.outputs.first().map(|tensor| &model.tensors[*tensor].name);
            let places =
                refused.entry(format!("{name} (version {version}): {reason}")).or_default();
            places.push(place.cloned().unwrap_or_default());
        }
    }
    let line = |(what, places): (String, Vec<String>)| {
        let places: Vec<String> = places.iter().take(SHOWN).map(|place| quoted(place)).collect();
        format!("{what} (at {})", places.join(", "))
    };
    if !refused.is_empty() {
        return Err(Error::unsupported(refused.into_iter().map(line).collect()));
    }
    writer.finish()
}

fn write(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let listed = operators::find(operator).ok_or("is not supported")?;
    if operator.version > listed.version {
        return Err(format!("versions up to {} are supported", listed.version));
    }
    if let Some(tensor) = operator.outputs.first() {
        writer.begin(*tensor);
    }
    match listed.words {
        Words::Moved => writer.moving(|writer| (listed.write)(writer, operator)),
        Words::Refused | Words::Computed => (listed.write)(writer, operator),
    }
}

/// The operators that outputs need, in the order in which they run: also those that write variables which are read.
fn needed(model: &Model<'_>) -> Vec<usize> {
    let handles = variables::handles(model);
    let mut read = BTreeSet::new();
    loop {
        let needed = needed_with(model, &handles, &read);
        let named = |at: &usize| variables::read_by(&model.operators[*at], &handles);
        let found: BTreeSet<&Key> = needed.iter().filter_map(named).collect();
        if found.len() == read.len() {
            return needed;
        }
        read = found;
    }
}

/// The operators that outputs need where these variables are read.
fn needed_with(model: &Model<'_>, handles: &Handles, read: &BTreeSet<&Key>) -> Vec<usize> {
    let mut wanted: BTreeSet<usize> = model.outputs.iter().copied().collect();
    let mut needed = Vec::new();
    for (at, operator) in model.operators.iter().enumerate().rev() {
        let writes = variables::written_by(operator, handles).is_some_and(|key| read.contains(key));
        let begins = operator.number == variables::CALL_ONCE && !read.is_empty();
        if writes || begins || operator.outputs.iter().any(|tensor| wanted.contains(tensor)) {
            let read = operators::find(operator).map_or(usize::MAX, |listed| listed.operands);
            wanted.extend(operator.inputs.iter().take(read).flatten());
            needed.push(at);
        }
    }
    needed.reverse();
    needed
}
