//! Plans at work: emitted programs run in poisoned arenas and answer as the oracle does, whatever the plan.
//!
//! Before a run the arena is all NaN, with canaries on both sides; after each step, what the plan calls dead is NaN
//! again. One read of a dead row and the answer is NaN; one write outside and a canary dies.

#[path = "emitted/build.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod build;
#[path = "memory/fed.rs"]
mod fed;
#[path = "memory/poison.rs"]
mod poison;
#[path = "emitted/strange.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod strange;

use std::fs;
use std::path::Path;

use build::{Crate, MAIN_HEAD};
use mnv2c::frontend::{onnx, spec};
use mnv2c::ir::{Dtype, Graph, NodeId, Op, Unary};
use mnv2c::objective::{Feed, Memory, Objective, Storage};
use mnv2c::pass::{Skips, legalize_quant};
use mnv2c::quantize::{Settings, quantize};
use mnv2c::schedule::{Part, Results, Setting, lower_alone};
use mnv2c::segment::{self, Role, RowBatch, Segment};
use mnv2c::target::Target;
use mnv2c::{choose, interp, pass, report, testing};

const FEEDS: [Feed; 3] = [Feed::Caller, Feed::Arena, Feed::Rows];

fn digits() -> Graph {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits");
    let bytes = fs::read(folder.join("digits.onnx")).unwrap();
    onnx::read(bytes, &folder, &onnx::Options::default()).unwrap()
}

fn mobilenet(name: &str) -> Graph {
    let spec = spec::Spec::parse(&format!("mobilenet_v2:{name}")).unwrap();
    spec::graph(&spec, spec::Weights::Random { seed: 1 }).unwrap()
}

fn arena_bytes(graph: &Graph, objective: Objective, feed: Feed, storage: Storage) -> usize {
    let memory = Memory { objective, feed, storage, ..Memory::default() };
    let mut graph = graph.clone();
    pass::run_all(&mut graph, |_, _, _| ()).unwrap();
    choose::choose(&graph, &Target::host(), memory).unwrap().plan.arena_len
}

#[test]
fn every_plan_of_a_network_answers_alike_in_a_poisoned_arena() {
    let mut nets = Crate::new("poisoned");
    let mut main = format!("{}{MAIN_HEAD}", poison::GUARDED);
    for (name, graph) in [("digits", digits()), ("mobilenet", mobilenet("0.35@32"))] {
        let inputs = testing::random_inputs(&graph, 5);
        let expected = interp::run(&graph, &inputs).unwrap();
        for feed in FEEDS {
            let [least, most] = [Objective::Ram, Objective::Speed]
                .map(|objective| arena_bytes(&graph, objective, feed, Storage::F32));
            let between = Objective::Within(least.midpoint(most));
            // The larger network's other plans differ from these in nothing that digits does not show.
            let (count, factor) = if name == "digits" { (3, "1") } else { (1, "1.3") };
            let recompute = factor.parse().unwrap();
            let objectives = [Objective::Ram, between, Objective::Speed];
            for (at, objective) in objectives.iter().enumerate().take(count) {
                let memory = Memory { objective: *objective, feed, recompute, ..Memory::default() };
                let name = format!("{name}_{feed:?}_{at}").to_lowercase();
                main += &poison::case(&mut nets, &name, &graph, memory, &inputs, &expected);
            }
        }
    }
    poison::all_right(&nets.run(&(main + "}\n")));
}

#[test]
fn what_is_recomputed_is_right_to_the_bit_in_a_poisoned_arena() {
    let mut nets = Crate::new("recompute");
    let mut main = format!("{}{MAIN_HEAD}", poison::GUARDED);
    for (at, (name, graph)) in small_networks().into_iter().enumerate() {
        let inputs = testing::random_inputs(&graph, 5);
        let expected = interp::run(&graph, &inputs).unwrap();
        let feed = FEEDS[at.min(2)];
        for (factor, recompute) in ["1.0", "1.1", "4"].iter().enumerate() {
            let recompute = recompute.parse().unwrap();
            let memory = Memory { objective: Objective::Ram, feed, recompute, ..Memory::default() };
            let name = format!("{name}_{factor}");
            main += &poison::case(&mut nets, &name, &graph, memory, &inputs, &expected);
        }
    }
    let printed = nets.run(&(main + "}\n"));
    poison::all_right(&printed);
    // The oracle sums in another order, so that equal bits show as equal errors.
    let errors: Vec<&str> = printed.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(errors.len(), 3 * small_networks().len());
    for error in errors.chunks(3) {
        assert!(error.iter().all(|it| *it == error[0]), "{printed}");
    }
}

#[test]
fn halves_answer_as_the_oracle_does_in_a_poisoned_arena() {
    answers_in_halves("halves", Storage::F16, 1e-2);
}

#[test]
fn brain_floats_answer_as_the_oracle_does_in_a_poisoned_arena() {
    answers_in_halves("brains", Storage::Bf16, 8e-2);
}

/// Stored in 16 bits, networks are at most so far from the oracle.
fn answers_in_halves(folder: &str, storage: Storage, most: f32) {
    let mut nets = Crate::new(folder);
    let mut main = format!("{}{MAIN_HEAD}", poison::GUARDED);
    let random = (200..208).map(|seed| ("random", testing::random_graph(seed)));
    let regions = (20..24).map(|seed| ("region", testing::random_region(seed)));
    let floats = small_networks().into_iter().filter(|(_, graph)| !graph.is_quantised());
    let scalar = [("a_value_has_no_dimensions", strange::no_dimensions())];
    let networks = floats.chain(random).chain(regions).chain(scalar);
    for (at, (name, graph)) in networks.enumerate() {
        // Random networks have inputs of which rows cannot be asked for.
        let by_rows = !["random", "a_value_has_no_dimensions"].contains(&name);
        let feeds = if by_rows { &FEEDS[..] } else { &FEEDS[..2] };
        let feed = feeds[at % feeds.len()];
        let inputs = testing::random_inputs(&graph, 5);
        let objectives = [Objective::Ram, Objective::Speed];
        let objectives = if at < 3 { &objectives[..] } else { &objectives[at % 2..][..1] };
        for objective in objectives.iter().copied() {
            let recompute = if at % 3 == 0 { "1" } else { "1.3" }.parse().unwrap();
            let memory = Memory { objective, feed, recompute, storage };
            let mut oracle = graph.clone();
            pass::run_all(&mut oracle, |_, _, _| ()).unwrap();
            pass::lower_precision::run(&mut oracle, memory).unwrap();
            let expected = interp::run(&oracle, &inputs).unwrap();
            let name = format!("{name}_{at}_{objective}");
            main += &poison::case(&mut nets, &name, &graph, memory, &inputs, &expected);
        }
    }
    // Sums in another order are rounded to another half now and then.
    poison::all_within(&nets.run(&(main + "}\n")), most);
}

/// Networks in which strips and batches of rows end short, with the paddings of TensorFlow and of PyTorch.
fn small_networks() -> Vec<(&'static str, Graph)> {
    let row = |operator, c, n, s| spec::Row { operator, c, n, s };
    let block = |t, c, n, s| row(spec::Operator::Bottleneck { t }, c, n, s);
    let odd = spec::Spec {
        name: "odd".into(),
        resolution: 45,
        channels_in: 3,
        width: 1.0,
        classes: 4,
        rows: vec![
            row(spec::Operator::Conv3x3, 8, 1, 1),
            block(6, 8, 2, 1),
            block(3, 16, 2, 2),
            block(6, 24, 1, 2),
        ],
    };
    let odd = spec::graph(&odd, spec::Weights::Random { seed: 3 }).unwrap();
    let bytes = on_bytes(mobilenet("0.1@48"));
    let bent = bent(odd.clone());
    let mobilenet = mobilenet("0.35@32");
    vec![
        ("odd", odd),
        ("mobilenet", mobilenet),
        ("digits", digits()),
        ("bytes", bytes),
        ("bent", bent),
    ]
}

/// `graph`, every second clamp of which is a function: those of expansions, and those of depthwise convolutions stay.
fn bent(mut graph: Graph) -> Graph {
    let clamps: Vec<_> =
        graph.ids().into_iter().filter(|id| matches!(graph.node(*id).op, Op::Clamp(_))).collect();
    for id in clamps.into_iter().skip(1).step_by(2) {
        graph.node_mut(id).op = Op::Unary(Unary::HardSwish);
    }
    graph
}

/// `graph`, quantised.
fn on_bytes(graph: Graph) -> Graph {
    let pictures = testing::random_inputs(&graph, 9);
    let file = quantize(graph, &pictures, &Settings::default(), |_| ()).unwrap().file;
    let mut graph = onnx::read(file, Path::new(""), &onnx::Options::default()).unwrap();
    legalize_quant::run(&mut graph, &mut Skips::new()).unwrap();
    graph
}

#[test]
fn random_networks_answer_as_the_oracle_does_in_any_memory() {
    let mut nets = Crate::new("any_memory");
    let mut main = format!("{}{MAIN_HEAD}", poison::GUARDED);
    for seed in 100..124 {
        let graph = testing::random_graph(seed);
        let inputs = testing::random_inputs(&graph, seed);
        let expected = interp::run(&graph, &inputs).unwrap();
        let feed = FEEDS[seed as usize % 2];
        let recompute = if seed % 4 < 2 { "1" } else { "4" }.parse().unwrap();
        let memory = Memory { objective: Objective::Ram, feed, recompute, ..Memory::default() };
        main +=
            &poison::case(&mut nets, &format!("net_{seed}"), &graph, memory, &inputs, &expected);
    }
    poison::all_right(&nets.run(&(main + "}\n")));
}

#[test]
fn rows_flow_through_branches_as_the_oracle_says() {
    let mut nets = Crate::new("regions");
    let mut main = format!("{}{MAIN_HEAD}", poison::GUARDED);
    for seed in 0..16 {
        let graph = testing::random_region(seed);
        let inputs = testing::random_inputs(&graph, seed);
        let expected = interp::run(&graph, &inputs).unwrap();
        let feed = FEEDS[seed as usize % 3];
        let least = arena_bytes(&graph, Objective::Ram, feed, Storage::F32);
        let objective = match seed % 8 {
            0..6 => Objective::Ram,
            6 => Objective::Within(least + least / 8),
            _ => Objective::Speed,
        };
        let memory = Memory { objective, feed, ..Memory::default() };
        main +=
            &poison::case(&mut nets, &format!("net_{seed}"), &graph, memory, &inputs, &expected);
    }
    poison::all_right(&nets.run(&(main + "}\n")));
}

#[test]
fn rows_of_bytes_flow_through_branches_as_the_oracle_says() {
    let mut nets = Crate::new("regions_of_bytes");
    let mut main = format!("{}{MAIN_HEAD}", poison::GUARDED);
    for seed in 0..8 {
        let mut graph = testing::random_region_of_bytes(seed);
        legalize_quant::run(&mut graph, &mut Skips::new()).unwrap();
        let inputs = testing::random_inputs(&graph, seed);
        let expected = interp::run(&graph, &inputs).unwrap();
        let feed = FEEDS[seed as usize % 3];
        let memory = Memory { objective: Objective::Ram, feed, ..Memory::default() };
        main +=
            &poison::case(&mut nets, &format!("net_{seed}"), &graph, memory, &inputs, &expected);
    }
    poison::all_right(&nets.run(&(main + "}\n")));
}

/// Rows are asked for in order and each once; what the caller writes into the arena lies there when it is read.
#[test]
fn inputs_are_fed_in_every_way_and_answer_alike_in_a_poisoned_arena() {
    let mut nets = Crate::new("fed");
    let mut main = format!("{}{MAIN_HEAD}", poison::GUARDED);
    let generic: Target = "generic".parse().unwrap();
    let ways = [(1, Objective::Speed), (2, Objective::Speed), (1, Objective::Ram)];
    let targets = [Target::host(), generic].into_iter();
    let machines: Vec<_> = targets.flat_map(|target| ways.map(|way| (target, way))).collect();
    for (name, graph) in fed::networks() {
        let inputs = testing::random_inputs(&graph, 5);
        let expected = interp::run(&graph, &inputs).unwrap();
        let feeds = if inputs.len() > 1 { &FEEDS[..2] } else { &FEEDS };
        for feed in feeds.iter().copied() {
            for (at, (target, (threads, objective))) in machines.iter().copied().enumerate() {
                let target = Target { threads, ..target };
                let memory = Memory { objective, feed, ..Memory::default() };
                let name = format!("{name}_{feed:?}_{at}").to_lowercase();
                let what = (&graph, &target, memory);
                main += &poison::case_on(&mut nets, &name, what, &inputs, &expected);
            }
        }
    }
    poison::all_right(&nets.run(&(main + "}\n")));
}

/// `choose` asserts that the checker finds nothing.
#[test]
fn every_plan_of_random_networks_is_sound_and_the_least_is_no_larger() {
    for seed in 0..60 {
        let graph = testing::random_region(seed);
        let storage = [Storage::F32, Storage::Int8][seed as usize % 2];
        for feed in FEEDS {
            let bytes = |objective| arena_bytes(&graph, objective, feed, storage);
            let (least, fast) = (bytes(Objective::Ram), bytes(Objective::Speed));
            assert!(least <= fast, "seed {seed} {feed:?}: {least} bytes, {fast} when fast");
            let between = least.midpoint(fast);
            assert!(bytes(Objective::Within(between)) <= between, "seed {seed} {feed:?}");
        }
    }
}

/// Networks whose large values are all bytes: what stays in floats takes the memory of floats.
#[test]
fn bytes_take_a_quarter_of_the_memory_of_floats() {
    let mut compared = 0;
    for seed in 0..120 {
        let bytes = testing::random_region_of_bytes(seed);
        let mut settled = bytes.clone();
        pass::run_all(&mut settled, |_, _, _| ()).unwrap();
        let floats = |id: &NodeId| settled.node(*id).out.dtype == Dtype::F32;
        let large = |id: &NodeId| settled.node(*id).out.len() > 64;
        let computed = |id: &NodeId| settled.operand(*id, 0).is_some();
        if settled.ids().iter().any(|id| floats(id) && large(id) && computed(id)) {
            continue;
        }
        let feed = FEEDS[seed as usize % 3];
        let memory = Memory { objective: Objective::Ram, feed, ..Memory::default() };
        let arena = |graph| report::report(graph, &Target::host(), memory).unwrap().arena_bytes;
        let (floats, bytes) = (arena(testing::random_region(seed)), arena(bytes));
        let most = floats * 26 / 100 + 1024;
        assert!(bytes <= most, "seed {seed} {feed:?}: {bytes} bytes, {floats} as floats");
        compared += 1;
    }
    assert!(compared > 10, "only {compared} networks are compared");
}

/// KiB that a plan for bytes may take at most, with the image in the arena, and fed row by row.
const LIMITS: &[(&str, Storage, f64, f64)] = &[
    ("1.0@224", Storage::Int8, 196.0, 122.0),
    ("0.35@224", Storage::Int8, 156.0, 50.0),
    ("0.35@144", Storage::Int8, 66.0, 26.5),
    ("0.35@128", Storage::Int8, 52.5, 22.5),
    ("0.35@96", Storage::Int8, 30.0, 15.3),
    ("1.0@224", Storage::F32, 780.0, 490.0),
];

#[test]
fn mobilenets_fit_where_they_should() {
    for (name, storage, in_arena, by_rows) in LIMITS {
        let graph = mobilenet(name);
        for (feed, limit) in [(Feed::Arena, in_arena), (Feed::Rows, by_rows)] {
            let kib = arena_bytes(&graph, Objective::Ram, feed, *storage) as f64 / 1024.0;
            assert!(
                kib <= *limit,
                "{name} {storage:?} {feed:?} takes {kib} KiB, more than {limit}"
            );
        }
    }
}

#[test]
fn a_result_does_not_grow_over_rows_that_are_read_again() {
    let mut graph = mobilenet("0.35@96");
    pass::run_all(&mut graph, |_, _, _| ()).unwrap();
    let units = segment::units(&graph).unwrap();
    let head = units.into_iter().find(|unit| unit.role == Role::Head).unwrap();
    let by_rows = Segment { batch: RowBatch::Rows(1), ..head };
    let target = Target::host();
    let setting = Setting::new(&graph, &target, Memory::default());
    let alone = lower_alone(&setting, &[by_rows], usize::MAX).unwrap();
    assert_ne!(alone.steps[0].stages[0].part, Part::Row);
    assert_eq!(alone.overlaps, []);
}

#[test]
fn results_that_lie_dense_grow_over_an_operand_that_dies() {
    let row = spec::Row { operator: spec::Operator::Conv3x3, c: 16, n: 4, s: 1 };
    let spec = spec::Spec {
        name: "convolutions".into(),
        resolution: 16,
        channels_in: 16,
        width: 1.0,
        classes: 4,
        rows: vec![row],
    };
    let mut graph = spec::graph(&spec, spec::Weights::Random { seed: 5 }).unwrap();
    pass::run_all(&mut graph, |_, _, _| ()).unwrap();
    let units = segment::units(&graph).unwrap();
    let middle = segment::joined(&graph, &[&units[1], &units[2]], RowBatch::Rows(1)).unwrap();
    let target = Target::host();
    let overlaps = |results| {
        let setting = Setting::new(&graph, &target, Memory::default()).with(results);
        lower_alone(&setting, std::slice::from_ref(&middle), usize::MAX).unwrap().overlaps.len()
    };
    assert_eq!(overlaps(Results::Padded), 0);
    assert_eq!(overlaps(Results::Dense), 1);
}

#[test]
fn a_limit_is_kept_and_an_impossible_one_refused() {
    let mut graph = mobilenet("0.35@96");
    pass::run_all(&mut graph, |_, _, _| ()).unwrap();
    let plan = |objective| {
        let memory = Memory { objective, ..Memory::default() };
        choose::choose(&graph, &Target::host(), memory).map(|choice| choice.plan.arena_len)
    };
    let least = plan(Objective::Ram).unwrap();
    let most = plan(Objective::Speed).unwrap();
    for limit in [least, least + 1000, least.midpoint(most), most] {
        assert!(plan(Objective::Within(limit)).unwrap() <= limit);
    }
    let refusal = plan(Objective::Within(least - 1)).unwrap_err().to_string();
    assert!(refusal.contains(&format!("takes {least} bytes")), "{refusal}");
}
