//! Every target, built in.

use crate::objective::WinogradTiles;
use crate::target::{Align, Caches, Core, Isa, Platform, Target};

/// Every target, the default first.
pub const TARGETS: &[Target] = &[
    Target::GENERIC,
    Target::X86_64_V3,
    Target::X86_64_V4,
    Target::X86_64_V4_BF16,
    Target::ARMV8,
    Target::ARMV8_2_DOTPROD,
    Target::ARMV8_6_I8MM,
    Target::CORTEX_M0PLUS,
    Target::CORTEX_M4,
    Target::CORTEX_M7,
    Target::CORTEX_M33,
    Target::CORTEX_M55,
    Target::RISCV32IMAC,
    Target::RISCV64GC,
    Target::WASM32_SIMD128,
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
        has_floats: true,
        tuning: None,
        winograd: WinogradTiles::Auto,
        platform: None,
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
        platform: Some(&Platform::ARMV8),
        ..Self::GENERIC
    };

    /// 64-bit Arm with NEON and dot products of bytes (Cortex-A55 and A76, Apple M1 and later).
    pub const ARMV8_2_DOTPROD: Self = Self {
        name: "armv8.2-dotprod",
        about: "64-bit Arm with NEON and dot products of bytes (Cortex-A55 and A76, Apple M1 and later)",
        isa: Isa::NeonDot,
        core: Core::WIDE.at(400),
        platform: Some(&Platform::ARMV8_2_DOTPROD),
        ..Self::ARMV8
    };

    /// [`Self::ARMV8_2_DOTPROD`] with products of matrices of bytes (Neoverse V1, Apple M2 and later).
    pub const ARMV8_6_I8MM: Self = Self {
        name: "armv8.6-i8mm",
        about: "64-bit Arm with dot products and products of matrices of bytes (Neoverse V1, Apple M2 and later)",
        platform: Some(&Platform::ARMV8_6_I8MM),
        ..Self::ARMV8_2_DOTPROD
    };

    /// Arm Cortex-M0+: no floats, no products of pairs.
    pub const CORTEX_M0PLUS: Self = Self {
        name: "cortex-m0plus",
        about: "Arm Cortex-M0+, no FPU (RP2040, STM32G0, STM32L0, SAM D21)",
        isa: Isa::Dsp,
        has_floats: false,
        core: Core::NARROW.at(1_300),
        platform: Some(&Platform::CORTEX_M0PLUS),
        ..Self::CORTEX_M4
    };

    /// Arm Cortex-M4F: DSP instructions and floats.
    pub const CORTEX_M4: Self = Self {
        name: "cortex-m4",
        about: "Arm Cortex-M4 with FPU (STM32F4, STM32L4, nRF52840, SAM D51)",
        isa: Isa::Dsp,
        core: Core::NARROW,
        caches: None,
        align: Align::WORDS,
        platform: Some(&Platform::CORTEX_M4),
        ..Self::GENERIC
    };

    /// Arm Cortex-M7: two instructions a cycle.
    pub const CORTEX_M7: Self = Self {
        name: "cortex-m7",
        about: "Arm Cortex-M7 with FPU (STM32H7, STM32F7, i.MX RT, Teensy 4)",
        core: Core::NARROW.at(700),
        platform: Some(&Platform::CORTEX_M7),
        ..Self::CORTEX_M4
    };

    /// Arm Cortex-M33 with DSP instructions and floats.
    pub const CORTEX_M33: Self = Self {
        name: "cortex-m33",
        about: "Arm Cortex-M33 with DSP and FPU (STM32U5, STM32L5, nRF5340, RP2350)",
        platform: Some(&Platform::CORTEX_M33),
        ..Self::CORTEX_M4
    };

    /// Arm Cortex-M55 with Helium.
    pub const CORTEX_M55: Self = Self {
        name: "cortex-m55",
        about: "Arm Cortex-M55 with Helium (Ensemble, STM32N6, MPS3 Corstone-300)",
        platform: Some(&Platform::CORTEX_M55),
        ..Self::CORTEX_M4
    };

    /// 32-bit RISC-V without floats.
    pub const RISCV32IMAC: Self = Self {
        name: "riscv32imac",
        about: "32-bit RISC-V, no FPU (ESP32-C6, GD32VF103, FE310)",
        isa: Isa::Dsp,
        has_floats: false,
        platform: Some(&Platform::RISCV32IMAC),
        ..Self::CORTEX_M4
    };

    /// 64-bit RISC-V with floats, without vectors.
    pub const RISCV64GC: Self = Self {
        name: "riscv64gc",
        about: "64-bit RISC-V with floats, without vectors (U74, C906, VisionFive 2)",
        isa: Isa::Dsp,
        caches: Some(Caches::of(256 << 10)),
        align: Align::LINES,
        core: Core::NARROW.at(800),
        platform: Some(&Platform::RISCV64GC),
        ..Self::CORTEX_M4
    };

    /// WebAssembly with vectors of 16 bytes.
    pub const WASM32_SIMD128: Self = Self {
        name: "wasm32-simd128",
        about: "WebAssembly with 128-bit vectors (browsers since 2021, Node.js, Wasmtime)",
        caches: Some(Caches::of(512 << 10)),
        platform: Some(&Platform::WASM32_SIMD128),
        ..Self::GENERIC
    };
}
