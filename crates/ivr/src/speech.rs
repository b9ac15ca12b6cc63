//! Numbers and announcements put together from recorded words.

use hotline_model::SeatId;

use crate::{Language, PromptKey};

/// A text digit by digit, as a seat's or telephone number is said; 1 is 幺 in Chinese. Characters
/// other than ASCII digits have no recorded word and are left out.
pub fn digits_spoken(language: Language, text: &str) -> Vec<PromptKey> {
    todo!()
}

/// A number as it is counted. `measure`: a measure word (位) follows, and 2 alone is 两 in Chinese.
pub fn cardinal(language: Language, number: u32, measure: bool) -> Vec<PromptKey> {
    todo!()
}

/// 报工号: “1001 号话务员为您服务”. Empty when the seat's name has no digit to say.
pub fn seat_announcement(language: Language, seat: &SeatId) -> Vec<PromptKey> {
    todo!()
}

/// The caller's place in the queue, 1 is next: how many are ahead, or that they are next.
pub fn queue_position(language: Language, position: u32) -> Vec<PromptKey> {
    todo!()
}

/// Every prompt that this module may say in `language`, so that a start can check that all exist.
pub fn prompts(language: Language) -> Vec<PromptKey> {
    todo!()
}
