//! Callers who are not served (黑名单): anybody at work may propose one, another supervisor approves.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use hotline_calls::blacklist::{Block, BlockDenied, BlockRequest};
use hotline_model::{CallId, Timestamp, limits::BLOCK_DAYS, privacy::Masked};
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
    /// Masked.
    number: String,
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
        Self {
            block: block.block,
            number: Masked(&block.number).to_string(),
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
    let number = match (number, call) {
        (Some(number), None) => {
            supervisors_only(&who)?;
            number.chars().filter(|c| !" -()".contains(*c)).collect()
        }
        (None, Some(call)) => caller_of(&app, &who, call).await?,
        _ => {
            let what = "`number` or `call` says whose calls".to_owned();
            return Err(ApiError::bad_request("number", what, help));
        }
    };
    let request = BlockRequest::Propose {
        number,
        reason,
        until,
    };
    let block = ask(&app, who, request).await?;
    Ok((StatusCode::CREATED, Json(Proposed { block })))
}

/// The number of an inbound call that whoever asks may see.
async fn caller_of(app: &App, who: &Who, call: u64) -> Result<String, ApiError> {
    let row = app.tables.call(CallId(call), true).await?;
    let row = row.ok_or_else(|| {
        let help = "GET /api/v1/calls lists the calls";
        ApiError::not_found("call-unknown", format!("there is no call {call}"), help)
    })?;
    may_see(who, &row)?;
    Ok(row.caller)
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
