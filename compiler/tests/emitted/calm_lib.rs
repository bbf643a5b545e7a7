//! A library without `std`. What a panic would run is linked only if something can panic.
#![no_std]

mod net;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    reached_by_a_panic()
}

#[inline(never)]
fn reached_by_a_panic() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Reads a digit.
#[unsafe(no_mangle)]
pub extern "C" fn read(
    arena: &mut net::Arena,
    image: &[f32; net::INPUT_LEN],
    scores: &mut [f32; net::OUTPUT_LEN],
) {
    net::infer(arena, image, scores);
}
