//! Instruction sets, and whether the running machine has the one that a program was compiled for.

use core::sync::atomic::{AtomicU8, Ordering};

use crate::simd::cpu;

/// An instruction set that kernels are compiled for. On one architecture, each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Any machine, 4 lanes of whatever it has.
    Scalar,
    /// x86-64 with 8 lanes.
    Avx2,
    /// x86-64 with 16 lanes.
    Avx512,
    /// The same with products of bytes.
    Avx512Vnni,
    /// The same with products of pairs of brain floats too.
    Avx512Bf16,
    /// aarch64 with 4 lanes.
    Neon,
    /// The same with products of bytes.
    NeonDot,
}

impl Isa {
    /// Every instruction set, in the order of their declaration.
    pub const ALL: [Self; 7] = [
        Self::Scalar,
        Self::Avx2,
        Self::Avx512,
        Self::Avx512Vnni,
        Self::Avx512Bf16,
        Self::Neon,
        Self::NeonDot,
    ];

    /// A word for reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Avx512Vnni => "avx512vnni",
            Self::Avx512Bf16 => "avx512bf16",
            Self::Neon => "neon",
            Self::NeonDot => "neondot",
        }
    }

    /// What its functions enable, as `#[target_feature(enable = ..)]` spells it; empty for plain code.
    pub const fn features(self) -> &'static str {
        match self {
            Self::Scalar => "",
            Self::Avx2 => "avx2,fma,f16c",
            Self::Avx512 => "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma",
            Self::Avx512Vnni => "avx512vnni,avx512f,avx512vl,avx512bw,avx512dq,avx2,fma",
            Self::Avx512Bf16 => "avx512bf16,avx512vnni,avx512f,avx512vl,avx512bw,avx512dq,avx2,fma",
            Self::Neon => "neon",
            Self::NeonDot => "neon,dotprod",
        }
    }

    /// The machines that have it, as `target_arch` spells them; `None` for all.
    pub const fn arch(self) -> Option<&'static str> {
        match self {
            Self::Scalar => None,
            Self::Avx2 | Self::Avx512 | Self::Avx512Vnni | Self::Avx512Bf16 => Some("x86_64"),
            Self::Neon | Self::NeonDot => Some("aarch64"),
        }
    }

    /// `f32`s in one of its vectors.
    pub const fn lanes(self) -> usize {
        match self {
            Self::Scalar | Self::Neon | Self::NeonDot => 4,
            Self::Avx2 => 8,
            Self::Avx512 | Self::Avx512Vnni | Self::Avx512Bf16 => 16,
        }
    }

    /// The instruction set whose kernels of floats this one runs.
    pub const fn of_floats(self) -> Self {
        match self {
            Self::Avx512Vnni | Self::Avx512Bf16 => Self::Avx512,
            Self::NeonDot => Self::Neon,
            Self::Scalar | Self::Avx2 | Self::Avx512 | Self::Neon => self,
        }
    }

    /// The instruction set that does best with bytes on machines of this one's kind.
    pub const fn of_bytes(self) -> Self {
        match self {
            Self::Avx512 | Self::Avx512Bf16 => Self::Avx512Vnni,
            Self::Scalar | Self::Avx2 | Self::Avx512Vnni | Self::Neon | Self::NeonDot => self,
        }
    }

    /// The instruction set whose kernels of brain floats this one runs: its own if it multiplies pairs of them.
    pub const fn of_brains(self) -> Self {
        if self.has_pairs() { self } else { self.of_floats() }
    }

    /// Whether it multiplies pairs of brain floats.
    pub const fn has_pairs(self) -> bool {
        matches!(self, Self::Avx512Bf16)
    }

    /// The widest instruction set of the running machine; it is asked once.
    pub fn detect() -> Self {
        const UNASKED: u8 = u8::MAX;
        static FOUND: AtomicU8 = AtomicU8::new(UNASKED);
        let found = FOUND.load(Ordering::Relaxed);
        if let Some(isa) = Self::ALL.get(usize::from(found)) {
            return *isa;
        }
        let isa = widest();
        FOUND.store(isa as u8, Ordering::Relaxed);
        isa
    }

    /// Whether the running machine has it.
    pub fn is_present(self) -> bool {
        let found = Self::detect();
        self == Self::Scalar || (self <= found && self.is_arm() == found.is_arm())
    }

    const fn is_arm(self) -> bool {
        matches!(self, Self::Neon | Self::NeonDot)
    }
}

#[cfg(target_arch = "x86_64")]
fn widest() -> Isa {
    if cpu::has_avx512_bf16() {
        Isa::Avx512Bf16
    } else if cpu::has_avx512_vnni() {
        Isa::Avx512Vnni
    } else if cpu::has_avx512() {
        Isa::Avx512
    } else if cpu::has_avx2() {
        Isa::Avx2
    } else {
        Isa::Scalar
    }
}

/// NEON belongs to the baseline of aarch64.
#[cfg(target_arch = "aarch64")]
fn widest() -> Isa {
    match cfg!(target_feature = "neon") {
        true if cpu::has_dotprod() => Isa::NeonDot,
        true => Isa::Neon,
        false => Isa::Scalar,
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn widest() -> Isa {
    Isa::Scalar
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
    let remedy = match Isa::detect() {
        Isa::Scalar => "generic",
        Isa::Avx512 if isa == Isa::Avx512Vnni => "x86-64-v3",
        Isa::Avx2 => "x86-64-v3",
        Isa::Avx512 | Isa::Avx512Vnni => "x86-64-v4",
        Isa::Avx512Bf16 => "x86-64-v4-bf16",
        Isa::Neon | Isa::NeonDot => "armv8",
    };
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
        assert!(Isa::ALL.iter().enumerate().all(|(at, isa)| at == *isa as usize));
    }
}
