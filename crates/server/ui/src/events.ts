// The journal's events, version 1, as the engine sends them: one flat object each.
import type { ItemChange } from './settings'
import type {
  AnyReason,
  Device,
  IntentWord,
  GuestMode,
  MessageEnd,
  MessageKind,
  OfferResult,
  Outcome,
  ReleasedBy,
  TaskEnd,
  TaskResult,
  TrunkState,
  Work,
} from './words'

/** What each type of event carries beside its type. */
export interface EventFields {
  'engine-started': { version: string }
  'engine-stopped': object
  'settings-read': { digest: string; queues: number; seats: number }
  /** `by`: `api:NAME`, `local:USER` or `signal`. */
  'settings-changed': { by: string; digest: string; changes: ItemChange[]; more?: number }
  'call-arrived': {
    call: number
    trunk: string | null
    caller: string
    called: string
    sip_call_id: string
    withheld?: boolean
  }
  'invite-rejected': {
    source: string
    trunk: string | null
    caller: string
    called: string
    status: number
    cause: string
  }
  'requests-turned-away': {
    trunk: string | null
    invites: number
    others: number
    cause: string
  }
  'recording-sound-lost': { blocks: number }
  'recording-disk-stalled': { for_ms: number }
  'recording-disk-followed': { after_ms: number }
  'recording-space-low': { free_mb: number; keep_free_mb: number }
  'recording-space-regained': { free_mb: number }
  /** null: not known. */
  'staffing-forecast': {
    queue: string
    serving: number
    needed: number | null
    answered_permille: number | null
    in_time_permille: number | null
  }
  'service-level-alerted': {
    queue: string
    serving: number
    needed: number | null
    answered_permille: number | null
    answered_target_permille: number
    in_time_permille: number | null
    in_time_target_permille: number
  }
  'service-level-recovered': { queue: string; lasted_ms: number }
  'source-banned': { source: string; for_s: number; cause: string }
  'fault-caught': { call: number | null; fault: string }
  'call-answered': { call: number }
  'script-started': { call: number; script: string; version: string }
  'menu-chosen': { call: number; menu: string; digit: string | null }
  'queue-entered': { call: number; queue: string; priority: number; position: number }
  'queue-refused': { call: number; queue: string; cause: string }
  'queue-overflowed': { call: number; queue: string; to: string; why: string }
  'callback-requested': {
    call: number
    number: string
    queue: string
    priority: number
    attempts: number
    retry_after_s: number
    keep_s: number
    language: string
  }
  'callback-refused': { call: number; cause: string }
  'callback-restored': {
    call: number
    caller: string
    called: string
    queue: string
    priority: number
    attempts: number
    lived_ms: number
  }
  'callback-dialled': { call: number; seat: string; attempt: number }
  'callback-failed': {
    call: number
    seat: string
    attempt: number
    cause: string
    again_after_s: number | null
    /** The number itself did not decide: no attempt. */
    not_counted?: boolean
  }
  'callback-reached': { call: number; seat: string; attempt: number; since_requested_ms: number }
  'call-prioritised': { call: number; priority: number; by: string }
  'call-moved': { call: number; from: string; to: string; by: string }
  'call-picked': { call: number; seat: string; by: string }
  'seat-offered': { call: number; seat: string; queue: string; why: string }
  'offer-ended': { call: number; seat: string; result: OfferResult; rang_ms: number }
  'offer-redirected': { call: number; seat: string; detail: string }
  'seat-answered': {
    call: number
    seat: string
    queue: string
    since_arrival_ms: number
    since_menu_ms: number
    since_queue_ms: number
  }
  'seat-announced': { call: number; seat: string }
  'talk-started': { call: number; seat: string }
  'talk-held': { call: number; by: ReleasedBy }
  'talk-resumed': { call: number; by: ReleasedBy }
  /** `to`: a seat's number, `queue:NAME` or `outside:NUMBER`. */
  'talk-transferred': { call: number; from: string; to: string; kind: 'blind' | 'attended' | 'take-over' }
  /** `back`: the caller talks with `from` again; else the caller is back in the queue. */
  'transfer-failed': { call: number; from: string; to: string; cause: string; back: boolean }
  'consult-started': { from: string; to: string }
  /** `talk_ms` 0: nobody answered. */
  'consult-ended': { from: string; to: string; talk_ms: number; cause: string }
  /** Somebody takes part in a talk: a seat, or `outside:NUMBER`. */
  'guest-called': { call: number; seat: string; guest: string; mode: GuestMode }
  'guest-joined': { call: number; guest: string; mode: GuestMode }
  'guest-mode-changed': { call: number; guest: string; mode: GuestMode }
  /** Also the end of one that never answered. */
  'guest-left': { call: number; guest: string; mode: GuestMode; cause: string }
  /** Whose first word was waited for has said it. */
  'guest-spoke': { call: number; guest: string }
  'guest-silent': { call: number; guest: string; after_s: number }
  /** Nobody was heard at that side since the talk began. */
  'party-silent': { call: number; seat: string; party: 'caller' | 'agent'; after_s: number }
  /** `by`: `api:NAME`, or `engine`. */
  'recording-paused': { call: number; by: string; reason: string }
  'recording-resumed': { call: number; by: string; reason: string }
  'card-entry-began': { call: number; by: string }
  'card-entry-ended': { call: number; by: string }
  'recording-started': { call: number; file: string }
  'recording-closed': { call: number; file: string; ms: number; sha256: string }
  'recording-failed': { call: number; file: string; cause: string }
  /** `score`: mean opinion score in hundredths, 100 bad to 441. */
  'sound-measured': {
    call: number
    party: 'caller' | 'agent' | 'guest'
    /** The guest, where one spoke, and how it took part last. */
    guest?: string
    mode?: GuestMode
    received: number
    lost: number
    jitter_us: number
    round_trip_us: number | null
    score: number
  }
  'recording-fetched': { call: number; file: string; by: string }
  'message-began': {
    call: number
    message: number
    file: string
    kind: MessageKind
    queue: string | null
    seat: string | null
  }
  'message-left': {
    call: number
    message: number
    file: string
    kind: MessageKind
    queue: string | null
    seat: string | null
    ms: number
    sha256: string
    ended: MessageEnd
  }
  'message-heard': { call: number; message: number; file: string; by: string }
  'message-settled': { call: number; message: number; by: string; note: string }
  'talk-ended': {
    call: number
    seat: string
    talk_ms: number
    hold_ms: number
    released_by: ReleasedBy
  }
  'survey-offered': { call: number; seat: string }
  'survey-answered': { call: number; seat: string; digit: string; meaning: string }
  'survey-unanswered': { call: number; seat: string }
  'call-ended': {
    call: number
    outcome: Outcome
    released_by: ReleasedBy
    cause: string
    total_ms: number
  }
  'call-dialled': {
    call: number
    seat: string
    called: string
    sip_call_id: string
    purpose?: string
  }
  'dial-rejected': { seat: string; called: string; status: number; cause: string }
  /** `for_guest`: it is to take part in a talk. */
  'trunk-tried': { call: number; trunk: string; target: string; called: string; for_guest?: boolean }
  'trunk-failed': { call: number; trunk: string; status: number; cause: string; for_guest?: boolean }
  'outside-answered': { call: number; trunk: string; since_dialled_ms: number; for_guest?: boolean }
  'dial-ended': {
    call: number
    outcome: Outcome
    released_by: ReleasedBy
    cause: string
    talk_ms: number
    hold_ms: number
    total_ms: number
  }
  'trunk-state-changed': { trunk: string; target: string; state: TrunkState; detail: string }
  'seat-device-changed': { seat: string; device: Device; detail: string }
  'seat-changed': {
    seat: string
    intent: IntentWord
    reason?: AnyReason
    work: Work
    call: number | null
  }
  'seat-desk-lost': { seat: string; after_ms: number }
  'seat-desk-back': { seat: string; lost_ms: number }
  'phone-device-changed': { phone: string; device: Device; detail: string }
  'seat-lent-phone': { seat: string; phone: string }
  'seat-gave-phone-back': { seat: string; phone: string; why: string }
  'phone-log-in-refused': { phone: string; seat: string | null; why: string }
  'phone-log-in-locked': { phone: string; seat: string | null; for_s: number }
  /** `ended`: sessions of the same user that it took over. */
  'page-signed-in': { user: string; seat: string | null; from: string; ended: number }
  'page-sign-in-refused': { user: string; from: string }
  'caller-recognised': {
    call: number
    queue: string
    calls: number
    within_h: number
    last_seat?: string
  }
  'block-proposed': {
    block: number
    /** Empty where it was withheld. */
    number: string
    reason: string
    until: number
    by: string
    withheld?: boolean
  }
  'block-approved': { block: number; by: string }
  'block-refused': { block: number; by: string; reason: string }
  'block-lifted': { block: number; by: string; reason: string }
  'block-expired': { block: number }
  /** `call`: answered by a script in place of a rejection. */
  'caller-blocked': { block: number; call?: number }
  'task-rules-set': {
    first_try_minutes: number
    retry_after_minutes: number
    attempts: number
    ignore_below_s: number
    keep_days: number
    take_minutes: number
  }
  /** The task's number is this record's. */
  'task-added': { number: string; note: string; due_at: number; by: string }
  'task-taken': { task: number; seat: string; by: string }
  'task-let-go': { task: number; seat: string; by: string }
  'task-closed': { task: number; end: TaskEnd; by: string; reason: string }
  'task-result-entered': {
    task: number
    seat: string
    by: string
    result: TaskResult
    score?: number
    remark?: string
  }
  /** A supervisor saw the whole number. */
  'task-revealed': { task: number; by: string; reason: string }
  'task-shown': { task: number; seat: string; by: string }
  'seat-requested': { seat: string; request: string; through: string; done: boolean }
}

export type EventType = keyof EventFields

interface Stamp {
  seq: number
  /** Wall-clock time, ms since 1970. */
  at: number
  /** Monotonic time since the engine's start, ms. */
  up_ms: number
}

/** One journal record. */
export type Happened = { [T in EventType]: Stamp & { type: T } & EventFields[T] }[EventType]

export type EventOf<T extends EventType> = Extract<Happened, { type: T }>

/** The call an event belongs to, if any. */
export function callOf(event: Happened): number | null {
  return 'call' in event ? (event.call ?? null) : null
}

/** How an event is coloured and marked in a timeline. */
export type Tone = 'plain' | 'step' | 'good' | 'warn' | 'bad'

export function toneOf(event: Happened): Tone {
  switch (event.type) {
    case 'seat-answered':
    case 'survey-answered':
    case 'recording-closed':
    case 'message-left':
    case 'message-settled':
    case 'service-level-recovered':
    case 'callback-reached':
      return 'good'
    case 'queue-refused':
    case 'recording-failed':
    case 'recording-sound-lost':
    case 'recording-disk-stalled':
    case 'recording-space-low':
    case 'invite-rejected':
    case 'dial-rejected':
    case 'fault-caught':
    case 'service-level-alerted':
      return 'bad'
    case 'sound-measured':
      return event.score < 310 ? 'warn' : 'plain'
    case 'trunk-state-changed':
      return event.state === 'down' ? 'bad' : 'plain'
    case 'caller-blocked':
    case 'queue-overflowed':
    case 'callback-refused':
    case 'callback-failed':
    case 'trunk-failed':
    case 'transfer-failed':
    case 'offer-redirected':
    case 'requests-turned-away':
    case 'source-banned':
    case 'page-sign-in-refused':
    case 'seat-desk-lost':
    case 'phone-log-in-refused':
    case 'phone-log-in-locked':
      return 'warn'
    case 'offer-ended':
      return event.result === 'answered' || event.result === 'caller-gone' ? 'plain' : 'warn'
    case 'seat-requested':
      return event.done ? 'plain' : 'warn'
    case 'seat-device-changed':
    case 'phone-device-changed':
      return event.device === 'registered' ? 'plain' : 'warn'
    case 'call-ended':
    case 'dial-ended':
      return event.outcome === 'answered' ? 'step' : 'warn'
    case 'call-arrived':
    case 'call-dialled':
    case 'callback-requested':
    case 'callback-restored':
    case 'callback-dialled':
    case 'outside-answered':
    case 'queue-entered':
    case 'seat-offered':
    case 'talk-started':
    case 'talk-ended':
    case 'talk-transferred':
    case 'engine-started':
    case 'engine-stopped':
    case 'settings-changed':
      return 'step'
    default:
      return 'plain'
  }
}

export interface TimelineEntry {
  event: Happened
  /** Time since the call arrived, ms. */
  offset_ms: number
}

/**
 * Puts a call's events in journal order with their distance from the arrival. The distance is
 * taken from the monotonic clock, so a step of the wall clock does not show; only across a restart
 * of the engine, where that clock begins anew, the wall clock has to serve.
 */
export function timeline(events: readonly Happened[]): TimelineEntry[] {
  const ordered = [...events].sort((a, b) => a.seq - b.seq)
  const first = ordered.find((event) => event.type === 'call-arrived') ?? ordered[0]
  if (first === undefined) return []
  let restarted = false
  return ordered.map((event, index) => {
    const before = ordered[index - 1]
    if (before !== undefined && event.up_ms < before.up_ms) restarted = true
    const offset_ms = restarted ? event.at - first.at : event.up_ms - first.up_ms
    return { event, offset_ms }
  })
}

/**
 * Adds a record to the newest-first list of what just happened. A record that came twice (after a
 * reconnect) is kept once; the list never grows beyond `limit`.
 */
export function addHappened(
  list: readonly Happened[],
  record: Happened,
  limit: number,
): readonly Happened[] {
  if (list.some((other) => other.seq === record.seq)) return list
  const at = list.findIndex((other) => other.seq < record.seq)
  const place = at === -1 ? list.length : at
  if (place >= limit) return list
  return [...list.slice(0, place), record, ...list.slice(place)].slice(0, limit)
}

/** Steps too small for the wall's list of what just happened; the call's own timeline has them. */
const SMALL_STEPS: ReadonlySet<EventType> = new Set<EventType>([
  // The queue's line shows the newest.
  'staffing-forecast',
  'settings-read',
  'page-signed-in',
  'call-answered',
  'script-started',
  'seat-announced',
  'recording-started',
  'recording-closed',
  'talk-started',
  'recording-fetched',
  'message-began',
  'message-heard',
  'menu-chosen',
  'talk-held',
  'talk-resumed',
  'survey-offered',
  'survey-unanswered',
])

/** Whether the wall shows an event: a person's step, or something that went wrong. */
export function isNews(event: Happened): boolean {
  if (event.type === 'offer-ended') return event.result !== 'answered'
  // Changes of work are told by the call's own events; that a seat takes no more calls is news.
  if (event.type === 'seat-changed') return event.work === 'free' && event.intent === 'not-ready'
  return !SMALL_STEPS.has(event.type)
}
