//! Graph, as read -> Graph, as kernels run it: one way for every verb, so that they agree on what is supported.
//!
//! Model inputs and outputs first, which passes fold into the layers beside them; then the passes; then how numbers are stored. What stands
//! in the way of the network itself is told before what stands in the way of an option.

use crate::error::Result;
use crate::ir::{Arithmetic, Graph};
use crate::model_io::ModelIo;
use crate::objective::Memory;
use crate::pass::{self, Log};
use crate::schedule::support;

/// Brings `graph` to what kernels run, or says why none do. `watcher` sees it after each pass.
pub fn prepare(
    graph: &mut Graph,
    memory: Memory,
    ends: &ModelIo,
    watcher: impl FnMut(&'static str, &Graph, usize),
) -> Result<Log> {
    ends.fit(graph)?;
    let log = pass::run_all(graph, watcher)?;
    support::operators(graph)?;
    if graph.arithmetic == Arithmetic::Fixed {
        pass::legalize_quant::floats::refuse(graph)?;
    }
    pass::feed_bytes::run(graph, memory.feed);
    pass::lower_precision::run(graph, memory)?;
    Ok(log)
}
