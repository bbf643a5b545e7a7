//! Merges two runs into one where some best order has the second directly behind the first.
//!
//! A run adds most to the live bytes when only its ancestors are done, and least when all that may
//! be done is (see `piece`). Let V need U. Two exchange arguments, each the other in reverse time:
//! - *V up to U.* V is always ready behind U, never leaves more live than it found, and never
//!   climbs higher than U just did: running V at once costs nothing.
//! - *U down to V.* Only V waits for U, U never leaves less live than it found, and never climbs
//!   higher than V then will: U may wait until V comes.
//!
//! "V is no larger than U, and U's inputs no larger than U" would be wrong where an input has other
//! readers: what U frees depends on the state, so both rules take it at its worst.

use super::piece::{Effect, Piece, Run};
use super::set::Set;

/// Merges runs until neither rule applies; merged-away runs stay behind without ops.
pub(super) fn merge(mut piece: Piece) -> Piece {
    let mut changed = piece.runs.len() > 1;
    while changed {
        changed = false;
        for first in 0..piece.runs.len() {
            while let Some(second) = partner(&piece, first) {
                join(&mut piece, first, second);
                changed = true;
            }
        }
    }
    piece
}

fn partner(piece: &Piece, first: usize) -> Option<usize> {
    piece.next[first].iter().find(|&second| belong(piece, first, second))
}

fn belong(piece: &Piece, first: usize, second: usize) -> bool {
    let only_need = piece.before[second].len() == piece.before[first].len() + 1;
    let only_wish = piece.behind[first].len() == piece.behind[second].len() + 1;
    (only_need && second_moves_up(piece, first, second))
        || (only_wish && first_moves_down(piece, first, second))
}

fn second_moves_up(piece: &Piece, first: usize, second: usize) -> bool {
    let (then, most) = (most(piece, second), most(piece, first));
    then.net <= 0 && most.net + then.rise <= least(piece, first).rise
}

fn first_moves_down(piece: &Piece, first: usize, second: usize) -> bool {
    let (then, least_first) = (least(piece, second), least(piece, first));
    least_first.net >= 0 && most(piece, first).rise <= least_first.net + then.rise
}

fn most(piece: &Piece, run: usize) -> Effect {
    piece.effect(run, &piece.before[run])
}

fn least(piece: &Piece, run: usize) -> Effect {
    piece.effect(run, &piece.most_done(run))
}

fn join(piece: &mut Piece, first: usize, second: usize) {
    let tail =
        std::mem::replace(&mut piece.runs[second], Run { ops: Vec::new(), stages: Vec::new() });
    for &span in tail.stages.iter().flat_map(|stage| &stage.ends) {
        rename(&mut piece.spans[span].writers, second, first);
        rename(&mut piece.spans[span].users, second, first);
    }
    join_relations(piece, first, second);
    append(&mut piece.runs[first], tail);
    hide_inner_spans(piece, first);
}

fn rename(runs: &mut Vec<usize>, old: usize, new: usize) {
    runs.iter_mut().filter(|run| **run == old).for_each(|run| *run = new);
    runs.sort_unstable();
    runs.dedup();
}

fn replace(set: &mut Set, old: usize, new: usize) {
    if set.contains(old) {
        set.remove(old);
        set.insert(new);
    }
}

fn join_relations(piece: &mut Piece, first: usize, second: usize) {
    for relation in [&mut piece.before, &mut piece.behind, &mut piece.next] {
        let none = Set::empty(relation.len());
        let other = std::mem::replace(&mut relation[second], none);
        relation[first].add_all(&other);
        relation.iter_mut().for_each(|set| replace(set, second, first));
        relation[first].remove(first);
    }
    let (before, behind) = (piece.before[first].clone(), piece.behind[first].clone());
    for later in behind.iter() {
        piece.before[later].insert(first);
        piece.before[later].add_all(&before);
    }
    for earlier in before.iter() {
        piece.behind[earlier].insert(first);
        piece.behind[earlier].add_all(&behind);
    }
}

/// Appends `tail`'s stages, so that each buffer still starts and ends at one stage only.
fn append(run: &mut Run, mut tail: Run) {
    for stage in &mut tail.stages {
        stage.starts.retain(|span| !run.stages.iter().any(|earlier| earlier.starts.contains(span)));
    }
    for stage in &mut run.stages {
        stage.ends.retain(|span| !tail.stages.iter().any(|later| later.ends.contains(span)));
    }
    run.ops.append(&mut tail.ops);
    run.stages.append(&mut tail.stages);
}

/// Turns buffers that no other run touches into room, then folds stages that nothing separates.
fn hide_inner_spans(piece: &mut Piece, run: usize) {
    let spans = &piece.spans;
    let inner =
        |span: &usize| !spans[*span].started && !spans[*span].held && spans[*span].users.len() == 1;
    let stages = &mut piece.runs[run].stages;
    let mut room = 0;
    for stage in stages.iter_mut() {
        room += stage
            .starts
            .iter()
            .filter(|span| inner(span))
            .map(|&span| spans[span].bytes)
            .sum::<usize>();
        stage.room += room;
        room -= stage
            .ends
            .iter()
            .filter(|span| inner(span))
            .map(|&span| spans[span].bytes)
            .sum::<usize>();
        stage.starts.retain(|span| !inner(span));
        stage.ends.retain(|span| !inner(span));
    }
    stages.dedup_by(|later, earlier| {
        let foldable = earlier.ends.is_empty() && later.starts.is_empty();
        if foldable {
            earlier.room = earlier.room.max(later.room);
            earlier.ends.append(&mut later.ends);
        }
        foldable
    });
}
