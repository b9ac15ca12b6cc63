//! The judge of who hears whom: what the journal says of each talk and its guests, put on paper as
//! pairs of ears and mouths, against the rows that the media workers really have.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use hotline_media::{Command, worker::Worker};
use hotline_model::{
    CallId, LegId, SeatId,
    event::{Event, Stamped},
    guest::GuestMode,
};

/// Somebody at a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A citizen, by line.
    Citizen(usize),
    /// A seat.
    Seat(SeatId),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Citizen(line) => write!(f, "citizen {line}"),
            Self::Seat(seat) => write!(f, "seat {seat}"),
        }
    }
}

/// A call, as its events tell it.
#[derive(Debug, Default)]
struct Talk {
    citizen: Option<Who>,
    /// The seat that talks, from the first word on.
    agent: Option<SeatId>,
    held: bool,
    paused: bool,
    card: bool,
    guests: BTreeMap<SeatId, GuestMode>,
}

/// A recording, as the workers are told.
#[derive(Debug, Default)]
struct Recording {
    call: Option<CallId>,
    also: BTreeSet<LegId>,
    paused: bool,
}

/// The judge. Feed it with what happens; [`Ears::judge`] compares.
#[derive(Default)]
pub struct Ears {
    /// Ports of the phones' sound.
    ports: BTreeMap<u16, Who>,
    /// Legs of the exchange, by whose phone is at the other end.
    legs: BTreeMap<LegId, Who>,
    talks: BTreeMap<CallId, Talk>,
    recordings: BTreeMap<u64, Recording>,
    guests_seen: BTreeMap<GuestMode, usize>,
    broken: Option<String>,
}

impl Ears {
    /// A phone listens at this port.
    pub fn phone_opened(&mut self, port: u16, who: Who) {
        self.ports.insert(port, who);
    }

    /// How many guests took part in that way.
    pub fn guests_seen(&self, mode: GuestMode) -> usize {
        self.guests_seen.get(&mode).copied().unwrap_or_default()
    }

    /// A media worker is told something.
    pub fn told(&mut self, command: &Command) {
        match command {
            Command::Connect { leg, agreed } => {
                if let Some(who) = self.ports.get(&agreed.remote.port()) {
                    self.legs.insert(*leg, *who);
                }
            }
            Command::Close { leg } => {
                self.legs.remove(leg);
                for recording in self.recordings.values_mut() {
                    recording.also.remove(leg);
                }
            }
            Command::Record {
                recording, left, ..
            } => {
                let citizen = self.legs.get(left).copied();
                let talks = self.talks.iter();
                let mut talks = talks.filter(|(_, talk)| talk.citizen == citizen);
                let call = talks.next_back().map(|(call, _)| *call);
                let begun = Recording {
                    call,
                    ..Recording::default()
                };
                self.recordings.insert(*recording, begun);
            }
            Command::RecordAlso { recording, leg } => {
                if let Some(recording) = self.recordings.get_mut(recording) {
                    recording.also.insert(*leg);
                }
            }
            Command::PauseRecord { recording, paused } => {
                if let Some(recording) = self.recordings.get_mut(recording) {
                    recording.paused = *paused;
                }
            }
            Command::StopRecord { recording } => {
                self.recordings.remove(recording);
            }
            _ => {}
        }
    }

    /// Something happened.
    pub fn happened(&mut self, stamped: &Stamped) {
        let Some(call) = stamped.event.call() else {
            return;
        };
        if let Event::CallEnded { .. } = stamped.event {
            let left = self.talks.remove(&call).unwrap_or_default();
            if !left.guests.is_empty() || left.card || left.paused || left.agent.is_some() {
                self.broken = Some(format!("call {call} ended and left {left:?}"));
            }
            return;
        }
        let talk = self.talks.entry(call).or_default();
        match &stamped.event {
            Event::CallArrived { caller, .. } => {
                let line = caller.get(7..).and_then(|line| line.parse().ok());
                talk.citizen = line.map(Who::Citizen);
            }
            Event::TalkStarted { seat, .. } => (talk.agent, talk.held) = (Some(*seat), false),
            Event::TalkEnded { .. } => (talk.agent, talk.held) = (None, false),
            Event::TalkHeld { .. } => talk.held = true,
            Event::TalkResumed { .. } => talk.held = false,
            Event::GuestJoined { guest, mode, .. } => {
                let Some(guest) = guest.seat() else { return };
                talk.guests.insert(guest, *mode);
                *self.guests_seen.entry(*mode).or_default() += 1;
            }
            Event::GuestModeChanged { guest, mode, .. } => {
                let before = guest.seat().and_then(|guest| talk.guests.get_mut(&guest));
                if let Some(before) = before {
                    *before = *mode;
                    *self.guests_seen.entry(*mode).or_default() += 1;
                }
            }
            Event::GuestLeft { guest, .. } => {
                if let Some(guest) = guest.seat() {
                    talk.guests.remove(&guest);
                }
            }
            Event::RecordingPaused { .. } => talk.paused = true,
            Event::RecordingResumed { .. } => talk.paused = false,
            Event::CardEntryBegan { .. } => talk.card = true,
            Event::CardEntryEnded { .. } => talk.card = false,
            _ => {}
        }
    }

    /// Compares the workers' rows and what they record with what the journal says.
    ///
    /// # Errors
    /// Who hears whom and must not, or the other way round.
    pub fn judge<'a>(&self, workers: impl Iterator<Item = &'a Worker>) -> Result<(), String> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let mut hears = BTreeSet::new();
        for worker in workers {
            for (ear, mouths) in worker.rows() {
                for mouth in mouths {
                    match (self.legs.get(&ear), self.legs.get(&mouth)) {
                        (Some(ear), Some(mouth)) => hears.insert((*ear, *mouth)),
                        _ => return Err(format!("{ear:?} hears {mouth:?}, one is nobody's")),
                    };
                }
            }
        }
        let on_paper = self.on_paper();
        if let Some((ear, mouth)) = hears.difference(&on_paper).next() {
            return Err(format!("{ear} hears {mouth} and must not"));
        }
        if let Some((ear, mouth)) = on_paper.difference(&hears).next() {
            return Err(format!("{ear} should hear {mouth}"));
        }
        self.recorded()
    }

    fn on_paper(&self) -> BTreeSet<(Who, Who)> {
        let mut pairs = BTreeSet::new();
        for talk in self.talks.values() {
            talk.pairs(&mut pairs);
        }
        pairs
    }

    fn recorded(&self) -> Result<(), String> {
        for recording in self.recordings.values() {
            let Some(talk) = recording.call.and_then(|call| self.talks.get(&call)) else {
                return Err(format!("recorded without a call: {recording:?}"));
            };
            let also = recording.also.iter().filter_map(|leg| self.legs.get(leg));
            let also: BTreeSet<Who> = also.copied().collect();
            let guests = talk.guests.iter();
            let speak =
                guests.filter(|(_, mode)| matches!(mode, GuestMode::Barge | GuestMode::Consult));
            let speak: BTreeSet<Who> = speak.map(|(seat, _)| Who::Seat(*seat)).collect();
            if also != speak {
                return Err(format!("recorded are {also:?}, should be {speak:?}"));
            }
            if recording.paused != (talk.paused || talk.card) {
                return Err(format!("{recording:?} in {talk:?}"));
            }
        }
        Ok(())
    }
}

impl Talk {
    /// Who hears whom in it, in the words of a supervisor's handbook and not of the engine.
    fn pairs(&self, pairs: &mut BTreeSet<(Who, Who)>) {
        let (Some(citizen), Some(agent)) = (self.citizen, self.agent.map(Who::Seat)) else {
            return;
        };
        let mut open = |ear, mouth| {
            // Who enters a card's number is heard by nobody.
            if !(self.card && mouth == citizen) {
                pairs.insert((ear, mouth));
            }
        };
        if !self.held {
            open(citizen, agent);
            open(agent, citizen);
        }
        for (seat, mode) in &self.guests {
            let guest = Who::Seat(*seat);
            if *mode == GuestMode::TakeOver {
                continue;
            }
            open(guest, agent);
            if *mode != GuestMode::Consult && !self.held {
                open(guest, citizen);
            }
            if *mode != GuestMode::Monitor {
                open(agent, guest);
            }
            if *mode == GuestMode::Barge && !self.held {
                open(citizen, guest);
            }
            // Whom the others of the agent's side hear.
            for other in self.guests.keys().filter(|other| *other != seat) {
                if matches!(mode, GuestMode::Barge | GuestMode::Consult)
                    && self.guests.get(other) != Some(&GuestMode::TakeOver)
                {
                    open(Who::Seat(*other), guest);
                }
            }
        }
    }
}
