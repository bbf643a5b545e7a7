//! The table of instruction sets: one row each, and nothing about them elsewhere but their intrinsics and tiles.

use crate::isa::Isa;
use crate::simd::cpu::{AVX2, AVX512, BF16, DOTPROD, NEON, VNNI};
use crate::simd::dots::Quads;

/// All that is known of an instruction set.
pub(super) struct Facts {
    /// The instruction set, whose number is that of the row.
    pub isa: Isa,
    /// A word for reports.
    pub name: &'static str,
    /// The features as `#[target_feature(enable = ..)]` spells them.
    pub features: &'static str,
    /// The same as bits of [`crate::simd::cpu`].
    pub needs: u32,
    /// The machines that have it; `None` for all.
    pub arch: Option<&'static str>,
    /// `f32`s in a vector.
    pub lanes: usize,
    /// Vector registers.
    pub registers: usize,
    /// How floats are multiplied and added.
    pub multiplies: Multiplies,
    /// How weights for four bytes are laid out.
    pub quads: Quads,
    /// The number that products of bytes take off every input.
    pub lift: u8,
    /// Whether pairs of brain floats are multiplied.
    pub pairs: bool,
    /// The instruction set whose kernels of floats it runs.
    pub floats: Isa,
    /// The instruction set that does best with bytes on its machines.
    pub bytes: Isa,
    /// The name of the compiler's target that emits code for it.
    pub target: &'static str,
}

/// How an instruction set multiplies floats and adds the products to sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplies {
    /// A product, then a sum: two roundings.
    Apart,
    /// In one instruction, one factor from memory.
    FromMemory,
    /// In one instruction, one factor a lane of a vector.
    ByLane,
}

const SCALAR: Facts = Facts {
    isa: Isa::Scalar,
    name: "scalar",
    features: "",
    needs: 0,
    arch: None,
    lanes: 4,
    registers: 16,
    multiplies: Multiplies::Apart,
    quads: Quads::Pairs,
    lift: 0,
    pairs: false,
    floats: Isa::Scalar,
    bytes: Isa::Scalar,
    target: "generic",
};

const AVX2_FACTS: Facts = Facts {
    isa: Isa::Avx2,
    name: "avx2",
    features: "avx2,fma,f16c",
    needs: AVX2,
    arch: Some("x86_64"),
    lanes: 8,
    multiplies: Multiplies::FromMemory,
    floats: Isa::Avx2,
    bytes: Isa::Avx2,
    target: "x86-64-v3",
    ..SCALAR
};

const AVX512_FACTS: Facts = Facts {
    isa: Isa::Avx512,
    name: "avx512",
    features: "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma",
    needs: AVX2 | AVX512,
    lanes: 16,
    registers: 32,
    floats: Isa::Avx512,
    bytes: Isa::Avx512Vnni,
    target: "x86-64-v4",
    ..AVX2_FACTS
};

const NEON_FACTS: Facts = Facts {
    isa: Isa::Neon,
    name: "neon",
    features: "neon",
    needs: NEON,
    arch: Some("aarch64"),
    registers: 32,
    multiplies: Multiplies::ByLane,
    quads: Quads::Lanes,
    floats: Isa::Neon,
    bytes: Isa::Neon,
    target: "armv8",
    ..SCALAR
};

/// Every instruction set, in the order of their declaration.
pub(super) const FACTS: &[Facts] = &[
    SCALAR,
    AVX2_FACTS,
    AVX512_FACTS,
    Facts {
        isa: Isa::Avx512Vnni,
        name: "avx512vnni",
        features: "avx512vnni,avx512f,avx512vl,avx512bw,avx512dq,avx2,fma",
        needs: AVX2 | AVX512 | VNNI,
        quads: Quads::Bytes,
        ..AVX512_FACTS
    },
    Facts {
        isa: Isa::Avx512Bf16,
        name: "avx512bf16",
        // F follows from BW; the attribute fits in a line without it.
        features: "avx512bf16,avx512vnni,avx512vl,avx512bw,avx512dq,avx2,fma",
        needs: AVX2 | AVX512 | VNNI | BF16,
        quads: Quads::Bytes,
        pairs: true,
        target: "x86-64-v4-bf16",
        ..AVX512_FACTS
    },
    NEON_FACTS,
    Facts {
        isa: Isa::NeonDot,
        name: "neondot",
        features: "neon,dotprod",
        needs: NEON | DOTPROD,
        quads: Quads::Bytes,
        lift: 128,
        bytes: Isa::NeonDot,
        target: "armv8.2-dotprod",
        ..NEON_FACTS
    },
];
