//! The command line of mnv2c: files, standard output and exit codes; the work is the library's.
#![forbid(unsafe_code)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
