//! Arm Cortex-M: reset, a timer of the board, semihosting.

use core::arch::{asm, global_asm};

// The table of vectors: the stack, reset, and faults, which end the firmware.
global_asm!(
    ".section .vectors, \"a\"",
    ".word _stack_top, reset",
    ".rept 14",
    ".word fault",
    ".endr",
    ".section .harness, \"ax\"",
    ".thumb_func",
    ".globl reset",
    "reset:",
    "ldr r0, =0xe000ed88",
    "movs r1, #15",
    "lsls r1, r1, #20",
    "str r1, [r0]",
    "dsb",
    "isb",
    "bl begin",
    ".thumb_func",
    "fault:",
    "movs r0, #102",
    "bl exit",
    ".pool",
);

#[unsafe(no_mangle)]
#[unsafe(link_section = ".harness")]
extern "C" fn begin() -> ! {
    // An inexact result was seen: QEMU then computes floats by the host's.
    #[cfg(target_abi = "eabihf")]
    unsafe {
        asm!("vmrs {0}, fpscr", "orr {0}, {0}, #0x10", "vmsr fpscr, {0}", out(reg) _)
    };
    for (register, value) in TIMER.start {
        unsafe { (*register as *mut u32).write_volatile(*value) };
    }
    crate::harness()
}

/// A timer of 32 bits.
pub struct Timer {
    /// Registers and the values that start it.
    pub start: &'static [(usize, u32)],
    /// The register of its value.
    pub value: usize,
    /// All ones if it counts down.
    pub mask: u32,
    /// Instructions in so many ticks.
    pub instructions: u64,
    pub ticks: u64,
}

/// Instructions since some moment, as far as the timer tells them apart.
#[inline(always)]
pub fn count() -> u64 {
    let value = unsafe { (TIMER.value as *const u32).read_volatile() };
    u64::from(value ^ TIMER.mask) * TIMER.instructions / TIMER.ticks
}

#[inline(always)]
pub fn stack_pointer() -> usize {
    let pointer;
    unsafe { asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack)) };
    pointer
}

#[inline(always)]
pub fn ask_host(operation: usize, block: usize) -> usize {
    let answer;
    unsafe { asm!("bkpt #0xab", inlateout("r0") operation => answer, in("r1") block, options(nostack)) };
    answer
}
