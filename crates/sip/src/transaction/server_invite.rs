//! INVITE server transaction (RFC 3261 §17.2.1 figure 7, with RFC 6026 §7.1's Accepted state).

use core::time::Duration;

use super::{
    Action,
    timer::{GIVE_UP, T1, T2, T4, Timer},
};

/// Where the transaction stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// The INVITE came; provisional responses were sent.
    Proceeding,
    /// 300–699 was sent and waits for its ACK.
    Completed,
    /// The ACK came; its retransmissions are absorbed.
    Confirmed,
    /// 2xx was sent; the user retransmits it, INVITEs are absorbed (RFC 6026 §7.1).
    Accepted,
    /// Over.
    Terminated,
}

/// The transaction. It holds no message: [`Action::Transmit`] means the last response given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServerInvite {
    state: State,
    reliable: bool,
    interval: Duration,
}

impl ServerInvite {
    /// Starts over a transport that is `reliable` or not. The user sends 100 at once, so that the
    /// peer stops retransmitting (§17.2.1).
    pub const fn start(reliable: bool) -> Self {
        Self {
            state: State::Proceeding,
            reliable,
            interval: T1,
        }
    }

    /// Where it stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The INVITE came again.
    pub fn retransmitted(&mut self, actions: &mut Vec<Action>) {
        match self.state {
            State::Proceeding | State::Completed => actions.push(Action::Transmit),
            State::Accepted | State::Confirmed | State::Terminated => {}
        }
    }

    /// The user responds. In Accepted it repeats its 2xx.
    pub fn respond(&mut self, status: u16, actions: &mut Vec<Action>) {
        match (self.state, status) {
            (State::Proceeding, ..=199) => actions.push(Action::Transmit),
            (State::Proceeding, 200..=299) => {
                self.state = State::Accepted;
                actions.push(Action::Transmit);
                actions.push(Action::Set(Timer::L, GIVE_UP));
            }
            (State::Proceeding, _) => {
                self.state = State::Completed;
                actions.push(Action::Transmit);
                if !self.reliable {
                    actions.push(Action::Set(Timer::G, T1));
                }
                actions.push(Action::Set(Timer::H, GIVE_UP));
            }
            (State::Accepted, 200..=299) => actions.push(Action::Transmit),
            _ => {}
        }
    }

    /// An ACK with the INVITE's branch came: it acknowledges a 300–699.
    pub fn acknowledged(&mut self, actions: &mut Vec<Action>) {
        match self.state {
            State::Completed => {
                if !self.reliable {
                    actions.push(Action::Stop(Timer::G));
                }
                actions.push(Action::Stop(Timer::H));
                if self.reliable {
                    // Timer I is zero seconds: no ACK is retransmitted (§17.2.1).
                    self.terminate(actions);
                } else {
                    self.state = State::Confirmed;
                    actions.push(Action::Set(Timer::I, T4));
                }
            }
            // An ACK of a 2xx has another branch, save from RFC 2543 peers: the user's business.
            State::Accepted => actions.push(Action::Deliver),
            State::Proceeding | State::Confirmed | State::Terminated => {}
        }
    }

    /// One of its timers is due.
    pub fn timer(&mut self, timer: Timer, actions: &mut Vec<Action>) {
        match (self.state, timer) {
            (State::Completed, Timer::G) => {
                self.interval = self.interval.saturating_mul(2).min(T2);
                actions.push(Action::Transmit);
                actions.push(Action::Set(Timer::G, self.interval));
            }
            (State::Completed, Timer::H) => {
                actions.push(Action::TimedOut);
                self.terminate(actions);
            }
            (State::Confirmed, Timer::I) | (State::Accepted, Timer::L) => self.terminate(actions),
            _ => {}
        }
    }

    /// The transport could not send (§17.2.4). Before the final response nobody is left to hear
    /// one; after it the timers end the transaction (RFC 6026 §7.1).
    pub fn transport_failed(&mut self, actions: &mut Vec<Action>) {
        if self.state == State::Proceeding {
            actions.push(Action::TransportFailed);
            self.terminate(actions);
        }
    }

    fn terminate(&mut self, actions: &mut Vec<Action>) {
        self.state = State::Terminated;
        actions.push(Action::Terminate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Deliver, Set, Stop, Terminate, TimedOut, Transmit, TransportFailed};

    #[derive(Clone, Copy, Debug)]
    enum In {
        Invite,
        Ack,
        Respond(u16),
        Timer(Timer),
        Failed,
    }

    fn step(state: State, reliable: bool, input: In) -> (State, Vec<Action>) {
        let mut transaction = ServerInvite {
            state,
            ..ServerInvite::start(reliable)
        };
        let mut actions = Vec::new();
        match input {
            In::Invite => transaction.retransmitted(&mut actions),
            In::Ack => transaction.acknowledged(&mut actions),
            In::Respond(status) => transaction.respond(status, &mut actions),
            In::Timer(timer) => transaction.timer(timer, &mut actions),
            In::Failed => transaction.transport_failed(&mut actions),
        }
        (transaction.state, actions)
    }

    /// Every arrow of figure 7 and of RFC 6026's figure 2, unreliable transport.
    #[test]
    fn every_arrow_on_an_unreliable_transport() {
        use State::{Accepted, Completed, Confirmed, Proceeding, Terminated};
        let refused = [Transmit, Set(Timer::G, T1), Set(Timer::H, GIVE_UP)];
        let confirmed = [Stop(Timer::G), Stop(Timer::H), Set(Timer::I, T4)];
        let arrows: &[(State, In, State, &[Action])] = &[
            (Proceeding, In::Invite, Proceeding, &[Transmit]),
            (Proceeding, In::Ack, Proceeding, &[]),
            (Proceeding, In::Respond(100), Proceeding, &[Transmit]),
            (
                Proceeding,
                In::Respond(200),
                Accepted,
                &[Transmit, Set(Timer::L, GIVE_UP)],
            ),
            (Proceeding, In::Respond(486), Completed, &refused),
            (
                Proceeding,
                In::Failed,
                Terminated,
                &[TransportFailed, Terminate],
            ),
            (Completed, In::Invite, Completed, &[Transmit]),
            (Completed, In::Respond(200), Completed, &[]),
            (
                Completed,
                In::Timer(Timer::G),
                Completed,
                &[Transmit, Set(Timer::G, T1 * 2)],
            ),
            (
                Completed,
                In::Timer(Timer::H),
                Terminated,
                &[TimedOut, Terminate],
            ),
            (Completed, In::Ack, Confirmed, &confirmed),
            (Completed, In::Failed, Completed, &[]),
            (Confirmed, In::Invite, Confirmed, &[]),
            (Confirmed, In::Ack, Confirmed, &[]),
            (Confirmed, In::Timer(Timer::G), Confirmed, &[]),
            (Confirmed, In::Timer(Timer::I), Terminated, &[Terminate]),
            (Accepted, In::Invite, Accepted, &[]),
            (Accepted, In::Ack, Accepted, &[Deliver]),
            (Accepted, In::Respond(200), Accepted, &[Transmit]),
            (Accepted, In::Respond(486), Accepted, &[]),
            (Accepted, In::Timer(Timer::L), Terminated, &[Terminate]),
            (Accepted, In::Failed, Accepted, &[]),
            (Terminated, In::Invite, Terminated, &[]),
            (Terminated, In::Respond(200), Terminated, &[]),
        ];
        for &(from, input, to, actions) in arrows {
            let (state, did) = step(from, false, input);
            assert_eq!((state, did.as_slice()), (to, actions), "{from:?} {input:?}");
        }
    }

    #[test]
    fn a_reliable_transport_needs_neither_g_nor_i() {
        let (state, did) = step(State::Proceeding, true, In::Respond(500));
        assert_eq!(state, State::Completed);
        assert_eq!(did, [Transmit, Set(Timer::H, GIVE_UP)]);
        let (state, did) = step(State::Completed, true, In::Ack);
        assert_eq!(state, State::Terminated);
        assert_eq!(did, [Stop(Timer::H), Terminate]);
    }

    #[test]
    fn retransmissions_double_up_to_t2() {
        let mut transaction = ServerInvite::start(false);
        let mut actions = Vec::new();
        transaction.respond(404, &mut actions);
        for ms in [1_000, 2_000, 4_000, 4_000] {
            actions.clear();
            transaction.timer(Timer::G, &mut actions);
            assert_eq!(
                actions,
                [Transmit, Set(Timer::G, Duration::from_millis(ms))]
            );
        }
    }
}
