//! INVITE client transaction (RFC 3261 §17.1.1 figure 5, with RFC 6026 §7.2's Accepted state).

use core::time::Duration;

use super::{
    Action,
    timer::{GIVE_UP, T1, Timer},
};

/// Where the transaction stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// The INVITE was sent; nothing came back.
    Calling,
    /// A provisional response came.
    Proceeding,
    /// 300–699 came and is acknowledged.
    Completed,
    /// 2xx came; the user acknowledges each (RFC 6026 §7.2).
    Accepted,
    /// Over.
    Terminated,
}

/// The transaction. It holds no message: the actions say what to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientInvite {
    state: State,
    reliable: bool,
    interval: Duration,
}

impl ClientInvite {
    /// Starts over a transport that is `reliable` or not (§17.1.1.2).
    pub fn start(reliable: bool, actions: &mut Vec<Action>) -> Self {
        actions.push(Action::Transmit);
        if !reliable {
            actions.push(Action::Set(Timer::A, T1));
        }
        actions.push(Action::Set(Timer::B, GIVE_UP));
        Self {
            state: State::Calling,
            reliable,
            interval: T1,
        }
    }

    /// Where it stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// A response came.
    pub fn response(&mut self, status: u16, actions: &mut Vec<Action>) {
        match (self.state, status) {
            (State::Calling | State::Proceeding, ..=199) => {
                self.leave_calling(actions);
                self.state = State::Proceeding;
                actions.push(Action::Deliver);
            }
            (State::Calling | State::Proceeding, 200..=299) => {
                self.leave_calling(actions);
                self.state = State::Accepted;
                actions.push(Action::Deliver);
                actions.push(Action::Set(Timer::M, GIVE_UP));
            }
            (State::Calling | State::Proceeding, _) => {
                self.leave_calling(actions);
                actions.push(Action::Acknowledge);
                actions.push(Action::Deliver);
                if self.reliable {
                    // Timer D is zero seconds: nothing is retransmitted (§17.1.1.2).
                    self.terminate(actions);
                } else {
                    self.state = State::Completed;
                    actions.push(Action::Set(Timer::D, GIVE_UP));
                }
            }
            (State::Completed, 300..) => actions.push(Action::Acknowledge),
            (State::Accepted, 200..=299) => actions.push(Action::Deliver),
            (State::Completed | State::Accepted | State::Terminated, _) => {}
        }
    }

    /// One of its timers is due.
    pub fn timer(&mut self, timer: Timer, actions: &mut Vec<Action>) {
        match (self.state, timer) {
            (State::Calling, Timer::A) => {
                self.interval = self.interval.saturating_mul(2);
                actions.push(Action::Transmit);
                actions.push(Action::Set(Timer::A, self.interval));
            }
            (State::Calling, Timer::B) => {
                actions.push(Action::TimedOut);
                self.terminate(actions);
            }
            (State::Completed, Timer::D) | (State::Accepted, Timer::M) => self.terminate(actions),
            _ => {}
        }
    }

    /// The transport could not send (§17.1.4). In Accepted the user owns the ACK, and nothing of
    /// the transaction's own is on its way.
    pub fn transport_failed(&mut self, actions: &mut Vec<Action>) {
        match self.state {
            State::Calling | State::Proceeding | State::Completed => {
                actions.push(Action::TransportFailed);
                self.terminate(actions);
            }
            State::Accepted | State::Terminated => {}
        }
    }

    /// The user gives up waiting after its CANCEL (§9.1).
    pub fn abandon(&mut self, actions: &mut Vec<Action>) {
        if matches!(self.state, State::Calling | State::Proceeding) {
            actions.push(Action::TimedOut);
            self.terminate(actions);
        }
    }

    fn leave_calling(&self, actions: &mut Vec<Action>) {
        if self.state == State::Calling {
            if !self.reliable {
                actions.push(Action::Stop(Timer::A));
            }
            actions.push(Action::Stop(Timer::B));
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
    use Action::{Acknowledge, Deliver, Set, Stop, Terminate, TimedOut, Transmit, TransportFailed};

    #[derive(Clone, Copy, Debug)]
    enum In {
        Response(u16),
        Timer(Timer),
        Failed,
        Abandon,
    }

    fn in_state(state: State, reliable: bool) -> ClientInvite {
        ClientInvite {
            state,
            reliable,
            interval: T1,
        }
    }

    fn step(state: State, reliable: bool, input: In) -> (State, Vec<Action>) {
        let (mut transaction, mut actions) = (in_state(state, reliable), Vec::new());
        match input {
            In::Response(status) => transaction.response(status, &mut actions),
            In::Timer(timer) => transaction.timer(timer, &mut actions),
            In::Failed => transaction.transport_failed(&mut actions),
            In::Abandon => transaction.abandon(&mut actions),
        }
        (transaction.state, actions)
    }

    #[test]
    fn it_starts_as_figure_5_says() {
        let mut actions = Vec::new();
        ClientInvite::start(false, &mut actions);
        assert_eq!(
            actions,
            [Transmit, Set(Timer::A, T1), Set(Timer::B, GIVE_UP)]
        );
        actions.clear();
        ClientInvite::start(true, &mut actions);
        assert_eq!(actions, [Transmit, Set(Timer::B, GIVE_UP)]);
    }

    /// Every arrow of figure 5 and of RFC 6026's figure 1, unreliable transport.
    #[test]
    fn every_arrow_on_an_unreliable_transport() {
        use State::{Accepted, Calling, Completed, Proceeding, Terminated};
        let (a, b) = (Stop(Timer::A), Stop(Timer::B));
        let (d, m) = (Set(Timer::D, GIVE_UP), Set(Timer::M, GIVE_UP));
        let arrows: &[(State, In, State, &[Action])] = &[
            (
                Calling,
                In::Timer(Timer::A),
                Calling,
                &[Transmit, Set(Timer::A, T1 * 2)],
            ),
            (
                Calling,
                In::Timer(Timer::B),
                Terminated,
                &[TimedOut, Terminate],
            ),
            (Calling, In::Response(100), Proceeding, &[a, b, Deliver]),
            (Calling, In::Response(200), Accepted, &[a, b, Deliver, m]),
            (
                Calling,
                In::Response(486),
                Completed,
                &[a, b, Acknowledge, Deliver, d],
            ),
            (
                Calling,
                In::Failed,
                Terminated,
                &[TransportFailed, Terminate],
            ),
            (Calling, In::Abandon, Terminated, &[TimedOut, Terminate]),
            (Proceeding, In::Response(183), Proceeding, &[Deliver]),
            (Proceeding, In::Response(200), Accepted, &[Deliver, m]),
            (
                Proceeding,
                In::Response(302),
                Completed,
                &[Acknowledge, Deliver, d],
            ),
            (Proceeding, In::Timer(Timer::A), Proceeding, &[]),
            (Proceeding, In::Timer(Timer::B), Proceeding, &[]),
            (
                Proceeding,
                In::Failed,
                Terminated,
                &[TransportFailed, Terminate],
            ),
            (Proceeding, In::Abandon, Terminated, &[TimedOut, Terminate]),
            (Completed, In::Response(180), Completed, &[]),
            (Completed, In::Response(200), Completed, &[]),
            (Completed, In::Response(699), Completed, &[Acknowledge]),
            (Completed, In::Timer(Timer::D), Terminated, &[Terminate]),
            (
                Completed,
                In::Failed,
                Terminated,
                &[TransportFailed, Terminate],
            ),
            (Completed, In::Abandon, Completed, &[]),
            (Accepted, In::Response(180), Accepted, &[]),
            (Accepted, In::Response(200), Accepted, &[Deliver]),
            (Accepted, In::Response(486), Accepted, &[]),
            (Accepted, In::Timer(Timer::M), Terminated, &[Terminate]),
            (Accepted, In::Failed, Accepted, &[]),
            (Accepted, In::Abandon, Accepted, &[]),
            (Terminated, In::Response(200), Terminated, &[]),
            (Terminated, In::Timer(Timer::M), Terminated, &[]),
            (Terminated, In::Failed, Terminated, &[]),
        ];
        for &(from, input, to, actions) in arrows {
            let (state, did) = step(from, false, input);
            assert_eq!((state, did.as_slice()), (to, actions), "{from:?} {input:?}");
        }
    }

    #[test]
    fn a_reliable_transport_needs_neither_a_nor_d() {
        let (state, did) = step(State::Calling, true, In::Response(404));
        assert_eq!(state, State::Terminated);
        assert_eq!(did, [Stop(Timer::B), Acknowledge, Deliver, Terminate]);
    }

    #[test]
    fn retransmissions_double_without_a_bound() {
        let mut actions = Vec::new();
        let mut transaction = ClientInvite::start(false, &mut actions);
        for doubling in 1..=6 {
            actions.clear();
            transaction.timer(Timer::A, &mut actions);
            assert_eq!(actions, [Transmit, Set(Timer::A, T1 * 2u32.pow(doubling))]);
        }
    }
}
