//! What a caller says to the engine alone, for a human to hear later: a voicemail (留言) in place of
//! a talk, or a remark about one after the score. A file of its own with one channel, beside the
//! talk's recording.

use hotline_media::Command;
use hotline_model::{
    CallId, Instant, QueueId, SeatId,
    event::{Event, MessageEnd, MessageKind, ReleasedBy},
    limits::MESSAGE_EMPTY_MS,
};

use crate::{
    call::Facts,
    leg::ToMedia,
    switchboard::{OpenRecording, Switchboard},
};

/// The messages of one call.
#[derive(Default)]
pub struct Messages {
    /// The recording of the one that is being said.
    open: Option<u64>,
    begun: u32,
    left: bool,
}

impl Messages {
    /// Whether there is one with something in it.
    pub const fn is_left(&self) -> bool {
        self.left
    }
}

/// A message whose file is not complete yet.
#[derive(Clone, Debug)]
pub struct Message {
    nth: u32,
    kind: MessageKind,
    queue: Option<QueueId>,
    seat: Option<SeatId>,
    began: Instant,
    ended: Option<MessageEnd>,
}

impl Facts {
    /// Records the caller alone from here; `about` is the seat of a talk that was.
    pub fn begin_message(&mut self, now: Instant, about: Option<SeatId>, board: &mut Switchboard) {
        self.end_message(now, MessageEnd::Interrupted, board);
        self.messages.begun += 1;
        let message = Message {
            nth: self.messages.begun,
            kind: match about {
                Some(_) => MessageKind::Remark,
                None => MessageKind::Voicemail,
            },
            // Whoever was served waits no more.
            queue: self.last_queue.filter(|_| about.is_none()),
            seat: about,
            began: now,
            ended: None,
        };
        self.messages.open = Some(board.start_message(now, self, message));
    }

    /// The message that is being said is over, where there is one.
    pub fn end_message(&mut self, now: Instant, ended: MessageEnd, board: &mut Switchboard) {
        if let Some(recording) = self.messages.open.take() {
            let ms = board.stop_message(now, recording, ended);
            self.messages.left |= ms.is_some_and(|ms| ms >= MESSAGE_EMPTY_MS);
        }
    }
}

/// How a message ended whose call was ended by that side.
pub const fn ended_by(side: ReleasedBy) -> MessageEnd {
    match side {
        ReleasedBy::Caller => MessageEnd::HangUp,
        ReleasedBy::Network => MessageEnd::Network,
        ReleasedBy::Agent | ReleasedBy::Engine => MessageEnd::Interrupted,
    }
}

impl Switchboard {
    fn start_message(&mut self, now: Instant, facts: &Facts, message: Message) -> u64 {
        let (call, leg) = (facts.id, facts.leg.id);
        let file = self.file_name(now, call, &format!("message-{}", message.nth));
        let event = Event::MessageBegan {
            call,
            message: message.nth,
            file: file.clone(),
            kind: message.kind,
            queue: message.queue,
            seat: message.seat,
        };
        let open = OpenRecording {
            call,
            file,
            message: Some(message),
        };
        let recording = self.begin_recording(leg, None, open);
        self.happened(now, event);
        recording
    }

    /// How long it is, ms; `None` where it could not be written.
    fn stop_message(&mut self, now: Instant, recording: u64, ended: MessageEnd) -> Option<u64> {
        self.media(Command::StopRecord { recording });
        let message = self.recordings.get_mut(&recording)?.message.as_mut()?;
        message.ended = Some(ended);
        Some(now.millis_since(message.began))
    }
}

impl OpenRecording {
    /// What the journal says when the file is complete.
    pub fn closed(self, ms: u64, sha256: String) -> Event {
        let Self {
            call,
            file,
            message,
        } = self;
        let Some(message) = message else {
            return Event::RecordingClosed {
                call,
                file,
                ms,
                sha256,
            };
        };
        Event::MessageLeft {
            call,
            message: message.nth,
            file,
            kind: message.kind,
            queue: message.queue,
            seat: message.seat,
            ms,
            sha256,
            // Not told: its leg is gone by a fault of the engine.
            ended: message.ended.unwrap_or(MessageEnd::Interrupted),
        }
    }

    /// What it says when the file could not be written.
    pub fn failed(self, cause: String) -> Event {
        let (call, file): (CallId, String) = (self.call, self.file);
        Event::RecordingFailed { call, file, cause }
    }
}
