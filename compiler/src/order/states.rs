//! The states a search has met, each once.
//!
//! A hash table with open addressing and a fixed hash, so that equal problems take equal ways.

/// The step by which a state was reached.
#[derive(Clone)]
pub(super) struct Node {
    /// The state before; the first state is its own.
    pub(super) parent: u32,
    /// The run that was taken there, before the runs that follow at once.
    pub(super) via: u32,
    /// The least known peak of a way here, in bytes.
    pub(super) peak: usize,
}

/// All states met, numbered in that order.
pub(super) struct States {
    words: usize,
    bits: Vec<u64>,
    nodes: Vec<Node>,
    /// State numbers plus one; 0 is a free place. Its length is a power of two.
    table: Vec<u32>,
}

impl States {
    /// For sets of numbers below `len`.
    pub(super) fn new(len: usize) -> States {
        States { words: len.div_ceil(64), bits: Vec::new(), nodes: Vec::new(), table: vec![0; 64] }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn node(&self, at: usize) -> &Node {
        &self.nodes[at]
    }

    pub(super) fn bits(&self, at: usize) -> &[u64] {
        &self.bits[at * self.words..][..self.words]
    }

    /// Stores a state, or a better way to it, and gives its number; none if the known way is as
    /// good.
    pub(super) fn enter(&mut self, bits: &[u64], node: Node) -> Option<usize> {
        if self.nodes.len() * 2 >= self.table.len() {
            self.grow();
        }
        let place = self.place(bits);
        match self.table[place] as usize {
            0 => {
                self.bits.extend_from_slice(bits);
                self.nodes.push(node);
                self.table[place] = self.nodes.len() as u32;
                Some(self.nodes.len() - 1)
            }
            known if node.peak < self.nodes[known - 1].peak => {
                self.nodes[known - 1] = node;
                Some(known - 1)
            }
            _ => None,
        }
    }

    /// The place of the state in the table, present or not.
    fn place(&self, bits: &[u64]) -> usize {
        let mask = self.table.len() - 1;
        let mut place = hash(bits) & mask;
        while self.table[place] != 0 && self.bits(self.table[place] as usize - 1) != bits {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        self.table = vec![0; self.table.len() * 2];
        for at in 0..self.nodes.len() {
            let place = self.place(self.bits(at));
            self.table[place] = at as u32 + 1;
        }
    }
}

/// Multiply and fold, word by word: the high bits of a product depend on all bits below.
fn hash(bits: &[u64]) -> usize {
    let fold = |hash: u64, word: &u64| {
        let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15;
        (product >> 64) as u64 ^ product as u64
    };
    bits.iter().fold(0x2545_f491_4f6c_dd1d, fold) as usize
}
