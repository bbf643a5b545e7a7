//! Boards of QEMU, each of which stands for the machines of a target: where programs lie and what counts instructions.

/// A board of QEMU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    /// The emulator's program.
    pub emulator: &'static str,
    /// The package of Debian and Ubuntu that it comes in.
    pub package: &'static str,
    /// The machine and its core, as the emulator's arguments name them.
    pub machine: &'static [&'static str],
    /// The way it starts, and counts instructions.
    pub start: Start,
    /// Memory in which the processor finds its first instruction.
    pub boot: Region,
    /// Memory for code and weights.
    pub code: Region,
    /// Memory for the arena and the stack.
    pub data: Region,
    /// Slower memory for weights and arenas that the others have no room for.
    pub far: Region,
}

/// Ways to start, one an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// By a table of vectors; instructions are counted by a timer.
    CortexM(Timer),
    /// At the first address of memory; `minstret` counts.
    Riscv,
    /// At EL1; the performance monitor counts.
    Aarch64,
}

/// A timer of 32 bits that instructions are counted by, each of which takes a nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Registers and the values that start it.
    pub start: &'static [(u32, u32)],
    /// The register of its value.
    pub value: u32,
    /// True if it counts down.
    pub falls: bool,
    /// Instructions in a number of ticks.
    pub instructions: u64,
    /// That number.
    pub ticks: u64,
}

/// Memory of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The address of its first byte.
    pub origin: usize,
    /// Its size.
    pub bytes: usize,
}

impl Region {
    const fn of(origin: usize, bytes: usize) -> Self {
        Self { origin, bytes }
    }
}

/// Bytes of a table of vectors, which code follows where both lie in one memory.
const VECTORS_BYTES: usize = 1 << 10;

impl Board {
    /// Cortex-M4 at 25 MHz. Instructions of a Cortex-M0+ are a part of its own.
    pub const MPS2_AN386: Self = Self {
        emulator: "qemu-system-arm",
        package: "qemu-system-arm",
        machine: &["-M", "mps2-an386"],
        start: Start::CortexM(Timer {
            start: &[(0x4000_0008, u32::MAX), (0x4000_0004, u32::MAX), (0x4000_0000, 1)],
            value: 0x4000_0004,
            falls: true,
            instructions: 40,
            ticks: 1,
        }),
        boot: Region::of(0, VECTORS_BYTES),
        code: Region::of(VECTORS_BYTES, (4 << 20) - VECTORS_BYTES),
        data: Region::of(0x2000_0000, 4 << 20),
        far: Region::of(0x2100_0000, 16 << 20),
    };

    /// Cortex-M7 at 25 MHz.
    pub const MPS2_AN500: Self = Self { machine: &["-M", "mps2-an500"], ..Self::MPS2_AN386 };

    /// Cortex-M33 at 20 MHz.
    pub const MPS2_AN505: Self = Self {
        machine: &["-M", "mps2-an505"],
        start: Start::CortexM(Timer {
            start: &[(0x5000_0008, u32::MAX), (0x5000_0004, u32::MAX), (0x5000_0000, 1)],
            value: 0x5000_0004,
            falls: true,
            instructions: 50,
            ticks: 1,
        }),
        boot: Region::of(0x1000_0000, VECTORS_BYTES),
        code: Region::of(0x1000_0000 + VECTORS_BYTES, (4 << 20) - VECTORS_BYTES),
        data: Region::of(0x3800_0000, 4 << 20),
        far: Region::of(0x8000_0000, 16 << 20),
        ..Self::MPS2_AN386
    };

    /// Cortex-M55 at 32 MHz.
    pub const MPS3_AN547: Self = Self {
        machine: &["-M", "mps3-an547"],
        start: Start::CortexM(Timer {
            start: &[(0x5810_0000, 1)],
            value: 0x5800_0000,
            falls: false,
            instructions: 125,
            ticks: 4,
        }),
        boot: Region::of(0x1000_0000, VECTORS_BYTES),
        code: Region::of(0x1100_0000, 2 << 20),
        data: Region::of(0x3100_0000, 2 << 20),
        far: Region::of(0x7000_0000, 64 << 20),
        ..Self::MPS2_AN386
    };

    /// 32-bit RISC-V.
    pub const VIRT_RV32: Self = Self {
        emulator: "qemu-system-riscv32",
        package: "qemu-system-misc",
        machine: &["-M", "virt", "-bios", "none", "-m", "1G"],
        start: Start::Riscv,
        boot: Region::of(0x8000_0000, 64 << 10),
        code: Region::of(0x8001_0000, 255 << 20),
        data: Region::of(0x9000_0000, 256 << 20),
        far: Region::of(0xa000_0000, 256 << 20),
    };

    /// 64-bit RISC-V.
    pub const VIRT_RV64: Self = Self { emulator: "qemu-system-riscv64", ..Self::VIRT_RV32 };

    /// Cortex-A72.
    pub const VIRT_A72: Self = Self {
        emulator: "qemu-system-aarch64",
        package: "qemu-system-arm",
        machine: &["-M", "virt", "-cpu", "cortex-a72", "-m", "1G"],
        start: Start::Aarch64,
        boot: Region::of(0x4008_0000, 64 << 10),
        code: Region::of(0x4009_0000, 255 << 20),
        data: Region::of(0x5010_0000, 255 << 20),
        far: Region::of(0x6010_0000, 255 << 20),
    };

    /// Cortex-A76.
    pub const VIRT_A76: Self =
        Self { machine: &["-M", "virt", "-cpu", "cortex-a76", "-m", "1G"], ..Self::VIRT_A72 };

    /// A 64-bit Arm core with all that is emulated, products of matrices of bytes too.
    pub const VIRT_MAX: Self =
        Self { machine: &["-M", "virt", "-cpu", "max", "-m", "1G"], ..Self::VIRT_A72 };
}
