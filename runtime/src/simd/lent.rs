//! A closure lent to other threads, which give it back before the lender goes on.

extern crate std;

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

/// Looks at a number that another thread changes before the waiting one lets others run.
const SPINS: u32 = 20_000;

/// The slot in which one thread leaves a closure and others find it.
#[derive(Default)]
pub(crate) struct JobSlot {
    work: Mutex<Option<Lent>>,
    /// Counts closures: a new number says that one is there.
    turn: AtomicU32,
    /// Threads that have taken the closure and not given it back. It grows under the lock of `work` only.
    busy: AtomicUsize,
    failed: AtomicBool,
    closed: AtomicBool,
}

/// A borrowed closure without its lifetime.
#[derive(Clone, Copy)]
struct Lent(*const (dyn Fn() + Sync));

// SAFETY: what it points at may be called from any thread.
unsafe impl Send for Lent {}

impl JobSlot {
    /// Runs `work` here and on those of `helpers` that come before it ends; returns when all are done.
    ///
    /// # Panics
    /// If `work` did, on any thread.
    pub(crate) fn lend(&self, helpers: &[Thread], work: &(dyn Fn() + Sync)) {
        let lent: *const (dyn Fn() + Sync + '_) = work;
        // SAFETY: only the lifetime differs; `Lease` waits until no thread holds the closure, even if `work` panics.
        let lent = unsafe {
            core::mem::transmute::<*const (dyn Fn() + Sync + '_), *const (dyn Fn() + Sync)>(lent)
        };
        *self.locked() = Some(Lent(lent));
        let lease = Lease(self);
        self.turn.fetch_add(1, Release);
        helpers.iter().for_each(Thread::unpark);
        work();
        drop(lease);
        assert!(!self.failed.load(Relaxed), "a kernel panicked on another thread");
    }

    /// Runs what is lent, until the slot is closed: spins a while for the next closure, then sleeps.
    pub(crate) fn serve(&self) {
        let mut seen = 0;
        while let Some(turn) = self.next(seen) {
            seen = turn;
            let Some(Lent(work)) = self.take() else { continue };
            // SAFETY: the lender keeps the closure until `busy` counts this thread off.
            let outcome = catch_unwind(AssertUnwindSafe(|| unsafe { (*work)() }));
            if outcome.is_err() {
                self.failed.store(true, Relaxed);
            }
            self.busy.fetch_sub(1, Release);
        }
    }

    /// Ends all threads that serve.
    pub(crate) fn close(&self, helpers: &[Thread]) {
        self.closed.store(true, Release);
        helpers.iter().for_each(Thread::unpark);
    }

    /// The turn after `seen`, or nothing when the slot is closed.
    fn next(&self, seen: u32) -> Option<u32> {
        let mut spins = 0;
        loop {
            let turn = self.turn.load(Acquire);
            if self.closed.load(Acquire) {
                return None;
            }
            if turn != seen {
                return Some(turn);
            }
            spins += 1;
            if spins < SPINS {
                core::hint::spin_loop();
            } else {
                thread::park();
            }
        }
    }

    /// The lent closure, if it is not over: this thread is counted as busy with it.
    fn take(&self) -> Option<Lent> {
        let work = self.locked();
        if work.is_some() {
            self.busy.fetch_add(1, Relaxed);
        }
        *work
    }

    fn locked(&self) -> MutexGuard<'_, Option<Lent>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends when every thread that took the closure has given it back; none takes it after that.
struct Lease<'a>(&'a JobSlot);

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        *self.0.locked() = None;
        let mut spins = 0;
        while self.0.busy.load(Acquire) > 0 {
            spins += 1;
            if spins < SPINS {
                core::hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
    }
}
