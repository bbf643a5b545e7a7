//! Operands one after another along an axis.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, Rest};
use crate::ir::op::gather::gather;
use crate::ir::op::onnx::OnnxNode;
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::{Array, Values};

/// The axis along which operands lie.
pub(super) struct Concat(pub usize);

impl Definition for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn ports(&self) -> Ports {
        Ports { required: 1, listed: &[], rest: Rest::Any }
    }

    fn traits(&self) -> Traits {
        let streams = if self.0 == 1 { Streams::Channels } else { Streams::No };
        Traits::moved(Layouts::Alike, streams)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        concatenated(self.0, operands).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        joined(self.0, &reads.all()).map_err(|what| reads.fault(what))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        let all = batch.site.operands.iter().all(|operand| batch.moves(operand.port));
        self.0 != 0 && all
    }

    fn attributes(&self) -> String {
        format!(" axis {}", self.0)
    }

    fn unchanged(&self, site: &Site<'_>) -> Option<usize> {
        (site.operands.len() == 1).then_some(0)
    }

    fn in_onnx(&self) -> Option<OnnxNode> {
        Some(OnnxNode::new("Concat", vec![("axis", self.0.into())]))
    }
}

fn concatenated(axis: usize, operands: &[&[usize]]) -> Result<Vec<usize>, String> {
    let first = operands.first().ok_or("concat reads nothing")?;
    let mut shape = first.to_vec();
    let Some(total) = shape.get_mut(axis) else {
        return Err(format!("concat along dimension {axis} of {first:?}"));
    };
    *total = 0;
    for operand in operands {
        let fits = |i: usize| i == axis || operand[i] == first[i];
        if operand.len() != first.len() || !(0..first.len()).all(fits) {
            return Err(format!("concat along dimension {axis} of {first:?} and {operand:?}"));
        }
        *total = total.checked_add(operand[axis]).ok_or("concat is too long")?;
    }
    Ok(shape)
}

/// Arrays one after another along `axis`.
fn joined(axis: usize, arrays: &[&Array]) -> Result<Values, String> {
    let first = arrays.first().ok_or("reads nothing")?;
    let (mut all, mut starts) = (first.values.clone(), vec![0]);
    for array in &arrays[1..] {
        starts.push(all.len());
        append(&mut all, &array.values)?;
    }
    let inner: usize = first.shape[axis + 1..].iter().product();
    let outer: usize = first.shape[..axis].iter().product();
    let rows = (0..outer).flat_map(|row| arrays.iter().zip(&starts).map(move |pair| (row, pair)));
    let places = rows.flat_map(|(row, (array, start))| {
        let len = array.shape[axis] * inner;
        (0..len).map(move |i| start + row * len + i)
    });
    Ok(gather(&all, places))
}

fn append(all: &mut Values, more: &Values) -> Result<(), String> {
    match (all, more) {
        (Values::F32(all), Values::F32(more)) => all.extend(more),
        (Values::I8(all), Values::I8(more)) => all.extend(more),
        (Values::U8(all), Values::U8(more)) => all.extend(more),
        (Values::I32(all), Values::I32(more)) => all.extend(more),
        (Values::I64(all), Values::I64(more)) => all.extend(more),
        (all, more) => {
            let (all, more) = (all.dtype(), more.dtype());
            return Err(format!("joins {all} and {more}; cast one of them"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concat_interleaves_rows_of_its_operands() {
        let matrix = Array { shape: vec![2, 3], values: Values::I64(vec![1, 2, 3, 4, 5, 6]) };
        let column = Array { shape: vec![2, 1], values: Values::I64(vec![7, 8]) };
        let all = joined(1, &[&matrix, &column]);
        assert_eq!(all, Ok(Values::I64(vec![1, 2, 3, 7, 4, 5, 6, 8])));
        let float = Array::f32([2, 1], vec![0.0; 2]);
        assert_eq!(
            joined(1, &[&matrix, &float]),
            Err("joins i64 and f32; cast one of them".into())
        );
    }
}
