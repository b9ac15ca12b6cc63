//! Numbers and announcements put together from recorded words.

use core::time::Duration;

use hotline_model::SeatId;

use crate::{Language, PromptKey};

/// A text digit by digit, as a seat's or telephone number is said; 1 is 幺 in Chinese. Characters
/// other than ASCII digits have no recorded word and are left out.
pub fn digits_spoken(language: Language, text: &str) -> Vec<PromptKey> {
    text.chars()
        .filter(char::is_ascii_digit)
        .map(|digit| PromptKey::new(language, format!("digit-{digit}")))
        .collect()
}

/// A number as it is counted. `measure`: a measure word (位) follows.
///
/// Chinese: 2 is 两 before a measure word and before 千, 二 elsewhere, 百 included (吕叔湘《现代
/// 汉语八百词》, “两”); 10–19 begin with 十; a gap inside is one 零. English: without “and”.
/// Numbers above 9999 are said digit by digit: no words are recorded for them.
pub fn cardinal(language: Language, number: u32, measure: bool) -> Vec<PromptKey> {
    if number > 9_999 {
        return digits_spoken(language, &number.to_string());
    }
    let mut words = Vec::new();
    match language {
        Language::Zh => chinese(number, measure, &mut words),
        Language::En => english(number, &mut words),
    }
    let keys = words.into_iter();
    keys.map(|word| PromptKey::new(language, format!("num-{word}")))
        .collect()
}

/// Words of a number up to 9999, as the ends of their keys.
fn chinese(number: u32, measure: bool, words: &mut Vec<String>) {
    if number == 0 || (number == 2 && measure) {
        words.push(if number == 0 { "0" } else { "2-measure" }.to_owned());
        return;
    }
    let mut rest = number;
    let mut gap = false;
    for unit in [1_000, 100, 10, 1] {
        let digit = rest / unit;
        rest %= unit;
        if digit == 0 {
            // A gap is heard only between two words.
            gap = !words.is_empty();
            continue;
        }
        if core::mem::take(&mut gap) {
            words.push("0".to_owned());
        }
        match (digit, unit) {
            (2, 1_000) => words.push("2-measure".to_owned()),
            (1, 10) if words.is_empty() => {}
            _ => words.push(digit.to_string()),
        }
        if unit > 1 {
            words.push(unit.to_string());
        }
    }
}

fn english(number: u32, words: &mut Vec<String>) {
    let (thousands, hundreds, rest) = (number / 1_000, number / 100 % 10, number % 100);
    for (digit, unit) in [(thousands, "thousand"), (hundreds, "hundred")] {
        if digit > 0 {
            words.extend([digit.to_string(), unit.to_owned()]);
        }
    }
    match rest {
        0 if number > 0 => {}
        0..=20 => words.push(rest.to_string()),
        _ => {
            words.push((rest / 10 * 10).to_string());
            if rest % 10 > 0 {
                words.push((rest % 10).to_string());
            }
        }
    }
}

/// 报工号: “1001 号话务员为您服务”. Empty when the seat's name has no digit to say.
pub fn seat_announcement(language: Language, seat: &SeatId) -> Vec<PromptKey> {
    let number = digits_spoken(language, seat.as_str());
    if number.is_empty() {
        return number;
    }
    let before = match language {
        Language::Zh => None,
        Language::En => Some(PromptKey::new(language, "agent-number-before")),
    };
    let after = PromptKey::new(language, "agent-number-after");
    before.into_iter().chain(number).chain([after]).collect()
}

/// The caller's place in the queue, 1 is next: how many are ahead, or that they are next.
pub fn queue_position(language: Language, position: u32) -> Vec<PromptKey> {
    let ahead = position.saturating_sub(1);
    if ahead == 0 {
        return vec![PromptKey::new(language, "queue-next")];
    }
    let mut words = vec![PromptKey::new(language, "queue-position-before")];
    words.extend(cardinal(language, ahead, true));
    words.push(PromptKey::new(language, "queue-position-after"));
    words
}

/// How long the caller will probably wait, in whole minutes: “预计等待 2 到 4 分钟”. `from` is
/// rounded down and `to` up, so that what is said is never narrower than what is known. Empty above
/// an hour: nobody is helped by such a number.
pub fn expected_wait(language: Language, from: Duration, to: Duration) -> Vec<PromptKey> {
    let word = |key: &str| PromptKey::new(language, key);
    let (from, to) = (from.as_secs() / 60, to.as_millis().div_ceil(60_000));
    let (Ok(from), Ok(to)) = (u32::try_from(from), u32::try_from(to)) else {
        return Vec::new();
    };
    let mut words = match (from, to) {
        (_, 0..=1) => return vec![word("wait-below-minute")],
        (_, 61..) => return Vec::new(),
        (0, _) => vec![word("wait-at-most")],
        (from, to) if from >= to => vec![word("wait-at-most")],
        (from, _) => {
            let mut words = vec![word("wait-before")];
            words.extend(cardinal(language, from, true));
            words.push(word("num-to"));
            words
        }
    };
    words.extend(cardinal(language, to, true));
    words.push(word("wait-minutes"));
    words
}

/// Every prompt that this module may say in `language`, so that a start can check that all exist.
pub fn prompts(language: Language) -> Vec<PromptKey> {
    let mut keys: Vec<String> = (0..=9).map(|digit| format!("digit-{digit}")).collect();
    let (counted, others): (u32, &[&str]) = match language {
        Language::Zh => (10, &["num-2-measure", "num-100", "num-1000"]),
        Language::En => (20, &["num-hundred", "num-thousand", "agent-number-before"]),
    };
    keys.extend((0..=counted).map(|number| format!("num-{number}")));
    if language == Language::En {
        keys.extend((3..=9).map(|ten| format!("num-{ten}0")));
    }
    let announcements = [
        "agent-number-after",
        "queue-next",
        "queue-position-before",
        "queue-position-after",
        "wait-before",
        "wait-at-most",
        "wait-minutes",
        "wait-below-minute",
        "num-to",
    ];
    keys.extend(
        others
            .iter()
            .chain(&announcements)
            .map(|&key| key.to_owned()),
    );
    keys.into_iter()
        .map(|key| PromptKey::new(language, key))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spoken text of number words: what the recordings say.
    fn spoken(language: Language, words: &[PromptKey]) -> String {
        let chinese = |key: &str| match key {
            "num-0" => "零",
            "num-1" => "一",
            "num-2" => "二",
            "num-2-measure" => "两",
            "num-3" => "三",
            "num-4" => "四",
            "num-5" => "五",
            "num-6" => "六",
            "num-7" => "七",
            "num-8" => "八",
            "num-9" => "九",
            "num-10" => "十",
            "num-100" => "百",
            "num-1000" => "千",
            other => panic!("{other} is not a number word"),
        };
        let words = words
            .iter()
            .inspect(|word| assert_eq!(word.language, language));
        match language {
            Language::Zh => words.map(|word| chinese(&word.key)).collect(),
            Language::En => {
                let words: Vec<_> = words.map(|w| w.key.strip_prefix("num-").unwrap()).collect();
                words.join(" ")
            }
        }
    }

    /// A naive reference: every digit with its unit, zeros too, and then the school rules as
    /// replacements in the text.
    fn chinese_by_the_school_book(number: u32, measure: bool) -> String {
        let digits: Vec<char> = "零一二三四五六七八九".chars().collect();
        let mut text = String::new();
        for (digit, unit) in format!("{number:04}").chars().zip(["千", "百", "十", ""]) {
            text.push(digits[digit.to_digit(10).unwrap() as usize]);
            text.push_str(unit);
        }
        for unit in ["千", "百", "十"] {
            text = text.replace(&format!("零{unit}"), "零");
        }
        while text.contains("零零") {
            text = text.replace("零零", "零");
        }
        let text = text.trim_matches('零').replace("二千", "两千");
        match text.as_str() {
            "" => "零".to_owned(),
            "二" if measure => "两".to_owned(),
            text if text.starts_with("一十") => text["一".len()..].to_owned(),
            text => text.to_owned(),
        }
    }

    /// All English numbers below 10,000 by counting, in the words of the keys.
    fn english_by_counting() -> Vec<String> {
        let ones = ["", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        let teens = ["10", "11", "12", "13", "14", "15", "16", "17", "18", "19"];
        let mut below_100: Vec<String> = ones.iter().chain(&teens).map(|&w| w.into()).collect();
        for ten in ["20", "30", "40", "50", "60", "70", "80", "90"] {
            below_100.extend(ones.map(|one| format!("{ten} {one}").trim().to_owned()));
        }
        let mut all = Vec::new();
        for thousand in ones {
            for hundred in ones {
                for rest in &below_100 {
                    let mut words = Vec::new();
                    for (word, unit) in [(thousand, "thousand"), (hundred, "hundred")] {
                        if !word.is_empty() {
                            words.extend([word, unit]);
                        }
                    }
                    words.push(rest);
                    all.push(words.join(" ").trim().to_owned());
                }
            }
        }
        all[0] = "0".to_owned();
        all
    }

    #[test]
    fn every_number_is_said_as_a_naive_reference_says_it() {
        let english = english_by_counting();
        assert_eq!(english.len(), 10_000);
        for number in 0..=9_999 {
            for measure in [false, true] {
                let zh = spoken(Language::Zh, &cardinal(Language::Zh, number, measure));
                assert_eq!(zh, chinese_by_the_school_book(number, measure), "{number}");
                let en = spoken(Language::En, &cardinal(Language::En, number, measure));
                assert_eq!(en, english[number as usize], "{number}");
            }
        }
    }

    #[test]
    fn numbers_that_people_stumble_over() {
        let zh = |number, measure| spoken(Language::Zh, &cardinal(Language::Zh, number, measure));
        assert_eq!(zh(0, true), "零");
        assert_eq!(zh(2, false), "二");
        assert_eq!(zh(2, true), "两");
        assert_eq!(zh(10, true), "十");
        assert_eq!(zh(12, true), "十二");
        assert_eq!(zh(20, true), "二十");
        assert_eq!(zh(101, true), "一百零一");
        assert_eq!(zh(110, true), "一百一十");
        assert_eq!(zh(112, true), "一百一十二");
        assert_eq!(zh(202, true), "二百零二");
        assert_eq!(zh(1_001, true), "一千零一");
        assert_eq!(zh(1_010, true), "一千零一十");
        assert_eq!(zh(2_020, false), "两千零二十");
        assert_eq!(zh(9_999, true), "九千九百九十九");
        let en = |number| spoken(Language::En, &cardinal(Language::En, number, true));
        assert_eq!(en(0), "0");
        assert_eq!(en(100), "1 hundred");
        assert_eq!(en(2_345), "2 thousand 3 hundred 40 5");
    }

    #[test]
    fn a_number_without_words_is_said_digit_by_digit() {
        for language in Language::ALL {
            let digits = digits_spoken(language, "10000");
            assert_eq!(cardinal(language, 10_000, true), digits);
            let longest = digits_spoken(language, "4294967295");
            assert_eq!(cardinal(language, u32::MAX, false), longest);
        }
    }

    fn keys(words: &[PromptKey]) -> Vec<&str> {
        words.iter().map(|word| word.key.as_str()).collect()
    }

    #[test]
    fn a_seat_is_announced_digit_by_digit_with_its_zeros() {
        let seat = SeatId::new("0012").unwrap();
        let zh = seat_announcement(Language::Zh, &seat);
        let digits = ["digit-0", "digit-0", "digit-1", "digit-2"];
        assert_eq!(keys(&zh), [&digits[..], &["agent-number-after"]].concat());
        let en = seat_announcement(Language::En, &seat);
        let before = ["agent-number-before"];
        assert_eq!(
            keys(&en),
            [&before[..], &digits, &["agent-number-after"]].concat()
        );
        let mixed = SeatId::new("B-7").unwrap();
        let zh = seat_announcement(Language::Zh, &mixed);
        assert_eq!(keys(&zh), ["digit-7", "agent-number-after"]);
        let wordless = SeatId::new("desk").unwrap();
        assert!(seat_announcement(Language::En, &wordless).is_empty());
    }

    #[test]
    fn the_place_in_the_queue_counts_those_ahead() {
        for position in [0, 1] {
            assert_eq!(
                keys(&queue_position(Language::Zh, position)),
                ["queue-next"]
            );
        }
        assert_eq!(
            keys(&queue_position(Language::Zh, 3)),
            [
                "queue-position-before",
                "num-2-measure",
                "queue-position-after"
            ]
        );
        assert_eq!(
            keys(&queue_position(Language::En, 3)),
            ["queue-position-before", "num-2", "queue-position-after"]
        );
    }

    fn waits(language: Language, from: u64, to: u64) -> Vec<PromptKey> {
        expected_wait(language, Duration::from_secs(from), Duration::from_secs(to))
    }

    #[test]
    fn the_wait_is_said_in_minutes_and_never_narrower_than_known() {
        let zh = |from, to| {
            let words = waits(Language::Zh, from, to);
            let keys: Vec<String> = words.into_iter().map(|word| word.key).collect();
            keys.join(" ")
        };
        assert_eq!(zh(0, 40), "wait-below-minute");
        assert_eq!(zh(0, 60), "wait-below-minute");
        assert_eq!(zh(0, 61), "wait-at-most num-2-measure wait-minutes");
        assert_eq!(zh(59, 170), "wait-at-most num-3 wait-minutes");
        assert_eq!(
            zh(130, 200),
            "wait-before num-2-measure num-to num-4 wait-minutes"
        );
        assert_eq!(zh(180, 180), "wait-at-most num-3 wait-minutes");
        assert_eq!(
            zh(3_000, 3_600),
            "wait-before num-5 num-10 num-to num-6 num-10 wait-minutes"
        );
        assert_eq!(zh(3_000, 3_601), "");
        assert_eq!(zh(9, u64::MAX), "");
    }

    #[test]
    fn everything_that_may_be_said_is_listed() {
        let seat = SeatId::new("1234567890").unwrap();
        for language in Language::ALL {
            let listed = prompts(language);
            let mut said = seat_announcement(language, &seat);
            for number in 0..=10_001 {
                said.extend(cardinal(language, number, false));
                said.extend(queue_position(language, number));
            }
            for (from, to) in [(0, 50), (30, 100), (130, 200)] {
                said.extend(waits(language, from, to));
            }
            for word in &said {
                assert!(listed.contains(word), "{word}");
            }
            for word in &listed {
                assert!(said.contains(word), "{word} is never said");
            }
        }
    }
}
