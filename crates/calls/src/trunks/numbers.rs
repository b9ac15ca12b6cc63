//! One form for one number: separators off, then a trunk's own rules.

use hotline_sip::message::{Scheme, Uri};

/// Longest number kept, characters. E.164 has 15 digits and privacy numbers have more; what is
/// longer than any number in use is cut, so that a hostile header cannot fill a journal.
pub const NUMBER_CHARS: usize = 40;

/// A rule: a number that begins with `strip` begins with `prefix` instead.
///
/// Rules run in order, each at most once, and each sees what the ones before it made. A number
/// that would become empty stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberRule {
    /// The beginning to take off: `+86`, `0635`; empty for any number.
    pub strip: String,
    /// What stands there instead; often nothing.
    pub prefix: String,
    /// Only numbers of at least so many characters, `strip` included.
    pub shortest: usize,
    /// Only numbers of at most so many characters, `strip` included.
    pub longest: usize,
    /// Which numbers.
    pub of: NumberOf,
}

/// Which of a call's numbers a rule is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumberOf {
    /// Both.
    #[default]
    Both,
    /// The dialled number alone.
    Called,
    /// The caller's number alone.
    Caller,
}

impl NumberRule {
    /// Takes `strip` off any number.
    pub fn strip(strip: &str) -> Self {
        Self {
            strip: strip.to_owned(),
            prefix: String::new(),
            shortest: 0,
            longest: NUMBER_CHARS,
            of: NumberOf::Both,
        }
    }

    /// The rules of a trunk that has none of its own: the country's code is taken off.
    pub fn usual() -> Vec<Self> {
        vec![Self::strip("+86"), Self::strip("0086")]
    }

    fn apply(&self, number: String) -> String {
        let length = number.chars().count();
        if length < self.shortest || length > self.longest {
            return number;
        }
        match number.strip_prefix(self.strip.as_str()) {
            Some(rest) if !rest.is_empty() => {
                let mut changed = self.prefix.clone();
                changed.push_str(rest);
                changed.chars().take(NUMBER_CHARS).collect()
            }
            _ => number,
        }
    }
}

/// A number by the rules. `of` says whose it is.
pub fn by_rules(number: &str, rules: &[NumberRule], of: NumberOf) -> String {
    let plain = plain(number);
    if !is_telephone(&plain) {
        return plain;
    }
    rules
        .iter()
        .filter(|rule| rule.of == NumberOf::Both || rule.of == of)
        .fold(plain, |number, rule| rule.apply(number))
}

fn is_telephone(number: &str) -> bool {
    number
        .chars()
        .all(|c| c.is_ascii_digit() || "+-.() *#".contains(c))
}

/// Without separators (RFC 3966 §5.1.1: they carry no meaning). Everything that is not a letter, a
/// digit, `*`, `#`, `+`, `-`, `_` or `.` is left out, so that a number can stand in a header, a
/// file name and a page. Long numbers are not cut short of [`NUMBER_CHARS`].
pub fn plain(number: &str) -> String {
    let is_telephone = is_telephone(number);
    number
        .chars()
        .filter(|&c| {
            c.is_ascii_alphanumeric() || "*#+".contains(c) || (!is_telephone && "-_.".contains(c))
        })
        .take(NUMBER_CHARS)
        .collect()
}

/// The number in a URI as written: the user part, and of a telephone number in it the number
/// alone. What stands behind a semicolon there (`;phone-context=+86`, `;isub=`) says where the
/// number is valid, or what is behind it, and is no part of it (RFC 3966 §5.1.4, RFC 3261
/// §19.1.6).
pub fn number_in(uri: &Uri<'_>) -> String {
    let user = uri.user_text();
    if matches!(uri.scheme, Scheme::Other(_)) {
        return String::new();
    }
    user.split(';').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rules of a trunk in Liaocheng, as the sample of trunks.toml has them.
    fn liaocheng() -> Vec<NumberRule> {
        let mut country = NumberRule::strip("86");
        (country.shortest, country.longest) = (7, 7);
        country.of = NumberOf::Called;
        let mut area = NumberRule::strip("0635");
        area.of = NumberOf::Called;
        let mut international = NumberRule::strip("+86635");
        international.of = NumberOf::Called;
        let mut rules = vec![international, area, country];
        rules.extend(NumberRule::usual());
        rules
    }

    fn called(number: &str) -> String {
        by_rules(number, &liaocheng(), NumberOf::Called)
    }

    #[test]
    fn the_same_dialled_number_has_one_form() {
        for written in [
            "12345",
            "0635-12345",
            "063512345",
            "+86 635 12345",
            "+8663512345",
            "8612345",
            "+8612345",
            "008612345",
            "(0635) 12345",
            "0635.12345",
        ] {
            assert_eq!(called(written), "12345", "{written:?}");
        }
    }

    #[test]
    fn a_rule_for_called_numbers_leaves_callers_alone() {
        let caller = |number: &str| by_rules(number, &liaocheng(), NumberOf::Caller);
        assert_eq!(caller("0635-8261234"), "06358261234");
        assert_eq!(caller("8612345"), "8612345", "a landline of seven digits");
        assert_eq!(caller("+86 138 1234 5678"), "13812345678");
        assert_eq!(caller("008613812345678"), "13812345678");
        assert_eq!(caller("+4912345"), "+4912345");
        assert_eq!(
            caller("106575012345678901"),
            "106575012345678901",
            "privacy number"
        );
        assert_eq!(caller("950131234567890123456"), "950131234567890123456");
    }

    #[test]
    fn a_rule_keeps_to_its_length_and_its_order() {
        let rule = NumberRule {
            prefix: "0635".to_owned(),
            shortest: 7,
            longest: 8,
            ..NumberRule::strip("")
        };
        let apply = |number: &str| by_rules(number, core::slice::from_ref(&rule), NumberOf::Caller);
        assert_eq!(apply("8261234"), "06358261234");
        assert_eq!(apply("13812345678"), "13812345678");
        assert_eq!(apply("110"), "110");
        // A number that would vanish stays, and a name is no number.
        let strip = [NumberRule::strip("+86"), NumberRule::strip("12")];
        assert_eq!(by_rules("+86", &strip, NumberOf::Called), "+86");
        assert_eq!(by_rules("12", &strip, NumberOf::Called), "12");
        assert_eq!(by_rules("+86 12 345", &strip, NumberOf::Called), "345");
        assert_eq!(by_rules("12ab", &strip, NumberOf::Called), "12ab");
        assert_eq!(called(&"9".repeat(500)).len(), NUMBER_CHARS);
    }

    #[test]
    fn a_telephone_uri_has_its_number_without_its_context() {
        let read = |uri: &str| called(&number_in(&Uri::parse(uri.as_bytes()).unwrap()));
        for uri in [
            "tel:12345;phone-context=+86635",
            "tel:+86-635-12345",
            "tel:0635.12345;phone-context=example.com",
            "sip:+8663512345@10.0.0.1;user=phone",
            "sip:0635-12345;phone-context=+86@10.0.0.1;user=phone",
            "sip:%2B8663512345@10.0.0.1",
            "sips:12345@[2001:db8::1]:5061",
        ] {
            assert_eq!(read(uri), "12345", "{uri}");
        }
        assert_eq!(read("http://12345"), "");
    }
}
