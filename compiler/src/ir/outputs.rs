//! Outputs of a graph: a list in the model's order, and the places of each node in it.

use std::collections::BTreeMap;
use std::ops::Deref;

use crate::ir::NodeId;

/// One output of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name in the model.
    pub name: String,
    /// The node that makes it.
    pub node: NodeId,
}

/// Outputs of the model, in its order, and behind them the values that become its states. Read as a slice of the outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    listed: Vec<Output>,
    /// Entries at the end that are states' next values.
    kept: usize,
    /// Places of each node's outputs, ascending.
    places: BTreeMap<NodeId, Vec<usize>>,
}

impl Outputs {
    /// Appends an output; before any value that is kept.
    pub fn push(&mut self, output: Output) {
        assert_eq!(self.kept, 0, "outputs are listed before what is kept");
        self.append(output);
    }

    /// Appends a value that the network keeps for its next call.
    pub fn keep(&mut self, value: Output) {
        self.append(value);
        self.kept += 1;
    }

    /// Takes the output at `place` out of the list.
    pub fn take(&mut self, place: usize) -> Output {
        let mut left = std::mem::take(self);
        let taken = left.listed.remove(place);
        let outputs = left.listed.len() - left.kept;
        for (at, output) in left.listed.into_iter().enumerate() {
            if at < outputs { self.push(output) } else { self.keep(output) }
        }
        taken
    }

    /// Outputs, and then the values that are kept.
    pub fn all(&self) -> &[Output] {
        &self.listed
    }

    /// The next value of each state.
    pub fn kept(&self) -> &[Output] {
        &self.listed[self.listed.len() - self.kept..]
    }

    fn append(&mut self, output: Output) {
        self.places.entry(output.node).or_default().push(self.listed.len());
        self.listed.push(output);
    }

    /// Makes `node` the source of the output at `place`, of all that are listed.
    pub fn set(&mut self, place: usize, node: NodeId) {
        let old = std::mem::replace(&mut self.listed[place].node, node);
        let left = self.places.get_mut(&old).expect("every output has its place");
        left.retain(|at| *at != place);
        if left.is_empty() {
            self.places.remove(&old);
        }
        let places = self.places.entry(node).or_default();
        places.insert(places.partition_point(|at| *at < place), place);
    }

    /// Makes `new` the source of every output of `old`.
    pub fn redirect(&mut self, old: NodeId, new: NodeId) {
        for place in self.places_of(old).to_vec() {
            self.set(place, new);
        }
    }

    /// Places of the outputs and kept values that `node` makes, ascending.
    pub fn places_of(&self, node: NodeId) -> &[usize] {
        self.places.get(&node).map_or(&[], Vec::as_slice)
    }
}

impl Deref for Outputs {
    type Target = [Output];

    fn deref(&self) -> &[Output] {
        &self.listed[..self.listed.len() - self.kept]
    }
}

impl Extend<Output> for Outputs {
    fn extend<T: IntoIterator<Item = Output>>(&mut self, outputs: T) {
        outputs.into_iter().for_each(|output| self.push(output));
    }
}

impl FromIterator<Output> for Outputs {
    fn from_iter<T: IntoIterator<Item = Output>>(outputs: T) -> Self {
        let mut listed = Self::default();
        listed.extend(outputs);
        listed
    }
}

impl<'a> IntoIterator for &'a Outputs {
    type Item = &'a Output;
    type IntoIter = std::slice::Iter<'a, Output>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Graph, Op, Tensor};

    #[test]
    fn places_follow_the_nodes_that_make_outputs() {
        let mut graph = Graph::default();
        let [a, b] = ["a", "b"].map(|name| graph.add(name, Op::Input, Tensor::f32([1]), &[]));
        let output = |(at, node): (usize, &NodeId)| Output { name: format!("y{at}"), node: *node };
        let mut outputs: Outputs = [a, b, a, b].iter().enumerate().map(output).collect();
        assert_eq!([outputs.places_of(a), outputs.places_of(b)], [[0, 2], [1, 3]]);
        outputs.set(2, b);
        assert_eq!([outputs.places_of(a), outputs.places_of(b)], [&[0][..], &[1, 2, 3]]);
        outputs.redirect(b, a);
        assert_eq!([outputs.places_of(a), outputs.places_of(b)], [&[0, 1, 2, 3][..], &[]]);
        assert!(outputs.iter().all(|output| output.node == a));
    }

    #[test]
    fn values_that_are_kept_are_no_outputs_but_have_places() {
        let mut graph = Graph::default();
        let [a, b] = ["a", "b"].map(|name| graph.add(name, Op::Input, Tensor::f32([1]), &[]));
        let mut outputs = Outputs::default();
        for (name, node) in [("x", a), ("y", b)] {
            outputs.push(Output { name: name.into(), node });
        }
        let next = outputs.take(0);
        outputs.keep(next);
        let names = |list: &[Output]| list.iter().map(|it| it.name.clone()).collect::<String>();
        assert_eq!(
            [names(&outputs), names(outputs.kept()), names(outputs.all())],
            ["y", "x", "yx"]
        );
        assert_eq!([outputs.places_of(a), outputs.places_of(b)], [[1], [0]]);
    }
}
