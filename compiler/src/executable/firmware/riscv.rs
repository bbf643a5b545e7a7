//! RISC-V in machine mode: reset, the counter of instructions, semihosting.

use core::arch::{asm, global_asm};

global_asm!(
    ".section .vectors, \"ax\"",
    ".globl _start",
    "_start:",
    "la sp, _stack_top",
    ".option push",
    ".option norelax",
    "la gp, __global_pointer$",
    ".option pop",
    "la t0, fault",
    "csrw mtvec, t0",
    "li t0, 0x2000",
    "csrs mstatus, t0",
    "call begin",
    ".balign 4",
    "fault:",
    "li a0, 102",
    "call exit",
);

#[unsafe(no_mangle)]
#[unsafe(link_section = ".harness")]
extern "C" fn begin() -> ! {
    // An inexact result was seen: QEMU then computes floats by the host's.
    #[cfg(target_feature = "f")]
    unsafe {
        asm!("csrsi fflags, 1")
    };
    crate::harness()
}

/// Instructions since some moment.
#[inline(always)]
#[cfg(target_arch = "riscv64")]
pub fn count() -> u64 {
    let count;
    unsafe { asm!("csrr {}, minstret", out(reg) count, options(nostack)) };
    count
}

/// Instructions since some moment.
#[inline(always)]
#[cfg(target_arch = "riscv32")]
pub fn count() -> u64 {
    loop {
        let [before, low, after]: [u32; 3];
        unsafe {
            asm!(
                "csrr {}, minstreth", "csrr {}, minstret", "csrr {}, minstreth",
                out(reg) before, out(reg) low, out(reg) after, options(nostack)
            )
        };
        if before == after {
            return u64::from(before) << 32 | u64::from(low);
        }
    }
}

#[inline(always)]
pub fn stack_pointer() -> usize {
    let pointer;
    unsafe { asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack)) };
    pointer
}

#[inline(always)]
pub fn ask_host(operation: usize, block: usize) -> usize {
    let answer;
    unsafe {
        asm!(
            ".balign 16",
            ".option push",
            ".option norvc",
            "slli x0, x0, 0x1f",
            "ebreak",
            "srai x0, x0, 7",
            ".option pop",
            inlateout("a0") operation => answer, in("a1") block, options(nostack)
        )
    };
    answer
}
