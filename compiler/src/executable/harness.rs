//! The files of a program's crate: the same `main` for every network, and its ports.

use mnv2c_runtime::ring::Rows;

use crate::Artifact;
use crate::ir::Dtype;
use crate::schedule::{Element, Home, Intake, Port, Ranking};
use crate::standalone;

/// The root of the crate.
pub(super) const MAIN: &str = "main.rs";

/// Every file by name, in a fixed order.
pub(super) fn files(artifact: &Artifact, threads: usize) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (MAIN, include_bytes!("harness/main.rs").to_vec()),
        ("npy.rs", include_bytes!("harness/npy.rs").to_vec()),
        ("ports.rs", ports(artifact, threads).into_bytes()),
        ("net.rs", format!("{}\n{}", artifact.rust, standalone::runtime()).into_bytes()),
        (super::BLOB_NAME, artifact.blob.file()),
    ]
}

/// Inputs and outputs of the network, and a call of it with lists of arrays.
fn ports(artifact: &Artifact, threads: usize) -> String {
    let (inputs, outputs) = (&artifact.schedule.inputs, &super::outputs(artifact));
    let names = |stem: &str, ports: &[Port]| -> Vec<String> {
        (0..ports.len()).map(|at| format!("{stem}{at}")).collect()
    };
    let (x, y) = (names("x", inputs), names("y", outputs));
    let intakes = artifact.schedule.intakes.iter().zip(&x).enumerate();
    let (fills, arguments): (Vec<String>, Vec<String>) =
        intakes.map(|(at, (intake, name))| fed(intake, name, at, x.len() > 1)).unzip();
    let views: String = inputs.iter().zip(&x).map(view).collect();
    let lent = if artifact.schedule.ranking.is_some() { &[] } else { y.as_slice() };
    let lends = outputs.iter().zip(lent).map(lend);
    let arguments: String = arguments.into_iter().chain(lends).collect();
    let (made, read) = integers(outputs, lent);
    let (answer, told) = told(artifact.schedule.ranking);
    let (parameter, argument) = pool(threads);
    format!(
        "//! The ports of the network.\n\n\
         use super::{{Port, net}};\n\n\
         pub const INPUTS: &[Port] = &[{}];\n\
         pub const OUTPUTS: &[Port] = &[{}];\n\
         pub const WEIGHTS_BYTES: usize = {};\n\
         pub const KEEPS_STATE: bool = {};\n\n\
         pub fn infer({parameter}, arena: &mut net::Arena, inputs: &[super::Numbers], outputs: &mut [Vec<f32>]) {{\n    \
         let [{}] = inputs else {{ unreachable!(\"inputs were counted\") }};\n    \
         let [{}] = outputs else {{ unreachable!(\"outputs were made\") }};\n    \
         {views}{}{made}{answer}net::infer{}({argument}arena{arguments});\n{told}{read}\
         }}\n\n{ROW_OF_PLANES}{}{}",
        literals(inputs),
        literals(outputs),
        artifact.blob.bytes_len(),
        !artifact.schedule.states.is_empty(),
        x.join(", "),
        y.join(", "),
        fills.concat(),
        if artifact.schedule.asks_for_rows() { "_rows" } else { "" },
        clock(artifact),
        self::threads(threads),
    )
}

/// The parameter and the argument of the threads that the network runs on.
fn pool(threads: usize) -> (&'static str, &'static str) {
    match threads {
        1 => ("_: &mut Threads", ""),
        _ => ("threads: &mut Threads", "&mut threads.0, "),
    }
}

/// The statement that takes the numbers of an input.
fn view((port, x): (&Port, &String)) -> String {
    let kind = if port.dtype == Dtype::U8 { "bytes" } else { "floats" };
    format!("let {x} = {x}.{kind}();\n    ")
}

/// The argument that an output is filled through.
fn lend((port, y): (&Port, &String)) -> String {
    match integer(port) {
        Some(_) => format!(", super::array_mut(&mut {y}_integers)"),
        None => format!(", super::array_mut({y})"),
    }
}

/// The type of an output's numbers, if they are no floats.
fn integer(port: &Port) -> Option<&'static str> {
    match port.dtype {
        Dtype::U8 => Some("u8"),
        Dtype::I32 => Some("i32"),
        Dtype::I64 => Some("i64"),
        Dtype::I8 | Dtype::F32 | Dtype::F16 | Dtype::Bf16 => None,
    }
}

/// Statements before and after the call of `infer` where outputs are integers, to write them down as floats.
fn integers(outputs: &[Port], lent: &[String]) -> (String, String) {
    let pairs = outputs.iter().zip(lent);
    let each = pairs.filter_map(|(port, y)| Some((integer(port)?, y))).map(|(kind, y)| {
        let made = format!("let mut {y}_integers = vec![0_{kind}; {y}.len()];\n    ");
        let read =
            format!("    {y}.iter_mut().zip(&{y}_integers).for_each(|(y, q)| *y = *q as f32);\n");
        (made, read)
    });
    each.unzip()
}

/// Text around the call of an `infer` that returns its answer, to write that down as floats.
pub(super) fn told(ranking: Option<Ranking>) -> (&'static str, &'static str) {
    match ranking {
        None => ("", ""),
        Some(Ranking { count: 1, .. }) => ("let class = ", "    y0.fill(class as f32);\n"),
        Some(_) => (
            "let best = ",
            "    for (pair, (class, score)) in y0.chunks_exact_mut(2).zip(best) {\n        \
             pair.copy_from_slice(&[class as f32, score]);\n    }\n",
        ),
    }
}

/// The threads that the network runs on.
fn threads(threads: usize) -> String {
    let (field, value) =
        if threads > 1 { ("(net::Pool)", "(net::Pool::new(THREADS))") } else { ("", "") };
    format!(
        "\npub const THREADS: usize = {threads};\n\n\
         pub struct Threads{field};\n\n\
         impl Threads {{\n    \
         pub fn new() -> Self {{\n        \
         Self{value}\n    }}\n}}\n"
    )
}

/// Statements before the call of `infer` that give it the array `x`, and the argument in it.
pub(super) fn fed(intake: &Intake, x: &str, at: usize, several: bool) -> (String, String) {
    let Rows { width, channels, .. } = intake.place.rows;
    let row = width * channels;
    let half = match intake.place.element {
        Element::F16 => Some("net::Half::of"),
        Element::Bf16 => Some("net::Brain::of"),
        Element::F32 | Element::I32 | Element::I64 | Element::U8 { .. } => None,
    };
    let copy = match (intake.planes, intake.scale) {
        (true, None) => {
            let make = half.unwrap_or("|x| x");
            format!("row_of_planes({x}, {channels}, row, pixels, {make})")
        }
        (true, Some(_)) => {
            let scale = if several { format!("INPUT_{at}_SCALE") } else { "INPUT_SCALE".into() };
            format!("row_of_planes({x}, {channels}, row, pixels, |x| net::{scale}.byte(x))")
        }
        (false, None) => match half {
            Some(make) => format!(
                "pixels.iter_mut().zip(&{x}[row * {row}..]).for_each(|(h, x)| *h = {make}(*x))"
            ),
            None => format!("pixels.copy_from_slice(&{x}[row * {row}..][..{row}])"),
        },
        (false, Some(_)) => {
            let scale = if several { format!("INPUT_{at}_SCALE") } else { "INPUT_SCALE".into() };
            format!(
                "pixels.iter_mut().zip(&{x}[row * {row}..]).for_each(|(q, x)| *q = net::{scale}.byte(*x))"
            )
        }
    };
    match intake.place.home {
        Home::Arena(_) => {
            let slot = if several { format!("input_{at}") } else { "input".to_owned() };
            let fill = format!(
                "for (row, pixels) in arena.{slot}().chunks_exact_mut({row}).enumerate() {{ {copy} }}\n    "
            );
            (fill, String::new())
        }
        Home::Feed(_) => (String::new(), format!(", |row, pixels| {copy}")),
        Home::Input(_) | Home::Output(_) | Home::Weights(_) => {
            (String::new(), format!(", super::array({x})"))
        }
    }
}

pub(super) const ROW_OF_PLANES: &str = "\
/// Writes a row of an image of planes as pixels, the channels of each side by side, as `element` makes them.
pub fn row_of_planes<X: Copy, E>(planes: &[X], channels: usize, row: usize, pixels: &mut [E], element: impl Fn(X) -> E) {
    let (width, plane) = (pixels.len() / channels, planes.len() / channels);
    for (pixel, into) in pixels.chunks_exact_mut(channels).enumerate() {
        for (channel, value) in into.iter_mut().enumerate() {
            *value = element(planes[channel * plane + row * width + pixel]);
        }
    }
}
";

/// Text by which the program reads the clock, if the network has one.
fn clock(artifact: &Artifact) -> &'static str {
    if artifact.rust.contains("static CLOCK") { CLOCK } else { NO_CLOCK }
}

const CLOCK: &str = "
pub fn kernel_times() -> Vec<u64> {
    net::CLOCK.take().to_vec()
}

pub fn fma_peak() -> f64 {
    net::fma_peak()
}
";

const NO_CLOCK: &str = "
pub fn kernel_times() -> Vec<u64> {
    Vec::new()
}

pub fn fma_peak() -> f64 {
    0.0
}
";

fn literals(ports: &[Port]) -> String {
    let literal = |port: &Port| {
        let (name, shape, bytes) = (&port.name, &port.shape, port.dtype == Dtype::U8);
        format!("Port {{ name: {name:?}, shape: &{shape:?}, bytes: {bytes} }}")
    };
    ports.iter().map(literal).collect::<Vec<_>>().join(", ")
}
