//! Model inputs and outputs as a user wants them: images as cameras give them, answers as programs use them.
//!
//! Both are written in operators of the graph before any pass sees it, so the oracle answers for them, and passes fold
//! them into the layers beside them.

mod answer;
mod picture;
mod signed;

use crate::error::Result;
use crate::ir::Graph;

pub use answer::Answer;
pub use picture::{Form, Format, Picture};

/// The form of the model's inputs and outputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelIo {
    /// The form of the input image; as the model takes it, if absent.
    pub picture: Option<Picture>,
    /// The form of the output.
    pub answer: Answer,
}

impl ModelIo {
    /// Makes `graph`, as read, take and give what is wanted, and floats in the place of signed bytes.
    pub fn fit(&self, graph: &mut Graph) -> Result<()> {
        signed::widen(graph);
        if let Some(picture) = &self.picture {
            picture.fit(graph)?;
        }
        self.answer.fit(graph)
    }
}
