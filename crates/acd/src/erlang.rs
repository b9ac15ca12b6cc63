//! Waiting in a queue by formula: Erlang C (nobody gives up) and Erlang A (everybody has an
//! exponential patience).
//!
//! Callers come as a Poisson stream of λ a second, each takes a seat for an exponential time of
//! mean 1/µ, `n` seats serve them in the order of arrival; with patience, each who waits gives up
//! after an exponential time of mean 1/θ. The states are then a birth–death chain, and all figures
//! follow from two sums of positive terms, which lose no digits:
//!
//! - `E = Σ_{j<n} π_j ÷ π_n`, from Erlang B by `1/B(0) = 1`, `1/B(j) = 1 + (j/a) ÷ B(j−1)`, `a = λ/µ`
//!   (so `E = 1/B(n) − 1`);
//! - `Q = Σ_{k≥0} π_{n+k} ÷ π_n` with `π_{n+k} = π_{n+k−1} · λ ÷ (nµ + kθ)`.
//!
//! Both are scaled down together when they grow large, so that 2,000 seats or a twofold overload
//! overflow nothing. The share answered within `T` adds to those who find a seat the density of the
//! offered wait, `λ·exp(λH(x) − nµx) · e^{−θx}`, `H(x) = (1 − e^{−θx}) ÷ θ`, by Simpson's rule.
//!
//! Sources: A. K. Erlang (1917), *Solution of some problems in the theory of probabilities of
//! significance in automatic telephone exchanges*; C. Palm (1957), *Research on telephone traffic
//! carried by full availability groups*; O. Garnett, A. Mandelbaum, M. Reiman (2002), *Designing a
//! call center with impatient customers*; A. Mandelbaum, S. Zeltyn (2007), *Service engineering in
//! action: the Palm/Erlang-A queue*, whose M/M/n+G integrals `J` and `ε` are `Q ÷ nµ` and `E ÷ λ·µn`
//! here.

use core::time::Duration;

/// What comes, how long it takes, and how long people wait for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Calls a second, λ.
    pub calls_per_s: f64,
    /// Mean time a call takes a seat (ringing, talk, hold, wrap-up), seconds, 1/µ.
    pub handling_s: f64,
    /// Mean patience, seconds, 1/θ; `None`: nobody gives up.
    pub patience_s: Option<f64>,
}

/// What a load becomes of with so many seats, in the long run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waiting {
    /// Share of the calls that find no seat free.
    pub waits: f64,
    /// Share of the calls that give up.
    pub abandons: f64,
    /// Mean wait of all calls, those that give up until then, seconds.
    pub mean_wait_s: f64,
    /// Mean number of callers in line.
    pub in_line: f64,
    /// Share of the time that a seat is taken.
    pub occupancy: f64,
    within: Within,
}

/// What the share of answers within a time follows from.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Within {
    calls_per_s: f64,
    drain_per_s: f64,
    gives_up_per_s: f64,
    /// `waits · nµ ÷ Q` and the logarithm `Q` and `E` were scaled down by.
    density: f64,
    scaled_by: f64,
}

/// The sums are scaled down beyond this.
const LARGE: f64 = 1e200;

/// Terms smaller than this part of the sum are left out.
const NEGLIGIBLE: f64 = 1e-17;

/// Steps of Simpson's rule, a pair for each tenth of a second, within these bounds; even ones. The
/// error is below 10⁻⁹ of the share up to some 1,000 erlang.
const STEPS: (f64, f64) = (400.0, 100_000.0);

/// Most seats a search looks at. Beyond the largest hotline of a province.
pub const MOST_SEATS: u32 = 20_000;

impl Load {
    /// The traffic in erlang, a = λ ÷ µ: seats that would be busy if nobody gave up.
    pub fn erlangs(&self) -> f64 {
        self.calls_per_s * self.handling_s
    }

    /// The load at so many seats. `None` where there is no steady state or nothing to say: figures
    /// that are not positive and finite, or callers without end who never give up (a ≥ n, Erlang C).
    pub fn at(&self, seats: u32) -> Option<Waiting> {
        let sound = |x: f64| x.is_finite() && x > 0.0;
        if !sound(self.calls_per_s) || !sound(self.handling_s) {
            return None;
        }
        let gives_up = match self.patience_s {
            None => 0.0,
            Some(mean) if sound(mean) => 1.0 / mean,
            Some(_) => return None,
        };
        let drain = f64::from(seats) / self.handling_s;
        if gives_up == 0.0 && self.calls_per_s >= drain {
            return None;
        }
        Some(self.steady(seats, drain, gives_up))
    }

    fn steady(&self, seats: u32, drain: f64, gives_up: f64) -> Waiting {
        let (mut busy, scale) = self.fewer_busy(seats);
        let line = Line::of(self.calls_per_s, drain, gives_up, scale);
        busy *= line.shrunk;
        let all = busy + line.sum;
        let waits = line.sum / all;
        let in_line = line.weighted / all;
        let abandons = in_line * gives_up / self.calls_per_s;
        let served_per_s = self.calls_per_s * (1.0 - abandons);
        Waiting {
            waits,
            abandons,
            mean_wait_s: in_line / self.calls_per_s,
            in_line,
            occupancy: if seats == 0 {
                1.0
            } else {
                served_per_s / drain
            },
            within: Within {
                calls_per_s: self.calls_per_s,
                drain_per_s: drain,
                gives_up_per_s: gives_up,
                density: drain / all,
                scaled_by: line.scaled_by,
            },
        }
    }

    /// `Σ_{j<n} π_j ÷ π_n`, and the logarithm by which it was scaled down.
    fn fewer_busy(&self, seats: u32) -> (f64, f64) {
        let erlangs = self.erlangs();
        // `sum` is 1/B(j), `one` is the 1 of its recursion, both scaled.
        let (mut sum, mut one, mut scaled_by) = (1.0_f64, 1.0_f64, 0.0);
        for seat in 1..=seats {
            sum = one + sum * f64::from(seat) / erlangs;
            if sum > LARGE {
                (sum, one, scaled_by) = (sum / LARGE, one / LARGE, scaled_by + LARGE.ln());
            }
        }
        (sum - one, scaled_by)
    }

    /// The fewest seats at which `enough` holds; `None` when [`MOST_SEATS`] are not enough. `enough`
    /// must hold at every number above the fewest, as every wish of less waiting does.
    pub fn seats_for(&self, enough: impl Fn(&Waiting) -> bool) -> Option<u32> {
        let at = |seats| self.at(seats).is_some_and(|waiting| enough(&waiting));
        let (mut few, mut many) = (0, 1);
        while !at(many) {
            if many >= MOST_SEATS {
                return None;
            }
            (few, many) = (many, (many * 2).min(MOST_SEATS));
        }
        while many - few > 1 {
            let middle = few.midpoint(many);
            if at(middle) {
                many = middle;
            } else {
                few = middle;
            }
        }
        Some(if few == 0 && at(0) { 0 } else { many })
    }
}

impl Waiting {
    /// Share of all calls that are answered within this time (service level, abandons against it:
    /// K5c).
    pub fn answered_within(&self, time: Duration) -> f64 {
        let end = time.as_secs_f64();
        let pairs = (end * 10.0).ceil().clamp(STEPS.0 / 2.0, STEPS.1 / 2.0) as u32;
        let steps = 2 * pairs;
        let step = end / f64::from(steps);
        let weight = |at: u32| match at {
            odd if odd % 2 == 1 => 4.0,
            at if at == 0 || at == steps => 1.0,
            _ => 2.0,
        };
        let sum: f64 = (0..=steps)
            .map(|at| weight(at) * self.within.density_at(f64::from(at) * step))
            .sum();
        (1.0 - self.waits + sum * step / 3.0).clamp(0.0, 1.0)
    }

    /// Share of all calls that are answered.
    pub fn answered(&self) -> f64 {
        1.0 - self.abandons
    }
}

impl Within {
    /// Density of those who are answered after waiting for `wait` seconds.
    fn density_at(&self, wait: f64) -> f64 {
        let theta = self.gives_up_per_s;
        // H(x); for a θ of nothing its limit x.
        let patience = if theta == 0.0 {
            wait
        } else {
            -(-theta * wait).exp_m1() / theta
        };
        let exponent = self.calls_per_s * patience - self.drain_per_s * wait - theta * wait;
        // `density` holds nµ ÷ (E + Q), both scaled; with Q's first term 1 the density of the
        // offered wait at 0 is π_n·nµ.
        self.density * (exponent - self.scaled_by).exp()
    }
}

/// The states in which somebody stands in line, or the last seat was taken.
struct Line {
    /// `Q`, scaled.
    sum: f64,
    /// `Σ k·π_{n+k} ÷ π_n`, scaled.
    weighted: f64,
    /// What `E` has to be multiplied by to have the same scale.
    shrunk: f64,
    scaled_by: f64,
}

impl Line {
    /// The first term is 1, scaled down as `E` was.
    fn of(calls: f64, drain: f64, gives_up: f64, scaled_by: f64) -> Self {
        let mut term = (-scaled_by).exp();
        let mut line = Self {
            sum: term,
            weighted: 0.0,
            shrunk: 1.0,
            scaled_by,
        };
        if gives_up == 0.0 {
            let load = calls / drain;
            line.sum = term / (1.0 - load);
            line.weighted = term * load / (1.0 - load).powi(2);
            return line;
        }
        let mut place = 0.0_f64;
        loop {
            place += 1.0;
            let ratio = calls / (drain + place * gives_up);
            term *= ratio;
            line.sum += term;
            line.weighted += place * term;
            if ratio < 1.0 && place * term <= NEGLIGIBLE * line.weighted {
                return line;
            }
            if line.weighted > LARGE {
                for scaled in [
                    &mut term,
                    &mut line.sum,
                    &mut line.weighted,
                    &mut line.shrunk,
                ] {
                    *scaled /= LARGE;
                }
                line.scaled_by += LARGE.ln();
            }
        }
    }
}

/// Erlang B: the share of calls that find `lines` lines taken when nobody waits or tries again.
/// `None` for a traffic that is not positive and finite.
pub fn blocked(erlangs: f64, lines: u32) -> Option<f64> {
    (erlangs.is_finite() && erlangs > 0.0).then(|| {
        (1..=lines).fold(1.0, |blocked, line| {
            erlangs * blocked / (f64::from(line) + erlangs * blocked)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, known: f64, off: f64) {
        assert!((found - known).abs() <= off, "{found}, known {known}");
    }

    fn load(erlangs: f64, patience: Option<f64>) -> Load {
        Load {
            calls_per_s: erlangs / 180.0,
            handling_s: 180.0,
            patience_s: patience.map(|share| share * 180.0),
        }
    }

    /// M/M/n+M by the whole chain, summed from its first state in the plain way.
    fn naive(load: Load, seats: u32) -> (f64, f64, f64) {
        let (mu, theta) = (1.0 / load.handling_s, 1.0 / load.patience_s.unwrap());
        let mut pi = vec![1.0];
        for state in 1..4_000_u32 {
            let served = f64::from(state.min(seats)) * mu;
            let lost = f64::from(state.saturating_sub(seats)) * theta;
            pi.push(pi[state as usize - 1] * load.calls_per_s / (served + lost));
        }
        let all: f64 = pi.iter().sum();
        let waits: f64 = pi[seats as usize..].iter().sum();
        let line = pi.iter().enumerate().skip(seats as usize);
        let line: f64 = line.map(|(n, p)| (n as f64 - f64::from(seats)) * p).sum();
        let per_call = line / all / load.calls_per_s;
        (waits / all, per_call * theta, per_call)
    }

    #[test]
    fn erlang_b_agrees_with_the_tables() {
        // ITU-D Study Group 2, Teletraffic Engineering Handbook, table of Erlang's B-formula:
        // traffic at 1 % and 0.1 % blocking.
        for (lines, erlangs, share) in [
            (1, 0.0101, 0.01),
            (10, 4.461, 0.01),
            (20, 12.03, 0.01),
            (50, 37.90, 0.01),
            (100, 84.06, 0.01),
            (10, 3.092, 0.001),
            (100, 75.24, 0.001),
        ] {
            close(blocked(erlangs, lines).unwrap(), share, share * 0.004);
        }
        assert_eq!(blocked(3.0, 0), Some(1.0));
        assert_eq!(blocked(f64::NAN, 3), None);
    }

    #[test]
    fn erlang_c_agrees_with_known_values() {
        // a = n·ρ; closed forms for one and two seats: ρ and 2ρ² ÷ (1 + ρ).
        for rho in [0.1, 0.5, 0.9, 0.99] {
            close(load(rho, None).at(1).unwrap().waits, rho, 1e-12);
            let two = 2.0 * rho * rho / (1.0 + rho);
            close(load(2.0 * rho, None).at(2).unwrap().waits, two, 1e-12);
        }
        // The text-book case: 100 calls in half an hour of 180 s each, 10 erlang. 11 to 14 seats:
        // 68.21, 44.94, 28.53, 17.41 % wait; 14 seats answer 88.83 % in 20 s.
        for (seats, waits) in [(11, 0.6821), (12, 0.4494), (13, 0.2853), (14, 0.1741)] {
            close(load(10.0, None).at(seats).unwrap().waits, waits, 6e-5);
        }
        let fourteen = load(10.0, None).at(14).unwrap();
        let within = fourteen.answered_within(Duration::from_secs(20));
        close(within, 0.8884, 6e-5);
        close(fourteen.mean_wait_s, 0.1741 * 180.0 / 4.0, 5e-3);
        assert_eq!(load(10.0, None).at(10), None, "no steady state");
    }

    #[test]
    fn the_share_in_time_of_erlang_c_is_its_closed_form() {
        let load = load(95.0, None);
        let at = load.at(100).unwrap();
        for time in [0, 5, 15, 60, 600] {
            let decays = (-(100.0 - 95.0) * f64::from(time) / 180.0).exp();
            let known = 1.0 - at.waits * decays;
            close(
                at.answered_within(Duration::from_secs(time as u64)),
                known,
                1e-9,
            );
        }
    }

    #[test]
    fn erlang_a_agrees_with_the_whole_chain() {
        for (erlangs, seats) in [(0.3, 1), (5.0, 3), (10.0, 10), (40.0, 44), (150.0, 100)] {
            for patience in [0.05, 0.5, 1.0, 4.0] {
                let load = load(erlangs, Some(patience));
                let found = load.at(seats).unwrap();
                let (waits, abandons, wait) = naive(load, seats);
                close(found.waits, waits, 1e-9);
                close(found.abandons, abandons, 1e-9);
                close(found.mean_wait_s, wait, 1e-6);
            }
        }
    }

    #[test]
    fn patience_as_long_as_a_talk_is_the_infinite_server() {
        // θ = µ: every state n leaves at nµ, a Poisson number of mean a is in the house.
        let found = load(12.0, Some(1.0)).at(12).unwrap();
        let mut term = (-12.0_f64).exp();
        let mut below = 0.0;
        for state in 1..=12 {
            below += term;
            term *= 12.0 / f64::from(state);
        }
        close(found.waits, 1.0 - below, 1e-12);
    }

    #[test]
    fn everybody_who_is_answered_is_answered_at_some_time() {
        for (erlangs, seats) in [(8.0, 10), (10.0, 10), (20.0, 10), (300.0, 280)] {
            let found = load(erlangs, Some(0.3)).at(seats).unwrap();
            let in_the_end = found.answered_within(Duration::from_secs(1_800));
            close(in_the_end, found.answered(), 1e-6);
            close(
                found.answered_within(Duration::ZERO),
                1.0 - found.waits,
                1e-12,
            );
        }
    }

    #[test]
    fn nothing_overflows() {
        // 5,000 erlang on 2,000 seats with ten minutes of patience; the fluid limit is the truth
        // there: who cannot be served gives up.
        let overload = Load {
            calls_per_s: 25.0,
            handling_s: 200.0,
            patience_s: Some(600.0),
        };
        let found = overload.at(2_000).unwrap();
        close(found.abandons, 0.6, 1e-6);
        close(found.occupancy, 1.0, 1e-6);
        close(found.waits, 1.0, 1e-6);
        close(found.answered_within(Duration::from_secs(15)), 0.0, 1e-6);
        let idle = overload.at(MOST_SEATS).unwrap();
        close(idle.waits, 0.0, 1e-12);
        close(idle.answered_within(Duration::from_secs(15)), 1.0, 1e-12);
        let nobody = overload.at(0).unwrap();
        close(nobody.abandons, 1.0, 1e-9);
    }

    #[test]
    fn the_fewest_seats_are_found() {
        let load = load(10.0, Some(0.5));
        let enough = |waiting: &Waiting| waiting.answered() >= 0.95;
        let seats = load.seats_for(enough).unwrap();
        assert!(enough(&load.at(seats).unwrap()));
        assert!(!enough(&load.at(seats - 1).unwrap()));
        assert_eq!(load.seats_for(|_| false), None);
        assert_eq!(load.seats_for(|_| true), Some(0));
    }
}
