//! Threads that share the work of one inference.
//!
//! A pool belongs to the caller, who makes it once; running on it allocates nothing. Work is cut into items that own
//! what they write, so no result depends on which thread takes which item.

extern crate std;

use core::iter::Enumerate;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::vec::Vec;

use crate::simd::lent::JobSlot;

/// Threads that wait for work: the caller's and those it started.
pub struct Pool {
    slot: Arc<JobSlot>,
    helpers: Vec<Thread>,
    handles: Vec<JoinHandle<()>>,
}

impl Pool {
    /// `threads` threads, the caller's among them; fewer if the system refuses to start them.
    pub fn new(threads: usize) -> Self {
        let slot = Arc::new(JobSlot::default());
        let start = |_| {
            let slot = Arc::clone(&slot);
            thread::Builder::new().spawn(move || slot.serve()).ok()
        };
        let handles: Vec<JoinHandle<()>> = (1..threads).filter_map(start).collect();
        let helpers = handles.iter().map(|handle| handle.thread().clone()).collect();
        Self { slot, helpers, handles }
    }

    /// Does `work` for each item, with the item's number.
    pub fn each<T: Send>(
        &mut self,
        items: impl Iterator<Item = T> + Send,
        work: impl Fn(usize, T) + Sync,
    ) {
        let items = Mutex::new(items.enumerate());
        self.lend(&|| {
            while let Some((at, item)) = next(&items) {
                work(at, item);
            }
        });
    }

    /// Does `work` here and on every thread that comes before it ends.
    pub(crate) fn lend(&mut self, work: &(dyn Fn() + Sync)) {
        self.slot.lend(&self.helpers, work);
    }

    /// Runs items on as many threads as there are tools: each thread does all its items with one.
    pub fn each_with<T: Send, U: Send>(
        &mut self,
        items: impl Iterator<Item = T> + Send,
        tools: impl Iterator<Item = U> + Send,
        work: impl Fn(usize, T, &mut U) + Sync,
    ) {
        let (items, tools) = (Mutex::new(items.enumerate()), Mutex::new(tools.enumerate()));
        self.lend(&|| {
            let Some((_, mut tool)) = next(&tools) else { return };
            while let Some((at, item)) = next(&items) {
                work(at, item, &mut tool);
            }
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.slot.close(&self.helpers);
        for handle in self.handles.drain(..) {
            let _ = handle.join();
        }
    }
}

fn next<T>(items: &Mutex<Enumerate<impl Iterator<Item = T>>>) -> Option<(usize, T)> {
    items.lock().unwrap_or_else(PoisonError::into_inner).next()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::vec;

    use super::*;

    #[test]
    fn every_item_is_done_once() {
        for threads in [1, 2, 3] {
            let (mut pool, mut sums) = (Pool::new(threads), vec![0; 100]);
            let mut scratch = [0; 2];
            for _ in 0..50 {
                pool.each(sums.chunks_mut(7), |at, part| part.iter_mut().for_each(|x| *x += at));
                pool.each_with(sums.iter_mut(), scratch.iter_mut(), |_, x, tool| {
                    **tool += 1;
                    *x += 1;
                });
            }
            assert!(sums.iter().enumerate().all(|(at, x)| *x == 50 * (at / 7 + 1)));
            assert_eq!(scratch.iter().sum::<usize>(), 5_000);
        }
    }

    #[test]
    fn a_panic_on_any_thread_comes_back_to_the_caller() {
        let mut pool = Pool::new(2);
        let all = catch_unwind(AssertUnwindSafe(|| {
            pool.each(0..1_000, |at, _| assert!(at < 500, "half done"));
        }));
        assert!(all.is_err());
    }
}
