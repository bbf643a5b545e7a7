//! One step of a recurrent layer, by its kind.

use crate::frontend::onnx::fault::Fault;
use crate::frontend::onnx::recurrent::function::{self, Function};
use crate::frontend::onnx::recurrent::kind::Kind;
use crate::frontend::onnx::recurrent::layer::Layer;
use crate::ir::{Binary, Clamp, NodeId, Op, Values};

/// The weights of one direction and what its gates do.
pub(super) struct Cell {
    kind: Kind,
    /// `[inputs,gates*hidden]`.
    w: NodeId,
    /// `[hidden,gates*hidden]`.
    r: NodeId,
    /// The bias of what the inputs give.
    bias: Option<NodeId>,
    /// The bias of what the state gives, where the two are not one sum.
    state_bias: Option<NodeId>,
    /// Weights of the cell in the input, output and forget gates, `[hidden]` each.
    peepholes: Option<[NodeId; 3]>,
    functions: Vec<Function>,
    clip: Option<f32>,
    /// The greatest magnitude of the cells of an LSTM, which files of TFLite may bound.
    cell_clip: Option<f32>,
    /// In a GRU: the reset gate scales what the state gives, not the state.
    resets_last: bool,
}

impl Cell {
    /// The cell of direction `at`.
    pub(super) fn read(layer: &mut Layer<'_, '_>, kind: Kind, at: usize) -> Result<Self, Fault> {
        if kind == Kind::Lstm && layer.call.flag("input_forget")? {
            let what = "input_forget 1; supported: gates of their own for input and forget";
            return Err(Fault::Unsupported(what.into()));
        }
        let missing = || Fault::Misfit("weights are missing".into());
        let w = layer.of_direction(1, at)?.ok_or_else(missing)?;
        let r = layer.of_direction(2, at)?.ok_or_else(missing)?;
        let w = layer.step(&format!("w_{at}"), Op::Transpose(vec![1, 0]), &[w])?;
        let r = layer.step(&format!("r_{at}"), Op::Transpose(vec![1, 0]), &[r])?;
        let clip = layer.call.real("clip", 0.0)?;
        let cell_clip = layer.call.real("cell_clip", 0.0)?;
        let mut cell = Self {
            kind,
            w,
            r,
            bias: None,
            state_bias: None,
            peepholes: None,
            functions: function::read(layer.call, kind, at)?,
            clip: (clip > 0.0).then_some(clip),
            cell_clip: (cell_clip > 0.0).then_some(cell_clip),
            resets_last: kind == Kind::Gru && layer.call.flag("linear_before_reset")?,
        };
        cell.read_biases(layer, at)?;
        if kind == Kind::Lstm {
            cell.read_peepholes(layer, at)?;
        }
        Ok(cell)
    }

    fn read_biases(&mut self, layer: &mut Layer<'_, '_>, at: usize) -> Result<(), Fault> {
        let Some(both) = layer.of_direction(3, at)? else { return Ok(()) };
        let hidden = layer.sizes.hidden;
        let len = self.kind.gates() * hidden;
        if layer.call.shape(both) != [2 * len] {
            let found = layer.call.shape(both);
            return Err(Fault::Misfit(format!("biases {found:?} for two times {len} sums")));
        }
        let of_inputs = layer.part(&format!("w_bias_{at}"), both, 0, [0, len])?;
        let mut of_state = layer.part(&format!("r_bias_{at}"), both, 0, [len, len])?;
        if self.resets_last {
            let last =
                layer.part(&format!("reset_bias_{at}"), of_state, 0, [2 * hidden, hidden])?;
            self.state_bias = Some(last);
            let gates = layer.part(&format!("gate_bias_{at}"), of_state, 0, [0, 2 * hidden])?;
            let name = layer.name(&format!("no_bias_{at}"));
            let none = Values::F32(vec![0.0; hidden]);
            let none = layer.call.graph.add_const(name, [hidden], none);
            of_state = layer.step(&format!("state_bias_{at}"), Op::Concat(0), &[gates, none])?;
        }
        self.bias = Some(layer.pair(&format!("bias_{at}"), Binary::Add, of_inputs, of_state)?);
        Ok(())
    }

    fn read_peepholes(&mut self, layer: &mut Layer<'_, '_>, at: usize) -> Result<(), Fault> {
        let Some(all) = layer.of_direction(7, at)? else { return Ok(()) };
        let hidden = layer.sizes.hidden;
        if layer.call.shape(all) != [3 * hidden] {
            let found = layer.call.shape(all);
            return Err(Fault::Misfit(format!("peepholes {found:?} for {hidden} hidden")));
        }
        let mut of = |gate: usize| {
            layer.part(&format!("peephole_{gate}_{at}"), all, 0, [gate * hidden, hidden])
        };
        self.peepholes = Some([of(0)?, of(1)?, of(2)?]);
        Ok(())
    }

    /// The kind of layer that it is of.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Sums of the gates over rows of inputs alone, `[rows,gates*hidden]`.
    pub(super) fn of_inputs(
        &self,
        layer: &mut Layer<'_, '_>,
        rows: NodeId,
        at: usize,
    ) -> Result<NodeId, Fault> {
        let product = layer.step(&format!("products_{at}"), Op::MatMul, &[rows, self.w])?;
        match self.bias {
            Some(bias) => layer.pair(&format!("sums_{at}"), Binary::Add, product, bias),
            None => Ok(product),
        }
    }

    /// The state, and of an LSTM the cell, after a step whose inputs gave `given`.
    pub(super) fn step(
        &self,
        layer: &mut Layer<'_, '_>,
        label: &str,
        given: NodeId,
        state: [NodeId; 2],
    ) -> Result<[NodeId; 2], Fault> {
        match self.kind {
            Kind::Rnn => {
                let product =
                    layer.step(&format!("product_{label}"), Op::MatMul, &[state[0], self.r])?;
                let sum = layer.pair(&format!("sum_{label}"), Binary::Add, given, product)?;
                Ok([self.gate(layer, &format!("h_{label}"), 0, sum)?; 2])
            }
            Kind::Gru => self.gru(layer, label, given, state[0]).map(|h| [h; 2]),
            Kind::Lstm => self.lstm(layer, label, given, state),
        }
    }

    /// Function `f` of the sums of a gate, within the file's bounds.
    fn gate(
        &self,
        layer: &mut Layer<'_, '_>,
        part: &str,
        f: usize,
        mut sum: NodeId,
    ) -> Result<NodeId, Fault> {
        if let Some(clip) = self.clip {
            let clamp = Clamp { lo: -clip, hi: clip };
            sum = layer.step(&format!("{part}_clipped"), Op::Clamp(clamp), &[sum])?;
        }
        layer.step(part, self.functions[f].op(), &[sum])
    }

    /// `z, r = f(x W + h R)`; `c = g(x W + (r h) R)`; `h = (1 - z) c + z h`.
    fn gru(
        &self,
        layer: &mut Layer<'_, '_>,
        label: &str,
        given: NodeId,
        h: NodeId,
    ) -> Result<NodeId, Fault> {
        let hidden = layer.sizes.hidden;
        let name = |part: &str| format!("{part}_{label}");
        let (gates, last) = ([0, 2 * hidden], [2 * hidden, hidden]);
        let r_gates = layer.part("r_gates", self.r, 1, gates)?;
        let r_last = layer.part("r_last", self.r, 1, last)?;
        let product = layer.step(&name("gate_product"), Op::MatMul, &[h, r_gates])?;
        let given_gates = layer.part(&name("given_gates"), given, 1, gates)?;
        let sum = layer.pair(&name("gate_sum"), Binary::Add, given_gates, product)?;
        let gates = self.gate(layer, &name("gates"), 0, sum)?;
        let z = layer.part(&name("z"), gates, 1, [0, hidden])?;
        let r = layer.part(&name("r"), gates, 1, [hidden, hidden])?;
        let of_state = if self.resets_last {
            let mut product = layer.step(&name("product"), Op::MatMul, &[h, r_last])?;
            if let Some(bias) = self.state_bias {
                product = layer.pair(&name("state_sum"), Binary::Add, product, bias)?;
            }
            layer.pair(&name("reset"), Binary::Mul, r, product)?
        } else {
            let reset = layer.pair(&name("reset"), Binary::Mul, r, h)?;
            layer.step(&name("product"), Op::MatMul, &[reset, r_last])?
        };
        let given_last = layer.part(&name("given_last"), given, 1, last)?;
        let sum = layer.pair(&name("sum"), Binary::Add, given_last, of_state)?;
        let fresh = self.gate(layer, &name("fresh"), 1, sum)?;
        let one = layer.name("one");
        let one = layer.call.graph.add_const(one, [], Values::F32(vec![1.0]));
        let rest = layer.pair(&name("rest"), Binary::Sub, one, z)?;
        let fresh = layer.pair(&name("taken"), Binary::Mul, rest, fresh)?;
        let kept = layer.pair(&name("kept"), Binary::Mul, z, h)?;
        layer.pair(&name("h"), Binary::Add, fresh, kept)
    }

    /// `i, o, f = f(x W + h R)`; `c = f c + i g(x W + h R)`; `h = o h(c)`.
    fn lstm(
        &self,
        layer: &mut Layer<'_, '_>,
        label: &str,
        given: NodeId,
        [h, c]: [NodeId; 2],
    ) -> Result<[NodeId; 2], Fault> {
        let hidden = layer.sizes.hidden;
        let name = |part: &str| format!("{part}_{label}");
        let product = layer.step(&name("product"), Op::MatMul, &[h, self.r])?;
        let sum = layer.pair(&name("sum"), Binary::Add, given, product)?;
        let fresh = layer.part(&name("fresh_sum"), sum, 1, [3 * hidden, hidden])?;
        let fresh = self.gate(layer, &name("fresh"), 1, fresh)?;
        let (mut gates, mut sums) = ([h; 3], [h; 3]);
        match self.peepholes {
            Some(_) => {
                for (gate, sum_of) in sums.iter_mut().enumerate() {
                    *sum_of = layer.part(
                        &name(&format!("sum_{gate}")),
                        sum,
                        1,
                        [gate * hidden, hidden],
                    )?;
                }
                for gate in [0, 2] {
                    gates[gate] = self.seen(layer, label, gate, sums[gate], c)?;
                }
            }
            None => {
                let all = layer.part(&name("gate_sums"), sum, 1, [0, 3 * hidden])?;
                let all = self.gate(layer, &name("gates"), 0, all)?;
                for (gate, value) in gates.iter_mut().enumerate() {
                    *value = layer.part(
                        &name(&format!("gate_{gate}")),
                        all,
                        1,
                        [gate * hidden, hidden],
                    )?;
                }
            }
        }
        let taken = layer.pair(&name("taken"), Binary::Mul, gates[0], fresh)?;
        let kept = layer.pair(&name("kept"), Binary::Mul, gates[2], c)?;
        let mut c = layer.pair(&name("c"), Binary::Add, kept, taken)?;
        if let Some(clip) = self.cell_clip {
            let clamp = Clamp { lo: -clip, hi: clip };
            c = layer.step(&name("c_clipped"), Op::Clamp(clamp), &[c])?;
        }
        if self.peepholes.is_some() {
            gates[1] = self.seen(layer, label, 1, sums[1], c)?;
        }
        let shown = layer.step(&name("shown"), self.functions[2].op(), &[c])?;
        Ok([layer.pair(&name("h"), Binary::Mul, gates[1], shown)?, c])
    }

    /// Gate `gate` of an LSTM that sees cell `c` through its peephole.
    fn seen(
        &self,
        layer: &mut Layer<'_, '_>,
        label: &str,
        gate: usize,
        sum: NodeId,
        c: NodeId,
    ) -> Result<NodeId, Fault> {
        let Some(peepholes) = self.peepholes else { return Ok(sum) };
        let name = |part: &str| format!("{part}_{gate}_{label}");
        let peep = layer.pair(&name("peep"), Binary::Mul, c, peepholes[gate])?;
        let sum = layer.pair(&name("peeped"), Binary::Add, sum, peep)?;
        self.gate(layer, &name("gate"), 0, sum)
    }
}
