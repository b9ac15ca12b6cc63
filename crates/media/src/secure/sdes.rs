//! Keys in the description (RFC 4568): `a=crypto` lines. Only over signalling that is itself
//! private, since whoever reads the description reads the keys.

use core::fmt;

use base64::{
    Engine as _,
    engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose},
};

use super::srtp::{KEY_BYTES, Keys, Profile, SALT_BYTES};

/// Random bytes of one key and salt.
const KEY_SEED_BYTES: usize = KEY_BYTES + SALT_BYTES;

/// Random bytes of a leg's keys, one for each profile.
pub const SEED_BYTES: usize = 2 * KEY_SEED_BYTES;

/// Fewest packets a key in an offer must be good for (RFC 4568 §6.1, lifetime): six hours of
/// sound. A shorter life would want new keys in the middle of a call.
const LIFETIME_PACKETS: u64 = 1 << 20;

/// Some phones leave the padding out, some put it where none is due.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

/// What we offer, in this order; the tag is the place, from 1.
const OFFERED: [Profile; 2] = [Profile::AeadAes128Gcm, Profile::AesCm128HmacSha1_80];

/// Random bytes for the keys of one leg's descriptions. The same for the life of the leg, so that
/// a further description says the same keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub [u8; SEED_BYTES]);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

impl Seed {
    /// Our key under a profile. Each profile has bytes of its own, so that no key serves two.
    pub(crate) fn keys(&self, profile: Profile) -> Keys {
        let (first, second) = self.0.split_at(KEY_SEED_BYTES);
        let bytes = match profile {
            Profile::AeadAes128Gcm => first,
            Profile::AesCm128HmacSha1_80 | Profile::AesCm128HmacSha1_32 => second,
        };
        let mut random = [0; KEY_SEED_BYTES];
        for (to, from) in random.iter_mut().zip(bytes) {
            *to = *from;
        }
        Keys::random(profile, &random)
    }

    /// The lines of our offer: tag and key.
    pub(crate) fn offered(&self) -> impl Iterator<Item = Line> {
        OFFERED.into_iter().zip(1..).map(|(profile, tag)| Line {
            tag,
            keys: self.keys(profile),
        })
    }
}

/// One `a=crypto` line that we can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Names the line in the answer; up to nine digits.
    pub tag: u32,
    /// The key of whoever wrote it: it sends under it.
    pub keys: Keys,
}

impl Line {
    /// Reads the value of an `a=crypto` attribute. `None` when the line cannot be used: another
    /// suite, an MKI or several keys, a short life, or a session parameter that must be understood
    /// (RFC 4568 §6.3; `WSH` is a hint, and one that begins with `-` may be ignored).
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|word| word.len() <= 9)?;
        let tag = tag.bytes().all(|b| b.is_ascii_digit()).then_some(tag)?;
        let profile = profile(words.next()?)?;
        let keys = inline(profile, words.next()?)?;
        let may_ignore = |word: &str| word.starts_with('-') || word.starts_with("WSH=");
        words.all(may_ignore).then_some(Self {
            tag: tag.parse().ok()?,
            keys,
        })
    }

    /// The value of the `a=crypto` attribute.
    pub fn compose(&self) -> String {
        let profile = self.keys.profile().name();
        let mut line = format!("{} {profile} inline:", self.tag);
        let bytes: Vec<u8> = self.keys.bytes().collect();
        general_purpose::STANDARD.encode_string(bytes, &mut line);
        line
    }
}

/// The line of an offer that we take: the first of the peer's that we can use (RFC 4568 §7.1.2
/// leaves the order to the offerer).
pub fn choose<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Line> {
    values.into_iter().find_map(Line::parse)
}

fn profile(suite: &str) -> Option<Profile> {
    [
        Profile::AeadAes128Gcm,
        Profile::AesCm128HmacSha1_80,
        Profile::AesCm128HmacSha1_32,
    ]
    .into_iter()
    .find(|profile| profile.name().eq_ignore_ascii_case(suite))
}

/// `inline:<key||salt>["|" lifetime]` (RFC 4568 §6.1).
fn inline(profile: Profile, word: &str) -> Option<Keys> {
    let (method, info) = word.split_once(':')?;
    if !method.eq_ignore_ascii_case("inline") {
        return None;
    }
    let mut parts = info.split('|');
    let key = parts.next()?;
    // With an MKI each packet is longer, and "|1:4" is it; a second key needs one.
    if let Some(life) = parts.next()
        && lifetime(life)? < LIFETIME_PACKETS
    {
        return None;
    }
    if parts.next().is_some() {
        return None;
    }
    Keys::read(profile, &BASE64.decode(key).ok()?)
}

/// Packets, written as a number or as a power of two.
fn lifetime(text: &str) -> Option<u64> {
    match text.strip_prefix("2^") {
        Some(power) => 1_u64.checked_shl(power.parse().ok()?),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of RFC 4568 §9.1 and others from phones, with the key of that section.
    const KEY: &str = "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";

    fn parse(rest: &str) -> Option<Line> {
        Line::parse(&rest.replace("KEY", KEY))
    }

    #[test]
    fn lines_of_phones_are_read() {
        for line in [
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY",
            "1 aes_cm_128_hmac_sha1_80 inline:KEY|2^20",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^48",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|1048576 WSH=64",
            " 1  AES_CM_128_HMAC_SHA1_80  INLINE:KEY -odd",
        ] {
            let line = parse(line).unwrap();
            assert_eq!(
                (line.tag, line.keys.profile()),
                (1, Profile::AesCm128HmacSha1_80)
            );
            let bytes: Vec<u8> = line.keys.bytes().collect();
            assert_eq!(bytes, b"70xwPH5@/,L:S1wY\"~='EpgT%(i_Vc");
            assert_eq!(Line::parse(&line.compose()), Some(line));
            assert!(!format!("{line:?}").contains("70xw"));
        }
        let short = parse("999999999 AES_CM_128_HMAC_SHA1_32 inline:KEY").unwrap();
        assert_eq!(short.keys.profile(), Profile::AesCm128HmacSha1_32);
        let gcm = "2 AEAD_AES_128_GCM inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXA";
        let with_padding = Line::parse(&format!("{gcm}==")).unwrap();
        assert_eq!(Line::parse(gcm), Some(with_padding));
    }

    #[test]
    fn lines_that_ask_for_more_are_refused() {
        for line in [
            "",
            "1",
            "x AES_CM_128_HMAC_SHA1_80 inline:KEY",
            "+1 AES_CM_128_HMAC_SHA1_80 inline:KEY",
            "1234567890 AES_CM_128_HMAC_SHA1_80 inline:KEY",
            "1 AES_256_CM_HMAC_SHA1_80 inline:KEY",
            "1 F8_128_HMAC_SHA1_80 inline:KEY",
            "1 AES_CM_128_HMAC_SHA1_80 KEY",
            "1 AES_CM_128_HMAC_SHA1_80 uri:KEY",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEYAAAA",
            "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
            "1 AES_CM_128_HMAC_SHA1_80 inline:****",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|1:4",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20|1:4",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20;inline:KEY|2^20",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^10",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^64",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY UNENCRYPTED_SRTP",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY KDR=1",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY FEC_ORDER=FEC_SRTP",
            "1 AEAD_AES_128_GCM inline:KEY",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
        let values = [
            "1 AES_256_CM_HMAC_SHA1_80 inline:x",
            "7 AES_CM_128_HMAC_SHA1_80 inline:KEY",
        ];
        let values = values.map(|v| v.replace("KEY", KEY));
        assert_eq!(choose(values.iter().map(String::as_str)).unwrap().tag, 7);
        assert_eq!(choose([]), None);
    }

    #[test]
    fn each_profile_has_a_key_of_its_own() {
        let seed = Seed(core::array::from_fn(|n| n as u8));
        let lines: Vec<Line> = seed.offered().collect();
        assert_eq!(
            lines.iter().map(|line| line.tag).collect::<Vec<_>>(),
            [1, 2]
        );
        let firsts: Vec<_> = lines.iter().map(|l| l.keys.bytes().next()).collect();
        assert_eq!(firsts, [Some(0), Some(30)]);
        assert_eq!(format!("{seed:?}"), "Seed");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}", suite in 0_usize..3, more in "[|:;=2^0-9 A-Za-z+/-]{0,60}") {
            let _ = Line::parse(&text);
            let suite = ["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_32"][suite];
            if let Some(line) = Line::parse(&format!("1 {suite} inline:{KEY}{more}")) {
                prop_assert_eq!(Line::parse(&line.compose()), Some(line));
            }
        }
    }
}
