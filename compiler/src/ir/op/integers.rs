//! The integers and truth values that floats carry, as what they are: at the end of a network.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::reads::Reads;
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::{Dtype, Values};

/// Integers of a type; true is 1.
pub(super) struct Integers(pub(super) Dtype);

impl Definition for Integers {
    fn name(&self) -> &'static str {
        "integers"
    }

    fn ports(&self) -> Ports {
        Ports::FLOATS
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(self.0)
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Rows, Streams::No)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, self.name())?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(integers(self.0, reads.floats(0)?.values))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }
}

/// Floats as integers of a type, cut to it; what is no number is 0.
pub(crate) fn integers(dtype: Dtype, x: &[f32]) -> Values {
    let x = x.iter().copied();
    match dtype {
        Dtype::I64 => Values::I64(x.map(|x| x as i64).collect()),
        Dtype::I32 => Values::I32(x.map(|x| x as i32).collect()),
        Dtype::I8 => Values::I8(x.map(|x| x as i8).collect()),
        Dtype::U8 => Values::U8(x.map(|x| x as u8).collect()),
        Dtype::F32 | Dtype::F16 | Dtype::Bf16 => Values::F32(x.collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_become_the_integers_that_they_carry() {
        let x = [-3.0, 0.0, 1.0, 300.0, f32::NAN];
        assert_eq!(integers(Dtype::I64, &x), Values::I64(vec![-3, 0, 1, 300, 0]));
        assert_eq!(integers(Dtype::I32, &x), Values::I32(vec![-3, 0, 1, 300, 0]));
        assert_eq!(integers(Dtype::U8, &x), Values::U8(vec![0, 0, 1, 255, 0]));
    }
}
