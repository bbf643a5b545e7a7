//! A network as firmware: one inference on inputs that are part of it; its answer and counts go to a file of the host.

#![no_std]
#![no_main]

mod machine;
mod net;
mod ports;

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The word that fills the stack before the inference.
const PAINT: usize = 0xA5C3_5A3C;

static ARENA: Shared<net::Arena> = Shared::new(net::Arena::new());
static COUNTED: Shared<u64> = Shared::new(0);
static STACK_BYTES: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" {
    static _stack_low: u8;
    static _text_start: u8;
    static _text_end: u8;
    static _data_start: u8;
    static _data_end: u8;
}

/// Memory that the one thread of the firmware fills.
#[repr(align(16))]
pub struct Shared<T>(UnsafeCell<T>);

unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    #[allow(clippy::mut_from_ref)]
    pub fn lend(&self) -> &mut T {
        unsafe { &mut *self.0.get() }
    }

    pub fn bytes(&self) -> &[u8] {
        unsafe { core::slice::from_raw_parts(self.0.get().cast(), size_of::<T>()) }
    }
}

/// Bytes of an input.
#[repr(align(16))]
pub struct Input<const N: usize>(pub [u8; N]);

impl<const N: usize> Input<N> {
    pub fn floats(&'static self) -> &'static [f32] {
        unsafe { core::slice::from_raw_parts(core::hint::black_box(self).0.as_ptr().cast(), N / 4) }
    }

    pub fn bytes(&'static self) -> &'static [u8] {
        &core::hint::black_box(self).0
    }
}

pub fn array<T, const N: usize>(values: &[T]) -> &[T; N] {
    unsafe { &*values.as_ptr().cast() }
}

/// Runs `infer`, and counts its instructions and the stack it takes.
pub fn timed<R>(infer: impl FnOnce() -> R) -> R {
    let low = &raw const _stack_low as usize;
    let top = machine::stack_pointer() - 64;
    let words = (low..top).step_by(size_of::<usize>());
    words.clone().for_each(|at| unsafe { (at as *mut usize).write_volatile(PAINT) });
    let start = machine::count();
    let answer = apart(infer);
    *COUNTED.lend() = machine::count().wrapping_sub(start);
    let is_painted = |at: &usize| unsafe { (*at as *const usize).read_volatile() == PAINT };
    let used = words.take_while(is_painted).count() * size_of::<usize>() + low;
    STACK_BYTES.store(machine::stack_pointer() - used, Relaxed);
    answer
}

#[inline(never)]
fn apart<R>(infer: impl FnOnce() -> R) -> R {
    infer()
}

#[unsafe(no_mangle)]
#[unsafe(link_section = ".harness")]
extern "C" fn harness() -> ! {
    ports::infer(ARENA.lend());
    let between = |from: *const u8, to: *const u8| to as u64 - from as u64;
    let text = between(&raw const _text_start, &raw const _text_end);
    let data = between(&raw const _data_start, &raw const _data_end);
    let counts = [*COUNTED.lend(), STACK_BYTES.load(Relaxed) as u64, text + data];
    let file = open(c"answer");
    counts.iter().for_each(|count| write(file, &count.to_le_bytes()));
    ports::tell(|bytes| write(file, bytes));
    exit(0)
}

/// Opens a file of the host for writing.
#[unsafe(link_section = ".harness")]
fn open(name: &core::ffi::CStr) -> usize {
    let block = [name.as_ptr() as usize, 5, name.count_bytes()];
    machine::ask_host(0x01, block.as_ptr() as usize)
}

#[unsafe(link_section = ".harness")]
fn write(file: usize, bytes: &[u8]) {
    let block = [file, bytes.as_ptr() as usize, bytes.len()];
    if machine::ask_host(0x05, block.as_ptr() as usize) != 0 {
        exit(3);
    }
}

#[unsafe(no_mangle)]
#[unsafe(link_section = ".harness")]
extern "C" fn exit(code: usize) -> ! {
    const APPLICATION_EXIT: usize = 0x2_0026;
    let block = [APPLICATION_EXIT, code];
    loop {
        machine::ask_host(0x20, block.as_ptr() as usize);
    }
}

#[panic_handler]
#[unsafe(link_section = ".harness")]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}
