//! Reader of Einsum: sums, transposes and products of one or two operands, as the operators that they are.

use std::collections::BTreeMap;

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::ir::{Binary, NodeId, Op, Reduce, Reducer};

/// A value whose dimensions have letters.
struct Term {
    id: NodeId,
    letters: Vec<char>,
}

/// Einsum.
pub(super) fn einsum(call: &mut Call<'_>) -> Made {
    let equation: String = call.text("equation", "")?.split_whitespace().collect();
    let (terms, result) = read(&equation)?;
    if terms.len() != call.operands.len() || terms.is_empty() || terms.len() > 2 {
        return Err(Fault::Unsupported(format!(
            "equation {equation:?} of {} operands; supported: one or two",
            call.operands.len()
        )));
    }
    let mut sizes = BTreeMap::new();
    let mut operands = Vec::new();
    for (port, letters) in terms.into_iter().enumerate() {
        let id = call.float(port)?;
        let shape = call.shape(id);
        let same =
            |(letter, size): (&char, &usize)| *sizes.entry(*letter).or_insert(*size) == *size;
        if shape.len() != letters.len() || !letters.iter().zip(&shape).all(same) {
            return Err(Fault::Misfit(format!(
                "operand {port} of shape {shape:?} in {equation:?}"
            )));
        }
        operands.push(Term { id, letters });
    }
    let known = |letter: &char| sizes.contains_key(letter);
    if !result.iter().all(known) || !are_unlike(&result) {
        return Err(Fault::Misfit(format!("the result of {equation:?}")));
    }
    let last = operands.pop();
    let made = match (operands.pop(), last) {
        (Some(a), Some(b)) => {
            let a = alone(call, "a", a, &b.letters, &result)?;
            let b = alone(call, "b", b, &a.letters, &result)?;
            product(call, a, b, &result)?
        }
        (_, Some(x)) => alone(call, "x", x, &[], &result)?,
        _ => return Err(Fault::Misfit("operand 0 is missing".into())),
    };
    let x = ordered(call, "ordered", made, &result)?;
    call.emit(Op::Identity, &[x.id])
}

/// The letters of the operands and of the result, which by default has those that come once, by name.
fn read(equation: &str) -> Result<(Vec<Vec<char>>, Vec<char>), Fault> {
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation, None),
    };
    let is_plain = |letter: char| letter.is_ascii_alphabetic() || letter == ',';
    let terms: Vec<Vec<char>> = left.split(',').map(|term| term.chars().collect()).collect();
    let right: Option<Vec<char>> = right.map(|right| right.chars().collect());
    let plain = left.chars().chain(right.iter().flatten().copied()).all(is_plain);
    if !plain || !terms.iter().all(|letters| are_unlike(letters)) {
        return Err(Fault::Unsupported(format!(
            "equation {equation:?}; supported: letters, each once in an operand"
        )));
    }
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    terms.iter().flatten().for_each(|letter| *counts.entry(*letter).or_default() += 1);
    let once = counts.into_iter().filter(|(_, count)| *count == 1).map(|(letter, _)| letter);
    Ok((terms, right.unwrap_or_else(|| once.collect())))
}

fn are_unlike(letters: &[char]) -> bool {
    letters.iter().enumerate().all(|(at, letter)| !letters[..at].contains(letter))
}

/// `x`, summed over dimensions that neither `other` nor the result has.
fn alone(
    call: &mut Call<'_>,
    part: &str,
    x: Term,
    other: &[char],
    result: &[char],
) -> Result<Term, Fault> {
    let is_kept = |letter: &char| other.contains(letter) || result.contains(letter);
    let axes: Vec<usize> = (0..x.letters.len()).filter(|at| !is_kept(&x.letters[*at])).collect();
    if axes.is_empty() {
        return Ok(x);
    }
    let shape = call.shape(x.id).into_iter().zip(&x.letters);
    let shape = shape.filter(|(_, letter)| is_kept(letter)).map(|(size, _)| size).collect();
    let sum = Op::Reduce(Reduce { kind: Reducer::Sum, axes });
    let id = call.step_as(&format!("{part}/sum"), sum, shape, &[x.id])?;
    Ok(Term { id, letters: x.letters.into_iter().filter(is_kept).collect() })
}

/// The product of two terms, summed over what they share and the result has not.
fn product(call: &mut Call<'_>, a: Term, b: Term, result: &[char]) -> Result<Term, Fault> {
    let summed: Vec<char> =
        a.letters.iter().copied().filter(|letter| !result.contains(letter)).collect();
    if summed.is_empty() {
        let [a, b] = [spread(call, "a", a, result)?, spread(call, "b", b, result)?];
        let id = call.step("product", Op::Binary(Binary::Mul), &[a, b])?;
        return Ok(Term { id, letters: result.to_vec() });
    }
    // A constant matrix stands on the right, where kernels want it.
    let (a, b) = if call.numbers(a.id).is_some() { (b, a) } else { (a, b) };
    let shared = |letter: &char| a.letters.contains(letter) && b.letters.contains(letter);
    let batch: Vec<char> = result.iter().copied().filter(shared).collect();
    let own = |term: &Term| -> Vec<char> {
        term.letters.iter().copied().filter(|letter| !shared(letter)).collect()
    };
    let (rows, columns) = (own(&a), own(&b));
    let sizes: BTreeMap<char, usize> = [&a, &b]
        .into_iter()
        .flat_map(|term| term.letters.iter().copied().zip(call.shape(term.id)))
        .collect();
    let len = |letters: &[char]| letters.iter().map(|letter| sizes[letter]).product::<usize>();
    let stack = Some(len(&batch)).filter(|stack| *stack > 1);
    let matrix = |rows: usize, columns: usize| -> Vec<usize> {
        stack.into_iter().chain([rows, columns]).collect()
    };
    let left = ordered(call, "a/ordered", a, &[&batch[..], &rows, &summed].concat())?;
    let left = call.view("a/matrix", left.id, matrix(len(&rows), len(&summed)))?;
    let right = ordered(call, "b/ordered", b, &[&batch[..], &summed, &columns].concat())?;
    let right = call.view("b/matrix", right.id, matrix(len(&summed), len(&columns)))?;
    let product = call.step("product", Op::MatMul, &[left, right])?;
    let letters = [batch, rows, columns].concat();
    let shape = letters.iter().map(|letter| sizes[letter]).collect();
    Ok(Term { id: call.view("split", product, shape)?, letters })
}

/// `x` with its dimensions in the order of `letters`.
fn ordered(call: &mut Call<'_>, part: &str, x: Term, letters: &[char]) -> Result<Term, Fault> {
    if x.letters == letters {
        return Ok(x);
    }
    let place = |letter: &char| x.letters.iter().position(|own| own == letter);
    let perm: Option<Vec<usize>> = letters.iter().map(place).collect();
    let perm = perm.filter(|perm| perm.len() == x.letters.len());
    let perm = perm.ok_or_else(|| "its letters do not fit".to_owned())?;
    let id = call.step(part, Op::Transpose(perm), &[x.id])?;
    Ok(Term { id, letters: letters.to_vec() })
}

/// `x` along the dimensions of the result, of size 1 where it has none.
fn spread(call: &mut Call<'_>, part: &str, x: Term, result: &[char]) -> Result<NodeId, Fault> {
    let own: Vec<char> =
        result.iter().copied().filter(|letter| x.letters.contains(letter)).collect();
    let x = ordered(call, &format!("{part}/ordered"), x, &own)?;
    if own == result {
        return Ok(x.id);
    }
    let mut sizes = call.shape(x.id).into_iter();
    let dim = |letter: &char| if own.contains(letter) { sizes.next().unwrap_or(1) } else { 1 };
    let shape = result.iter().map(dim).collect();
    call.view(&format!("{part}/spread"), x.id, shape)
}
