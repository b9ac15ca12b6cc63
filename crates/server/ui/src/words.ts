// The words of the HTTP API, version 1: exactly what the engine sends.
import type { Happened } from './events'
import type { Guest } from './talk'

export type Role = 'supervisor' | 'agent'

export interface Session {
  user: string
  role: Role
  /** The seat an agent sits at; null for a supervisor without one. */
  seat: string | null
}

/** Where SIP is spoken by WebSocket; 0: not served. */
export interface PhonePorts {
  ws_port: number
  wss_port: number
}

export type IntentWord = 'ready' | 'not-ready'

export type Reason =
  | 'logged-out'
  | 'break'
  | 'meal'
  | 'meeting'
  | 'training'
  | 'coaching'
  | 'ring-no-answer'
  | 'refused'
  | 'forced'

/** A built-in reason, or the word of one that the house configured. */
export type AnyReason = Reason | (string & {})

/** A reason of the house's own. */
export interface ReasonRow {
  reason: string
  name: string
}

/** The reasons an agent may choose; `forced` is a supervisor's. The others are the engine's. */
export const CHOSEN_REASONS = ['break', 'meal', 'meeting', 'training', 'coaching'] as const
export type ChosenReason = (typeof CHOSEN_REASONS)[number] | 'forced'

export type Work = 'free' | 'reserved' | 'ringing' | 'talking' | 'hold' | 'wrap-up' | 'busy'

export type Device = 'registered' | 'unregistered'

/** How a further seat takes part in a talk. */
export type GuestMode = 'monitor' | 'whisper' | 'barge' | 'consult' | 'take-over'

export type OfferResult =
  'answered' | 'no-answer' | 'refused' | 'unreachable' | 'caller-gone' | 'withdrawn'

export type Stage =
  | 'arriving'
  | 'menu'
  | 'waiting'
  | 'callback-waiting'
  | 'offering'
  | 'calling-back'
  | 'talking'
  | 'transferring'
  | 'surveying'
  | 'dialling'

export type Outcome =
  | 'answered'
  | 'abandoned'
  | 'left-menu'
  | 'left-message'
  | 'timed-out'
  | 'overflowed'
  | 'refused'
  | 'rejected'
  | 'unreached'
  | 'rang-again'
  | 'failed'
  | 'interrupted'

export type ReleasedBy = 'caller' | 'agent' | 'engine' | 'network'

/** Raw counts over the rolling window. Ratios are derived from them, never the reverse. */
export interface Totals {
  window_s: number
  inbound: number
  answered: number
  answered_in_15s: number
  human_requests: number
  abandoned: number
  refused: number
  timed_out: number
  /** Absent from an engine of before. */
  left_message?: number
  /** Calls of blocked numbers, among the inbound; absent from an engine of before. */
  blocked?: number
  /** INVITEs refused that came by no trunk: beside the inbound, in no rate. */
  strangers?: number
  overflowed: number
  /** Absent from an engine of before. */
  unreached?: number
  answer_rate: number | null
  in_time_rate: number | null
  survey_offered: number
  survey_answered: number
  satisfied: number
}

export interface QueueRow {
  queue: string
  name: string
  waiting: number
  /** Waited so far by the one who waits longest, ms. */
  longest_wait_ms: number
  ready_seats: number
  talking: number
  staffed: number
  answer_rate: number | null
  /** Answered in 15 s ÷ human requests, rolling 24 hours. This and what follows: absent from an engine of before. */
  in_15s_rate?: number | null
  /** The calls that came in the last quarter of an hour. */
  quarter?: { requests: number; answer_rate: number | null; in_15s_rate: number | null }
  /** The next quarter of an hour; null: nothing is known of it yet. */
  forecast?: Forecast | null
  /** Set while the queue will miss its target. */
  alert?: { since_ms: number; answered_target: number; in_time_target: number } | null
  /** Seats that should be at work by their shift and are not; the first of them by number. */
  missing?: number
  missing_seats?: readonly string[]
  /** How long a caller who comes now will probably wait; null: not known. */
  expected_wait?: ExpectedWait | null
}

/** The next quarter of an hour of a queue. Null: not known. */
export interface Forecast {
  serving: number
  needed: number | null
  /** More seats needed now; 0: enough. */
  more: number | null
  answered: number | null
  in_time: number | null
}

/** A wait that is still to come, seconds. */
export interface ExpectedWait {
  from_s: number
  to_s: number
}

export interface SeatRow {
  seat: string
  name: string
  intent: IntentWord
  reason: AnyReason | null
  /** What the agent wants after the present offer or talk, if something else. */
  pending?: IntentWord
  pending_reason?: AnyReason
  work: Work
  device: Device
  call: number | null
  /** Time in this state when the wallboard was taken, ms. */
  since_ms: number
  calls_today: number
  /** The shared phone at which the agent is logged in. */
  phone?: string
  /** Its page, by which alone it is reached, is cut off. */
  desk_lost?: boolean
  /** The shift in whose hours it is now. */
  shift?: string
}

export interface LiveCall {
  call: number
  stage: Stage
  caller: string
  called: string
  queue: string | null
  seat: string | null
  position: number | null
  /** How long it will probably wait still; null: not known; absent from an engine of before. */
  expected_wait?: ExpectedWait | null
  /** Time in this stage when the wallboard was taken, ms. */
  since_ms: number
  /** Time since the call arrived, ms. */
  total_ms: number
  /** Further seats in the talk; absent from an engine of before. */
  guests?: readonly Guest[]
  /** Calls of the number lately, this one included, where the caller is known. */
  nth_call?: number
  last_seat?: string
}

export type TrunkState = 'up' | 'unknown' | 'down'

export interface TrunkRow {
  trunk: string
  state: TrunkState
  /** What is wrong, or how it is known; empty where nothing is. */
  detail: string
  /** Time in this state when the wallboard was taken, ms. */
  since_ms: number
  calls_in: number
  calls_out: number
}

export interface Wallboard {
  /** Wall-clock time of the engine, ms since 1970. */
  at: number
  engine: { version: string; up_s: number; recording_gaps: number; recordings_failed: number; recording_space_low: boolean; recording_disk_stalled: boolean }
  totals: Totals
  queues: QueueRow[]
  seats: SeatRow[]
  calls: LiveCall[]
  /** Absent from an engine of before. */
  trunks?: TrunkRow[]
  /** Absent where the house has none of its own. */
  reasons?: ReasonRow[]
  /** Numbers of help that any seat may call into its talk. */
  emergencies?: { number: string; name: string }[]
  /** K13 of 24 hours; absent before it was first counted. */
  missed?: MissedRow
  /** What came of the follow-ups of 24 hours; absent before it was first counted. */
  follow_ups?: FollowUpsRow
}

/** 回访: results entered, and what they say. */
export interface FollowUpsRow {
  entered: number
  satisfied: number
  neutral: number
  dissatisfied: number
  not_reached: number
  without_result: number
  open: number
}

/** 漏接回拨: numbers listed, and what became of them. */
export interface MissedRow {
  listed: number
  tried: number
  tried_in_time: number
  reached: number
  called_again: number
  given_up: number
  open: number
}

/** From outside, from a seat to a seat or the engine, or to the outside. */
export const DIRECTIONS = ['inbound', 'internal', 'outbound'] as const
export type Direction = (typeof DIRECTIONS)[number]

export interface CallRow {
  call: number
  direction: Direction
  arrived_at: number
  answered_at: number | null
  ended_at: number | null
  caller: string
  /** The caller asked that the number be kept from us: `caller` is empty. */
  withheld: boolean
  called: string
  trunk: string | null
  queue: string | null
  seat: string | null
  outcome: Outcome | null
  released_by: ReleasedBy | null
  cause: string | null
  wait_ms: number | null
  talk_ms: number | null
  score: string | null
  meaning: string | null
  recording: string | null
  case: string | null
  /** Calls of the number lately, where the caller is known; absent from an engine of before. */
  nth_call?: number | null
  last_seat?: string | null
}

/** Said in place of a talk, or about one after the score. */
export type MessageKind = 'voicemail' | 'remark'

export type MessageEnd = 'key' | 'time' | 'hang-up' | 'network' | 'interrupted'

export interface MessageRow {
  /** The call, a hyphen, and which message of the call. */
  id: string
  call: number
  message: number
  kind: MessageKind
  caller: string
  withheld: boolean
  at: number
  queue: string | null
  /** The seat that a remark is about. */
  seat: string | null
  file: string
  /** null until it is complete. */
  ms: number | null
  /** Shorter than a second. */
  empty: boolean
  /** It could not be written. */
  lost: boolean
  ended: MessageEnd | null
  state: 'new' | 'heard' | 'done'
  heard_at: number | null
  heard_by: string | null
  settled_at: number | null
  settled_by: string | null
  note: string | null
}

export type TaskKind = 'missed-call' | 'follow-up'
export type TaskEnd = 'reached' | 'called-again' | 'given-up' | 'closed' | 'expired' | 'displaced'

/** A citizen to be called. */
export interface TaskRow {
  task: number
  kind: TaskKind
  /** Masked, but for the seat that has the task. */
  number: string
  opened_at: number
  /** To be tried by then. */
  due_at: number
  late: boolean
  missed: number
  missed_at: number | null
  missed_call: number | null
  missed_as: Outcome | null
  queue: string | null
  note: string | null
  added_by: string | null
  state: 'open' | 'taken' | 'done'
  seat: string | null
  taken_by: string | null
  taken_until: number | null
  /** The call that tries to reach the citizen now. */
  trying: number | null
  attempts: number
  first_try_at: number | null
  last_try_at: number | null
  last_result: Outcome | null
  not_before: number | null
  ended_at: number | null
  end: TaskEnd | null
  ended_by: string | null
  reason: string | null
  /** What came of a follow-up; null until it is entered. */
  result: TaskResult | null
  /** How content the citizen is, 1 to 5. */
  score: number | null
  remark: string | null
  result_at: number | null
  result_by: string | null
}

export type TaskResult =
  'satisfied' | 'neutral' | 'dissatisfied' | 'no-opinion' | 'refused' | 'not-reached' | 'wrong-number'

/** An earlier call with a citizen. */
export interface PastCall {
  call: number
  direction: Direction
  at: number
  seat: string | null
  outcome: Outcome | null
  talk_ms: number | null
  meaning: string | null
  case: string | null
}

/** An earlier task for a citizen. */
export interface PastTask {
  task: number
  kind: TaskKind
  opened_at: number
  note: string | null
  end: TaskEnd | null
  result: TaskResult | null
  score: number | null
  remark: string | null
}

export interface TaskStory extends TaskRow {
  last_talk: { seat: string; at: number } | null
  /** Whoever asked may enter the result. */
  may_answer: boolean
  /** For the seat that has the task, and supervisors. */
  past?: { calls: PastCall[]; tasks: PastTask[] }
  steps?: Happened[]
}

/** A number that is, or is to be, served no more. */
export interface BlockRow {
  block: number
  /** Masked; empty where it was withheld. */
  number: string
  withheld: boolean
  reason: string
  until: number
  proposed_by: string
  proposed_at: number
  /** null: nobody so far. */
  approved_by: string | null
  turned_away: number
}

export interface CaseRow {
  number: string
  call: number
  opened_at: number
  caller: string
  withheld: boolean
  seat: string | null
  queue: string | null
  answered_at: number | null
  ended_at: number | null
  score: string | null
  meaning: string | null
  recording: string | null
  state: 'open' | 'closed'
}

/** The rows of a day. */
export interface OfDay<Row> {
  day: string
  at: number
  rows: Row[]
}

/** One seat in one shift of a day; what is not known yet is null. */
export interface AdherenceRow {
  seat: string
  shift: string
  from_at: number
  to_at: number
  over: boolean
  passed_ms: number
  signed_in_ms: number
  ready_ms: number
  adherence: number | null
  readiness: number | null
  absent: boolean
  late_ms: number | null
  early_leave_ms: number | null
}

/** One contractor's figures of a day; null: the house itself. */
export interface ContractorRow {
  contractor: string | null
  answered: number
  answered_in_15s: number
  talk_ms: number
  hold_ms: number
  released_by_agent: number
  survey_answered: number
  satisfied: number
  dialled: number
  dialled_answered: number
  signed_in_ms: number
  ready_ms: number
  wrap_up_ms: number
  at_work_ms: number
  in_time_rate: number | null
  handling_ms: number | null
  occupancy: number | null
  satisfaction: number | null
}
