//! Emitted files, compiled by `rustc` and run: they answer as the oracle and onnxruntime do, and allocate nothing.

#[path = "emitted/build.rs"]
mod build;
#[path = "emitted/bytes.rs"]
mod bytes;
#[path = "emitted/dense.rs"]
mod dense;
#[path = "emitted/stack.rs"]
mod stack;
#[path = "emitted/stateful.rs"]
mod stateful;
#[path = "emitted/strange.rs"]
mod strange;
#[path = "emitted/words.rs"]
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use build::{Crate, MAIN_HEAD};
use mnv2c::frontend::onnx;
use mnv2c::ir::{Arithmetic, Graph};
use mnv2c::objective::{Memory, Objective, Storage, WinogradTiles};
use mnv2c::source::{self, Source};
use mnv2c::target::Target;
use mnv2c::{interp, pass, testing};

fn digits() -> Graph {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits");
    let bytes = fs::read(folder.join("digits.onnx")).unwrap();
    onnx::read(bytes, &folder, &onnx::Options::default()).unwrap()
}

#[test]
fn digits_are_read_as_onnxruntime_reads_them_without_allocating() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits");
    let mut digits_crate = Crate::new("digits");
    digits_crate.add("net", digits(), &Target::host());
    for file in ["test_x.npy", "test_y.npy", "expected.npy"] {
        digits_crate.put(file, &fs::read(folder.join(file)).unwrap());
    }
    let answer = digits_crate.run(include_str!("emitted/digits_main.rs"));
    let mut numbers = answer.split_whitespace().map(|word| word.parse::<f32>().unwrap());
    let mut next = || numbers.next().unwrap();
    let (correct, worst, allocations) = (next(), next(), next());
    assert!(correct >= 985.0, "{correct} of 1000 digits are right");
    assert!(worst <= 1e-5, "{worst} is the largest difference from onnxruntime");
    assert_eq!(allocations, 0.0, "infer allocates");
}

#[test]
fn random_networks_answer_as_the_oracle_does() {
    let targets = [Target::host(), "generic".parse().unwrap()];
    let mut nets = Crate::new("random");
    let mut main = String::from(MAIN_HEAD);
    let random = (0..14).map(|seed| (seed, testing::random_graph(seed)));
    let bends = (14..18).map(|seed| (seed, testing::random_bends(seed)));
    for (seed, graph) in random.chain(bends) {
        let (inputs, target) = (testing::random_inputs(&graph, seed), targets[seed as usize % 2]);
        let expected = interp::run(&graph, &inputs).unwrap();
        main += &nets.add_case(&format!("net_{seed}"), graph, &target, &inputs, &expected);
    }
    for line in nets.run(&(main + "}\n")).lines() {
        let (name, error) = line.split_once(' ').unwrap();
        let error: f32 = error.parse().unwrap();
        assert!(error < 1e-4, "{name} is off by {error} of its largest magnitude");
    }
}

#[test]
fn strange_networks_answer_as_the_oracle_does() {
    let mut nets = Crate::new("strange");
    let mut main = String::from(MAIN_HEAD);
    for (name, graph) in strange::networks() {
        let inputs = testing::random_inputs(&graph, 1);
        let expected = interp::run(&graph, &inputs).unwrap();
        let machines = [Target::host(), Target::GENERIC];
        for (target, objective) in machines.iter().zip([Objective::Speed, Objective::Ram]) {
            let name = format!("{name}_for_{objective}");
            let memory = Memory { objective, ..Memory::default() };
            nets.add_for(&name, graph.clone(), target, memory);
            main += &nets.case(&name, target, &inputs, &expected);
        }
    }
    for line in nets.run(&(main + "}\n")).lines() {
        let (name, error) = line.split_once(' ').unwrap();
        let error: f32 = error.parse().unwrap();
        assert!(error < 1e-4, "{name}: off by {error} of the largest magnitude");
    }
}

#[test]
fn threads_answer_as_one_does_to_the_bit() {
    let mut nets = Crate::new("threads");
    let mut main = String::from(MAIN_HEAD);
    let random = (20..25).map(|seed| ("random", testing::random_graph(seed)));
    let drawn = random.chain(strange::networks()).chain(dense::networks());
    let mut shared = 0;
    for (at, (name, graph)) in drawn.enumerate() {
        let inputs = testing::random_inputs(&graph, 3);
        let expected = interp::run(&graph, &inputs).unwrap();
        for threads in 1..=2 {
            let target = Target { threads, ..Target::host() };
            let name = format!("{at}_{name}_{threads}");
            let rust = nets.add_for(&name, graph.clone(), &target, Memory::default());
            shared += usize::from(rust.contains("Shares {"));
            main += &nets.case(&name, &target, &inputs, &expected);
        }
    }
    assert!(shared > 6, "threads share the products of {shared} networks alone");
    let printed = nets.run(&(main + "}\n"));
    let mut errors = [BTreeMap::<&str, Vec<&str>>::new(), BTreeMap::new()];
    for line in printed.lines() {
        let (case, error) = line.split_once(' ').unwrap();
        assert!(error.parse::<f32>().unwrap() < 1e-4, "{line}");
        let (name, threads) = case.rsplit_once('_').unwrap();
        errors[usize::from(threads != "1")].entry(name).or_default().push(error);
    }
    let [one, two] = errors;
    assert_eq!(one, two, "threads change answers");
}

#[test]
fn tiles_between_transforms_answer_as_direct_sums_do() {
    let mut nets = Crate::new("winograd");
    let (mut main, mut transformed) = (String::from(MAIN_HEAD), 0);
    let present =
        testing::targets().filter(|it| it.isa == it.isa.of_floats() && it.isa.is_present());
    let machines: Vec<Target> = present.copied().collect();
    for (at, (name, graph)) in dense::networks().into_iter().enumerate() {
        let inputs = testing::random_inputs(&graph, 3);
        let expected = interp::run(&graph, &inputs).unwrap();
        for (tiles, winograd) in [(2, WinogradTiles::Two), (4, WinogradTiles::Four)] {
            let threads = 1 + (at + tiles / 2) % 2;
            let target = Target { threads, winograd, ..machines[(at + tiles) % machines.len()] };
            let name = format!("{name}_{tiles}_{}_{threads}", target.isa.name());
            let rust = nets.add_for(&name, graph.clone(), &target, Memory::default());
            transformed += rust.matches(&format!(": Winograd<{tiles}")).count();
            main += &nets.case(&name, &target, &inputs, &expected);
        }
    }
    assert!(transformed > 15, "{transformed} convolutions are transformed");
    for line in nets.run(&(main + "}\n")).lines() {
        let (name, error) = line.split_once(' ').unwrap();
        assert!(error.parse::<f32>().unwrap() < 1e-5, "{name}: off by {error}");
    }
}

#[test]
fn networks_on_bytes_answer_as_the_oracle_does_to_the_bit() {
    let mut nets = Crate::new("bytes");
    let mut main = String::from(MAIN_HEAD);
    for (name, graph) in bytes::networks() {
        let inputs = testing::random_inputs(&graph, 5);
        let expected = interp::run(&graph, &inputs).unwrap();
        let numbers = expected[0].values.as_f32().unwrap();
        let different: BTreeSet<u32> = numbers.iter().map(|x| x.to_bits()).collect();
        assert!(different.len() > 8, "{name} answers with {different:?} alone");
        let present = testing::targets().filter(|target| target.isa.of_bytes().is_present());
        for (target, threads) in present.flat_map(|target| [(*target, 1), (*target, 2)]) {
            let target = Target { threads, ..target };
            // Plans for memory stream rows on one thread.
            let objectives = [Objective::Speed, Objective::Ram];
            for objective in &objectives[..3 - threads] {
                let name = format!("{name}_{}_{threads}_{objective}", target.isa.name());
                let memory = Memory { objective: *objective, ..Memory::default() };
                nets.add_for(&name, graph.clone(), &target, memory);
                main += &nets.case(&name, &target, &inputs, &expected);
            }
        }
    }
    for line in nets.run(&(main + "}\n")).lines() {
        assert!(line.ends_with(" 0"), "{line}");
    }
}

#[test]
fn networks_of_brain_floats_answer_as_the_oracle_does_on_every_target() {
    let mut nets = Crate::new("brains");
    let mut main = String::from(MAIN_HEAD);
    let memory = Memory { storage: Storage::Bf16, ..Memory::default() };
    let present = testing::targets().filter(|target| target.isa.of_brains().is_present());
    for (at, target) in present.enumerate() {
        for (seed, threads) in [(300 + at as u64, 1), (310 + at as u64, 2), (320, 1)] {
            let graph = testing::random_graph(seed);
            let inputs = testing::random_inputs(&graph, seed);
            let mut oracle = graph.clone();
            pass::run_all(&mut oracle, |_, _, _| ()).unwrap();
            pass::lower_precision::run(&mut oracle, memory).unwrap();
            let expected = interp::run(&oracle, &inputs).unwrap();
            let target = Target { threads, ..*target };
            let name = format!("net_{seed}_{at}");
            let rust = nets.add_for(&name, graph, &target, memory);
            let multiplies = target.isa.has_pairs() && rust.contains("[Pair]");
            assert!(multiplies || !target.isa.has_pairs(), "{rust}");
            main += &nets.case(&name, &target, &inputs, &expected);
        }
    }
    for line in nets.run(&(main + "}\n")).lines() {
        let (name, error) = line.split_once(' ').unwrap();
        let error: f32 = error.parse().unwrap();
        assert!(error < 8e-2, "{name} is off by {error} of its largest magnitude");
    }
}

#[test]
fn networks_without_floats_answer_as_the_oracle_does_to_the_bit() {
    const FLOATS: [&str; 6] = [
        "Arithmetic::Float",
        "Pair::Float",
        "Averaged::Float",
        "Product",
        "Factor::float",
        "softmax::Softmax",
    ];
    of_integers(Arithmetic::Fixed, |name, rust| {
        for word in FLOATS {
            assert!(!rust.contains(word), "{name}: {word}");
        }
    });
}

#[test]
fn networks_rounded_twice_answer_as_the_oracle_does_to_the_bit() {
    let words = ["Pair::Twice", "Averaged::Twice", "Factor::twice", "QSoftmaxTwice", "u8_twice"];
    let mut found = [false; 5];
    of_integers(Arithmetic::Tflite, |_, rust| {
        found.iter_mut().zip(words).for_each(|(found, word)| *found |= rust.contains(word));
    });
    assert_eq!(found, [true; 5]);
}

/// Runs every network on bytes in an arithmetic of integers, on each instruction set; `see` reads what is emitted.
fn of_integers(by: Arithmetic, mut see: impl FnMut(&str, &str)) {
    let mut nets = Crate::new(&by.to_string());
    let mut main = String::from(MAIN_HEAD);
    for (name, mut graph) in bytes::networks() {
        let inputs = testing::random_inputs(&graph, 5);
        graph.arithmetic = by;
        pass::legalize_quant::run(&mut graph, &mut pass::Skips::new()).unwrap();
        let expected = interp::run(&graph, &inputs).unwrap();
        let present = testing::targets().filter(|target| target.isa.of_bytes().is_present());
        for (target, objective) in present.zip([Objective::Speed, Objective::Ram].iter().cycle()) {
            let name = format!("{name}_{}", target.isa.name());
            let memory = Memory { objective: *objective, ..Memory::default() };
            see(&name, &nets.add_for(&name, graph.clone(), target, memory));
            main += &nets.case(&name, target, &inputs, &expected);
        }
    }
    for line in nets.run(&(main + "}\n")).lines() {
        assert!(line.ends_with(" 0"), "{line}");
    }
}

#[test]
fn an_emitted_file_is_formatted_and_warns_of_nothing() {
    for target in ["generic", "x86-64-v3", "x86-64-v4", "x86-64-v4-bf16"] {
        let mut nets = Crate::new(&format!("format_{target}"));
        let target: Target = target.parse().unwrap();
        nets.add("net", digits(), &target);
        nets.add("shared", digits(), &Target { threads: 2, ..target });
        let memory = Memory { storage: Storage::Bf16, ..Memory::default() };
        nets.add_for("brains", digits(), &target, memory);
        nets.check_format("net.rs");
        nets.check_format("shared.rs");
        nets.check_format("brains.rs");
        nets.check_library(
            "#![no_std]\n#![deny(warnings)]\n//! A user's crate.\nmod net;\npub mod shared;\npub mod brains;\n",
        );
    }
}

#[test]
fn a_file_is_formatted_whatever_its_weights_are_called() {
    let mut nets = Crate::new("format_names");
    for len in [22, 23, 41, 73, 74, 200] {
        let name = format!("{}.bin", "n".repeat(len - 4));
        let artifact = build::compile(digits(), &"generic".parse().unwrap(), &name);
        nets.put("net.rs", artifact.rust.as_bytes());
        nets.check_format("net.rs");
    }
}

#[test]
fn nothing_in_an_emitted_program_can_panic() {
    let targets = [Target::host(), "generic".parse().unwrap()];
    for (target, objective) in targets.iter().zip([Objective::Speed, Objective::Ram]) {
        let mut nets = Crate::new(&format!("calm_{objective}"));
        let memory = Memory { objective, ..Memory::default() };
        let artifact = build::compile_for(digits(), target, memory, "net.bin");
        nets.put("net.bin", &artifact.blob.file());
        nets.put("net.rs", artifact.rust.as_bytes());
        let library = nets.link_library(include_str!("emitted/calm_lib.rs"));
        let kept = b"reached_by_a_panic";
        assert!(!library.windows(kept.len()).any(|bytes| bytes == kept), "{objective}");
    }
}

#[test]
fn weights_that_are_given_are_checked_and_answer_alike() {
    let mut nets = Crate::new("apart");
    nets.add("held", digits(), &Target::host());
    nets.add_apart("given", digits(), &Target::host());
    nets.check_format("given.rs");
    nets.check_library("#![no_std]\n#![deny(warnings)]\n//! A user's crate.\npub mod given;\n");
    assert_eq!(nets.run(include_str!("emitted/apart_main.rs")).trim(), "alike");
}

#[test]
fn a_file_is_built_with_its_own_weights_or_not_at_all() {
    let mut nets = Crate::new("own_weights");
    nets.check_runtime();
    let root = "#![no_std]\n//! A user's crate.\npub mod net;\n";
    let [ours, theirs] = [7, 8].map(|seed| {
        let source = Source::open("mobilenet_v2:0.35@32").unwrap();
        let options = source::Options { seed: Some(seed), ..source::Options::default() };
        let graph = source.model(&options).unwrap().graph;
        let artifact = build::compile(graph, &"generic".parse().unwrap(), "net.bin");
        nets.put("net.rs", artifact.rust.as_bytes());
        nets.put("net.bin", &artifact.blob.file());
        assert_eq!(nets.refusal(root), None);
        artifact.blob.file()
    });
    assert_eq!(ours.len(), theirs.len());
    nets.put("net.bin", &ours);
    let said = nets.refusal(root).unwrap();
    assert!(said.contains("these are another network's; take the file emitted"), "{said}");
    let mut damaged = theirs.clone();
    damaged[2 << 20..][..4096].fill(0);
    for (file, part) in [
        (&damaged[..], "the file is damaged"),
        (&theirs[..theirs.len() - 64], "the file is damaged"),
        (&theirs[64..], "this is no file of weights"),
        (b"version https://git-lfs.github.com/spec/v1", "this is no file of weights"),
    ] {
        nets.put("net.bin", file);
        let said = nets.refusal(root).unwrap();
        assert!(said.contains(part), "{said}");
    }
    nets.put("net.bin", &theirs);
    assert_eq!(nets.refusal(root), None);
}

#[test]
fn a_standalone_file_needs_nothing_but_rustc() {
    let mut nets = Crate::new("standalone");
    nets.add_standalone("net", digits(), &"generic".parse().unwrap());
    nets.check_alone("net.rs");
    // A module of a crate that has the runtime for another network.
    nets.check_library("#![deny(warnings)]\n//! A user's crate.\npub mod net;\n");
}

#[test]
fn two_compilations_give_the_same_bytes() {
    let once = || build::compile(digits(), &"x86-64-v3".parse().unwrap(), "net.bin");
    let (a, b) = (once(), once());
    assert_eq!(a.rust, b.rust);
    assert!(a.blob == b.blob);
}

/// Each network is called four times, then cleared, and then once more as at first; on one thread and two, with the
/// runtime in the file and without it.
#[test]
fn what_is_kept_between_calls_is_what_the_oracle_keeps() {
    let mut nets = Crate::new("stateful");
    let (mut main, mut modules) = (String::from(MAIN_HEAD), String::new());
    for (at, (name, graph)) in stateful::networks().into_iter().enumerate() {
        let mut calls: Vec<_> = (0..4).map(|seed| testing::random_inputs(&graph, seed)).collect();
        let mut expected = interp::calls(&graph, &calls).unwrap();
        calls.push(calls[0].clone());
        expected.push(expected[0].clone());
        for threads in 1..=2 {
            let machine = [Target::host(), Target::GENERIC][(at + threads) % 2];
            let target = Target { threads, ..machine };
            let name = format!("{name}_{threads}");
            match threads {
                1 => nets.add_standalone(&name, graph.clone(), &target),
                _ => {
                    nets.add(&name, graph.clone(), &target);
                    nets.check_format(&format!("{name}.rs"));
                }
            }
            main += &nets.calls(&name, &target, &calls, &expected);
            modules += &format!("mod {name};\n");
        }
    }
    for line in nets.run(&(main + "}\n" + &modules)).lines() {
        let (name, error) = line.split_once(' ').unwrap();
        assert!(error.parse::<f32>().unwrap() < 1e-5, "{name}: off by {error}");
    }
}

#[test]
fn networks_on_words_answer_as_the_oracle_does_to_the_bit() {
    let mut nets = Crate::new("words");
    let mut main = String::from(MAIN_HEAD);
    let graph = words::network();
    let inputs = testing::random_inputs(&graph, 5);
    let expected = interp::run(&graph, &inputs).unwrap();
    for answer in &expected {
        let numbers = answer.values.as_f32().unwrap();
        let different: BTreeSet<u32> = numbers.iter().map(|x| x.to_bits()).collect();
        assert!(different.len() > 4, "{numbers:?}");
    }
    let present = testing::targets().filter(|target| target.isa.of_bytes().is_present());
    for (target, objective) in present.zip([Objective::Speed, Objective::Ram].iter().cycle()) {
        let name = format!("words_{}", target.isa.name());
        let memory = Memory { objective: *objective, ..Memory::default() };
        nets.add_for(&name, graph.clone(), target, memory);
        nets.check_format(&format!("{name}.rs"));
        main += &nets.case(&name, target, &inputs, &expected);
    }
    for line in nets.run(&(main + "}\n")).lines() {
        assert!(line.ends_with(" 0"), "{line}");
    }
}
