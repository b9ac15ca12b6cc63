//! What a REGISTER asks for (RFC 3261 §10.3 steps 6 and 7).

use hotline_model::limits::{
    CONTACT_INSTANCE_BYTES, REGISTRATION_MAX_S, REGISTRATION_MIN_S, USER_AGENT_BYTES,
};

use super::binding::RegisterAnswer;
use crate::message::{Contact as ContactValue, Message, Name, NameAddr, text};

/// All that a REGISTER wants.
pub(super) enum Wanted {
    /// No Contact: the peer asks for the list.
    List,
    RemoveAll,
    Update(Vec<Wish>),
}

/// What a REGISTER wants done with one contact.
pub(super) struct Wish {
    pub uri: String,
    pub expires: u32,
    pub preference: u16,
    pub device: Option<Device>,
}

/// A phone, and which of its connections (RFC 5626 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    /// `+sip.instance` without its quotes.
    pub instance: String,
    /// `reg-id`.
    pub flow: u32,
}

impl Device {
    /// Both parameters, or nothing: one without the other binds no connection (RFC 5626 §6).
    fn of(address: &NameAddr<'_>) -> Option<Self> {
        let instance = core::str::from_utf8(address.params.get("+sip.instance")?).ok()?;
        let known = !instance.is_empty() && instance.len() <= CONTACT_INSTANCE_BYTES;
        let flow = core::str::from_utf8(address.params.get("reg-id")?).ok()?;
        let flow = flow.parse().ok().filter(|flow| *flow > 0)?;
        (known && !instance.contains(char::is_control)).then(|| Self {
            instance: instance.to_owned(),
            flow,
        })
    }
}

pub(super) fn wanted(request: &Message<'_>) -> Result<Wanted, RegisterAnswer> {
    let written = request.values(Name::Contact).count();
    let values: Vec<_> = request.contacts().collect();
    if values.len() != written {
        return Err(RegisterAnswer::plain(400));
    }
    let all = values
        .iter()
        .any(|value| matches!(value, ContactValue::All));
    match (values.len(), all) {
        (0, _) => Ok(Wanted::List),
        (1, true) if request.expires() == Some(0) => Ok(Wanted::RemoveAll),
        (_, true) => Err(RegisterAnswer::plain(400)),
        _ => values
            .iter()
            .filter_map(|value| value.address())
            .map(|address| wish(&address, request.expires()))
            .collect::<Result<_, _>>()
            .map(Wanted::Update),
    }
}

fn wish(address: &NameAddr<'_>, expires: Option<u32>) -> Result<Wish, RegisterAnswer> {
    // Nobody could be called at another scheme, nor by a URI that is no text.
    let uri = match core::str::from_utf8(address.uri.raw) {
        Ok(uri) if address.uri.is_sip() => uri.to_owned(),
        _ => return Err(RegisterAnswer::plain(400)),
    };
    // The contact's own time goes before the header's (§10.2.1.1).
    let asked = address.expires().or(expires).unwrap_or(REGISTRATION_MAX_S);
    if (1..REGISTRATION_MIN_S).contains(&asked) {
        return Err(RegisterAnswer {
            status: 423,
            headers: vec![("Min-Expires", REGISTRATION_MIN_S.to_string())],
        });
    }
    Ok(Wish {
        uri,
        expires: asked.min(REGISTRATION_MAX_S),
        preference: address.preference(),
        device: Device::of(address),
    })
}

/// What the sender calls itself, in at most [`USER_AGENT_BYTES`] of clean text.
pub(super) fn user_agent(request: &Message<'_>) -> String {
    let written = text(request.header(Name::UserAgent).unwrap_or_default());
    let mut clean = String::new();
    for character in written.chars().filter(|character| !character.is_control()) {
        if clean.len() + character.len_utf8() > USER_AGENT_BYTES {
            break;
        }
        clean.push(character);
    }
    clean
}
