//! Epilogues of sums before they are stored: a residual, an activation, or other scales.

use crate::ir::{self, Arithmetic, Clamp, QPair, To};
use crate::kernels::elementwise::{clamp, unary};
use crate::kernels::scales;
use crate::kernels::site::{Element, Site, Skip};
use crate::kernels::value::{Constant, Invocation, Side, Value};

/// The epilogue of sums before they are stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Epilogue {
    /// Sums of floats.
    Floats {
        /// Applied to sums and the residual.
        clamp: Clamp,
        /// Applied last, to sums that have no clamp.
        then: Option<ir::Unary>,
    },
    /// Sums of quantised products.
    Bytes {
        /// The type of the results.
        to: To,
        /// The addition of the residual, if there is one.
        residual: Option<QPair>,
        /// The arithmetic.
        by: Arithmetic,
    },
}

/// The const by which a quantised residual is added.
const SUM: &str = "SUM";

impl Epilogue {
    /// The field that holds it.
    pub(super) fn field(&self) -> (&'static str, Value) {
        match self {
            Self::Floats { clamp, then } => ("activation", activation(*clamp, *then)),
            Self::Bytes { to, by, .. } => ("levels", scales::levels(*to, *by)),
        }
    }

    /// The path of a float kernel, or of the quantised one.
    pub(super) fn path(&self, floats: &'static str, bytes: &'static str) -> &'static str {
        match self {
            Self::Floats { .. } => floats,
            Self::Bytes { .. } => bytes,
        }
    }

    /// The const of the residual's scales, if there are any.
    pub(super) fn constant(&self) -> Option<Constant> {
        let Self::Bytes { residual: Some(pair), by, .. } = self else { return None };
        let constant = scales::pair(*pair, pair.sum_terms(), *by);
        Some(Constant { word: Some(SUM), ..constant })
    }

    /// Clamp and function of sums of floats, as a convolution of the oracle has them.
    pub(super) fn of_floats(&self) -> (Clamp, Option<ir::Unary>) {
        match self {
            Self::Floats { clamp, then } => (*clamp, *then),
            Self::Bytes { .. } => (Clamp::NONE, None),
        }
    }

    /// The call of a product that ends so.
    pub(super) fn product(&self, site: &Site, skip: Skip, [rows, other]: [Value; 2]) -> Invocation {
        let mut arguments = vec![Value::Token, Value::Weights, Value::First, Value::Result];
        let method = match self.residual(site, skip, other) {
            Some(residual) => {
                arguments.push(residual);
                "run_adding"
            }
            None => "run",
        };
        arguments.push(rows);
        Invocation::method(method, arguments)
    }

    /// The residual of a product: another value, whose rows lie as `ring` says, or the one that the result overwrites.
    fn residual(&self, site: &Site, skip: Skip, ring: Value) -> Option<Value> {
        match (self, skip) {
            (_, Skip::None) => None,
            (Self::Floats { .. }, Skip::InPlace) => {
                Some(Value::item("simd::gemm::Residual::InPlace"))
            }
            (Self::Floats { .. }, Skip::Other) => {
                let path = match site.from[1].element {
                    Element::F16 => "simd::gemm::Residual::OfHalf",
                    Element::Bf16 => "simd::gemm::Residual::OfBrain",
                    // Integers are added to nothing.
                    _ => "simd::gemm::Residual::Of",
                };
                Some(Value::made(path, [Value::Second, ring]))
            }
            (Self::Bytes { .. }, Skip::InPlace) => {
                let sum = Value::Const(Some(SUM));
                Some(Value::made("simd::qgemm::QResidual::InPlace", [sum]))
            }
            (Self::Bytes { .. }, Skip::Other) => {
                let arguments = [Value::Second, ring, Value::Const(Some(SUM))];
                Some(Value::made("simd::qgemm::QResidual::Of", arguments))
            }
        }
    }
}

/// The rows of a residual.
pub(super) const OTHER: Value = Value::Ring(Side::Second);

/// The activation of a layer, by name if it has one.
fn activation(bounds: Clamp, then: Option<ir::Unary>) -> Value {
    match (bounds, then) {
        (Clamp::NONE, None) => Value::item("activation::Activation::NONE"),
        (Clamp::RELU, None) => Value::item("activation::Activation::RELU"),
        (Clamp::RELU6, None) => Value::item("activation::Activation::RELU6"),
        (bounds, None) => Value::made("activation::Activation::Clamp", [clamp(bounds)]),
        (_, Some(function)) => Value::made("activation::Activation::Function", [unary(function)]),
    }
}
