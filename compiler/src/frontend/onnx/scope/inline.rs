//! Reads bodies in place of nodes: of functions, branches and loops.

use crate::frontend::onnx::body::Body;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::function::Key;
use crate::frontend::onnx::scope::{Scope, stored};
use crate::frontend::onnx::{fold, wiring};
use crate::proto::NodeProto;

/// Most functions that may be inside each other.
const MAX_DEPTH: usize = 32;

impl Scope {
    /// Reads the nodes of function `key` in place of `node`.
    pub(super) fn inline(&mut self, key: Key, node: &NodeProto) -> Made {
        if self.active.contains(&key) {
            return Err(Fault::Misfit("its function calls itself".into()));
        }
        if self.active.len() >= MAX_DEPTH {
            return Err(Fault::Unsupported(format!(
                "more than {MAX_DEPTH} functions in each other"
            )));
        }
        let body = self.functions.body(&key, node, &mut self.room)?;
        self.active.push(key);
        let made = self.read_body(node, body);
        self.active.pop();
        made
    }

    /// Reads the nodes of `body` in place of `node`, and binds its results.
    pub(super) fn read_body(&mut self, node: &NodeProto, mut body: Body) -> Made {
        let initializers: Vec<_> = stored(&mut body.graph).collect();
        for (name, constant) in initializers {
            if self.is_made(&name) || self.stored.insert(name.clone(), constant).is_some() {
                return Err(Fault::Misfit(format!("{name:?} inside is made twice")));
            }
        }
        let known = |name: &str| self.is_made(name) || self.stored.contains_key(name);
        let order = wiring::order(&body.graph, &known)?;
        let inside = body.opset.unwrap_or(self.opset);
        let outside = std::mem::replace(&mut self.opset, inside);
        if body.opset.is_some() {
            self.check_opset();
        }
        for index in order {
            self.read(&body.graph.node[index]);
        }
        self.opset = outside;
        for truth in &body.truths {
            self.check_truth(truth)?;
        }
        for (from, to) in body.results.iter().zip(&node.output) {
            if !to.is_empty() {
                self.bind(from, to)?;
            }
        }
        Ok(Vec::new())
    }

    /// Gives the value of `from` a second name, unless it has that name.
    pub(super) fn bind(&mut self, from: &str, to: &str) -> Result<(), Fault> {
        if from == to {
            return Ok(());
        }
        if self.is_lost(from) {
            self.lost.insert(to.to_owned());
        } else if let Some(tensors) = self.sequences.get(from).cloned() {
            self.sequences.insert(to.to_owned(), tensors);
        } else {
            let id = self.operand(from)?;
            let id = id.ok_or_else(|| Fault::Misfit("a result inside is left out".into()))?;
            self.known.insert(to.to_owned(), id);
        }
        Ok(())
    }

    /// The fault of a loop's condition that is not constant and true.
    fn check_truth(&mut self, name: &str) -> Result<(), Fault> {
        if self.is_lost(name) {
            return Ok(());
        }
        let id = self.operand(name)?;
        match id.and_then(|id| self.graph.constant(id)).and_then(fold::ints) {
            Some(values) if values.iter().all(|value| *value != 0) => Ok(()),
            Some(_) => Err(Fault::Unsupported("a condition that ends it before its count".into())),
            None => Err(Fault::Unsupported("a condition that is computed at run time".into())),
        }
    }
}
