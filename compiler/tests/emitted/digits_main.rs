//! Reads the test digits, and counts what `infer` allocates.

mod net;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ARENA: std::sync::Mutex<net::Arena> = std::sync::Mutex::new(net::Arena::new());

/// The numbers behind the header of a version 1 npy file.
fn body(file: &str) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[10 + header..].to_vec()
}

fn main() {
    let (images, classes) = (body("test_x.npy"), body("test_y.npy"));
    let expected: Vec<f32> =
        body("expected.npy").chunks(4).map(|x| f32::from_le_bytes(x.try_into().unwrap())).collect();
    let mut arena = ARENA.lock().unwrap();
    let (mut correct, mut worst, mut allocations) = (0, 0.0_f32, 0);
    for (at, image) in images.chunks(28 * 28).enumerate() {
        let (mut picture, mut probabilities) = ([0.0; 32 * 32], [0.0; 10]);
        for (pixel, value) in image.iter().enumerate() {
            picture[(pixel / 28 + 2) * 32 + pixel % 28 + 2] = f32::from(*value) / 255.0;
        }
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        net::infer(&mut arena, &picture, &mut probabilities);
        allocations += ALLOCATIONS.load(Ordering::Relaxed) - before;
        let best = (0..10).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b])).unwrap();
        correct += usize::from(best == usize::from(classes[at]));
        for (p, q) in probabilities.iter().zip(&expected[at * 10..]) {
            worst = worst.max((p - q).abs());
        }
    }
    println!("{correct} {worst} {allocations}");
}
