//! Callers who are not served (黑名单): anybody at work may propose one, another supervisor approves.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use hotline_calls::blacklist::{Block, BlockDenied, BlockRequest};
use hotline_model::{CallId, Timestamp, limits::BLOCK_DAYS, privacy::Masked};
use hotline_store::fold::{CallRow, Direction};
use serde::{Deserialize, Serialize};

use super::{
    App,
    ask::{Body, read, through},
    error::ApiError,
    records::{may_see, supervisors_only},
    session::Who,
    tasks::words,
};
use crate::signalling_loop::Hand;

/// A block as lists show it.
#[derive(Serialize)]
pub struct BlockLine {
    block: u64,
    /// Masked; empty where it was withheld.
    number: String,
    withheld: bool,
    reason: String,
    until: Timestamp,
    proposed_by: String,
    proposed_at: Timestamp,
    /// Nobody so far: calls are served.
    approved_by: Option<String>,
    /// Calls not served since the start of the engine.
    turned_away: u64,
}

impl From<Block> for BlockLine {
    fn from(block: Block) -> Self {
        let number = if block.withheld {
            String::new()
        } else {
            Masked(&block.number).to_string()
        };
        Self {
            block: block.block,
            number,
            withheld: block.withheld,
            reason: block.reason,
            until: block.until,
            proposed_by: block.proposed_by,
            proposed_at: block.proposed_at,
            approved_by: block.approved_by,
            turned_away: block.turned_away,
        }
    }
}

/// `GET /api/v1/blocks`
pub async fn list(State(app): State<Arc<App>>, who: Who) -> Result<Json<Vec<BlockLine>>, ApiError> {
    supervisors_only(&who)?;
    let blocks = through(&app, &app.doors.hands, Hand::Blocks).await?;
    let newest_first = blocks.into_iter().rev();
    Ok(Json(newest_first.map(BlockLine::from).collect()))
}

/// Body of a proposal: a number, or the call of the one who is to be blocked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    number: Option<String>,
    call: Option<u64>,
    reason: String,
    until: Timestamp,
}

/// The number of a block.
#[derive(Serialize)]
pub struct Proposed {
    block: u64,
}

/// `POST /api/v1/blocks`: agents by one of their own calls, whose number they need not know.
pub async fn propose(
    State(app): State<Arc<App>>,
    who: Who,
    body: Body<Proposal>,
) -> Result<(StatusCode, Json<Proposed>), ApiError> {
    let help = "send {\"call\": 17, \"reason\": \"…\", \"until\": 1795305600000}, or `number` in \
                place of `call`";
    let Proposal {
        number,
        call,
        reason,
        until,
    } = read(body, help)?;
    let reason = why(&reason, help)?;
    let (number, withheld) = match (number, call) {
        (Some(number), None) => {
            supervisors_only(&who)?;
            let digits = number.chars().filter(|c| !" -()".contains(*c));
            (digits.collect(), false)
        }
        (None, Some(call)) => citizen_of(&app, &who, call).await?,
        _ => {
            let what = "`number` or `call` says whose calls".to_owned();
            return Err(ApiError::bad_request("number", what, help));
        }
    };
    let request = BlockRequest::Propose {
        number,
        withheld,
        reason,
        until,
    };
    let block = ask(&app, who, request).await?;
    Ok((StatusCode::CREATED, Json(Proposed { block })))
}

/// The citizen's number of a call that whoever asks may see, and whether it was withheld.
async fn citizen_of(app: &App, who: &Who, call: u64) -> Result<(String, bool), ApiError> {
    let row = app.tables.call(CallId(call), true).await?;
    let row = row.ok_or_else(|| {
        let help = "GET /api/v1/calls lists the calls";
        ApiError::not_found("call-unknown", format!("there is no call {call}"), help)
    })?;
    may_see(who, &row)?;
    citizen(row)
}

fn citizen(row: CallRow) -> Result<(String, bool), ApiError> {
    match row.direction {
        Direction::Inbound => Ok((row.caller, row.withheld)),
        Direction::Outbound => Ok((row.called, row.withheld)),
        Direction::Internal => Err(ApiError::bad_request(
            "call",
            "a seat called: no citizen has part in it / 坐席内部呼叫，没有市民".to_owned(),
            "name a call of a citizen's",
        )),
    }
}

/// `POST /api/v1/blocks/{block}/approve`: by another person than who proposed it.
pub async fn approve(
    State(app): State<Arc<App>>,
    who: Who,
    Path(block): Path<u64>,
) -> Result<StatusCode, ApiError> {
    supervisors_only(&who)?;
    ask(&app, who, BlockRequest::Approve(block)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Body of a refusal or a lifting.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    reason: String,
}

/// `POST /api/v1/blocks/{block}/refuse`
pub async fn refuse(
    State(app): State<Arc<App>>,
    who: Who,
    Path(block): Path<u64>,
    body: Body<Reason>,
) -> Result<StatusCode, ApiError> {
    let reason = reason(&who, body)?;
    ask(&app, who, BlockRequest::Refuse(block, reason)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/blocks/{block}/lift`
pub async fn lift(
    State(app): State<Arc<App>>,
    who: Who,
    Path(block): Path<u64>,
    body: Body<Reason>,
) -> Result<StatusCode, ApiError> {
    let reason = reason(&who, body)?;
    ask(&app, who, BlockRequest::Lift(block, reason)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn reason(who: &Who, body: Body<Reason>) -> Result<String, ApiError> {
    supervisors_only(who)?;
    let help = "send {\"reason\": \"…\"}";
    let Reason { reason } = read(body, help)?;
    why(&reason, help)
}

fn why(reason: &str, help: &'static str) -> Result<String, ApiError> {
    let reason = words("reason", reason, help)?;
    if reason.is_empty() {
        let what = "`reason` says why / 请填写原因".to_owned();
        return Err(ApiError::bad_request("reason", what, help));
    }
    Ok(reason)
}

async fn ask(app: &App, who: Who, request: BlockRequest) -> Result<u64, ApiError> {
    let by = who.user;
    let asked = |answer| Hand::Block(by, request, answer);
    let result = through(app, &app.doors.hands, asked).await?;
    result.map_err(denied)
}

fn denied(why: BlockDenied) -> ApiError {
    let conflict = |code, message, help| ApiError::new(StatusCode::CONFLICT, code, message, help);
    let help = "GET /api/v1/blocks lists the blocks";
    match why {
        BlockDenied::Unknown => ApiError::not_found(
            "block-unknown",
            "there is no such block, or no more / 无此屏蔽记录".to_owned(),
            help,
        ),
        BlockDenied::NoNumber => ApiError::bad_request(
            "number",
            "that is no telephone's number / 号码无效".to_owned(),
            "digits only, five or more",
        ),
        BlockDenied::Until => ApiError::bad_request(
            "until",
            format!("`until` lies ahead, at most {BLOCK_DAYS} days / 期限最长 {BLOCK_DAYS} 天"),
            "milliseconds since 1970",
        ),
        BlockDenied::AlreadyListed => conflict(
            "block-exists",
            "the number is blocked or proposed already / 该号码已屏蔽或已申请",
            help,
        ),
        BlockDenied::Full => conflict(
            "blocks-full",
            "the list is full / 黑名单已满",
            "lift some first / 请先解除一些",
        ),
        BlockDenied::SamePerson => conflict(
            "same-person",
            "whoever proposed it cannot approve it / 申请人不能审批本人的申请",
            "another supervisor approves it / 请由另一名班长审批",
        ),
        BlockDenied::WrongState => conflict(
            "wrong-state",
            "it is approved already, or not yet / 当前状态不允许此操作",
            help,
        ),
    }
}

#[cfg(test)]
mod tests {
    use hotline_model::{
        SeatId, TrunkId,
        event::{Event, Stamped},
    };
    use hotline_store::{Record, fold::Call, journal::Hash};

    use super::*;

    fn row(event: Event) -> CallRow {
        let stamped = Stamped {
            at: Timestamp(1_795_305_600_000),
            up_ms: 1,
            event,
        };
        let hash = Hash::START;
        let seq = 1;
        Call::begun(&Record { seq, stamped, hash }).unwrap().row
    }

    fn arrived(trunk: Option<TrunkId>, withheld: bool) -> CallRow {
        row(Event::CallArrived {
            call: CallId(1),
            trunk,
            caller: "13800008000".to_owned(),
            called: "12345".to_owned(),
            sip_call_id: "1@carrier".to_owned(),
            withheld,
        })
    }

    #[test]
    fn the_citizen_of_a_call_is_who_called_or_who_was_called() {
        let trunk = TrunkId::new("mobile").ok();
        let number = "13800008000".to_owned();
        let told = citizen(arrived(trunk, false)).ok();
        assert_eq!(told, Some((number.clone(), false)));
        let told = citizen(arrived(trunk, true)).ok();
        assert_eq!(told, Some((number, true)));
        let dialled = row(Event::CallDialled {
            call: CallId(2),
            seat: SeatId::new("1001").unwrap(),
            called: "13900009999".to_owned(),
            sip_call_id: "2@phone".to_owned(),
            purpose: None,
        });
        let told = citizen(dialled).ok();
        assert_eq!(told, Some(("13900009999".to_owned(), false)));
        assert!(citizen(arrived(None, false)).is_err(), "a seat's own");
    }

    #[test]
    fn of_a_number_that_was_withheld_the_list_shows_nothing() {
        let line = |withheld| {
            BlockLine::from(Block {
                block: 1,
                number: "13800008000".to_owned(),
                withheld,
                reason: "骚扰".to_owned(),
                until: Timestamp(2),
                proposed_by: "1001".to_owned(),
                proposed_at: Timestamp(1),
                approved_by: None,
                turned_away: 0,
            })
        };
        assert_eq!(line(false).number, "138****8000");
        let hidden = line(true);
        assert_eq!((hidden.number.as_str(), hidden.withheld), ("", true));
    }
}
