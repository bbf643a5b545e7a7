//! Reader of Attention: a softmax of products, in operators of its own.
//!
//! `softmax(softcap(scale * q * k') + mask) * v`, for each head. Heads of the queries that share a head of the keys are
//! rows of one product, so that no key is repeated.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::composed::{number, pair};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::whole::Exact;
use crate::ir::{Binary, NodeId, Op, Softmax, Unary, Values};

/// Queries, keys and values by heads, `[n,heads,tokens,size]`.
struct Heads {
    q: NodeId,
    k: NodeId,
    v: NodeId,
    /// Tokens that come before those of the queries.
    past: usize,
    /// Images, heads of queries, tokens of those, and tokens of keys.
    shape: [usize; 4],
}

/// Attention, with its present keys and values, and with what is asked of the products.
pub(super) fn attention(call: &mut Call<'_>) -> Made {
    let rank = call.shape(call.float(0)?).len();
    let heads = heads(call, rank)?;
    let [n, of_q, tokens, others] = heads.shape;
    let products = products(call, &heads)?;
    let capped = softcap(call, products)?;
    let masked = masked(call, &heads, capped)?;
    let shares = call.step("shares", Op::Softmax(Softmax { axis: 3, log: false }), &[masked])?;
    let [_, of_v, _, size] = sizes(call, heads.v)?;
    let rows = call.view("rows", shares, vec![n, of_v, of_q / of_v * tokens, others])?;
    let sums = call.step("sums", Op::MatMul, &[rows, heads.v])?;
    let shape = vec![n, of_q, tokens, size];
    let mut made = if rank == 4 {
        call.emit_as(Op::Reshape, shape, &[sums])?
    } else {
        let sums = call.view("heads", sums, shape)?;
        let sums = call.step("tokens", Op::Transpose(vec![0, 2, 1, 3]), &[sums])?;
        call.emit_as(Op::Reshape, vec![n, tokens, of_q * size], &[sums])?
    };
    let told = match call.int("qk_matmul_output_mode", 0)? {
        0 => products,
        1 => capped,
        2 => masked,
        3 => shares,
        other => return Err(Fault::Misfit(format!("qk_matmul_output_mode {other}; 0 to 3 are"))),
    };
    made.extend([heads.k, heads.v, told]);
    made.truncate(call.node.output.len());
    Ok(made)
}

/// The operands by heads, keys and values behind those of the past.
fn heads(call: &mut Call<'_>, rank: usize) -> Result<Heads, Fault> {
    let [of_q, of_k] = ["q_num_heads", "kv_num_heads"].map(|name| call.int(name, 0));
    let [of_q, of_k] = [of_q?, of_k?].map(|count| usize::try_from(count).unwrap_or(0));
    let q = by_heads(call, 0, rank, of_q)?;
    let (mut k, mut v) = (by_heads(call, 1, rank, of_k)?, by_heads(call, 2, rank, of_k)?);
    let mut past = 0;
    if call.given(4).is_some() || call.given(5).is_some() {
        let [before_k, before_v] = [call.float(4)?, call.float(5)?];
        past = sizes(call, before_k)?[2];
        k = call.step("present_key", Op::Concat(2), &[before_k, k])?;
        v = call.step("present_value", Op::Concat(2), &[before_v, v])?;
    }
    let [[n, of_q, tokens, size], [a, of_k, others, b], [c, of_v, d, _]] =
        [sizes(call, q)?, sizes(call, k)?, sizes(call, v)?];
    if [a, b, c, d] != [n, size, n, others] || of_k != of_v || !of_q.is_multiple_of(of_k.max(1)) {
        let [q, k, v] = [q, k, v].map(|id| call.shape(id));
        return Err(Fault::Misfit(format!("queries {q:?}, keys {k:?} and values {v:?} by heads")));
    }
    Ok(Heads { q, k, v, past, shape: [n, of_q, tokens, others] })
}

/// The operand at `port` as `[n,heads,tokens,size]`.
fn by_heads(call: &mut Call<'_>, port: usize, rank: usize, heads: usize) -> Result<NodeId, Fault> {
    let x = call.float(port)?;
    let part = |what: &str| format!("{what}_{port}");
    match (rank, call.shape(x).as_slice()) {
        (4, [_, _, _, _]) => Ok(x),
        (3, &[n, tokens, size]) if heads > 0 && size.is_multiple_of(heads) => {
            let split = call.view(&part("split"), x, vec![n, tokens, heads, size / heads])?;
            call.step(&part("heads"), Op::Transpose(vec![0, 2, 1, 3]), &[split])
        }
        (_, shape) => {
            Err(Fault::Misfit(format!("operand {port} is {shape:?}, with {heads} heads")))
        }
    }
}

fn sizes(call: &Call<'_>, x: NodeId) -> Result<[usize; 4], Fault> {
    let shape = call.shape(x);
    let found = shape.as_slice().try_into();
    found.map_err(|_| Fault::Misfit(format!("{shape:?}, where four dimensions belong")))
}

/// The scaled products of queries and keys, `[n,heads,tokens,tokens]`.
fn products(call: &mut Call<'_>, heads: &Heads) -> Result<NodeId, Fault> {
    let [n, of_q, tokens, others] = heads.shape;
    let [_, of_k, _, size] = sizes(call, heads.k)?;
    let scale = call.real("scale", 1.0 / (size as f32).sqrt())?;
    let scale = number(call, "scale", scale);
    let q = pair(call, "scaled", Binary::Mul, heads.q, scale)?;
    let q = call.view("queries", q, vec![n, of_k, of_q / of_k * tokens, size])?;
    let k = call.step("keys", Op::Transpose(vec![0, 1, 3, 2]), &[heads.k])?;
    let products = call.step("products", Op::MatMul, &[q, k])?;
    call.view("scores", products, vec![n, of_q, tokens, others])
}

/// `cap * tanh(x / cap)`, if there is a cap.
fn softcap(call: &mut Call<'_>, x: NodeId) -> Result<NodeId, Fault> {
    let cap = call.real("softcap", 0.0)?;
    if cap == 0.0 {
        return Ok(x);
    }
    let cap = number(call, "cap", cap);
    let part = pair(call, "part", Binary::Div, x, cap)?;
    let tanh = call.step("tanh", Op::Unary(Unary::Tanh), &[part])?;
    pair(call, "capped", Binary::Mul, tanh, cap)
}

/// Scores, but minus infinity where a token is not to be seen, and plus the numbers of a mask of floats.
fn masked(call: &mut Call<'_>, heads: &Heads, mut x: NodeId) -> Result<NodeId, Fault> {
    let [n, _, tokens, others] = heads.shape;
    if call.given(3).is_some() {
        let Exact { id: mask, whole } = call.exact(3)?;
        let hidden = if whole.is_some() { 0.0 } else { f32::NEG_INFINITY };
        let mask = lengthened(call, mask, others, hidden)?;
        x = match whole {
            Some(_) => visible(call, "mask", x, mask)?,
            None => call.put(
                format!("{}/masked", call.result_name(0)),
                Op::Binary(Binary::Add),
                None,
                &[x, mask],
            )?,
        };
    }
    if call.flag("is_causal")? {
        let seen = |at: usize| at % others <= heads.past + at / others;
        let seen = (0..tokens * others).map(|at| f32::from(u8::from(seen(at)))).collect();
        let name = format!("{}/before", call.result_name(0));
        let seen = call.graph.add_const(name, [tokens, others], Values::F32(seen));
        x = visible(call, "causal", x, seen)?;
    }
    if call.given(6).is_some() {
        let Exact { id: lens, .. } = call.exact(6)?;
        let name = |part: &str| format!("{}/{part}", call.result_name(0));
        let (all, of_lens, there) = (name("tokens_all"), name("lens"), name("there"));
        let lens = call.put(of_lens, Op::Reshape, Some(vec![n, 1, 1, 1]), &[lens])?;
        let numbers = Values::F32((0..others).map(|at| at as f32).collect());
        let all = call.graph.add_const(all, [others], numbers);
        let there = call.put(there, Op::Binary(Binary::Less), None, &[all, lens])?;
        x = visible(call, "kept", x, there)?;
    }
    Ok(x)
}

/// A mask whose last dimension has `len`, with `hidden` for the tokens that it does not name.
fn lengthened(call: &mut Call<'_>, mask: NodeId, len: usize, hidden: f32) -> Result<NodeId, Fault> {
    let mut shape = call.shape(mask);
    let rank = shape.len();
    let Some(missing) = shape.last().filter(|has| **has > 1).and_then(|has| len.checked_sub(*has))
    else {
        return Ok(mask);
    };
    if missing == 0 {
        return Ok(mask);
    }
    shape[rank - 1] = missing;
    call.spend(crate::ir::Dtype::F32, shape.iter().product())?;
    let rest = vec![hidden; shape.iter().product()];
    let name = |part: &str| format!("{}/{part}", call.result_name(0));
    let (rest_name, name) = (name("rest"), name("lengthened"));
    let rest = call.graph.add_const(rest_name, shape, Values::F32(rest));
    call.put(name, Op::Concat(rank - 1), None, &[mask, rest])
}

/// `x` where `seen` is 1, minus infinity where it is 0.
fn visible(call: &mut Call<'_>, part: &str, x: NodeId, seen: NodeId) -> Result<NodeId, Fault> {
    let name = |of: &str| format!("{}/{part}_{of}", call.result_name(0));
    let (then, otherwise, both) = (name("then"), name("else"), name("both"));
    let none = number(call, &format!("{part}_none"), f32::NEG_INFINITY);
    let then = call.put(then, Op::Binary(Binary::Then), None, &[seen, x])?;
    let otherwise = call.put(otherwise, Op::Binary(Binary::Else), None, &[seen, none])?;
    call.put(both, Op::Binary(Binary::Add), None, &[then, otherwise])
}
