//! Quantised convolution: exact sums, requantised, and maybe a residual of another scale.

use crate::error::Error;
use crate::ir::op::conv::{residual_breach, slide};
use crate::ir::op::definition::{Definition, PortSpec, Ports, first, second};
use crate::ir::op::reads::{Bytes, Reads};
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::quant::pair::QPair;
use crate::ir::quant::scale::{Requant, To};
use crate::ir::quant::sums::{self, product, requantised};
use crate::ir::{Conv, Dtype, Values};

/// Attributes of a quantised convolution: the sum of `(x - x_zero) * w`, plus the bias, requantised.
#[derive(Clone, Debug, PartialEq)]
pub struct QConv {
    /// The window; its clamp is [`crate::ir::Clamp::NONE`], for `requant` holds the bounds.
    pub conv: Conv,
    /// The zero point of x, which also pads.
    pub x_zero: u8,
    /// The requantisation of the sums.
    pub requant: Requant,
    /// A fused addition, whose `a` is the byte so far and whose `b` is the residual.
    pub residual: Option<QPair>,
}

/// The operands of a quantised convolution.
const PORTS: &[PortSpec] = &[
    PortSpec::of("x", Dtype::U8),
    PortSpec::constant("w", Dtype::I8),
    PortSpec::constant("b", Dtype::I32),
    PortSpec::of("add", Dtype::U8),
    PortSpec::constant("tables", Dtype::U8),
];

impl Definition for QConv {
    fn name(&self) -> &'static str {
        "qconv"
    }

    fn ports(&self) -> Ports {
        Ports::at_least(2, PORTS)
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(self.requant.to.dtype())
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Convolution, Streams::Convolution)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let w = second(operands, "qconv reads one operand")?;
        self.conv.shape_of(first(operands, self.name())?, w).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        convolved(self, reads)
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        batch.convolves()
    }

    fn attributes(&self) -> String {
        let window = self.conv.text();
        let residual = self.residual.map(|pair| format!(" then{}", pair.text()));
        let residual = residual.unwrap_or_default();
        format!("{window} zero {}{}{residual}", self.x_zero, self.requant.text())
    }

    fn breach(&self, site: &Site<'_>) -> Option<String> {
        let residual = residual_breach(site).or_else(|| self.unscaled(site));
        residual.or_else(|| looked_up_breach(site)).or_else(|| {
            let [m, window @ ..] = site.shape(1)? else { return None };
            sums::breach(site, &self.requant, *m, window.iter().product())
        })
    }

    fn madds(&self, operands: &[&[usize]]) -> usize {
        self.conv.madds_of(operands)
    }
}

impl QConv {
    /// The breach of a residual and its scales.
    fn unscaled(&self, site: &Site<'_>) -> Option<String> {
        if self.residual.is_some() != site.operand(3).is_some() {
            return Some("has a residual without scales, or scales without one".into());
        }
        let floats = self.residual.is_some() && self.requant.to == To::Floats;
        floats.then(|| "adds bytes to floats".into())
    }
}

fn looked_up_breach(site: &Site<'_>) -> Option<String> {
    let (x, tables) = (site.shape(0)?, site.shape(4)?);
    (tables != [x[1], 256]).then(|| format!("looks {x:?} up in tables {tables:?}"))
}

/// Sums over channels, then rows, then columns; they are exact, so the order is free.
fn convolved(qconv: &QConv, reads: &Reads<'_>) -> Result<Values, Error> {
    let (x, w, bias) = (reads.bytes(0)?, reads.weights()?, reads.bias()?);
    let (out, by) = (&reads.out.shape, reads.arithmetic);
    let seen = looked_up(x, reads)?;
    let (x, conv) = (Bytes { values: seen.as_deref().unwrap_or(x.values), ..x }, &qconv.conv);
    let (m_len, c_len, c_per_group) = (out[1], x.shape[1], w.shape[1]);
    let (from, to) = ([x.shape[2], x.shape[3]], [out[2], out[3]]);
    let (from_len, taps_len) = (from[0] * from[1], conv.kernel[0] * conv.kernel[1]);
    let mut sums = vec![0; out.iter().product()];
    for (at, plane) in sums.chunks_exact_mut((to[0] * to[1]).max(1)).enumerate() {
        let (n, m) = (at / m_len, at % m_len);
        plane.fill(bias.map_or(0, |bias| bias[m]));
        for i in 0..c_per_group {
            let c = m / (m_len / conv.group) * c_per_group + i;
            let x = &x.values[(n * c_len + c) * from_len..][..from_len];
            let taps = &w.values[(m * c_per_group + i) * taps_len..][..taps_len];
            let add =
                |y: &mut i32, w: i8, x: &u8| *y = y.wrapping_add(product(*x, qconv.x_zero, w));
            slide(conv, x, from, taps, plane, to, add);
        }
    }
    let channel = |at: usize| at / (to[0] * to[1]).max(1) % m_len;
    let finished = requantised(&qconv.requant, by, &sums, channel);
    let (Values::U8(bytes), Some(pair)) = (&finished, qconv.residual) else {
        return Ok(finished);
    };
    let added = bytes.iter().zip(reads.bytes(3)?.values).map(|(a, b)| pair.sum(by, *a, *b));
    Ok(Values::U8(added.collect()))
}

/// Channels of `x` after the tables at port 4, if there are any.
fn looked_up(x: Bytes<'_>, reads: &Reads<'_>) -> Result<Option<Vec<u8>>, Error> {
    if !reads.arrays.contains_key(&4) {
        return Ok(None);
    }
    let (tables, area) = (reads.bytes(4)?.values, x.shape[2] * x.shape[3]);
    let planes = x.values.chunks_exact(area.max(1)).zip(tables.chunks_exact(256).cycle());
    Ok(Some(
        planes.flat_map(|(plane, table)| plane.iter().map(|q| table[usize::from(*q)])).collect(),
    ))
}
