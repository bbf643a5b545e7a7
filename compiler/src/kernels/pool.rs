//! Max and average pooling over windows, of floats and of bytes.

use crate::error::Result;
use crate::ir::{self, Arithmetic, Op, PoolKind, Quant};
use crate::kernels::host::Host;
use crate::kernels::scales;
use crate::kernels::site::Site;
use crate::kernels::spec::{Extent, Footprint, Spec};
use crate::kernels::value::{Constant, Invocation, Side, Value};

/// Largest or mean element of windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool(pub ir::Pool);

/// Mean bytes of windows.
#[derive(Clone, Debug, PartialEq)]
pub struct QAverage {
    /// The operator.
    pub average: ir::QAverage,
    /// The arithmetic.
    pub by: Arithmetic,
}

impl Spec for Pool {
    fn constants(&self, site: &Site) -> Vec<Constant> {
        let windows = windows(site, &self.0);
        let largest = |path| Constant::own(path, Value::made(path, [windows.clone()]));
        vec![match self.0.kind {
            PoolKind::Max if site.reads_bytes() => largest("kernel::q8::pool::QMaxPool"),
            PoolKind::Max => largest("kernel::pool::MaxPool"),
            PoolKind::Average | PoolKind::AverageWithPads => {
                let fields = [("windows", windows), ("divisor", divisor(&self.0))];
                Constant::of_fields("kernel::pool::AveragePool", [], fields)
            }
        }]
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        Invocation::method("run", [Value::Rows, Value::First, Value::Result])
    }

    fn footprint(&self) -> Footprint<'_> {
        Footprint::Clipped
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        pool(host, &self.0, Op::Pool)
    }

    fn word(&self) -> Option<&'static str> {
        Some("pool")
    }
}

impl Spec for QAverage {
    fn constants(&self, site: &Site) -> Vec<Constant> {
        vec![averages(site, &self.average, self.by)]
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        Invocation::method("run", [Value::Rows, Value::First, Value::Result])
    }

    fn footprint(&self) -> Footprint<'_> {
        Footprint::Clipped
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let average = |pool| ir::QAverage { pool, ..self.average.clone() };
        pool(host, &self.average.pool, |pool| Op::Quant(Quant::Average(average(pool))))
    }
}

/// The const of quantised averages.
pub(super) fn averages(site: &Site, average: &ir::QAverage, by: Arithmetic) -> Constant {
    let fields = [
        ("windows", windows(site, &average.pool)),
        ("divisor", divisor(&average.pool)),
        ("scales", scales::averaged(average, by)),
    ];
    Constant::of_fields("kernel::q8::pool::QAverage", [], fields)
}

fn windows(site: &Site, pool: &ir::Pool) -> Value {
    let from = site.first();
    let fields = [
        ("from", Value::Ring(Side::First)),
        ("into", Value::Ring(Side::Result)),
        ("channels", Value::size(from.rows.channels)),
        ("down", along(pool, 0, from.height)),
        ("across", along(pool, 1, from.rows.width)),
        ("width", Value::size(site.into.rows.width)),
    ];
    Value::fields("kernel::pool::Windows", fields)
}

/// Windows along an axis of `len` pixels; what they have as most windows do is left out.
fn along(pool: &ir::Pool, axis: usize, len: usize) -> Value {
    let windows =
        Value::made("kernel::pool::Window::over", [len, pool.kernel[axis]].map(Value::size));
    let changes = [
        ("strided", vec![pool.stride[axis]], vec![1]),
        ("dilated", vec![pool.dilation[axis]], vec![1]),
        ("padded", vec![pool.pads[axis], pool.pads[axis + 2]], vec![0, 0]),
    ];
    changes.into_iter().filter(|(_, counts, usual)| counts != usual).fold(
        windows,
        |windows, (method, counts, _)| {
            let counts: Vec<Value> = counts.into_iter().map(Value::size).collect();
            windows.with(method, counts)
        },
    )
}

fn divisor(pool: &ir::Pool) -> Value {
    Value::item(match pool.kind {
        PoolKind::AverageWithPads => "kernel::pool::Divisor::Padded",
        PoolKind::Average | PoolKind::Max => "kernel::pool::Divisor::Inside",
    })
}

/// Windows of rows that lie in the image, each cut where the image ends.
fn pool(host: &mut dyn Host, pool: &ir::Pool, op: impl Fn(ir::Pool) -> Op) -> Result<()> {
    let ((image, first), rows) = (host.image(), host.rows());
    let above = pool.pads[0] as isize - (rows.start * pool.stride[0]) as isize + first;
    let [_, left, bottom, right] = pool.pads;
    let pads = [above.max(0) as usize, left, bottom, right];
    let shape = [1, image.shape[1], rows.len(), host.columns()];
    let pool = ir::Pool { pads, ..pool.clone() };
    let made = host.oracle(op(pool), &shape, &[(0, image)])?;
    host.put(&made);
    Ok(())
}
