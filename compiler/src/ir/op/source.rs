//! Values that no operator computes: inputs of the model and constants.

use crate::error::Error;
use crate::ir::Values;
use crate::ir::op::definition::{Definition, Ports};
use crate::ir::op::reads::Reads;
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Layouts, Streams, Traits};

/// An input of the model.
pub(super) struct Input;

/// Constant numbers.
pub(super) struct Const;

impl Definition for Input {
    fn name(&self) -> &'static str {
        "input"
    }

    fn ports(&self) -> Ports {
        Ports::NONE
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Source, Streams::No)
    }

    fn shape(&self, _: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(None)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Err(reads.fault("has no value until the model runs".into()))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        batch.site.out.shape.first().is_some_and(|leading| *leading > 1)
    }
}

impl Definition for Const {
    fn name(&self) -> &'static str {
        "const"
    }

    fn ports(&self) -> Ports {
        Ports::NONE
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Source, Streams::No)
    }

    fn shape(&self, _: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(None)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Err(reads.fault("is given, not computed".into()))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        false
    }
}
