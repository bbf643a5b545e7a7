//! Programs that run on the host, over the shadow of their memory: they answer as the oracle does, in every plan and feed, on
//! one thread and two, in floats, halves and bytes.

#[path = "emitted/bytes.rs"]
mod bytes;
#[path = "emitted/dense.rs"]
mod dense;
#[path = "emitted/stateful.rs"]
mod stateful;
#[path = "emitted/strange.rs"]
mod strange;

use mnv2c::error::Error;
use mnv2c::interp::{self, Array};
use mnv2c::ir::{Arithmetic, Dtype, Graph, NodeId, Output, Values};
use mnv2c::objective::{Feed, Memory, Objective, Storage, WinogradTiles};
use mnv2c::segment::Role;
use mnv2c::target::Target;
use mnv2c::{Options, compile, pass, shadow, testing};

/// Networks that the usual test draws; `MNV2C_NETWORKS=1000` draws so many.
const NETWORKS: u64 = 12;

fn targets() -> Vec<Target> {
    let one: Target = "x86-64-v3".parse().unwrap();
    vec![one, Target { threads: 2, ..one }, "generic".parse().unwrap(), Target::host()]
}

fn memories() -> Vec<Memory> {
    let feeds = [Feed::Caller, Feed::Arena, Feed::Rows];
    let plain = [Objective::Ram, Objective::Speed]
        .into_iter()
        .flat_map(|objective| feeds.map(|feed| Memory { objective, feed, ..Memory::default() }));
    let recompute = "1.3".parse().unwrap();
    let recomputing = Memory { objective: Objective::Ram, recompute, ..Memory::default() };
    plain.chain([recomputing]).collect()
}

fn options(target: Target, memory: Memory) -> Options {
    mnv2c::testing::options(target, memory)
}

/// The answers of the network's program; nothing where it cannot be planned so.
fn answers(graph: &Graph, target: Target, memory: Memory, inputs: &[Array]) -> Option<Vec<Array>> {
    match compile(graph.clone(), &options(target, memory), |_, _, _| ()) {
        Ok(net) => Some(shadow::execute(&net, inputs).unwrap()),
        Err(Error::Unsupported { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// The largest difference, as a part of the largest magnitude.
fn far(found: &Array, expected: &Array) -> f32 {
    assert_eq!(found.shape, expected.shape);
    assert_eq!(found.values.len(), expected.values.len());
    let (Values::F32(found), Values::F32(expected)) = (&found.values, &expected.values) else {
        return f32::from(u8::from(found != expected));
    };
    let most = expected.iter().fold(f32::MIN_POSITIVE, |most, x| most.max(x.abs()));
    found.iter().zip(expected).fold(0.0, |far, (a, b)| match (a - b).abs() / most {
        _ if a.to_bits() == b.to_bits() => far,
        apart if apart.is_nan() => f32::INFINITY,
        apart => far.max(apart),
    })
}

/// Compares the program of each plan with the oracle; how many plans there are.
fn check(name: &str, graph: &Graph, tolerance: f32, storage: Storage) -> usize {
    let inputs = testing::random_inputs(graph, 1);
    let expected = interp::run(graph, &inputs).unwrap();
    let mut plans = 0;
    for (at, memory) in memories().into_iter().enumerate() {
        let targets = targets();
        for target in [targets[at % 4], targets[(at + 1) % 4]] {
            let memory = Memory { storage, ..memory };
            let Some(found) = answers(graph, target, memory, &inputs) else { continue };
            plans += 1;
            assert_eq!(found.len(), expected.len(), "{name}");
            for (found, expected) in found.iter().zip(&expected) {
                let far = far(found, expected);
                assert!(far <= tolerance, "{name}: off by {far}, {target}, {memory:?}");
            }
        }
    }
    assert!(plans > 0, "{name}: no plan can be made");
    plans
}

#[test]
fn random_networks_answer_as_the_oracle_does() {
    let count = std::env::var("MNV2C_NETWORKS").ok().map(|count| count.parse().unwrap());
    let mut plans = 0;
    for seed in 0..count.unwrap_or(NETWORKS) {
        let graph = match seed % 3 {
            0 => testing::random_graph(seed),
            1 => testing::random_region(seed),
            _ => testing::random_bends(seed),
        };
        plans += check(&format!("network {seed}"), &graph, 1e-4, Storage::F32);
    }
    assert!(plans > 50, "only {plans} plans can be made");
}

#[test]
fn strange_networks_answer_as_the_oracle_does() {
    for (name, graph) in strange::networks() {
        check(name, &graph, 1e-4, Storage::F32);
    }
}

#[test]
fn convolutions_are_transformed_where_a_plan_is_for_speed_alone() {
    let tiles = [WinogradTiles::Off, WinogradTiles::Two, WinogradTiles::Four, WinogradTiles::Auto];
    for ((name, graph), target) in dense::networks().into_iter().zip(targets().iter().cycle()) {
        let inputs = testing::random_inputs(&graph, 1);
        let expected = interp::run(&graph, &inputs).unwrap();
        for winograd in tiles {
            let target = Target { winograd, ..*target };
            for objective in [Objective::Speed, Objective::Ram] {
                let options = options(target, Memory { objective, ..Memory::default() });
                let net = compile(graph.clone(), &options, |_, _, _| ()).unwrap();
                let may = objective == Objective::Speed && winograd != WinogradTiles::Off;
                let has = net.rust.contains("Winograd<");
                // Its only layer reads planes.
                let must = may && winograd != WinogradTiles::Auto && name != "uneven";
                assert!((may || !has) && (has || !must), "{name}: {winograd} for {objective}");
                let found = shadow::execute(&net, &inputs).unwrap();
                let far = far(&found[0], &expected[0]);
                assert!(far <= 1e-4, "{name}: off by {far}, {winograd} for {objective}");
            }
        }
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let graph = testing::random_graph(0);
    let right = testing::random_inputs(&graph, 1);
    let wrong = vec![Array::f32([1, 2], vec![0.0; 2]); right.len()];
    for inputs in [wrong, Vec::new()] {
        let options = options(Target::GENERIC, Memory::default());
        let net = compile(graph.clone(), &options, |_, _, _| ()).unwrap();
        let error = shadow::execute(&net, &inputs).unwrap_err().to_string();
        assert!(error.contains("given"), "{error}");
    }
}

#[test]
fn any_value_of_bytes_may_be_an_output() {
    let mut plans = 0;
    for (name, whole) in bytes::networks() {
        let inputs = testing::random_inputs(&whole, 2);
        let of_bytes = |id: &NodeId| whole.node(*id).out.dtype == Dtype::U8;
        let computed = whole.ids().into_iter().filter(|id| whole.constant(*id).is_none());
        for (at, node) in computed.filter(of_bytes).enumerate() {
            let mut graph = whole.clone();
            graph.outputs = [Output { name: "bytes".into(), node }].into_iter().collect();
            let expected = interp::run(&graph, &inputs).unwrap();
            for (memory, target) in
                memories().into_iter().zip(targets().into_iter().cycle().skip(at))
            {
                let Some(found) = answers(&graph, target, memory, &inputs) else { continue };
                assert_eq!(found, expected, "{name}, {at}: {target}, {memory:?}");
                plans += 1;
            }
        }
    }
    assert!(plans > 100, "only {plans} plans can be made");
}

#[test]
fn networks_of_halves_answer_as_the_oracle_does() {
    for seed in 20..23 {
        check(&format!("network {seed}"), &testing::random_graph(seed), 2e-2, Storage::F16);
        check(&format!("network {seed}"), &testing::random_graph(seed), 2e-1, Storage::Bf16);
    }
}

#[test]
fn products_of_halves_answer_as_the_oracle_does() {
    check("heads", &strange::heads(), 2e-2, Storage::F16);
    check("heads", &strange::heads(), 2e-1, Storage::Bf16);
}

#[test]
fn networks_on_bytes_answer_as_the_oracle_does_to_the_bit() {
    for (name, graph) in bytes::networks() {
        for by in [Arithmetic::Float, Arithmetic::Fixed, Arithmetic::Tflite] {
            let mut graph = graph.clone();
            graph.arithmetic = by;
            pass::legalize_quant::run(&mut graph, &mut pass::Skips::new()).unwrap();
            check(name, &graph, 0.0, Storage::F32);
        }
    }
}

/// Several calls, each with inputs of its own.
fn calls(graph: &Graph) -> Vec<Vec<Array>> {
    (0..4).map(|seed| testing::random_inputs(graph, seed)).collect()
}

#[test]
fn what_is_kept_between_calls_is_what_the_oracle_keeps() {
    for (name, graph) in stateful::networks() {
        let calls = calls(&graph);
        let expected = interp::calls(&graph, &calls).unwrap();
        let fresh = interp::run(&graph, &calls[3]).unwrap();
        assert!(name == "held" || expected[3] != fresh, "{name} keeps nothing");
        for (at, memory) in memories().into_iter().enumerate() {
            let options = options(targets()[at % 4], memory);
            let net = match compile(graph.clone(), &options, |_, _, _| ()) {
                Err(Error::Unsupported { .. }) if memory.feed == Feed::Rows => continue,
                net => net.unwrap(),
            };
            let found = shadow::execute_calls(&net, &calls).unwrap();
            for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
                assert!(far(found, expected) <= 1e-5, "{name}: {memory:?}");
            }
        }
    }
}

/// A window is dead when the next one is made of it, which takes its place; a delay is needed to the end and is copied.
#[test]
fn a_state_is_written_in_place_where_nobody_reads_it_any_more() {
    let copies = |name: &str| {
        let mut networks = stateful::networks().into_iter();
        let (_, graph) = networks.find(|(known, _)| *known == name).unwrap();
        let options = options(Target::GENERIC, Memory::default());
        let net = compile(graph, &options, |_, _, _| ()).unwrap();
        let steps = net.schedule.steps.iter();
        let copies = steps.filter(|step| step.segment.role == Role::Copy).count();
        (copies, net.schedule.state_bytes())
    };
    assert_eq!(copies("window"), (0, 4 * 3 * 2 * 8));
    assert_eq!(copies("bytes"), (0, 8));
    assert_eq!(copies("held"), (0, 4 * 2 * 5));
    // An output and an input; three states that become others, each aside first.
    assert_eq!(copies("delays"), (8, 4 * 4 * 6));
    // Of an output.
    assert_eq!(copies("recurrent"), (2, 4 * 2 * 6));
}

/// A program that leaves out what makes a state's next value, or overwrites the old one too early, is not let through.
#[test]
fn programs_that_lose_a_state_are_seen() {
    for (name, graph) in stateful::networks().into_iter().take(4) {
        let options = options(Target::GENERIC, Memory::default());
        let net = compile(graph, &options, |_, _, _| ()).unwrap();
        let sound = |net: &mnv2c::Artifact| {
            shadow::check(&net.graph, &net.schedule, &net.plan, &net.program, &net.target)
        };
        sound(&net).unwrap();
        let homes: Vec<_> = net.schedule.states.iter().map(|kept| kept.place.home).collect();
        let renews =
            |step: &mnv2c::schedule::Step| step.homes().iter().any(|it| homes.contains(it));
        for at in (0..net.schedule.steps.len()).filter(|at| renews(&net.schedule.steps[*at])) {
            let writes =
                net.schedule.steps[at].stages.iter().any(|it| homes.contains(&it.into.home));
            if !writes {
                continue;
            }
            let mut lost = net.clone();
            lost.program.functions[at].body.clear();
            assert!(sound(&lost).is_err(), "{name}: step {at}");
            let mut early = net.clone();
            let step = early.schedule.steps.remove(at);
            early.schedule.steps.insert(0, step);
            let function = early.program.functions.remove(at);
            early.program.functions.insert(0, function);
            assert!(at == 0 || sound(&early).is_err(), "{name}: step {at} first");
        }
    }
}
