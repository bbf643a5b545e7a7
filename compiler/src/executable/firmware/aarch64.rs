//! 64-bit Arm at EL1: reset, a flat map of memory, the counter of instructions, semihosting.

use core::arch::{asm, global_asm};

// Memory below 1 GiB is that of devices; the three GiB above are cached, so that any alignment is allowed.
global_asm!(
    ".section .vectors, \"ax\"",
    ".globl _start",
    "_start:",
    "adrp x0, _stack_top",
    "add x0, x0, :lo12:_stack_top",
    "mov sp, x0",
    "adrp x0, faults",
    "add x0, x0, :lo12:faults",
    "msr vbar_el1, x0",
    "mov x0, #(3 << 20)",
    "msr cpacr_el1, x0",
    "mov x0, #0xff00",
    "msr mair_el1, x0",
    "ldr x0, =0x803519",
    "msr tcr_el1, x0",
    "adrp x0, map",
    "msr ttbr0_el1, x0",
    "isb",
    "mrs x0, sctlr_el1",
    "mov x1, #0x1005",
    "orr x0, x0, x1",
    "bic x0, x0, #2",
    "msr sctlr_el1, x0",
    "isb",
    "b begin",
    ".pool",
    ".balign 2048",
    "faults:",
    ".rept 16",
    "mov x0, #102",
    "bl exit",
    ".balign 128",
    ".endr",
    ".balign 4096",
    "map:",
    ".quad 0x401",
    ".quad 0x40000705",
    ".quad 0x80000705",
    ".quad 0xc0000705",
    ".fill 508, 8, 0",
);

/// The event of an instruction that was executed.
const INSTRUCTION: u64 = 8;

#[unsafe(no_mangle)]
#[unsafe(link_section = ".harness")]
extern "C" fn begin() -> ! {
    unsafe {
        // An inexact result was seen: QEMU then computes floats by the host's.
        asm!("msr fpsr, {}", in(reg) 0x10_u64);
        asm!("msr pmevtyper0_el0, {}", in(reg) INSTRUCTION);
        asm!("msr pmcntenset_el0, {one}", "msr pmcr_el0, {one}", "isb", one = in(reg) 1_u64);
    }
    crate::harness()
}

/// Instructions since some moment.
#[inline(always)]
pub fn count() -> u64 {
    let count;
    unsafe { asm!("mrs {}, pmevcntr0_el0", out(reg) count, options(nostack)) };
    count
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
    unsafe { asm!("hlt #0xf000", inlateout("x0") operation => answer, in("x1") block, options(nostack)) };
    answer
}
