//! What people ask of the exchange through the API or a star code, and what it answers.

use core::{fmt, time::Duration};

use hotline_model::{
    CallId, QueueId, SeatId,
    guest::{GuestMode, GuestName},
    privacy::Masked,
    request::Request,
    seat::Reason,
};

use crate::{
    settings::Settings,
    trunks::numbers::{NumberOf, NumberRule, by_rules},
};

/// Something asked for through the gate. `ticket` comes back in [`crate::Output::OrderDone`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Chosen by the asker to recognise the answer.
    pub ticket: u64,
    /// Who asked, for the journal: a user's name.
    pub by: String,
    /// A supervisor asked: what the seat is to be is then above what its agent says.
    pub supervisor: bool,
    /// For which seat.
    pub seat: SeatId,
    /// What.
    pub request: SeatRequest,
}

/// What a seat can be asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeatRequest {
    /// 示闲
    Ready,
    /// 示忙
    NotReady(Reason),
    /// 签出: nobody is at the seat any more.
    SignOut,
    /// 结束整理
    EndWrapUp,
    /// 延长整理: as far as the queue's cap allows.
    ExtendWrapUp(Duration),
    /// 转接: gives the caller it talks with on.
    Transfer(TransferTo),
    /// The same, as the person wrote it: see [`TransferTo::read`].
    TransferByName(String),
    /// Something about the talk it is in.
    Talk(TalkRequest),
    /// 点击外呼: the seat's phone rings, and when it has answered, the number outside is called.
    Dial {
        /// The number.
        number: String,
        /// What for, a word for the journal.
        purpose: Option<String>,
    },
}

/// A supervisor's hand on a waiting call, through the gate. `ticket` comes back in
/// [`crate::Output::OrderDone`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOrder {
    /// Chosen by the asker to recognise the answer.
    pub ticket: u64,
    /// Who asked, for the journal: a user's name.
    pub by: String,
    /// Which call.
    pub call: CallId,
    /// What.
    pub request: CallRequest,
}

/// What can be asked for a waiting call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallRequest {
    /// 调整优先级: another priority, 0 is first.
    Priority(u8),
    /// 移到队列: another queue, at the place of its arrival.
    Queue(QueueId),
    /// 指派坐席: this seat is rung for it at once.
    Seat(SeatId),
}

/// What can be asked of the talk that a seat is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TalkRequest {
    /// 监听, 耳语, 强插, 抢接: a supervisor takes part by that seat's phone, which is rung; or in
    /// another way than so far.
    Supervise(SeatId, GuestMode),
    /// The supervisor at that seat takes part no more.
    EndSupervision(SeatId),
    /// 咨询: the caller hears music, that seat's phone is rung.
    Consult(SeatId),
    /// 咨询外线: the caller hears music, that number outside is called.
    ConsultOutside(String),
    /// One of both, as the person wrote it: a seat's number, or one outside, `outside:` before it or
    /// not.
    ConsultByName(String),
    /// 紧急转接: this number of help is called into the talk, and hears both when it answers. The
    /// agent may leave when somebody has spoken there.
    Emergency(String),
    /// 三方通话: caller, agent and the one consulted hear each other.
    Merge,
    /// 咨询转: the one consulted takes the caller.
    Complete,
    /// The one consulted is released; the agent talks with the caller again.
    Cancel,
    /// 暂停录音, 恢复录音
    Pause {
        /// Whether to pause or to go on.
        paused: bool,
        /// Why.
        reason: String,
    },
    /// 卡号输入: the caller enters a card's number, which nobody hears and nothing records.
    CardEntry(bool),
}

impl fmt::Display for TalkRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Supervise(by, mode) => write!(f, "{} {mode} by seat {by}", Request::Supervise),
            Self::EndSupervision(by) => write!(f, "{} by seat {by}", Request::EndSupervision),
            Self::Consult(to) => write!(f, "{} {to}", Request::Consult),
            Self::ConsultOutside(number) => {
                let to = GuestName::Outside(number.clone()).masked();
                write!(f, "{} {to}", Request::Consult)
            }
            // Not as written: it may be a citizen's number.
            Self::ConsultByName(_) => write!(f, "{}", Request::Consult),
            // Not as written: whom is said once it is one of the list's.
            Self::Emergency(_) => write!(f, "{}", Request::Emergency),
            Self::Merge => write!(f, "{} merge", Request::Consult),
            Self::Complete => write!(f, "{} complete", Request::Consult),
            Self::Cancel => write!(f, "{} cancel", Request::Consult),
            Self::Pause { paused: true, .. } => write!(f, "{} pause", Request::Recording),
            Self::Pause { paused: false, .. } => write!(f, "{} resume", Request::Recording),
            Self::CardEntry(true) => write!(f, "{} on", Request::CardEntry),
            Self::CardEntry(false) => write!(f, "{} off", Request::CardEntry),
        }
    }
}

/// To whom a caller is given on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferTo {
    /// Another seat.
    Seat(SeatId),
    /// A queue.
    Queue(QueueId),
    /// A number outside.
    Number(String),
}

impl TransferTo {
    /// Reads what a person wrote or a phone dialled: a seat's number, `queue:NAME` (or a queue's
    /// name alone, for phones cannot write the colon), or a number. `None`: nothing of these.
    pub fn read(text: &str, settings: &Settings) -> Option<Self> {
        let queue = |name: &str| settings.queue_ids().find(|id| id.as_str() == name);
        if let Some(name) = text.strip_prefix("queue:") {
            return queue(name).map(Self::Queue);
        }
        if let Some(seat) = settings.seat_of_user(text) {
            return Some(Self::Seat(seat.floor.id));
        }
        if let Some(queue) = queue(text) {
            return Some(Self::Queue(queue));
        }
        let number = by_rules(text, &NumberRule::usual(), NumberOf::Called);
        let dialable = !number.is_empty()
            && number
                .chars()
                .all(|c| c.is_ascii_digit() || "+*#".contains(c));
        dialable.then_some(Self::Number(number))
    }
}

impl fmt::Display for TransferTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seat(seat) => write!(f, "{seat}"),
            Self::Queue(queue) => write!(f, "queue:{queue}"),
            Self::Number(number) => write!(f, "{}", Masked(number)),
        }
    }
}

impl fmt::Display for SeatRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => write!(f, "{}", Request::Ready),
            Self::NotReady(reason) => write!(f, "{} {}", Request::NotReady, reason.word()),
            Self::SignOut => write!(f, "{}", Request::SignOut),
            Self::EndWrapUp => write!(f, "{}", Request::EndWrapUp),
            Self::ExtendWrapUp(by) => write!(f, "{} {}", Request::ExtendWrapUp, by.as_secs()),
            Self::Transfer(to) => write!(f, "{} {to}", Request::Transfer),
            // Not as written: it may be a citizen's number.
            Self::TransferByName(_) => write!(f, "{}", Request::Transfer),
            Self::Talk(request) => write!(f, "{request}"),
            Self::Dial { number, purpose } => {
                write!(f, "{} {}", Request::Dial, Masked(number))?;
                purpose
                    .iter()
                    .try_for_each(|purpose| write!(f, " for {purpose}"))
            }
        }
    }
}

/// Who asks something of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// Its agent, or the engine by a rule.
    Own,
    /// A supervisor.
    Supervisor,
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
    /// The seat talks with no caller whom it could give on.
    NotTalking,
    /// There is nobody of that name.
    TargetUnknown,
    /// The seat named cannot take a call now, or the queue named is full.
    TargetBusy,
    /// The seat may not send callers there.
    NotAllowed,
    /// There is no such guest in the talk, or it has not answered yet.
    NoGuest,
    /// Nobody has spoken yet where help was called, and the agent stays until then.
    NotSpoken,
    /// The talk has as many guests as it can.
    GuestsFull,
    /// It is so already.
    AlreadySo,
    /// There is no such call now.
    CallUnknown,
    /// The call does not wait for a seat.
    NotWaiting,
    /// No such reason is configured.
    ReasonUnknown,
    /// The seat may take no calls at this time.
    NotValidNow,
    /// The wrap-up is as long as the queue's cap allows.
    AtCap,
    /// The seat has a call, or is rung for one.
    SeatBusy,
    /// The engine takes no more calls now.
    Full,
    /// A supervisor has the seat not ready, and only a supervisor ends that.
    Forced,
}

impl OrderRefused {
    /// The SIP status that says so.
    pub const fn status(self) -> u16 {
        match self {
            Self::SeatUnknown | Self::TargetUnknown | Self::CallUnknown | Self::ReasonUnknown => {
                404
            }
            Self::NotTalking
            | Self::NotWaiting
            | Self::NotWrappingUp
            | Self::NoGuest
            | Self::NotSpoken
            | Self::AlreadySo
            | Self::AtCap => 491,
            Self::TargetBusy | Self::GuestsFull | Self::SeatBusy => 486,
            Self::Full => 503,
            Self::NotRegistered => 480,
            Self::NotAllowed | Self::NotValidNow | Self::Forced => 403,
        }
    }
}

/// What a star code asks for. `*1` 示闲, `*2` 示忙 (小休), `*21` 就餐, `*22` 会议, `*23` 培训,
/// `*24` 辅导, `*3` 结束整理, `*4` 签出; and the codes of the house's own reasons.
pub fn star_code(dialled: &str, settings: &Settings) -> Option<SeatRequest> {
    Some(match dialled {
        "*1" => SeatRequest::Ready,
        "*2" => SeatRequest::NotReady(Reason::Break),
        "*21" => SeatRequest::NotReady(Reason::Meal),
        "*22" => SeatRequest::NotReady(Reason::Meeting),
        "*23" => SeatRequest::NotReady(Reason::Training),
        "*24" => SeatRequest::NotReady(Reason::Coaching),
        "*3" => SeatRequest::EndWrapUp,
        "*4" => SeatRequest::SignOut,
        _ => {
            let mut own = settings.reasons.iter();
            let reason = own.find(|it| it.code.as_deref() == Some(dialled))?;
            SeatRequest::NotReady(Reason::Own(reason.id))
        }
    })
}
