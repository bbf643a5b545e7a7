//! A debug build gives every vector that a kernel names a place of its own on the stack; still a small one is enough.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use mnv2c::frontend::onnx;
use mnv2c::ir::Graph;
use mnv2c::npy;
use mnv2c::objective::{Memory, Storage};
use mnv2c::quantize::{Settings, quantize};
use mnv2c::source::{Options, Source};
use mnv2c::target::Target;
use mnv2c::testing;

use crate::build::Crate;
use crate::digits;

#[test]
fn a_thread_of_64_kib_runs_a_debug_build() {
    let is_here = |target: &&Target| target.isa.is_present() && target.isa.of_bytes().is_present();
    let mut nets = Crate::new("stack");
    let graphs = [("floats", digits()), ("bytes", bytes()), ("wide", wide())];
    let mut calls = String::new();
    for target in testing::targets().filter(is_here) {
        let isa = target.isa.name();
        for (name, graph) in &graphs {
            nets.add(&format!("{name}_{isa}"), graph.clone(), target);
            writeln!(calls, "    in_thread!({name}_{isa}, \"{name}_{isa}.rs\");").unwrap();
        }
    }
    for target in testing::targets().filter(|target| target.isa.of_brains().is_present()) {
        let name = format!("brains_{}", target.isa.name());
        let memory = Memory { storage: Storage::Bf16, ..Memory::default() };
        nets.add_for(&name, digits(), target, memory);
        writeln!(calls, "    in_thread!({name}, \"{name}.rs\");").unwrap();
    }
    let main = HEAD.to_owned() + "fn main() {\n" + &calls + "}\n";
    for line in nets.run_in_debug(&main).lines() {
        let (name, sum) = line.split_once(' ').unwrap();
        let sum: f32 = sum.parse().unwrap();
        let are_probabilities = (sum - 1.0).abs() < 1e-2;
        assert!(are_probabilities || name.starts_with("wide") && sum.is_finite(), "{line}");
    }
}

const HEAD: &str = r#"
macro_rules! in_thread {
    ($name:ident, $file:literal) => {{
        #[path = $file]
        mod $name;
        use $name as net;
        static ARENA: std::sync::Mutex<net::Arena> = std::sync::Mutex::new(net::Arena::new());
        static IMAGE: [f32; net::INPUT_LEN] = [0.25; net::INPUT_LEN];
        let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(|| {
            let mut answer = [0.0; net::OUTPUT_LEN];
            net::infer(&mut ARENA.lock().unwrap(), &IMAGE, &mut answer);
            println!("{} {}", stringify!($name), answer.iter().sum::<f32>());
        });
        thread.unwrap().join().unwrap();
    }};
}
"#;

/// The digits' network on bytes.
fn bytes() -> Graph {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits");
    let picture = npy::read(&fs::read(folder.join("input_0.npy")).unwrap()).unwrap();
    let quantized = quantize(digits(), &[picture], &Settings::default(), |_| ()).unwrap();
    onnx::read(quantized.file, Path::new(""), &onnx::Options::default()).unwrap()
}

/// One with more channels and more shapes of tiles.
fn wide() -> Graph {
    Source::open("mobilenet_v2:0.35@96").unwrap().model(&Options::default()).unwrap().graph
}
