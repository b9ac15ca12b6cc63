//! The sound of the world: the media threads of the exchange and the one of all phones, and packets
//! on their way between them.

use core::{net::SocketAddr, ops::RangeInclusive, time::Duration};

use hotline_calls::{Input, phone::PhoneInput};
use hotline_media::{
    Command, Report,
    worker::{Slot, Worker},
};
use hotline_model::MediaThread;

use super::{Due, LEGS_OF_A_PHONE, World};
use crate::{
    ears::Who,
    network::{EXCHANGE, Sockets},
};

/// Ports of the sound of one address.
pub(super) const PORTS: RangeInclusive<u16> = 20_000..=64_999;

/// Way of a packet of sound.
const SOUND_DELAY: Duration = Duration::from_millis(1);

/// A media thread of the exchange.
pub(super) struct Media {
    pub(super) worker: Worker,
    pub(super) sockets: Sockets,
    pub(super) lost: bool,
    /// Most legs at once.
    pub(super) most: usize,
}

impl Media {
    /// The one at this place of so many, with ports of its own.
    pub(super) fn new(seed: u64, at: usize, of: usize) -> Self {
        let each = (PORTS.len() / of.max(1)).next_multiple_of(2) - 2;
        let first = *PORTS.start() + (at * each) as u16;
        let ports = first..=first + (each - 2) as u16;
        Self {
            worker: Worker::new(seed.wrapping_add(at as u64)),
            sockets: Sockets::new(|_: Slot| EXCHANGE.ip(), ports),
            lost: false,
            most: 0,
        }
    }
}

impl World {
    /// Hands a command to the thread that its leg's number names.
    pub(super) fn tell_media(&mut self, command: Command) {
        let Some(media) = self.media.get_mut(command.thread().at()) else {
            return;
        };
        if !media.lost {
            let (worker, sockets) = (&mut media.worker, &mut media.sockets);
            worker.handle_command(self.now, command, sockets);
            media.most = media.most.max(media.worker.legs());
        } else if let Command::Open { leg, .. } = command {
            // As the shell does for a thread that takes nothing any more.
            let cause = "the media thread ended".to_owned();
            let report = Report::OpenFailed { leg, cause };
            self.exchange.handle_input(self.now, Input::Media(report));
        } else if let Command::OpenPrepared { leg, .. } = command {
            let report = Report::Broke { leg };
            self.exchange.handle_input(self.now, Input::Media(report));
        }
    }

    pub(super) fn thread_lost(&mut self, at: usize) {
        let of = self.media.len();
        if let Some(media) = self.media.get_mut(at) {
            *media = Media {
                lost: true,
                ..Media::new(0, at, of)
            };
            self.exchange(Input::MediaThreadLost(MediaThread::of(at as u64)));
        }
    }

    pub(super) fn after_media(&mut self) {
        self.send_sound();
        let report = |media: &mut Media| media.worker.poll_report();
        while let Some(report) = self.media.iter_mut().find_map(report) {
            self.exchange(Input::Media(report));
        }
    }

    pub(super) fn after_phones_media(&mut self) {
        self.send_sound();
        while let Some(report) = self.phones_worker.poll_report() {
            let leg = hotline_calls::leg::reported_leg(&report);
            self.phone_opened(&report);
            if let Some(at) = leg.and_then(|leg| (leg.0 / LEGS_OF_A_PHONE).checked_sub(1)) {
                self.phone(at as usize, PhoneInput::Media(report));
            }
        }
    }

    /// The judge learns whose phone has which port.
    pub(super) fn phone_opened(&mut self, report: &Report) {
        let Report::Opened { leg, port } = report else {
            return;
        };
        let at = (leg.0 / LEGS_OF_A_PHONE).saturating_sub(1) as usize;
        if let (Some(ears), Some(line)) = (&mut self.ears, self.lines.get(at)) {
            let seat = line.person.seat().map(Who::Seat);
            ears.phone_opened(*port, seat.unwrap_or(Who::Citizen(at)));
        }
    }

    pub(super) fn send_sound(&mut self) {
        let mut sent = Vec::new();
        for media in &mut self.media {
            sent.append(&mut media.sockets.sent);
        }
        sent.append(&mut self.phones_sockets.sent);
        for (from, to, packet) in sent {
            self.plan(SOUND_DELAY, Due::Sound { from, to, packet });
        }
    }

    pub(super) fn sound(&mut self, from: SocketAddr, to: SocketAddr, packet: &[u8]) {
        if to.ip() == EXCHANGE.ip() {
            let heard = self.media.iter_mut().find_map(|media| {
                let slot = media.sockets.slot(to.port())?;
                Some((media, slot))
            });
            if let Some((media, slot)) = heard {
                let (worker, sockets) = (&mut media.worker, &mut media.sockets);
                worker.handle_packet(self.now, slot, from, packet, sockets);
                self.after_media();
            }
        } else if let Some(slot) = self.phones_sockets.slot(to.port()) {
            self.phones_worker.handle_packet(
                self.now,
                slot,
                from,
                packet,
                &mut self.phones_sockets,
            );
            self.after_phones_media();
        }
    }
}
