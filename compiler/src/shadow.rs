//! Shadow execution: a program run over a memory in which every byte knows the value that lies there and its part of
//! it.
//!
//! What a program does depends on no numbers, so that one run proves it for its network, plan, feed and threads: each call
//! finds what the stages before it have made, in the row, column and channel that it reads; padding lies where windows
//! end; nothing is written past its memory or while the plan gives it to others; what a step leaves behind is whole.

mod access;
mod area;
mod cells;
mod numbers;
mod run;
mod versions;

use crate::Artifact;
use crate::error::Result;
use crate::interp::{Array, batch};
use crate::ir::Graph;
use crate::plan::Plan;
use crate::program::Program;
use crate::schedule::Schedule;
use crate::shadow::numbers::Numbers;
use crate::target::Target;

/// Proves that each call of a program reads what it should; else says which step, stage, memory and row.
pub fn check(
    graph: &Graph,
    schedule: &Schedule,
    plan: &Plan,
    program: &Program,
    target: &Target,
) -> Result<()> {
    run::Shadow::new(graph, schedule, plan, target).run(program).map(|_| ())
}

/// Outputs of a network for `inputs` when its program runs here, by the plain loops of the oracle; an error where a
/// call does not find the value that it should. Of a ranking, the scores; of a network with states, the first call.
pub fn execute(net: &Artifact, inputs: &[Array]) -> Result<Vec<Array>> {
    execute_calls(net, &[inputs.to_vec()]).map(|mut answers| answers.remove(0))
}

/// Outputs of each of several calls, as [`execute`] gives them. Between two calls the arena forgets all but the states.
pub fn execute_calls(net: &Artifact, calls: &[Vec<Array>]) -> Result<Vec<Vec<Array>>> {
    let mut kept = net.schedule.states.iter().map(|state| state.start.clone()).collect();
    let call = |inputs: &Vec<Array>| execute_call(net, inputs, &mut kept);
    calls.iter().map(call).collect()
}

/// Outputs of one call; what is `kept` becomes what the next call finds.
fn execute_call(net: &Artifact, inputs: &[Array], kept: &mut Vec<Vec<u8>>) -> Result<Vec<Array>> {
    let Artifact { graph, schedule, plan, program, target, blob, .. } = net;
    let mut answers = Vec::new();
    for at in 0..schedule.batch {
        let parts: Vec<Array> = match schedule.batch {
            1 => inputs.to_vec(),
            batch => inputs.iter().map(|x| batch::part(x, at, batch)).collect(),
        };
        let numbers = Numbers::new(graph, schedule, plan, blob, &parts, kept)?;
        let shadow = run::Shadow::new(graph, schedule, plan, target).with(numbers);
        let run::Answer { outputs, kept: next } = shadow.run(program)?;
        answers = if at == 0 { outputs } else { batch::joined(answers, &outputs) };
        *kept = next;
    }
    Ok(answers)
}
