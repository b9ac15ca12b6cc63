//! Who calls, and what was dialled: the headers that are believed, in order.

use hotline_sip::message::{Message, Name, NameAddr, Scheme};

use super::{
    numbers::{NumberOf, NumberRule, by_rules, number_in},
    settings::Trunk,
};

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The number, in its one form; empty where the network does not know it or does not say.
    pub number: String,
    /// The caller asked that the number be kept from whoever answers (RFC 3323, RFC 3325 §7): the
    /// hotline may know it, the seat may not be shown it.
    pub withheld: bool,
}

/// The caller of an INVITE. Of a trunk that is trusted, P-Asserted-Identity is believed before
/// Remote-Party-ID and From (RFC 3325 §9.1); of anybody else only From counts, for anybody can
/// write the other two.
pub fn caller(message: &Message<'_>, trunk: Option<&Trunk>) -> Caller {
    let Some(trunk) = trunk else {
        let from = number_of(&message.from());
        return Caller {
            number: by_rules(&from, &NumberRule::usual(), NumberOf::Caller),
            withheld: false,
        };
    };
    let party = message.addresses(Name::RemotePartyId).next();
    let hidden = party.and_then(|party| party.params.get("privacy"));
    let hidden = trunk.trust_identity && hidden.is_some_and(hides);
    let from = number_of(&message.from());
    let asserted = trunk
        .trust_identity
        .then(|| asserted(message).or_else(|| party.map(|party| number_of(&party))))
        .flatten()
        .filter(|number| !number.is_empty());
    let anonymous = message
        .from()
        .uri
        .user_text()
        .eq_ignore_ascii_case("anonymous");
    let number = asserted.unwrap_or(from);
    Caller {
        number: by_rules(&number, &trunk.numbers, NumberOf::Caller),
        withheld: hidden || anonymous || message.headers(Name::Privacy).any(is_private),
    }
}

/// The number of P-Asserted-Identity: a `tel:` URI among several (RFC 3325 §9.1 allows a pair),
/// else the first that has one.
fn asserted(message: &Message<'_>) -> Option<String> {
    let identities = || message.addresses(Name::PAssertedIdentity);
    let tel = identities().find(|identity| identity.uri.scheme == Scheme::Tel);
    tel.iter()
        .copied()
        .chain(identities())
        .map(|identity| number_of(&identity))
        .find(|number| !number.is_empty())
}

fn number_of(address: &NameAddr<'_>) -> String {
    let number = number_in(&address.uri);
    // RFC 3323 §4.1: the user part of an anonymous caller.
    if ["anonymous", "unavailable", "restricted"]
        .iter()
        .any(|word| number.eq_ignore_ascii_case(word))
    {
        return String::new();
    }
    number
}

/// A Privacy header that asks for it (RFC 3323 §4.2, RFC 3325 §9.3). `none` and `critical` alone
/// do not, and `session` and `history` are about other things.
fn is_private(value: &[u8]) -> bool {
    value
        .split(|&byte| byte == b';' || byte == b',')
        .map(<[u8]>::trim_ascii)
        .any(|word| {
            [&b"id"[..], b"user", b"header"]
                .iter()
                .any(|private| word.eq_ignore_ascii_case(private))
        })
}

/// The `privacy` parameter of Remote-Party-ID.
fn hides(value: &[u8]) -> bool {
    ["full", "name", "uri"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}

/// The number dialled: the user part of the Request-URI; where it has none (a carrier that
/// addresses the trunk itself) that of To, and then P-Called-Party-ID of a trusted trunk
/// (RFC 7315 §4.2).
pub fn dialled(message: &Message<'_>, trunk: Option<&Trunk>) -> String {
    let usual;
    let rules = match trunk {
        Some(trunk) => &trunk.numbers,
        None => {
            usual = NumberRule::usual();
            &usual
        }
    };
    let written = [number_in(&message.uri()), number_in(&message.to().uri)]
        .into_iter()
        .find(|number| !number.is_empty())
        .or_else(|| {
            let trusted = trunk.is_some_and(|trunk| trunk.trust_identity);
            let value = trusted.then(|| message.header_by_text("P-Called-Party-ID"));
            Some(number_in(&NameAddr::parse(value.flatten()?)?.uri))
        })
        .unwrap_or_default();
    by_rules(&written, rules, NumberOf::Called)
}

#[cfg(test)]
mod tests {
    use hotline_model::TrunkId;
    use hotline_sip::message::Framing;

    use super::*;

    fn trunk() -> Trunk {
        Trunk::inbound(TrunkId::new("mobile").unwrap(), [])
    }

    fn distrusted() -> Trunk {
        Trunk {
            trust_identity: false,
            ..trunk()
        }
    }

    /// An INVITE of `from` with further headers.
    fn read<T>(uri: &str, from: &str, headers: &str, what: impl Fn(&Message<'_>) -> T) -> T {
        let to = if uri == "sip:10.0.0.1" {
            "<sip:10.0.0.1>"
        } else {
            "<sip:0635-12345@10.0.0.1>"
        };
        let text = format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.0.1;branch=z9hG4bKa\r\n\
             From: {from};tag=1\r\nTo: {to}\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n\
             Max-Forwards: 70\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        what(&Message::parse(text.as_bytes(), Framing::Datagram).unwrap())
    }

    fn who(from: &str, headers: &str, trunk: Option<&Trunk>) -> (String, bool) {
        let caller = read("sip:12345@10.0.0.1", from, headers, |m| caller(m, trunk));
        (caller.number, caller.withheld)
    }

    fn shown(number: &str) -> (String, bool) {
        (number.to_owned(), false)
    }

    fn withheld(number: &str) -> (String, bool) {
        (number.to_owned(), true)
    }

    const FROM: &str = "<sip:+8613800000001@10.1.0.1>";

    #[test]
    fn a_trusted_trunk_is_believed_in_order() {
        let trunk = trunk();
        let all = "Remote-Party-ID: <sip:13800000002@c>;party=calling\r\n\
                   P-Asserted-Identity: <sip:13800000003@c>\r\n";
        assert_eq!(who(FROM, all, Some(&trunk)), shown("13800000003"));
        let party = "Remote-Party-ID: \"x\" <sip:13800000002@c>;privacy=off\r\n";
        assert_eq!(who(FROM, party, Some(&trunk)), shown("13800000002"));
        assert_eq!(who(FROM, "", Some(&trunk)), shown("13800000001"));
        let broken = "P-Asserted-Identity: <<>\r\n";
        assert_eq!(who(FROM, broken, Some(&trunk)), shown("13800000001"));
    }

    #[test]
    fn of_several_identities_the_telephone_number_is_taken() {
        let trunk = trunk();
        let pair = "P-Asserted-Identity: \"A\" <sip:alice@c>, <tel:+86-138-0000-0009>\r\n";
        assert_eq!(who(FROM, pair, Some(&trunk)), shown("13800000009"));
        let lines = "P-Asserted-Identity: <sip:alice@c>\r\nP-Asserted-Identity: <tel:110>\r\n";
        assert_eq!(who(FROM, lines, Some(&trunk)), shown("110"));
        let sip = "P-Asserted-Identity: <sip:c>, <sip:13800000005@c;user=phone>\r\n";
        assert_eq!(who(FROM, sip, Some(&trunk)), shown("13800000005"));
        let long = "P-Asserted-Identity: <tel:106575012345678901>\r\n";
        assert_eq!(who(FROM, long, Some(&trunk)), shown("106575012345678901"));
    }

    #[test]
    fn a_withheld_number_is_known_and_marked() {
        let trunk = trunk();
        let nobody = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
        for privacy in ["id", "user;id", "header", "id;critical", "ID"] {
            let headers =
                format!("P-Asserted-Identity: <tel:+8613800000004>\r\nPrivacy: {privacy}\r\n");
            assert_eq!(who(nobody, &headers, Some(&trunk)), withheld("13800000004"));
            assert_eq!(who(FROM, &headers, Some(&trunk)), withheld("13800000004"));
        }
        assert_eq!(
            who(FROM, "Privacy: none\r\n", Some(&trunk)),
            shown("13800000001")
        );
        assert_eq!(
            who(FROM, "Privacy: session\r\n", Some(&trunk)),
            shown("13800000001")
        );
        assert_eq!(who(nobody, "", Some(&trunk)), withheld(""));
        let party = "Remote-Party-ID: <sip:13800000002@c>;party=calling;privacy=full\r\n";
        assert_eq!(who(FROM, party, Some(&trunk)), withheld("13800000002"));
    }

    #[test]
    fn a_stranger_cannot_put_on_another_number() {
        let spoofed = "P-Asserted-Identity: <tel:110>\r\nRemote-Party-ID: <sip:119@c>\r\n\
                       P-Called-Party-ID: <sip:110@c>\r\nPrivacy: id\r\n";
        assert_eq!(who(FROM, spoofed, None), shown("13800000001"));
        let distrusted = distrusted();
        assert_eq!(
            who(FROM, spoofed, Some(&distrusted)),
            withheld("13800000001"),
            "not believed, and asked for privacy"
        );
        let to = |trunk: Option<&Trunk>| read("sip:10.0.0.1", FROM, spoofed, |m| dialled(m, trunk));
        assert_eq!(to(None), "");
        assert_eq!(to(Some(&distrusted)), "");
        assert_eq!(to(Some(&trunk())), "110");
    }

    #[test]
    fn the_dialled_number_is_in_the_request_uri_or_in_to() {
        let to = |uri: &str| read(uri, FROM, "", |m| dialled(m, Some(&trunk())));
        assert_eq!(to("sip:+8612345@10.0.0.1;user=phone"), "12345");
        assert_eq!(to("tel:0635-12345;phone-context=+86"), "063512345");
        assert_eq!(
            to("sip:10.0.0.9"),
            "063512345",
            "To, where the trunk is addressed"
        );
    }
}
