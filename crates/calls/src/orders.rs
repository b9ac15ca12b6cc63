//! What people ask of the exchange through the API or a star code, and what it answers.

use core::fmt;

use hotline_model::{SeatId, seat::Reason};

/// Something asked for through the gate. `ticket` comes back in [`crate::Output::OrderDone`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Chosen by the asker to recognise the answer.
    pub ticket: u64,
    /// Who asked, for the journal: a user's name.
    pub by: String,
    /// For which seat.
    pub seat: SeatId,
    /// What.
    pub request: SeatRequest,
}

/// What a seat can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeatRequest {
    /// 示闲
    Ready,
    /// 示忙
    NotReady(Reason),
    /// 结束整理
    EndWrapUp,
}

impl fmt::Display for SeatRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => write!(f, "ready"),
            Self::NotReady(reason) => write!(f, "not-ready {}", reason_word(*reason)),
            Self::EndWrapUp => write!(f, "end-wrap-up"),
        }
    }
}

/// Why an order was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRefused {
    /// No such seat is configured.
    SeatUnknown,
    /// The seat is not wrapping up.
    NotWrappingUp,
    /// The seat has no registered phone, so it cannot take calls.
    NotRegistered,
}

/// The word for a reason in the API, the journal and the configuration.
pub fn reason_word(reason: Reason) -> &'static str {
    match reason {
        Reason::LoggedOut => "logged-out",
        Reason::Break => "break",
        Reason::Meal => "meal",
        Reason::Meeting => "meeting",
        Reason::Training => "training",
        Reason::Coaching => "coaching",
        Reason::RingNoAnswer => "ring-no-answer",
        Reason::Refused => "refused",
        Reason::Forced => "forced",
    }
}

/// What a star code asks for. `*1` 示闲, `*2` 示忙 (小休), `*21` 就餐, `*22` 会议, `*23` 培训,
/// `*24` 辅导, `*3` 结束整理.
pub fn star_code(dialled: &str) -> Option<SeatRequest> {
    Some(match dialled {
        "*1" => SeatRequest::Ready,
        "*2" => SeatRequest::NotReady(Reason::Break),
        "*21" => SeatRequest::NotReady(Reason::Meal),
        "*22" => SeatRequest::NotReady(Reason::Meeting),
        "*23" => SeatRequest::NotReady(Reason::Training),
        "*24" => SeatRequest::NotReady(Reason::Coaching),
        "*3" => SeatRequest::EndWrapUp,
        _ => return None,
    })
}
