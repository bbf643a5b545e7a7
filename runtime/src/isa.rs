//! Instruction sets, and checks that the running machine has the one that a program was compiled for.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::simd::cpu::{self, AVX2, AVX512, BF16, DOTPROD, NEON, VNNI};
use crate::simd::dots::Quads;

/// An instruction set that kernels are compiled for: a set of features of one architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// The DSP extension of Armv7E-M and Armv8-M, words of bytes; plain code on any other machine.
    Dsp,
    /// Any machine, 4 lanes of whatever it has.
    Scalar,
    /// x86-64 with 8 lanes.
    Avx2,
    /// x86-64 with 16 lanes.
    Avx512,
    /// [`Self::Avx512`] with products of bytes.
    Avx512Vnni,
    /// [`Self::Avx512Vnni`] with products of pairs of brain floats.
    Avx512Bf16,
    /// aarch64 with 4 lanes.
    Neon,
    /// [`Self::Neon`] with products of bytes.
    NeonDot,
}

impl Isa {
    /// Every instruction set; of two that a machine has, the later does more with one instruction.
    pub const ALL: [Self; FACTS.len()] = {
        let (mut all, mut at) = ([Self::Scalar; FACTS.len()], 0);
        while at < all.len() {
            all[at] = FACTS[at].isa;
            at += 1;
        }
        all
    };

    const fn facts(self) -> &'static Facts {
        &FACTS[self as usize]
    }

    /// A word for reports.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The features of its functions, as `#[target_feature(enable = ..)]` spells them; empty for plain code.
    pub const fn features(self) -> &'static str {
        self.facts().features
    }

    /// The machines that have it, as `target_arch` spells them; `None` for all.
    pub const fn arch(self) -> Option<&'static str> {
        self.facts().arch
    }

    /// `f32`s in one of its vectors.
    pub const fn lanes(self) -> usize {
        self.facts().lanes
    }

    /// Vector registers; of `Scalar`, those of an x86-64. A Cortex-M has room for 8 vectors of 4.
    pub const fn registers(self) -> usize {
        self.facts().registers
    }

    /// Its multiplication and addition of floats.
    pub const fn multiplies(self) -> Multiplies {
        self.facts().multiplies
    }

    /// Its layout of weights for four bytes.
    pub const fn quads(self) -> Quads {
        self.facts().quads
    }

    /// The number that its products take off every byte of input; biases make up for it.
    pub const fn lift(self) -> u8 {
        self.facts().lift
    }

    /// The name of the compiler's target that emits code for it.
    pub const fn target(self) -> &'static str {
        self.facts().target
    }

    /// The instruction set whose kernels of floats this one runs.
    pub const fn of_floats(self) -> Self {
        self.facts().floats
    }

    /// The instruction set that does best with bytes on machines of this one's kind.
    pub const fn of_bytes(self) -> Self {
        self.facts().bytes
    }

    /// The instruction set whose kernels of brain floats this one runs: its own if it multiplies pairs of them.
    pub const fn of_brains(self) -> Self {
        if self.has_pairs() { self } else { self.of_floats() }
    }

    /// True if it multiplies pairs of bf16.
    pub const fn has_pairs(self) -> bool {
        self.facts().pairs
    }

    /// The last instruction set of [`Self::ALL`] that the running machine has; it is asked once.
    pub fn detect() -> Self {
        let present = Self::ALL.iter().rev().find(|isa| isa.is_present());
        *present.unwrap_or(&Self::Scalar)
    }

    /// True if the running machine has each of its features.
    pub fn is_present(self) -> bool {
        self.facts().needs & present() == self.facts().needs
    }
}

/// The features of the running machine, which is asked once.
fn present() -> u32 {
    const ASKED: u32 = 1 << 31;
    static FOUND: AtomicU32 = AtomicU32::new(0);
    match FOUND.load(Ordering::Relaxed) {
        0 => {
            let found = cpu::features();
            FOUND.store(found | ASKED, Ordering::Relaxed);
            found
        }
        found => found,
    }
}

/// Returns when the machine has `isa`; else says what is missing and exits with code 1 (without the feature `std`:
/// stops at an undefined instruction).
pub fn require(isa: Isa) {
    if !isa.is_present() {
        refuse(isa);
    }
}

#[cfg(feature = "std")]
fn refuse(isa: Isa) -> ! {
    extern crate std;
    let runs = |other: &&Isa| other.is_present() && other.target() != isa.target();
    let remedy = Isa::ALL.iter().rev().find(runs).map_or("generic", |other| other.target());
    std::eprintln!(
        "this program needs {}, which this machine lacks; rebuild with --target {remedy}",
        isa.features()
    );
    std::process::exit(1)
}

#[cfg(not(feature = "std"))]
fn refuse(_: Isa) -> ! {
    cpu::trap()
}

/// Facts about an instruction set.
struct Facts {
    /// The instruction set, whose number is that of the row.
    isa: Isa,
    /// A word for reports.
    name: &'static str,
    /// The features as `#[target_feature(enable = ..)]` spells them.
    features: &'static str,
    /// The features as bits of [`crate::simd::cpu`].
    needs: u32,
    /// The machines that have it; `None` for all.
    arch: Option<&'static str>,
    /// `f32`s in a vector.
    lanes: usize,
    /// Vector registers.
    registers: usize,
    /// Its multiplication and addition of floats.
    multiplies: Multiplies,
    /// Its layout of weights for four bytes.
    quads: Quads,
    /// The number that products of bytes take off every input.
    lift: u8,
    /// True if it multiplies pairs of bf16.
    pairs: bool,
    /// The instruction set whose kernels of floats it runs.
    floats: Isa,
    /// The instruction set that does best with bytes on its machines.
    bytes: Isa,
    /// The name of the compiler's target that emits code for it.
    target: &'static str,
}

/// Ways of an instruction set to multiply floats and add the products to sums.
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
const FACTS: &[Facts] = &[
    Facts {
        isa: Isa::Dsp,
        name: "dsp",
        lanes: 1,
        registers: 32,
        quads: Quads::Bytes,
        floats: Isa::Dsp,
        bytes: Isa::Dsp,
        target: "cortex-m4",
        ..SCALAR
    },
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

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn detection_agrees_with_std() {
        let avx2 = std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
        let avx512 = std::is_x86_feature_detected!("avx512f")
            && std::is_x86_feature_detected!("avx512vl")
            && std::is_x86_feature_detected!("avx512bw")
            && std::is_x86_feature_detected!("avx512dq");
        assert_eq!(Isa::Avx2.is_present(), avx2);
        assert_eq!(Isa::Avx512.is_present(), avx2 && avx512);
        let vnni = std::is_x86_feature_detected!("avx512vnni");
        assert_eq!(Isa::Avx512Vnni.is_present(), avx2 && avx512 && vnni);
        let bf16 = std::is_x86_feature_detected!("avx512bf16");
        assert_eq!(Isa::Avx512Bf16.is_present(), avx2 && avx512 && vnni && bf16);
        assert!(!Isa::Neon.is_present());
    }

    #[test]
    fn a_second_answer_is_the_first() {
        assert_eq!(Isa::detect(), Isa::detect());
        require(Isa::detect());
        require(Isa::Scalar);
    }

    #[test]
    fn all_are_listed_in_order() {
        assert!(FACTS.iter().enumerate().all(|(at, facts)| at == facts.isa as usize));
    }
}
