//! Functions of the gates of recurrent layers.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::Fault;
use crate::frontend::onnx::recurrent::kind::Kind;
use crate::ir::{Clamp, Op, Unary};
use crate::proto::attribute_proto::AttributeType;

/// A function of a gate.
#[derive(Clone, Copy)]
pub(super) enum Function {
    /// `max(x, 0)`.
    Relu,
    /// Any other.
    Other(Unary),
}

impl Function {
    /// The operator that computes it.
    pub(super) fn op(self) -> Op {
        match self {
            Self::Relu => Op::Clamp(Clamp::RELU),
            Self::Other(f) => Op::Unary(f),
        }
    }
}

/// The functions of direction `at`: those of the file, or those of the operator.
pub(super) fn read(call: &Call<'_>, kind: Kind, at: usize) -> Result<Vec<Function>, Fault> {
    let usual = kind.functions();
    let strings = call.attribute("activations", AttributeType::Strings)?;
    let named: Vec<String> = match strings {
        Some(list) if !list.strings.is_empty() => {
            list.strings.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
        }
        _ => usual
            .iter()
            .map(|name| (*name).to_owned())
            .cycle()
            .take(usual.len() * (at + 1))
            .collect(),
    };
    let reals = |name: &str| -> Result<Vec<f32>, Fault> {
        let list = call.attribute(name, AttributeType::Floats)?;
        Ok(list.map_or_else(Vec::new, |list| list.floats.clone()))
    };
    let (alphas, betas) = (reals("activation_alpha")?, reals("activation_beta")?);
    let (mut alphas, mut betas) = (alphas.into_iter(), betas.into_iter());
    let mut read = Vec::new();
    for name in &named {
        read.push(function(name, &mut alphas, &mut betas)?);
    }
    let own = read.get(at * usual.len()..(at + 1) * usual.len());
    own.map(<[Function]>::to_vec).ok_or_else(|| {
        let (has, needs) = (named.len(), usual.len());
        Fault::Misfit(format!("{has} activations; each direction has {needs}"))
    })
}

/// The function of a name, with the next of the numbers that it takes.
fn function(
    name: &str,
    alphas: &mut impl Iterator<Item = f32>,
    betas: &mut impl Iterator<Item = f32>,
) -> Result<Function, Fault> {
    let mut alpha = |default| alphas.next().unwrap_or(default);
    Ok(Function::Other(match name.to_ascii_lowercase().as_str() {
        "relu" => return Ok(Function::Relu),
        "sigmoid" => Unary::Sigmoid,
        "tanh" => Unary::Tanh,
        "leakyrelu" => Unary::LeakyRelu(alpha(0.01)),
        "elu" => Unary::Elu(alpha(1.0)),
        "hardsigmoid" => Unary::HardSigmoid(alpha(0.2), betas.next().unwrap_or(0.5)),
        _ => {
            let known = "Elu, HardSigmoid, LeakyRelu, Relu, Sigmoid, Tanh";
            return Err(Fault::Unsupported(format!("activation {name:?}; supported: {known}")));
        }
    }))
}
