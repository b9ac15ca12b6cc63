//! Telling a seat's phone to pick up by itself (自动应答). There is no one way that all phones know,
//! so each seat's profile names the one its phone understands.

use core::time::Duration;

/// The header by which a seat's phone is told to answer by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoAnswer {
    /// The agent picks up.
    #[default]
    Off,
    /// `Call-Info: <…>;answer-after=N`: Snom, Grandstream, Fanvil, Linphone.
    CallInfo,
    /// `Alert-Info: <…>;info=alert-autoanswer;delay=N`: Yealink, Polycom, Htek.
    AlertInfo,
    /// `Answer-Mode: Auto` (RFC 5373 §3): baresip, Zoiper. It knows no delay.
    AnswerMode,
    /// All three, for seats whose phones change.
    All,
}

/// How a seat's phone picks up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PickUp {
    /// By which header.
    pub by: AutoAnswer,
    /// How long it rings before, in whole seconds; 0: at once.
    pub after: Duration,
}

impl PickUp {
    /// The headers for a citizen's call to the seat.
    pub fn headers(self, realm: &str) -> Vec<(String, String)> {
        let after_s = self.after.as_secs();
        let header = |name: &str, value: String| (name.to_owned(), value);
        let call_info = || {
            let value = format!("<sip:hotline@{realm}>;answer-after={after_s}");
            header("Call-Info", value)
        };
        let alert_info = || {
            let value = format!("<http://{realm}>;info=alert-autoanswer;delay={after_s}");
            header("Alert-Info", value)
        };
        let answer_mode = || header("Answer-Mode", "Auto".to_owned());
        match self.by {
            AutoAnswer::Off => Vec::new(),
            AutoAnswer::CallInfo => vec![call_info()],
            AutoAnswer::AlertInfo => vec![alert_info()],
            AutoAnswer::AnswerMode => vec![answer_mode()],
            AutoAnswer::All => vec![call_info(), alert_info(), answer_mode()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_has_its_header() {
        let headers = |by| {
            let after = Duration::from_secs(2);
            PickUp { by, after }.headers("hotline")
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let call_info = pair("Call-Info", "<sip:hotline@hotline>;answer-after=2");
        let alert_info = pair(
            "Alert-Info",
            "<http://hotline>;info=alert-autoanswer;delay=2",
        );
        let answer_mode = pair("Answer-Mode", "Auto");
        assert_eq!(headers(AutoAnswer::Off), []);
        assert_eq!(
            headers(AutoAnswer::CallInfo),
            core::slice::from_ref(&call_info)
        );
        assert_eq!(
            headers(AutoAnswer::AlertInfo),
            core::slice::from_ref(&alert_info)
        );
        assert_eq!(
            headers(AutoAnswer::AnswerMode),
            core::slice::from_ref(&answer_mode)
        );
        assert_eq!(
            headers(AutoAnswer::All),
            [call_info, alert_info, answer_mode]
        );
    }
}
