//! How an input reaches its first kernel: its numbers, its slot of the arena, its rows, and what lies around it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::emit::scope::Scope;
use crate::emit::{Network, doc, element, literal};
use crate::schedule::{Element, Home, Intake, Kernel, Place, Port, Stage};

/// The methods that lend the slots of inputs that lie in the arena.
pub(super) fn slots(network: &Network<'_>) -> Vec<TokenStream> {
    let several = network.schedule.inputs.len() > 1;
    let slot = |(at, (intake, port)): (usize, (&Intake, &Port))| {
        let Home::Arena(buffer) = intake.place.home else { return None };
        let slot = network.plan.slots[buffer.0];
        let bytes = intake.place.element.bytes();
        let (start, len) = (slot.offset / bytes, port.shape.iter().product::<usize>());
        let (range, len) = (literal::range(&(start..start + len)), literal::size(len));
        let name = if several { format_ident!("input_{at}") } else { format_ident!("input") };
        let layout =
            if intake.planes { ", as rows of pixels with their channels side by side" } else { "" };
        let bytes = match intake.place.element {
            Element::U8 { .. } if intake.scale.is_some() => ", quantised",
            Element::F16 => ", as `Half::of` makes them",
            Element::Bf16 => ", as `Brain::of` makes them",
            Element::F32 | Element::U8 { .. } => "",
        };
        let about = format!(
            " Where {} is written before each `infer`, which overwrites it{bytes}{layout}.",
            doc::quoted(&port.name)
        );
        let number = element::of_intake(network, intake);
        Some(quote! {
            #[doc = #about]
            pub fn #name(&mut self) -> &mut [#number; #len] {
                const SLOTS: Slots<#number, 1, ARENA_BYTES> = Slots::one(#range);
                let [input] = self.0.slots(SLOTS);
                input.first_chunk_mut().expect("the slot has this length")
            }
        })
    };
    let ports = network.schedule.intakes.iter().zip(&network.schedule.inputs);
    ports.enumerate().filter_map(slot).collect()
}

/// Paths in the runtime that a stage needs because it asks for bytes and makes something of them.
pub(super) fn imports(stage: &Stage) -> Option<&'static str> {
    match stage.kernel {
        Kernel::Fetch if widens(stage) => Some("kernel::widen::self"),
        Kernel::Fetch if stage.pack.is_some() => Some("kernel::q8::look_up::self"),
        _ => None,
    }
}

/// Whether a stage makes floats of bytes.
fn widens(stage: &Stage) -> bool {
    let from = stage.from.first().map(|place| place.element.bytes());
    from == Some(1) && stage.into.element.bytes() > 1
}

/// The numbers of the kernel that makes floats of bytes.
pub(super) fn widen(scope: &Scope<'_>, into: Place) -> TokenStream {
    let (ring, len) = (scope.ring(into), literal::size(into.rows.width * into.rows.channels));
    quote!(Widen { into: #ring, len: #len })
}

/// The call of that kernel, whose const is called `name`.
pub(super) fn widened(
    scope: &Scope<'_>,
    stage: &Stage,
    name: &TokenStream,
    rows: &TokenStream,
    y: &TokenStream,
) -> TokenStream {
    let x = scope.tail(stage.from[0]);
    quote!(#name.run(#rows, #x, #y);)
}

/// The numbers of the kernel that looks bytes up.
pub(super) fn look_up(scope: &Scope<'_>, from: Place, into: Place) -> TokenStream {
    let (width, channels) = (literal::size(into.rows.width), literal::size(into.rows.channels));
    let (from, into) = (scope.ring(from), scope.ring(into));
    quote!(LookUp { from: #from, into: #into, width: #width, channels: #channels })
}

/// The statement that asks the caller for a row in stage `at`.
pub(super) fn fetch(scope: &Scope<'_>, at: usize, stage: &Stage, row: &TokenStream) -> TokenStream {
    let from = stage.from[0];
    let (next, ring, y) =
        (scope.variable(from), scope.rows_of(stage.into), scope.variable(stage.into));
    if widens(stage) {
        return quote!(widen::fetch(#next, #row, #ring.row_mut(#y, #row)););
    }
    if stage.pack.is_some() {
        let tables = scope.weights(at);
        return quote!(look_up::fetch(#next, #row, #tables, #ring.row_mut(#y, #row)););
    }
    quote!(#next(#row, #ring.row_mut(#y, #row));)
}

/// The numbers around a picture, where they are not zero.
pub(super) fn border(scope: &Scope<'_>, stage: &Stage) -> Option<TokenStream> {
    stage.from.get(1).filter(|_| stage.kernel.loads()).map(|border| scope.variable(*border))
}
