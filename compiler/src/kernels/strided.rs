//! Walks over up to six axes, with strides on both sides: copies and reductions; and one value everywhere.

use crate::error::Result;
use crate::ir::{Reducer, Values};
use crate::kernels::host::Host;
use crate::kernels::load::copying;
use crate::kernels::site::Site;
use crate::kernels::spec::{Extent, Flow, Footprint, Spec};
use crate::kernels::value::{Callee, Constant, Invocation, Path, Value};

/// A copy over up to six axes, in elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Elements an axis, outermost first.
    pub shape: Vec<usize>,
    /// The offset of the first element read.
    pub from: usize,
    /// Strides of the source.
    pub from_steps: Vec<isize>,
    /// The offset of the first element written.
    pub into: usize,
    /// Strides of the destination.
    pub into_steps: Vec<isize>,
}

/// Reduction over some of the axes: those along which the result does not move.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduce(pub Reducer, pub Move);

/// One value everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Fill(pub f32);

impl Spec for Move {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        let (rank, value) = self.walk();
        let kind = Path("kernel::strided::Strided");
        vec![Constant { word: None, kind, generics: vec![rank], epilogue: None, value }]
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        Invocation::method(copying(site), [Value::First, Value::Result])
    }

    fn footprint(&self) -> Footprint<'_> {
        let Self { shape, into, into_steps, .. } = self;
        Footprint::Walk { shape, into: *into, steps: into_steps }
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let x = host.gather(&mut self.steps().map(|[read, _]| read));
        host.scatter(&mut self.steps().map(|[_, written]| written), &x);
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Slices
    }

    fn word(&self) -> Option<&'static str> {
        Some("copy")
    }
}

impl Spec for Reduce {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        let (rank, walk) = self.1.walk();
        let fold = match self.0 {
            Reducer::Sum => "kernel::reduce::Fold::Sum",
            Reducer::Mean => "kernel::reduce::Fold::Mean",
            Reducer::Max => "kernel::reduce::Fold::Max",
            Reducer::Min => "kernel::reduce::Fold::Min",
        };
        let value = Value::made("kernel::reduce::Reduce::new", [Value::item(fold), walk]);
        let kind = Path("kernel::reduce::Reduce");
        vec![Constant { word: None, kind, generics: vec![rank], epilogue: None, value }]
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        Invocation::method("run", [Value::First, Value::Result])
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let Self(kind, walk) = self;
        let (first, join): (f32, fn(f32, f32) -> f32) = match kind {
            Reducer::Sum | Reducer::Mean => (0.0, |a, b| a + b),
            Reducer::Max => (f32::NEG_INFINITY, f32::max),
            Reducer::Min => (f32::INFINITY, f32::min),
        };
        let x = host.gather(&mut walk.steps().map(|[read, _]| read));
        let mut y = vec![first; host.written()];
        for ([_, written], x) in walk.steps().zip(x.as_f32().unwrap_or_default()) {
            y[written] = join(y[written], *x);
        }
        if *kind == Reducer::Mean {
            let count = walk.shape.iter().product::<usize>() / y.len().max(1);
            y.iter_mut().for_each(|y| *y /= count as f32);
        }
        host.put_along(&Values::F32(y));
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }
}

impl Spec for Fill {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        Vec::new()
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        let arguments = vec![Value::Element(self.0)];
        Invocation { callee: Callee::OfResult("fill"), adding: None, arguments }
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let len = host.written();
        let values = match host.site().into.element.bytes() {
            1 => Values::U8(vec![self.0 as u8; len]),
            _ => Values::F32(vec![self.0; len]),
        };
        host.put_along(&values);
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }

    fn word(&self) -> Option<&'static str> {
        Some("copy")
    }
}

impl Move {
    /// The rank, and the walk along both sides, without axes of one element.
    fn walk(&self) -> (usize, Value) {
        let axes = || (0..self.shape.len()).filter(|axis| self.shape[*axis] != 1);
        let lens: Vec<usize> = axes().map(|axis| self.shape[axis]).collect();
        let steps = |steps: &[isize]| axes().map(|axis| steps[axis]).collect::<Vec<_>>();
        let (mut lens, mut from, mut into) =
            (lens, steps(&self.from_steps), steps(&self.into_steps));
        if lens.is_empty() {
            lens.push(1);
            from.push(self.from_steps.first().copied().unwrap_or(1));
            into.push(self.into_steps.first().copied().unwrap_or(1));
        }
        let rank = lens.len();
        let by = |steps: Vec<isize>| Value::Array(steps.into_iter().map(Value::Step).collect());
        let walk = [Value::sizes(&lens), by(from), by(into)];
        let walk = match [self.from, self.into] {
            [0, 0] => Value::made("kernel::strided::Strided::new", walk),
            starts => {
                let mut all = vec![Value::sizes(&starts)];
                all.extend(walk);
                Value::made("kernel::strided::Strided::at", all)
            }
        };
        (rank, walk)
    }

    /// The elements that it reads and writes, in its order.
    fn steps(&self) -> impl Iterator<Item = [usize; 2]> {
        let count: usize = self.shape.iter().product();
        (0..count).map(|number| {
            let (mut rest, mut at) = (number, [self.from as isize, self.into as isize]);
            for (axis, len) in self.shape.iter().enumerate().rev() {
                let i = (rest % len) as isize;
                rest /= len;
                at[0] += i * self.from_steps[axis];
                at[1] += i * self.into_steps[axis];
            }
            at.map(|at| at.max(0) as usize)
        })
    }
}
