//! What is asked of a seat or its talk: the words with which the journal begins to say it. Whoever
//! writes them and whoever keeps some of them from agents reads them here.

use core::fmt;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// 示闲
    Ready,
    /// 示忙
    NotReady,
    /// 签出
    SignOut,
    /// 结束整理
    EndWrapUp,
    /// 延长整理
    ExtendWrapUp,
    /// 转接
    Transfer,
    /// A consulted seat takes the caller over by its phone.
    TakeOver,
    /// A talk goes on at another phone of the seat.
    Move,
    /// A call is picked up at another phone of the seat.
    PickUp,
    /// 监听, 耳语, 强插, 抢接
    Supervise,
    /// 结束监听
    EndSupervision,
    /// 咨询, 三方通话
    Consult,
    /// 紧急转接
    Emergency,
    /// 暂停录音, 恢复录音
    Recording,
    /// 卡号输入
    CardEntry,
    /// 点击外呼
    Dial,
}

impl Request {
    const ALL: [Self; 16] = [
        Self::Ready,
        Self::NotReady,
        Self::SignOut,
        Self::EndWrapUp,
        Self::ExtendWrapUp,
        Self::Transfer,
        Self::TakeOver,
        Self::Move,
        Self::PickUp,
        Self::Supervise,
        Self::EndSupervision,
        Self::Consult,
        Self::Emergency,
        Self::Recording,
        Self::CardEntry,
        Self::Dial,
    ];

    /// The words it begins with.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not-ready",
            Self::SignOut => "sign-out",
            Self::EndWrapUp => "end-wrap-up",
            Self::ExtendWrapUp => "extend-wrap-up",
            Self::Transfer => "transfer",
            Self::TakeOver => "take over",
            Self::Move => "move to another phone",
            Self::PickUp => "pick up at another phone",
            Self::Supervise => "supervise",
            Self::EndSupervision => "end supervision",
            Self::Consult => "consult",
            Self::Emergency => "emergency",
            Self::Recording => "recording",
            Self::CardEntry => "card entry",
            Self::Dial => "dial",
        }
    }

    /// The kind that the journal's text begins with.
    pub fn of(text: &str) -> Option<Self> {
        let begins = |kind: &Self| {
            let rest = text.strip_prefix(kind.words());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        Self::ALL.into_iter().find(begins)
    }

    /// Whether agents may not know that it was asked.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Supervise | Self::EndSupervision)
    }

    /// Whether agents may read the journal's text. What is not known is nothing for them.
    pub fn is_open(text: &str) -> bool {
        Self::of(text).is_some_and(|kind| !kind.is_secret())
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read_as_it_is_written_and_what_is_unknown_is_kept_back() {
        for kind in Request::ALL {
            for text in [kind.to_string(), format!("{kind} by seat 1009")] {
                assert_eq!(Request::of(&text), Some(kind), "{text}");
                assert_eq!(Request::is_open(&text), !kind.is_secret(), "{text}");
            }
        }
        for unknown in ["", "supervised", "watch 1001", "readying", "end"] {
            assert!(!Request::is_open(unknown), "{unknown}");
        }
    }
}
