//! Partitions of random networks of the family keep what was asked of them, whatever that was.
//!
//! `choose` holds every plan against the checker of offsets; here limits and budgets are held against what is chosen.

use mnv2c::frontend::spec::{self, Operator, Row, Spec, Weights};
use mnv2c::ir::Graph;
use mnv2c::objective::{Feed, Memory, Objective, Recompute, Storage};
use mnv2c::target::Target;
use mnv2c::{choose, pass};
use proptest::prelude::*;

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let block = (1usize..7, 1usize..5, 1usize..4, 1usize..3).prop_map(|(t, c, n, s)| Row {
        operator: Operator::Bottleneck { t },
        c: 8 * c,
        n,
        s,
    });
    let stem = (1usize..3).prop_map(|s| Row { operator: Operator::Conv3x3, c: 16, n: 1, s });
    let head = Row { operator: Operator::Conv1x1, c: 64, n: 1, s: 1 };
    (stem, prop::collection::vec(block, 1..5))
        .prop_map(move |(stem, blocks)| [stem].into_iter().chain(blocks).chain([head]).collect())
}

fn network() -> impl Strategy<Value = Graph> {
    (20usize..90, rows()).prop_map(|(resolution, rows)| {
        let name = "random".into();
        let spec = Spec { name, resolution, channels_in: 3, width: 1.0, classes: 5, rows };
        let mut graph = spec::graph(&spec, Weights::Random { seed: 1 }).unwrap();
        pass::run_all(&mut graph, |_, _, _| ()).unwrap();
        graph
    })
}

fn memory() -> impl Strategy<Value = Memory> {
    let feeds = prop::sample::select(vec![Feed::Caller, Feed::Arena, Feed::Rows]);
    let storages = prop::sample::select(vec![Storage::F32, Storage::Int8]);
    let factors = prop::sample::select(vec![0, 20_000, 50_000, 300_000, 3_000_000]);
    (feeds, storages, factors).prop_map(|(feed, storage, millionths)| Memory {
        objective: Objective::Ram,
        feed,
        storage,
        recompute: Recompute { millionths },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn plans_keep_their_limit_and_their_budget(
        graph in network(),
        memory in memory(),
        target in prop::sample::select(vec!["generic", "x86-64-v3", "x86-64-v4"]),
        part in 0.0f64..1.0,
    ) {
        let target: Target = target.parse().unwrap();
        let plan = |objective, recompute| {
            let memory = Memory { objective, recompute, ..memory };
            choose::choose(&graph, &target, memory)
        };
        let least = plan(Objective::Ram, memory.recompute).unwrap();
        let most = plan(Objective::Speed, memory.recompute).unwrap().plan.arena_len;
        let smallest = least.plan.arena_len;
        prop_assert!(smallest <= most + most / 128);
        let once = plan(Objective::Ram, Recompute::default()).unwrap().plan.arena_len;
        prop_assert!(smallest <= once + once / 128, "{smallest} for what takes {once} at once");

        let recomputed: u64 = least.schedule.steps.iter().map(|step| step.recomputed).sum();
        prop_assert!(recomputed <= memory.recompute.budget(graph.total_madds()));
        let all: u64 = least.schedule.steps.iter().map(|step| step.madds).sum();
        prop_assert_eq!(all - recomputed, graph.total_madds());

        let limit = smallest + (most.saturating_sub(smallest) as f64 * part) as usize;
        let within = plan(Objective::Within(limit), memory.recompute).unwrap();
        prop_assert!(within.plan.arena_len <= limit);
    }

    #[test]
    fn a_refusal_names_what_would_do(graph in network(), memory in memory()) {
        let target = "x86-64-v3".parse().unwrap();
        let refused = Memory { objective: Objective::Within(1), ..memory };
        let refusal = choose::choose(&graph, &target, refused).unwrap_err().to_string();
        let after = |words: &str| -> Option<usize> {
            let text = &refusal[refusal.find(words)? + words.len()..];
            text.split(' ').next()?.trim_end_matches(',').parse().ok()
        };
        let smallest = after("allow ram ").expect("the smallest arena is named");
        let fits = Memory { objective: Objective::Within(smallest), ..memory };
        prop_assert!(choose::choose(&graph, &target, fits).is_ok(), "{refusal}");
    }
}
