//! How much new work may begin: the occupancy algorithm (RFC 6357 §5.2's rate of acceptance,
//! steered by how busy the loop was).

/// Share of the time the loop may be busy, in thousandths. What is above it waits in the socket
/// and makes each call slower, so new work is thinned out before.
const TARGET: u32 = 850;

/// Smallest share of the new work that is taken, in thousandths: a little always, so that the
/// engine notices when the load is over.
const LEAST: u32 = 20;

/// How fast acceptance recovers in one measure: by half at most. Faster swings.
const RISE: u32 = 1_500;

/// Who asks for new work, those whose work is taken first being first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// A carrier's line.
    Trunk,
    /// A seat's phone that has proved itself.
    Seat,
    /// Anybody else.
    Stranger,
}

impl Class {
    const fn index(self) -> usize {
        match self {
            Self::Trunk => 0,
            Self::Seat => 1,
            Self::Stranger => 2,
        }
    }
}

/// Thins new work out, strangers first, trunks last.
#[derive(Debug)]
pub struct Occupancy {
    /// Share of all new work that is taken, in thousandths.
    taken: u32,
    /// The same for each class.
    shares: [u32; 3],
    /// What came since the last measure, and what is owed to whom, in thousandths.
    offered: [u32; 3],
    credit: [u32; 3],
}

impl Default for Occupancy {
    fn default() -> Self {
        Self {
            taken: 1_000,
            shares: [1_000; 3],
            offered: [0; 3],
            credit: [0; 3],
        }
    }
}

impl Occupancy {
    /// The loop was busy for so many thousandths of the time since the last measure.
    pub fn measured(&mut self, busy: u32) {
        let busy = busy.clamp(1, 1_000);
        let factor = (TARGET * 1_000 / busy).min(RISE);
        self.taken = (u64::from(self.taken) * u64::from(factor) / 1_000)
            .clamp(u64::from(LEAST), 1_000) as u32;
        let all: u64 = self.offered.iter().map(|&n| u64::from(n)).sum();
        // In thousandths of a request, so that little traffic is not rounded away.
        let mut budget = all * u64::from(self.taken);
        for (share, offered) in self.shares.iter_mut().zip(self.offered) {
            let wants = u64::from(offered) * 1_000;
            let gets = wants.min(budget);
            budget -= gets;
            // A class that was silent is taken as all are.
            *share = (gets * 1_000)
                .checked_div(wants)
                .map_or(self.taken, |share| share as u32);
        }
        self.offered = [0; 3];
    }

    /// Whether new work is being thinned out.
    pub const fn is_thinning(&self) -> bool {
        self.taken < 1_000
    }

    /// Somebody asks for new work: whether it is taken. Spread evenly, without chance.
    pub fn takes(&mut self, class: Class) -> bool {
        let at = class.index();
        let (Some(offered), Some(credit), Some(&share)) = (
            self.offered.get_mut(at),
            self.credit.get_mut(at),
            self.shares.get(at),
        ) else {
            return true;
        };
        *offered = offered.saturating_add(1);
        *credit += share;
        let taken = *credit >= 1_000;
        if taken {
            *credit -= 1_000;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A loop that can serve `capacity` new calls in a measure, met by trunks and strangers.
    /// Gives who was served in the last measure.
    fn run(capacity: u32, trunks: u32, strangers: u32, measures: u32) -> (u32, u32) {
        let mut occupancy = Occupancy::default();
        let mut last = (0, 0);
        for _ in 0..measures {
            last = (0, 0);
            for _ in 0..trunks {
                last.0 += u32::from(occupancy.takes(Class::Trunk));
            }
            for _ in 0..strangers {
                last.1 += u32::from(occupancy.takes(Class::Stranger));
            }
            occupancy.measured((last.0 + last.1) * 1_000 / capacity);
        }
        last
    }

    #[test]
    fn without_need_everybody_is_taken() {
        assert_eq!(run(1_000, 400, 300, 50), (400, 300));
    }

    #[test]
    fn strangers_go_first() {
        let (trunks, strangers) = run(1_000, 700, 5_000, 50);
        assert_eq!(trunks, 700);
        assert!((50..=250).contains(&strangers), "{strangers}");
    }

    #[test]
    fn ten_times_the_capacity_is_thinned_to_the_target() {
        let (trunks, _) = run(1_000, 10_000, 0, 50);
        assert!((700..=950).contains(&trunks), "{trunks}");
    }

    #[test]
    fn what_was_refused_is_taken_again_within_a_few_measures() {
        let mut occupancy = Occupancy::default();
        for _ in 0..100 {
            occupancy.takes(Class::Trunk);
            occupancy.measured(1_000);
        }
        assert!(occupancy.is_thinning());
        let mut measures = 0;
        while occupancy.is_thinning() {
            occupancy.measured(100);
            measures += 1;
        }
        assert!(measures <= 12, "{measures}");
    }
}
