//! Routing: which trunk an INVITE came by, who called, what was dialled, and which script answers.

use core::net::SocketAddr;
use std::sync::Arc;

use hotline_ivr::Program;
use hotline_model::TrunkId;
use hotline_sip::message::Message;

pub use crate::trunks::caller::{Caller, caller, dialled};
use crate::{settings::Settings, trunks::settings::Trunk};

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
pub fn trunk_at(settings: &Settings, source: SocketAddr) -> Option<&Trunk> {
    settings.trunks.iter().find(|trunk| {
        let mut ranges = trunk.addresses.iter();
        ranges.any(|range| range.contains(source.ip()))
    })
}

/// Whether From names a seat or a shared phone: perhaps it stands at an address of a trunk.
pub fn claims_seat(settings: &Settings, message: &Message<'_>) -> bool {
    let user = message.from().uri.user_text();
    settings.aor_of_user(&user).is_some()
}

/// Decides by source and dialled number. A star code always needs the proof of a seat; a served
/// number needs it unless it came by a trunk.
pub fn route(settings: &Settings, source: SocketAddr, dialled: &str, proven_seat: bool) -> Route {
    let trunk = trunk_at(settings, source).map(|trunk| trunk.id);
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
    let number = settings.numbers.iter().find(|n| n.is(dialled))?;
    settings.scripts.get(&number.script).cloned()
}

#[cfg(test)]
mod tests {
    use crate::trunks::numbers::{NUMBER_CHARS, NumberOf, NumberRule, by_rules};

    #[test]
    fn one_number_has_one_form() {
        let normalise = |number: &str| by_rules(number, &NumberRule::usual(), NumberOf::Both);
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
