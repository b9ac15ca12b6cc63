//! What REFERs and NOTIFYs say.

use crate::support::*;

pub const BLIND: &str = "Refer-To: <sip:1002@10.0.0.1>\r\n\
                     Referred-By: <sip:1001@10.0.0.2>\r\n";

pub fn refer(at: u32, ours: &str, lines: &str) -> String {
    request("REFER", at, ours, &format!("{CONTACT}{lines}"), "")
}

pub fn body(message: &str) -> &str {
    message.split_once("\r\n\r\n").unwrap().1
}

/// What a NOTIFY says: event, state without its seconds, first line of the sipfrag.
pub fn notice(message: &str) -> (String, String, String) {
    assert_eq!(method(message), "NOTIFY", "{message}");
    let state = value(message, "Subscription-State");
    let state = state.split(";expires").next().unwrap().to_owned();
    let fragment = body(message).trim_end().to_owned();
    (value(message, "Event"), state, fragment)
}

pub fn said(event: &str, state: &str, fragment: &str) -> (String, String, String) {
    (event.into(), state.into(), fragment.into())
}
