//! Functions of each element, of one operand or of two.

use crate::error::Result;
use crate::ir::op::leaky;
use crate::ir::{self, Values};
use crate::kernels::host::Host;
use crate::kernels::site::{Broadcast, Site};
use crate::kernels::spec::{Extent, Flow, Spec};
use crate::kernels::value::{Constant, Invocation, Value};

/// Bounds of each element.
#[derive(Clone, Debug, PartialEq)]
pub struct Clamp(pub ir::Clamp);

/// A function of each element.
#[derive(Clone, Debug, PartialEq)]
pub struct Unary(pub ir::Unary);

/// A function of two elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary(pub ir::Binary, pub Broadcast);

/// `x < 0 ? slope * x : x`.
#[derive(Clone, Debug, PartialEq)]
pub struct PRelu(pub Broadcast);

impl Spec for Clamp {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        Vec::new()
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        of_one(site, Value::made("kernel::unary::Unary::Clamp", [clamp(self.0)]))
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        each(host, |x| self.0.apply(x));
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Slices
    }
}

impl Spec for Unary {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        Vec::new()
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        of_one(site, unary(self.0))
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        each(host, |x| self.0.apply(x));
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Slices
    }
}

impl Spec for Binary {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        Vec::new()
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        of_two(site, binary(self.0), self.1)
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        pairs(host, |a, b| self.0.apply(a, b));
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Slices
    }

    fn broadcast(&self) -> Broadcast {
        self.1
    }
}

impl Spec for PRelu {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        Vec::new()
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        of_two(site, "kernel::elementwise::Binary::PRelu", self.0)
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        pairs(host, leaky);
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Slices
    }

    fn broadcast(&self) -> Broadcast {
        self.0
    }
}

/// The call of a function of one element.
fn of_one(site: &Site, function: Value) -> Invocation {
    if site.over {
        Invocation::function("kernel::unary::unary_assign", [function, Value::Result])
    } else {
        Invocation::function("kernel::unary::unary", [function, Value::First, Value::Result])
    }
}

/// The call of a function of two elements.
fn of_two(site: &Site, function: &'static str, broadcast: Broadcast) -> Invocation {
    let [over, apart] = match broadcast {
        Broadcast::Same => ["kernel::elementwise::binary_assign", "kernel::elementwise::binary"],
        Broadcast::Channel => {
            ["kernel::elementwise::channels_assign", "kernel::elementwise::channels"]
        }
        Broadcast::Scalar => ["kernel::elementwise::scalar_assign", "kernel::elementwise::scalar"],
    };
    let (function, clamp) = (Value::item(function), clamp(ir::Clamp::NONE));
    if site.over {
        Invocation::function(over, [function, Value::Result, Value::Second, clamp])
    } else {
        let arguments = [function, Value::First, Value::Second, clamp, Value::Result];
        Invocation::function(apart, arguments)
    }
}

/// Writes a function of each element, in the order of memory.
fn each(host: &mut dyn Host, function: impl Fn(f32) -> f32) {
    let x = host.along(0).expect("what is computed of elements reads some");
    let x = x.as_f32().expect("functions are of floats");
    let y = Values::F32(x.iter().map(|x| function(*x)).collect());
    host.put_along(&y);
}

/// Writes a function of pairs, in the order of memory; a shorter second operand repeats.
fn pairs(host: &mut dyn Host, function: impl Fn(f32, f32) -> f32) {
    let [a, b] = [0, 1].map(|port| host.along(port).expect("functions of two have two operands"));
    let [a, b] = [&a, &b].map(|x| x.as_f32().expect("functions are of floats"));
    let pairs = a.iter().zip(b.iter().cycle());
    let y = Values::F32(pairs.map(|(a, b)| function(*a, *b)).collect());
    host.put_along(&y);
}

/// Bounds, by name where they have one.
pub(super) fn clamp(clamp: ir::Clamp) -> Value {
    match clamp {
        ir::Clamp::NONE => Value::item("clamp::Clamp::NONE"),
        ir::Clamp::RELU => Value::item("clamp::Clamp::RELU"),
        ir::Clamp::RELU6 => Value::item("clamp::Clamp::RELU6"),
        ir::Clamp { lo, hi } => {
            Value::fields("clamp::Clamp", [("lo", Value::Float(lo)), ("hi", Value::Float(hi))])
        }
    }
}

/// A function of one number.
pub(super) fn unary(function: ir::Unary) -> Value {
    let alpha = |path, alpha| Value::fields(path, [("alpha", Value::Float(alpha))]);
    Value::item(match function {
        ir::Unary::LeakyRelu(slope) => return alpha("kernel::unary::Unary::LeakyRelu", slope),
        ir::Unary::Elu(scale) => return alpha("kernel::unary::Unary::Elu", scale),
        ir::Unary::HardSigmoid(alpha, beta) => {
            let fields = [("alpha", Value::Float(alpha)), ("beta", Value::Float(beta))];
            return Value::fields("kernel::unary::Unary::HardSigmoid", fields);
        }
        ir::Unary::Sigmoid => "kernel::unary::Unary::Sigmoid",
        ir::Unary::HardSwish => "kernel::unary::Unary::HardSwish",
        ir::Unary::Silu => "kernel::unary::Unary::Silu",
        ir::Unary::Tanh => "kernel::unary::Unary::Tanh",
        ir::Unary::Gelu => "kernel::unary::Unary::Gelu",
        ir::Unary::Erf => "kernel::unary::Unary::Erf",
        ir::Unary::Exp => "kernel::unary::Unary::Exp",
        ir::Unary::Log => "kernel::unary::Unary::Log",
        ir::Unary::Sqrt => "kernel::unary::Unary::Sqrt",
        ir::Unary::Reciprocal => "kernel::unary::Unary::Reciprocal",
        ir::Unary::Neg => "kernel::unary::Unary::Neg",
        ir::Unary::Abs => "kernel::unary::Unary::Abs",
        ir::Unary::Floor => "kernel::unary::Unary::Floor",
        ir::Unary::Ceil => "kernel::unary::Unary::Ceil",
        ir::Unary::Round => "kernel::unary::Unary::Round",
        ir::Unary::Trunc => "kernel::unary::Unary::Trunc",
        ir::Unary::ToF16 => "kernel::unary::Unary::ToF16",
        ir::Unary::ToBf16 => "kernel::unary::Unary::ToBf16",
    })
}

fn binary(function: ir::Binary) -> &'static str {
    match function {
        ir::Binary::Add => "kernel::elementwise::Binary::Add",
        ir::Binary::Sub => "kernel::elementwise::Binary::Sub",
        ir::Binary::Mul => "kernel::elementwise::Binary::Mul",
        ir::Binary::Div => "kernel::elementwise::Binary::Div",
        ir::Binary::Min => "kernel::elementwise::Binary::Min",
        ir::Binary::Max => "kernel::elementwise::Binary::Max",
        ir::Binary::Pow => "kernel::elementwise::Binary::Pow",
        ir::Binary::Equal => "kernel::elementwise::Binary::Equal",
        ir::Binary::NotEqual => "kernel::elementwise::Binary::NotEqual",
        ir::Binary::Less => "kernel::elementwise::Binary::Less",
        ir::Binary::LessOrEqual => "kernel::elementwise::Binary::LessOrEqual",
        ir::Binary::Greater => "kernel::elementwise::Binary::Greater",
        ir::Binary::GreaterOrEqual => "kernel::elementwise::Binary::GreaterOrEqual",
        ir::Binary::Then => "kernel::elementwise::Binary::Then",
        ir::Binary::Else => "kernel::elementwise::Binary::Else",
    }
}
