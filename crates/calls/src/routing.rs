//! Routing: which trunk an INVITE came by, who called, what was dialled, and which script answers.

use core::net::SocketAddr;
use std::{borrow::Cow, sync::Arc};

use hotline_ivr::Program;
use hotline_model::TrunkId;
use hotline_sip::message::{Message, Name, NameAddr};

use crate::settings::Settings;

/// Longest number kept, characters. E.164 has 15 digits and privacy numbers have more; what is
/// longer than any number in use is cut, so that a hostile header cannot fill a journal.
pub const NUMBER_CHARS: usize = 40;

/// Where an INVITE wants to go.
pub enum Route {
    /// A citizen's call for a number we serve.
    Served {
        /// The trunk it came by; `None` when a registered seat called.
        trunk: Option<TrunkId>,
        /// The script that answers.
        script: Arc<Program>,
    },
    /// Not from a trunk: only a seat that proves itself may go on.
    Challenge,
    /// Refused, with the SIP status and why.
    Refused(u16, &'static str),
}

/// The trunk whose address list has the source.
pub fn trunk_of(settings: &Settings, source: SocketAddr) -> Option<TrunkId> {
    let ip = source.ip().to_canonical();
    settings
        .trunks
        .iter()
        .find(|trunk| trunk.addresses.contains(&ip))
        .map(|trunk| trunk.id)
}

/// Decides by source and dialled number. A star code always needs the proof of a seat; a served
/// number needs it unless it came by a trunk.
pub fn route(settings: &Settings, source: SocketAddr, dialled: &str, proven_seat: bool) -> Route {
    let trunk = trunk_of(settings, source);
    if (dialled.starts_with('*') || trunk.is_none()) && !proven_seat {
        return Route::Challenge;
    }
    match script_of(settings, dialled) {
        Some(script) => Route::Served {
            trunk: if proven_seat { None } else { trunk },
            script,
        },
        None => Route::Refused(404, "number not served"),
    }
}

fn script_of(settings: &Settings, dialled: &str) -> Option<Arc<Program>> {
    let number = settings
        .numbers
        .iter()
        .find(|n| n.number == dialled || n.aliases.iter().any(|alias| alias == dialled))?;
    settings.scripts.get(&number.script).cloned()
}

/// The number dialled: the user part of the Request-URI, or of To where the Request-URI has none
/// (a carrier that addresses the trunk itself).
pub fn dialled(message: &Message<'_>) -> String {
    let user = message.uri().user_text();
    if user.is_empty() {
        normalise(&message.to().uri.user_text())
    } else {
        normalise(&user)
    }
}

/// The caller's number. A trunk's P-Asserted-Identity is believed before its Remote-Party-ID and
/// its From (RFC 3325 §9.1); from anybody else only From counts.
pub fn caller(message: &Message<'_>, from_trunk: bool) -> String {
    let asserted = from_trunk
        .then(|| {
            [
                Name::of(b"P-Asserted-Identity"),
                Name::of(b"Remote-Party-ID"),
            ]
            .into_iter()
            .zip(["P-Asserted-Identity", "Remote-Party-ID"])
            .find_map(|(name, text)| {
                let value = match name {
                    Name::Other => message.header_by_text(text),
                    name => message.header(name),
                };
                let user = NameAddr::parse(value?)?.uri.user_text().into_owned();
                (!user.is_empty()).then_some(user)
            })
        })
        .flatten();
    let number = asserted.map_or_else(|| message.from().uri.user_text(), Cow::Owned);
    match &*number {
        // RFC 3323 §4.1: the user part of an anonymous caller.
        "anonymous" | "Anonymous" | "unavailable" => String::new(),
        number => normalise(number),
    }
}

/// One form for one number: without separators, without +86 or 0086. Everything that is not a
/// letter, a digit, `*`, `#`, `+`, `-`, `_` or `.` is left out, so that a number can stand in a header, a
/// file name and a page. Long numbers are not cut short of [`NUMBER_CHARS`].
pub fn normalise(number: &str) -> String {
    let is_telephone = number
        .chars()
        .all(|c| c.is_ascii_digit() || "+-.() *#".contains(c));
    let kept: String = number
        .chars()
        .filter(|&c| {
            c.is_ascii_alphanumeric() || "*#+".contains(c) || (!is_telephone && "-_.".contains(c))
        })
        .take(NUMBER_CHARS)
        .collect();
    let national = kept
        .strip_prefix("+86")
        .or_else(|| kept.strip_prefix("0086"));
    match national {
        Some(rest) if is_telephone && !rest.is_empty() => rest.to_owned(),
        _ => kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_form() {
        for (from, to) in [
            ("12345", "12345"),
            ("0635-12345", "063512345"),
            ("+8613812345678", "13812345678"),
            ("+86 138 1234 5678", "13812345678"),
            ("008613812345678", "13812345678"),
            ("+4912345", "+4912345"),
            ("*21", "*21"),
            ("106575012345678901", "106575012345678901"),
            ("sipp", "sipp"),
            ("lao-wang", "lao-wang"),
            ("1\r\nEvil: 2", "1Evil2"),
            ("+86", "+86"),
            ("匿名", ""),
        ] {
            assert_eq!(normalise(from), to, "{from:?}");
        }
        assert_eq!(normalise(&"9".repeat(500)).len(), NUMBER_CHARS);
    }
}
