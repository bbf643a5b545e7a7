//! Inputs and outputs of firmware: what it declares for them, and how the host reads its answer.

use crate::Artifact;
use crate::executable::harness::{ROW_OF_PLANES, fed, told};
use crate::executable::outputs;
use crate::interp::Array;
use crate::ir::{Dtype, Values};
use crate::schedule::Port;

/// The firmware's module of its ports.
pub(super) fn text(artifact: &Artifact) -> String {
    let (inputs, outputs) = (&artifact.schedule.inputs, &outputs(artifact));
    let inputs_text: String = inputs.iter().enumerate().map(input).collect();
    let outputs_text: String = outputs.iter().enumerate().map(output).collect();
    let several = inputs.len() > 1;
    let intakes = artifact.schedule.intakes.iter().enumerate();
    let (fills, arguments): (Vec<String>, Vec<String>) =
        intakes.map(|(at, intake)| fed(intake, &format!("x{at}"), at, several)).unzip();
    let ranking = artifact.schedule.ranking;
    let lent = if ranking.is_some() { 0 } else { outputs.len() };
    let lends: String = (0..lent).map(|at| format!(", y{at}")).collect();
    let (answer, told) = told(ranking);
    let views: String = inputs.iter().enumerate().map(view).collect();
    let borrows: String =
        (0..outputs.len()).map(|at| format!("    let y{at} = Y{at}.lend();\n")).collect();
    let tells: String =
        (0..outputs.len()).map(|at| format!("    told(Y{at}.bytes());\n")).collect();
    let rows = if artifact.schedule.asks_for_rows() { "_rows" } else { "" };
    format!(
        "//! The ports of the network.\n\nuse super::{{Input, Shared, net}};\n\n{inputs_text}{outputs_text}\n\
         pub fn infer(arena: &mut net::Arena) {{\n{views}{borrows}    {}\
         {answer}super::timed(|| net::infer{rows}(arena{}{lends}));\n{told}}}\n\n\
         #[unsafe(link_section = \".harness\")]\npub fn tell(told: impl Fn(&[u8])) {{\n{tells}}}\n\n{ROW_OF_PLANES}",
        fills.concat(),
        arguments.concat(),
    )
}

fn input((at, port): (usize, &Port)) -> String {
    let size = if port.dtype == Dtype::U8 { 1 } else { 4 };
    let bytes = port.shape.iter().product::<usize>() * size;
    format!(
        "#[unsafe(link_section = \".inputs\")]\n\
         static X{at}: Input<{bytes}> = Input(*include_bytes!(\"input_{at}.bin\"));\n"
    )
}

fn view((at, port): (usize, &Port)) -> String {
    let kind = if port.dtype == Dtype::U8 { "bytes" } else { "floats" };
    format!("    let x{at} = X{at}.{kind}();\n")
}

fn output((at, port): (usize, &Port)) -> String {
    let len: usize = port.shape.iter().product();
    let (name, zero) = match port.dtype {
        Dtype::U8 => ("u8", "0"),
        Dtype::I32 => ("i32", "0"),
        Dtype::I64 => ("i64", "0"),
        Dtype::I8 | Dtype::F32 | Dtype::F16 | Dtype::Bf16 => ("f32", "0.0"),
    };
    format!("static Y{at}: Shared<[{name}; {len}]> = Shared::new([{zero}; {len}]);\n")
}

/// An input as the firmware holds it.
pub(super) fn bytes(input: &Array) -> Vec<u8> {
    match &input.values {
        Values::U8(bytes) => bytes.clone(),
        values => {
            let floats = values.as_f32().unwrap_or_default();
            floats.iter().flat_map(|x| x.to_le_bytes()).collect()
        }
    }
}

/// Bytes of all outputs.
pub(super) fn answer_bytes(outputs: &[Port]) -> usize {
    outputs.iter().map(|port| port.shape.iter().product::<usize>() * size(port)).sum()
}

/// The outputs in what the firmware wrote, as floats; `None` if there is too little.
pub(super) fn answers(outputs: &[Port], mut said: &[u8]) -> Option<Vec<Array>> {
    let mut answer = |port: &Port| {
        let len: usize = port.shape.iter().product();
        let (bytes, rest) = said.split_at_checked(len * size(port))?;
        said = rest;
        let values = bytes.chunks_exact(size(port)).map(|bytes| float(port.dtype, bytes));
        Some(Array::f32(port.shape.clone(), values.collect()))
    };
    outputs.iter().map(&mut answer).collect()
}

fn size(port: &Port) -> usize {
    match port.dtype {
        Dtype::U8 => 1,
        Dtype::I64 => 8,
        Dtype::I8 | Dtype::I32 | Dtype::F32 | Dtype::F16 | Dtype::Bf16 => 4,
    }
}

/// A number of an output as a float.
fn float(dtype: Dtype, bytes: &[u8]) -> f32 {
    let word = |bytes: &[u8]| bytes.try_into().unwrap_or_default();
    match dtype {
        Dtype::U8 => f32::from(bytes[0]),
        Dtype::I32 => i32::from_le_bytes(word(bytes)) as f32,
        Dtype::I64 => bytes.try_into().map_or(0.0, |bytes| i64::from_le_bytes(bytes) as f32),
        Dtype::I8 | Dtype::F32 | Dtype::F16 | Dtype::Bf16 => f32::from_le_bytes(word(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_the_order_of_the_outputs() {
        let port = |dtype, shape: &[usize]| Port { name: "y".into(), shape: shape.to_vec(), dtype };
        let ports = [port(Dtype::U8, &[2]), port(Dtype::F32, &[1]), port(Dtype::I64, &[1])];
        let said = [&[7, 9][..], &1.5_f32.to_le_bytes(), &(-3_i64).to_le_bytes()].concat();
        let read = answers(&ports, &said).expect("all is there");
        let values: Vec<&[f32]> = read.iter().filter_map(|array| array.values.as_f32()).collect();
        assert_eq!(values, [&[7.0, 9.0][..], &[1.5], &[-3.0]]);
        assert_eq!(answers(&ports, &said[..9]), None);
        assert_eq!(answer_bytes(&ports), said.len());
    }
}
