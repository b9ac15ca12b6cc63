//! What inputs, deadlines and new settings do to the naive matcher.

use std::time::Duration;

use hotline_acd::{Input, OverflowTo, OverflowWhen, QueueSettings, SeatSettings, rules};
use hotline_model::{
    CallId, Instant, QueueId, SeatId,
    seat::{Device, Intent, OfferResult, Reason, Work},
};

use super::{Decision, Naive, NaiveCall, NaiveSeat, READY, ring};
use crate::support::Dice;

impl Naive {
    pub fn due(&mut self, kind: u8, index: usize) {
        match (kind, self.seats.get(index).map(|seat| seat.work)) {
            (0, Some(Work::WrapUp)) => self.free(index),
            (0, Some(work)) => {
                let rang = work == Work::Ringing;
                let why = if rang {
                    OfferResult::NoAnswer
                } else {
                    OfferResult::Unreachable
                };
                self.withdraw(index, why);
            }
            (1, _) => self.seats[index].back_off = None,
            (4, _) => {
                let line = self.waiting(index).into_iter();
                let held = line.filter_map(|call| Some((call.preferred?.1, call.id)));
                let (_, first) = held.min().unwrap();
                self.call_mut(first).unwrap().preferred = None;
            }
            (2, _) => {
                let rules = 0..self.queues[index].overflow.len();
                let dues = rules.filter_map(|rule| Some((rule, self.overflows(index, rule)?)));
                let mut dues = dues.filter(|(_, (then, _))| *then <= self.now);
                let Some((rule, (_, call))) = dues.next() else {
                    return self.give_up(index, true);
                };
                let call = self.call_mut(call).unwrap().clone();
                self.calls.retain(|it| it.id != call.id);
                if let Some(call) = self.overflow(call, rule) {
                    self.calls.push(call);
                }
            }
            _ => self.give_up(index, false),
        }
    }

    /// How many are on their lines.
    pub fn unpromised(&self, queue: usize) -> usize {
        let line = self.waiting(queue).into_iter();
        line.filter(|call| !call.promised).count()
    }

    /// The oldest in line goes, whether somebody is on the line or not.
    fn give_up(&mut self, index: usize, any: bool) {
        let line = self.waiting(index).into_iter();
        let line = line.filter(|call| any || !call.promised);
        let oldest = line.min_by_key(|call| (call.arrived, call.id));
        let oldest = oldest.unwrap().id;
        self.calls.retain(|call| call.id != oldest);
        self.decided.push(Decision::TimedOut(oldest));
    }

    /// Sends a call elsewhere; gives it back as long as it is here.
    fn overflow(&mut self, mut call: NaiveCall, rule: usize) -> Option<NaiveCall> {
        if let OverflowTo::Queue(to) = self.queues[call.queue].overflow[rule].to {
            let to = self.queues.iter().position(|it| it.id == to);
            let (from, preferred) = (call.queue, call.preferred.take());
            call.queue = to.unwrap_or(from);
            let was_there = call.queue == from || call.been.contains(&call.queue);
            if was_there || self.closed[call.queue] || self.full(&call) {
                (call.queue, call.preferred) = (from, preferred);
                call.spent |= 1 << rule;
                return Some(call);
            }
            call.been.push(from);
            call.spent = 0;
            self.decided.push(Decision::Overflowed(call.id, rule));
            return Some(call);
        }
        self.decided.push(Decision::Overflowed(call.id, rule));
        None
    }

    fn free(&mut self, seat: usize) {
        self.seats[seat].work = Work::Free;
        self.seats[seat].until = None;
    }

    fn want(&mut self, seat: usize, intent: Intent) {
        let seat = &mut self.seats[seat];
        if seat.intent != READY && intent == READY {
            seat.refused = 0;
            seat.back_off = seat.back_off.filter(|&(_, refused)| !refused);
        }
        let signed_out = Intent::NotReady(Reason::LoggedOut);
        if seat.intent == signed_out && intent != signed_out {
            seat.answered = 0;
        }
        seat.intent = intent;
    }

    fn wish(&mut self, at: usize, intent: Intent) {
        let seat = &mut self.seats[at];
        match seat.work {
            Work::Free | Work::Busy | Work::WrapUp => self.want(at, intent),
            _ if seat.intent == intent => seat.pending = None,
            _ => seat.pending = Some(intent),
        }
    }

    fn wish_granted(&mut self, seat: usize) {
        if let Some(intent) = self.seats[seat].pending.take() {
            self.want(seat, intent);
        }
    }

    fn withdraw(&mut self, seat: usize, why: OfferResult) {
        let call = self
            .calls
            .iter()
            .find(|call| call.at == Some((seat, false)))
            .unwrap()
            .id;
        self.decided
            .push(Decision::Withdraw(call, self.names[seat], why));
        self.declined(call, seat, why);
    }

    fn declined(&mut self, call: CallId, at: usize, why: OfferResult) {
        let call = self.call_mut(call).unwrap();
        call.at = None;
        call.declined.retain(|&seat| seat != at);
        call.declined.push(at);
        if call.declined.len() > rules::DECLINED_PER_CALL {
            call.declined.remove(0);
        }
        self.free(at);
        self.wish_granted(at);
        let now = self.now;
        let seat = &mut self.seats[at];
        let not_ready = |reason, seat: &mut NaiveSeat| {
            if seat.intent == READY {
                seat.intent = Intent::NotReady(reason);
            }
        };
        match why {
            OfferResult::NoAnswer => not_ready(Reason::RingNoAnswer, seat),
            OfferResult::Refused => {
                seat.refused += 1;
                if seat.refused == rules::REFUSALS_IN_A_ROW {
                    seat.refused = 0;
                    not_ready(Reason::Refused, seat);
                }
                seat.back_off = Some((now + rules::REFUSED_BACK_OFF, true));
            }
            _ => {
                let mut wait = rules::UNREACHABLE_BACK_OFF;
                for _ in 0..seat.unreached {
                    wait = (wait * 2).min(rules::UNREACHABLE_BACK_OFF_CAP);
                }
                seat.unreached += 1;
                seat.back_off = Some((now + wait, false));
            }
        }
    }

    fn hung_up(&mut self, call: &NaiveCall, seat: usize) {
        self.calls.retain(|it| it.id != call.id);
        self.free(seat);
        self.wish_granted(seat);
        let queue = &self.queues[call.queue];
        let wrap_up = queue.wrap_up.min(queue.wrap_up_cap);
        if wrap_up > Duration::ZERO {
            self.seats[seat].work = Work::WrapUp;
            self.seats[seat].until = Some(self.now + wrap_up);
            self.seats[seat].last = self.now + queue.wrap_up_cap;
        }
    }

    pub fn take(&mut self, input: Input) {
        let find = |seat: SeatId| self.names.iter().position(|&name| name == seat).unwrap();
        match input {
            Input::CallQueued {
                call,
                queue,
                priority,
                arrived,
                spent,
                preferred,
                promised,
            } => {
                let at = |seat| self.names.iter().position(|&name| name == seat);
                let preferred = preferred.and_then(|(seat, wait)| Some((at(seat)?, wait)));
                self.queued(
                    (call, priority, arrived),
                    queue,
                    spent,
                    (preferred, promised),
                );
            }
            Input::CallLeft { call } => {
                let gone = self.calls.iter().find(|it| it.id == call).unwrap().clone();
                self.calls.retain(|it| it.id != call);
                match gone.at {
                    None => {}
                    Some((seat, true)) => self.hung_up(&gone, seat),
                    Some((seat, false)) => {
                        let why = OfferResult::CallerGone;
                        self.decided
                            .push(Decision::Withdraw(call, self.names[seat], why));
                        self.free(seat);
                        self.wish_granted(seat);
                    }
                }
            }
            Input::Prioritise { call, priority } => {
                let call = self.call_mut(call);
                if let Some(call) = call.filter(|it| !matches!(it.at, Some((_, true)))) {
                    call.priority = priority;
                }
            }
            Input::Move { call, queue } => {
                let to = self.queues.iter().position(|it| it.id == queue).unwrap();
                let Some(mut moved) = self.call_mut(call).cloned() else {
                    return;
                };
                let from = std::mem::replace(&mut moved.queue, to);
                moved.preferred = None;
                if moved.at.is_none() && from != to && !self.closed[to] && !self.full(&moved) {
                    (moved.spent, moved.been) = (0, Vec::new());
                    *self.call_mut(call).unwrap() = moved;
                }
            }
            Input::Pick { call, seat } => {
                let i = find(seat);
                let (seat, signed_out) = (&self.seats[i], Intent::NotReady(Reason::LoggedOut));
                let free = seat.work == Work::Free && !seat.busy && !seat.unnamed;
                let free = free && seat.here() && seat.intent != signed_out;
                let waits = self
                    .calls
                    .iter()
                    .find(|it| it.id == call && it.at.is_none());
                if let Some(picked) = waits.filter(|_| free) {
                    self.ring(call, picked.queue, i);
                }
            }
            Input::Rang { seat, .. } => {
                let seat = find(seat);
                self.seats[seat].work = Work::Ringing;
                self.seats[seat].until = Some(self.seats[seat].last);
            }
            Input::Answered { call, seat } => {
                let at = find(seat);
                self.call_mut(call).unwrap().at = Some((at, true));
                let seat = &mut self.seats[at];
                (seat.work, seat.until) = (Work::Talking, None);
                (seat.refused, seat.unreached) = (0, 0);
                seat.answered += 1;
            }
            Input::NotAnswered {
                call,
                seat,
                why: OfferResult::CallerGone,
            } => {
                let seat = find(seat);
                self.calls.retain(|it| it.id != call);
                self.free(seat);
                self.wish_granted(seat);
            }
            Input::NotAnswered { call, seat, why } => self.declined(call, find(seat), why),
            Input::TalkEnded { call, seat } => {
                let gone = self.calls.iter().find(|it| it.id == call).unwrap().clone();
                self.hung_up(&gone, find(seat));
            }
            Input::NotReached { call, seat } => {
                self.calls.retain(|it| it.id != call);
                let seat = find(seat);
                self.free(seat);
                self.wish_granted(seat);
            }
            Input::Transfer { .. } => unreachable!("histories have no transfers"),
            Input::Held { seat } => {
                let seat = find(seat);
                self.seats[seat].work = Work::Hold;
            }
            Input::Resumed { seat } => {
                let seat = find(seat);
                self.seats[seat].work = Work::Talking;
            }
            Input::SetIntent { seat, intent } => {
                let at = find(seat);
                let out = intent == Intent::NotReady(Reason::LoggedOut);
                if !self.seats[at].unnamed && (out || !self.seats[at].barred) {
                    self.wish(at, intent);
                }
            }
            Input::Force { seat, intent } => {
                let at = find(seat);
                if !self.seats[at].unnamed {
                    self.seats[at].barred = intent == Intent::NotReady(Reason::Forced);
                    self.wish(at, intent);
                }
            }
            Input::SetDesk { seat, lost } => {
                let at = find(seat);
                let seat = &mut self.seats[at];
                seat.desk_lost = lost;
                if !lost {
                    seat.unreached = 0;
                    seat.back_off = seat.back_off.filter(|&(_, refused)| refused);
                } else if matches!(seat.work, Work::Reserved | Work::Ringing) {
                    self.withdraw(at, OfferResult::Withdrawn);
                }
            }
            Input::SetDevice { seat, device } => {
                let at = find(seat);
                let seat = &mut self.seats[at];
                seat.phone = device == Device::Registered;
                if seat.phone {
                    seat.unreached = 0;
                    seat.back_off = seat.back_off.filter(|&(_, refused)| refused);
                } else if matches!(seat.work, Work::Reserved | Work::Ringing) {
                    self.withdraw(at, OfferResult::Withdrawn);
                }
            }
            Input::SeatBusy { seat, busy } => {
                let seat = find(seat);
                self.seats[seat].busy = busy;
            }
            Input::EndWrapUp { seat } => self.free(find(seat)),
            Input::ExtendWrapUp { seat, by } => {
                let at = find(seat);
                let seat = &mut self.seats[at];
                seat.until = Some((seat.until.unwrap() + by).min(seat.last));
            }
            Input::TimePassed => {}
        }
    }

    /// New settings: who serves whom is told anew, and every ready seat looks for a caller.
    pub fn change(
        &mut self,
        now: Instant,
        queues: &[QueueSettings],
        seats: &[SeatSettings],
    ) -> Vec<Decision> {
        self.now = now;
        self.look_at_seats();
        self.rename(queues, seats);
        self.calls.iter_mut().for_each(|call| call.preferred = None);
        for (i, rules) in self.rules.iter().enumerate() {
            let old = self.seats[i].rings.clone();
            let rings = (0..self.queues.len()).map(|j| {
                let kept = old.get(j).copied().flatten();
                let used = self.calls.iter().any(|call| call.queue == j);
                match (self.seats[i].unnamed, self.closed[j]) {
                    (true, _) => None,
                    (false, false) => ring(rules, &self.queues[j], queues),
                    (false, true) => kept.filter(|_| used),
                }
            });
            self.seats[i].rings = rings.collect();
        }
        self.look_at_staff();
        for j in 0..self.queues.len() {
            if self.closed[j] && self.seats.iter().all(|seat| seat.rings[j].is_none()) {
                let mut gone: Vec<_> = self.waiting(j).into_iter().cloned().collect();
                gone.sort_by_key(|call| self.order(call));
                for call in gone {
                    self.calls.retain(|it| it.id != call.id);
                    self.decided.push(Decision::TimedOut(call.id));
                }
            }
        }
        for i in self.idle.clone() {
            self.only = Some(i);
            self.pair_all();
        }
        self.only = None;
        for i in 0..self.seats.len() {
            if self.seats[i].unnamed {
                if matches!(self.seats[i].work, Work::Reserved | Work::Ringing) {
                    self.withdraw(i, OfferResult::Withdrawn);
                }
                self.wish(i, Intent::NotReady(Reason::LoggedOut));
                self.pair_all();
            }
        }
        self.run_until_done();
        std::mem::take(&mut self.decided)
    }

    fn rename(&mut self, queues: &[QueueSettings], seats: &[SeatSettings]) {
        self.closed.fill(true);
        for named in queues {
            match self.queues.iter().position(|it| it.id == named.id) {
                Some(j) => {
                    if self.queues[j].seed != named.seed {
                        self.dice[j] = Dice(named.seed);
                    }
                    if self.queues[j].overflow != named.overflow {
                        let here = self.calls.iter_mut().filter(|call| call.queue == j);
                        here.for_each(|call| call.spent = 0);
                    }
                    self.queues[j] = named.clone();
                    self.closed[j] = false;
                }
                None => {
                    self.queues.push(named.clone());
                    self.closed.push(false);
                    self.unstaffed.push(Some(self.now));
                    self.unserved.push(Some(self.now));
                    self.last.push(None);
                    self.dice.push(Dice(named.seed));
                }
            }
        }
        self.seats.iter_mut().for_each(|seat| seat.unnamed = true);
        for (place, named) in seats.iter().enumerate() {
            match self.names.iter().position(|name| *name == named.id) {
                Some(i) => {
                    self.rules[i] = named.clone();
                    self.seats[i].unnamed = false;
                    self.seats[i].place = place;
                }
                None => {
                    let one = Naive::new(&[], std::slice::from_ref(named));
                    self.seats.extend(one.seats);
                    self.seats.last_mut().unwrap().place = place;
                    self.names.push(named.id);
                    self.rules.push(named.clone());
                }
            }
        }
    }

    fn queued(
        &mut self,
        (id, priority, arrived): (CallId, u8, Instant),
        queue: QueueId,
        spent: u8,
        (preferred, promised): (Option<(usize, Duration)>, bool),
    ) {
        let there = self.queues.iter().position(|it| it.id == queue).unwrap();
        assert!(
            !self.closed[there],
            "the histories know which queues there are"
        );
        let call = NaiveCall {
            id,
            queue: there,
            priority,
            arrived,
            at: None,
            declined: Vec::new(),
            spent,
            preferred: preferred.and_then(|(i, longest)| {
                let (seat, waited) = (&self.seats[i], self.now.since(arrived));
                let signed_out = seat.intent == Intent::NotReady(Reason::LoggedOut);
                let here = seat.here() && !signed_out && !seat.unnamed && !longest.is_zero();
                let wait = self.wait_for(there, seat.rings[there]?);
                let room = self.unpromised(there) < self.queues[there].capacity;
                let room = room || self.idle.contains(&i);
                (here && room && wait <= waited).then_some((i, self.now + longest))
            }),
            been: Vec::new(),
            promised,
        };
        if !self.full(&call) {
            return self.calls.push(call);
        }
        let rules = self.queues[there].overflow.clone();
        for (rule, overflow) in rules.iter().enumerate() {
            if overflow.when == OverflowWhen::Full && spent >> rule & 1 == 0 {
                let decided = self.decided.len();
                let here = self.overflow(call.clone(), rule);
                if self.decided.len() > decided {
                    return self.calls.extend(here);
                }
            }
        }
        self.decided.push(Decision::Refused(id));
    }
}
