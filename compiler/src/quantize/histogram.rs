//! Histograms of a tensor's magnitudes, and the range that an observer derives from one.

use std::str::FromStr;

use crate::error::Error;

/// Bins over `[-reach, reach)`.
const BINS: usize = 4096;

/// The greatest part of all values that [`Observer::Entropy`] cuts off.
const MOST_CUT: f64 = 1e-3;

/// The observer: derivation of ranges from observed values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Observer {
    /// From the least value to the greatest.
    MinMax,
    /// Without the given share of values, half of it at each end.
    Percentile(f64),
    /// The range whose 256 steps tell most of the distribution.
    Entropy,
}

/// Counts of values.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    reach: f32,
    least: f32,
    most: f32,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BINS], reach: f32::MIN_POSITIVE, least: 0.0, most: 0.0 }
    }
}

impl Histogram {
    /// Counts `values`; what is not finite is left out.
    pub fn add(&mut self, values: &[f32]) {
        let finite = || values.iter().copied().filter(|x| x.is_finite());
        let (least, most) = finite().fold((0f32, 0f32), |(lo, hi), x| (lo.min(x), hi.max(x)));
        self.widen(least, most);
        // A float holds no number of steps in the least reach.
        let per_step = BINS as f64 / 2.0 / f64::from(self.reach);
        for x in finite() {
            let bin = (f64::from(x) * per_step) as i32 + (BINS / 2) as i32 - i32::from(x < 0.0);
            self.counts[(bin.max(0) as usize).min(BINS - 1)] += 1;
        }
    }

    /// Counts what `other` counted.
    pub fn merge(&mut self, mut other: Self) {
        self.widen(other.least, other.most);
        other.widen(self.least, self.most);
        self.counts.iter_mut().zip(other.counts).for_each(|(a, b)| *a += b);
    }

    /// The range that `observer` makes of the counts; it holds zero.
    pub fn range(&self, observer: Observer) -> (f32, f32) {
        match observer {
            Observer::MinMax => (self.least, self.most),
            Observer::Percentile(share) => self.without(share),
            Observer::Entropy => self.most_telling(),
        }
    }

    /// The part of all values that lies outside of `lo..hi`, to within a bin.
    pub fn outside(&self, lo: f32, hi: f32) -> f64 {
        let all: u64 = self.counts.iter().sum();
        let beyond = |(bin, _): &(usize, &u64)| {
            let (from, to) = (self.edge(*bin), self.edge(bin + 1));
            (from >= hi && hi < self.most) || (to <= lo && lo > self.least)
        };
        let outside: u64 =
            self.counts.iter().enumerate().filter(beyond).map(|(_, count)| count).sum();
        outside as f64 / all.max(1) as f64
    }

    /// Makes room for values from `least` to `most`: a reach is a power of two, so bins merge in pairs.
    fn widen(&mut self, least: f32, most: f32) {
        (self.least, self.most) = (self.least.min(least), self.most.max(most));
        let needed = self.most.max(-self.least);
        if self.counts.iter().all(|count| *count == 0) {
            while self.reach <= needed && self.reach < f32::MAX / 2.0 {
                self.reach *= 2.0;
            }
        }
        while self.reach <= needed && self.reach < f32::MAX / 2.0 {
            let mut merged = vec![0; BINS];
            self.counts
                .iter()
                .enumerate()
                .for_each(|(bin, count)| merged[BINS / 4 + bin / 2] += count);
            (self.counts, self.reach) = (merged, self.reach * 2.0);
        }
    }

    /// The lower edge of `bin`.
    fn edge(&self, bin: usize) -> f32 {
        (bin as f32 - (BINS / 2) as f32) * (2.0 * self.reach / BINS as f32)
    }

    fn without(&self, share: f64) -> (f32, f32) {
        let all: u64 = self.counts.iter().sum();
        let spare = (all as f64 * share / 2.0) as u64;
        let mut passed = [0; 2];
        let mut is_past = |end: usize, bin: usize| {
            passed[end] += self.counts[bin];
            passed[end] > spare
        };
        let lo = (0..BINS).find(|bin| is_past(0, *bin)).map_or(self.least, |bin| self.edge(bin));
        let hi = (0..BINS).rev().find(|bin| is_past(1, *bin));
        let hi = hi.map_or(self.most, |bin| self.edge(bin + 1));
        (lo.max(self.least).min(0.0), hi.min(self.most).max(0.0))
    }

    /// Of ranges cut at both ends in proportion, the one whose steps lose least: by the divergence of Kullback and
    /// Leibler between the counts, cut and with the tails at the ends, and their averages over steps. The divergence knows
    /// nothing of distances, so a range that cuts off more than a few values is no candidate.
    fn most_telling(&self) -> (f32, f32) {
        let cuts_little =
            |part: &f32| self.outside(self.least * part, self.most * part) <= MOST_CUT;
        let candidates = (32..=128).map(|part| part as f32 / 128.0).filter(cuts_little);
        let loss = |part: &f32| self.divergence(self.least * part, self.most * part);
        let scored = candidates.map(|part| (loss(&part), part));
        let best = scored.min_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let part = best.map_or(1.0, |(_, part)| part);
        (self.least * part, self.most * part)
    }

    fn divergence(&self, lo: f32, hi: f32) -> f64 {
        let inside = |bin: &usize| self.edge(bin + 1) > lo && self.edge(*bin) < hi;
        let bins: Vec<usize> = (0..BINS).filter(inside).collect();
        let (Some(first), Some(last)) = (bins.first(), bins.last()) else { return f64::INFINITY };
        // Zero has a byte of its own, so nothing is lost of it, however many there are.
        let count = |bin: &usize| if *bin == BINS / 2 { 0 } else { self.counts[*bin] };
        let mut counts: Vec<u64> = bins.iter().map(count).collect();
        let own = counts.clone();
        counts[0] += self.counts[..*first].iter().sum::<u64>();
        let end = counts.len() - 1;
        counts[end] += self.counts[last + 1..].iter().sum::<u64>();
        let all = counts.iter().sum::<u64>() as f64;
        let own_all = own.iter().sum::<u64>().max(1) as f64;
        let mut loss = 0.0;
        let steps = own.len().min(256);
        for step in 0..steps {
            let range = step * own.len() / steps..(step + 1) * own.len() / steps;
            let filled = own[range.clone()].iter().filter(|count| **count > 0).count().max(1);
            let mean = own[range.clone()].iter().sum::<u64>() as f64 / filled as f64 / own_all;
            for bin in range {
                if counts[bin] > 0 {
                    let p = counts[bin] as f64 / all;
                    let q = if own[bin] > 0 { mean } else { 1e-9 };
                    loss += p * (p / q.max(1e-9)).ln();
                }
            }
        }
        loss
    }
}

impl FromStr for Observer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "minmax" => Ok(Self::MinMax),
            "percentile" => Ok(Self::Percentile(1e-4)),
            "entropy" => Ok(Self::Entropy),
            _ => Err(Error::Spec(format!(
                "unknown observer {text:?}; use minmax, percentile or entropy"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> Histogram {
        let mut histogram = Histogram::default();
        histogram.add(values);
        histogram
    }

    #[test]
    fn ranges_hold_zero() {
        assert_eq!(of(&[2.0, 3.0]).range(Observer::MinMax), (0.0, 3.0));
        assert_eq!(of(&[-2.0, f32::NAN]).range(Observer::MinMax), (-2.0, 0.0));
    }

    #[test]
    fn values_below_the_least_normal_float_are_counted() {
        let histogram = of(&[0.0, 1e-39, -1e-39, 1e-45]);
        assert_eq!(histogram.counts.iter().sum::<u64>(), 4);
        assert_eq!(histogram.range(Observer::MinMax), (-1e-39, 1e-39));
    }

    #[test]
    fn counts_in_parts_are_counts_of_all() {
        let values: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.37).sin() * (i as f32)).collect();
        let whole = of(&values);
        let mut parts = of(&values[..10]);
        parts.merge(of(&values[10..500]));
        parts.merge(of(&values[500..]));
        assert_eq!(parts.counts, whole.counts);
        for observer in [Observer::MinMax, Observer::Percentile(0.1), Observer::Entropy] {
            assert_eq!(parts.range(observer), whole.range(observer));
        }
    }

    #[test]
    fn outliers_are_cut_off_by_percentile_and_entropy() {
        let mut values: Vec<f32> = (0..100_000).map(|i| (i % 1000) as f32 / 1000.0).collect();
        values.push(100.0);
        let histogram = of(&values);
        assert_eq!(histogram.range(Observer::MinMax), (0.0, 100.0));
        let (lo, hi) = histogram.range(Observer::Percentile(1e-4));
        assert!(lo == 0.0 && (1.0..1.1).contains(&hi), "{lo} {hi}");
        assert!(histogram.range(Observer::Entropy).1 < 60.0);
        let outside = histogram.outside(lo, hi);
        assert!(outside > 0.0 && outside < 2e-5, "{outside}");
    }

    #[test]
    fn a_plain_distribution_keeps_its_range() {
        let values: Vec<f32> = (0..10_000).map(|i| i as f32 / 10_000.0 - 0.25).collect();
        let (lo, hi) = of(&values).range(Observer::Entropy);
        assert!(lo < -0.24 && hi > 0.74, "{lo} {hi}");
    }
}
