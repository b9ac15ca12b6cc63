//! Non-INVITE client transaction (RFC 3261 §17.1.2 figure 6).

use core::time::Duration;

use super::{
    Action,
    timer::{GIVE_UP, T1, T2, T4, Timer},
};

/// Where the transaction stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// The request was sent; nothing came back.
    Trying,
    /// A provisional response came.
    Proceeding,
    /// A final response came; its retransmissions are absorbed.
    Completed,
    /// Over.
    Terminated,
}

/// The transaction. It holds no message: the actions say what to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientOther {
    state: State,
    reliable: bool,
    interval: Duration,
}

impl ClientOther {
    /// Starts over a transport that is `reliable` or not (§17.1.2.2).
    pub fn start(reliable: bool, actions: &mut Vec<Action>) -> Self {
        actions.push(Action::Transmit);
        if !reliable {
            actions.push(Action::Set(Timer::E, T1));
        }
        actions.push(Action::Set(Timer::F, GIVE_UP));
        Self {
            state: State::Trying,
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
            (State::Trying | State::Proceeding, ..=199) => {
                self.state = State::Proceeding;
                actions.push(Action::Deliver);
            }
            (State::Trying | State::Proceeding, _) => {
                actions.push(Action::Deliver);
                if self.reliable {
                    // Timer K is zero seconds: nothing is retransmitted (§17.1.2.2).
                    self.terminate(actions);
                } else {
                    self.state = State::Completed;
                    actions.push(Action::Stop(Timer::E));
                    actions.push(Action::Stop(Timer::F));
                    actions.push(Action::Set(Timer::K, T4));
                }
            }
            (State::Completed | State::Terminated, _) => {}
        }
    }

    /// One of its timers is due.
    pub fn timer(&mut self, timer: Timer, actions: &mut Vec<Action>) {
        match (self.state, timer) {
            (State::Trying, Timer::E) => {
                self.interval = self.interval.saturating_mul(2).min(T2);
                actions.push(Action::Transmit);
                actions.push(Action::Set(Timer::E, self.interval));
            }
            (State::Proceeding, Timer::E) => {
                // The peer lives: ask at the slowest pace (§17.1.2.2).
                actions.push(Action::Transmit);
                actions.push(Action::Set(Timer::E, T2));
            }
            (State::Trying | State::Proceeding, Timer::F) => {
                actions.push(Action::TimedOut);
                self.terminate(actions);
            }
            (State::Completed, Timer::K) => self.terminate(actions),
            _ => {}
        }
    }

    /// The transport could not send (§17.1.4).
    pub fn transport_failed(&mut self, actions: &mut Vec<Action>) {
        match self.state {
            State::Trying | State::Proceeding => {
                actions.push(Action::TransportFailed);
                self.terminate(actions);
            }
            State::Completed | State::Terminated => {}
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
        Response(u16),
        Timer(Timer),
        Failed,
    }

    fn step(state: State, reliable: bool, input: In) -> (State, Vec<Action>) {
        let mut transaction = ClientOther {
            state,
            reliable,
            interval: T1,
        };
        let mut actions = Vec::new();
        match input {
            In::Response(status) => transaction.response(status, &mut actions),
            In::Timer(timer) => transaction.timer(timer, &mut actions),
            In::Failed => transaction.transport_failed(&mut actions),
        }
        (transaction.state, actions)
    }

    #[test]
    fn it_starts_as_figure_6_says() {
        let mut actions = Vec::new();
        ClientOther::start(false, &mut actions);
        assert_eq!(
            actions,
            [Transmit, Set(Timer::E, T1), Set(Timer::F, GIVE_UP)]
        );
        actions.clear();
        ClientOther::start(true, &mut actions);
        assert_eq!(actions, [Transmit, Set(Timer::F, GIVE_UP)]);
    }

    /// Every arrow of figure 6, unreliable transport.
    #[test]
    fn every_arrow_on_an_unreliable_transport() {
        use State::{Completed, Proceeding, Terminated, Trying};
        let done = [Deliver, Stop(Timer::E), Stop(Timer::F), Set(Timer::K, T4)];
        let arrows: &[(State, In, State, &[Action])] = &[
            (
                Trying,
                In::Timer(Timer::E),
                Trying,
                &[Transmit, Set(Timer::E, T1 * 2)],
            ),
            (
                Trying,
                In::Timer(Timer::F),
                Terminated,
                &[TimedOut, Terminate],
            ),
            (
                Trying,
                In::Failed,
                Terminated,
                &[TransportFailed, Terminate],
            ),
            (Trying, In::Response(100), Proceeding, &[Deliver]),
            (Trying, In::Response(200), Completed, &done),
            (Trying, In::Response(503), Completed, &done),
            (
                Proceeding,
                In::Timer(Timer::E),
                Proceeding,
                &[Transmit, Set(Timer::E, T2)],
            ),
            (
                Proceeding,
                In::Timer(Timer::F),
                Terminated,
                &[TimedOut, Terminate],
            ),
            (
                Proceeding,
                In::Failed,
                Terminated,
                &[TransportFailed, Terminate],
            ),
            (Proceeding, In::Response(183), Proceeding, &[Deliver]),
            (Proceeding, In::Response(481), Completed, &done),
            (Completed, In::Response(200), Completed, &[]),
            (Completed, In::Timer(Timer::E), Completed, &[]),
            (Completed, In::Timer(Timer::F), Completed, &[]),
            (Completed, In::Timer(Timer::K), Terminated, &[Terminate]),
            (Completed, In::Failed, Completed, &[]),
            (Terminated, In::Response(200), Terminated, &[]),
        ];
        for &(from, input, to, actions) in arrows {
            let (state, did) = step(from, false, input);
            assert_eq!((state, did.as_slice()), (to, actions), "{from:?} {input:?}");
        }
    }

    #[test]
    fn a_reliable_transport_needs_neither_e_nor_k() {
        let (state, did) = step(State::Trying, true, In::Response(200));
        assert_eq!(state, State::Terminated);
        assert_eq!(did, [Deliver, Terminate]);
    }

    #[test]
    fn retransmissions_double_up_to_t2() {
        let mut actions = Vec::new();
        let mut transaction = ClientOther::start(false, &mut actions);
        for ms in [1_000, 2_000, 4_000, 4_000, 4_000] {
            actions.clear();
            transaction.timer(Timer::E, &mut actions);
            assert_eq!(
                actions,
                [Transmit, Set(Timer::E, Duration::from_millis(ms))]
            );
        }
    }
}
