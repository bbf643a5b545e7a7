//! Random small networks over every operator that is read: all verbs, objectives and machines give one answer.
//!
//! A network is known by its number. `MNV2C_DRAWS=4000..9000` judges those instead of the first few; a failure names its
//! own, and `MNV2C_DRAWS=4711..4712` replays it.

#[path = "onnx/build.rs"]
#[expect(dead_code, reason = "the reader's tests use the rest")]
mod build;
#[path = "drawn/bytes.rs"]
mod bytes;
#[path = "drawn/constants.rs"]
mod constants;
#[path = "drawn/draw.rs"]
mod draw;
#[path = "drawn/elementwise.rs"]
mod elementwise;
#[path = "drawn/judge.rs"]
mod judge;
#[path = "drawn/moves.rs"]
mod moves;
#[path = "drawn/products.rs"]
mod products;
#[path = "../src/random.rs"]
mod random;
#[path = "drawn/shapes.rs"]
mod shapes;
#[path = "drawn/windows.rs"]
mod windows;

use std::collections::BTreeMap;
use std::ops::Range;

use mnv2c::frontend::onnx::{OPERATORS, Operator, Types};

use crate::build::Model;
use crate::random::Random;
use draw::Draw;

/// Networks for each operator.
const EACH: usize = 3;
/// Forms of each operator that the reader has to take, and nodes that may be drawn for them.
const FORMS: usize = 3;
const TRIES: u64 = 200;

#[test]
fn every_operator_is_drawn_in_several_forms() {
    for operator in OPERATORS {
        let is_read = |seed: &u64| ready(*seed, operator).add(operator.name);
        let forms = (0..TRIES).filter(is_read).take(FORMS).count();
        assert_eq!(forms, FORMS, "{}: draw forms that are read", operator.name);
    }
}

#[test]
fn all_who_are_asked_give_one_answer() {
    let mut faults: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for number in numbers() {
        if let Err(fault) = judge::judge(&network(number), number as u64) {
            faults.entry(fault).or_default().push(number);
        }
    }
    let lines: Vec<String> = faults
        .iter()
        .map(|(fault, numbers)| {
            let text = network(numbers[0]).text();
            format!("networks {numbers:?}: {fault}\n{text}")
        })
        .collect();
    assert!(faults.is_empty(), "{}", lines.join("\n\n"));
}

fn numbers() -> Range<usize> {
    let Ok(wanted) = std::env::var("MNV2C_DRAWS") else { return 0..EACH * OPERATORS.len() };
    let range =
        wanted.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    range.expect("MNV2C_DRAWS is a range of numbers such as 0..1000")
}

/// The network of a number: a node of the operator that comes with it, among others.
fn network(number: usize) -> Model {
    let operator = &OPERATORS[number % OPERATORS.len()];
    let mut draw = ready(number as u64, operator);
    let most = draw.random.pick(&[2, 4, 4, 10]);
    let (before, behind) = (draw.random.below(most), draw.random.below(most));
    (0..before).for_each(|_| any(&mut draw));
    (0..8).any(|_| draw.add(operator.name));
    (0..behind).for_each(|_| any(&mut draw));
    draw.finish()
}

/// A model that has what `operator` reads.
fn ready(seed: u64, operator: &Operator) -> Draw {
    let since =
        if operator.types == Types::Bytes { operator.since.max(10) } else { operator.since };
    let mut draw = Draw::new(seed, since);
    match operator.types {
        Types::Bytes => _ = draw.add("QuantizeLinear"),
        Types::Constants | Types::FloatsAndShapes | Types::Numbers if draw.random.one_in(2) => {
            _ = draw.add("Shape");
        }
        Types::Floats | Types::FloatsAndShapes | Types::Numbers => {}
        Types::Truths | Types::Constants => {}
        Types::Sequences | Types::Any => {}
    }
    draw
}

/// Adds a node of some operator, and lets it pass through bytes in a quantised model.
fn any(draw: &mut Draw) {
    let name = operator(&mut draw.random);
    let added = draw.add(name);
    if added && draw.quantised && draw.random.one_in(2) && draw.add("QuantizeLinear") {
        draw.add("DequantizeLinear");
    }
}

/// The name of an operator; common ones come more often.
fn operator(random: &mut Random) -> &'static str {
    const COMMON: [&str; 8] =
        ["Conv", "Conv", "Conv", "Relu", "Add", "Concat", "MaxPool", "Transpose"];
    match random.one_in(3) {
        true => random.pick(&COMMON),
        false => OPERATORS[random.below(OPERATORS.len())].name,
    }
}
