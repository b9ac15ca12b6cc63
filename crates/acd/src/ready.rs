//! The seats of a queue that would take a call at once, in the order in which they are chosen.

use core::ops::Bound;
use std::collections::BTreeSet;

use crate::{
    load::Load,
    roster::{At as _, SeatAt},
    settings::Choice,
};

/// What a seat's choice goes by, fixed while it stands ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The number of the turn in which it became idle: grows with time and has no ties.
    pub(crate) turn: u64,
    /// Calls answered since it signed in.
    pub(crate) calls: u32,
    pub(crate) load: Load,
    pub(crate) weight: u32,
    /// Its place in the settings' list.
    pub(crate) place: u32,
}

/// The key of a ready seat, lowest first.
type Rank = (u64, u64, SeatAt);

impl Standing {
    /// `level` is how skilled the seat is for the queue.
    fn rank(&self, choice: Choice, level: u32, seat: SeatAt) -> Rank {
        match choice {
            Choice::LongestIdle => (0, self.turn, seat),
            Choice::LeastOccupied => (self.load.rank(), self.turn, seat),
            Choice::FewestCalls => (u64::from(self.calls), self.turn, seat),
            Choice::MostSkilled => (u64::from(u32::MAX - level), self.turn, seat),
            Choice::RoundRobin | Choice::FixedOrder => (0, self.place.into(), seat),
            Choice::WeightedRandom => (0, 0, seat),
        }
    }
}

/// Who stood ahead of the chosen seat and did not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PassedOver {
    Nobody,
    /// So many seats that come first and declined the call.
    Decliners(usize),
    /// Every ready seat declined it; the chosen one, too.
    All,
}

/// What a queue remembers between two choices.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// The seat rung last, with its place in the settings' list.
    last: Option<(u32, SeatAt)>,
    /// SplitMix64.
    dice: u64,
}

impl Memory {
    pub(crate) fn new(seed: u64) -> Self {
        let (last, dice) = (None, seed);
        Self { last, dice }
    }

    /// Another seed begins anew; the same one goes on.
    pub(crate) fn reseed(&mut self, before: u64, seed: u64) {
        if before != seed {
            self.dice = seed;
        }
    }

    /// The seat of this place is rung for the queue.
    pub(crate) fn rang(&mut self, place: u32, seat: SeatAt) {
        self.last = Some((place, seat));
    }

    /// Seats have other places now.
    pub(crate) fn reorder(&mut self, place: impl Fn(SeatAt) -> u32) {
        self.last = self.last.map(|(_, seat)| (place(seat), seat));
    }

    fn below(&mut self, n: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // The high half of the product: even to one part in 2^64 ÷ n.
        ((u128::from(z ^ (z >> 31)) * u128::from(n)) >> 64) as u64
    }
}

/// The ready seats of one ring of a queue.
#[derive(Debug)]
pub(crate) struct Ready {
    choice: Choice,
    order: BTreeSet<Rank>,
    /// Filled only where seats are drawn.
    weights: Weights,
}

impl Ready {
    /// Of a roster of so many seats.
    pub(crate) fn new(choice: Choice, seats: usize) -> Self {
        let drawn = choice == Choice::WeightedRandom;
        Self {
            choice,
            order: BTreeSet::new(),
            weights: Weights::new(if drawn { seats } else { 0 }),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(crate) fn insert(&mut self, seat: SeatAt, standing: &Standing, level: u32) {
        self.order.insert(standing.rank(self.choice, level, seat));
        self.weights.set(seat, standing.weight.max(1));
    }

    pub(crate) fn remove(&mut self, seat: SeatAt, standing: &Standing, level: u32) {
        self.order.remove(&standing.rank(self.choice, level, seat));
        self.weights.set(seat, 0);
    }

    /// Whether exactly these seats stand here, each as it should.
    pub(crate) fn holds(&self, all: impl Iterator<Item = (SeatAt, Standing, u32)>) -> bool {
        let mut weight = 0;
        let ranks = all.map(|(seat, standing, level)| {
            weight += u64::from(standing.weight.max(1));
            standing.rank(self.choice, level, seat)
        });
        let same = ranks.collect::<BTreeSet<_>>() == self.order;
        same && (self.choice != Choice::WeightedRandom || self.weights.sum() == weight)
    }

    /// The seat whose turn it is, of those that did not decline the call, with how many that did
    /// came before it.
    pub(crate) fn willing(
        &mut self,
        declined_by: &[SeatAt],
        memory: &mut Memory,
    ) -> Option<(SeatAt, usize)> {
        match self.choice {
            Choice::WeightedRandom => self.draw(declined_by, memory),
            Choice::RoundRobin => {
                // Round again: whoever was passed over before comes a second time and is not met.
                let after = memory
                    .last
                    .map(|(place, _)| (0, u64::from(place), SeatAt::from_index(u32::MAX)));
                let after = after.map(|last| (Bound::Excluded(last), Bound::Unbounded));
                let later = after.into_iter().flat_map(|range| self.order.range(range));
                first_but(later.chain(&self.order), declined_by)
            }
            _ => first_but(self.order.iter(), declined_by),
        }
    }

    /// The seat whose turn it is, whoever declined.
    pub(crate) fn anybody(&mut self, memory: &mut Memory) -> Option<SeatAt> {
        self.willing(&[], memory).map(|(seat, _)| seat)
    }

    fn draw(&mut self, declined_by: &[SeatAt], memory: &mut Memory) -> Option<(SeatAt, usize)> {
        let left_out = declined_by.iter();
        let left_out = left_out.map(|&seat| (seat, self.weights.set(seat, 0)));
        let left_out: Vec<_> = left_out.filter(|&(_, weight)| weight > 0).collect();
        let all = self.weights.sum();
        // Where there is nothing to draw the dice stay as they are.
        let one = self.order.len() == left_out.len() + 1;
        let drawn = (all > 0).then(|| if one { 0 } else { memory.below(all) });
        let drawn = drawn.map(|drawn| self.weights.at(drawn));
        for &(seat, weight) in &left_out {
            self.weights.set(seat, weight);
        }
        Some((drawn?, left_out.len()))
    }

    /// The seat's share in a draw among all that are ready.
    pub(crate) fn share(&self, seat: SeatAt) -> (u32, u64) {
        (self.weights.of(seat), self.weights.sum())
    }
}

fn first_but<'a>(
    order: impl Iterator<Item = &'a Rank>,
    declined_by: &[SeatAt],
) -> Option<(SeatAt, usize)> {
    let mut seats = order.map(|&(_, _, seat)| seat).enumerate();
    seats
        .find(|(_, seat)| !declined_by.contains(seat))
        .map(|(passed, seat)| (seat, passed))
}

/// Weights by seat with their running sums (a Fenwick tree): set, sum and draw in O(log n).
#[derive(Debug)]
struct Weights {
    each: Vec<u32>,
    /// At i (from 1) the sum of as many before i as its lowest set bit says.
    sums: Vec<u64>,
}

impl Weights {
    fn new(seats: usize) -> Self {
        Self {
            each: vec![0; seats],
            sums: vec![0; seats + 1],
        }
    }

    fn of(&self, seat: SeatAt) -> u32 {
        self.each.get(seat.index()).copied().unwrap_or(0)
    }

    /// Sets the weight and says what it was.
    fn set(&mut self, seat: SeatAt, weight: u32) -> u32 {
        let Some(slot) = self.each.get_mut(seat.index()) else {
            return 0;
        };
        let before = core::mem::replace(slot, weight);
        let mut at = seat.index() + 1;
        while let Some(sum) = self.sums.get_mut(at) {
            *sum = *sum + u64::from(weight) - u64::from(before);
            at += at & at.wrapping_neg();
        }
        before
    }

    fn sum(&self) -> u64 {
        let mut sum = 0;
        let mut at = self.each.len();
        while at > 0 {
            sum += self.sums.get(at).copied().unwrap_or(0);
            at &= at - 1;
        }
        sum
    }

    /// The seat at which the running sum first exceeds `draw`.
    fn at(&self, mut draw: u64) -> SeatAt {
        let mut at = 0;
        let mut step = self.each.len().next_power_of_two();
        while step > 0 {
            if let Some(&sum) = self.sums.get(at + step)
                && sum <= draw
            {
                draw -= sum;
                at += step;
            }
            step /= 2;
        }
        SeatAt::from_index(u32::try_from(at).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_meets_each_seat_by_its_weight() {
        let mut weights = Weights::new(5);
        for (n, weight) in [3, 0, 1, 2, 0].into_iter().enumerate() {
            weights.set(SeatAt::from_index(n as u32), weight);
        }
        assert_eq!(weights.sum(), 6);
        let met: Vec<usize> = (0..6).map(|draw| weights.at(draw).index()).collect();
        assert_eq!(met, [0, 0, 0, 2, 3, 3]);
        assert_eq!(weights.set(SeatAt::from_index(0), 1), 3);
        assert_eq!((weights.sum(), weights.at(1).index()), (4, 2));
        assert_eq!(weights.set(SeatAt::from_index(9), 7), 0);
    }

    #[test]
    fn a_dice_is_even() {
        let mut memory = Memory::new(7);
        let mut met = [0; 6];
        for _ in 0..60_000 {
            met[memory.below(6) as usize] += 1;
        }
        assert!(met.iter().all(|&n| (9_600..10_400).contains(&n)), "{met:?}");
    }
}
