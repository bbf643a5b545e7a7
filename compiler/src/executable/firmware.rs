//! A compiled network as firmware of a board that is emulated: built by the user's `rustc` and kept by content.
//!
//! The crate is `no_std` and holds all it needs: start-up, the emitted file, the runtime, the weights, and the inputs of
//! its one inference. It writes what it answered and counted into a file of the host by semihosting.

mod link;
mod ports;

use std::path::Path;

use crate::Artifact;
use crate::error::mention::given;
use crate::error::{Error, Result};
use crate::executable::rustc::Rustc;
use crate::executable::{BLOB_NAME, Crate, Program, emulator, outputs};
use crate::interp::Array;
use crate::standalone;
use crate::target::{Board, Platform, Start, Target, Timer};

/// Bytes that the firmware keeps for its stack.
const STACK_BYTES: usize = 128 << 10;

/// One inference on an emulated board.
#[derive(Clone, Debug, PartialEq)]
pub struct Emulated {
    /// Instructions from the call of `infer` to its return.
    pub instructions: u64,
    /// Bytes of stack that it took.
    pub stack_bytes: usize,
    /// Bytes of code, of constants beside the weights, and of memory that starts with values.
    pub text_bytes: usize,
    /// The answer.
    pub outputs: Vec<Array>,
}

/// The board that runs programs of `target` under emulation.
pub fn board(target: &Target) -> Result<(&'static Platform, Board)> {
    let found = target.platform.and_then(|platform| Some((platform, platform.board?)));
    let one_thread = found.filter(|_| target.threads == 1);
    one_thread.ok_or_else(|| {
        Error::Spec(match found {
            Some(_) => "an emulated board has one core; leave out --threads".to_owned(),
            None => format!(
                "{target} is not emulated; take one that is, such as {} or {}",
                given("target", "cortex-m4"),
                given("target", "armv8")
            ),
        })
    })
}

/// The firmware of `artifact`, which was compiled for `target` with weights called [`BLOB_NAME`]; it infers from `inputs`.
pub fn build(artifact: &Artifact, target: &Target, inputs: &[Array]) -> Result<Program> {
    let (platform, board) = board(target)?;
    let rustc = Rustc::find()?;
    rustc.check(platform.triple)?;
    let bytes: Vec<Vec<u8>> = inputs.iter().map(ports::bytes).collect();
    let room = link::Room {
        code_bytes: artifact.blob.bytes_len() + bytes.iter().map(Vec::len).sum::<usize>(),
        data_bytes: artifact.plan.arena_len + ports::answer_bytes(&outputs(artifact)),
    };
    let (start, machine) = machine(&board);
    let mut files = vec![
        ("main.rs".to_owned(), include_bytes!("firmware/main.rs").to_vec()),
        ("machine.rs".to_owned(), machine.into()),
        ("ports.rs".to_owned(), ports::text(artifact).into_bytes()),
        ("net.rs".to_owned(), network(artifact).into_bytes()),
        (BLOB_NAME.to_owned(), artifact.blob.file()),
        ("link.x".to_owned(), link::script(&board, start, room)?.into_bytes()),
    ];
    let named = bytes.into_iter().enumerate().map(|(at, bytes)| (format!("input_{at}.bin"), bytes));
    files.extend(named);
    Crate { files, flags: flags(platform) }.program(&rustc)
}

/// Runs the firmware of `artifact` for `target`.
pub fn run(firmware: &Path, artifact: &Artifact, target: &Target) -> Result<Emulated> {
    let (_, board) = board(target)?;
    let said = emulator::run(&board, firmware)?;
    let short = || Error::Program("the emulated board wrote a part of its answer".into());
    let (counts, answer) = said.split_first_chunk::<24>().ok_or_else(short)?;
    let [instructions, stack_bytes, text_bytes] = *counts.as_chunks::<8>().0 else {
        return Err(short());
    };
    let size = |bytes| u64::from_le_bytes(bytes) as usize;
    if size(stack_bytes) + 1024 > STACK_BYTES {
        let most = STACK_BYTES >> 10;
        let what =
            format!("the inference took the whole stack of {most} KiB that the firmware has");
        return Err(Error::Program(what));
    }
    Ok(Emulated {
        instructions: u64::from_le_bytes(instructions),
        stack_bytes: size(stack_bytes),
        text_bytes: size(text_bytes),
        outputs: ports::answers(&outputs(artifact), answer).ok_or_else(short)?,
    })
}

/// The emitted file and the runtime, the weights in a section of their own.
fn network(artifact: &Artifact) -> String {
    let apart = "#[unsafe(link_section = \".weights\")]\n    static BLOB:";
    let rust = artifact.rust.replacen("static BLOB:", apart, 1);
    format!("{rust}\n{}", standalone::runtime())
}

/// The first symbol of a board's firmware, and the text of its start-up.
fn machine(board: &Board) -> (&'static str, String) {
    match board.start {
        Start::CortexM(timer) => {
            let text = include_str!("firmware/cortex_m.rs");
            ("reset", format!("{text}\n{}", constant(&timer)))
        }
        Start::Riscv => ("_start", include_str!("firmware/riscv.rs").to_owned()),
        Start::Aarch64 => ("_start", include_str!("firmware/aarch64.rs").to_owned()),
    }
}

fn constant(timer: &Timer) -> String {
    let Timer { start, value, falls, instructions, ticks } = timer;
    let mask = if *falls { u32::MAX } else { 0 };
    format!(
        "const TIMER: Timer = Timer {{\n    start: &{start:?},\n    value: {value},\n    mask: {mask},\n    \
         instructions: {instructions},\n    ticks: {ticks},\n}};\n"
    )
}

/// Flags of `rustc` beside the files.
fn flags(platform: &Platform) -> Vec<String> {
    let Platform { triple, cpu, features, .. } = platform;
    let settings = ["opt-level=3", "codegen-units=1", "panic=abort", "strip=symbols"];
    let links = ["linker=rust-lld", "link-arg=-Tlink.x", "relocation-model=static"];
    let mut flags = vec!["--edition=2024".to_owned(), "--crate-name=network".to_owned()];
    flags.extend(["--cap-lints=allow".to_owned(), format!("--target={triple}")]);
    flags.extend(settings.iter().chain(&links).map(|setting| format!("-C{setting}")));
    let chosen = [("target-cpu", cpu), ("target-feature", features)];
    let chosen = chosen.iter().filter(|(_, value)| !value.is_empty());
    flags.extend(chosen.map(|(flag, value)| format!("-C{flag}={value}")));
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_without_a_board_say_which_have_one() {
        let error = board(&Target::X86_64_V3).expect_err("no board has it").to_string();
        assert!(error.contains("x86-64-v3 is not emulated"), "{error}");
        let threads = Target { threads: 2, ..Target::CORTEX_M4 };
        assert!(board(&threads).expect_err("one core").to_string().contains("one core"));
        assert!(board(&Target::CORTEX_M4).is_ok());
    }

    #[test]
    fn flags_name_the_core() {
        let flags = flags(&Platform::CORTEX_M33).join(" ");
        assert!(flags.contains("--target=thumbv8m.main-none-eabihf"), "{flags}");
        assert!(flags.ends_with("-Ctarget-cpu=cortex-m33"), "{flags}");
    }
}
