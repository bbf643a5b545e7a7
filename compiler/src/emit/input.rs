//! Delivery of an input to its first kernel: its element type, its slot of the arena, its rows, and their padding.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::emit::scope::Scope;
use crate::emit::{Network, doc, element, literal};
use crate::schedule::{Element, Home, Intake, Port, Stage};

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
            Element::F32 | Element::I32 | Element::I64 | Element::U8 { .. } => "",
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

/// The numbers around an image, where they are not zero.
pub(super) fn border(scope: &Scope<'_>, stage: &Stage) -> Option<TokenStream> {
    stage.from.get(1).filter(|_| stage.kernel.loads()).map(|border| scope.variable(*border))
}
