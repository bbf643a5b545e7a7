//! Scales, zero points and multipliers as values: in floats, or in integers alone, rounded once or twice.

use crate::ir::quant::fixed::{Fixed, Terms};
use crate::ir::quant::tflite::{Shares, Twice};
use crate::ir::{Affine, Arithmetic, Bounds, QAverage, QMean, QPair, To};
use crate::kernels::value::{Constant, Value};

/// The byte of zero of signed bytes.
const SIGNED_ZERO: u8 = 128;

pub(super) fn affine(Affine { scale, zero }: Affine) -> Value {
    let fields = [("scale", Value::Float(scale)), ("zero", Value::Int(zero.into()))];
    Value::fields("affine::Affine", fields)
}

/// The const of a sum's scales.
pub(super) fn sum(pair: QPair, by: Arithmetic) -> Constant {
    of_two(pair, pair.sum_terms(), pair.shares(), by)
}

/// The const of a product's scales.
pub(super) fn product(pair: QPair, by: Arithmetic) -> Constant {
    let none = Twice { mantissa: 0, exponent: 0 };
    let shares = Shares { of: [none; 2], whole: pair.twice() };
    of_two(pair, pair.product_terms(), shares, by)
}

fn of_two(pair: QPair, terms: Terms, shares: Shares, by: Arithmetic) -> Constant {
    let QPair { a, b, y, bounds } = pair;
    let levels = ("levels", levels_of(y.zero, bounds, by));
    let value = match by {
        Arithmetic::Float => {
            let (a, b) = (("a", affine(a)), ("b", affine(b)));
            let fields = [a, b, ("scale", Value::Float(y.scale)), levels];
            Value::fields("affine::Pair::Float", fields)
        }
        Arithmetic::Fixed => {
            let Terms { a: of_a, b: of_b, shift } = terms;
            let (a, b) = (("a", term(a.zero, of_a)), ("b", term(b.zero, of_b)));
            let fields = [a, b, ("shift", Value::Int(shift.into())), levels];
            Value::fields("affine::Pair::Fixed", fields)
        }
        Arithmetic::Tflite | Arithmetic::TfliteDense => {
            let Shares { of: [of_a, of_b], whole } = shares;
            let (a, b) = (("a", share(a.zero, of_a)), ("b", share(b.zero, of_b)));
            Value::fields("affine::Pair::Twice", [a, b, ("factor", twice(whole)), levels])
        }
    };
    Constant::own("affine::Pair", value)
}

/// The const of a product that is rounded with `early` of its zero point.
pub(super) fn early_product(pair: QPair, early: i16) -> Constant {
    let QPair { a, b, y, bounds } = pair;
    let levels = levels_of(late(y.zero, early), bounds, Arithmetic::Float);
    let fields = [
        ("a", Value::Int(a.zero.into())),
        ("b", Value::Int(b.zero.into())),
        ("factor", Value::Float(pair.factor())),
        ("early", Value::Float(early.into())),
        ("levels", levels),
    ];
    Constant::of_fields("affine::Product", [], fields)
}

/// The part of the zero point that is added to rounded steps, where `early` is added before.
fn late(zero: u8, early: i16) -> u8 {
    u8::try_from(i16::from(zero) - early).expect("verified zero points are bytes")
}

fn term(zero: u8, factor: i32) -> Value {
    let factor = Value::Int(factor.unsigned_abs().into());
    Value::fields("affine::Term", [("zero", Value::Int(zero.into())), ("factor", factor)])
}

fn share(zero: u8, factor: Twice) -> Value {
    Value::fields("affine::Share", [("zero", Value::Int(zero.into())), ("factor", twice(factor))])
}

pub(super) fn averaged(average: &QAverage, by: Arithmetic) -> Value {
    let QAverage { x, y, early, .. } = average;
    match by {
        Arithmetic::Float => {
            let y = Affine { zero: late(y.zero, *early), ..*y };
            let early = Value::Float(f32::from(*early));
            let fields = [("x", affine(*x)), ("y", affine(y)), ("early", early)];
            Value::fields("kernel::q8::pool::Averaged::Float", fields)
        }
        Arithmetic::Fixed => {
            let fields = [
                ("zero", Value::Int(x.zero.into())),
                ("factor", fixed(average.factor())),
                ("levels", levels_of(y.zero, Bounds::ALL, by)),
            ];
            Value::fields("kernel::q8::pool::Averaged::Fixed", fields)
        }
        Arithmetic::Tflite | Arithmetic::TfliteDense => {
            let levels = ("levels", levels_of(SIGNED_ZERO, Bounds::ALL, by));
            Value::fields("kernel::q8::pool::Averaged::Twice", [levels])
        }
    }
}

/// The one factor of a mean of `len` bytes.
pub(super) fn factor(mean: &QMean, len: usize, by: Arithmetic) -> Value {
    let multiplier = mean.requant.real(0);
    match mean.requant.arithmetic(by) {
        Arithmetic::Float => Value::made("affine::Factor::float", [Value::Float(multiplier)]),
        Arithmetic::Fixed => fixed(Fixed::of(multiplier)),
        Arithmetic::Tflite | Arithmetic::TfliteDense => twice(mean.factor(len)),
    }
}

fn twice(Twice { mantissa, exponent }: Twice) -> Value {
    let arguments = [Value::Int(mantissa.into()), Value::Step(exponent as isize)];
    Value::made("affine::Factor::twice", arguments)
}

pub(super) fn fixed(Fixed { mantissa, shift }: Fixed) -> Value {
    let arguments = [Value::Int(mantissa.into()), Value::Int(shift.into())];
    Value::made("affine::Factor::fixed", arguments)
}

/// The output quantisation of sums.
pub(super) fn levels(to: To, by: Arithmetic) -> Value {
    match to {
        To::Bytes { zero, bounds } => levels_of(zero, bounds, by),
        To::Floats => levels_of(0, Bounds::ALL, Arithmetic::Float),
    }
}

pub(super) fn levels_of(zero: u8, bounds: Bounds, by: Arithmetic) -> Value {
    if bounds == Bounds::ALL {
        let all = match by {
            Arithmetic::Float => "affine::Levels::u8",
            Arithmetic::Fixed => "affine::Levels::u8_fixed",
            Arithmetic::Tflite => "affine::Levels::u8_twice",
            Arithmetic::TfliteDense => "affine::Levels::u8_once",
        };
        return Value::made(all, [Value::Int(zero.into())]);
    }
    let byte = |name, byte: u8| (name, Value::Int(byte.into()));
    let Bounds { lo, hi } = bounds;
    let by = match by {
        Arithmetic::Float => "affine::Arithmetic::Float",
        Arithmetic::Fixed => "affine::Arithmetic::Fixed",
        Arithmetic::Tflite => "affine::Arithmetic::Twice",
        Arithmetic::TfliteDense => "affine::Arithmetic::Once",
    };
    let fields =
        [byte("zero", zero), byte("lo", lo), byte("hi", hi), ("arithmetic", Value::item(by))];
    Value::fields("affine::Levels", fields)
}
