//! Random weights that behave: He's initialisation, and for each norm the statistics that its convolution is expected
//! to have, so that every norm's result has a mean near 0 and a deviation near 1, at any depth.

use crate::frontend::spec::layers::{Part, Role, Unit};
use crate::frontend::spec::weights::{Padding, Style, UnitNumbers};
use crate::random::Random;

pub(super) const STYLE: Style = Style {
    padding: Padding::Same,
    epsilon: 1e-3,
    note: "weights are random; windows of stride 2 are padded below and right, \
           as TensorFlow's SAME",
};

/// The expected moments of an image, or of a norm's result.
const NORMAL: Moments = Moments { mean: 0.0, variance: 1.0 };
/// ReLU6 of a normal variable: mean `1/sqrt(2 pi)`, second moment one half.
const CLAMPED: Moments = Moments { mean: 0.398_942_3, variance: 0.340_845 };

/// See the file's documentation.
pub(in crate::frontend::spec) struct Drawn {
    random: Random,
    /// Of what the next unit reads.
    input: Moments,
}

/// Expected mean and variance of an element.
#[derive(Clone, Copy)]
struct Moments {
    mean: f32,
    variance: f32,
}

impl Drawn {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), input: NORMAL }
    }

    pub(super) fn part(&mut self, part: &Part) -> Vec<UnitNumbers> {
        let before = self.input;
        let units = part.units.iter().map(|unit| self.unit(unit)).collect();
        if part.residual {
            self.input.mean += before.mean;
            self.input.variance += before.variance;
        }
        units
    }

    pub(super) fn classifier(mut self, classes: usize, features: usize) -> [Vec<f32>; 2] {
        let bound = (12.0 / features as f32).sqrt();
        let weight = self.random.uniforms(classes * features, -bound, bound);
        [weight, self.random.uniforms(classes, -0.5, 0.5)]
    }

    fn unit(&mut self, unit: &Unit) -> UnitNumbers {
        let [c_out, c_in, kh, kw] = unit.shape();
        let fan_in = c_in * kh * kw;
        let bound = (6.0 / fan_in as f32).sqrt();
        let weight = self.random.uniforms(c_out * fan_in, -bound, bound);
        let norm = self.norm(&weight, fan_in);
        self.input = match unit.role {
            Role::Project => NORMAL,
            Role::Alone | Role::Expand | Role::Depthwise => CLAMPED,
        };
        UnitNumbers { weight, norm }
    }

    /// Scale and bias near 1 and 0, and the mean and variance that each filter gives independent inputs.
    fn norm(&mut self, weight: &[f32], fan_in: usize) -> [Vec<f32>; 4] {
        let filters = || weight.chunks_exact(fan_in);
        let len = filters().len();
        let Moments { mean, variance } = self.input;
        [
            self.random.uniforms(len, 0.8, 1.2),
            self.random.uniforms(len, -0.2, 0.2),
            filters().map(|w| mean * w.iter().sum::<f32>()).collect(),
            filters().map(|w| variance * w.iter().map(|w| w * w).sum::<f32>()).collect(),
        ]
    }
}
