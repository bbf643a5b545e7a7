//! Kinds of recurrent layers.

/// Kinds of recurrent layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::frontend::onnx) enum Kind {
    /// `h = f(x W + h R + b)`.
    Rnn,
    /// Update and reset gates (Cho et al. 2014).
    Gru,
    /// Input, output and forget gates, and a cell beside the state (Hochreiter and Schmidhuber 1997).
    Lstm,
}

impl Kind {
    /// Rows of `hidden` in its weights.
    pub(super) fn gates(self) -> usize {
        match self {
            Self::Rnn => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }

    /// Functions of one direction, as ONNX has them where a file says nothing.
    pub(super) fn functions(self) -> &'static [&'static str] {
        match self {
            Self::Rnn => &["Tanh"],
            Self::Gru => &["Sigmoid", "Tanh"],
            Self::Lstm => &["Sigmoid", "Tanh", "Tanh"],
        }
    }
}
