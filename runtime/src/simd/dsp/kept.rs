//! What becomes of a panel's outputs that are kept in memory first: bytes that a residual is added to, or sums.

use core::arch::naked_asm;

use super::Limits;
use crate::affine::{Affine, Factor, Pair};
use crate::ring::Ring;
use crate::simd::dots::End;

/// Outputs of a panel's pixels in memory, those of both channels of a pixel side by side.
pub(super) struct Kept {
    pub(super) row: usize,
    /// The first pixel.
    pub(super) pixel: usize,
    /// Pixels.
    pub(super) len: usize,
    pub(super) panel: usize,
    /// One or two.
    pub(super) channels: usize,
}

/// What the function of sums of bytes knows, in the order in which it loads it.
#[repr(C)]
struct Frame {
    scales: [f32; 3],
    limits: *const Limits,
    bytes: *const u8,
    skip: *const u8,
    y: *mut u8,
    end: *const u8,
    /// Bytes from a pixel to the next, of what is added and of the output.
    pixels: [usize; 2],
    /// Bytes from a channel to the next.
    chunks: [usize; 2],
    zeros: [i32; 3],
}

impl Kept {
    /// Where the first output lies.
    fn start(&self, ring: &Ring) -> usize {
        let pixel = ring.slot(self.row + ring.top) + self.pixel * ring.pixel;
        pixel + 2 * self.panel * ring.chunk
    }

    /// Adds a residual to bytes.
    ///
    /// # Safety
    /// There are as many bytes, and what is added and the output lie inside their slices.
    pub(super) unsafe fn add(
        &self,
        bytes: *const u8,
        (skip, from): (*const u8, &Ring),
        pair: &Pair,
        (y, into): (*mut u8, &Ring),
    ) {
        let (skip, y) = (skip.wrapping_add(self.start(from)), y.wrapping_add(self.start(into)));
        if let Pair::Float { a, b, scale, levels } = *pair {
            let Affine { scale: a_scale, zero: a_zero } = a;
            let limits = Limits::of(levels);
            let chunk = |ring: &Ring| if self.channels == 1 { 0 } else { ring.chunk };
            let frame = Frame {
                scales: [a_scale, b.scale, scale],
                limits: if limits.are_some() { &raw const limits } else { core::ptr::null() },
                bytes,
                skip,
                y,
                end: bytes.wrapping_add(2 * self.len),
                pixels: [from.pixel, into.pixel],
                chunks: [chunk(from), chunk(into)],
                zeros: [a_zero, b.zero, levels.zero].map(i32::from),
            };
            // SAFETY: the frame says what the caller promised.
            unsafe { add_floats::<true>(&raw const frame) };
            return;
        }
        for r in 0..self.len {
            for j in 0..self.channels {
                // SAFETY: the caller's pixels and channels.
                unsafe {
                    let skip = skip.add(r * from.pixel + j * from.chunk).read();
                    let byte = pair.add(bytes.add(2 * r + j).read(), skip);
                    y.add(r * into.pixel + j * into.chunk).write(byte);
                }
            }
        }
    }

    /// Ends sums, whose panel of weights begins at `w`.
    ///
    /// # Safety
    /// There are as many sums and factors, and what is added and the output lie inside their slices.
    pub(super) unsafe fn finish(&self, sums: *const i32, w: *const u8, end: &End, into: &Ring) {
        let factors = w.wrapping_add(8).cast::<u32>();
        for j in 0..self.channels {
            for r in 0..self.len {
                let at = self.start(into) + r * into.pixel + j * into.chunk;
                // SAFETY: the caller's pixels, channels and factors.
                unsafe {
                    let sum = sums.add(2 * r + j).read();
                    let factor = factors.add(j).read_unaligned();
                    match end {
                        End::Reals { y } => {
                            y.add(at).write(sum as f32 * Factor(factor, 0).real());
                        }
                        End::Bytes { y, levels, added } => {
                            let exponent = match levels.factors() {
                                2 => factors.add(2 + j).read_unaligned().cast_signed(),
                                _ => 0,
                            };
                            let byte = levels.of_sum(sum, Factor(factor, exponent));
                            let byte = added.as_ref().map_or(byte, |(skip, ring, pair)| {
                                let at = self.start(ring) + r * ring.pixel + j * ring.chunk;
                                pair.add(byte, skip.add(at).read())
                            });
                            y.add(at).write(byte);
                        }
                    }
                }
            }
        }
    }
}

/// The bytes of sums of reals, those of the second channel first: where there is none, they lie where the first's do.
///
/// # Safety
/// What the frame says lies inside its slices.
#[unsafe(naked)]
unsafe extern "C" fn add_floats<const ARM: bool>(frame: *const Frame) {
    naked_asm!(
        ".cpu cortex-m4",
        "push {{r4-r11, lr}}",
        "vldm r0!, {{s8-s11}}",
        "mov r12, r0",
        "ldm r12, {{r0-r10}}",
        "vmov r14, s11",
        "2:",
        "ldrb r11, [r0], #1",
        "ldrb r12, [r0], #1",
        "sub r11, r11, r8",
        "sub r12, r12, r8",
        "vmov s0, s1, r11, r12",
        "ldrb r11, [r1]",
        "ldrb r12, [r1, r6]",
        "add r1, r1, r4",
        "sub r11, r11, r9",
        "sub r12, r12, r9",
        "vmov s2, s3, r11, r12",
        "vcvt.f32.s32 s0, s0",
        "vcvt.f32.s32 s1, s1",
        "vcvt.f32.s32 s2, s2",
        "vcvt.f32.s32 s3, s3",
        "vmul.f32 s0, s0, s8",
        "vmul.f32 s1, s1, s8",
        "vmul.f32 s2, s2, s9",
        "vmul.f32 s3, s3, s9",
        "vadd.f32 s0, s0, s2",
        "vadd.f32 s1, s1, s3",
        "vdiv.f32 s0, s0, s10",
        "vdiv.f32 s1, s1, s10",
        "vcvtr.s32.f32 s0, s0",
        "vcvtr.s32.f32 s1, s1",
        "vmov r11, r12, s0, s1",
        "qadd r11, r11, r10",
        "qadd r12, r12, r10",
        "usat r11, #8, r11",
        "usat r12, #8, r12",
        "cmp r14, #0",
        "bne 4f",
        "3:",
        "strb r12, [r2, r7]",
        "strb r11, [r2]",
        "add r2, r2, r5",
        "cmp r0, r3",
        "bne 2b",
        "pop {{r4-r11, pc}}",
        "4:",
        "ldr r14, [r14, #8]",
        "cmp r11, r14",
        "it lt",
        "movlt r11, r14",
        "cmp r12, r14",
        "it lt",
        "movlt r12, r14",
        "vmov r14, s11",
        "ldr r14, [r14, #12]",
        "cmp r11, r14",
        "it gt",
        "movgt r11, r14",
        "cmp r12, r14",
        "it gt",
        "movgt r12, r14",
        "vmov r14, s11",
        "b 3b",
    )
}
