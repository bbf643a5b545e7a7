//! Platforms of rustc that programs of a target are built for, and the boards that emulate them.

use crate::target::board::Board;

/// The platform of a target's programs, as rustc names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// The target triple.
    pub triple: &'static str,
    /// The core, as `-C target-cpu` takes it; that of the triple where it is empty.
    pub cpu: &'static str,
    /// Further features, as `-C target-feature` takes them.
    pub features: &'static str,
    /// The board that runs its firmware under emulation, if there is one.
    pub board: Option<Board>,
}

impl Platform {
    const fn of(triple: &'static str, cpu: &'static str, board: Board) -> Self {
        Self { triple, cpu, features: "", board: Some(board) }
    }

    /// 64-bit Arm without an operating system.
    pub const ARMV8: Self = Self::of("aarch64-unknown-none", "cortex-a72", Board::VIRT_A72);
    /// [`Self::ARMV8`] with dot products.
    pub const ARMV8_2_DOTPROD: Self =
        Self { cpu: "cortex-a76", board: Some(Board::VIRT_A76), ..Self::ARMV8 };
    /// [`Self::ARMV8_2_DOTPROD`] with products of matrices of bytes.
    pub const ARMV8_6_I8MM: Self =
        Self { features: "+i8mm", board: Some(Board::VIRT_MAX), ..Self::ARMV8_2_DOTPROD };
    /// Armv6-M.
    pub const CORTEX_M0PLUS: Self =
        Self::of("thumbv6m-none-eabi", "cortex-m0plus", Board::MPS2_AN386);
    /// Armv7E-M with single precision.
    pub const CORTEX_M4: Self = Self::of("thumbv7em-none-eabihf", "cortex-m4", Board::MPS2_AN386);
    /// Armv7E-M with double precision.
    pub const CORTEX_M7: Self = Self::of("thumbv7em-none-eabihf", "cortex-m7", Board::MPS2_AN500);
    /// Armv8-M Mainline; the core of the triple itself has no DSP instructions.
    pub const CORTEX_M33: Self =
        Self::of("thumbv8m.main-none-eabihf", "cortex-m33", Board::MPS2_AN505);
    /// Armv8.1-M with Helium.
    pub const CORTEX_M55: Self =
        Self::of("thumbv8m.main-none-eabihf", "cortex-m55", Board::MPS3_AN547);
    /// RV32IMAC.
    pub const RISCV32IMAC: Self = Self::of("riscv32imac-unknown-none-elf", "", Board::VIRT_RV32);
    /// RV64GC.
    pub const RISCV64GC: Self = Self::of("riscv64gc-unknown-none-elf", "", Board::VIRT_RV64);
    /// WebAssembly with vectors.
    pub const WASM32_SIMD128: Self =
        Self { triple: "wasm32-unknown-unknown", cpu: "", features: "+simd128", board: None };
}
