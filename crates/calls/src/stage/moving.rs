//! Moving: the agent goes on with the same caller by another of the own phones (RFC 3891). The new
//! leg takes the old one's place as soon as it has a session; the old phone is hung up.

use hotline_model::{Instant, request::Request};

use super::{
    Input,
    talking::{Phase, Talking, listener},
};
use crate::{
    call::Facts,
    guests::Scene,
    leg::{BadBody, Leg},
    switchboard::{Owner, Side, Switchboard},
};

/// A phone that is to take the place of the one a talk goes by.
pub struct Moving {
    /// Its leg.
    pub leg: Leg,
    /// Its session description; empty where it wants ours.
    pub offer: Vec<u8>,
}

impl Talking {
    /// Takes in what happens at the new leg.
    pub(super) fn moved(
        &mut self,
        facts: &mut Facts,
        now: Instant,
        input: &Input,
        board: &mut Switchboard,
    ) {
        let Some(moving) = &mut self.moving else {
            return;
        };
        let own = moving.leg.id;
        match input {
            Input::MediaOpened(leg, port) if *leg == own => {
                moving.leg.opened(*port);
                self.take_place(facts, now, board);
            }
            Input::MediaFailed(leg, _) if *leg == own => self.stay(now, 500, board),
            Input::Ended(_, leg, _) if *leg == own => {
                board.forget_dialog(&mut moving.leg);
                self.stay(now, 487, board);
            }
            _ => {}
        }
    }

    /// The talk goes on where it is.
    fn stay(&mut self, now: Instant, status: u16, board: &mut Switchboard) {
        if let Some(mut moving) = self.moving.take() {
            if let Some(dialog) = moving.leg.dialog {
                board.endpoint.reject(now, dialog, status, &[]);
                board.forget_dialog(&mut moving.leg);
            }
            self.let_go(now, moving, board);
        }
    }

    /// The phone that wanted the talk does not have it.
    pub(super) fn let_go(&self, now: Instant, mut moving: Moving, board: &mut Switchboard) {
        board.phone_asked(now, self.seat, Request::Move, false);
        board.close_leg(now, &mut moving.leg, None);
    }

    fn take_place(&mut self, facts: &mut Facts, now: Instant, board: &mut Switchboard) {
        let Some(moving) = &mut self.moving else {
            return;
        };
        let body = if moving.offer.is_empty() {
            moving.leg.offer().ok_or(BadBody(500))
        } else {
            moving.leg.answer(&moving.offer, board)
        };
        let (body, dialog) = match (body, moving.leg.dialog) {
            (Ok(body), Some(dialog)) => (body, dialog),
            (Err(BadBody(status)), _) => return self.stay(now, status, board),
            (Ok(_), None) => return self.stay(now, 500, board),
        };
        board.endpoint.answer(now, dialog, body);
        board.phone_asked(now, self.seat, Request::Move, true);
        let Some(moving) = self.moving.take() else {
            return;
        };
        let mut old = core::mem::replace(&mut self.leg, moving.leg);
        board.give_leg(self.leg.id, Owner::Call(facts.id, Side::Agent));
        facts.stop_recording(board);
        facts.sounds(Scene::Apart, board);
        board.close_leg(now, &mut old, None);
        facts.record(now, facts.leg.id, self.leg.id, board);
        self.sound_again(facts, now, board);
    }

    /// Both hear each other, or music where a side holds.
    fn sound_again(&mut self, facts: &mut Facts, now: Instant, board: &mut Switchboard) {
        let held = match &self.phase {
            Phase::Announcing { .. } => return,
            Phase::Bridged { held, .. } => held.map(|hold| hold.by),
        };
        let other = self.leg.id;
        let music = held.map(|by| listener(facts, other, by));
        facts.sounds(Scene::Talk { other, music }, board);
        self.follow_hold(facts, now, board);
        facts.ring_back_moves(board);
    }
}
