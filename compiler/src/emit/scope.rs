//! Scope of a step's body: consts of kernels and weights, slots of the arena, parameters.

use std::collections::BTreeMap;
use std::rc::Rc;

use mnv2c_runtime::ring::{Form, Rows};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};

use crate::emit::function::Source;
use crate::emit::names::{self, Names};
use crate::emit::slots::Borrowed;
use crate::emit::{Network, element, literal, weights, words};
use crate::ir::Graph;
use crate::program::{Function, Variable};
use crate::schedule::{Home, PackId, Part, Place, Stage, Step};
use crate::segment::{Role, is_chain};
use crate::share::{self, Frame};

/// Names that the body of a function itself uses.
const RESERVED: &[&str] = &[
    "isa", "arena", "pool", "part", "row", "rows", "end", "pixel", "panel", "panels", "scratch",
    "weights", "shares", "product", "kernel", "band", "bands", "first", "rings", "line", "slots",
    "clock",
];

/// Names of the arrays that the caller lends.
pub(super) struct Ports {
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    /// Names that no variable in the body of a function may take.
    names: Rc<Names>,
}

impl Ports {
    pub(super) fn new(inputs: Vec<String>, outputs: Vec<String>) -> Self {
        let mut names = Names::reserving(RESERVED);
        inputs.iter().chain(&outputs).for_each(|port| {
            names.take(port);
        });
        Self { inputs, outputs, names: Rc::new(names) }
    }
}

/// The meaning of names in a function's body.
pub(super) struct Scope<'a> {
    pub network: &'a Network<'a>,
    pub(super) ports: &'a Ports,
    /// Variables for the parts of the arena that the body borrows.
    pub(super) slots: Borrowed,
    /// Consts for places whose zeros the body writes.
    pub(super) rows: BTreeMap<Home, Ident>,
    /// Weights, by stage.
    weights: Vec<Option<Ident>>,
    /// Operands that are constant.
    operands: BTreeMap<PackId, Ident>,
    /// Where both are found.
    pub(super) source: Source,
    /// Variables of the body so far.
    variables: Names,
    /// Consts for kernels, by stage.
    kernels: Vec<Ident>,
    /// The base names of the rows that each stage makes.
    counted: Vec<String>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(network: &'a Network<'a>, step: &Step, name: &str, ports: &'a Ports) -> Self {
        let mut scope = Self {
            network,
            ports,
            slots: Borrowed::of(network.plan, step),
            rows: BTreeMap::new(),
            weights: Vec::new(),
            operands: BTreeMap::new(),
            source: Source::Consts,
            variables: Names::within(&ports.names),
            kernels: Vec::new(),
            counted: Vec::new(),
        };
        let mut consts = Names::default();
        for (at, stage) in step.stages.iter().enumerate() {
            scope.name_slots(step, at);
            if stage.into.is_padded() && !matches!(stage.part, Part::Strip(_)) {
                scope.name_rows(stage.into, &mut consts);
            }
            scope.name_operands(stage, name, &mut consts);
            scope.name_kernel(step, stage, name, &mut consts);
        }
        row_places(step).for_each(|place| scope.name_rows(place, &mut consts));
        scope.counted = scope.name_counted(network.graph, step);
        scope
    }

    /// Names the memory that stage `at` reads and writes.
    fn name_slots(&mut self, step: &Step, at: usize) {
        let (stage, last) = (&step.stages[at], step.stages.len() - 1);
        let mut name = |place: Place, wanted: &str| {
            self.slots.name(self.network.plan, place, wanted, &mut self.variables);
        };
        if at == 0 {
            stage.from.iter().for_each(|place| name(*place, "x"));
        }
        let word = words::word(self.network.graph, step, stage);
        stage.scratch.iter().for_each(|place| name(*place, "work"));
        name(stage.into, if at == last { "y" } else { words::result(word) });
        stage.from.iter().for_each(|place| name(*place, "skip"));
    }

    /// Names the constant operands of a stage of the step called `name`.
    fn name_operands(&mut self, stage: &Stage, name: &str, consts: &mut Names) {
        for (id, word) in share::operands(stage) {
            let operand = format!("{name}_{}", consts.take(word));
            self.operands.entry(id).or_insert_with(|| names::constant(&operand));
        }
    }

    /// Names the kernel and the weights of a stage of the step called `name`.
    fn name_kernel(&mut self, step: &Step, stage: &Stage, name: &str, consts: &mut Names) {
        let word = words::word(self.network.graph, step, stage);
        let block = words::block_of(self.network.graph, stage);
        let (kernel, pack) = match (step.segment.role, block) {
            (Role::Blocks(..), Some((number, _))) => {
                (consts.take(&format!("{word}_{number}")), format!("block_{number}_{word}"))
            }
            _ => {
                let kernel = consts.take(word);
                let pack = words::of_step(name, &kernel);
                (kernel, pack)
            }
        };
        // A stage that is in no block may be called as one in a block is.
        let is_taken = self.weights.contains(&Some(names::constant(&pack)));
        let pack = if is_taken { format!("{pack}_apart") } else { pack };
        self.weights.push(stage.pack.map(|_| names::constant(&pack)));
        self.kernels.push(names::constant(&kernel));
    }

    /// Gives how rows lie at `place` a name, once.
    fn name_rows(&mut self, place: Place, consts: &mut Names) {
        if !self.rows.contains_key(&place.home) {
            let name = consts.take(&self.variable(place).to_string()).to_uppercase();
            self.rows.insert(place.home, format_ident!("{name}"));
        }
    }

    /// The words of a function that is given its weights.
    pub(super) fn of_parameters(mut self, step: &Step) -> Self {
        self.source = Source::Parameters;
        for (weights, kernel) in self.weights.iter_mut().zip(&self.kernels) {
            if let Some(weights) = weights {
                let name = kernel.to_string().to_lowercase();
                *weights = names::ident(&self.variables.take(&name));
            }
        }
        self.operands.clear();
        for (id, word) in step.stages.iter().flat_map(share::operands) {
            let name = || names::ident(&self.variables.take(word));
            self.operands.entry(id).or_insert_with(name);
        }
        self
    }

    /// The names of a frame's weights, in its order.
    pub(super) fn weights_of(&self, frame: &Frame) -> Vec<&Ident> {
        let stages = self.weights.iter().flatten();
        let operands = frame.packs.iter().skip(stages.clone().count());
        stages.chain(operands.map(|id| &self.operands[id])).collect()
    }

    /// The weights called `name`.
    fn source_of(&self, name: &Ident) -> TokenStream {
        match self.source {
            Source::Consts => weights::expression(self.network, name),
            Source::Parameters => name.into_token_stream(),
        }
    }

    /// The const of the kernel of stage `at`.
    pub(super) fn kernel(&self, at: usize) -> &Ident {
        &self.kernels[at]
    }

    /// All weights, by the name of their const.
    pub(super) fn packs(&self, step: &Step) -> Vec<(Ident, PackId)> {
        let packs = step.stages.iter().zip(&self.weights);
        let packs = packs.filter_map(|(stage, name)| Some((name.clone()?, stage.pack?)));
        let operands = self.operands.iter().map(|(id, name)| (name.clone(), *id));
        packs.chain(operands).collect()
    }

    /// The weights of stage `at`.
    pub(super) fn weights(&self, at: usize) -> TokenStream {
        match &self.weights[at] {
            Some(name) => self.source_of(name),
            None => quote!(&[]),
        }
    }

    /// The slice that a place is in.
    pub(super) fn variable(&self, place: Place) -> TokenStream {
        match place.home {
            Home::Input(at) => names::ident(&self.ports.inputs[at]).into_token_stream(),
            Home::Feed(at) => next_row(self.network, self.ports, at).into_token_stream(),
            Home::Output(at) => names::ident(&self.ports.outputs[at]).into_token_stream(),
            Home::Arena(_) => self.slot_of(place).into_token_stream(),
            Home::Weights(id) => self.source_of(&self.operands[&id]),
        }
    }

    /// The variable of the memory in the arena that a place lies in.
    fn slot_of(&self, place: Place) -> Option<&Ident> {
        self.slots.variable(self.network.plan, place)
    }

    /// Elements between the start of that memory and the place.
    pub(super) fn shift(&self, place: Place) -> usize {
        self.slots.shift(self.network.plan, place)
    }

    /// The strides of a place.
    pub(super) fn ring(&self, place: Place) -> TokenStream {
        let rows = self.rows_of(place);
        let lanes = literal::size(self.network.target.isa.lanes());
        let ring = quote!(#rows.ring(#lanes));
        match self.shift(place) {
            0 => ring,
            shift => {
                let shift = literal::size(shift);
                quote!(#ring.shifted(#shift))
            }
        }
    }

    /// The start of a place that is read, where its slot may be a part of the borrowed one.
    pub(super) fn tail(&self, place: Place) -> TokenStream {
        let variable = self.variable(place);
        match self.shift(place) {
            0 => variable,
            shift => {
                let shift = literal::size(shift);
                quote!(&#variable[#shift..])
            }
        }
    }

    /// The shape of a place in memory, by its const if it has one.
    pub(super) fn rows_of(&self, place: Place) -> TokenStream {
        match (self.rows.get(&place.home), place.rows.form) {
            (Some(name), Form::Slice { first, .. }) => {
                let (first, channels) = (literal::size(first), literal::size(place.rows.channels));
                quote!(#name.slice(#first, #channels))
            }
            (Some(name), _) => quote!(#name),
            (None, _) => literal::rows(place.rows),
        }
    }

    /// The slice that a place is in, from where the place begins.
    pub(super) fn slice(&self, place: Place) -> TokenStream {
        let variable = self.variable(place);
        match self.shift(place) {
            0 => variable,
            shift => {
                let shift = literal::size(shift);
                quote!(&mut #variable[#shift..])
            }
        }
    }

    /// The base names of each stage's rows: their memory, or the kernel where several may write one value.
    fn name_counted(&self, graph: &Graph, step: &Step) -> Vec<String> {
        let chain = is_chain(graph, &step.segment.stages);
        let counted = step.stages.iter().zip(&self.kernels).map(|(stage, kernel)| {
            let slot = self.slot_of(stage.into).filter(|_| chain);
            slot.map_or_else(|| kernel.to_string().to_lowercase(), Ident::to_string)
        });
        counted.collect()
    }

    /// The name of a variable.
    pub(super) fn name_of(&self, variable: Variable) -> TokenStream {
        let name = match variable {
            Variable::Row => "row",
            Variable::Line => "line",
            Variable::End => "end",
            Variable::First => "first",
            Variable::Pixel => "pixel",
            Variable::Panel => "panel",
            Variable::Part => "part",
            Variable::Band => "band",
            Variable::RowsStart => return quote!(rows.start),
            Variable::RowsEnd => return quote!(rows.end),
            Variable::Made(stage) => {
                return format_ident!("{}_rows", self.counted[stage]).into_token_stream();
            }
            Variable::EndOf(stage) => {
                return format_ident!("{}_end", self.counted[stage]).into_token_stream();
            }
        };
        names::ident(name).into_token_stream()
    }

    pub(super) fn row_consts(&self, step: &Step) -> Vec<TokenStream> {
        let places =
            step.stages.iter().flat_map(|stage| [&stage.into].into_iter().chain(&stage.from));
        let mut named: Vec<(&Ident, Rows)> = Vec::new();
        for place in places {
            let Some(name) = self.rows.get(&place.home) else { continue };
            if !named.iter().any(|(other, _)| *other == name) {
                named.push((name, place.whole_pixels().rows));
            }
        }
        let named = named.into_iter().map(|(name, rows)| {
            let rows = literal::rows(rows);
            quote!(const #name: Rows = #rows;)
        });
        named.collect()
    }

    /// The arrays and the arena, as this step takes them and as `run` passes them.
    pub(super) fn parameters(
        &self,
        step: &Step,
        function: &Function,
    ) -> (Vec<TokenStream>, Vec<TokenStream>) {
        let (mut parameters, mut arguments) = (Vec::new(), Vec::new());
        if function.is_pooled() {
            parameters.push(quote!(pool: &mut Pool));
            arguments.push(quote!(pool));
        }
        if !self.slots.is_empty() {
            parameters.push(quote!(arena: &mut Arena));
            arguments.push(quote!(arena));
        }
        let mut homes: Vec<(Home, bool)> = Vec::new();
        for stage in &step.stages {
            homes.extend(stage.from.iter().map(|place| (place.home, false)));
            homes.push((stage.into.home, true));
        }
        homes.sort_unstable();
        homes.reverse();
        homes.dedup_by_key(|(home, _)| *home);
        homes.reverse();
        for (home, written) in homes {
            let (name, port) = match home {
                Home::Input(at) => (&self.ports.inputs[at], &self.network.schedule.inputs[at]),
                Home::Output(at) => (&self.ports.outputs[at], &self.network.schedule.outputs[at]),
                Home::Feed(at) => {
                    let name = next_row(self.network, self.ports, at);
                    let number =
                        element::of_intake(self.network, &self.network.schedule.intakes[at]);
                    parameters.push(quote!(#name: &mut impl FnMut(usize, &mut [#number])));
                    arguments.push(quote!(#name));
                    continue;
                }
                Home::Arena(_) | Home::Weights(_) => continue,
            };
            let len = literal::size(self.network.schedule.part_len(port));
            let (name, number) = (names::ident(name), element::of_port(port));
            parameters.push(if written {
                quote!(#name: &mut [#number; #len])
            } else {
                quote!(#name: &[#number; #len])
            });
            arguments.push(quote!(#name));
        }
        (parameters, arguments)
    }
}

/// The places of a streamed step whose rows are given to kernels as slices.
fn row_places(step: &Step) -> impl Iterator<Item = Place> + '_ {
    let streamed =
        step.stages.iter().filter(|stage| step.is_streamed() && stage.kernel.takes_slices());
    streamed.flat_map(|stage| {
        let seen = if stage.kernel.repeats_second() { 1 } else { 2 };
        stage.from.iter().take(seen).chain([&stage.into]).copied()
    })
}

/// The function that gives rows of an input.
pub(super) fn next_row(network: &Network<'_>, ports: &Ports, at: usize) -> Ident {
    if network.schedule.inputs.len() == 1 {
        format_ident!("next_row")
    } else {
        format_ident!("next_row_of_{}", ports.inputs[at])
    }
}
