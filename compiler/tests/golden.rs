//! Goldens of whole networks: the graph after each pass, the plan, the loop program, and the emitted file, with the
//! runtime inside too.

#[path = "emitted/dense.rs"]
#[expect(dead_code, reason = "one of its networks is reviewed")]
mod dense;

use std::fs;
use std::path::Path;

use mnv2c::frontend::{onnx, spec};
use mnv2c::interp::Array;
use mnv2c::ir::Graph;
use mnv2c::model_io::ModelIo;
use mnv2c::objective::{Feed, Memory, Objective, Storage, WinogradTiles};
use mnv2c::quantize::{self, Settings};
use mnv2c::report::{self, svg};
use mnv2c::target::Target;
use mnv2c::{Options, compile, lower, program, standalone, testing};

#[test]
fn digits_compile_as_reviewed() {
    check("digits", digits());
}

#[test]
fn a_spec_compiles_as_reviewed() {
    let rows = spec::Spec::parse("mobilenet_v2:0.35@96").unwrap();
    check("mobilenet_v2_0.35_96", spec::graph(&rows, spec::Weights::Random { seed: 7 }).unwrap());
}

#[test]
fn halves_are_printed_as_reviewed() {
    let memory = Memory { storage: Storage::F16, feed: Feed::Arena, ..Memory::default() };
    let artifact = compile(digits(), &options("digits.f16", memory), |_, _, _| ()).unwrap();
    golden("plan", "digits.f16", &artifact.plan.table(&artifact.schedule.buffers).to_string());
    golden("emit", "digits.f16", &artifact.rust);
}

#[test]
fn brain_floats_are_printed_as_reviewed() {
    let memory = Memory { storage: Storage::Bf16, ..Memory::default() };
    let target = "x86-64-v4-bf16".parse().unwrap();
    let options = Options { target, ..options("digits.bf16", memory) };
    let artifact = compile(digits(), &options, |_, _, _| ()).unwrap();
    golden("emit", "digits.bf16", &artifact.rust);
}

#[test]
fn the_smallest_plans_are_as_reviewed() {
    let rows = spec::Spec::parse("mobilenet_v2:0.35@96").unwrap();
    for (name, feed) in [("caller", Feed::Caller), ("arena", Feed::Arena), ("rows", Feed::Rows)] {
        let graph = spec::graph(&rows, spec::Weights::Random { seed: 7 }).unwrap();
        let memory = Memory { objective: Objective::Ram, feed, ..Memory::default() };
        let name = format!("mobilenet_v2_0.35_96.ram_{name}");
        let options = options(&name, memory);
        let artifact = compile(graph, &options, |_, _, _| ()).unwrap();
        golden("plan", &name, &artifact.plan.table(&artifact.schedule.buffers).to_string());
        if feed == Feed::Rows {
            golden("emit", &name, &artifact.rust);
        }
    }
}

/// The loops of every way in which rows flow, and the files that they become.
#[test]
fn programs_are_as_reviewed() {
    let small = Memory { objective: Objective::Ram, ..Memory::default() };
    let recomputing = Memory { recompute: "1.3".parse().unwrap(), feed: Feed::Rows, ..small };
    let on = |target: &str, threads| Target { threads, ..target.parse().unwrap() };
    let (one, two) = (on("x86-64-v3", 1), on("x86-64-v3", 2));
    let fours = Target { winograd: WinogradTiles::Four, ..two };
    let mobilenet = || {
        let rows = spec::Spec::parse("mobilenet_v2:0.35@64").unwrap();
        spec::graph(&rows, spec::Weights::Random { seed: 7 }).unwrap()
    };
    for (name, graph, target, memory) in [
        ("threads", mobilenet(), two, Memory::default()),
        ("threads_ram", mobilenet(), two, small),
        ("recompute", mobilenet(), one, recomputing),
        ("generic", digits(), on("generic", 1), small),
        ("int8", int8(), one, small),
        ("int8_generic", int8(), on("generic", 1), Memory { feed: Feed::Rows, ..small }),
        ("region", testing::random_region(3), one, small),
        (
            "winograd",
            dense::network([40, 14, 18], &[dense::SAME; 2], Some(0)),
            fours,
            Memory::default(),
        ),
    ] {
        let options = Options { target, ..options(name, memory) };
        let artifact = compile(graph, &options, |_, _, _| ()).unwrap();
        let stages = lower::named(&artifact.graph, &artifact.schedule);
        let loops = program::text::of(&artifact.program, &stages);
        golden("program", name, &loops);
        golden("emit", name, &artifact.rust);
    }
}

/// A file without dependencies: the network's part of it, and the modules of the runtime that it holds.
#[test]
fn a_standalone_file_is_as_reviewed() {
    let options = options("digits.standalone", Memory::default());
    let artifact = compile(digits(), &options, |_, _, _| ()).unwrap();
    let file = standalone::file(&artifact);
    let (network, _) = file.split_once("/// The runtime of mnv2c").unwrap();
    let (head, weights) = network.split_once("b\"\\\n").unwrap();
    let (weights, tail) = weights.split_once("\", 0x").unwrap();
    let lines = weights.lines().count();
    let mut text = format!("{head}b\"{lines} lines of weights\", 0x{tail}");
    push_modules(&mut text, &syn::parse_file(&file).unwrap().items, 0);
    golden("emit", "digits.standalone", &text);
}

/// Lists modules with those inside of them, each a step to the right.
fn push_modules(text: &mut String, items: &[syn::Item], depth: usize) {
    for item in items {
        let syn::Item::Mod(module) = item else { continue };
        let Some((_, items)) = &module.content else { continue };
        text.push_str(&format!("{:1$}mod {2}\n", "", 4 * depth, module.ident));
        push_modules(text, items, depth + 1);
    }
}

/// The digits' network on bytes, calibrated with a few patterns.
fn int8() -> Graph {
    let images: Vec<Array> = (0..4)
        .map(|at| {
            Array::f32([1, 32, 32, 1], (0..1024).map(|i| ((i * at) % 7) as f32 / 7.0).collect())
        })
        .collect();
    let model = quantize::quantize(digits(), &images, &Settings::default(), |_| ()).unwrap();
    onnx::read(model.file, Path::new("."), &onnx::Options::default()).unwrap()
}

fn digits() -> Graph {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits");
    let bytes = fs::read(folder.join("digits.onnx")).unwrap();
    onnx::read(bytes, &folder, &onnx::Options::default()).unwrap()
}

#[test]
fn pictures_of_plans_are_as_reviewed() {
    let name = "mobilenet_v2:1.0@224";
    for (file, objective) in [("speed", Objective::Speed), ("ram", Objective::Ram)] {
        let rows = spec::Spec::parse(name).unwrap();
        let graph = spec::graph(&rows, spec::Weights::Random { seed: 1 }).unwrap();
        let memory = Memory { objective, feed: Feed::Rows, ..Memory::default() };
        let report = report::report(graph, &"x86-64-v4".parse().unwrap(), memory).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../snapshots/svg")
            .join(file)
            .with_extension("svg");
        // Not insta's, whose files are not pictures: the README shows these.
        assert!(
            svg::svg(&report, name) == fs::read_to_string(&path).unwrap(),
            "the plan is another; look at what `mnv2c plan {name} --seed 1 --objective {file} --feed rows --target \
             x86-64-v4 --svg snapshots/svg/{file}.svg` draws"
        );
    }
}

fn options(name: &str, memory: Memory) -> Options {
    Options {
        target: "x86-64-v3".parse().unwrap(),
        name: name.into(),
        sha256: String::new(),
        blob_name: format!("{name}.bin"),
        memory,
        layers: false,
        ends: ModelIo::default(),
    }
}

fn check(name: &str, graph: Graph) {
    let options = options(name, Memory::default());
    let mut stages = vec![("00_imported".to_owned(), graph.to_string())];
    let artifact = compile(graph, &options, |pass, graph, count| {
        if count > 0 {
            stages.push((format!("{:02}_{pass}", stages.len()), graph.to_string()));
        }
    })
    .unwrap();
    for (stage, text) in stages {
        golden("ir", &format!("{name}.{stage}"), &text);
    }
    golden("plan", name, &artifact.plan.table(&artifact.schedule.buffers).to_string());
    golden("emit", name, &artifact.rust);
}

fn golden(kind: &str, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new("../../snapshots").join(kind));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
