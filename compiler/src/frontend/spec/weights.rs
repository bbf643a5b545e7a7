//! Sources of a spec's numbers: a safetensors file, or a seed.

mod drawn;
mod stored;

use crate::error::Result;
use crate::frontend::spec::layers::Part;
use drawn::Drawn;
use stored::Stored;

/// The source of the numbers.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// Random numbers, the same for the same seed, with statistics that keep activations in a healthy range.
    Random {
        /// Chooses the numbers.
        seed: u64,
    },
    /// The bytes of a safetensors file of f32, f16 or bf16 tensors, named as here (`block2.expand.weight`,
    /// `block2.expand.bn.running_mean`) or as torchvision names them (`features.2.conv.0.0.weight`).
    Safetensors(&'a [u8]),
}

/// The numbers of one convolution and its norm.
pub(super) struct UnitNumbers {
    pub(super) weight: Vec<f32>,
    /// Scale, bias, mean and variance.
    pub(super) norm: [Vec<f32>; 4],
}

/// Properties of the network that follow from the source of the numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Style {
    pub(super) padding: Padding,
    /// Of every norm.
    pub(super) epsilon: f32,
    /// For the reader of the report.
    pub(super) note: &'static str,
}

/// The padding of windows at the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// Just enough for one output per `stride` inputs, the odd one below and right, as TensorFlow.
    Same,
    /// Half the window on each side.
    Symmetric,
}

/// Hands out the numbers part by part.
pub(super) enum Source<'a> {
    Drawn(Drawn),
    Stored(Stored<'a>),
}

impl<'a> Source<'a> {
    pub(super) fn open(weights: Weights<'a>) -> Result<Self> {
        Ok(match weights {
            Weights::Random { seed } => Self::Drawn(Drawn::new(seed)),
            Weights::Safetensors(bytes) => Self::Stored(Stored::open(bytes)?),
        })
    }

    pub(super) fn style(&self) -> Style {
        match self {
            Self::Drawn(_) => drawn::STYLE,
            Self::Stored(stored) => stored.style(),
        }
    }

    /// The numbers of each unit of `part`, the `index`-th of the network; parts are asked for in order.
    pub(super) fn part(&mut self, index: usize, part: &Part) -> Result<Vec<UnitNumbers>> {
        match self {
            Self::Drawn(drawn) => Ok(drawn.part(part)),
            Self::Stored(stored) => stored.part(index, part),
        }
    }

    /// Weights `[classes, features]` and bias of the dense layer, which is asked for last.
    pub(super) fn classifier(self, classes: usize, features: usize) -> Result<[Vec<f32>; 2]> {
        match self {
            Self::Drawn(drawn) => Ok(drawn.classifier(classes, features)),
            Self::Stored(stored) => stored.classifier(classes, features),
        }
    }
}
