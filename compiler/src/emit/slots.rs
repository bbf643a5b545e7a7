//! The parts of the arena that a step's body borrows, and where they lie in it.

use std::collections::BTreeMap;
use std::ops::Range;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::emit::names::{self, Names};
use crate::emit::{Network, element, literal};
use crate::plan::{Plan, Slot};
use crate::schedule::{Home, Place, Step};
use crate::share::{Frame, borrowed};

/// A part of the arena that a body borrows.
struct Slice {
    /// Its variable.
    name: Ident,
    /// Bytes of an element.
    element: usize,
}

/// The parts of the arena that a body borrows, by where they lie in bytes; slots that share bytes are one.
#[derive(Default)]
pub(super) struct Borrowed {
    ranges: Vec<Range<usize>>,
    slots: BTreeMap<(usize, usize), Slice>,
}

impl Borrowed {
    /// Slots that `step` borrows, without names.
    pub(super) fn of(plan: &Plan, step: &Step) -> Self {
        Self { ranges: borrowed(plan, step), slots: BTreeMap::new() }
    }

    /// Names the variable that a place lies in, if it has no name yet.
    pub(super) fn name(&mut self, plan: &Plan, place: Place, wanted: &str, names: &mut Names) {
        let Some(slot) = slot(plan, place) else { return };
        let range = self.ranges.iter().find(|range| range.contains(&key(slot).0));
        let range = range.expect("every slot is borrowed");
        let element = place.element.bytes();
        let named = self.slots.entry((range.start, range.end));
        named.or_insert_with(|| Slice { name: names::ident(&names.take(wanted)), element });
    }

    /// True if nothing is borrowed.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Elements from the start of what the body borrows to where a place lies in it.
    pub(super) fn shift(&self, plan: &Plan, place: Place) -> usize {
        let Some(slot) = slot(plan, place) else { return 0 };
        let (at, _) = key(slot);
        let slice = self.slots.iter().find(|(range, _)| (range.0..range.1).contains(&at));
        slice.map_or(0, |(range, slice)| (at - range.0) / slice.element)
    }

    /// The variable of what the body borrows for `place`.
    pub(super) fn variable(&self, plan: &Plan, place: Place) -> Option<&Ident> {
        let (at, _) = key(slot(plan, place)?);
        let mut slices = self.slots.iter();
        let slice = slices.find(|((start, end), _)| (*start..*end).contains(&at));
        slice.map(|(_, slice)| &slice.name)
    }

    /// The statements that borrow them.
    pub(super) fn statements(&self, network: &Network<'_>) -> TokenStream {
        if self.slots.is_empty() {
            return quote!();
        }
        let variables = self.slots.values().map(|slice| &slice.name);
        let wide = self.wide().map(|slice| {
            let (name, element) = (&slice.name, element::name(network, slice.element));
            quote!(let #name = wide_mut::<#element>(#name);)
        });
        quote! {
            let [#(#variables),*] = arena.0.slots(SLOTS);
            #(#wide)*
        }
    }

    /// Bytes of what the body borrows the arena as: of its elements where they are all alike, else 1.
    fn borrowed_as(&self) -> usize {
        let mut elements = self.slots.values().map(|slice| slice.element);
        let first = elements.next().unwrap_or(1);
        if elements.all(|element| element == first) { first } else { 1 }
    }

    /// Slots that are borrowed as bytes but hold wider elements.
    fn wide(&self) -> impl Iterator<Item = &Slice> {
        let bytes = self.borrowed_as();
        self.slots.values().filter(move |slice| slice.element != bytes)
    }

    /// Paths in the runtime that borrowing needs.
    pub(super) fn imports(&self) -> impl Iterator<Item = &'static str> {
        let wide = self.wide().next().map(|_| "blob::wide_mut");
        (!self.is_empty()).then_some("arena::Slots").into_iter().chain(wide)
    }

    /// The variables of a frame's arrays.
    pub(super) fn variables<'a>(&'a self, frame: &'a Frame) -> impl Iterator<Item = &'a Ident> {
        frame.arrays.iter().map(|array| {
            let slice = self.slots.get(&(array.bytes.start, array.bytes.end));
            &slice.expect("a frame has what its step borrows").name
        })
    }

    /// The const that says where the slots lie.
    pub(super) fn constant(&self, network: &Network<'_>) -> TokenStream {
        let count = literal::size(self.slots.len());
        let bytes = self.borrowed_as();
        let element = element::name(network, bytes);
        let range = |(start, end): &(usize, usize)| literal::range(&(*start / bytes..*end / bytes));
        let ranges: Vec<_> = self.slots.keys().map(range).collect();
        match ranges.as_slice() {
            [] => quote!(),
            [one] => quote!(const SLOTS: Slots<#element, 1, ARENA_BYTES> = Slots::one(#one);),
            several => quote! {
                const SLOTS: Slots<#element, #count, ARENA_BYTES> = Slots::new([#(#several),*]);
            },
        }
    }
}

/// The slot of a place of the arena.
fn slot(plan: &Plan, place: Place) -> Option<Slot> {
    match place.home {
        Home::Arena(buffer) => Some(plan.slots[buffer.0]),
        Home::Input(_) | Home::Feed(_) | Home::Output(_) | Home::Weights(_) => None,
    }
}

/// A slot in bytes.
fn key(slot: Slot) -> (usize, usize) {
    (slot.offset, slot.end())
}
