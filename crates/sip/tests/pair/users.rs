//! What the users of both sides do and see, and what must be true in the end.

use std::{collections::BTreeMap, time::Duration};

use hotline_sip::endpoint::{
    Counts, DialogId, EndedBy, Event, Invitation, OutgoingRequest, RequestId,
};

use crate::world::{Side, World, seat};

/// What the user of a side does, and when.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
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
pub struct User {
    pub dialog: Option<DialogId>,
    /// It ended the dialog itself: no event may follow.
    pub quit: bool,
    pub answered_here: bool,
    pub rejected_with: Option<u16>,
    pub saw_answer: bool,
    pub saw_ack: bool,
    /// An offer of it was refused, or found no answer.
    pub saw_refusal: bool,
    /// Offers agreed on before the call was answered.
    pub early_offers: u32,
    /// The event that ended the dialog.
    pub end: Option<Event>,
    /// The number of the last offer both sides agreed on, as this side knows it.
    pub session: u32,
    pub pending_offers: u32,
    pub registered: u32,
    pub requests: BTreeMap<RequestId, bool>,
}

impl World {
    pub fn act(&mut self, side: usize, deed: Deed) {
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

    pub fn hear(&mut self, side: usize, event: Event) {
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
            Event::Refreshed { body, .. } => {
                user.session = String::from_utf8(body).unwrap().parse().unwrap();
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
    pub fn check(&self) {
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

pub const fn dialog_of(event: &Event) -> Option<DialogId> {
    match event {
        Event::Invited { dialog, .. }
        | Event::Cancelled { dialog }
        | Event::Acknowledged { dialog, .. }
        | Event::Reoffered { dialog, .. }
        | Event::ReofferAnswered { dialog, .. }
        | Event::Refreshed { dialog, .. }
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
