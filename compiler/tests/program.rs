//! Programs that run on the host, over the shadow of their memory: they answer as the oracle does, in every plan and feed, on
//! one thread and two, in floats, halves and bytes.

#[path = "emitted/bytes.rs"]
mod bytes;
#[path = "emitted/strange.rs"]
mod strange;

use mnv2c::error::Error;
use mnv2c::interp::{self, Array};
use mnv2c::ir::{Arithmetic, Dtype, Graph, NodeId, Output, Values};
use mnv2c::objective::{Feed, Memory, Objective, Storage};
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
