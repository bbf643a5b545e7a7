//! Quantised sums and products of two tensors.

use crate::error::Error;
use crate::ir::op::definition::{Definition, PortSpec, Ports, first, second};
use crate::ir::op::index::zip;
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::quant::fixed::{Fixed, Terms, nearest, shifted};
use crate::ir::quant::scale::{Affine, Arithmetic, Bounds, early_breach, early_text};
use crate::ir::quant::tflite::{self, Shares, Twice};
use crate::ir::{Dtype, Values, infer};

/// Scales of an operator on two tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QPair {
    /// Scale and zero point of the first operand.
    pub a: Affine,
    /// Scale and zero point of the second.
    pub b: Affine,
    /// Scale and zero point of the result.
    pub y: Affine,
    /// A clamp of the model, or all bytes.
    pub bounds: Bounds,
}

/// Forms of a product of reals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// One by the other, as Mul does between floats.
    Reals,
    /// The exact product of both `q - zero` by one factor, `a.scale * b.scale / y.scale`, as QLinearMul does.
    Steps {
        /// The part of the result's zero point that is added before steps are rounded.
        early: i16,
    },
}

/// The sum of reals.
pub(super) struct Add<'a>(pub &'a QPair);

/// The product of reals.
pub(super) struct Mul<'a>(pub &'a QPair, pub Times);

/// The operands of both.
const PORTS: &[PortSpec] = &[PortSpec::of("a", Dtype::U8), PortSpec::of("b", Dtype::U8)];

impl Definition for Add<'_> {
    fn name(&self) -> &'static str {
        "qadd"
    }

    fn ports(&self) -> Ports {
        Ports::all(PORTS)
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(Dtype::U8)
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Alike, Streams::PairsAlike)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let b = second(operands, "qadd reads one operand")?;
        infer::broadcast(first(operands, self.name())?, b).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let (a, b, by) = (reads.bytes(0)?, reads.bytes(1)?, reads.arithmetic);
        Ok(Values::U8(zip(a, b, &reads.out.shape, |a, b| self.0.sum(by, a, b))))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        batch.fits(0) && batch.fits(1)
    }

    fn attributes(&self) -> String {
        self.0.text()
    }
}

impl Definition for Mul<'_> {
    fn name(&self) -> &'static str {
        "qmul"
    }

    fn ports(&self) -> Ports {
        Ports::all(PORTS)
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(Dtype::U8)
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Alike, Streams::PairsAlike)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let b = second(operands, "qmul reads one operand")?;
        infer::broadcast(first(operands, self.name())?, b).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let (a, b, by) = (reads.bytes(0)?, reads.bytes(1)?, reads.arithmetic);
        Ok(Values::U8(zip(a, b, &reads.out.shape, |a, b| self.0.product(by, self.1, a, b))))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        batch.fits(0) && batch.fits(1)
    }

    fn attributes(&self) -> String {
        let early = match self.1 {
            Times::Reals => 0,
            Times::Steps { early } => early,
        };
        self.0.text() + &early_text(early)
    }

    fn breach(&self, _: &Site<'_>) -> Option<String> {
        match self.1 {
            Times::Reals => None,
            Times::Steps { early } => early_breach(self.0.y, early),
        }
    }
}

impl QPair {
    /// `a + b`.
    pub fn add(self, a: u8, b: u8) -> u8 {
        self.bounds.apply(self.y.quantize(self.a.dequantize(a) + self.b.dequantize(b)))
    }

    /// `a * b`.
    pub fn mul(self, times: Times, a: u8, b: u8) -> u8 {
        self.bounds.apply(match times {
            Times::Reals => self.y.quantize(self.a.dequantize(a) * self.b.dequantize(b)),
            Times::Steps { early } => {
                let product = self.a.steps(a) * self.b.steps(b);
                self.y.nearest(product * self.factor(), early)
            }
        })
    }

    /// Steps of the result in a product of steps.
    pub fn factor(self) -> f32 {
        self.a.scale * self.b.scale / self.y.scale
    }

    /// `a + b` in the arithmetic of a graph.
    pub fn sum(self, by: Arithmetic, a: u8, b: u8) -> u8 {
        match by {
            Arithmetic::Float => self.add(a, b),
            Arithmetic::Fixed => self.add_fixed(a, b),
            Arithmetic::Tflite | Arithmetic::TfliteDense => self.add_twice(a, b),
        }
    }

    /// `a * b` in the arithmetic of a graph.
    pub fn product(self, by: Arithmetic, times: Times, a: u8, b: u8) -> u8 {
        match by {
            Arithmetic::Float => self.mul(times, a, b),
            Arithmetic::Fixed => self.mul_fixed(a, b),
            Arithmetic::Tflite | Arithmetic::TfliteDense => self.mul_twice(a, b),
        }
    }

    /// The scales, as a printed line shows them.
    pub(super) fn text(&self) -> String {
        format!(" a {} b {} y {}{}", self.a, self.b, self.y, self.bounds)
    }
}

impl QPair {
    /// The factors of a sum.
    pub fn sum_terms(&self) -> Terms {
        let ratios = [self.a, self.b].map(|of| f64::from(of.scale) / f64::from(self.y.scale));
        let exponent = ratios[0].max(ratios[1]).log2().floor();
        let shift = (29.0 - exponent).clamp(1.0, 60.0);
        let [a, b] = ratios.map(|ratio| (ratio * shift.exp2()).round().min(f64::from(1 << 30)));
        Terms { a: a as i32, b: b as i32, shift: shift as u32 }
    }

    /// The factors of a product.
    pub fn product_terms(&self) -> Terms {
        let factor = f64::from(self.a.scale) * f64::from(self.b.scale) / f64::from(self.y.scale);
        let Fixed { mantissa, shift } = Fixed::of((factor as f32).min(f32::MAX));
        Terms { a: mantissa as i32, b: 1, shift }
    }

    /// `a + b` without floats.
    pub fn add_fixed(&self, a: u8, b: u8) -> u8 {
        let terms = self.sum_terms();
        let [a, b] = self.operands(terms, a, b);
        self.bounds.apply(nearest(shifted(a + b, terms.shift), self.y.zero))
    }

    /// `a * b` without floats.
    pub fn mul_fixed(&self, a: u8, b: u8) -> u8 {
        let terms = self.product_terms();
        let [a, b] = self.operands(terms, a, b);
        self.bounds.apply(nearest(shifted(a * b, terms.shift), self.y.zero))
    }

    fn operands(&self, terms: Terms, a: u8, b: u8) -> [i64; 2] {
        let term =
            |q: u8, zero: u8, factor: i32| (i64::from(q) - i64::from(zero)) * i64::from(factor);
        [term(a, self.a.zero, terms.a), term(b, self.b.zero, terms.b)]
    }
}

impl QPair {
    /// The factors of a sum for [`Arithmetic::Tflite`].
    pub fn shares(&self) -> Shares {
        Shares::of([self.a.scale, self.b.scale], self.y.scale)
    }

    /// The factor of a product for [`Arithmetic::Tflite`], which multiplies scales in f32.
    pub fn twice(&self) -> Twice {
        Twice::of(self.factor().into())
    }

    /// `a + b` as TensorFlow Lite rounds it.
    pub fn add_twice(&self, a: u8, b: u8) -> u8 {
        let Shares { of, whole } = self.shares();
        let share = |q: u8, zero: u8, factor: Twice| factor.scaled(steps(q, zero) << tflite::LIFT);
        let sum = share(a, self.a.zero, of[0]) + share(b, self.b.zero, of[1]);
        self.bounds.apply(whole.byte(sum, self.y.zero))
    }

    /// `a * b` as TensorFlow Lite rounds it.
    pub fn mul_twice(&self, a: u8, b: u8) -> u8 {
        let product = steps(a, self.a.zero) * steps(b, self.b.zero);
        self.bounds.apply(self.twice().byte(product, self.y.zero))
    }
}

fn steps(q: u8, zero: u8) -> i32 {
    i32::from(q) - i32::from(zero)
}
