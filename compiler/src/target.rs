//! The machines code is emitted for: data only, and all the numbers of them that the compiler decides by.

mod machine;
mod tuning;

use std::fmt;
use std::str::FromStr;

pub use machine::{Align, Caches, Core};
pub use mnv2c_runtime::isa::Isa;
pub use tuning::{Product, Tuning};

use crate::alike::{alike, distance};
use crate::error::Error;
use crate::ir::{Dtype, Graph};
use crate::objective::WinogradTiles;

/// One machine: every number of a machine that anything in the compiler decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name that `--target` takes.
    pub name: &'static str,
    /// One line for `mnv2c targets`.
    pub about: &'static str,
    /// Instructions that the emitted code uses; lanes and registers are theirs.
    pub isa: Isa,
    /// Cycles of a core.
    pub core: Core,
    /// The caches of a core; `None` where all memory is equally near.
    pub caches: Option<Caches>,
    /// Bytes of which every offset in the arena is a multiple.
    pub align: Align,
    /// Threads that one inference runs on.
    pub threads: usize,
    /// Tiles that were timed on such a machine; those of the best estimates where there are none.
    pub tuning: Option<&'static Tuning>,
    /// Winograd's transforms, where they are allowed.
    pub winograd: WinogradTiles,
}

/// Every target, the default first.
pub const TARGETS: &[Target] = &[
    Target::GENERIC,
    Target::X86_64_V3,
    Target::X86_64_V4,
    Target::X86_64_V4_BF16,
    Target::ARMV8,
    Target::ARMV8_2_DOTPROD,
];

impl Target {
    /// Portable Rust for any machine; the platform's baseline instructions.
    pub const GENERIC: Self = Self {
        name: "generic",
        about: "portable Rust for any machine; the platform's baseline instructions",
        isa: Isa::Scalar,
        core: Core::WIDE,
        caches: Some(Caches::of(256 << 10)),
        align: Align::LINES,
        threads: 1,
        tuning: None,
        winograd: WinogradTiles::Auto,
    };

    /// x86-64 with AVX2 and FMA (Haswell, Zen and later).
    pub const X86_64_V3: Self = Self {
        name: "x86-64-v3",
        about: "x86-64 with AVX2 and FMA (Haswell, Zen and later)",
        isa: Isa::Avx2,
        caches: Some(Caches::of(512 << 10)),
        ..Self::GENERIC
    };

    /// x86-64 with AVX-512 F, BW, DQ, VL (Skylake-SP, Zen 4 and later).
    pub const X86_64_V4: Self = Self {
        name: "x86-64-v4",
        about: "x86-64 with AVX-512 F, BW, DQ, VL (Skylake-SP, Zen 4 and later)",
        isa: Isa::Avx512,
        caches: Some(Caches::of(1 << 20)),
        ..Self::GENERIC
    };

    /// [`Self::X86_64_V4`] with VNNI and products of bf16 (Cooper Lake, Sapphire Rapids, Zen 4 and later).
    pub const X86_64_V4_BF16: Self = Self {
        name: "x86-64-v4-bf16",
        about: "the same with VNNI and products of bf16 (Cooper Lake, Sapphire Rapids, Zen 4 and later)",
        isa: Isa::Avx512Bf16,
        ..Self::X86_64_V4
    };

    /// 64-bit Arm with NEON (every one).
    pub const ARMV8: Self = Self {
        name: "armv8",
        about: "64-bit Arm with NEON (every one)",
        isa: Isa::Neon,
        caches: Some(Caches::of(512 << 10)),
        ..Self::GENERIC
    };

    /// 64-bit Arm with NEON and dot products of bytes (Cortex-A55 and A76, Apple M1 and later).
    pub const ARMV8_2_DOTPROD: Self = Self {
        name: "armv8.2-dotprod",
        about: "64-bit Arm with NEON and dot products of bytes (Cortex-A55 and A76, Apple M1 and later)",
        isa: Isa::NeonDot,
        ..Self::ARMV8
    };

    /// The best target for the machine that runs the compiler.
    pub fn host() -> Self {
        let name = Isa::detect().target();
        let found = TARGETS.iter().find(|target| target.name == name);
        *found.expect("every instruction set has a target")
    }
}

impl Target {
    /// This machine with the instructions that do best with the numbers of `graph`.
    pub(crate) fn suited(self, graph: &Graph) -> Self {
        let isa = match () {
            () if graph.is_quantised() => self.isa.of_bytes(),
            () if graph.stores(Dtype::Bf16) => self.isa.of_brains(),
            () => self.isa.of_floats(),
        };
        Self { isa, ..self }
    }
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        if name == "host" {
            return Ok(Self::host());
        }
        let found = TARGETS.iter().find(|target| target.name == name);
        found.copied().ok_or_else(|| {
            let known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            let known = known.join(", ");
            let meant = meant(name).map(|target| format!(", did you mean {:?}?", target.name));
            let meant = meant.unwrap_or_else(|| ";".to_owned());
            Error::Spec(format!("unknown target {name:?}{meant} use host, {known}"))
        })
    }
}

/// The target that has `word` in its name or in what is said of it; else the one with the likest name.
fn meant(word: &str) -> Option<&'static Target> {
    let letters = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
    };
    let wanted = letters(word);
    let says = |target: &&Target| {
        letters(target.name).contains(&wanted) || letters(target.about).contains(&wanted)
    };
    let said = TARGETS[1..].iter().find(|target| wanted.len() > 2 && says(target));
    said.or_else(|| {
        let near = alike(word, TARGETS.iter().map(|target| target.name), 1);
        let near = near.first().filter(|name| distance(name, word) <= 3);
        TARGETS.iter().find(|target| Some(&target.name) == near)
    })
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_target_names_the_one_that_is_meant() {
        for (word, meant) in [
            ("avx2", "x86-64-v3"),
            ("AVX-512", "x86-64-v4"),
            ("neon", "armv8"),
            ("cortex-a55", "armv8.2-dotprod"),
            ("x86_64_v4", "x86-64-v4"),
            ("genric", "generic"),
        ] {
            let error = word.parse::<Target>().expect_err("it is no name").to_string();
            assert!(error.contains(&format!("did you mean {meant:?}?")), "{error}");
        }
        let error = "z80".parse::<Target>().expect_err("nobody has one").to_string();
        assert!(error.starts_with("unknown target \"z80\"; use host, generic"), "{error}");
    }
}
