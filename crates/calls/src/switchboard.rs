//! What a call can act upon: the endpoint, the floor, the media, the journal. One per exchange,
//! lent to the stage that handles an input.

use core::{net::IpAddr, time::Duration};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use hotline_acd::{Floor, Input as FloorInput};
use hotline_media::{
    Command, Formats, Stats,
    sdp::{self, Dtls, Family, Terms},
};
use hotline_model::{
    CallId, Instant, LegId, MediaThread, PhoneId, QueueId, SeatId, Timestamp,
    event::{Event, Party, Stamped},
    guest::{GuestMode, GuestName},
    request::Request,
    seat::{Device, Work},
};
use hotline_sip::{
    endpoint::{DialogId, Endpoint, HangUpReason},
    path::Path,
    registration::Registrar,
};

use crate::{
    attached::Attached,
    blacklist::Blacklist,
    call::Facts,
    callback::Callbacks,
    callers::Callers,
    exchange::Output,
    leg::{Leg, NOBODY, ToMedia},
    lendings::{Aor, Lendings},
    media_threads::MediaThreads,
    messages::Message,
    ports::Ports,
    privacy::{Secrets, Srtp},
    routing::trunk_at,
    settings::{Settings, SharedPhone},
    trunks::Trunks,
};

/// Which call a leg or a dialog belongs to, and which of its sides it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The citizen's side.
    Caller,
    /// The seat's side.
    Agent,
    /// The side of a seat that is rung to take the call over.
    Target,
    /// The side of a guest that takes part: see [`crate::guests`].
    Guest,
}

/// Who owns a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A call.
    Call(CallId, Side),
    /// A seat that dialled a star code.
    Service,
    /// The talk of two seats, by its number.
    Consult(u64),
    /// A consulted seat that wants to take a caller over.
    TakeOver,
}

/// Our end of a peer's sound: at which address of ours, and how private.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Our address.
    pub address: IpAddr,
    /// What its session descriptions may agree on.
    pub terms: Terms,
    /// Where the peer's signalling comes from, when its sound may come from there too although its
    /// session says another address: a NAT lies between.
    pub seen_at: Option<IpAddr>,
}

/// A recording that is being written, for the report that closes it.
#[derive(Clone, Debug)]
pub struct OpenRecording {
    /// The call.
    pub call: CallId,
    /// File name inside the recordings folder.
    pub file: String,
    /// What the caller says alone, where it is not a talk.
    pub message: Option<Message>,
}

/// Whose leg is being closed.
struct Closing {
    call: CallId,
    party: Party,
    /// A guest, and how it took part last.
    guest: Option<(GuestName, GuestMode)>,
}

/// Everything outside a call that the call may use.
pub struct Switchboard {
    /// What is configured.
    pub settings: Arc<Settings>,
    /// SIP.
    pub endpoint: Endpoint,
    /// The seats' phones.
    pub registrar: Registrar<Aor>,
    /// Which shared phone is which seat's.
    pub lendings: Lendings,
    /// The distributor.
    pub floor: Floor,
    /// The engine is about to stop: what would be cut off is not begun.
    pub draining: bool,
    /// The carriers' lines: which are up, and what they carry.
    pub trunks: Trunks,
    /// Imperatives for the shell, in order.
    pub outputs: VecDeque<Output>,
    /// Recordings being written.
    pub recordings: BTreeMap<u64, OpenRecording>,
    /// Who is not served.
    pub blacklist: Blacklist,
    /// Who called before.
    pub callers: Callers,
    /// Which call is with which seat, for the journal's sake.
    pub attached: Attached,
    /// Callers who are to be called back.
    pub callbacks: Callbacks,
    /// Ports that are open before anybody needs them.
    pub ports: Ports,
    legs: BTreeMap<LegId, Owner>,
    threads: MediaThreads,
    dialogs: BTreeMap<DialogId, LegId>,
    /// Seats' own calls, whose first side is the seat's.
    dialled: BTreeSet<CallId>,
    lines: BTreeMap<SeatId, u32>,
    /// Legs being closed, whose worker will say what they heard.
    closing: BTreeMap<LegId, Closing>,
    /// When the seats were found to which INVITEs went in this turn.
    invited: Vec<Instant>,
    next_leg: u64,
    next_recording: u64,
    secrets: Secrets,
    wall_at_start: Timestamp,
}

impl Switchboard {
    pub(crate) fn new(settings: Settings, seed: [u8; 32], wall_at_start: Timestamp) -> Self {
        let endpoint = Endpoint::new(
            hotline_sip::endpoint::EndpointSettings::new(
                settings.product.clone(),
                "hotline".to_owned(),
                settings.realm.clone(),
            ),
            seed,
        );
        let floor = Floor::new(
            settings
                .queues
                .iter()
                .map(|queue| queue.floor.clone())
                .collect(),
            settings
                .seats
                .iter()
                .map(|seat| seat.floor.clone())
                .collect(),
        );
        let mut trunks_seed = seed;
        // What is drawn for trunks must not tell of branches and tags, which everybody sees.
        trunks_seed.iter_mut().for_each(|byte| *byte ^= 0x36);
        // Nor of keys; 0x5C makes the key of nonces.
        let keys_seed = seed.map(|byte| byte ^ 0x6A);
        Self {
            trunks: Trunks::new(&settings.trunks, trunks_seed),
            threads: MediaThreads::new(settings.media_threads),
            settings: Arc::new(settings),
            endpoint,
            registrar: Registrar::new(),
            lendings: Lendings::default(),
            floor,
            draining: false,
            outputs: VecDeque::new(),
            recordings: BTreeMap::new(),
            blacklist: Blacklist::default(),
            callers: Callers::default(),
            attached: Attached::default(),
            callbacks: Callbacks::default(),
            ports: Ports::default(),
            invited: Vec::new(),
            legs: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            dialled: BTreeSet::new(),
            lines: BTreeMap::new(),
            closing: BTreeMap::new(),
            next_leg: 1,
            next_recording: 1,
            secrets: Secrets::new(keys_seed),
            wall_at_start,
        }
    }

    /// The shell read the wall clock: timestamps follow it from now on. Durations never do.
    pub(crate) fn wall_clock_read(&mut self, now: Instant, wall: Timestamp) {
        let up = i64::try_from(now.since_start().as_millis()).unwrap_or(i64::MAX);
        self.wall_at_start = Timestamp(wall.0.saturating_sub(up));
    }

    /// Wall-clock time at `now`.
    pub fn wall(&self, now: Instant) -> Timestamp {
        self.wall_at_start.after(now.since_start())
    }

    /// Writes an event into the journal.
    pub fn happened(&mut self, now: Instant, event: Event) {
        self.attached.note(now, &event);
        let wall = self.wall(now);
        self.callers.note(wall, &event);
        self.blacklist.note(wall, &event);
        match event {
            Event::CallDialled { call, .. } => drop(self.dialled.insert(call)),
            Event::DialEnded { call, .. } => drop(self.dialled.remove(&call)),
            _ => {}
        }
        let up_ms = now.millis_since(Instant::START);
        self.outputs.push_back(Output::Event(Stamped {
            at: self.wall(now),
            up_ms,
            event,
        }));
    }

    /// Journals what a seat wished for by its phone, once it is known what became of it.
    pub fn phone_asked(&mut self, now: Instant, seat: SeatId, wish: Request, done: bool) {
        let event = Event::SeatRequested {
            seat,
            request: wish.to_string(),
            through: "phone".to_owned(),
            done,
        };
        self.happened(now, event);
    }

    /// The instant of a time of the wall clock, as that goes now; the start where it is before.
    pub fn instant_of(&self, wall: Timestamp) -> Instant {
        let ms = wall.0.saturating_sub(self.wall_at_start.0);
        Instant::from_start(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
    }

    /// Journals what is known of a caller who asks for a human in this queue, and says for which
    /// seat, and how long, the caller is to hold out.
    pub fn recognise(
        &mut self,
        now: Instant,
        facts: &Facts,
        queue: QueueId,
    ) -> Option<(SeatId, Duration)> {
        if facts.withheld || facts.trunk.is_none() {
            return None;
        }
        let mut queues = self.settings.queues.iter();
        let regulars = queues.find(|it| it.floor.id == queue)?.regulars;
        let known = self
            .callers
            .recognise(&facts.caller, self.wall(now), regulars.window);
        if known.calls > 1 || known.last_seat.is_some() {
            let event = Event::CallerRecognised {
                call: facts.id,
                queue,
                calls: known.calls,
                within_h: regulars.window.as_secs() / 3_600,
                last_seat: known.last_seat,
            };
            self.happened(now, event);
        }
        let seat = known.last_seat?;
        (!regulars.hold_out.is_zero()).then_some((seat, regulars.hold_out))
    }

    /// Tells the distributor something, and journals it first; the decisions are drained before the
    /// turn ends.
    pub fn floor(&mut self, now: Instant, input: FloorInput) {
        self.happened(now, Event::FloorTold { ns: now, input });
        self.floor.handle_input(now, input);
    }

    /// A new leg of `owner`; a media port of our end's address is taken or asked for at once, and
    /// its owner hears of it later, be it in the same turn. It goes to the
    /// media thread of the leg `beside` which it is opened: every leg of a call beside the call's
    /// first, whatever a seat opens beside what it takes part in already. So those who can ever
    /// hear each other meet in one thread.
    pub fn open_leg(&mut self, owner: Owner, end: End, beside: Option<LegId>) -> Leg {
        let beside = beside.filter(|&leg| leg != NOBODY);
        let thread = beside.map_or_else(|| self.threads.choose(), LegId::thread);
        let id = self.new_leg(owner, thread);
        self.open_port(id, &end);
        Leg::new(id, end)
    }

    fn new_leg(&mut self, owner: Owner, thread: MediaThread) -> LegId {
        let id = LegId(thread.number(self.next_leg));
        self.next_leg += 1;
        self.legs.insert(id, owner);
        self.threads.opens(id);
        id
    }

    /// Forgets a leg, and gives whose it was.
    fn forget_leg(&mut self, leg: LegId) -> Option<Owner> {
        let owner = self.legs.remove(&leg)?;
        self.threads.closes(leg);
        self.ports.forget(leg);
        self.trunks.released(leg);
        Some(owner)
    }

    /// The leg's media thread has no port for it: asks another that has room, under another number.
    /// False where all were asked. Only for a leg that nothing was agreed for and no other meets yet.
    pub fn reopen_leg(&mut self, leg: &mut Leg) -> bool {
        let before = leg.id;
        let Some(thread) = self.threads.choose_other(before.thread(), &mut leg.asked) else {
            return false;
        };
        let Some(owner) = self.legs.remove(&before) else {
            return false;
        };
        self.threads.gave_up(before);
        self.ports.forget(before);
        leg.id = self.new_leg(owner, thread);
        if let Some(dialog) = leg.dialog {
            self.dialogs.insert(dialog, leg.id);
        }
        self.trunks.renamed(before, leg.id);
        self.open_port(leg.id, &leg.end());
        true
    }

    /// The media thread had no port for a leg: new calls go elsewhere until one of its legs is gone.
    pub(crate) fn thread_lacks_port(&mut self, thread: MediaThread) {
        self.threads.lacks_port(thread);
    }

    /// A media thread ended by a fault of its own, and what it owned with it: the legs that are to
    /// be taken for broken.
    pub(crate) fn lose_thread(&mut self, thread: MediaThread) -> Vec<LegId> {
        self.threads.lost(thread);
        self.ports.lost(thread);
        let legs = self.legs.keys().copied();
        legs.filter(|leg| leg.thread() == thread).collect()
    }

    fn open_port(&mut self, leg: LegId, end: &End) {
        let asked = match end.terms.dtls {
            Some(Dtls { ice, .. }) => [Some(self.ports.join(leg, ice.ufrag)), None],
            None => self.ports.open(leg, end.address),
        };
        for command in asked.into_iter().flatten() {
            self.media(command);
        }
    }

    /// An INVITE goes to a seat that was found at this instant for a caller who waited.
    pub(crate) fn invites(&mut self, found: Instant) {
        self.invited.push(found);
    }

    /// Has measured what went out in this turn.
    pub(crate) fn measure_invites(&mut self) {
        let measures = self.invited.drain(..);
        self.outputs
            .extend(measures.map(|since| Output::MeasureInvite { since }));
    }

    /// The leg goes on at another address of ours: a media port of it is asked for. What was agreed
    /// is void.
    pub fn move_leg(&mut self, leg: &mut Leg, end: End) {
        self.media(Command::Close { leg: leg.id });
        self.ports.forget(leg.id);
        self.open_port(leg.id, &end);
        leg.moved(end);
    }

    /// Nobody says any more what the closed legs of this thread heard.
    pub(crate) fn hears_no_more_of(&mut self, thread: MediaThread) {
        self.closing.retain(|leg, _| leg.thread() != thread);
    }

    /// Our address for the sound of a peer that is reached by `path` and made this `offer` (empty:
    /// none yet): the one its signalling uses, where the offer is not of the other IP version. A
    /// browser may stand behind a proxy whose addresses say nothing of the browser's: the main
    /// address is for it.
    pub fn sound_address(&self, path: &Path, offer: &[u8]) -> IpAddr {
        let usual = if path.transport.is_websocket() {
            self.settings.media_address
        } else {
            path.local.ip()
        };
        let Some(family) = sdp::family(offer) else {
            return usual;
        };
        let mut addresses = core::iter::once(usual).chain(self.settings.addresses());
        let fitting = addresses.find(|address| Family::of(address) == family);
        fitting.unwrap_or(usual)
    }

    /// Our end of the sound of a seat's phone that is reached by `path` and made this `offer`
    /// (empty: none yet); see [`Switchboard::sound_address`].
    pub fn seat_end(&mut self, seat: SeatId, path: &Path, offer: &[u8]) -> End {
        let srtp = match self.lent_at(seat, path) {
            Some(phone) => Some(phone.srtp),
            None => self.settings.seat(seat).map(|seat| seat.srtp),
        };
        self.end_of_phone(srtp.unwrap_or_default(), path, offer)
    }

    fn end_of_phone(&mut self, srtp: Srtp, path: &Path, offer: &[u8]) -> End {
        let formats = self.settings.formats.seats;
        // A browser's address is found by ICE.
        let seen_at = (!path.transport.is_websocket()).then(|| path.remote.ip());
        End {
            seen_at,
            ..self.end((srtp, formats), path, offer)
        }
    }

    /// Our end of the sound of a shared phone that is no seat's; as [`Switchboard::seat_end`].
    pub(crate) fn phone_end(&mut self, phone: PhoneId, path: &Path, offer: &[u8]) -> End {
        let srtp = self.settings.phone(phone).map(|phone| phone.srtp);
        self.end_of_phone(srtp.unwrap_or_default(), path, offer)
    }

    /// Our end of the sound of a trunk; as [`Switchboard::seat_end`].
    pub fn trunk_end(&mut self, path: &Path, offer: &[u8]) -> End {
        let srtp = trunk_at(&self.settings, path.remote).map(|trunk| trunk.srtp);
        let formats = self.settings.formats.trunks;
        self.end((srtp.unwrap_or_default(), formats), path, offer)
    }

    fn end(&mut self, (srtp, formats): (Srtp, Formats), path: &Path, offer: &[u8]) -> End {
        let terms = match self.settings.browsers {
            Some(fingerprint) if path.transport.is_websocket() => {
                self.secrets.browser_terms(fingerprint)
            }
            _ => self.secrets.terms(srtp, path),
        };
        End {
            address: self.sound_address(path, offer),
            terms: Terms { formats, ..terms },
            seen_at: None,
        }
    }

    /// The shared phone of `seat` that is reached by `path`.
    fn lent_at(&self, seat: SeatId, path: &Path) -> Option<&SharedPhone> {
        let phone = self.lendings.phone_of(seat)?;
        let mut contacts = self.registrar.contacts(Aor::Phone(phone)).iter();
        contacts.find(|contact| contact.path == *path)?;
        self.settings.phone(phone)
    }

    /// The seat for which a phone speaks that proved to be this.
    pub fn seat_of(&self, proven: Aor) -> Option<SeatId> {
        match proven {
            Aor::Seat(seat) => Some(seat),
            Aor::Phone(phone) => self.lendings.seat_at(phone),
        }
    }

    /// Whether a phone of the seat can be reached: its own, or one that it was lent.
    pub fn device_of(&self, seat: SeatId) -> Device {
        let lent = self.lendings.phone_of(seat).map(Aor::Phone);
        let mut all = [Some(Aor::Seat(seat)), lent].into_iter().flatten();
        if all.any(|whose| self.registrar.contact(whose).is_some()) {
            Device::Registered
        } else {
            Device::Unregistered
        }
    }

    /// A phone of the seat came, moved or went: journals it, and tells the floor.
    pub(crate) fn note_device(&mut self, now: Instant, seat: SeatId, detail: String) {
        let device = self.device_of(seat);
        let event = Event::SeatDeviceChanged {
            seat,
            device,
            detail,
        };
        self.happened(now, event);
        self.floor(now, FloorInput::SetDevice { seat, device });
    }

    /// The phones of a seat that are to ring, by URI and path: all of the highest preference
    /// (RFC 3261 §20.10) of those that registered as the seat, and of one that it was lent.
    pub fn phones_of(&self, seat: SeatId) -> Vec<(String, Path)> {
        let lent = self.lendings.phone_of(seat).map(Aor::Phone);
        let all = [lent, Some(Aor::Seat(seat))].into_iter().flatten();
        all.flat_map(|whose| self.registrar.contacts_to_ring(whose))
            .map(|contact| (contact.uri.clone(), contact.path))
            .collect()
    }

    /// Ties a dialog to a leg.
    pub fn connect_dialog(&mut self, dialog: DialogId, leg: &mut Leg) {
        leg.dialog = Some(dialog);
        self.dialogs.insert(dialog, leg.id);
    }

    /// Ends a leg: hangs up its dialog where it still has one, and closes its media.
    pub fn close_leg(&mut self, now: Instant, leg: &mut Leg, reason: Option<HangUpReason>) {
        if leg.id == NOBODY {
            return;
        }
        self.hang_up_dialog(now, leg, reason);
        // One that never agreed heard nothing, and may not exist at the worker.
        if let Some(Owner::Call(call, side)) = self.forget_leg(leg.id)
            && leg.agreed().is_some()
        {
            let party = self.party(call, side);
            let guest = None;
            self.closing.insert(leg.id, Closing { call, party, guest });
        }
        self.media(Command::Close { leg: leg.id });
    }

    /// Who is at this side of a call: in a seat's own call the seat is the one who called.
    fn party(&self, call: CallId, side: Side) -> Party {
        let is_dialled = self.dialled.contains(&call);
        match side {
            Side::Guest => Party::Guest,
            Side::Caller if !is_dialled => Party::Caller,
            Side::Agent if is_dialled => Party::Caller,
            Side::Caller | Side::Agent | Side::Target => Party::Agent,
        }
    }

    /// The leg that was just closed was this guest's: what is told of it later is so, too.
    pub fn closed_guest(&mut self, leg: LegId, guest: &GuestName, mode: GuestMode) {
        if let Some(closing) = self.closing.get_mut(&leg) {
            closing.guest = Some((guest.clone(), mode));
        }
    }

    /// Hangs up a leg's dialog where it still has one; the leg stays, for another dialog.
    pub fn hang_up_dialog(&mut self, now: Instant, leg: &mut Leg, reason: Option<HangUpReason>) {
        if let Some(dialog) = leg.dialog.take() {
            self.dialogs.remove(&dialog);
            self.endpoint.hang_up(now, dialog, reason);
        }
    }

    /// Has the floor keep the seat for the call. False where it cannot.
    pub fn reserve(&mut self, now: Instant, call: CallId, to: SeatId) -> bool {
        self.floor(now, FloorInput::Transfer { call, to });
        let seat = self.floor.seat(to);
        seat.is_some_and(|view| view.work == Work::Reserved && view.call == Some(call))
    }

    /// A seat has a call that the floor did not send: it is offered none until its last such call
    /// is over.
    pub fn seat_takes_line(&mut self, now: Instant, seat: SeatId) {
        let lines = self.lines.entry(seat).or_default();
        *lines += 1;
        if *lines == 1 {
            self.floor(now, FloorInput::SeatBusy { seat, busy: true });
        }
    }

    /// Whether the seat has a call that the floor did not send.
    pub fn has_line(&self, seat: SeatId) -> bool {
        self.lines.contains_key(&seat)
    }

    /// A call that the floor did not send is over.
    pub fn seat_leaves_line(&mut self, now: Instant, seat: SeatId) {
        let Some(lines) = self.lines.get_mut(&seat) else {
            return;
        };
        *lines -= 1;
        if *lines == 0 {
            self.lines.remove(&seat);
            self.floor(now, FloorInput::SeatBusy { seat, busy: false });
        }
    }

    /// The dialog of a leg is gone by itself (the peer hung up): nothing is left to hang up.
    pub fn forget_dialog(&mut self, leg: &mut Leg) {
        if let Some(dialog) = leg.dialog.take() {
            self.dialogs.remove(&dialog);
        }
    }

    /// A seat's own call is over without a word of its own.
    pub(crate) fn forget_dialled(&mut self, call: CallId) {
        self.dialled.remove(&call);
    }

    /// Forgets all legs of a call, and gives each with its dialog.
    pub(crate) fn release_legs(&mut self, call: CallId) -> Vec<(LegId, Option<DialogId>)> {
        let of_call = |owner: &Owner| matches!(owner, Owner::Call(id, _) if *id == call);
        let legs: Vec<LegId> = self
            .legs
            .iter()
            .filter(|(_, owner)| of_call(owner))
            .map(|(&leg, _)| leg)
            .collect();
        legs.into_iter()
            .map(|leg| {
                self.forget_leg(leg);
                let dialog = self
                    .dialogs
                    .iter()
                    .find(|(_, of)| **of == leg)
                    .map(|(&d, _)| d);
                if let Some(dialog) = dialog {
                    self.dialogs.remove(&dialog);
                }
                (leg, dialog)
            })
            .collect()
    }

    /// The leg is another's, or another side, from now on.
    pub fn give_leg(&mut self, leg: LegId, owner: Owner) {
        if let Some(before) = self.legs.get_mut(&leg) {
            *before = owner;
        }
    }

    /// Journals what a leg of a call heard until it was closed.
    pub fn leg_closed(&mut self, now: Instant, leg: LegId, stats: &Stats) {
        let Some(Closing { call, party, guest }) = self.closing.remove(&leg) else {
            return;
        };
        // Where nothing was heard there is nothing to judge.
        let Some(score) = stats.score else { return };
        let (guest, mode) = guest.unzip();
        let event = Event::SoundMeasured {
            call,
            party,
            guest,
            mode,
            received: stats.received,
            lost: stats.lost,
            jitter_us: stats.jitter_us,
            round_trip_us: stats.round_trip_us,
            score,
        };
        self.happened(now, event);
    }

    /// Who owns `leg`.
    pub fn owner(&self, leg: LegId) -> Option<Owner> {
        self.legs.get(&leg).copied()
    }

    /// The leg of `dialog`.
    pub fn leg_of(&self, dialog: DialogId) -> Option<LegId> {
        self.dialogs.get(&dialog).copied()
    }

    /// Legs of each media thread.
    pub fn threads(&self) -> &MediaThreads {
        &self.threads
    }

    /// Live legs, for the checks of tests and the metrics.
    pub fn live_legs(&self) -> usize {
        self.legs.len()
    }

    /// A leg hears music until something else is played there, or it is bridged.
    pub fn play_music(&mut self, leg: LegId, play: u32) {
        let clips = self.settings.prompts.music();
        self.media(Command::Play {
            leg,
            play,
            clips,
            repeat: true,
        });
    }

    /// A leg hears the ring-back tone until something else is played there, or it is stopped.
    pub fn play_ring_back(&mut self, leg: LegId, play: u32) {
        let clips = self.settings.prompts.ring_back();
        self.media(Command::Play {
            leg,
            play,
            clips,
            repeat: true,
        });
    }

    /// Starts a two-channel recording of `left` (caller) and `right` (agent) into a file named by
    /// local date, time and call, and says so in the journal.
    pub fn start_recording(
        &mut self,
        now: Instant,
        call: CallId,
        nth: u32,
        left: LegId,
        right: LegId,
    ) -> u64 {
        let file = self.file_name(now, call, &nth.to_string());
        let open = OpenRecording {
            call,
            file: file.clone(),
            message: None,
        };
        let recording = self.begin_recording(left, Some(right), open);
        self.happened(now, Event::RecordingStarted { call, file });
        recording
    }

    /// The name of a recording's file: local date, time, call, and what tells it from the call's
    /// others.
    pub(crate) fn file_name(&self, now: Instant, call: CallId, own: &str) -> String {
        let t = self.wall(now).civil(self.settings.utc_offset_minutes);
        format!(
            "{:04}{:02}{:02}-{:02}{:02}{:02}-{:06}-{own}.wav",
            t.year, t.month, t.day, t.hour, t.minute, t.second, call.0
        )
    }

    /// Begins a file with what these legs say.
    pub(crate) fn begin_recording(
        &mut self,
        left: LegId,
        right: Option<LegId>,
        open: OpenRecording,
    ) -> u64 {
        let recording = left.thread().number(self.next_recording);
        self.next_recording += 1;
        self.outputs.push_back(Output::BeginRecording {
            recording,
            file: open.file.clone(),
            alone: right.is_none(),
        });
        self.recordings.insert(recording, open);
        self.media(Command::Record {
            recording,
            left,
            right,
        });
        recording
    }

    /// Ends a recording; the report of the closed file follows.
    pub fn stop_recording(&mut self, recording: u64) {
        self.media(Command::StopRecord { recording });
    }
}

impl ToMedia for Switchboard {
    fn media(&mut self, command: Command) {
        self.outputs.push_back(Output::Media(command));
    }
}
