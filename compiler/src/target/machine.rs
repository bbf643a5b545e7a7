//! Costs of a machine's core and memory.

use crate::objective::Storage;

/// Cycles of a core's floating-point arithmetic, roughly: enough to tell a good tile from a bad one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Core {
    /// Multiply-adds of vectors that start in a cycle; as many vectors are loaded.
    pub multiply_adds: usize,
    /// Cycles until a sum can be added to again.
    pub latency: usize,
    /// Cycles until a sum of products of pairs of bf16 can be added to again.
    pub pair_latency: usize,
    /// Cycles in which a tile starts.
    pub tile_start: usize,
    /// Cycles in which a kernel starts on another panel of weights, or vector of a window's.
    pub panel_start: usize,
    /// Cycles until other threads have heard that there is work, and until all have said that it is done.
    pub wake: usize,
    /// Cycles in which a thread takes a part of it.
    pub part_start: usize,
    /// Cycles of a thousand instructions of an inference, roughly: memory is as near as it can be.
    pub instruction_millicycles: usize,
}

impl Core {
    /// A core of a phone, a laptop or a server.
    pub const WIDE: Self = Self {
        multiply_adds: 2,
        latency: 4,
        pair_latency: 6,
        tile_start: 12,
        panel_start: 32,
        wake: 2_000,
        part_start: 300,
        instruction_millicycles: 500,
    };

    /// A core of a microcontroller: one instruction a cycle, in order.
    pub const NARROW: Self = Self {
        multiply_adds: 1,
        latency: 1,
        pair_latency: 1,
        instruction_millicycles: 1_150,
        ..Self::WIDE
    };

    /// This core with so many cycles for a thousand instructions.
    pub const fn at(self, instruction_millicycles: usize) -> Self {
        Self { instruction_millicycles, ..self }
    }
}

/// The caches of one core, and how fast bytes come from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caches {
    /// Bytes of the first: a panel of a wide value should fit.
    pub l1_bytes: usize,
    /// Bytes of weights that stay in the first between two calls of a kernel.
    pub kept_bytes: usize,
    /// Bytes of the second, half of which a step's weights, or a whole value, may take.
    pub l2_bytes: usize,
    /// Bytes a cycle from the second.
    pub l2_rate: usize,
    /// Bytes a cycle from beyond the second.
    pub far_rate: usize,
}

impl Caches {
    /// Caches of a core with so many bytes of second cache.
    pub const fn of(l2_bytes: usize) -> Self {
        Self { l1_bytes: 32 << 10, kept_bytes: 24 << 10, l2_bytes, l2_rate: 24, far_rate: 6 }
    }

    /// Bytes a cycle at which the weights of a step that has so many of them arrive.
    pub fn rate(&self, step_bytes: usize) -> usize {
        if self.outgrows(step_bytes) { self.far_rate } else { self.l2_rate }
    }

    /// True if so many bytes do not stay in the second cache beside others.
    pub fn outgrows(&self, bytes: usize) -> bool {
        bytes > self.l2_bytes / 2
    }

    /// Bytes of a panel of a wide value that stays near its reader; several threads pass panels on in the second cache.
    pub fn panel_bytes(&self, threads: usize) -> usize {
        if threads > 1 { self.l2_bytes / 4 } else { self.l1_bytes }
    }
}

/// Bytes of which offsets in the arena are multiples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Align {
    /// Of numbers of four bytes, and of any where speed is wanted: a line of cache.
    pub line: usize,
    /// Of smaller numbers where memory is wanted: a vector of bytes.
    pub vector: usize,
}

impl Align {
    /// Bytes of which offsets of such numbers are multiples.
    pub fn of(self, storage: Storage) -> usize {
        match storage {
            Storage::F32 | Storage::F16 | Storage::Bf16 => self.line,
            Storage::Int8 => self.vector,
        }
    }

    /// Words of 16 bytes, where no memory has lines.
    pub const WORDS: Self = Self { line: 16, vector: 16 };

    /// Lines of 64 bytes and vectors of 16.
    pub const LINES: Self = Self { line: 64, vector: 16 };
}
