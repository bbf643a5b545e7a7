//! Emitted files with poison between their steps, and cases that run them under guard.

use std::fmt::Write as _;

use mnv2c::Artifact;
use mnv2c::interp::Array;
use mnv2c::ir::{Affine, Graph, Values};
use mnv2c::objective::Memory;
use mnv2c::schedule::{Element, Home};
use mnv2c::target::Target;

use crate::build::{Crate, compile_for};

/// An arena between canaries.
pub(crate) const GUARDED: &str = "
const CANARY: [u64; 64] = [0x5afe_c0de_5afe_c0de; 64];

#[repr(C)]
struct Guarded<T> {
    before: [u64; 64],
    arena: T,
    after: [u64; 64],
}

fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(file).unwrap()
}

/// Writes a row of an image of planes as pixels, the channels of each side by side, as `element` makes them.
fn row_of_planes<E>(planes: &[f32], channels: usize, row: usize, pixels: &mut [E], element: impl Fn(f32) -> E) {
    let (width, plane) = (pixels.len() / channels, planes.len() / channels);
    for (pixel, into) in pixels.chunks_exact_mut(channels).enumerate() {
        for (channel, value) in into.iter_mut().enumerate() {
            *value = element(planes[channel * plane + row * width + pixel]);
        }
    }
}
";

/// Code that is added to an emitted file.
const POISON: &str = "
impl Arena {
    /// Makes bytes NaN, in floats and in halves.
    pub fn poison(&mut self, ranges: &[core::ops::Range<usize>]) {
        for range in ranges {
            self.0.bytes_mut()[range.clone()].fill(0xff);
        }
    }
}
";

/// A module with the poisoned network, and the statements of `main` that print its name and error.
pub(crate) fn case(
    nets: &mut Crate,
    name: &str,
    graph: &Graph,
    memory: Memory,
    inputs: &[Array],
    expected: &[Array],
) -> String {
    case_on(nets, name, (graph, &Target::host(), memory), inputs, expected)
}

/// The answers in a poisoned arena on any target.
pub(crate) fn case_on(
    nets: &mut Crate,
    name: &str,
    (graph, target, memory): (&Graph, &Target, Memory),
    inputs: &[Array],
    expected: &[Array],
) -> String {
    let artifact = compile_for(graph.clone(), target, memory, &format!("{name}.bin"));
    nets.put(&format!("{name}.bin"), &artifact.blob.file());
    nets.put(&format!("{name}.rs"), poisoned(&artifact).as_bytes());
    let mut main = format!(
        "    {{\n        #[path = \"{name}.rs\"]\n        mod net;\n        \
         let mut guarded = Box::new(Guarded {{ before: CANARY, arena: net::Arena::new(), after: CANARY }});\n        \
         assert_eq!(size_of::<net::Arena>(), net::ARENA_BYTES);\n        \
         guarded.arena.poison(&[0..net::ARENA_BYTES]);\n"
    );
    let (mut arguments, mut fills) = (String::new(), String::new());
    for (at, (array, intake)) in inputs.iter().zip(&artifact.schedule.intakes).enumerate() {
        nets.put(&format!("{name}.x{at}"), &bytes(array));
        let read = if matches!(array.values, Values::U8(_)) { "bytes" } else { "floats" };
        writeln!(main, "        let x{at} = {read}(\"{name}.x{at}\");").unwrap();
        let (row, channels) =
            (intake.place.rows.width * intake.place.rows.channels, intake.place.rows.channels);
        let element = match (intake.scale, intake.place.element) {
            (Some(Affine { scale, zero }), _) => {
                format!("|x: f32| ((x / {scale:?}).round_ties_even() + {zero}.0) as u8")
            }
            (None, Element::F16) => "net::Half::of".to_owned(),
            (None, Element::Bf16) => "net::Brain::of".to_owned(),
            (None, _) => "|x| x".to_owned(),
        };
        let copy = if intake.planes {
            format!("row_of_planes(&x{at}, {channels}, row, pixels, {element})")
        } else {
            format!(
                "pixels.iter_mut().zip(&x{at}[row * {row}..]).for_each(|(y, x)| *y = ({element})(*x))"
            )
        };
        let slot = if inputs.len() > 1 { format!("input_{at}") } else { "input".to_owned() };
        match intake.place.home {
            Home::Arena(_) => writeln!(
                fills,
                "        for (row, pixels) in guarded.arena.{slot}().chunks_exact_mut({row}).enumerate() {{ {copy} }}"
            )
            .unwrap(),
            Home::Feed(_) => {
                writeln!(main, "        let mut asked{at} = 0;").unwrap();
                let once = format!(
                    "assert_eq!(row, asked{at}, \"{name} asks for rows in order\"); asked{at} += 1;"
                );
                write!(arguments, ", |row, pixels| {{ {once} {copy} }}").unwrap();
            }
            _ => write!(arguments, ", x{at}[..].try_into().unwrap()").unwrap(),
        }
    }
    for (at, array) in expected.iter().enumerate() {
        nets.put(&format!("{name}.y{at}"), &bytes(array));
        writeln!(main, "        let mut y{at} = [0.0; {}];", array.values.len()).unwrap();
        write!(arguments, ", &mut y{at}").unwrap();
    }
    let infer = if artifact.schedule.asks_for_rows() { "infer_rows" } else { "infer" };
    main += &fills;
    let pool = if target.threads > 1 {
        writeln!(main, "        let mut pool = net::Pool::new({});", target.threads).unwrap();
        "&mut pool, "
    } else {
        ""
    };
    writeln!(main, "        net::{infer}({pool}&mut guarded.arena{arguments});").unwrap();
    writeln!(
        main,
        "        assert!(guarded.before == CANARY && guarded.after == CANARY, \"{name}\");"
    )
    .unwrap();
    for at in 0..expected.len() {
        let file = format!("{name}.y{at}");
        writeln!(main, "        println!(\"{name} {{}}\", error(&y{at}, &floats(\"{file}\")));")
            .unwrap();
    }
    main + "    }\n"
}

/// True if every line that was printed names an error that rounding explains.
pub(crate) fn all_right(printed: &str) {
    all_within(printed, 1e-4);
}

/// True if every line that was printed names an error below `most`.
pub(crate) fn all_within(printed: &str, most: f32) {
    assert!(!printed.is_empty());
    for line in printed.lines() {
        let (name, error) = line.split_once(' ').unwrap();
        let error: f32 = error.parse().unwrap();
        assert!(error < most, "{name} is off by {error} of its largest magnitude");
    }
}

/// The emitted file, with poison after each step for all that the next one must not read.
fn poisoned(artifact: &Artifact) -> String {
    let start = artifact.rust.find("\nfn run(").unwrap();
    let body = start + artifact.rust[start..].find("{\n").unwrap() + 2;
    let end = body + artifact.rust[body..].find("\n}").unwrap() + 1;
    let mut calls = String::new();
    for (step, call) in artifact.rust[body..end].split_inclusive(");\n").enumerate() {
        let dead = dead_after(artifact, step);
        writeln!(calls, "{call}    arena.poison(&{dead:?});").unwrap();
    }
    [&artifact.rust[..body], &calls, &artifact.rust[end..], POISON].concat()
}

/// Bytes in which no buffer lies that lives both at `step` and after it.
fn dead_after(artifact: &Artifact, step: usize) -> Vec<std::ops::Range<usize>> {
    let buffers = artifact.schedule.buffers.iter().zip(&artifact.plan.slots);
    let lives =
        buffers.filter(|(buffer, _)| buffer.live.start <= step && buffer.live.end > step + 1);
    let mut live: Vec<_> = lives.map(|(_, slot)| slot.offset..slot.end()).collect();
    live.sort_by_key(|range| range.start);
    let (mut dead, mut at) = (Vec::new(), 0);
    for range in live {
        if range.start > at {
            dead.push(at..range.start);
        }
        at = at.max(range.end);
    }
    dead.push(at..artifact.plan.arena_len);
    dead
}

fn bytes(array: &Array) -> Vec<u8> {
    if let Values::U8(bytes) = &array.values {
        return bytes.clone();
    }
    let floats = array.values.as_f32().unwrap();
    floats.iter().flat_map(|x| x.to_le_bytes()).collect()
}
