//! Connectivity checks, as anybody may send them to the shared port.

use hotline_media::secure::{
    ice::{Agent, Credentials, SEED_BYTES},
    stun::{ANSWER_BYTES, Binding},
};
use hotline_model::Instant;

/// Hears `data` as a check: nothing of it is authentic, so nothing changes, and what is answered
/// is no longer than an answer.
pub fn run(data: &[u8]) {
    let mut agent = Agent::new(Credentials::random(&[7; SEED_BYTES]));
    let from = std::net::SocketAddr::from(([10, 0, 0, 9], 9));
    let Some(check) = Binding::parse(data) else {
        return;
    };
    assert!(Binding::is_stun(data));
    if let Some(heard) = agent.hear(Instant::START, from, &check) {
        let mut room = [0; ANSWER_BYTES];
        let answer = agent.compose(&heard, &check, &mut room);
        assert!(answer.is_some_and(|bytes| bytes.len() <= ANSWER_BYTES));
    }
    assert_eq!((agent.chosen(), agent.last_check()), (None, None));
}
