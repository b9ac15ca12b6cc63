//! What the media workers report: to the call or the star-code call whose leg it is.

use hotline_media::{Command, Report};
use hotline_model::{CallId, Instant, LegId, MediaThread, event::Event};

use super::Exchange;
use crate::{
    leg::{ToMedia, reported_leg},
    seat_service::SeatService,
    stage::Input as StageInput,
    switchboard::{Owner, Side},
};

impl Exchange {
    pub(super) fn reported(&mut self, now: Instant, report: Report) {
        if let Report::PortsReady {
            thread,
            address,
            ports,
        } = report
        {
            return self.board.ports.are_ready(thread, address, ports);
        }
        let Some(leg) = reported_leg(&report) else {
            return;
        };
        if let Report::Closed { leg, stats } = &report {
            return self.board.leg_closed(now, *leg, stats);
        }
        if let Report::Opened { leg, port } = report {
            self.board.ports.opened(leg, port);
        }
        let lacks_port = matches!(report, Report::OpenFailed { .. });
        self.reported_to_owner(now, leg, report);
        if lacks_port {
            // After whoever it was for has given the leg up, which frees no port.
            self.board.thread_lacks_port(leg.thread());
        }
    }

    /// A leg took a port that was ready in this turn; unless it is gone again.
    pub(super) fn opened_at_once(&mut self, now: Instant, leg: LegId, port: u16) {
        if self.board.owner(leg).is_some() {
            self.reported_to_owner(now, leg, Report::Opened { leg, port });
        }
    }

    fn reported_to_owner(&mut self, now: Instant, leg: LegId, report: Report) {
        match self.board.owner(leg) {
            Some(Owner::Call(call, side)) => {
                if let Report::Broke { .. } = report
                    && side != Side::Guest
                {
                    let fault = "a leg was closed by a fault of the media worker";
                    return self.call_broke(now, call, fault.to_owned());
                }
                if let Report::OpenFailed { .. } = report
                    && self.opened_elsewhere(call, leg)
                {
                    return;
                }
                let input = match (report, side) {
                    (Report::Opened { leg, port }, _) => StageInput::MediaOpened(leg, port),
                    (Report::OpenFailed { leg, cause }, _) => StageInput::MediaFailed(leg, cause),
                    (Report::PlayEnded { play, .. }, Side::Caller) => StageInput::PlayEnded(play),
                    (Report::Digit { digit, .. }, Side::Caller) => StageInput::Digit(digit),
                    (Report::Silent { leg }, side) => StageInput::Silent(side, leg),
                    (Report::Spoke { leg }, _) => StageInput::Spoke(leg),
                    (Report::Speechless { leg }, side) => StageInput::Speechless(side, leg),
                    (Report::Broke { leg }, _) => {
                        let fault = "a fault of the media worker";
                        StageInput::MediaFailed(leg, fault.to_owned())
                    }
                    _ => return,
                };
                self.tell_call(now, call, input);
            }
            Some(Owner::Service) => self.service_reported(now, leg, &report),
            Some(Owner::Consult(number)) => self.consult_reported(now, number, leg, report),
            Some(Owner::TakeOver) => self.take_over_reported(now, leg, &report),
            // Whoever had it has closed it; should that have been lost, it is not kept for good.
            None if matches!(report, Report::Opened { .. } | Report::Silent { .. }) => {
                self.board.media(Command::Close { leg });
            }
            None => {}
        }
    }

    /// A new call's thread had no port for it. Nothing was promised to the caller yet, and no other
    /// leg is beside: another thread is asked, where one has room.
    fn opened_elsewhere(&mut self, call: CallId, leg: LegId) -> bool {
        let Some(call) = self.calls.get_mut(&call) else {
            return false;
        };
        let own = &mut call.facts.leg;
        own.id == leg && own.agreed().is_none() && self.board.reopen_leg(own)
    }

    /// What a media thread owned broke with it: its calls end, and the others go on.
    pub(super) fn media_thread_lost(&mut self, now: Instant, thread: MediaThread) {
        let legs = self.board.lose_thread(thread);
        tracing::error!(%thread, legs = legs.len(), "a media thread ended by a fault");
        let fault = format!(
            "media thread {thread} ended, and {} legs with it",
            legs.len()
        );
        let event = Event::FaultCaught { call: None, fault };
        self.board.happened(now, event);
        for leg in legs {
            self.reported(now, Report::Broke { leg });
        }
        // Also of calls that are over: what was to end them may have been lost with the thread.
        let open = self.board.recordings.keys().copied();
        let open: Vec<u64> = open.filter(|&it| MediaThread::of(it) == thread).collect();
        for recording in open {
            self.board.stop_recording(recording);
        }
        self.board.hears_no_more_of(thread);
    }

    pub(super) fn service_reported(&mut self, now: Instant, leg: LegId, report: &Report) {
        if let Report::OpenFailed { .. } = report
            && self.service_elsewhere(leg)
        {
            return;
        }
        let Some(service) = self.services.get_mut(&leg) else {
            return;
        };
        let goes_on = match report {
            Report::Opened { port, .. } => service.opened(now, *port, &mut self.board),
            Report::OpenFailed { .. } | Report::Silent { .. } | Report::Broke { .. } => false,
            Report::PlayEnded { play, .. } => !SeatService::ends_after(*play),
            Report::Digit { digit, .. } => return self.service_pressed(now, leg, *digit),
            _ => true,
        };
        if !goes_on {
            self.end_service(now, leg);
        }
    }

    /// As [`Self::opened_elsewhere`]: who dialled a star code hears nobody else.
    fn service_elsewhere(&mut self, leg: LegId) -> bool {
        let Some(mut service) = self.services.remove(&leg) else {
            return false;
        };
        let own = &mut service.leg;
        let reopened = own.agreed().is_none() && self.board.reopen_leg(own);
        self.services.insert(service.leg_id(), service);
        reopened
    }

    pub(super) fn end_service(&mut self, now: Instant, leg: LegId) {
        if let Some(mut service) = self.services.remove(&leg) {
            self.board.close_leg(now, &mut service.leg, None);
            if let Some(seat) = service.seat() {
                self.board.seat_leaves_line(now, seat);
            }
        }
    }
}
