//! Epilogues of sums before they are stored: a residual, an activation, or other scales.

use crate::ir::{self, Arithmetic, Clamp, QPair, To};
use crate::kernels::elementwise::{clamp, unary};
use crate::kernels::scales;
use crate::kernels::site::{Element, Site, Skip};
use crate::kernels::value::{Constant, Invocation, Path, Side, Value};

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
    /// The const of a kernel that ends so, which its last field says.
    pub(super) fn kernel(
        &self,
        path: &'static str,
        generics: impl Into<Vec<usize>>,
        fields: impl Into<Vec<(&'static str, Value)>>,
    ) -> Constant {
        let (kind, value) = match self {
            Self::Floats { clamp, then } => (None, activation(*clamp, *then)),
            Self::Bytes { to: To::Floats, .. } => {
                let reals = "affine::Dequantized";
                (Some(Path(reals)), Value::item(reals))
            }
            Self::Bytes { to, by, .. } => (Some(Path("affine::Levels")), scales::levels(*to, *by)),
        };
        let mut fields = fields.into();
        fields.push(("epilogue", value));
        Constant { epilogue: kind, ..Constant::of_fields(path, generics, fields) }
    }

    /// The const of the residual's scales, if there are any.
    pub(super) fn constant(&self) -> Option<Constant> {
        let Self::Bytes { residual: Some(pair), by, .. } = self else { return None };
        let constant = scales::sum(*pair, *by);
        Some(Constant { word: Some(SUM), ..constant })
    }

    /// Clamp and function of sums of floats, as a convolution of the oracle has them.
    pub(super) fn of_floats(&self) -> (Clamp, Option<ir::Unary>) {
        match self {
            Self::Floats { clamp, then } => (*clamp, *then),
            Self::Bytes { .. } => (Clamp::NONE, None),
        }
    }

    /// The call of a product that ends so, for a part of its output; the rows of a residual lie as `other` says.
    pub(super) fn product(&self, site: &Site, skip: Skip, [part, other]: [Value; 2]) -> Invocation {
        let [w, x, y] = [Value::Weights, Value::First, Value::Result];
        let run = Invocation::method("run", [Value::Token, w, x, y, part]);
        Invocation { adding: self.residual(site, skip, other), ..run }
    }

    /// The residual of a product: another value, whose rows lie as `ring` says, or the one that the result overwrites.
    pub(super) fn residual(&self, site: &Site, skip: Skip, ring: Value) -> Option<Value> {
        match (self, skip) {
            (_, Skip::None) => None,
            (Self::Floats { .. }, Skip::InPlace) => {
                Some(Value::item("simd::residual::Residual::InPlace"))
            }
            (Self::Floats { .. }, Skip::Other) => {
                let path = match site.from[1].element {
                    Element::F16 => "simd::residual::Residual::OfHalf",
                    Element::Bf16 => "simd::residual::Residual::OfBrain",
                    // Integers are added to nothing.
                    _ => "simd::residual::Residual::Of",
                };
                Some(Value::made(path, [Value::Second, ring]))
            }
            (Self::Bytes { .. }, Skip::InPlace) => {
                let sum = Value::Const(Some(SUM));
                Some(Value::made("simd::residual::QResidual::InPlace", [sum]))
            }
            (Self::Bytes { .. }, Skip::Other) => {
                let arguments = [Value::Second, ring, Value::Const(Some(SUM))];
                Some(Value::made("simd::residual::QResidual::Of", arguments))
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
