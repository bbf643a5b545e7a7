//! A network as a program: arrays in, arrays out; or its time.

mod net;
mod npy;
mod ports;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

const USAGE: &str = "usage: PROGRAM --input a.npy [--input b.npy] --output-dir DIR
       PROGRAM --bench RUNS [--threads N] [--input a.npy]";

/// Untimed runs before a measurement.
const WARM_UP: usize = 3;

use ports::{THREADS, Threads};

/// Static, so that it takes no room in the file and none on the stack.
static ARENA: Mutex<net::Arena> = Mutex::new(net::Arena::new());

/// An array that the network takes or gives.
pub struct Port {
    name: &'static str,
    shape: &'static [usize],
    bytes: bool,
}

/// Numbers that the network takes.
pub enum Numbers {
    Floats(Vec<f32>),
    Bytes(Vec<u8>),
}

impl Numbers {
    pub fn floats(&self) -> &[f32] {
        let Self::Floats(floats) = self else { unreachable!("types were checked") };
        floats
    }

    pub fn bytes(&self) -> &[u8] {
        let Self::Bytes(bytes) = self else { unreachable!("types were checked") };
        bytes
    }
}

impl Port {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Numbers {
    fn len(&self) -> usize {
        match self {
            Self::Floats(floats) => floats.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// Those of a call that takes `len`.
    fn of_call(&self, at: usize, len: usize) -> Self {
        match self {
            Self::Floats(floats) => Self::Floats(floats[at * len..][..len].to_vec()),
            Self::Bytes(bytes) => Self::Bytes(bytes[at * len..][..len].to_vec()),
        }
    }
}

/// Options of the command line.
#[derive(Default)]
struct Request {
    inputs: Vec<PathBuf>,
    output_dir: Option<PathBuf>,
    runs: Option<usize>,
}

enum Error {
    Usage(String),
    Failed(String),
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).and_then(|request| carry_out(&request)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Usage(what)) => {
            eprintln!("error: {what}\n{USAGE}");
            ExitCode::from(2)
        }
        Err(Error::Failed(what)) => {
            eprintln!("error: {what}");
            ExitCode::from(1)
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Request, Error> {
    let mut request = Request::default();
    while let Some(flag) = arguments.next() {
        if flag == "--help" {
            println!("{USAGE}");
            std::process::exit(0);
        }
        let value =
            arguments.next().ok_or_else(|| Error::Usage(format!("{flag} needs a value")))?;
        match flag.as_str() {
            "--input" => request.inputs.push(value.into()),
            "--output-dir" => request.output_dir = Some(value.into()),
            "--bench" => request.runs = Some(count(&flag, &value)?),
            "--threads" => {
                if count(&flag, &value)? > THREADS {
                    eprintln!(
                        "note: compiled for {THREADS}; --threads {value} changes nothing"
                    );
                }
            }
            _ => return Err(Error::Usage(format!("unknown flag {flag}"))),
        }
    }
    Ok(request)
}

fn count(flag: &str, value: &str) -> Result<usize, Error> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Error::Usage(format!("{flag} takes a number from 1, not {value:?}")))
}

fn carry_out(request: &Request) -> Result<(), Error> {
    match (request.runs, &request.output_dir) {
        (Some(runs), _) => bench(runs, &inputs(request)?),
        (None, Some(dir)) => {
            let inputs = read(&request.inputs)?;
            let calls = calls(&inputs)?;
            let answers: Vec<Vec<Vec<f32>>> = calls.iter().map(|inputs| infer(inputs)).collect();
            std::fs::create_dir_all(dir)
                .map_err(|error| Error::Failed(format!("{}: {error}", dir.display())))?;
            let each = if calls.len() > 1 { vec![calls.len()] } else { vec![] };
            for (at, port) in ports::OUTPUTS.iter().enumerate() {
                let path = dir.join(format!("output_{at}.npy"));
                let values: Vec<f32> =
                    answers.iter().flat_map(|outputs| outputs[at].iter().copied()).collect();
                let shape = [each.as_slice(), port.shape].concat();
                npy::write(&path, &shape, &values).map_err(Error::Failed)?;
            }
            Ok(())
        }
        (None, None) => Err(Error::Usage("give --output-dir or --bench".into())),
    }
}

/// The inputs of each call.
fn calls(inputs: &[Numbers]) -> Result<Vec<Vec<Numbers>>, Error> {
    let pairs = || inputs.iter().zip(ports::INPUTS);
    let count = pairs().map(|(numbers, port)| numbers.len() / port.len()).next().unwrap_or(1);
    if pairs().any(|(numbers, port)| numbers.len() != count * port.len()) {
        return Err(Error::Failed("the inputs hold different numbers of calls".into()));
    }
    let call = |at| pairs().map(|(numbers, port)| numbers.of_call(at, port.len())).collect();
    Ok((0..count).map(call).collect())
}

/// The user's inputs, or made-up ones if they gave none.
fn inputs(request: &Request) -> Result<Vec<Numbers>, Error> {
    if request.inputs.is_empty() {
        return Ok(ports::INPUTS.iter().map(noise).collect());
    }
    let mut calls = calls(&read(&request.inputs)?)?;
    Ok(calls.swap_remove(0))
}

fn read(paths: &[PathBuf]) -> Result<Vec<Numbers>, Error> {
    let (given, takes) = (paths.len(), ports::INPUTS.len());
    if given != takes {
        let names: Vec<&str> = ports::INPUTS.iter().map(|port| port.name).collect();
        let what = format!("{given} inputs are given; the network takes {takes}: {names:?}");
        return Err(Error::Failed(what));
    }
    let pairs = paths.iter().zip(ports::INPUTS);
    pairs
        .map(|(path, port)| npy::read(path, port).map_err(Error::Failed))
        .collect()
}

/// Bytes, or numbers from 0 to 1, the same each time.
fn noise(port: &Port) -> Numbers {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let values = std::iter::repeat_with(next).take(port.len());
    if port.bytes {
        Numbers::Bytes(values.map(|value| (value >> 16) as u8).collect())
    } else {
        Numbers::Floats(values.map(|value| value as f32 / (1 << 24) as f32).collect())
    }
}

fn infer(inputs: &[Numbers]) -> Vec<Vec<f32>> {
    let mut outputs = empty_outputs();
    let mut arena = ARENA.lock().expect("there is one thread");
    ports::infer(&mut Threads::new(), &mut arena, inputs, &mut outputs);
    outputs
}

fn empty_outputs() -> Vec<Vec<f32>> {
    ports::OUTPUTS.iter().map(|port| vec![0.0; port.len()]).collect()
}

/// Prints one JSON object with times in milliseconds.
fn bench(runs: usize, inputs: &[Numbers]) -> Result<(), Error> {
    let mut outputs = empty_outputs();
    let mut arena = ARENA.lock().expect("there is one thread");
    let mut threads = Threads::new();
    let mut once = || {
        let start = Instant::now();
        ports::infer(&mut threads, &mut arena, std::hint::black_box(inputs), &mut outputs);
        std::hint::black_box(&mut outputs);
        start.elapsed().as_secs_f64() * 1e3
    };
    let first = once();
    (0..WARM_UP).for_each(|_| drop(once()));
    let mut kernels = vec![u64::MAX; ports::kernel_times().len()];
    let mut timed = || {
        let time = once();
        kernels.iter_mut().zip(ports::kernel_times()).for_each(|(least, time)| *least = time.min(*least));
        time
    };
    let mut times: Vec<f64> = (0..runs).map(|_| timed()).collect();
    times.sort_by(f64::total_cmp);
    let mut json = String::new();
    let _ = write!(json, "{{\"runs\": {runs}, \"threads\": {THREADS}, \"first_ms\": {first:.4}, ");
    let _ = write!(json, "\"min_ms\": {:.4}, \"median_ms\": {:.4}, ", times[0], times[runs / 2]);
    if !kernels.is_empty() {
        let _ = write!(json, "\"kernel_ns\": {kernels:?}, \"fma_peak\": {:.1}, ", ports::fma_peak());
    }
    let (arena_bytes, weights_bytes) = (net::ARENA_BYTES, ports::WEIGHTS_BYTES);
    let _ = write!(json, "\"arena_bytes\": {arena_bytes}, \"weights_bytes\": {weights_bytes}}}");
    println!("{json}");
    Ok(())
}

fn array<T, const N: usize>(values: &[T]) -> &[T; N] {
    values.try_into().expect("lengths were checked")
}

fn array_mut<T, const N: usize>(values: &mut [T]) -> &mut [T; N] {
    values.try_into().expect("outputs are made to measure")
}
