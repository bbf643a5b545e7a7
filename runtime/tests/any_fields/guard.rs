//! Calls whose slices lie between guards: what is written outside shows in them, and what is read outside in the answers,
//! which then differ where the guards do.

use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use mnv2c_runtime::blob::{Element, view};
use mnv2c_runtime::brain::{Brain, Pair};
use mnv2c_runtime::half::Half;

/// Lengths of the slices of one call: weights, inputs, what is added, outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lens {
    pub(crate) all: [usize; 4],
    /// The index of the one that is made as short as the call lets it be.
    pub(crate) tight: usize,
}

/// A number of a slice, made of a small one.
pub(crate) trait Sample: Element {
    fn of(x: u8) -> Self;
}

impl Sample for u8 {
    fn of(x: u8) -> Self {
        x + 1
    }
}

impl Sample for f32 {
    fn of(x: u8) -> Self {
        f32::from(x) - 3.0
    }
}

impl Sample for Half {
    fn of(x: u8) -> Self {
        Half::of(f32::from(x) - 3.0)
    }
}

impl Sample for Brain {
    fn of(x: u8) -> Self {
        Brain::of(f32::from(x) - 3.0)
    }
}

impl Sample for Pair {
    fn of(x: u8) -> Self {
        Pair::of(Sample::of(x), Sample::of(x))
    }
}

/// A kernel's call with weights, inputs, what is added, outputs.
type Call<'a, W, X, Y> = &'a dyn Fn(&[W], &[X], &[Y], &mut [Y]);

/// Elements before and behind each slice.
const GUARD: usize = 1 << 10;

/// Elements of the longest slice, more than any draw without edits needs: lengths are drawn too.
const MOST: usize = 1 << 16;

/// Runs the call: true if it came to its end, false if it panicked; an error where it went outside of its slices.
pub(crate) fn stays_inside<W: Sample, X: Sample, Y: Sample>(
    lens: Lens,
    call: Call<'_, W, X, Y>,
) -> Result<bool, &'static str> {
    let mut all = lens.all.map(|len| len.min(MOST));
    all[lens.tight] = shortest(all, lens.tight, call);
    let outcome = |guard: u8| {
        let [w, x] = [all[0], all[1]];
        let (w, x, skip) = (guarded(w, guard), guarded(x, guard), guarded(all[2], guard));
        let mut y = guarded::<Y>(all[3], guard);
        let (before, end) = (y.clone(), y.len() - GUARD);
        let ran = runs(&mut || call(inside(&w), inside(&x), inside(&skip), &mut y[GUARD..end]));
        let same =
            |range: Range<usize>| view::<Y, u8>(&before[range.clone()]) == view::<Y, u8>(&y[range]);
        if same(0..GUARD) && same(end..y.len()) {
            Ok((ran, view::<Y, u8>(inside(&y)).to_vec()))
        } else {
            Err("written outside of a slice")
        }
    };
    let (one, other) = (outcome(9)?, outcome(65)?);
    if one == other { Ok(one.0) } else { Err("read outside of a slice") }
}

/// The least length of one slice with which the call runs; its own if it does not.
fn shortest<W: Sample, X: Sample, Y: Sample>(
    all: [usize; 4],
    tight: usize,
    call: Call<'_, W, X, Y>,
) -> usize {
    let (w, x, skip) = (guarded(all[0], 0), guarded(all[1], 0), guarded(all[2], 0));
    let mut y = guarded::<Y>(all[3], 0);
    let mut runs_with = |len: usize| {
        let mut all = all;
        all[tight] = len;
        let (w, x, skip) = (&w[GUARD..][..all[0]], &x[GUARD..][..all[1]], &skip[GUARD..][..all[2]]);
        runs(&mut || call(w, x, skip, &mut y[GUARD..][..all[3]]))
    };
    let (mut too_short, mut len) = (0, all[tight]);
    if !runs_with(len) {
        return len;
    }
    while too_short < len {
        let middle = (too_short + len) / 2;
        if runs_with(middle) { len = middle } else { too_short = middle + 1 }
    }
    len
}

fn guarded<E: Sample>(len: usize, guard: u8) -> Vec<E> {
    let guards = || std::iter::repeat_n(E::of(guard), GUARD);
    guards().chain((0..len).map(|at| E::of((at % 7) as u8))).chain(guards()).collect()
}

fn inside<E>(guarded: &[E]) -> &[E] {
    &guarded[GUARD..guarded.len() - GUARD]
}

/// True if `call` comes to its end. Its panics are not printed: they are many, and right.
fn runs(call: &mut dyn FnMut()) -> bool {
    thread_local! {
        static IS_QUIET: Cell<bool> = const { Cell::new(false) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_QUIET.get() {
                loud(panic);
            }
        }));
    });
    IS_QUIET.set(true);
    let ran = catch_unwind(AssertUnwindSafe(call)).is_ok();
    IS_QUIET.set(false);
    ran
}
