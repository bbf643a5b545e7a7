//! Global pooling, row after row: of floats, and means of bytes.

use crate::error::Result;
use crate::interp::Array;
use crate::ir::{self, Arithmetic, Op, QMean, Quant, Reducer, To, Values};
use crate::kernels::host::Host;
use crate::kernels::pool::averages;
use crate::kernels::scales;
use crate::kernels::site::{Part, Site};
use crate::kernels::spec::{Extent, Footprint, Spec};
use crate::kernels::value::{Constant, Invocation, Side, Value};

/// One number a channel from all pixels, row after row.
#[derive(Clone, Debug, PartialEq)]
pub enum GlobalPool {
    /// Of floats.
    Floats(Reducer),
    /// Quantised.
    Bytes {
        /// The operator.
        means: Means,
        /// The arithmetic.
        by: Arithmetic,
    },
}

/// Quantised means.
#[derive(Clone, Debug, PartialEq)]
pub enum Means {
    /// Of exact sums, which are requantised.
    Sums(QMean),
    /// Means of the dequantised values.
    Reals(ir::QAverage),
}

impl Spec for GlobalPool {
    fn constants(&self, site: &Site) -> Vec<Constant> {
        vec![match self {
            Self::Floats(_) => {
                Constant::of_fields("kernel::global_pool::GlobalPool", [], shape(site))
            }
            Self::Bytes { means: Means::Reals(average), by } => averages(site, average, *by),
            Self::Bytes { means: Means::Sums(mean), by } => {
                let QMean { x_zero, requant } = mean;
                let len = site.first().height * site.first().rows.width;
                let mut fields = shape(site).to_vec();
                fields.extend([
                    ("zero", Value::Int((*x_zero).into())),
                    ("factor", scales::factor(mean, len, *by)),
                    ("levels", scales::levels(requant.to, *by)),
                ]);
                Constant::of_fields("kernel::q8::pool::QMean", [], fields)
            }
        }]
    }

    fn call(&self, _: &Site, extent: Extent) -> Invocation {
        let rows = [Value::Rows, Value::First, Value::Result];
        let all = [Value::Token, Value::First, Value::Result];
        match (self, extent) {
            (Self::Floats(Reducer::Max), _) => Invocation::method("max", rows),
            (Self::Floats(Reducer::Mean | Reducer::Sum | Reducer::Min), _) => {
                Invocation::method("average", rows)
            }
            (Self::Bytes { means: Means::Sums(mean), .. }, _) if mean.requant.to == To::Floats => {
                Invocation::method("run_floats", all)
            }
            (Self::Bytes { means: Means::Sums(_), .. }, Extent::All) => {
                Invocation::method("run", all)
            }
            (Self::Bytes { means: Means::Reals(_), .. }, Extent::All) => {
                Invocation::method("run", [Value::Range(0..1), Value::First, Value::Result])
            }
            (Self::Bytes { .. }, Extent::Some | Extent::Vectors(_)) => {
                Invocation::method("take", rows)
            }
        }
    }

    fn finish(&self, site: &Site) -> Option<Invocation> {
        let channels = Value::size(site.into.rows.channels);
        match self {
            Self::Floats(_) => None,
            Self::Bytes { .. } => Some(Invocation::method("finish", [channels, Value::Result])),
        }
    }

    fn takes_token(&self, site: &Site) -> bool {
        matches!(self, Self::Bytes { means: Means::Sums(_), .. }) && site.part == Part::Row
    }

    fn footprint(&self) -> Footprint<'_> {
        Footprint::Pooled
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        host.keep();
        Ok(())
    }

    fn pooled(&self, host: &dyn Host, channels: &[Vec<f32>]) -> Result<Values> {
        let (count, len) = (channels.len(), channels.first().map_or(0, Vec::len));
        let quant = match self {
            Self::Floats(kind) => {
                return Ok(Values::F32(channels.iter().map(|x| reduced(*kind, x)).collect()));
            }
            Self::Bytes { means: Means::Sums(mean), .. } => Quant::Mean(mean.clone()),
            Self::Bytes { means: Means::Reals(average), .. } => {
                let pool = ir::Pool { kernel: [1, len], ..average.pool.clone() };
                Quant::Average(ir::QAverage { pool, ..average.clone() })
            }
        };
        let bytes = channels.iter().flatten().map(|x| *x as u8).collect();
        let x = Array { shape: vec![1, count, 1, len], values: Values::U8(bytes) };
        host.oracle(Op::Quant(quant), &[1, count, 1, 1], &[(0, x)])
    }

    fn word(&self) -> Option<&'static str> {
        Some("pool")
    }
}

fn shape(site: &Site) -> [(&'static str, Value); 4] {
    let from = site.first();
    [
        ("from", Value::Ring(Side::First)),
        ("channels", Value::size(from.rows.channels)),
        ("height", Value::size(from.height)),
        ("width", Value::size(from.rows.width)),
    ]
}

fn reduced(kind: Reducer, x: &[f32]) -> f32 {
    match kind {
        Reducer::Max => x.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        Reducer::Min => x.iter().copied().fold(f32::INFINITY, f32::min),
        Reducer::Sum => x.iter().sum(),
        Reducer::Mean => x.iter().sum::<f32>() / x.len() as f32,
    }
}
