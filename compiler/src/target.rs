//! The machines code is emitted for: data only, and all the numbers of them that the compiler decides by.

mod board;
mod machine;
mod platform;
mod table;
mod tuning;

use std::fmt;
use std::str::FromStr;

pub use board::{Board, Region, Start, Timer};
pub use machine::{Align, Caches, Core};
pub use mnv2c_runtime::isa::Isa;
pub use platform::Platform;
pub use table::TARGETS;
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
    /// True if it computes with floats by itself; without, quantised networks are rounded by integers alone.
    pub has_floats: bool,
    /// Bytes of which every offset in the arena is a multiple.
    pub align: Align,
    /// Threads that one inference runs on.
    pub threads: usize,
    /// Tiles that were timed on such a machine; those of the best estimates where there are none.
    pub tuning: Option<&'static Tuning>,
    /// Winograd's transforms, where they are allowed.
    pub winograd: WinogradTiles,
    /// The platform of its programs, where it is not the one that rustc runs on.
    pub platform: Option<&'static Platform>,
}

impl Target {
    /// The best target for the machine that runs the compiler.
    pub fn host() -> Self {
        let name = Isa::detect().target();
        let found = TARGETS.iter().find(|target| target.name == name);
        *found.expect("every instruction set has a target")
    }

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
        let platform = target.platform.map_or([""; 2], |platform| [platform.triple, platform.cpu]);
        [target.name, target.about]
            .into_iter()
            .chain(platform)
            .any(|it| letters(it).contains(&wanted))
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
            ("cortex-m4f", "cortex-m4"),
            ("stm32f4", "cortex-m4"),
            ("STM32H7", "cortex-m7"),
            ("rp2040", "cortex-m0plus"),
            ("thumbv8m.main-none-eabihf", "cortex-m33"),
            ("rv32imac", "riscv32imac"),
            ("wasm", "wasm32-simd128"),
        ] {
            let error = word.parse::<Target>().expect_err("it is no name").to_string();
            assert!(error.contains(&format!("did you mean {meant:?}?")), "{error}");
        }
        let error = "z80".parse::<Target>().expect_err("nobody has one").to_string();
        assert!(error.starts_with("unknown target \"z80\"; use host, generic"), "{error}");
    }
}
