//! Kernels that take whole slices, called for one row: functions of each element, and channels moved in pixels.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::emit::scope::Scope;
use crate::emit::{call, probe};
use crate::schedule::{Broadcast, Kernel, Place, Step};

/// Whether a kernel takes slices and no rows.
pub(super) fn is_rowwise(kernel: &Kernel) -> bool {
    matches!(
        kernel,
        Kernel::Clamp(_)
            | Kernel::Unary(_)
            | Kernel::Binary(..)
            | Kernel::PRelu(_)
            | Kernel::Move(_)
    )
}

/// The places of a streamed stage that it sees as slices.
pub(super) fn places(step: &Step) -> impl Iterator<Item = Place> + '_ {
    let stages = step.stages.iter().filter(|stage| step.is_streamed() && is_rowwise(&stage.kernel));
    stages.flat_map(|stage| {
        let seen = if repeats(&stage.kernel) { 1 } else { 2 };
        stage.from.iter().take(seen).chain([&stage.into]).copied()
    })
}

/// The call of stage `at` for row `row`.
pub(super) fn call(scope: &Scope<'_>, step: &Step, at: usize, row: &Ident) -> TokenStream {
    let stage = &step.stages[at];
    let read = |place: Place| {
        let (rows, slice) = (scope.rows_of(place), scope.slice(place));
        quote!(#rows.row(#slice, #row))
    };
    let (rows, slice) = (scope.rows_of(stage.into), scope.slice(stage.into));
    let y = quote!(#rows.row_mut(#slice, #row));
    let second = stage.from.get(1).filter(|_| !repeats(&stage.kernel)).map(|place| read(*place));
    let call = call::over_slices(scope, at, stage, [read(stage.from[0]), y], second);
    let mark = probe::mark(scope.network, step, at);
    quote!(#call #mark)
}

/// Whether the second operand is the same for every row.
fn repeats(kernel: &Kernel) -> bool {
    matches!(
        kernel,
        Kernel::Binary(_, Broadcast::Channel | Broadcast::Scalar)
            | Kernel::PRelu(Broadcast::Channel | Broadcast::Scalar)
    )
}
