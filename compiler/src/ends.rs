//! What a user wants at both ends of a network: pictures as cameras give them, answers as programs use them.
//!
//! Both are spelled in operators of the graph before any pass sees it, so the oracle answers for them, and passes fold
//! them into the layers beside them.

mod answer;
mod picture;
mod signed;

use crate::error::Result;
use crate::ir::Graph;

pub use answer::Answer;
pub use picture::{Form, Format, Picture};

/// Both ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ends {
    /// How the picture is given; as the model takes it, where there is none.
    pub picture: Option<Picture>,
    /// What the network gives.
    pub answer: Answer,
}

impl Ends {
    /// Makes `graph`, as read, take and give what is wanted, and floats in the place of signed bytes.
    pub fn fit(&self, graph: &mut Graph) -> Result<()> {
        signed::widen(graph);
        if let Some(picture) = &self.picture {
            picture.fit(graph)?;
        }
        self.answer.fit(graph)
    }
}
