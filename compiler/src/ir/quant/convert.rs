//! Quantisation, dequantisation, and conversion between signed and unsigned bytes.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Origin, PortSpec, Ports, first};
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Constants, Layouts, Streams, Traits};
use crate::ir::quant::scale::Affine;
use crate::ir::{Array, Dtype, Values};

/// The nearest byte of each real.
pub(super) struct Quantize(pub Affine);

/// The real of each byte.
pub(super) struct Dequantize(pub Affine);

/// The top bit of each byte turned.
pub(super) struct Flip;

/// Dequantisation of constant integers: `(x - zeros[i]) * scales[i]`, `i` along dimension `axis`; one entry is for all.
#[derive(Clone, Debug, PartialEq)]
pub struct Unpack {
    /// The dimension that several entries lie along.
    pub axis: usize,
    /// Positive and finite; as many as `zeros`.
    pub scales: Vec<f32>,
    /// In the type of the integers.
    pub zeros: Vec<i32>,
}

impl Definition for Quantize {
    fn name(&self) -> &'static str {
        "quantize"
    }

    fn ports(&self) -> Ports {
        Ports::FLOATS
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(Dtype::U8)
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Converted, Streams::Converted)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, self.name())?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let x = reads.floats(0)?.values.iter();
        Ok(Values::U8(x.map(|x| self.0.quantize(*x)).collect()))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn attributes(&self) -> String {
        format!(" {}", self.0)
    }
}

impl Definition for Dequantize {
    fn name(&self) -> &'static str {
        "dequantize"
    }

    fn ports(&self) -> Ports {
        Ports::BYTES
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(Dtype::F32)
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Alike, Streams::Rows)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, self.name())?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let x = reads.bytes(0)?.values.iter();
        Ok(Values::F32(x.map(|q| self.0.dequantize(*q)).collect()))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn attributes(&self) -> String {
        format!(" {}", self.0)
    }
}

impl Definition for Flip {
    fn name(&self) -> &'static str {
        "flip"
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn dtype(&self, x: Dtype) -> Option<Dtype> {
        Some(if x == Dtype::U8 { Dtype::I8 } else { Dtype::U8 })
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Alike, Streams::No)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, self.name())?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        match &reads.array(0)?.values {
            Values::U8(v) => Ok(Values::I8(v.iter().map(|q| (q ^ 0x80) as i8).collect())),
            Values::I8(v) => Ok(Values::U8(v.iter().map(|q| *q as u8 ^ 0x80).collect())),
            Values::F32(_) | Values::I32(_) | Values::I64(_) => Err(reads.mistyped(0, "u8 or i8")),
        }
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn breach(&self, site: &Site<'_>) -> Option<String> {
        let is_byte = matches!(site.operand(0)?.tensor.dtype, Dtype::U8 | Dtype::I8);
        (!is_byte).then(|| site.mistyped())
    }
}

impl Definition for Unpack {
    fn name(&self) -> &'static str {
        "unpack"
    }

    fn ports(&self) -> Ports {
        const X: PortSpec = PortSpec { origin: Origin::Constant, ..PortSpec::any("x") };
        Ports::all(&[X])
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(Dtype::F32)
    }

    fn traits(&self) -> Traits {
        Traits {
            constants: Some(Constants { ports: 0..1, what: "integers" }),
            ..Traits::new(Layouts::Rows, Streams::No)
        }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, self.name())?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(Values::F32(unpacked(self, reads.array(0)?)))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn attributes(&self) -> String {
        match self.scales.as_slice() {
            [scale] => format!(" x {scale} zero {}", self.zeros[0]),
            scales => format!(" {} scales along {}", scales.len(), self.axis),
        }
    }
}

fn unpacked(unpack: &Unpack, x: &Array) -> Vec<f32> {
    let entries = unpack.scales.len();
    let inner: usize = x.shape.iter().skip(unpack.axis + 1).product();
    let at = |i: usize| if entries == 1 { 0 } else { i / inner % entries };
    let real = |(i, x): (usize, i32)| {
        (i64::from(x) - i64::from(unpack.zeros[at(i)])) as f32 * unpack.scales[at(i)]
    };
    match &x.values {
        Values::I8(v) => v.iter().map(|x| i32::from(*x)).enumerate().map(real).collect(),
        Values::U8(v) => v.iter().map(|x| i32::from(*x)).enumerate().map(real).collect(),
        Values::I32(v) => v.iter().copied().enumerate().map(real).collect(),
        Values::F32(_) | Values::I64(_) => Vec::new(),
    }
}
