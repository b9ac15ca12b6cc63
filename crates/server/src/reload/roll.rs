//! The seats and queues by name, with their places on the board. What is not named any more stays
//! behind, and is shown while it still has a caller.

use std::collections::BTreeMap;

use hotline_calls::settings::Membership;
use hotline_model::{PhoneId, QueueId, SeatId, Timestamp, seat::Reason, shift::Shift};
use hotline_store::wallboard::{EmergencyLine, ReasonLine};

use crate::config::{Config, SecondPageKey};

/// A seat or a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<Id> {
    /// Its index on the board.
    pub index: usize,
    /// Its id.
    pub id: Id,
    /// What people call it.
    pub name: String,
    /// It is named no more, and shown only while it still has a caller.
    pub leaving: bool,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll {
    /// The seats in the order of the configuration, those that leave behind.
    pub seats: Vec<Named<SeatId>>,
    /// The queues, likewise.
    pub queues: Vec<Named<QueueId>>,
    /// The house's own reasons for not being ready.
    pub reasons: Vec<ReasonLine>,
    /// Numbers of help.
    pub emergencies: Vec<EmergencyLine>,
    /// The shared phones, and where they stand.
    pub phones: Vec<(PhoneId, String)>,
    /// The shifts.
    pub shifts: Vec<Shift>,
    /// Which queues each seat serves.
    pub serves: BTreeMap<SeatId, Vec<QueueId>>,
    /// When the seats that are limited may take calls, and for whom.
    pub memberships: BTreeMap<SeatId, Vec<Membership>>,
    /// What a second browser of an agent does.
    pub second_page: SecondPageKey,
    /// A seat is given no next task while callers wait whom it serves.
    pub callers_first: bool,
    /// Minutes east of UTC.
    pub utc_offset_minutes: i32,
}

/// The distributor's seats and queues, in the order of the board.
#[derive(Clone, Debug, Default)]
pub struct BoardOrder {
    /// The seats.
    pub seats: Vec<SeatId>,
    /// The queues.
    pub queues: Vec<QueueId>,
}

impl BoardOrder {
    /// At the start: as configured.
    pub fn of(config: &Config) -> Self {
        Self {
            seats: config.seats.iter().map(|it| it.floor.id).collect(),
            queues: config.queues.iter().map(|it| it.floor.id).collect(),
        }
    }
}

impl Roll {
    /// The roll of the first configuration.
    pub fn at_start(config: &Config, order: &BoardOrder) -> Self {
        let nobody = Self {
            utc_offset_minutes: config.utc_offset_minutes,
            ..Self::default()
        };
        Self::new(config, order, &nobody)
    }

    /// The roll of a configuration, after another one.
    pub fn new(config: &Config, order: &BoardOrder, before: &Self) -> Self {
        let seats = config.seats.iter();
        let seats: Vec<_> = seats.map(|it| (it.floor.id, it.name.clone())).collect();
        let queues = config.queues.iter();
        let queues: Vec<_> = queues.map(|it| (it.floor.id, it.name.clone())).collect();
        Self {
            seats: called(&seats, &order.seats, &before.seats),
            queues: called(&queues, &order.queues, &before.queues),
            reasons: reasons(config),
            emergencies: emergencies(config),
            shifts: config.shifts.clone(),
            phones: config
                .phones
                .iter()
                .map(|it| (it.id, it.place.clone()))
                .collect(),
            serves: config
                .seats
                .iter()
                .map(|it| (it.floor.id, it.floor.queues.clone()))
                .collect(),
            memberships: config
                .seats
                .iter()
                .map(|it| (it.floor.id, it.memberships.clone()))
                .collect(),
            second_page: config.second_page,
            callers_first: config.callers_first,
            // The tables keep days by that of the start.
            utc_offset_minutes: before.utc_offset_minutes,
        }
    }

    /// For whom the seat works at that time; `None`: the house itself, or nobody.
    pub fn contractor(&self, seat: SeatId, at: Timestamp) -> Option<String> {
        let now = at.civil(self.utc_offset_minutes);
        let one = Membership::at(self.memberships.get(&seat)?, &now)?;
        Some(one.contractor.clone()).filter(|name| !name.is_empty())
    }

    /// The shift in which each seat should be at work at that time; of several the first.
    pub fn on_shift(&self, at: Timestamp) -> BTreeMap<SeatId, &str> {
        let now = self.shifts.iter().rev();
        let now = now.filter(|shift| shift.holds(at, self.utc_offset_minutes));
        now.flat_map(|shift| shift.seats.iter().map(|&seat| (seat, shift.name.as_str())))
            .collect()
    }

    /// Whether there is a seat of this number.
    pub fn has_seat(&self, seat: SeatId) -> bool {
        let mut seats = self.seats.iter().filter(|it| !it.leaving);
        seats.any(|it| it.id == seat)
    }
}

fn reasons(config: &Config) -> Vec<ReasonLine> {
    let reasons = config.reasons.iter();
    let lines = reasons.map(|it| ReasonLine {
        reason: Reason::Own(it.id),
        name: it.name.clone(),
    });
    lines.collect()
}

fn emergencies(config: &Config) -> Vec<EmergencyLine> {
    let emergencies = config.emergencies.iter();
    let lines = emergencies.map(|it| EmergencyLine {
        number: it.number.clone(),
        name: it.name.clone(),
    });
    lines.collect()
}

fn called<Id: Copy + PartialEq>(
    named: &[(Id, String)],
    order: &[Id],
    before: &[Named<Id>],
) -> Vec<Named<Id>> {
    let index = |id: Id| order.iter().position(|it| *it == id);
    let mut all: Vec<Named<Id>> = named
        .iter()
        .filter_map(|(id, name)| {
            Some(Named {
                index: index(*id)?,
                id: *id,
                name: name.clone(),
                leaving: false,
            })
        })
        .collect();
    let gone = before
        .iter()
        .filter(|it| named.iter().all(|(id, _)| *id != it.id));
    all.extend(gone.map(|it| Named {
        leaving: true,
        ..it.clone()
    }));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_stands_behind_and_keeps_the_place_on_the_board() {
        let name = |id: u8, name: &str| (id, name.to_owned());
        let first = called(&[name(1, "a"), name(2, "b")], &[1, 2], &[]);
        let then = called(&[name(3, "c"), name(2, "d")], &[1, 2, 3], &first);
        let told: Vec<_> = then
            .iter()
            .map(|it| (it.id, it.index, it.name.as_str(), it.leaving))
            .collect();
        assert_eq!(
            told,
            [(3, 2, "c", false), (2, 1, "d", false), (1, 0, "a", true)]
        );
        let back = called(&[name(1, "e")], &[1, 2, 3], &then);
        assert_eq!((back[0].index, back[0].leaving, back.len()), (0, false, 3));
    }
}
