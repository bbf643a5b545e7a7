//! Prints what the arena of MobileNetV2 takes, by width, size, number type and feed, with nothing computed twice and
//! with a twentieth of the multiply-adds done again: `cargo run --release -p mnv2c --example memory_table`.

use mnv2c::frontend::spec;
use mnv2c::objective::{Feed, Memory, Objective, Recompute, Storage};
use mnv2c::target::Target;
use mnv2c::{choose, pass};

const NETWORKS: &[(&str, Storage)] = &[
    ("1.0@224", Storage::Int8),
    ("0.35@224", Storage::Int8),
    ("0.35@144", Storage::Int8),
    ("0.35@128", Storage::Int8),
    ("0.35@96", Storage::Int8),
    ("1.0@224", Storage::F16),
    ("1.0@224", Storage::F32),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "KiB of the arena       image in the arena   fed row by row   and 1.05 times the MAdds"
    );
    for (name, storage) in NETWORKS {
        let kib = |feed, factor| {
            Ok::<f64, mnv2c::error::Error>(arena(name, *storage, feed, factor)? as f64 / 1024.0)
        };
        println!(
            "{name:10} {:10} {:18.1} {:16.1} {:25.1}",
            format!("{storage:?}").to_lowercase(),
            kib(Feed::Arena, "1")?,
            kib(Feed::Rows, "1")?,
            kib(Feed::Rows, "1.05")?
        );
    }
    Ok(())
}

/// Bytes of the smallest arena.
fn arena(name: &str, storage: Storage, feed: Feed, factor: &str) -> mnv2c::error::Result<usize> {
    let spec = spec::Spec::parse(&format!("mobilenet_v2:{name}"))?;
    let mut graph = spec::graph(&spec, spec::Weights::Random { seed: 1 })?;
    pass::run_all(&mut graph, |_, _, _| ())?;
    let recompute: Recompute = factor.parse()?;
    let memory = Memory { objective: Objective::Ram, feed, storage, recompute };
    pass::lower_precision::run(&mut graph, memory)?;
    Ok(choose::choose(&graph, &Target::host(), memory)?.plan.arena_len)
}
