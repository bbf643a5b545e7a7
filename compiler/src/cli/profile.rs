//! The table of `mnv2c bench --profile`: each kernel's time, rate and share of the core's peak.

use mnv2c::emit::Probe;
use serde_json::{Value, json};

/// The times that a program measured of its kernels.
pub(crate) struct Profile<'a> {
    /// Each kernel with its least time in nanoseconds.
    kernels: Vec<(&'a Probe, u64)>,
    /// GFLOP/s that one core can do.
    peak: f64,
}

impl<'a> Profile<'a> {
    /// Joins kernels with what the program printed, if it measured them.
    pub(crate) fn of(probes: &'a [Probe], times: &Value) -> Option<Self> {
        let nanos = times["kernel_ns"].as_array()?.iter().map(|time| time.as_u64().unwrap_or(0));
        let kernels = probes.iter().zip(nanos).collect();
        Some(Self { kernels, peak: times["fma_peak"].as_f64().unwrap_or(f64::NAN) })
    }

    /// A line a kernel, and one for all.
    pub(crate) fn table(&self) -> String {
        let head = format!(
            "{:24} {:10} {:>5} {:>9} {:>8} {:>6}",
            "step", "kernel", "tile", "us", "GFLOP/s", "peak"
        );
        let line = |(probe, nanos): &(&Probe, u64)| {
            self.line(&probe.step, probe.kernel, &probe.tile, probe.madds, *nanos)
        };
        let (madds, nanos) = self
            .kernels
            .iter()
            .fold((0, 0), |(madds, nanos), (probe, time)| (madds + probe.madds, nanos + time));
        let all = self.line("all", "", "", madds, nanos);
        [head]
            .into_iter()
            .chain(self.kernels.iter().map(line))
            .chain([all])
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// This profile as JSON.
    pub(crate) fn as_json(&self) -> Value {
        let kernel = |(probe, nanos): &(&Probe, u64)| {
            json!({
                "step": probe.step,
                "kernel": probe.kernel,
                "tile": probe.tile,
                "madds": probe.madds,
                "us": *nanos as f64 / 1e3,
            })
        };
        self.kernels.iter().map(kernel).collect()
    }

    fn line(&self, step: &str, kernel: &str, tile: &str, madds: u64, nanos: u64) -> String {
        let start = format!("{step:24} {kernel:10} {tile:>5} {:9.1}", nanos as f64 / 1e3);
        if madds == 0 {
            return start;
        }
        let rate = 2.0 * madds as f64 / nanos.max(1) as f64;
        format!("{start} {rate:8.1} {:4.0} %", rate / self.peak * 100.0)
    }
}
