//! Stage after stage over whole values.

use crate::lower::Lowering;
use crate::program::{Span, Statement};

impl Lowering<'_> {
    /// The calls of a step whose stages each make all of their rows before the next begins; two may go by panels.
    pub(super) fn whole(&self) -> Vec<Statement> {
        let pair = self.paneled();
        let mut body = Vec::new();
        for (at, stage) in self.stages().iter().enumerate() {
            match &pair {
                Some(pair) if at == pair.start => body.extend(self.by_panels(pair)),
                Some(pair) if pair.contains(&at) => {}
                _ => body.extend(self.call(at, Span::below(stage.height))),
            }
        }
        body
    }
}
