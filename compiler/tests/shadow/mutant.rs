//! Programs and plans with one fault.

use mnv2c::Artifact;
use mnv2c::program::{Call, Expr, Offset, Reach, Span, Statement, Zero};
use mnv2c::schedule::Home;

/// Some networks with one fault each, and what it is: `most` of all that there are.
pub(crate) fn some(net: &Artifact, seed: u64, most: usize) -> Vec<(String, Artifact)> {
    let mut mutants = Vec::new();
    let all = count(net);
    let step = (all / most.max(1)).max(1);
    let first = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % step;
    for at in (first..all).step_by(step) {
        mutants.extend(one(net, at));
    }
    mutants
}

fn count(net: &Artifact) -> usize {
    let numbers: usize = net.program.functions.iter().map(|it| numbers(&it.body)).sum();
    2 * numbers + statements(net) + 3 * net.schedule.buffers.len()
}

/// Statements that may be left out.
fn statements(net: &Artifact) -> usize {
    net.program.functions.iter().map(|it| all_of(&it.body)).sum()
}

fn all_of(body: &[Statement]) -> usize {
    body.iter().map(|statement| 1 + inside(statement).map(|body| all_of(body)).sum::<usize>()).sum()
}

/// Mutant `at`; nothing where it changes nothing.
fn one(net: &Artifact, mut at: usize) -> Option<(String, Artifact)> {
    let mut wrong = net.clone();
    for function in &mut wrong.program.functions {
        let numbers = 2 * numbers(&function.body);
        if at < numbers {
            let (mut left, up) = (at / 2, at.is_multiple_of(2));
            let what = change(&mut function.body, &mut left, up)?;
            return Some((format!("{what} {} by one", if up { "up" } else { "down" }), wrong));
        }
        at -= numbers;
        let all = all_of(&function.body);
        if at < all {
            let what = leave_out(&mut function.body, &mut at)?;
            return Some((format!("without {what}"), wrong));
        }
        at -= all;
    }
    let buffers = wrong.schedule.buffers.len();
    let (kind, buffer) = (at / buffers, at % buffers);
    match kind {
        0 | 1 => {
            // Of two values that both are there between two steps, one would overwrite the other.
            let live = |at: usize| &net.schedule.buffers[at].live;
            let both = |other: &usize| {
                let start = live(buffer).start.max(live(*other).start);
                start + 1 < live(buffer).end.min(live(*other).end)
            };
            let mut others = (0..buffers).filter(|other| *other != buffer).filter(both);
            let other = if kind == 0 { others.next() } else { others.next_back() }?;
            wrong.plan.slots[buffer].offset = wrong.plan.slots[other].offset;
            Some(("two values in one place".to_owned(), wrong))
        }
        _ => {
            let mut changed = false;
            let steps = wrong.schedule.steps.iter_mut();
            let places = steps
                .flat_map(|step| &mut step.stages)
                .flat_map(|stage| stage.from.iter_mut().chain([&mut stage.into]));
            for place in
                places.filter(|place| place.home == Home::Arena(mnv2c::plan::BufferId(buffer)))
            {
                if place.rows.kept > 1 && place.rows.kept < place.height {
                    place.rows.kept -= 1;
                    changed = true;
                }
            }
            changed.then(|| ("a ring lower by a row".to_owned(), wrong))
        }
    }
}

/// The bodies in a statement.
fn inside(statement: &Statement) -> Box<dyn Iterator<Item = &Vec<Statement>> + '_> {
    match statement {
        Statement::For { body, .. } | Statement::While { body, .. } => Box::new([body].into_iter()),
        Statement::If { then, otherwise, .. } => Box::new([then, otherwise].into_iter()),
        Statement::Threads(threads) => Box::new([&threads.body].into_iter()),
        _ => Box::new([].into_iter()),
    }
}

/// Leaves statement number `at` out.
fn leave_out(body: &mut Vec<Statement>, at: &mut usize) -> Option<String> {
    for index in 0..body.len() {
        if *at == 0 {
            let statement = body.remove(index);
            return match statement {
                Statement::Mark { .. } | Statement::Let(..) | Statement::LetRows(_) => None,
                other => {
                    let text = format!("{other:?}");
                    Some(text.split([' ', '(']).next().unwrap_or_default().to_owned())
                }
            };
        }
        *at -= 1;
        let bodies: Vec<&mut Vec<Statement>> = match &mut body[index] {
            Statement::For { body, .. } | Statement::While { body, .. } => vec![body],
            Statement::If { then, otherwise, .. } => vec![then, otherwise],
            Statement::Threads(threads) => vec![&mut threads.body],
            _ => vec![],
        };
        for inner in bodies {
            let all = all_of(inner);
            if *at < all {
                return leave_out(inner, at);
            }
            *at -= all;
        }
    }
    None
}

fn numbers(body: &[Statement]) -> usize {
    let mut body = body.to_vec();
    let mut left = usize::MAX;
    change(&mut body, &mut left, true);
    usize::MAX - left
}

/// Changes number `left` of the statements by one: what it is, if that can be.
fn change(body: &mut [Statement], left: &mut usize, up: bool) -> Option<String> {
    body.iter_mut().find_map(|statement| of_statement(statement, left, up)).flatten()
}

/// Nothing where the number is in another statement; nothing inside where it cannot be changed.
fn of_statement(statement: &mut Statement, left: &mut usize, up: bool) -> Option<Option<String>> {
    match statement {
        Statement::Let(_, value) => expr(value, left, up, "a variable's start"),
        Statement::Set(_, value) => expr(value, left, up, "a variable's next value"),
        Statement::LetRows(rows) => span(rows, left, up, "the rows of calls"),
        Statement::For { span: range, by, body, .. } => span(range, left, up, "a loop's range")
            .or_else(|| number(by, left, up, "a loop's step", 1))
            .or_else(|| body.iter_mut().find_map(|it| of_statement(it, left, up))),
        Statement::While { until, body, .. } => expr(until, left, up, "a loop's end")
            .or_else(|| body.iter_mut().find_map(|it| of_statement(it, left, up))),
        Statement::If { below, then, otherwise, .. } => number(below, left, up, "a bound", 0)
            .or_else(|| then.iter_mut().find_map(|it| of_statement(it, left, up)))
            .or_else(|| otherwise.iter_mut().find_map(|it| of_statement(it, left, up))),
        Statement::Threads(threads) => number(&mut threads.parts, left, up, "parts", 0)
            .or_else(|| {
                let mut lent = threads.lent.iter_mut();
                lent.find_map(|it| number(&mut it.len, left, up, "a part's length", 1))
            })
            .or_else(|| threads.body.iter_mut().find_map(|it| of_statement(it, left, up))),
        Statement::Call(call) => of_call(call, left, up),
        Statement::Zero { what: Zero::Row(row), .. } => expr(row, left, up, "a row of zeros"),
        Statement::Slide { columns, .. } => number(columns, left, up, "columns that slide", 0),
        _ => None,
    }
}

fn of_call(call: &mut Call, left: &mut usize, up: bool) -> Option<Option<String>> {
    let reach = match &mut call.reach {
        Reach::Pixels(it) | Reach::Vectors(it) => number(it, left, up, "how much is made", 1),
        _ => None,
    };
    reach.or_else(|| span(&mut call.rows, left, up, "rows of a call")).or_else(|| {
        let offsets = [&mut call.from, &mut call.residual, &mut call.into];
        offsets.into_iter().flatten().find_map(|it| offset(it, left, up))
    })
}

fn offset(it: &mut Offset, left: &mut usize, up: bool) -> Option<Option<String>> {
    number(&mut it.by, left, up, "an offset's factor", 0)
        .or_else(|| number(&mut it.plus, left, up, "an offset", 0))
}

fn span(it: &mut Span, left: &mut usize, up: bool, what: &str) -> Option<Option<String>> {
    expr(&mut it.start, left, up, what).or_else(|| expr(&mut it.end, left, up, what))
}

fn expr(it: &mut Expr, left: &mut usize, up: bool, what: &str) -> Option<Option<String>> {
    match it {
        Expr::Number(it) => number(it, left, up, what, 0),
        Expr::Variable(_) => None,
        Expr::Times(by, it) => number(by, left, up, what, 1).or_else(|| expr(it, left, up, what)),
        Expr::Plus(it, more) | Expr::Minus(it, more) => {
            number(more, left, up, what, 0).or_else(|| expr(it, left, up, what))
        }
        Expr::Over(it, by) => number(by, left, up, what, 1).or_else(|| expr(it, left, up, what)),
        Expr::Min(a, b) => expr(a, left, up, what).or_else(|| expr(b, left, up, what)),
    }
}

/// Changes a number by one if it is the one, but not below `least`.
fn number(
    it: &mut usize,
    left: &mut usize,
    up: bool,
    what: &str,
    least: usize,
) -> Option<Option<String>> {
    if *left > 0 {
        *left -= 1;
        return None;
    }
    if !up && *it <= least {
        return Some(None);
    }
    *it = if up { *it + 1 } else { *it - 1 };
    Some(Some(what.to_owned()))
}
