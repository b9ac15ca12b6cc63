//! Non-INVITE server transaction (RFC 3261 §17.2.2 figure 8).

use super::{
    Action,
    timer::{GIVE_UP, Timer},
};

/// Where the transaction stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// The request came; nothing was sent.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// The final response was sent; it is repeated for retransmitted requests.
    Completed,
    /// Over.
    Terminated,
}

/// The transaction. It holds no message: [`Action::Transmit`] means the last response given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServerOther {
    state: State,
    reliable: bool,
}

impl ServerOther {
    /// Starts over a transport that is `reliable` or not.
    pub const fn start(reliable: bool) -> Self {
        Self {
            state: State::Trying,
            reliable,
        }
    }

    /// Where it stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The request came again.
    pub fn retransmitted(&mut self, actions: &mut Vec<Action>) {
        match self.state {
            State::Proceeding | State::Completed => actions.push(Action::Transmit),
            State::Trying | State::Terminated => {}
        }
    }

    /// The user responds.
    pub fn respond(&mut self, status: u16, actions: &mut Vec<Action>) {
        match (self.state, status) {
            (State::Trying | State::Proceeding, ..=199) => {
                self.state = State::Proceeding;
                actions.push(Action::Transmit);
            }
            (State::Trying | State::Proceeding, _) => {
                actions.push(Action::Transmit);
                if self.reliable {
                    // Timer J is zero seconds: no request is retransmitted (§17.2.2).
                    self.terminate(actions);
                } else {
                    self.state = State::Completed;
                    actions.push(Action::Set(Timer::J, GIVE_UP));
                }
            }
            (State::Completed | State::Terminated, _) => {}
        }
    }

    /// One of its timers is due.
    pub fn timer(&mut self, timer: Timer, actions: &mut Vec<Action>) {
        match (self.state, timer) {
            (State::Completed, Timer::J) => self.terminate(actions),
            (State::Trying | State::Proceeding, Timer::Unanswered) => {
                actions.push(Action::TimedOut);
                self.terminate(actions);
            }
            _ => {}
        }
    }

    /// The transport could not send (§17.2.4).
    pub fn transport_failed(&mut self, actions: &mut Vec<Action>) {
        if self.state != State::Terminated {
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
    use Action::{Set, Terminate, TimedOut, Transmit, TransportFailed};

    #[derive(Clone, Copy, Debug)]
    enum In {
        Again,
        Respond(u16),
        Timer(Timer),
        Failed,
    }

    fn step(state: State, reliable: bool, input: In) -> (State, Vec<Action>) {
        let mut transaction = ServerOther { state, reliable };
        let mut actions = Vec::new();
        match input {
            In::Again => transaction.retransmitted(&mut actions),
            In::Respond(status) => transaction.respond(status, &mut actions),
            In::Timer(timer) => transaction.timer(timer, &mut actions),
            In::Failed => transaction.transport_failed(&mut actions),
        }
        (transaction.state, actions)
    }

    /// Every arrow of figure 8, unreliable transport.
    #[test]
    fn every_arrow_on_an_unreliable_transport() {
        use State::{Completed, Proceeding, Terminated, Trying};
        let done = [Transmit, Set(Timer::J, GIVE_UP)];
        let arrows: &[(State, In, State, &[Action])] = &[
            (Trying, In::Again, Trying, &[]),
            (Trying, In::Respond(100), Proceeding, &[Transmit]),
            (Trying, In::Respond(200), Completed, &done),
            (
                Trying,
                In::Failed,
                Terminated,
                &[TransportFailed, Terminate],
            ),
            (
                Trying,
                In::Timer(Timer::Unanswered),
                Terminated,
                &[TimedOut, Terminate],
            ),
            (Proceeding, In::Again, Proceeding, &[Transmit]),
            (Proceeding, In::Respond(183), Proceeding, &[Transmit]),
            (Proceeding, In::Respond(500), Completed, &done),
            (
                Proceeding,
                In::Failed,
                Terminated,
                &[TransportFailed, Terminate],
            ),
            (Completed, In::Again, Completed, &[Transmit]),
            (Completed, In::Respond(200), Completed, &[]),
            (Completed, In::Timer(Timer::Unanswered), Completed, &[]),
            (Completed, In::Timer(Timer::J), Terminated, &[Terminate]),
            (
                Completed,
                In::Failed,
                Terminated,
                &[TransportFailed, Terminate],
            ),
            (Terminated, In::Again, Terminated, &[]),
            (Terminated, In::Respond(200), Terminated, &[]),
        ];
        for &(from, input, to, actions) in arrows {
            let (state, did) = step(from, false, input);
            assert_eq!((state, did.as_slice()), (to, actions), "{from:?} {input:?}");
        }
    }

    #[test]
    fn a_reliable_transport_needs_no_j() {
        let (state, did) = step(State::Trying, true, In::Respond(200));
        assert_eq!(state, State::Terminated);
        assert_eq!(did, [Transmit, Terminate]);
    }
}
