//! Test cases: files in a directory that are a model, its inputs and its recorded outputs.
//!
//! `input_0.npy, input_1.npy .. -> output_0.npy ..` beside the model; `input_0_b3.npy` belongs to the case `b3`. A case
//! that records only outputs is another answer to the plain inputs; `output_0_noopt.npy` is what onnxruntime answered
//! without its optimisations where `output_0.npy` is what it answered with them.
//! ONNX's own test data lies in directories `test_data_set_*` as `input_0.pb -> output_0.pb`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mnv2c::error::{Error, Result};
use mnv2c::input;
use mnv2c::interp::Array;

use crate::cli::finite;

/// The case that a runtime answered without its optimisations.
const UNOPTIMISED: &str = "noopt";

/// The prefix of directories of ONNX's own test data.
const SET: &str = "test_data_set_";

/// A model with recorded answers.
#[derive(Clone, Debug)]
pub(crate) struct Suite {
    /// The name in reports.
    pub(crate) name: String,
    /// The file of the model.
    pub(crate) model: PathBuf,
    /// At least one.
    pub(crate) cases: Vec<Case>,
}

/// Inputs and the outputs that belong to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Case {
    /// The name within the suite; empty for the plain case.
    pub(crate) name: String,
    inputs: BTreeMap<usize, PathBuf>,
    outputs: BTreeMap<usize, PathBuf>,
    /// Other answers to the same inputs, by the runtime that recorded these.
    others: BTreeMap<usize, PathBuf>,
}

/// The suite in a directory, with the plain cases or those that are named.
pub(crate) fn suite(dir: &Path, case: &str) -> Result<Suite> {
    let dir = if dir.extension().is_some_and(|it| it == "onnx" || it == "tflite") {
        dir.parent().unwrap_or(Path::new("."))
    } else {
        dir
    };
    let entries = list(dir)?;
    let model = ["model.onnx", "model.tflite"].map(|name| dir.join(name));
    let Some(model) = model.into_iter().find(|model| entries.contains(model)) else {
        return Err(fault(dir, "has no model.onnx or model.tflite; name a directory that does"));
    };
    let mut cases = cases(&entries, "npy");
    tell_others(&mut cases);
    for set in entries.iter().filter(|path| file_name(path).starts_with(SET)) {
        let named = |case: Case| Case { name: file_name(set), ..case };
        cases.extend(self::cases(&list(set)?, "pb").into_iter().map(named));
    }
    cases.retain(|found| found.name == case || (case.is_empty() && found.is_set()));
    if cases.is_empty() {
        let what = if case.is_empty() {
            "has no input_0.npy with output_0.npy; name a directory that does".to_owned()
        } else {
            format!("has no output_0_{case}.npy with input_0_{case}.npy or input_0.npy")
        };
        return Err(fault(dir, &what));
    }
    let name = file_name(&dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf()));
    Ok(Suite { name, model, cases })
}

impl Case {
    fn is_set(&self) -> bool {
        self.name.starts_with(SET)
    }

    /// Reads the inputs.
    pub(crate) fn inputs(&self) -> Result<Vec<Array>> {
        self.inputs.values().map(|path| array(path)).collect()
    }

    /// Reads what the model should answer, by number of the output.
    pub(crate) fn outputs(&self) -> Result<BTreeMap<usize, Array>> {
        arrays(&self.outputs)
    }

    /// Reads what the runtime that recorded the outputs answered otherwise: with its optimisations or without.
    pub(crate) fn others(&self) -> Result<BTreeMap<usize, Array>> {
        arrays(&self.others)
    }
}

fn arrays(paths: &BTreeMap<usize, PathBuf>) -> Result<BTreeMap<usize, Array>> {
    paths.iter().map(|(at, path)| Ok((*at, array(path)?))).collect()
}

/// Lets the answers with and without optimisations know each other, if there are both.
fn tell_others(cases: &mut [Case]) {
    let outputs =
        |name: &str| cases.iter().find(|case| case.name == name).map(|case| case.outputs.clone());
    let (Some(with), Some(without)) = (outputs(""), outputs(UNOPTIMISED)) else { return };
    for case in cases {
        match case.name.as_str() {
            "" => case.others.clone_from(&without),
            UNOPTIMISED => case.others.clone_from(&with),
            _ => {}
        }
    }
}

fn array(path: &Path) -> Result<Array> {
    let array = input::array(path)?;
    finite::warn(&path.display().to_string(), &array);
    Ok(array)
}

/// Files of one kind as cases, those that have both sides.
fn cases(entries: &[PathBuf], kind: &str) -> Vec<Case> {
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for path in entries.iter().filter(|path| path.extension().is_some_and(|x| x == kind)) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if let Some((side, at, suffix)) = parts(&stem) {
            let case = cases.entry(suffix.to_owned()).or_default();
            case.name = suffix.trim_start_matches('_').to_owned();
            let files = if side == "input" { &mut case.inputs } else { &mut case.outputs };
            files.insert(at, path.clone());
        }
    }
    let plain = cases.get("").map(|case| case.inputs.clone()).unwrap_or_default();
    for case in cases.values_mut().filter(|case| case.inputs.is_empty()) {
        case.inputs.clone_from(&plain);
    }
    cases.into_values().filter(|case| !case.inputs.is_empty() && !case.outputs.is_empty()).collect()
}

/// `input_0_b3` as `input`, 0, `_b3`.
fn parts(stem: &str) -> Option<(&str, usize, &str)> {
    let (side, rest) =
        stem.split_once('_').filter(|(side, _)| ["input", "output"].contains(side))?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (at, suffix) = rest.split_at(digits);
    let is_separate = suffix.is_empty() || suffix.starts_with('_');
    Some((side, at.parse().ok().filter(|_| is_separate)?, suffix))
}

/// Paths in a directory, sorted.
fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |error| fault(dir, &format!("cannot be listed: {error}; name a directory"));
    let entries = std::fs::read_dir(dir).map_err(unreadable)?;
    let paths: std::io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(unreadable)?;
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn fault(dir: &Path, what: &str) -> Error {
    Error::Io { path: dir.display().to_string(), what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_into_cases_by_their_suffix() {
        let files =
            ["input_0.npy", "input_0_b3.npy", "input_10.npy", "output_0.npy", "output_0_b3.npy"];
        let noise = ["input_0_lone.npy", "input_0.pb", "inputs_0.npy", "input_x.npy"];
        assert_eq!(found(&[&files[..], &noise].concat()), [("".into(), 2, 1), ("b3".into(), 1, 1)]);
    }

    #[test]
    fn outputs_without_inputs_answer_the_plain_ones() {
        let files = ["input_0.npy", "output_0.npy", "output_0_noopt.npy"];
        assert_eq!(found(&files), [("".into(), 1, 1), ("noopt".into(), 1, 1)]);
        assert_eq!(found(&["output_0_noopt.npy"]), []);
    }

    #[test]
    fn answers_with_and_without_optimisations_know_each_other() {
        let files = ["input_0.npy", "output_0.npy", "output_0_b3.npy", "output_0_noopt.npy"];
        let paths: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
        let mut cases = cases(&paths, "npy");
        tell_others(&mut cases);
        let other = |case: &Case| case.others.get(&0).map(|path| path.display().to_string());
        let others: Vec<Option<String>> = cases.iter().map(other).collect();
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(others, [some("output_0_noopt.npy"), None, some("output_0.npy")]);
    }

    /// Names of cases, and how many inputs and outputs each has.
    fn found(files: &[&str]) -> Vec<(String, usize, usize)> {
        let paths: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
        let cases = cases(&paths, "npy").into_iter();
        cases.map(|case| (case.name, case.inputs.len(), case.outputs.len())).collect()
    }
}
