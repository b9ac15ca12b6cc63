//! Header names: the well-known ones as an enum, in any case and in their compact forms.

use core::fmt;

macro_rules! names {
    ($($variant:ident $text:literal),* $(,)?) => {
        /// A header this engine has a use for; every other name is [`Name::Other`] and is found
        /// by its text.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        #[repr(u8)]
        pub enum Name {
            /// A name without a variant of its own.
            #[default]
            Other,
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl Name {
            /// Every name but [`Name::Other`].
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name as it is written in full; empty for [`Name::Other`].
            pub const fn text(self) -> &'static str {
                match self {
                    Self::Other => "",
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

names! {
    Accept "Accept",
    AcceptEncoding "Accept-Encoding",
    AcceptLanguage "Accept-Language",
    AlertInfo "Alert-Info",
    Allow "Allow",
    AllowEvents "Allow-Events",
    AnswerMode "Answer-Mode",
    AuthenticationInfo "Authentication-Info",
    Authorization "Authorization",
    CallId "Call-ID",
    CallInfo "Call-Info",
    Contact "Contact",
    ContentDisposition "Content-Disposition",
    ContentEncoding "Content-Encoding",
    ContentLanguage "Content-Language",
    ContentLength "Content-Length",
    ContentType "Content-Type",
    CSeq "CSeq",
    Date "Date",
    Diversion "Diversion",
    ErrorInfo "Error-Info",
    Event "Event",
    Expires "Expires",
    FlowTimer "Flow-Timer",
    From "From",
    HistoryInfo "History-Info",
    InReplyTo "In-Reply-To",
    Join "Join",
    MaxForwards "Max-Forwards",
    MimeVersion "MIME-Version",
    MinExpires "Min-Expires",
    MinSe "Min-SE",
    Organization "Organization",
    PAssertedIdentity "P-Asserted-Identity",
    PPreferredIdentity "P-Preferred-Identity",
    Path "Path",
    Priority "Priority",
    Privacy "Privacy",
    PrivAnswerMode "Priv-Answer-Mode",
    ProxyAuthenticate "Proxy-Authenticate",
    ProxyAuthorization "Proxy-Authorization",
    ProxyRequire "Proxy-Require",
    RAck "RAck",
    Reason "Reason",
    RecordRoute "Record-Route",
    ReferredBy "Referred-By",
    ReferSub "Refer-Sub",
    ReferTo "Refer-To",
    RemotePartyId "Remote-Party-ID",
    Replaces "Replaces",
    ReplyTo "Reply-To",
    Require "Require",
    RetryAfter "Retry-After",
    Route "Route",
    RSeq "RSeq",
    Server "Server",
    ServiceRoute "Service-Route",
    SessionExpires "Session-Expires",
    Subject "Subject",
    SubscriptionState "Subscription-State",
    Supported "Supported",
    TargetDialog "Target-Dialog",
    Timestamp "Timestamp",
    To "To",
    Unsupported "Unsupported",
    UserAgent "User-Agent",
    UserToUser "User-to-User",
    Via "Via",
    Warning "Warning",
    WwwAuthenticate "WWW-Authenticate",
}

impl Name {
    /// The name that `text` spells: case-insensitively (RFC 3261 §7.3.1), in full or compact
    /// (§7.3.3). Never percent-decoded (RFC 4475 §3.1.1.5).
    pub fn of(text: &[u8]) -> Self {
        if let [letter] = text {
            return Self::compact(letter.to_ascii_lowercase());
        }
        let frequent = Self::frequent(text);
        if frequent != Self::Other {
            return frequent;
        }
        Self::of_length(text.len())
            .iter()
            .copied()
            .find(|name| name.text().as_bytes().eq_ignore_ascii_case(text))
            .unwrap_or_default()
    }

    /// The names of nearly every header, as nearly every sender writes them, found by length and
    /// one or two comparisons of words.
    #[inline]
    pub(super) fn frequent(text: &[u8]) -> Self {
        match text.len() {
            2 if text == b"To" => Self::To,
            3 if text == b"Via" => Self::Via,
            4 if text == b"From" => Self::From,
            4 if text == b"CSeq" => Self::CSeq,
            5 if text == b"Allow" => Self::Allow,
            5 if text == b"Route" => Self::Route,
            6 if text == b"Accept" => Self::Accept,
            7 if text == b"Contact" => Self::Contact,
            7 if text == b"Call-ID" => Self::CallId,
            7 if text == b"Expires" => Self::Expires,
            9 if text == b"Supported" => Self::Supported,
            10 if text == b"User-Agent" => Self::UserAgent,
            12 if text == b"Max-Forwards" => Self::MaxForwards,
            12 if text == b"Content-Type" => Self::ContentType,
            12 if text == b"Record-Route" => Self::RecordRoute,
            13 if text == b"Authorization" => Self::Authorization,
            14 if text == b"Content-Length" => Self::ContentLength,
            15 if text == b"Session-Expires" => Self::SessionExpires,
            19 if text == b"P-Asserted-Identity" => Self::PAssertedIdentity,
            _ => Self::Other,
        }
    }

    const fn compact(letter: u8) -> Self {
        match letter {
            b'b' => Self::ReferredBy,
            b'c' => Self::ContentType,
            b'e' => Self::ContentEncoding,
            b'f' => Self::From,
            b'i' => Self::CallId,
            b'k' => Self::Supported,
            b'l' => Self::ContentLength,
            b'm' => Self::Contact,
            b'o' => Self::Event,
            b'r' => Self::ReferTo,
            b's' => Self::Subject,
            b't' => Self::To,
            b'u' => Self::AllowEvents,
            b'v' => Self::Via,
            b'x' => Self::SessionExpires,
            _ => Self::Other,
        }
    }

    /// The names of `length` bytes, the frequent first. A switch and two or three comparisons
    /// are all a header costs; the test below holds the groups complete.
    const fn of_length(length: usize) -> &'static [Self] {
        match length {
            2 => &[Self::To],
            3 => &[Self::Via],
            4 => &[
                Self::From,
                Self::CSeq,
                Self::Date,
                Self::Path,
                Self::RSeq,
                Self::RAck,
                Self::Join,
            ],
            5 => &[Self::Allow, Self::Route, Self::Event],
            6 => &[Self::Accept, Self::Server, Self::Reason, Self::MinSe],
            7 => &[
                Self::CallId,
                Self::Contact,
                Self::Expires,
                Self::Require,
                Self::Subject,
                Self::Privacy,
                Self::Warning,
            ],
            8 => &[Self::Replaces, Self::ReferTo, Self::Priority, Self::ReplyTo],
            9 => &[
                Self::Supported,
                Self::Timestamp,
                Self::Diversion,
                Self::CallInfo,
                Self::ReferSub,
            ],
            10 => &[
                Self::UserAgent,
                Self::AlertInfo,
                Self::FlowTimer,
                Self::ErrorInfo,
            ],
            11 => &[
                Self::RetryAfter,
                Self::Unsupported,
                Self::MinExpires,
                Self::ReferredBy,
                Self::AnswerMode,
                Self::InReplyTo,
            ],
            12 => &[
                Self::MaxForwards,
                Self::ContentType,
                Self::RecordRoute,
                Self::AllowEvents,
                Self::HistoryInfo,
                Self::UserToUser,
                Self::MimeVersion,
                Self::Organization,
            ],
            13 => &[
                Self::Authorization,
                Self::ProxyRequire,
                Self::ServiceRoute,
                Self::TargetDialog,
            ],
            14 => &[Self::ContentLength],
            15 => &[
                Self::SessionExpires,
                Self::RemotePartyId,
                Self::AcceptEncoding,
                Self::AcceptLanguage,
            ],
            16 => &[
                Self::WwwAuthenticate,
                Self::ContentEncoding,
                Self::ContentLanguage,
                Self::PrivAnswerMode,
            ],
            18 => &[Self::ProxyAuthenticate, Self::SubscriptionState],
            19 => &[
                Self::ProxyAuthorization,
                Self::PAssertedIdentity,
                Self::ContentDisposition,
                Self::AuthenticationInfo,
            ],
            20 => &[Self::PPreferredIdentity],
            _ => &[],
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for &name in Name::ALL {
            assert_eq!(Name::of(name.text().as_bytes()), name, "{name}");
            assert_eq!(Name::of(name.text().to_uppercase().as_bytes()), name);
            assert_eq!(Name::of(name.text().to_lowercase().as_bytes()), name);
        }
    }

    #[test]
    fn compact_forms_are_the_registered_ones() {
        assert_eq!(Name::of(b"v"), Name::Via);
        assert_eq!(Name::of(b"L"), Name::ContentLength);
        assert_eq!(Name::of(b"z"), Name::Other);
    }

    #[test]
    fn an_escaped_name_is_another_name() {
        assert_eq!(Name::of(b"C%6Fntact"), Name::Other);
        assert_eq!(Name::of(b""), Name::Other);
    }
}
