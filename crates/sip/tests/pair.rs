//! Two endpoints over a simulated network that loses, doubles and reorders: whatever it does,
//! every transaction ends as RFC 3261 §17 says, both sides agree, and nothing is left behind.

#![cfg(test)]

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use hotline_model::{Instant, SeatId};
use hotline_sip::{
    endpoint::{
        Counts, DialogId, EndedBy, Endpoint, EndpointSettings, Event, Invitation, OutgoingRequest,
        Output, RequestId,
    },
    message::{Framing, Message},
    path::{Path, Transport},
    registration::Registrar,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// Chances of the weather, in thousandths of a datagram, and its longest delay.
#[derive(Clone, Copy, Debug)]
struct Weather {
    lost: u32,
    doubled: u32,
    slowest_ms: u32,
}

/// What the user of a side does, and when.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Invite,
    /// An INVITE that requires 100rel.
    InviteReliably,
    Ring,
    /// A 183 with the answer: reliable, for both sides know 100rel.
    Progress,
    Answer,
    Reject(u16),
    HangUp,
    Reoffer(u32),
    /// The same in an early dialog.
    ReofferEarly(u32),
    Register(u32),
}

/// What a side's user saw and did of its one dialog.
#[derive(Default)]
struct User {
    dialog: Option<DialogId>,
    /// It ended the dialog itself: no event may follow.
    quit: bool,
    answered_here: bool,
    rejected_with: Option<u16>,
    saw_answer: bool,
    saw_ack: bool,
    /// An offer of it was refused, or found no answer.
    saw_refusal: bool,
    /// Offers agreed on before the call was answered.
    early_offers: u32,
    /// The event that ended the dialog.
    end: Option<Event>,
    /// The number of the last offer both sides agreed on, as this side knows it.
    session: u32,
    pending_offers: u32,
    registered: u32,
    requests: BTreeMap<RequestId, bool>,
}

struct Side {
    endpoint: Endpoint,
    address: SocketAddr,
    user: User,
    registrar: Registrar,
    /// Every request sent, by branch and method; every final status sent, likewise.
    sent: BTreeMap<Vec<u8>, Arc<[u8]>>,
    finals: BTreeMap<Vec<u8>, u16>,
}

/// A thing that will happen.
enum Next {
    Arrive {
        to: usize,
        path: Path,
        bytes: Arc<[u8]>,
    },
    Do {
        side: usize,
        deed: Deed,
    },
    Break,
}

struct World {
    now: Instant,
    sides: [Side; 2],
    agenda: BTreeMap<(Instant, u64), Next>,
    order: u64,
    random: ChaCha8Rng,
    weather: Weather,
    transport: Transport,
    /// The stream that is open, and when its last byte arrives at each side.
    stream: u64,
    stream_busy: [Instant; 2],
    /// Requests of this method never arrive, from when on.
    swallowed: Option<(&'static [u8], Instant)>,
    seed: u64,
}

/// Session interval both sides ask for, seconds: the shortest there is, so that every call that
/// lasts has refreshes.
const SESSION_S: u32 = 90;

fn seat() -> SeatId {
    SeatId::new("1001").unwrap()
}

impl World {
    fn new(seed: u64, transport: Transport, weather: Weather) -> Self {
        let side = |n: u8| Side {
            endpoint: Endpoint::new(
                EndpointSettings {
                    session_expires_s: SESSION_S,
                    ..EndpointSettings::new(format!("side{n}"), format!("user{n}"), "test")
                },
                [n ^ seed as u8; 32],
            ),
            address: SocketAddr::from(([10, 0, 0, n], 5060)),
            user: User::default(),
            registrar: Registrar::new(),
            sent: BTreeMap::new(),
            finals: BTreeMap::new(),
        };
        Self {
            now: Instant::START,
            sides: [side(1), side(2)],
            agenda: BTreeMap::new(),
            order: 0,
            random: ChaCha8Rng::seed_from_u64(seed),
            weather,
            transport,
            stream: 1,
            stream_busy: [Instant::START; 2],
            swallowed: None,
            seed,
        }
    }

    fn chance(&mut self, thousandths: u32) -> bool {
        self.random.next_u32() % 1_000 < thousandths
    }

    fn between(&mut self, least_ms: u32, most_ms: u32) -> Duration {
        let ms = least_ms + self.random.next_u32() % (most_ms - least_ms + 1);
        Duration::from_millis(u64::from(ms))
    }

    fn at(&mut self, when: Instant, next: Next) {
        self.order += 1;
        self.agenda.insert((when, self.order), next);
    }

    fn plan(&mut self, side: usize, ms: u64, deed: Deed) {
        let when = Instant::START + Duration::from_millis(ms);
        self.at(when, Next::Do { side, deed });
    }

    fn path(&self, from: usize, connection: u64) -> Path {
        Path {
            transport: self.transport,
            local: self.sides[from].address,
            remote: self.sides[1 - from].address,
            connection,
        }
    }

    /// When something happens next.
    fn next_moment(&self) -> Option<Instant> {
        let wakes = self
            .sides
            .iter()
            .filter_map(|side| side.endpoint.next_wake());
        let agenda = self.agenda.keys().next().map(|key| key.0);
        wakes.chain(agenda).min()
    }

    /// Runs until nothing is left to happen, or until `end`.
    fn run_until(&mut self, end: Instant) {
        while let Some(now) = self.next_moment() {
            if now > end {
                return;
            }
            self.now = self.now.max(now);
            while let Some(entry) = self.agenda.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let next = entry.remove();
                self.happen(next);
            }
            for side in 0..2 {
                self.sides[side].endpoint.wake(self.now);
                self.drain(side);
            }
        }
    }

    /// Runs until nothing is left to happen; the virtual time it takes is bounded.
    fn run(&mut self) {
        self.run_until(Instant::START + Duration::from_secs(1_200));
        assert_eq!(
            self.next_moment(),
            None,
            "seed {}: it never ends",
            self.seed
        );
    }

    fn happen(&mut self, next: Next) {
        match next {
            Next::Arrive { to, path, bytes } => {
                if self.transport == Transport::Tcp && path.connection != self.stream {
                    return;
                }
                self.sides[to].endpoint.receive(self.now, path, &bytes);
                self.drain(to);
            }
            Next::Do { side, deed } => {
                self.act(side, deed);
                self.drain(side);
            }
            Next::Break => {
                let broken = self.stream;
                self.stream += 1;
                for side in 0..2 {
                    let path = self.path(side, broken);
                    self.sides[side].endpoint.path_lost(self.now, path);
                    self.drain(side);
                }
            }
        }
    }

    fn drain(&mut self, side: usize) {
        while let Some(output) = self.sides[side].endpoint.poll_output() {
            match output {
                Output::Transmit { path, bytes } => self.transmit(side, path, bytes),
                Output::Event(event) => self.hear(side, event),
                Output::ClosePath(_) => {}
            }
        }
    }

    fn transmit(&mut self, from: usize, path: Path, bytes: Arc<[u8]>) {
        self.watch(from, &bytes);
        assert_eq!(path.remote, self.sides[1 - from].address);
        if let Some((method, since)) = self.swallowed
            && bytes.starts_with(method)
            && self.now >= since
        {
            return;
        }
        if self.transport == Transport::Tcp {
            if path.connection != 0 && path.connection != self.stream {
                // The connection is gone: the shell says so.
                self.sides[from].endpoint.path_lost(self.now, path);
                return;
            }
            let delay = self.between(1, 40);
            let when = (self.now + delay).max(self.stream_busy[1 - from]);
            self.stream_busy[1 - from] = when;
            let path = self.path(1 - from, self.stream);
            return self.at(
                when,
                Next::Arrive {
                    to: 1 - from,
                    path,
                    bytes,
                },
            );
        }
        let copies = match (
            self.chance(self.weather.lost),
            self.chance(self.weather.doubled),
        ) {
            (true, _) => 0,
            (false, true) => 2,
            (false, false) => 1,
        };
        for _ in 0..copies {
            let delay = self.between(1, self.weather.slowest_ms);
            let path = self.path(1 - from, 0);
            let bytes = Arc::clone(&bytes);
            self.at(
                self.now + delay,
                Next::Arrive {
                    to: 1 - from,
                    path,
                    bytes,
                },
            );
        }
    }

    /// What a wire may never carry.
    fn watch(&mut self, from: usize, bytes: &Arc<[u8]>) {
        let seed = self.seed;
        let framing = match self.transport {
            Transport::Udp | Transport::Ws | Transport::Wss => Framing::Datagram,
            Transport::Tcp | Transport::Tls => Framing::Stream,
        };
        let message = Message::parse(bytes, framing).expect("our own message");
        let mut key = message.via().branch().unwrap().to_vec();
        key.push(b' ');
        key.extend_from_slice(message.cseq().1.as_bytes());
        let side = &mut self.sides[from];
        if message.is_request() {
            let first = side.sent.entry(key).or_insert_with(|| Arc::clone(bytes));
            assert_eq!(
                first, bytes,
                "seed {seed}: a retransmission is the same message"
            );
        } else if message.status() >= 200 {
            let status = *side.finals.entry(key.clone()).or_insert(message.status());
            assert_eq!(status, message.status(), "seed {seed}: one final status");
        } else {
            assert!(
                !side.finals.contains_key(&key),
                "seed {seed}: nothing provisional after a final response"
            );
        }
    }

    fn act(&mut self, side: usize, deed: Deed) {
        let (now, seed) = (self.now, self.seed);
        let path = self.path(side, 0);
        let Side { endpoint, user, .. } = &mut self.sides[side];
        match (deed, user.dialog) {
            (Deed::Invite | Deed::InviteReliably, None) => {
                let required = matches!(deed, Deed::InviteReliably)
                    .then(|| ("Require".to_owned(), "100rel".to_owned()));
                let invitation = Invitation {
                    path,
                    target: "sip:b@10.0.0.2".into(),
                    from: "<sip:a@10.0.0.1>".into(),
                    to: "<sip:b@10.0.0.2>".into(),
                    body: b"0".to_vec(),
                    headers: required.into_iter().collect(),
                    credentials: None,
                    ring_for: (seed % 3 == 0).then_some(Duration::from_secs(20)),
                    max_forwards: None,
                };
                user.dialog = Some(endpoint.invite(now, invitation));
            }
            (Deed::Ring, Some(dialog)) => endpoint.ring(now, dialog, 180, Vec::new()),
            (Deed::Progress, Some(dialog)) => endpoint.ring(now, dialog, 183, b"0".to_vec()),
            (Deed::ReofferEarly(number), Some(dialog)) if user.end.is_none() && !user.quit => {
                user.pending_offers += 1;
                endpoint.reoffer(now, dialog, number.to_string().into_bytes());
            }
            (Deed::Answer, Some(dialog)) if user.end.is_none() && !user.quit => {
                user.answered_here = user.rejected_with.is_none();
                endpoint.answer(now, dialog, b"0".to_vec());
            }
            (Deed::Reject(status), Some(dialog))
                if user.end.is_none() && !user.answered_here && !user.quit =>
            {
                user.rejected_with = Some(status);
                user.quit = true;
                endpoint.reject(now, dialog, status, &[]);
            }
            (Deed::HangUp, Some(dialog)) if user.end.is_none() => {
                user.quit = true;
                endpoint.hang_up(now, dialog, None);
            }
            (Deed::Reoffer(number), Some(dialog))
                if user.end.is_none() && !user.quit && (user.saw_answer || user.answered_here) =>
            {
                user.pending_offers += 1;
                endpoint.reoffer(now, dialog, number.to_string().into_bytes());
            }
            (Deed::Register(cseq), _) => {
                let outgoing = OutgoingRequest {
                    path,
                    method: "REGISTER".into(),
                    target: "sip:10.0.0.2".into(),
                    from: "<sip:1001@10.0.0.2>".into(),
                    to: "<sip:1001@10.0.0.2>".into(),
                    call_id: Some("register-series".into()),
                    cseq: Some(cseq),
                    headers: vec![("Contact".into(), "<sip:1001@10.0.0.1>".into())],
                    body: Vec::new(),
                    credentials: None,
                };
                let id = endpoint.request(now, outgoing);
                user.requests.insert(id, false);
            }
            _ => {}
        }
    }

    fn hear(&mut self, side: usize, event: Event) {
        let (now, seed) = (self.now, self.seed);
        let Side {
            endpoint,
            user,
            registrar,
            ..
        } = &mut self.sides[side];
        if let Some(dialog) = dialog_of(&event) {
            if let Event::Invited { .. } = event {
                assert_eq!(user.dialog, None, "seed {seed}: one INVITE, one call");
                user.dialog = Some(dialog);
            }
            assert_eq!(user.dialog, Some(dialog));
            assert!(!user.quit, "seed {seed}: {event:?} after the user quit");
            assert_eq!(user.end, None, "seed {seed}: {event:?} after the end");
        }
        match event {
            Event::Cancelled { .. } | Event::Refused { .. } | Event::Ended { .. } => {
                user.end = Some(event);
            }
            Event::Answered { body, .. } => {
                assert!(!user.saw_answer);
                assert_eq!(body, b"0", "seed {seed}: the answer, by 183 or 200");
                user.saw_answer = true;
            }
            Event::Acknowledged { .. } => user.saw_ack = true,
            Event::Reoffered { dialog, body } => {
                user.session = String::from_utf8(body.clone()).unwrap().parse().unwrap();
                endpoint.answer_offer(now, dialog, body);
            }
            Event::ReofferAnswered { body, .. } => {
                user.session = String::from_utf8(body).unwrap().parse().unwrap();
                user.pending_offers = 0;
                user.early_offers += u32::from(!user.saw_answer && !user.saw_ack);
            }
            Event::ReofferRefused { .. } => {
                user.pending_offers = 0;
                user.saw_refusal = true;
            }
            Event::Request { id, path, request } => {
                let message = request.message().unwrap();
                let answer = registrar.register(now, seat(), &message, path);
                user.registered += u32::from(answer.status == 200);
                endpoint.respond(now, id, answer.status, &answer.headers, Vec::new());
            }
            Event::Response { id, .. } => {
                let done = user.requests.get_mut(&id).expect("a request of ours");
                assert!(!*done, "seed {seed}: two answers to one request");
                *done = true;
            }
            Event::Invited { .. }
            | Event::Ringing { .. }
            | Event::Info { .. }
            | Event::Referred { .. }
            | Event::ReferProgress { .. } => {}
        }
    }

    /// After the last packet: both tables are empty, and the two stories fit together.
    fn check(&self) {
        let (seed, [caller, callee]) = (self.seed, &self.sides);
        for side in &self.sides {
            let Counts {
                dropped, refused, ..
            } = side.endpoint.counts();
            let empty = Counts {
                dropped,
                refused,
                ..Counts::default()
            };
            assert_eq!(
                side.endpoint.counts(),
                empty,
                "seed {seed}: all is forgotten"
            );
            assert!(side.user.requests.values().all(|done| *done), "seed {seed}");
        }
        let (a, b) = (&caller.user, &callee.user);
        if a.dialog.is_none() {
            return;
        }
        assert!(
            a.quit || a.end.is_some(),
            "seed {seed}: the caller hears an end"
        );
        if b.dialog.is_some() {
            assert!(
                b.quit || b.end.is_some(),
                "seed {seed}: the callee hears an end"
            );
        }
        if a.saw_answer {
            assert!(b.answered_here, "seed {seed}: nobody else could answer");
        }
        if b.saw_ack {
            assert!(a.saw_answer || a.quit || a.end.is_some(), "seed {seed}");
        }
        if let Some(Event::Refused { status, .. }) = &a.end {
            let refused = b.rejected_with == Some(*status);
            let rang_out = *status == 408 || *status == 503;
            let hung_up = *status == 480 && b.quit;
            // No PRACK came through.
            let unheard = *status == 504 && matches!(b.end, Some(Event::Cancelled { .. }));
            assert!(
                refused || rang_out || hung_up || unheard,
                "seed {seed}: {status}"
            );
            assert!(!a.saw_answer);
        }
        if let Some(Event::Ended {
            why: EndedBy::NoAck,
            ..
        }) = &b.end
        {
            assert!(!b.saw_ack, "seed {seed}");
        }
        if matches!(b.end, Some(Event::Cancelled { .. })) {
            assert!(!a.saw_answer, "seed {seed}: cancelled and answered");
        }
    }
}

const fn dialog_of(event: &Event) -> Option<DialogId> {
    match event {
        Event::Invited { dialog, .. }
        | Event::Cancelled { dialog }
        | Event::Acknowledged { dialog, .. }
        | Event::Reoffered { dialog, .. }
        | Event::ReofferAnswered { dialog, .. }
        | Event::ReofferRefused { dialog, .. }
        | Event::Ringing { dialog, .. }
        | Event::Answered { dialog, .. }
        | Event::Refused { dialog, .. }
        | Event::Ended { dialog, .. }
        | Event::Referred { dialog, .. }
        | Event::ReferProgress { dialog, .. }
        | Event::Info { dialog, .. } => Some(*dialog),
        Event::Request { .. } | Event::Response { .. } => None,
    }
}

const FAIR: Weather = Weather {
    lost: 0,
    doubled: 0,
    slowest_ms: 30,
};

/// From fair to foul by seed; delays up to 400 ms reorder everything.
fn weather(seed: u64) -> Weather {
    Weather {
        lost: [0, 50, 150, 300][seed as usize % 4],
        doubled: [0, 100, 300][seed as usize % 3],
        slowest_ms: [20, 100, 400][seed as usize / 4 % 3],
    }
}

fn world(seed: u64) -> World {
    World::new(seed, Transport::Udp, weather(seed))
}

#[test]
fn a_call_in_fair_weather_tells_the_plain_story() {
    let mut world = World::new(1, Transport::Udp, FAIR);
    world.plan(0, 0, Deed::Invite);
    world.plan(1, 200, Deed::Ring);
    world.plan(1, 2_000, Deed::Answer);
    world.plan(0, 9_000, Deed::HangUp);
    world.run();
    world.check();
    let [caller, callee] = &world.sides;
    assert!(caller.user.saw_answer && callee.user.saw_ack);
    assert!(matches!(
        callee.user.end,
        Some(Event::Ended {
            why: EndedBy::Bye,
            ..
        })
    ));
}

#[test]
fn calls_survive_any_weather() {
    let mut answered = 0;
    for seed in 0..1_200 {
        let mut world = world(seed);
        world.plan(0, 0, Deed::Invite);
        let (ring, answer) = (world.between(500, 1_500), world.between(1_500, 9_000));
        let end = world.between(12_000, 40_000).as_millis() as u64;
        world.plan(1, ring.as_millis() as u64, Deed::Ring);
        world.plan(1, answer.as_millis() as u64, Deed::Answer);
        let quitter = (seed % 2) as usize;
        world.plan(quitter, end, Deed::HangUp);
        if seed % 5 == 0 {
            // Both at once.
            world.plan(1 - quitter, end + seed % 7 * 30, Deed::HangUp);
        }
        world.run();
        world.check();
        answered += u32::from(world.sides[0].user.saw_answer);
        if weather(seed).lost <= 50 {
            // One loss in twenty is mended by repetition, always.
            let [caller, callee] = &world.sides;
            assert!(caller.user.saw_answer && callee.user.saw_ack, "seed {seed}");
        }
    }
    assert!(answered > 1_000, "{answered}");
}

#[test]
fn cancel_crosses_200_at_every_moment() {
    let (mut cancelled, mut crossed) = (0, 0);
    for seed in 0..1_500 {
        let mut world = world(seed);
        world.plan(0, 0, Deed::Invite);
        if seed % 3 > 0 {
            world.plan(1, 100, Deed::Ring);
        }
        let answer = world.between(200, 1_400).as_millis() as u64;
        let quit = world.between(0, 1_600).as_millis() as u64;
        match seed % 4 {
            3 => world.plan(1, answer, Deed::Reject(486)),
            _ => world.plan(1, answer, Deed::Answer),
        }
        world.plan(0, quit, Deed::HangUp);
        // Without the caller's word the callee would talk to nobody for ever.
        world.plan(1, 100_000, Deed::HangUp);
        world.run();
        world.check();
        let callee = &world.sides[1].user;
        cancelled += u32::from(matches!(callee.end, Some(Event::Cancelled { .. })));
        crossed += u32::from(
            callee.answered_here
                && !world.sides[0].user.saw_answer
                && matches!(callee.end, Some(Event::Ended { .. })),
        );
    }
    assert!(cancelled > 100 && crossed > 20, "{cancelled} {crossed}");
}

#[test]
fn refusals_arrive() {
    let mut refused = 0;
    for seed in 0..1_000 {
        let mut world = world(seed);
        world.plan(0, 0, Deed::Invite);
        let when = world.between(300, 3_000).as_millis() as u64;
        world.plan(
            1,
            when,
            Deed::Reject([404, 486, 503, 603][seed as usize % 4]),
        );
        world.plan(0, 60_000, Deed::HangUp);
        world.run();
        world.check();
        refused += u32::from(matches!(
            world.sides[0].user.end,
            Some(Event::Refused { .. })
        ));
    }
    assert!(refused > 900, "{refused}");
}

#[test]
fn glare_ends_with_one_session_on_both_sides() {
    let mut agreed = 0;
    for seed in 0..1_200 {
        let mut world = world(seed);
        world.plan(0, 0, Deed::Invite);
        world.plan(1, 600, Deed::Answer);
        for round in 0..3 {
            let at = 6_000 + round * 15_000;
            let (first, second) = (world.between(0, 400), world.between(0, 400));
            world.plan(
                0,
                at + first.as_millis() as u64,
                Deed::Reoffer(10 + round as u32),
            );
            world.plan(
                1,
                at + second.as_millis() as u64,
                Deed::Reoffer(20 + round as u32),
            );
        }
        world.plan((seed % 2) as usize, 120_000, Deed::HangUp);
        // All is quiet before the end: compare then.
        world.run_until(Instant::START + Duration::from_secs(119));
        let [a, b] = &world.sides;
        let lives = a.user.end.is_none() && b.user.end.is_none() && a.user.saw_answer;
        if lives && a.user.pending_offers == 0 && b.user.pending_offers == 0 {
            assert_eq!(a.user.session, b.user.session, "seed {seed}");
            assert!(a.user.session > 0, "seed {seed}");
            agreed += 1;
        }
        world.run();
        world.check();
    }
    assert!(agreed > 900, "{agreed}");
}

#[test]
fn registrations_survive_any_weather() {
    for seed in 0..1_000 {
        let mut world = world(seed);
        for n in 0..4 {
            world.plan(0, n * 9_000, Deed::Register(1 + n as u32));
        }
        world.run();
        world.check();
        let served = world.sides[1].user.registered;
        assert!(
            served <= 4,
            "seed {seed}: a retransmission is no new request"
        );
        assert_eq!(world.sides[0].user.requests.len(), 4);
    }
}

#[test]
fn streams_may_break_at_any_time() {
    for seed in 0..1_000 {
        let mut world = World::new(seed, Transport::Tcp, FAIR);
        world.plan(0, 0, Deed::Invite);
        world.plan(1, 500, [Deed::Ring, Deed::Progress][seed as usize / 3 % 2]);
        world.plan((seed / 6 % 2) as usize, 900, Deed::ReofferEarly(6));
        world.plan(1, 2_000, Deed::Answer);
        world.plan((seed % 2) as usize, 4_000, Deed::Reoffer(7));
        world.plan((seed / 2 % 2) as usize, 9_000, Deed::HangUp);
        world.plan(0, 200_000, Deed::HangUp);
        world.plan(1, 200_000, Deed::HangUp);
        for _ in 0..seed % 3 {
            let when = Instant::START + world.between(0, 10_000);
            world.at(when, Next::Break);
        }
        world.run();
        world.check();
    }
}

/// A call with early media: the answer in a reliable 183, offers of both sides before and after.
fn early_call(seed: u64) -> World {
    let mut world = world(seed);
    let invite = [Deed::Invite, Deed::InviteReliably][seed as usize % 2];
    world.plan(0, 0, invite);
    let progress = world.between(300, 1_500).as_millis() as u64;
    world.plan(1, progress, Deed::Progress);
    if seed.is_multiple_of(3) {
        world.plan(1, progress + 40, Deed::Ring);
    }
    world
}

#[test]
fn early_sessions_survive_any_weather() {
    let (mut answered, mut agreed, mut early) = (0, 0, 0);
    for seed in 0..1_200 {
        let mut world = early_call(seed);
        for side in 0..2 {
            let (first, second) = (world.between(800, 6_000), world.between(8_000, 20_000));
            let number = 10 * (side as u32 + 1);
            world.plan(side, first.as_millis() as u64, Deed::ReofferEarly(number));
            world.plan(side, second.as_millis() as u64, Deed::Reoffer(number + 1));
        }
        let answer = world.between(1_600, 9_000).as_millis() as u64;
        world.plan(1, answer, Deed::Answer);
        world.plan((seed % 2) as usize, 80_000, Deed::HangUp);
        world.plan((1 - seed % 2) as usize, 200_000, Deed::HangUp);
        world.run_until(Instant::START + Duration::from_secs(79));
        let [a, b] = &world.sides;
        let (a, b) = (&a.user, &b.user);
        early += a.early_offers + b.early_offers;
        let lives = a.end.is_none() && b.end.is_none() && a.saw_answer && b.saw_ack;
        let done = a.pending_offers == 0 && b.pending_offers == 0;
        if lives && done && !a.saw_refusal && !b.saw_refusal {
            assert_eq!(a.session, b.session, "seed {seed}");
            agreed += 1;
        }
        if weather(seed).lost <= 50 {
            assert!(a.saw_answer, "seed {seed}: {:?} {:?}", a.end, b.end);
        }
        world.run();
        world.check();
        answered += u32::from(world.sides[0].user.saw_answer);
    }
    assert!(answered > 1_000, "{answered}");
    assert!(agreed > 600, "{agreed}");
    assert!(early > 600, "{early}: offers before the 200");
}

#[test]
fn cancel_crosses_a_reliable_183_at_every_moment() {
    let (mut cancelled, mut crossed) = (0, 0);
    for seed in 0..1_500 {
        let mut world = early_call(seed);
        let answer = world.between(600, 3_000).as_millis() as u64;
        let quit = world.between(0, 3_200).as_millis() as u64;
        let offer = world.between(600, 3_000).as_millis() as u64;
        world.plan((seed % 2) as usize, offer, Deed::ReofferEarly(1));
        world.plan(1, answer, Deed::Answer);
        world.plan(0, quit, Deed::HangUp);
        world.plan(1, 100_000, Deed::HangUp);
        world.run();
        world.check();
        let [caller, callee] = &world.sides;
        cancelled += u32::from(matches!(callee.user.end, Some(Event::Cancelled { .. })));
        crossed += u32::from(callee.user.answered_here && !caller.user.saw_answer);
    }
    assert!(cancelled > 100 && crossed > 20, "{cancelled} {crossed}");
}

#[test]
fn without_a_prack_the_call_is_refused_on_both_sides() {
    for seed in 0..40 {
        let mut world = World::new(seed, Transport::Udp, FAIR);
        world.swallowed = Some((b"PRACK", Instant::START));
        world.plan(0, 0, Deed::InviteReliably);
        world.plan(1, 500, Deed::Progress);
        world.plan(1, 1_000 + seed * 500, Deed::Answer);
        world.run();
        world.check();
        let [caller, callee] = &world.sides;
        assert!(matches!(callee.user.end, Some(Event::Cancelled { .. })));
        let status = match caller.user.end {
            Some(Event::Refused { status, .. }) => status,
            _ => 0,
        };
        // Every third caller waits for twenty seconds only.
        assert_eq!(status, if seed % 3 == 0 { 408 } else { 504 }, "seed {seed}");
    }
}

#[test]
fn a_lost_ack_ends_the_call_on_both_sides() {
    for seed in 0..40 {
        let mut world = World::new(seed, Transport::Udp, FAIR);
        world.swallowed = Some((b"ACK", Instant::START));
        world.plan(0, 0, Deed::Invite);
        world.plan(1, 500 + seed * 100, Deed::Answer);
        world.run();
        world.check();
        let how = |side: usize| match world.sides[side].user.end {
            Some(Event::Ended { why, .. }) => Some(why),
            _ => None,
        };
        assert_eq!(how(0), Some(EndedBy::Bye), "seed {seed}");
        assert_eq!(how(1), Some(EndedBy::NoAck), "seed {seed}");
    }
}

#[test]
fn a_lost_bye_ends_with_the_session() {
    for seed in 0..40 {
        let mut world = World::new(seed, Transport::Udp, FAIR);
        let quitter = (seed % 2) as usize;
        let end = 20_000 + seed * 1_500;
        let since = Instant::START + Duration::from_millis(end);
        world.swallowed = Some((b"BYE", since));
        world.plan(0, 0, Deed::Invite);
        world.plan(1, 500, Deed::Answer);
        world.plan(quitter, end, Deed::HangUp);
        world.run_until(since + Duration::from_secs(u64::from(SESSION_S)));
        // RFC 4028 §10: the callee waits for a refresh in vain; the caller's is answered 481.
        let why = match world.sides[1 - quitter].user.end {
            Some(Event::Ended { why, .. }) => why,
            _ => panic!("seed {seed}: it goes on for ever"),
        };
        let expected = [EndedBy::Expired, EndedBy::Timeout][quitter];
        assert_eq!(why, expected, "seed {seed}");
        world.run();
        world.check();
    }
}

#[test]
fn long_calls_are_kept_alive_in_any_weather() {
    let mut lived = 0;
    for seed in 0..400 {
        let mut world = world(seed);
        world.plan(0, 0, Deed::Invite);
        world.plan(1, 8_000, Deed::Answer);
        let end = 600_000;
        world.plan((seed % 2) as usize, end, Deed::HangUp);
        world.plan((1 - seed % 2) as usize, end + 100_000, Deed::HangUp);
        world.run_until(Instant::START + Duration::from_millis(end - 1));
        let alive = world.sides.iter().all(|side| side.user.end.is_none());
        lived += u32::from(alive);
        if weather(seed).lost <= 50 {
            let ends = world.sides.each_ref().map(|side| &side.user.end);
            assert!(alive, "seed {seed}: {ends:?}");
        }
        world.run();
        world.check();
    }
    assert!(lived > 250, "{lived}");
}
