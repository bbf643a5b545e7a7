//! Timing of an inference by kernel: a clock that emitted code reads after each one, where it was asked to.

extern crate std;

use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::simd::Simd;

/// Time spent in each of `N` kernels, on the thread that runs the network.
#[derive(Debug)]
pub struct Clock<const N: usize> {
    origin: OnceLock<Instant>,
    /// Nanoseconds from `origin` to the last mark.
    last: AtomicU64,
    spent: [AtomicU64; N],
}

impl<const N: usize> Clock<N> {
    /// Nothing spent.
    pub const fn new() -> Self {
        Self {
            origin: OnceLock::new(),
            last: AtomicU64::new(0),
            spent: [const { AtomicU64::new(0) }; N],
        }
    }

    /// Starts the time of the next kernel, up to the next mark.
    pub fn start(&self) {
        self.last.store(self.now(), Relaxed);
    }

    /// Adds the time since the last mark to kernel `at`.
    pub fn mark(&self, at: usize) {
        let now = self.now();
        self.spent[at].fetch_add(now - self.last.swap(now, Relaxed), Relaxed);
    }

    /// Nanoseconds spent in each kernel since they were last taken.
    pub fn take(&self) -> [u64; N] {
        self.spent.each_ref().map(|spent| spent.swap(0, Relaxed))
    }

    fn now(&self) -> u64 {
        self.origin.get_or_init(Instant::now).elapsed().as_nanos() as u64
    }
}

impl<const N: usize> Default for Clock<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// GFLOP/s of multiply-adds that wait for nothing but each other: the most that a core can do.
#[inline(always)]
pub fn fma_peak<S: Simd>(simd: S) -> f64 {
    const STEPS: usize = 20_000;
    const CHAINS: usize = 12;
    let mut best = Duration::MAX;
    for _ in 0..50 {
        let start = Instant::now();
        let half = simd.splat(black_box(0.5));
        macro_rules! chains {
            ($($sum:ident)*) => {
                $(let mut $sum = half;)*
                for _ in 0..STEPS {
                    $($sum = simd.mul_add($sum, half, half);)*
                }
                black_box([$($sum),*]);
            };
        }
        chains!(a b c d e f g h i j k l);
        best = best.min(start.elapsed());
    }
    (2 * STEPS * CHAINS * S::LANES) as f64 / best.as_secs_f64() * 1e-9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_to_the_kernel_that_is_marked() {
        let clock = Clock::<2>::new();
        clock.start();
        std::thread::sleep(Duration::from_millis(2));
        clock.mark(1);
        let [first, second] = clock.take();
        assert!(first == 0 && second >= 2_000_000, "{first} {second}");
        assert_eq!(clock.take(), [0, 0]);
    }
}
