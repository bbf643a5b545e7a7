//! Functions of quantised values: of one, by a table, and of two, by their scales.

use crate::error::Result;
use crate::ir::{Arithmetic, QPair, Times, Values};
use crate::kernels::host::Host;
use crate::kernels::scales;
use crate::kernels::site::{Operand, Site};
use crate::kernels::spec::{Extent, Flow, Spec};
use crate::kernels::value::{Constant, Invocation, Value};
use crate::kernels::weights::{PackOrder, Vectors};

/// A function of two bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct QBinary {
    /// The function.
    pub function: QFunction,
    /// The scales.
    pub pair: QPair,
    /// The arithmetic.
    pub by: Arithmetic,
}

/// Binary quantised operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QFunction {
    /// The sum of what they stand for.
    Add,
    /// The product.
    Mul(Times),
}

/// Any function of a byte.
#[derive(Clone, Debug, PartialEq)]
pub struct Table;

impl Spec for QBinary {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        let Self { function, pair, by } = *self;
        vec![match (function, by) {
            (QFunction::Mul(Times::Steps { early }), Arithmetic::Float) => {
                scales::early_product(pair, early)
            }
            (QFunction::Mul(_), _) => scales::product(pair, by),
            (QFunction::Add, _) => scales::sum(pair, by),
        }]
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        let [over, apart] = match (self.function, self.by) {
            (QFunction::Add, _) => {
                ["kernel::q8::elements::add_assign", "kernel::q8::elements::add"]
            }
            (QFunction::Mul(Times::Steps { .. }), Arithmetic::Float) => {
                ["kernel::q8::elements::product_assign", "kernel::q8::elements::product"]
            }
            (QFunction::Mul(_), _) => {
                ["kernel::q8::elements::mul_assign", "kernel::q8::elements::mul"]
            }
        };
        let [isa, scales] = [Value::Token, Value::Const(None)];
        if site.over {
            Invocation::function(over, [isa, scales, Value::Result, Value::Second])
        } else {
            let arguments = [isa, scales, Value::First, Value::Second, Value::Result];
            Invocation::function(apart, arguments)
        }
    }

    fn takes_token(&self, _: &Site) -> bool {
        true
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let Self { function, pair, by } = *self;
        let of = |a: u8, b: u8| match function {
            QFunction::Add => pair.sum(by, a, b),
            QFunction::Mul(times) => pair.product(by, times, a, b),
        };
        let operand = |port| host.along(port).expect("functions of two have two operands");
        let [a, b] = [0, 1].map(operand);
        let [a, b] = [&a, &b].map(|x| x.as_u8().expect("functions are of bytes"));
        let y = Values::U8(a.iter().zip(b.iter().cycle()).map(|(a, b)| of(*a, *b)).collect());
        host.put_along(&y);
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Slices
    }
}

impl Spec for Table {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        Vec::new()
    }

    fn call(&self, site: &Site, _: Extent) -> Invocation {
        if site.over {
            let arguments = [Value::Weights, Value::Result];
            Invocation::function("kernel::q8::elements::table_assign", arguments)
        } else {
            let arguments = [Value::Weights, Value::First, Value::Result];
            Invocation::function("kernel::q8::elements::table", arguments)
        }
    }

    fn order(&self, _: &Operand, _: Vectors) -> Option<PackOrder> {
        Some(PackOrder::Table)
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let x = host.along(0).expect("what is looked up lies somewhere");
        let (x, table) = (x.as_u8().expect("tables are of bytes"), host.packed());
        let y = Values::U8(x.iter().map(|q| table[usize::from(*q)]).collect());
        host.put_along(&y);
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Slices
    }
}
