//! The client's side: the answer to a challenge.

use core::fmt;

use super::{Algorithm, Fields, Proof, hash, quote};
use crate::message::{Method, text};

/// Who logs in, and where.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// User name.
    pub user: &'a str,
    /// Password.
    pub password: &'a str,
    /// The realm that may ask. A challenge of any other is not answered: the hash it would get
    /// can be tried against a dictionary at leisure. `None`: whoever is asked may choose.
    pub realm: Option<&'a str>,
}

impl fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

/// Why a challenge is not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoAnswer {
    /// No challenge of the Digest scheme can be read.
    Malformed,
    /// Only realms ask that we do not log in at.
    ForeignRealm,
    /// Only algorithms or protections are offered that we do not speak, or what we would have to
    /// give back is no plain UTF-8.
    Unsupported,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "no readable digest challenge",
            Self::ForeignRealm => "the challenge is of a foreign realm",
            Self::Unsupported => "the challenge wants an algorithm or protection we do not speak",
        })
    }
}

impl core::error::Error for NoAnswer {}

/// The Authorization (or Proxy-Authorization) value that answers one of `challenges`, the values
/// of the WWW-Authenticate (or Proxy-Authenticate) headers of a 401 (407): SHA-256 where it is
/// offered (RFC 8760 §2.4).
///
/// `uri` is the Request-URI, `cnonce` random text, `count` how often this nonce was answered,
/// this time included.
///
/// # Errors
/// [`NoAnswer`] where there is nothing we may or can answer.
pub fn answer<'c>(
    challenges: impl IntoIterator<Item = &'c [u8]>,
    login: &Login<'_>,
    method: Method<'_>,
    uri: &str,
    cnonce: &str,
    count: u32,
) -> Result<String, NoAnswer> {
    let mut best: Result<(Algorithm, Fields<'c>), NoAnswer> = Err(NoAnswer::Malformed);
    for fields in challenges.into_iter().filter_map(Fields::parse) {
        let foreign = login
            .realm
            .is_some_and(|realm| quote(realm).as_bytes() != fields.realm);
        let usable = Algorithm::of(fields.algorithm)
            .filter(|_| fields.offers_auth() && can_be_given_back(&fields));
        best = match (best, usable) {
            (Ok(best), Some(algorithm)) if !foreign && algorithm > best.0 => {
                Ok((algorithm, fields))
            }
            (Err(_), Some(algorithm)) if !foreign => Ok((algorithm, fields)),
            (Err(_), None) if !foreign => Err(NoAnswer::Unsupported),
            (Err(NoAnswer::Malformed), _) => Err(NoAnswer::ForeignRealm),
            (best, _) => best,
        };
    }
    let (algorithm, fields) = best?;
    Ok(write(
        algorithm,
        &fields,
        login,
        method,
        uri,
        &quote(cnonce),
        count,
    ))
}

/// Whether realm, nonce and opaque can be returned as they came. Of GBK, read as UTF-8, a backslash
/// would be left that was half a character, and would escape the quote behind it; so would the last
/// backslash of a value that came without quotes.
fn can_be_given_back(challenge: &Fields<'_>) -> bool {
    let plain = |value: &[u8]| {
        core::str::from_utf8(value)
            .is_ok_and(|text| !text.contains(char::is_control) && is_escaped(text))
    };
    plain(challenge.realm) && plain(challenge.nonce) && challenge.opaque.is_none_or(plain)
}

/// Whether quotes around this hold it together (RFC 3261 §25.1, quoted-string).
fn is_escaped(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(character) = chars.next() {
        let whole = match character {
            '\\' => chars.next().is_some(),
            '"' => false,
            _ => true,
        };
        if !whole {
            return false;
        }
    }
    true
}

fn write(
    algorithm: Algorithm,
    challenge: &Fields<'_>,
    login: &Login<'_>,
    method: Method<'_>,
    uri: &str,
    cnonce: &str,
    count: u32,
) -> String {
    let nc = format!("{count:08x}");
    let proof = Proof {
        algorithm,
        nonce: challenge.nonce,
        counted: challenge.qop.map(|_| (nc.as_bytes(), cnonce.as_bytes())),
        method: method.as_bytes(),
        uri: uri.as_bytes(),
    };
    let ha1 = hash(
        algorithm,
        &[
            login.user.as_bytes(),
            challenge.realm,
            login.password.as_bytes(),
        ],
    );
    let response = proof.response(ha1.as_bytes());
    let mut value = format!(
        "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", \
         response=\"{response}\"",
        quote(login.user),
        text(challenge.realm),
        text(challenge.nonce),
        quote(uri),
    );
    // RFC 7616 §3.4: returned as it came, and only if it came.
    if challenge.algorithm.is_some() {
        value.push_str(&format!(", algorithm={}", algorithm.token()));
    }
    if let Some(opaque) = challenge.opaque {
        value.push_str(&format!(", opaque=\"{}\"", text(opaque)));
    }
    if challenge.qop.is_some() {
        value.push_str(&format!(", qop=auth, nc={nc}, cnonce=\"{cnonce}\""));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &[u8] = b"Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
        algorithm=MD5, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
        opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
    const LOGIN: Login<'_> = Login {
        user: "Mufasa",
        password: "Circle of Life",
        realm: Some("http-auth@example.org"),
    };

    fn meet(challenges: &[&[u8]], login: &Login<'_>) -> Result<String, NoAnswer> {
        answer(
            challenges.iter().copied(),
            login,
            Method::Other(b"GET"),
            "/dir/index.html",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            1,
        )
    }

    #[test]
    fn a_backslash_without_quotes_escapes_none_of_ours() {
        let login = Login {
            realm: None,
            ..LOGIN
        };
        for challenge in [
            &b"Digest realm=\"r\", nonce=\\"[..],
            b"Digest realm=r\\, nonce=\"n\"",
            b"Digest realm=\"r\", nonce=\"n\", opaque=\\\\\\",
        ] {
            let answer = meet(&[challenge], &login);
            assert_eq!(answer, Err(NoAnswer::Unsupported));
        }
        let escaped = b"Digest realm=\"a \\\"b\\\"\", nonce=\\\\";
        let value = meet(&[escaped], &login).unwrap();
        assert_eq!(Fields::parse(value.as_bytes()).unwrap().nonce, br"\\");
    }

    // RFC 7616 §3.9.1: the challenge in two algorithms, and the answer.
    #[test]
    fn the_example_of_rfc_7616_is_answered() {
        let sha256 = String::from_utf8_lossy(MD5).replace("=MD5", "=SHA-256");
        let value = meet(&[MD5], &LOGIN).unwrap();
        assert!(
            value.contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""),
            "{value}"
        );
        for challenges in [[sha256.as_bytes(), MD5], [MD5, sha256.as_bytes()]] {
            assert_eq!(
                meet(&challenges, &LOGIN).unwrap(),
                "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", \
                 response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", \
                 algorithm=SHA-256, opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", \
                 qop=auth, nc=00000001, \
                 cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\""
            );
        }
    }

    #[test]
    fn a_foreign_realm_learns_nothing() {
        let other = Login {
            realm: Some("hotline"),
            ..LOGIN
        };
        assert_eq!(meet(&[MD5], &other), Err(NoAnswer::ForeignRealm));
        let mine = b"Digest realm=\"hotline\", nonce=\"n\"";
        let value = meet(&[MD5, mine], &other).unwrap();
        assert!(
            value.contains("realm=\"hotline\"") && !value.contains("qop"),
            "{value}"
        );
        assert!(
            meet(
                &[MD5],
                &Login {
                    realm: None,
                    ..LOGIN
                }
            )
            .is_ok()
        );
    }

    #[test]
    fn what_we_do_not_speak_is_not_answered() {
        let integrity = b"Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"";
        let session = b"Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess";
        let login = Login {
            realm: None,
            ..LOGIN
        };
        assert_eq!(meet(&[integrity], &login), Err(NoAnswer::Unsupported));
        assert_eq!(meet(&[session], &login), Err(NoAnswer::Unsupported));
        assert_eq!(
            meet(&[b"Basic realm=\"r\""], &login),
            Err(NoAnswer::Malformed)
        );
        assert_eq!(meet(&[], &login), Err(NoAnswer::Malformed));
    }

    #[test]
    fn what_cannot_be_given_back_as_it_came_is_not_answered() {
        let login = Login {
            realm: None,
            ..LOGIN
        };
        // 0xDC 0x5C is one GBK character; escaped, it would take what follows into the opaque.
        for challenge in [
            &b"Digest realm=\"r\", nonce=\"n\", opaque=\"\xDC\\\""[..],
            b"Digest realm=\"\xC8\xC8\xCF\xDF\", nonce=\"n\"",
            b"Digest realm=\"r\", nonce=\"a\r\n b\"",
        ] {
            assert!(Fields::parse(challenge).is_some());
            assert_eq!(meet(&[challenge], &login), Err(NoAnswer::Unsupported));
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        assert!(!format!("{LOGIN:?}").contains("Circle"));
    }
}
