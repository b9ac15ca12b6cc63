//! What is measured: processor time, and how times spread.

use std::time::{Duration, Instant};

use crate::Outcome;

/// The middle of some values, which are sorted thereby.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Time this process was on a CPU, all its threads together.
fn cpu() -> Outcome<Duration> {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let line = std::fs::read_to_string(task?.path().join("schedstat"))?;
        let on_cpu = line.split_whitespace().next().ok_or("empty schedstat")?;
        nanoseconds += on_cpu.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Memory of this process that lies in RAM, KiB.
pub fn memory() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no VmRSS")?.parse()?)
}

/// CPU of this process from now on.
pub struct Meter {
    began: Instant,
    before: Duration,
}

impl Meter {
    pub fn start() -> Outcome<Self> {
        Ok(Self {
            began: Instant::now(),
            before: cpu()?,
        })
    }

    /// Microseconds of CPU for each of `count` things and each second.
    pub fn per_second(&self, count: usize) -> Outcome<f64> {
        let used = cpu()?.saturating_sub(self.before);
        Ok(used.as_secs_f64() * 1e6 / self.began.elapsed().as_secs_f64() / count as f64)
    }
}

/// Width of a histogram's bar, nanoseconds, and their number: 400 ms.
const BAR_NS: u64 = 10_000;
const BARS: usize = 40_000;

/// How times spread, in steps of 10 µs.
pub struct Histogram {
    bars: Vec<u32>,
    count: u64,
    most_ns: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Self {
            bars: vec![0; BARS],
            count: 0,
            most_ns: 0,
        }
    }

    pub fn add(&mut self, nanoseconds: u64) {
        let bar = (nanoseconds / BAR_NS).min(BARS as u64 - 1) as usize;
        if let Some(bar) = self.bars.get_mut(bar) {
            *bar += 1;
        }
        self.count += 1;
        self.most_ns = self.most_ns.max(nanoseconds);
    }

    /// Milliseconds within which this share lies.
    fn quantile(&self, share: f64) -> f64 {
        let rank = (self.count as f64 * share) as u64;
        let mut passed = 0;
        for (bar, &count) in self.bars.iter().enumerate() {
            passed += u64::from(count);
            if passed > rank {
                return (bar as u64 * BAR_NS) as f64 / 1e6;
            }
        }
        self.most_ns as f64 / 1e6
    }

    pub fn spread(&self) -> Spread {
        Spread([
            self.quantile(0.5),
            self.quantile(0.99),
            self.quantile(0.999),
            self.most_ns as f64 / 1e6,
        ])
    }
}

/// The middle, the 99th and 99.9th of 100, and the most, milliseconds.
#[derive(Clone, Copy, Default)]
pub struct Spread(pub [f64; 4]);

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [p50, p99, p999, most] = self.0;
        write!(f, "{p50:.2} / {p99:.2} / {p999:.2} / {most:.1}")
    }
}
