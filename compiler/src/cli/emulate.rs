//! `mnv2c bench --emulate`: one inference as firmware of an emulated board, counted and compared with this machine's.

use mnv2c::error::Result;
use mnv2c::executable::firmware::{self, Emulated};
use mnv2c::files::Scratch;
use mnv2c::interp::Array;
use mnv2c::ir::{Arithmetic, Dtype, Values};
use mnv2c::schedule::Port;
use mnv2c::target::Target;
use mnv2c::{Artifact, executable, printed};
use serde_json::{Value, json};

use crate::cli::args::{Asked, Format};
use crate::cli::build::for_target;
use crate::cli::progress::Progress;
use crate::cli::run::infer;
use crate::cli::{Done, Outcome, output};

/// The largest difference of floats from those of this machine, by their largest magnitude, at which answers are alike.
const TOLERANCE: f32 = 1e-5;

/// A network on an emulated board.
struct Bench {
    name: String,
    artifact: Artifact,
    emulated: Emulated,
    /// The largest difference from the answer of this machine, by the largest magnitude of an output.
    error: f32,
}

pub(crate) fn run(asked: Asked<'_>, format: Format) -> Done {
    let target = asked.request.target();
    firmware::board(&target)?;
    let bench = bench(asked, target)?;
    match format {
        Format::Json => output::json(&bench.as_json())?,
        Format::Human => output::line(&bench.table())?,
    }
    Ok(if bench.is_exact() { Outcome::Well } else { Outcome::Failed })
}

fn bench(asked: Asked<'_>, target: Target) -> Result<Bench> {
    let mut progress = Progress::new(&format!("reading {}", asked.model.model));
    let (source, model) = asked.read()?;
    progress.say(&format!("compiling {} for {target}", source.name));
    let artifact = for_target(&source, model.clone(), asked.request, target)?;
    let inputs: Vec<Array> = artifact.schedule.inputs.iter().map(noise).collect();
    progress.say(&format!("building firmware of {} with rustc", source.name));
    let firmware = firmware::build(&artifact, &target, &inputs)?;
    progress.say(&format!("running {} on an emulated board", source.name));
    let emulated = firmware::run(&firmware.path, &artifact, &target)?;
    progress.say(&format!("running {} on this machine", source.name));
    let here = for_target(&source, model, asked.request, Target::GENERIC)?;
    let program = executable::build(&here, &Target::GENERIC)?;
    let (scratch, count) = (Scratch::new(&std::env::temp_dir())?, emulated.outputs.len());
    let expected = infer(None, &program.path, &inputs, count, &scratch.path, &scratch.path)?;
    let errors = emulated.outputs.iter().zip(&expected).map(|(is, be)| distance(is, be));
    let error = errors.fold(0.0, f32::max);
    Ok(Bench { name: source.name, artifact, emulated, error })
}

/// Bytes, or numbers from 0 to 1, the same each time.
fn noise(port: &Port) -> Array {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let (len, shape) = (port.shape.iter().product(), port.shape.clone());
    let values = std::iter::repeat_with(next).take(len);
    match port.dtype {
        Dtype::U8 => {
            Array { shape, values: Values::U8(values.map(|value| (value >> 16) as u8).collect()) }
        }
        Dtype::I8 | Dtype::I32 | Dtype::I64 | Dtype::F32 | Dtype::F16 | Dtype::Bf16 => {
            Array::f32(shape, values.map(|value| value as f32 / (1 << 24) as f32).collect())
        }
    }
}

/// The largest difference of two arrays, by the largest magnitude of the second; 0 only for equal bits.
fn distance(is: &Array, be: &Array) -> f32 {
    let (Some(is), Some(be)) = (is.values.as_f32(), be.values.as_f32()) else {
        return if is.values == be.values { 0.0 } else { f32::INFINITY };
    };
    if is.len() != be.len() {
        return f32::INFINITY;
    }
    let largest = be.iter().fold(f32::MIN_POSITIVE, |most, x| most.max(x.abs()));
    let differ = is.iter().zip(be).filter(|(is, be)| is.to_bits() != be.to_bits());
    let each = differ.map(|(is, be)| match (is - be).abs() / largest {
        far if far.is_nan() => f32::INFINITY,
        far => far.max(f32::MIN_POSITIVE),
    });
    each.fold(0.0, f32::max)
}

impl Bench {
    /// True if the answer is this machine's: to the bit of a quantised network, nearly of one in floats.
    fn is_exact(&self) -> bool {
        let most = if self.artifact.graph.is_quantised() { 0.0 } else { TOLERANCE };
        self.error <= most
    }

    fn instructions_per_mac(&self) -> f64 {
        self.emulated.instructions as f64 / self.artifact.facts.madds.max(1) as f64
    }

    fn cycles(&self) -> u64 {
        let each = self.artifact.target.core.instruction_millicycles as u64;
        self.emulated.instructions * each / 1000
    }

    /// The arithmetic that rounds sums of a quantised network.
    fn requant(&self) -> Option<&'static str> {
        let graph = &self.artifact.graph;
        graph.is_quantised().then_some(match graph.arithmetic {
            Arithmetic::Float => "float",
            Arithmetic::Fixed => "fixed",
            Arithmetic::Tflite | Arithmetic::TfliteDense => "tflite",
        })
    }

    fn machine(&self) -> String {
        let board = self.artifact.target.platform.and_then(|platform| platform.board);
        board.map_or_else(String::new, |board| {
            format!("{} {}", board.emulator, board.machine.join(" "))
        })
    }

    fn as_json(&self) -> Value {
        let (artifact, emulated) = (&self.artifact, &self.emulated);
        json!({
            "model": self.name,
            "target": artifact.target.name,
            "machine": self.machine(),
            "requant": self.requant(),
            "macs": artifact.facts.madds,
            "instructions": emulated.instructions,
            "instructions_per_mac": self.instructions_per_mac(),
            "cycles_estimated": self.cycles(),
            "text_bytes": emulated.text_bytes,
            "weights_bytes": artifact.blob.bytes_len(),
            "arena_bytes": artifact.plan.arena_len,
            "stack_bytes": emulated.stack_bytes,
            "exact": self.is_exact(),
            "error": self.error,
        })
    }

    fn table(&self) -> String {
        let (artifact, emulated) = (&self.artifact, &self.emulated);
        let (target, name) = (artifact.target, printed::name(&self.name));
        let per_mac = self.instructions_per_mac();
        let macs = output::count(artifact.facts.madds);
        let per_cycle = target.core.instruction_millicycles as f64 / 1000.0;
        let rounded = self.requant().map(|by| format!(", requantised by {by}")).unwrap_or_default();
        let rows = [
            (
                "instructions",
                format!(
                    "{}, {per_mac:.2} for each of {macs} multiply-adds",
                    output::count(emulated.instructions)
                ),
            ),
            (
                "cycles",
                format!(
                    "about {}, estimated at {per_cycle} an instruction",
                    output::count(self.cycles())
                ),
            ),
            ("code", output::bytes(emulated.text_bytes)),
            ("weights", output::bytes(artifact.blob.bytes_len())),
            ("arena", output::bytes(artifact.plan.arena_len)),
            ("stack", format!("{} bytes", emulated.stack_bytes)),
            ("answer", format!("{}{rounded}", self.verdict())),
        ];
        let rows = rows.iter().map(|(what, value)| format!("\n  {what:14}{value}"));
        format!("{name} on {target}, emulated by {}{}", self.machine(), rows.collect::<String>())
    }

    fn verdict(&self) -> String {
        match self.error {
            0.0 => "the same as on this machine, to the bit".to_owned(),
            error if self.is_exact() => format!("the same as on this machine, but for {error:.1e}"),
            error => {
                format!("NOT that of this machine: {error:.1e} of the largest magnitude apart")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_equal_bits_are_no_distance_apart() {
        let array = |values: &[f32]| Array::f32(vec![values.len()], values.to_vec());
        assert_eq!(distance(&array(&[1.0, f32::NAN]), &array(&[1.0, f32::NAN])), 0.0);
        assert!(distance(&array(&[0.0]), &array(&[-0.0])) > 0.0);
        assert_eq!(distance(&array(&[1.0, 4.0]), &array(&[1.5, 4.0])), 0.125);
        assert_eq!(distance(&array(&[1.0]), &array(&[1.0, 2.0])), f32::INFINITY);
        assert_eq!(distance(&array(&[f32::NAN]), &array(&[1.0])), f32::INFINITY);
        let counts =
            |values: &[i32]| Array { shape: vec![1], values: Values::I32(values.to_vec()) };
        assert_eq!(distance(&counts(&[7]), &counts(&[7])), 0.0);
        assert_eq!(distance(&counts(&[7]), &counts(&[8])), f32::INFINITY);
    }

    #[test]
    fn made_up_inputs_are_the_same_each_time() {
        let port = |dtype| Port { name: "x".into(), shape: vec![1, 3], dtype };
        assert_eq!(noise(&port(Dtype::F32)), noise(&port(Dtype::F32)));
        assert!(matches!(noise(&port(Dtype::U8)).values, Values::U8(bytes) if bytes.len() == 3));
    }
}
