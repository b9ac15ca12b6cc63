//! Numbers and announcements put together from recorded words.

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
