//! Instructions of the machine outside of vectors: its features, its square root, and a stop without std.

/// AVX2, FMA and F16C.
pub(crate) const AVX2: u32 = 1 << 0;
/// AVX-512 F, BW, DQ and VL.
pub(crate) const AVX512: u32 = 1 << 1;
/// AVX-512 VNNI: products of bytes.
pub(crate) const VNNI: u32 = 1 << 2;
/// AVX-512 BF16: products of pairs of bf16.
pub(crate) const BF16: u32 = 1 << 3;
/// NEON.
pub(crate) const NEON: u32 = 1 << 4;
/// NEON with products of bytes.
pub(crate) const DOTPROD: u32 = 1 << 5;

/// The features that the running machine has.
#[cfg(target_arch = "x86_64")]
pub(crate) fn features() -> u32 {
    let when = |has: bool, feature: u32| if has { feature } else { 0 };
    when(has_avx2(), AVX2)
        | when(has_avx512(), AVX512)
        | when(has_avx512_vnni(), VNNI)
        | when(has_avx512_bf16(), BF16)
}

/// The features that the running machine has. NEON belongs to the baseline of aarch64.
#[cfg(target_arch = "aarch64")]
pub(crate) fn features() -> u32 {
    match cfg!(target_feature = "neon") {
        true if has_dotprod() => NEON | DOTPROD,
        true => NEON,
        false => 0,
    }
}

/// The features that the running machine has.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) fn features() -> u32 {
    0
}

/// Has the AVX2 level: AVX2, FMA and F16C, and registers that the operating system saves.
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    const AVX_OSXSAVE_FMA_F16C: u32 = 1 << 28 | 1 << 27 | 1 << 12 | 1 << 29;
    const AVX2: u32 = 1 << 5;
    const YMM_SAVED: u64 = 0b110;
    has(leaf(1, 0)[2], AVX_OSXSAVE_FMA_F16C)
        && has(leaf(7, 0)[1], AVX2)
        && saved_registers() & YMM_SAVED == YMM_SAVED
}

/// Has the AVX-512 level: F, DQ, BW and VL beside AVX2, and registers that the operating system saves.
#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    const F_DQ_BW_VL: u32 = 1 << 16 | 1 << 17 | 1 << 30 | 1 << 31;
    const ZMM_SAVED: u64 = 0b1110_0110;
    has_avx2() && has(leaf(7, 0)[1], F_DQ_BW_VL) && saved_registers() & ZMM_SAVED == ZMM_SAVED
}

/// AVX-512 with VNNI, whose vectors multiply bytes.
#[cfg(target_arch = "x86_64")]
fn has_avx512_vnni() -> bool {
    const VNNI: u32 = 1 << 11;
    has_avx512() && has(leaf(7, 0)[2], VNNI)
}

/// AVX-512 with VNNI and BF16, whose vectors multiply pairs of bf16.
#[cfg(target_arch = "x86_64")]
fn has_avx512_bf16() -> bool {
    const BF16: u32 = 1 << 5;
    has_avx512_vnni() && has(leaf(7, 1)[0], BF16)
}

#[cfg(target_arch = "x86_64")]
fn has(register: u32, bits: u32) -> bool {
    register & bits == bits
}

/// `eax, ebx, ecx, edx` of a part of a cpuid leaf; zero where the machine does not know it.
#[cfg(target_arch = "x86_64")]
fn leaf(number: u32, part: u32) -> [u32; 4] {
    let [highest, ..] = cpuid(0, 0);
    if number > highest || (part > 0 && part > cpuid(number, 0)[0]) {
        return [0; 4];
    }
    cpuid(number, part)
}

/// The instruction itself: the function of that name is safe in some releases of Rust and unsafe in others.
#[cfg(target_arch = "x86_64")]
fn cpuid(leaf: u32, part: u32) -> [u32; 4] {
    let (mut a, mut c) = (leaf, part);
    let (b, d): (u64, u32);
    // SAFETY: every x86-64 machine has cpuid; `rbx`, which the compiler keeps for itself, is put back.
    unsafe {
        core::arch::asm!(
            "mov {b:r}, rbx", "cpuid", "xchg {b:r}, rbx",
            b = out(reg) b, inout("eax") a, inout("ecx") c, out("edx") d,
            options(nomem, nostack, preserves_flags),
        );
    }
    [a, b as u32, c, d]
}

/// Registers that the operating system saves; to be asked only of a machine that has OSXSAVE.
#[cfg(target_arch = "x86_64")]
fn saved_registers() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: both callers have tested the OSXSAVE bit, which says that the instruction exists.
    unsafe {
        core::arch::asm!(
            "xgetbv",
            in("ecx") 0, out("eax") low, out("edx") high,
            options(nomem, nostack, preserves_flags),
        );
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Has products of bytes. Without std only a build for machines that have them, or Linux, can tell.
#[cfg(target_arch = "aarch64")]
fn has_dotprod() -> bool {
    #[cfg(feature = "std")]
    {
        extern crate std;
        std::arch::is_aarch64_feature_detected!("dotprod")
    }
    #[cfg(all(not(feature = "std"), target_os = "linux"))]
    {
        let features: u64;
        // SAFETY: Linux lets programs read this register.
        unsafe {
            core::arch::asm!("mrs {}, ID_AA64ISAR0_EL1", out(reg) features, options(pure, nomem, nostack));
        }
        features >> 44 & 15 != 0
    }
    #[cfg(not(any(feature = "std", target_os = "linux")))]
    {
        cfg!(target_feature = "dotprod")
    }
}

/// Stops the program at once, without a message and without unwinding.
#[cfg(not(feature = "std"))]
pub(crate) fn trap() -> ! {
    // SAFETY: the instruction is undefined on purpose; nothing runs after it.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::asm!("ud2", options(noreturn, nomem, nostack))
    }
    // SAFETY: the instruction is undefined on purpose; nothing runs after it.
    #[cfg(any(target_arch = "aarch64", target_arch = "arm"))]
    unsafe {
        core::arch::asm!("udf #0", options(noreturn, nomem, nostack))
    }
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "arm",
        target_arch = "wasm32"
    )))]
    loop {
        core::hint::spin_loop();
    }
}

/// The square root, correctly rounded.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn sqrt(x: f32) -> f32 {
    use core::arch::x86_64::{_mm_cvtss_f32, _mm_set_ss, _mm_sqrt_ss};
    // SAFETY: every x86-64 machine has SSE.
    unsafe { _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))) }
}

/// The square root, correctly rounded.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub(crate) fn sqrt(x: f32) -> f32 {
    use core::arch::aarch64::{vdup_n_f32, vget_lane_f32, vsqrt_f32};
    // SAFETY: NEON belongs to the baseline of aarch64.
    unsafe { vget_lane_f32::<0>(vsqrt_f32(vdup_n_f32(x))) }
}
