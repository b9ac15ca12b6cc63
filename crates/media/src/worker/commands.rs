//! Carries out commands.

use core::{iter, net::IpAddr};

use hotline_model::{
    Instant, LegId, MediaThread,
    limits::{CALLS, MEDIA_PORTS_READY, MEDIA_REPORTS},
};

use super::{
    Slot, Wire, Worker,
    attention::Attention,
    leg::{Leg, Reading, Tap},
    source::Source,
};
use crate::{Clip, Command, Report, dtmf, player::Player, rtp::samples_at, sdp::Agreed};

/// Most legs of one worker: two a call, and room for seats' own calls. When full, a leg is not
/// opened.
const LEGS: usize = 2 * CALLS + 2_000;

// A worker's unfetched reports are bounded by what it was asked: some per leg.
const _: () = assert!(MEDIA_REPORTS > LEGS);

impl Worker {
    /// Carries out a command. One that cannot be (no such leg) is counted.
    pub fn handle_command(&mut self, now: Instant, command: Command, wire: &mut impl Wire) {
        let leg = command.leg();
        let done = self.guarded_command(now, leg, wire, |worker, wire| {
            worker.carry_out(now, command, wire)
        });
        self.counts.commands_dropped += u64::from(!done);
    }

    fn carry_out(&mut self, now: Instant, command: Command, wire: &mut impl Wire) -> bool {
        match command {
            Command::Open { leg, address } => {
                let opened = self.open_by(now, leg, |slot| wire.open(slot, address));
                self.say_opened(leg, opened)
            }
            Command::OpenShared { leg, ufrag } => {
                let opened = self.open_shared(now, leg, ufrag, wire);
                self.say_opened(leg, opened)
            }
            Command::Prepare {
                thread,
                address,
                many,
            } => self.prepare(thread, address, many, wire),
            Command::OpenPrepared { leg, address, port } => {
                let opened = self.open_by(now, leg, |slot| {
                    let ready = wire.open_prepared(slot, address, port);
                    ready.then_some(port).ok_or_else(String::new)
                });
                self.say_broken(leg, &opened)
            }
            Command::JoinShared { leg, ufrag } => {
                let opened = self.open_shared(now, leg, ufrag, wire);
                self.say_broken(leg, &opened)
            }
            Command::Connect { leg, agreed } => self.connect(now, leg, agreed, wire),
            Command::Play {
                leg,
                play,
                clips,
                repeat,
            } => self.play(now, leg, (play, clips, repeat), wire),
            Command::StopPlay { leg } => self.stop_play(now, leg),
            Command::Bridge { a, b } => self.bridge(now, a, b, wire),
            Command::Unbridge { leg } => self.slot(leg).is_some_and(|slot| {
                self.isolate(now, slot, wire);
                true
            }),
            Command::Hear { leg, voices } => self.hear(now, leg, &voices, wire),
            Command::Shield { leg, shielded } => self
                .leg_mut(leg)
                .map(|(_, leg)| leg.shielded = shielded)
                .is_some(),
            Command::Attend { leg, longest } => self
                .leg_mut(leg)
                .map(|(_, leg)| leg.attention = Some(Attention::new(now, longest, leg.spoken())))
                .is_some(),
            Command::Record {
                recording,
                left,
                right,
            } => self.record(now, recording, left, right),
            Command::RecordAlso { recording, leg } => self.record_also(recording, leg),
            Command::PauseRecord { recording, paused } => self.recordings.pause(recording, paused),
            Command::StopRecord { recording } => self.stop_record(now, recording, wire),
            Command::Press { leg, digit, ms } => self.press(now, leg, digit, ms),
            Command::Close { leg } => self.close(now, leg, wire),
        }
    }

    pub(super) fn slot(&self, leg: LegId) -> Option<usize> {
        self.slots.get(&leg).copied()
    }

    pub(super) fn leg_mut(&mut self, leg: LegId) -> Option<(usize, &mut Leg)> {
        let slot = self.slot(leg)?;
        self.legs.get_mut(slot).map(|leg| (slot, leg))
    }

    fn prepare(
        &mut self,
        thread: MediaThread,
        address: IpAddr,
        many: usize,
        wire: &mut impl Wire,
    ) -> bool {
        let many = many.min(MEDIA_PORTS_READY);
        let ports = iter::repeat_with(|| wire.prepare(address)).take(many);
        let ports = ports.map_while(|port| port).collect();
        self.report(Report::PortsReady {
            thread,
            address,
            ports,
        });
        true
    }

    /// Tells who waits for it whether the leg has a port. False where there was such a leg already.
    fn say_opened(&mut self, leg: LegId, opened: Option<Result<u16, String>>) -> bool {
        match opened {
            Some(Ok(port)) => self.report(Report::Opened { leg, port }),
            Some(Err(cause)) => self.report(Report::OpenFailed { leg, cause }),
            None => return false,
        }
        true
    }

    /// The same for a leg that is taken for open: only that it is not need be said.
    fn say_broken(&mut self, leg: LegId, opened: &Option<Result<u16, String>>) -> bool {
        if let Some(Err(_)) = opened {
            self.report(Report::Broke { leg });
        }
        matches!(opened, Some(Ok(_)))
    }

    /// Opens a leg whose port `open` finds; `None` where there is such a leg already.
    pub(super) fn open_by(
        &mut self,
        now: Instant,
        leg: LegId,
        open: impl FnOnce(Slot) -> Result<u16, String>,
    ) -> Option<Result<u16, String>> {
        if self.slots.contains_key(&leg) {
            return None;
        }
        if self.legs.is_empty() {
            self.sweep = now;
        }
        let opened = if self.legs.len() >= LEGS {
            Err(format!("all {LEGS} media sessions are in use"))
        } else {
            open(Slot(self.legs.vacant_key()))
        };
        if opened.is_ok() {
            let random = self.random.wide();
            let slot = self.legs.insert(Leg::new(leg, now, random));
            self.slots.insert(leg, slot);
        }
        Some(opened)
    }

    fn connect(
        &mut self,
        now: Instant,
        leg: LegId,
        mut agreed: Agreed,
        wire: &mut impl Wire,
    ) -> bool {
        let Some((slot, _)) = self.leg_mut(leg) else {
            return false;
        };
        if !self.take_fingerprint(slot, &mut agreed) {
            return false;
        }
        let Some(leg) = self.legs.get_mut(slot) else {
            return false;
        };
        if !leg.take_keys(&agreed) {
            return false;
        }
        leg.agreed = Some(agreed);
        leg.digits.retune(agreed.digits_clock);
        if leg.outgoing.retune(agreed.codec.clock()) {
            leg.relay.restart();
            leg.sounding = false;
        }
        if leg.said.is_none() {
            leg.control.retune(agreed.codec.clock());
        }
        leg.source = Source::of(&agreed);
        leg.heard = now;
        leg.silence_reported = false;
        if agreed.digits.is_none() {
            // What still waits to be pressed can no longer be.
            leg.presses = dtmf::Sender::default();
        }
        if leg.reading == Reading::Not {
            leg.reading = Reading::EachTick { empty: 0 };
        }
        self.agreement_changed(now, slot, wire);
        self.settle(now, slot);
        true
    }

    fn play(
        &mut self,
        now: Instant,
        leg: LegId,
        (play, clips, repeat): (u32, Vec<Clip>, bool),
        wire: &mut impl Wire,
    ) -> bool {
        let Some((slot, leg)) = self.leg_mut(leg) else {
            return false;
        };
        leg.play = Some((play, Player::new(clips, repeat)));
        leg.sounding = false;
        // It has ticks now: fetching in them is cheaper than waking up for each packet.
        if !leg.relayed && leg.reading == Reading::OnArrival {
            leg.reading = Reading::EachTick { empty: 0 };
            wire.watch(Slot(slot), false);
        }
        self.settle(now, slot);
        true
    }

    fn stop_play(&mut self, now: Instant, leg: LegId) -> bool {
        let Some((slot, leg)) = self.leg_mut(leg) else {
            return false;
        };
        leg.stop_play();
        self.settle(now, slot);
        true
    }

    fn press(&mut self, now: Instant, leg: LegId, digit: char, ms: u32) -> bool {
        let Some((slot, leg)) = self.leg_mut(leg) else {
            return false;
        };
        let agreed = leg.agreed.and_then(|agreed| agreed.digits).is_some();
        let pressed = agreed && leg.presses.press(digit, ms);
        self.settle(now, slot);
        pressed
    }

    fn record(&mut self, now: Instant, recording: u64, left: LegId, right: Option<LegId>) -> bool {
        let slots = [self.slot(left), right.and_then(|leg| self.slot(leg))];
        let all_open = slots[0].is_some() && slots[1].is_some() == right.is_some();
        let has_room = |slot: usize| {
            let taps = self.legs.get(slot).map(|leg| &leg.taps);
            taps.is_some_and(|taps| taps.iter().any(Option::is_none))
        };
        let possible = all_open && slots[0] != slots[1];
        if !possible || !slots.into_iter().flatten().all(has_room) {
            return false;
        }
        if !self.recordings.begin(now, recording, slots) {
            return false;
        }
        for (slot, voice) in slots.into_iter().zip(0..) {
            if let Some(slot) = slot {
                self.tap(slot, recording, voice, samples_at(now));
            }
        }
        true
    }

    fn tap(&mut self, slot: usize, recording: u64, voice: u8, began: u64) {
        let leg = self.legs.get_mut(slot);
        if let Some(place) = leg.and_then(|leg| leg.taps.iter_mut().find(|t| t.is_none())) {
            *place = Some(Tap {
                recording,
                voice,
                began,
            });
        }
        if let Some(leg) = self.legs.get_mut(slot) {
            leg.tune();
        }
    }

    fn record_also(&mut self, recording: u64, leg: LegId) -> bool {
        let Some(slot) = self.slot(leg) else {
            return false;
        };
        let taps = self.legs.get(slot).map(|leg| &leg.taps);
        if !taps.is_some_and(|taps| taps.iter().any(Option::is_none)) {
            return false;
        }
        let Some((voice, began)) = self.recordings.join(recording, slot) else {
            return false;
        };
        self.tap(slot, recording, voice, began);
        true
    }

    fn stop_record(&mut self, now: Instant, recording: u64, wire: &mut impl Wire) -> bool {
        let Some(ended) = self.recordings.end(now, recording) else {
            self.recordings.flush(wire);
            return false;
        };
        for slot in ended.slots.into_iter().flatten() {
            if let Some(leg) = self.legs.get_mut(slot) {
                for tap in &mut leg.taps {
                    tap.take_if(|tap| tap.recording == recording);
                }
                leg.tune();
            }
            self.settle(now, slot);
        }
        if ended.dropped > 0 {
            let blocks = ended.dropped;
            self.report(Report::RecordingGaps { recording, blocks });
        }
        self.recordings.flush(wire);
        true
    }

    pub(super) fn close(&mut self, now: Instant, leg: LegId, wire: &mut impl Wire) -> bool {
        let Some(slot) = self.slots.remove(&leg) else {
            return false;
        };
        self.isolate(now, slot, wire);
        let Some(closed) = self.legs.try_remove(slot) else {
            return false;
        };
        if let Some(place) = closed.place {
            self.vacate(place);
        }
        wire.close(Slot(slot));
        for tap in closed.taps.into_iter().flatten() {
            if self.recordings.leave(tap.recording, slot) {
                self.stop_record(now, tap.recording, wire);
            }
        }
        let mut stats = closed.stats;
        stats.lost = closed.control.lost();
        if let Some(ear) = &closed.ear {
            let counts = ear.counts();
            (stats.concealed, stats.late) = (counts.lost, counts.late);
        }
        if let Some(agreed) = closed.agreed {
            let (jitter, trip, score) = closed.control.measured(agreed.codec);
            (stats.jitter_us, stats.round_trip_us, stats.score) = (jitter, trip, score);
        }
        self.report(Report::Closed { leg, stats });
        true
    }
}
