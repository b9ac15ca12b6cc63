//! The fields of a challenge or of an answer to one: `Digest name="value", …`.

use crate::message::Cursor;

/// What a WWW-Authenticate, Proxy-Authenticate, Authorization or Proxy-Authorization value of
/// the Digest scheme holds (RFC 3261 §20.7, §20.44), borrowed from it. Quoted values are without
/// quotes, still escaped, as the hashes want them (RFC 7616 §3.4.1, `unq`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fields<'a> {
    /// User name; empty in a challenge.
    pub user: &'a [u8],
    /// Realm.
    pub realm: &'a [u8],
    /// Nonce.
    pub nonce: &'a [u8],
    /// URI the answer is for.
    pub uri: &'a [u8],
    /// The answer's proof.
    pub response: &'a [u8],
    /// Algorithm token; absent means MD5.
    pub algorithm: Option<&'a [u8]>,
    /// Opaque, to be returned as it came.
    pub opaque: Option<&'a [u8]>,
    /// In a challenge a list of choices, in an answer the choice.
    pub qop: Option<&'a [u8]>,
    /// Client nonce.
    pub cnonce: Option<&'a [u8]>,
    /// Nonce count as written.
    pub nc: Option<&'a [u8]>,
    /// Whether a challenge says that only the nonce was too old.
    pub stale: bool,
}

impl<'a> Fields<'a> {
    /// Splits one header value. `None` where the scheme is not Digest (RFC 4475 §3.3.7: as if
    /// there were no credentials), the grammar is broken, realm or nonce is missing, or a field
    /// stands there twice.
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(value);
        cursor.skip_lws();
        let scheme = cursor.token()?;
        if !scheme.eq_ignore_ascii_case(b"Digest") {
            return None;
        }
        let mut fields = Self::default();
        let mut seen = 0;
        loop {
            cursor.skip_lws();
            while cursor.eat_spaced(b',') {}
            if cursor.rest.is_empty() {
                break;
            }
            let name = cursor.token()?;
            cursor.eat_spaced(b'=').then_some(())?;
            let value = match cursor.quoted() {
                Some(inside) => inside,
                None => cursor.take_while(|byte| !matches!(byte, b',' | b'"' | 0..=b' ' | 0x7F)),
            };
            fields.set(name, value, &mut seen)?;
            cursor.skip_lws();
            if !matches!(cursor.rest, [] | [b',', ..]) {
                return None;
            }
        }
        (!fields.realm.is_empty() && !fields.nonce.is_empty()).then_some(fields)
    }

    /// Files one field; an unknown one is passed over (RFC 7616 §3.4). `seen` has one bit for
    /// each known one.
    fn set(&mut self, name: &[u8], value: &'a [u8], seen: &mut u16) -> Option<()> {
        let Some(position) = position(name) else {
            return Some(());
        };
        let bit = 1 << position;
        if *seen & bit != 0 {
            return None;
        }
        *seen |= bit;
        match position {
            0 => self.user = value,
            1 => self.realm = value,
            2 => self.nonce = value,
            3 => self.uri = value,
            4 => self.response = value,
            5 => self.algorithm = Some(value),
            6 => self.opaque = Some(value),
            7 => self.qop = Some(value),
            8 => self.cnonce = Some(value),
            9 => self.nc = Some(value),
            _ => self.stale = value.eq_ignore_ascii_case(b"true"),
        }
        Some(())
    }

    /// The user name as text, unescaped; `None` where it is no UTF-8.
    pub fn user_text(&self) -> Option<String> {
        let text = core::str::from_utf8(self.user).ok()?;
        let mut plain = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(character) = chars.next() {
            plain.extend(if character == '\\' {
                chars.next()
            } else {
                Some(character)
            });
        }
        Some(plain)
    }

    /// Whether a challenge offers the plain `auth` protection, or none at all as in RFC 2069.
    pub(super) fn offers_auth(&self) -> bool {
        self.qop.is_none_or(|choices| {
            choices
                .split(|&byte| byte == b',')
                .any(|choice| choice.trim_ascii().eq_ignore_ascii_case(b"auth"))
        })
    }
}

const NAMES: [&[u8]; 11] = [
    b"username",
    b"realm",
    b"nonce",
    b"uri",
    b"response",
    b"algorithm",
    b"opaque",
    b"qop",
    b"cnonce",
    b"nc",
    b"stale",
];

/// Position of a field among [`NAMES`]; as nearly always written, at the first try.
fn position(name: &[u8]) -> Option<usize> {
    NAMES.iter().position(|&known| known == name).or_else(|| {
        NAMES
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_quoted_and_bare() {
        let fields = Fields::parse(
            b"digest  username=\"1001\" , realm=\"a, \\\"b\\\"\",\r\n nonce=\"n\",uri=\"sip:h\", \
              response=\"00\",algorithm=SHA-256, qop=auth , nc=00000001,cnonce=\"c\",x=y,stale=TRUE",
        )
        .unwrap();
        assert_eq!(fields.user_text().unwrap(), "1001");
        assert_eq!(fields.realm, b"a, \\\"b\\\"");
        assert_eq!(fields.algorithm, Some(&b"SHA-256"[..]));
        assert_eq!(fields.nc, Some(&b"00000001"[..]));
        assert!(fields.stale && fields.offers_auth());
    }

    #[test]
    fn broken_values_are_refused() {
        for bad in [
            "NoOneKnowsThisScheme opaque-data=here",
            "Digest",
            "Digest realm=\"r\"",
            "Digest nonce=\"n\"",
            "Digest realm=\"r\", nonce=\"n\", realm=\"s\"",
            "Digest realm=\"r, nonce=\"n\"",
            "Digest realm=\"r\" nonce=\"n\"",
            "Digest realm \"r\", nonce=\"n\"",
            "Digest realm=\"r\", nonce=n\"",
            "",
        ] {
            assert_eq!(Fields::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn the_choice_of_protection_may_be_a_list() {
        let offers = |qop: &str| {
            let value = format!("Digest realm=\"r\", nonce=\"n\", qop=\"{qop}\"");
            Fields::parse(value.as_bytes()).unwrap().offers_auth()
        };
        assert!(offers("auth") && offers("auth-int, auth") && !offers("auth-int"));
    }
}
