//! QEMU at work: one run of firmware, bounded in time, in which every instruction takes a nanosecond.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::files::{self, Scratch};
use crate::target::Board;

/// The time after which firmware counts as hanging.
const PATIENCE: Duration = Duration::from_secs(900);

/// Codes by which firmware ends.
const PANICKED: i32 = 101;
const FAULTED: i32 = 102;

/// The bytes that `firmware` wrote on `board`.
pub(super) fn run(board: &Board, firmware: &Path) -> Result<Vec<u8>> {
    let scratch = Scratch::new(&std::env::temp_dir())?;
    let firmware = std::path::absolute(firmware).unwrap_or_else(|_| firmware.to_path_buf());
    let mut command = Command::new(board.emulator);
    command.args(board.machine).args(["-icount", "shift=0", "-net", "none", "-display", "none"]);
    command.args(["-monitor", "none", "-serial", "none", "-semihosting-config"]);
    command.args(["enable=on,target=native", "-kernel"]).arg(firmware);
    command.current_dir(&scratch.path).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child =
        command.stderr(Stdio::piped()).spawn().map_err(|error| missing(board, &error))?;
    let status = wait(&mut child)?;
    let mut complaint = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        // What cannot be read is not needed either.
        let _ = stderr.read_to_string(&mut complaint);
    }
    match status.code() {
        Some(0) => files::read(&scratch.path.join("answer")),
        code => Err(failed(board, code, &complaint)),
    }
}

/// The end of a run, or an error after [`PATIENCE`].
fn wait(child: &mut Child) -> Result<ExitStatus> {
    let start = Instant::now();
    let lost = |error| Error::Program(format!("the emulator is lost: {error}"));
    let mut pause = Duration::from_millis(2);
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().map_err(lost)? {
            return Ok(status);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
    child.kill().and_then(|()| child.wait()).map_err(lost)?;
    let seconds = PATIENCE.as_secs();
    Err(Error::Program(format!(
        "the emulated board did not answer within {seconds} s, and was stopped"
    )))
}

fn missing(board: &Board, error: &std::io::Error) -> Error {
    let Board { emulator, package, .. } = board;
    Error::Program(format!(
        "{emulator} does not start: {error}; install QEMU 7.2 or later, as by `apt-get install {package}`"
    ))
}

fn failed(board: &Board, code: Option<i32>, complaint: &str) -> Error {
    let what = match code {
        Some(PANICKED) => "the network panicked on the emulated board".to_owned(),
        Some(FAULTED) => {
            "the emulated board faulted: its stack is too small, or it lacks an instruction"
                .to_owned()
        }
        _ => {
            let said: Vec<&str> =
                complaint.lines().filter(|line| !line.contains("warning:")).take(3).collect();
            format!("{} failed: {}", board.emulator, said.join("; "))
        }
    };
    Error::Program(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulator_that_is_not_there_says_its_package() {
        let board = Board { emulator: "qemu-system-none-such", ..Board::MPS2_AN386 };
        let error = run(&board, Path::new("firmware")).expect_err("it is not there").to_string();
        assert!(error.contains("apt-get install qemu-system-arm"), "{error}");
    }

    #[test]
    fn an_end_by_a_code_is_explained() {
        let said = |code| failed(&Board::MPS2_AN386, code, "x: warning: y\nbad board").to_string();
        assert!(said(Some(PANICKED)).contains("panicked"));
        assert!(said(Some(FAULTED)).contains("faulted"));
        assert!(said(Some(1)).ends_with("qemu-system-arm failed: bad board"), "{}", said(Some(1)));
    }
}
