// All English texts of the pages; the keys are those of zh.ts.
import { duration } from '../format'
import { outsideNumber } from '../talk'
import type { Reason } from '../words'
import type { EventTexts, FigureTexts } from './shape'
import type { Messages } from './zh'
import { enDirection, enPhone, enTalk } from './en-phone'
import { enBlockEvents, enBlocks, enCallers, enTaskEvents, enTasks } from './en-tasks'

const reasons: Record<Reason, string> = {
  'logged-out': 'Signed out',
  break: 'Break',
  meal: 'Meal',
  meeting: 'Meeting',
  training: 'Training',
  coaching: 'Coaching',
  'ring-no-answer': 'Forced · no answer',
  refused: 'Forced · refused calls',
  forced: 'Forced · supervisor',
}

const looks = {
  ready: 'Ready',
  reserved: 'Reserved',
  ringing: 'Ringing',
  talking: 'Talking',
  hold: 'On hold',
  'wrap-up': 'Wrap-up',
  busy: 'Busy',
  'not-ready': 'Not ready',
  'logged-out': 'Signed out',
  offline: 'Offline',
}

const parties = { caller: 'caller', agent: 'agent', engine: 'system', network: 'line' }

const guestModes = {
  monitor: 'listen to',
  whisper: 'whisper into',
  barge: 'join',
  consult: 'be asked in',
  'take-over': 'take over',
}

const messageEnds = {
  key: 'a key ended it',
  time: 'its time was over',
  'hang-up': 'the caller hung up',
  network: 'the line was lost',
  interrupted: 'the engine stopped',
}

const outcomes = {
  answered: 'Answered',
  abandoned: 'Abandoned',
  'left-menu': 'Left in menu',
  'left-message': 'Left a message',
  'timed-out': 'Timed out',
  overflowed: 'Sent elsewhere',
  refused: 'Refused by queue',
  rejected: 'Rejected',
  unreached: 'Callback unreached',
  'rang-again': 'Rang again',
  failed: 'Failed',
  interrupted: 'Interrupted',
}

const offers = {
  answered: 'answered',
  'no-answer': 'did not answer',
  refused: 'refused the call',
  unreachable: 'could not be reached',
  'caller-gone': 'rang until the caller hung up',
  withdrawn: 'lost the offer to a rule',
}

const meanings: Record<string, string> = {
  'very-satisfied': 'Very satisfied',
  satisfied: 'Satisfied',
  'fairly-satisfied': 'Fairly satisfied',
  dissatisfied: 'Dissatisfied',
  'very-dissatisfied': 'Very dissatisfied',
  solved: 'Solved',
  'not-solved': 'Not solved',
}

const meaning = (word: string | null) => (word === null ? '' : (meanings[word] ?? word))

/** A length of time in a sentence: tenths below a minute. */
function spell(ms: number): string {
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`
  return duration(ms)
}

/** Where a transfer goes: a seat's number, `queue:NAME` or `outside:NUMBER`. */
const target = (to: string, queue: (id: string) => string) =>
  to.startsWith('queue:') ? `queue “${queue(to.slice(6))}”` : enTalk.party(to)

/** Somebody who takes part in a talk: a seat, or a number outside. */
const guest = (name: string) => (outsideNumber(name) === null ? `Seat ${name}` : `Outside ${outsideNumber(name)}`)
const spoke = (e: { party: 'caller' | 'agent' | 'guest'; guest?: string }) =>
  e.guest === undefined ? e.party : e.guest.replace(/^outside:/, 'outside ')

const overflowTarget = (to: string, queue: (id: string) => string) =>
  to.startsWith('queue:')
    ? `queue “${queue(to.slice(6))}”`
    : to.startsWith('script:')
      ? `script “${to.slice(7)}”`
      : `number ${to.slice(8)}`

/** Thousandths as percent. */
const tenth = (permille: number | null) => (permille === null ? 'not known' : `${permille / 10} %`)

const events: EventTexts = {
  'engine-started': (e) => `The engine started (version ${e.version})`,
  'engine-stopped': () => 'The engine stopped in an orderly way',
  'page-signed-in': (e) =>
    `${e.user} signed in from ${e.from}${e.ended > 0 ? `, taking over ${e.ended} session(s)` : ''}`,
  'page-sign-in-refused': (e) => `${e.user} is signed in elsewhere: refused from ${e.from}`,
  'seat-desk-lost': (e) => `Desk of seat ${e.seat} is cut off (page gone for ${spell(e.after_ms)})`,
  'seat-desk-back': (e) => `Desk of seat ${e.seat} is back after ${spell(e.lost_ms)}`,
  'phone-device-changed': (e) =>
    `Shared phone ${e.phone} ${e.device === 'registered' ? 'registered' : 'went offline'} (${e.detail})`,
  'seat-lent-phone': (e) => `Seat ${e.seat} logged in at shared phone ${e.phone}`,
  'seat-gave-phone-back': (e) => `Seat ${e.seat} gave shared phone ${e.phone} back (${e.why})`,
  'phone-log-in-refused': (e) =>
    `Shared phone ${e.phone}: ${e.seat === null ? 'log-in' : `log-in of seat ${e.seat}`} refused (${e.why})`,
  'phone-log-in-locked': (e) =>
    `Too many wrong PINs: ${e.seat === null ? `shared phone ${e.phone}` : `seat ${e.seat}`} is locked for ${e.for_s / 60} min`,
  'settings-read': (e) => `Settings read: ${e.queues} queues, ${e.seats} seats`,
  'settings-changed': (e) =>
    `Settings changed by ${e.by}: ${e.changes.map((it) => it.item).slice(0, 5).join(', ')}${e.changes.length + (e.more ?? 0) > 5 ? ` … ${e.changes.length + (e.more ?? 0)} in all` : ''}`,
  'call-arrived': (e) =>
    `${e.caller || 'A withheld number'} dialled ${e.called} ${e.trunk === null ? "from a seat's phone" : `over trunk ${e.trunk}`}`,
  'invite-rejected': (e) =>
    `Call ${e.caller || 'from a withheld number'} → ${e.called} rejected: ${e.status} (${e.cause})`,
  'requests-turned-away': (e) =>
    `Turned away in one second${e.trunk === null ? '' : ` on trunk ${e.trunk}`}: ${e.invites} calls and ${e.others} other requests (${e.cause})`,
  'recording-sound-lost': (e) =>
    `Recordings lack ${spell(e.blocks * 20)} of sound: their disk did not follow`,
  'recording-disk-stalled': (e) =>
    `The disk of the recordings has taken nothing for ${spell(e.for_ms)}: sound waits in memory`,
  'recording-disk-followed': (e) =>
    `The disk of the recordings takes sound again, after ${spell(e.after_ms)}`,
  'recording-space-low': (e) =>
    `Room for recordings is low: ${e.free_mb} MB are free, ${e.keep_free_mb} MB should be`,
  'recording-space-regained': (e) => `Room for recordings is back: ${e.free_mb} MB are free`,
  'staffing-forecast': (e, queue) =>
    e.needed === null
      ? `Seats that “${queue(e.queue)}” needs in the next 15 minutes are not known (${e.serving} at work)`
      : `“${queue(e.queue)}” needs ${e.needed} seats in the next 15 minutes, ${e.serving} at work`,
  'service-level-alerted': (e, queue) =>
    e.needed === null
      ? `Alert: callers wait in “${queue(e.queue)}”, seats at work: ${e.serving}`
      : `Alert: “${queue(e.queue)}” will answer ${tenth(e.answered_permille)} in the next 15 minutes (target ${tenth(e.answered_target_permille)}); ${Math.max(0, e.needed - e.serving)} more seats needed`,
  'service-level-recovered': (e, queue) =>
    `The alert of “${queue(e.queue)}” is over after ${spell(e.lasted_ms)}`,
  'source-banned': (e) =>
    `Address ${e.source} is not listened to for ${spell(e.for_s * 1_000)} (${e.cause})`,
  'fault-caught': (e) =>
    e.call === null
      ? `The engine met a fault of its own and went on: ${e.fault}`
      : `The engine met a fault of its own: this call is over, all others go on (${e.fault})`,
  'call-answered': () => 'The system answered',
  'script-started': (e) => `Script “${e.script}” began`,
  'menu-chosen': (e) =>
    e.digit === null
      ? `No key pressed in menu “${e.menu}” before its time ran out`
      : `Key ${e.digit} pressed in menu “${e.menu}”`,
  'queue-entered': (e, queue) =>
    `Asked for a human and entered queue “${queue(e.queue)}” at place ${e.position} (priority ${e.priority})`,
  'queue-refused': (e, queue) => `Queue “${queue(e.queue)}” did not take the call (${e.cause})`,
  'queue-overflowed': (e, queue) =>
    `Left queue “${queue(e.queue)}” for ${overflowTarget(e.to, queue)} (${e.why})`,
  'callback-requested': (e, queue) =>
    `Asked to be called back at ${e.number}: keeps the place in queue “${queue(e.queue)}”, called ${e.attempts} times at most`,
  'callback-refused': (e) => `No callback could be promised (${e.cause})`,
  'callback-restored': (e, queue) =>
    `Stands on in queue “${queue(e.queue)}” for its callback after the engine started anew`,
  'callback-dialled': (e) => `Seat ${e.seat} answered, callback attempt ${e.attempt} began`,
  'callback-failed': (e) =>
    `Callback attempt ${e.attempt} reached nobody (${e.cause})${
      e.again_after_s === null ? '' : `, again in ${spell(e.again_after_s * 1000)}`
    }${e.not_counted ? ', which does not count' : ''}`,
  'callback-reached': (e) =>
    `Callback attempt ${e.attempt} reached the caller, ${spell(e.since_requested_ms)} after it was asked for`,
  'call-prioritised': (e) => `A supervisor set the priority to ${e.priority} (${e.by.replace('api:', '')})`,
  'call-moved': (e, queue) =>
    `A supervisor moved it from queue “${queue(e.from)}” to “${queue(e.to)}”, at its own place (${e.by.replace('api:', '')})`,
  'call-picked': (e) => `A supervisor gave it to seat ${e.seat} (${e.by.replace('api:', '')})`,
  'seat-offered': (e) => `Offered to seat ${e.seat} (${e.why})`,
  'offer-ended': (e) => `Seat ${e.seat} ${offers[e.result]} after ${spell(e.rang_ms)}`,
  'offer-redirected': (e) =>
    `A phone of seat ${e.seat} wanted to send the caller elsewhere, which is not done (${e.detail})`,
  'seat-answered': (e) =>
    `Seat ${e.seat} answered: ${spell(e.since_arrival_ms)} after arrival, ${spell(e.since_queue_ms)} in the queue`,
  'seat-announced': (e) => `Seat number ${e.seat} announced to the caller`,
  'talk-started': (e) => `Talk with seat ${e.seat} began`,
  'talk-held': (e) => `Put on hold by the ${parties[e.by]}`,
  'talk-resumed': (e) => `Taken off hold by the ${parties[e.by]}`,
  'talk-transferred': (e, queue) =>
    e.kind === 'take-over'
      ? `Seat ${e.to} took the call over from seat ${e.from}`
      : `Seat ${e.from} gave the caller on to ${target(e.to, queue)}${e.kind === 'attended' ? ' after asking there' : ''}`,
  'transfer-failed': (e, queue) =>
    `Seat ${e.from} could not give the caller on to ${target(e.to, queue)} (${e.cause}); ${e.back ? 'they talk again' : 'the caller is back in the queue'}`,
  'consult-started': (e) => `Seat ${e.from} asks seat ${e.to}`,
  'consult-ended': (e) =>
    e.talk_ms === 0
      ? `Seat ${e.to} did not answer when seat ${e.from} wanted to ask (${e.cause})`
      : `Seats ${e.from} and ${e.to} ended their talk: ${spell(e.talk_ms)} (${e.cause})`,
  'guest-called': (e) => `${guest(e.guest)} is rung to ${guestModes[e.mode]} the talk of seat ${e.seat}`,
  'guest-joined': (e) => `${guest(e.guest)} joined (${e.mode})`,
  'guest-mode-changed': (e) => `${guest(e.guest)} changed to ${e.mode}`,
  'guest-left': (e) => `${guest(e.guest)} left (${e.mode}: ${e.cause})`,
  'guest-silent': (e) => `${guest(e.guest)} said nothing for ${e.after_s} s; the agent may leave`,
  'guest-spoke': (e) => `${guest(e.guest)} spoke; the agent may leave`,
  'party-silent': (e) =>
    `${e.party === 'caller' ? 'The caller' : `Seat ${e.seat}`} said nothing for ${e.after_s} s`,
  'recording-paused': (e) => `Recording paused by ${e.by.replace('api:', '')}: ${e.reason}`,
  'recording-resumed': (e) => `Recording resumed by ${e.by.replace('api:', '')}: ${e.reason}`,
  'card-entry-began': (e) =>
    `Card entry began: the caller is neither heard nor recorded (${e.by.replace('api:', '')})`,
  'card-entry-ended': (e) => `Card entry ended (${e.by.replace('api:', '')})`,
  'recording-started': () => 'Recording began',
  'recording-closed': (e) =>
    `Recording complete: ${spell(e.ms)}, checksum ${e.sha256.slice(0, 12)}`,
  'recording-failed': (e) => `Recording failed (${e.cause}); the call went on`,
  'sound-measured': (e) =>
    `Sound of the ${spoke(e)}: score ${(e.score / 100).toFixed(2)} of 4.41, lost ${e.lost} of ${e.received + e.lost} packets, jitter ${(e.jitter_us / 1000).toFixed(1)} ms${e.round_trip_us === null ? '' : `, round trip ${Math.round(e.round_trip_us / 1000)} ms`}`,
  'message-began': (e) => (e.kind === 'remark' ? 'A remark is being said' : 'A message is being said'),
  'message-left': (e) =>
    `${e.kind === 'remark' ? 'Remark' : 'Message'} left, ${spell(e.ms)} (${messageEnds[e.ended]})`,
  'message-heard': (e) => `${e.by} listened to the message`,
  'message-settled': (e) => `${e.by} settled the message${e.note === '' ? '' : `: ${e.note}`}`,
  'recording-fetched': (e) => `${e.by} fetched the recording`,
  'talk-ended': (e) =>
    `Talk ended, released by the ${parties[e.released_by]}: ${spell(e.talk_ms)}${e.hold_ms > 0 ? `, of it ${spell(e.hold_ms)} on hold` : ''}`,
  'survey-offered': (e) => `The caller was asked to score seat ${e.seat}`,
  'survey-answered': (e) => `The caller pressed ${e.digit}: ${meaning(e.meaning)}`,
  'survey-unanswered': () => 'The caller gave no score',
  'call-ended': (e) =>
    `Call over: ${outcomes[e.outcome].toLowerCase()}, released by the ${parties[e.released_by]}, ${spell(e.total_ms)} in all`,
  'call-dialled': (e) =>
    `Seat ${e.seat} dialled ${e.called}${e.purpose === undefined ? '' : ` from the page, for ${e.purpose}`}`,
  'dial-rejected': (e) =>
    `Seat ${e.seat} may not dial ${e.called}: ${e.status} (${e.cause})`,
  'trunk-tried': (e) => `${e.called} is called over trunk ${e.trunk} (${e.target})`,
  'trunk-failed': (e) => `Trunk ${e.trunk} did not put it through: ${e.status} (${e.cause})`,
  'outside-answered': (e) => `Answered over trunk ${e.trunk} after ${spell(e.since_dialled_ms)}`,
  'dial-ended': (e) =>
    `Outgoing call over: ${e.outcome === 'answered' ? 'answered' : e.cause}, released by the ${e.released_by === 'caller' ? 'number called' : parties[e.released_by]}, ${spell(e.talk_ms)} of talk`,
  'trunk-state-changed': (e) => `Trunk ${e.trunk} is ${e.state}: ${e.target} (${e.detail})`,
  'seat-device-changed': (e) =>
    `Phone of seat ${e.seat} ${e.device === 'registered' ? 'registered' : 'went offline'} (${e.detail})`,
  'seat-changed': (e) =>
    `Seat ${e.seat}: ${(e.work === 'free' ? (e.intent === 'ready' ? looks.ready : `not ready (${((reasons as Record<string, string>)[e.reason ?? ''] ?? e.reason ?? '').toLowerCase()})`) : looks[e.work]).toLowerCase()}`,
  'caller-recognised': (e) => enBlockEvents.recognised(e.calls, e.within_h, e.last_seat),
  'block-proposed': (e) => enBlockEvents.proposed(e.by, e.number || 'a withheld number', e.reason),
  'block-approved': (e) => enBlockEvents.approved(e.by, e.block),
  'block-refused': (e) => enBlockEvents.refused(e.by, e.block, e.reason),
  'block-lifted': (e) => enBlockEvents.lifted(e.by, e.block, e.reason),
  'block-expired': (e) => enBlockEvents.expired(e.block),
  'caller-blocked': (e) => enBlockEvents.caller(e.block),
  'task-rules-set': (e) => enTaskEvents.rules(e.first_try_minutes, e.retry_after_minutes, e.attempts),
  'task-added': (e) => enTaskEvents.added(e.by, e.number),
  'task-taken': (e) => enTaskEvents.taken(e.seat, e.task),
  'task-let-go': (e) => enTaskEvents.letGo(e.seat, e.task),
  'task-closed': (e) => enTaskEvents.closed(e.by, e.task, e.end, e.reason),
  'task-result-entered': (e) => enTaskEvents.result(e.seat, e.task, e.result, e.score, e.remark),
  'task-revealed': (e) => enTaskEvents.revealed(e.by, e.task, e.reason),
  'task-shown': (e) => enTaskEvents.shown(e.by, e.task),
  'seat-requested': (e) =>
    `Seat ${e.seat} asked for “${e.request}” by ${e.through.replace('api:', 'page, ')}: ${e.done ? 'done' : 'not done'}`,
}

const figures: FigureTexts = {
  'answer-rate': {
    name: 'Answer rate',
    formula: 'answered by a human ÷ inbound calls (rejected ones too)',
    top: 'Answered',
    bottom: 'Inbound',
    note: 'Rolling 24 hours; target at least 95 % (GB/T 33358)',
  },
  'service-level': {
    name: 'Answered in 15 s',
    formula: 'answered within 15 s ÷ human requests',
    top: 'Within 15 s',
    bottom: 'Human requests',
    note: 'From queue entry; requests = answered + abandoned + timed out + refused + left a message after the queue',
  },
  'in-time-rate': {
    name: 'In-time rate',
    formula: 'answered within 15 s ÷ answered',
    top: 'Within 15 s',
    bottom: 'Answered',
    note: 'Answered calls only; abandoned ones count in “Answered in 15 s”',
  },
  waiting: {
    name: 'Waiting now',
    formula: 'callers waiting for a human, all queues together',
    top: 'Waiting',
    bottom: '',
    note: 'At this moment',
  },
  'longest-wait': {
    name: 'Longest wait',
    formula: 'how long the caller has waited who waits longest in a queue',
    top: 'Milliseconds',
    bottom: '',
    note: 'From queue entry; a change of queue does not restart it',
  },
  'ready-seats': {
    name: 'Ready / staffed',
    formula: 'seats ready, free and reachable ÷ seats staffed',
    top: 'Ready seats',
    bottom: 'Staffed seats',
    note: 'Staffed: signed in with a reachable phone, or busy with a call',
  },
  talking: {
    name: 'Talking',
    formula: 'seats that talk or have a caller on hold',
    top: 'Seats',
    bottom: '',
    note: 'At this moment',
  },
  abandoned: {
    name: 'Abandon rate',
    formula: 'abandoned in a queue ÷ human requests',
    top: 'Abandoned',
    bottom: 'Human requests',
    note: 'Rolling 24 hours; callers who hung up before a human answered',
  },
  participation: {
    name: 'Survey response',
    formula: 'surveys answered ÷ surveys offered',
    top: 'Answered',
    bottom: 'Offered',
    note: "Keys are taken from the caller's line only; an agent cannot press them",
  },
  satisfaction: {
    name: 'Satisfaction',
    formula: 'satisfied ÷ surveys answered',
    top: 'Satisfied',
    bottom: 'Surveys answered',
    note: 'Rolling 24 hours',
  },
  'called-back': {
    name: 'Called back in time',
    formula: 'numbers first tried in time ÷ missed numbers listed',
    top: 'Tried in time',
    bottom: 'Missed, listed',
    note: 'Rolling 24 hours, each number once; who called again himself was not called back',
  },
}

export const en: Messages = {
  product: '12345 Hotline',
  platform: 'Call centre',
  skip: 'Skip to content',
  none: 'none',
  close: 'Close',
  retry: 'Try again',
  reload: 'Reload',
  copy: 'Copy',
  copied: 'Copied',
  seconds: (n) => `${n} s`,
  times: (n) => (n === 1 ? '1 call' : `${n} calls`),
  looks,
  reasons,
  parties,
  outcomes,
  meaning,
  cause: (cause) => cause,
  events,
  figures,
  unknownEvent: (type) => `${type} happened (an event this page does not know yet)`,
  stages: {
    arriving: 'Arriving',
    menu: 'Menu',
    waiting: 'Waiting',
    'callback-waiting': 'Callback due',
    offering: 'Ringing',
    'calling-back': 'Calling back',
    talking: 'Talking',
    transferring: 'Transfer',
    surveying: 'Survey',
    dialling: 'Dialling',
  },
  trunkStates: { up: 'Up', unknown: 'Unknown', down: 'Down' },
  devices: { registered: 'Phone online', unregistered: 'Phone offline' },
  roles: { supervisor: 'Supervisor', agent: 'Agent' },
  running: 'Live',

  settings: {
    title: 'Settings',
    lead: 'Change the configuration files, compare, then put them in force. Calls and places in line stay.',
    compare: 'Compare',
    apply: 'Put in force',
    confirm: 'These changes are in force at once and are journalled. Go on?',
    confirmTitle: 'Put in force',
    cancel: 'Cancel',
    applied: 'The changes are in force',
    same: 'The files say what is in force: nothing to change',
    summary: (added: number, removed: number, changed: number) =>
      `${added} added, ${removed} removed, ${changed} changed`,
    kinds: { added: 'added', removed: 'removed', changed: 'changed' },
    file: 'File',
    item: 'Item',
    key: 'Key',
    was: 'Was',
    is: 'Is',
    secret: 'changed (not shown)',
    none: '(none)',
    restart: 'These need a restart',
    warnings: 'Warnings',
    faults: 'The files have faults; nothing was changed',
    line: (file: string, line: number) => (line > 0 ? `${file}, line ${line}` : file),
    digest: 'Digest of the settings (SHA-256)',
    removedNote:
      'A removed seat finishes its talk; callers in a removed queue are served on by its seats.',
  },
  nav: {
    main: 'Main navigation',
    wallboard: 'Wallboard',
    calls: 'Calls',
    cases: 'Cases',
    messages: 'Messages',
    tasks: 'To call',
    blocks: 'Blocked',
    day: 'Attendance',
    seat: 'Seats',
    mySeat: 'My seat',
    settings: 'Settings',
    language: '中文',
    languageLabel: '切换为中文',
    toDark: 'Dark theme',
    toLight: 'Light theme',
    fullScreen: 'Full screen',
    signOut: 'Sign out',
    version: (version) => `Version ${version}`,
  },

  link: {
    connecting: 'Connecting',
    live: 'Live',
    polling: 'Polling',
    lost: 'Disconnected',
    connectingHint: 'Connecting to the engine',
    liveHint: 'Live connection to the engine',
    pollingHint: 'No live channel; asking each 3 seconds',
    lostHint: 'No contact with the engine',
    banner: 'Disconnected',
    staleSince: (time) => `What you see is of ${time}, not of now.`,
    noData: 'No data yet.',
    retrying: (n) => `Reconnecting by itself (attempt ${n}) …`,
    now: 'Reconnect now',
  },

  signIn: {
    title: 'Sign in',
    house: 'Citizens’ service hotline',
    slogan: 'One number, around the clock, a human on every call',
    points: [
      'Calls queued, distributed and recorded',
      'A live wallboard whose figures can be checked',
      'Every step in a log that nobody can edit unseen',
    ],
    user: 'User',
    password: 'Password',
    submit: 'Sign in',
    busy: 'Signing in …',
    userMissing: 'Enter your user name',
    passwordMissing: 'Enter your password',
    expired: 'Your session has ended. Please sign in again.',
    hint: 'Agents sign in with their seat number, supervisors with the name given by the administrator. Ask the administrator if you forgot your password.',
    refused: 'User name or password is wrong.',
    refusedHelp: 'Check both and try again; upper and lower case matter.',
  },

  problem: {
    title: 'Something went wrong',
    noAnswer: 'The engine does not answer.',
    noAnswerHelp: 'Check the network, or whether the engine is running, then try again.',
    status: (status) => `The request failed (HTTP ${status}).`,
    statusHelp: 'Try again later. If it stays, tell the administrator the time and this code.',
    code: (code) => `code ${code}`,
  },

  wall: {
    missed: (reached, open) => `${reached} reached, ${open} not done`,
    title: 'Wallboard',
    target: 'Target 95 %',
    verdict: { good: 'On target', near: 'Near target', bad: 'Below target', none: 'No data yet' },
    of: (top, bottom) => `${top} / ${bottom}`,
    window: 'rolling 24 hours',
    rightNow: 'now',
    formula: 'Formula',
    trend: 'Last minutes',
    trendHint: 'Since this page was opened, 30 minutes at most',
    trendEmpty: 'Collecting; the line appears in a few seconds',
    answerRate: 'Answer rate',
    waitingLine: 'Waiting',
    queues: 'Queues',
    queue: 'Queue',
    waiting: 'Waiting',
    longest: 'Longest wait',
    ready: 'Ready',
    talking: 'Talking',
    staffed: 'Staffed',
    rate: 'Answered',
    rateHelp: 'answered ÷ human requests of this queue, rolling 24 hours; below: the last 15 minutes',
    rate15s: (percent) => `answered in 15 s, rolling 24 hours: ${percent} %`,
    quarter: (percent) => `last 15 min ${percent} %`,
    forecast: 'Next 15 min',
    forecastHelp:
      'From the calls, talks and patience of late (Erlang A): how many more seats the target needs now',
    seatsEnough: 'enough',
    seatsMore: (n) => `${n} more`,
    unknown: 'not known',
    alertMore: (queue, n) => `“${queue}”: ${n} more seats needed within 15 minutes`,
    alertEasing: (queue) => `“${queue}” recovers: the seats are enough for now`,
    alertUnstaffed: (queue) => `“${queue}”: nobody is at work and callers wait`,
    alertHelp: (answered, target) =>
      `With the seats of now ${answered} % will be answered; the target is ${target} %.`,
    waitRange: (from, to) => `probably ${from}–${to}`,
    queuesEmpty: 'No queue is configured yet',
    queuesEmptyHelp: 'Add queues to config/queues.toml and restart the engine.',
    trunks: 'Trunks',
    trunk: 'Trunk',
    trunkState: 'State',
    trunkSince: 'For',
    callsIn: 'Calls in',
    callsOut: 'Calls out',
    trunksEmpty: 'No trunk is configured yet',
    trunksEmptyHelp: 'Add trunks to config/trunks.toml and restart the engine.',
    seats: 'Seats',
    all: 'All',
    seatsEmpty: 'No seat is configured yet',
    seatsEmptyHelp: 'Add seats to config/seats.toml and restart the engine.',
    seatsFiltered: 'No seat is in this state',
    callsToday: (n) => `${n} today`,
    deskLost: 'desk cut off',
    missing: (n) => `${n} missing`,
    openSeat: (seat) => `Open seat ${seat}`,
    calls: 'Live calls',
    call: 'Call',
    stage: 'Stage',
    caller: 'Caller',
    position: 'Place',
    wait: 'In stage',
    seat: 'Seat',
    total: 'Total',
    callsEmpty: 'No calls right now',
    callsEmptyHelp: 'Dial sip:12345@this-machine to try it, or run in a terminal:',
    feed: 'Just happened',
    feedEmpty: 'Each step of calls and seats appears here',
    recordingsFailed: (n) => `Recordings failed: ${n}`,
    recordingSpaceLow: 'Room for recordings is low',
    recordingSpaceHelp:
      'Calls go on, but may not be recorded. Make room on the disk of the recordings.',
    recordingDiskStalled: 'The disk of the recordings stands still',
    recordingDiskStalledHelp: 'Sound waits in memory and calls go on; look at the disk now.',
    recordingGaps: (n) => `Recording gaps: ${n}`,
    recordingGapsHelp:
      'The recording disk cannot keep up; pieces of sound were not written. Check its space and speed.',
    stateCounts: 'Seats by state',
    moreCalls: (n) => `${n} more not listed`,
  },

  phone: enPhone,
  talk: enTalk,
  directions: enDirection,

  calls: {
    title: 'Calls',
    lead: 'Newest first. Open a call to see its every step, its recording and its case.',
    number: 'Call',
    direction: 'Direction',
    withheld: 'Withheld',
    arrived: 'Arrived',
    caller: 'Caller',
    called: 'Dialled',
    queue: 'Queue',
    seat: 'Seat',
    outcome: 'Outcome',
    wait: 'Wait',
    talk: 'Talk',
    score: 'Score',
    recording: 'Recording',
    hasRecording: 'recorded',
    case: 'Case',
    newer: 'Newer',
    changed: 'New rows',
    older: 'Older',
    page: (from, to) => `${from} – ${to}`,
    empty: 'No calls yet',
    emptyHelp:
      'Dial sip:12345@this-machine from any SIP phone, or run the command below in a terminal. The first call will appear here.',
    emptyPage: 'No older calls',
    open: (call) => `Open call ${call}`,
    detail: (call) => `Call ${call}`,
    timeline: 'What happened',
    timelineHint: "Times count from the call's arrival",
    trunk: 'Trunk',
    answeredAt: 'Answered',
    endedAt: 'Ended',
    releasedBy: 'Released by',
    cause: 'Cause',
    noRecording: 'This call has no recording',
    noRecordingYet: 'Can be played when the call is over',
    recordingHint: 'Left channel: caller. Right channel: agent.',
    download: 'Download',
    openCase: 'Open case',
    technical: 'Technical details',
    sipCallId: 'SIP Call-ID',
    file: 'File',
    checksum: 'SHA-256',
  },

  tasks: enTasks,
  callers: enCallers,
  blocks: enBlocks,
  day: {
    title: 'Shifts and contractors',
    lead: 'How the seats kept to their shifts, and each contractor\'s figures, out of the seat ledger; hotline audit recompute says the same.',
    day: 'Day',
    shifts: 'Adherence',
    noShifts: 'No shift begins on this day. Set them up with [[shift]] in seats.toml.',
    seat: 'Seat',
    shift: 'Shift',
    hours: 'Hours',
    signedIn: 'Signed in',
    ready: 'Ready',
    adherence: 'Adherence',
    late: 'Late by',
    early: 'Left early by',
    absent: 'absent',
    contractors: 'Contractors',
    contractor: 'Contractor',
    house: 'the house',
    answered: 'Answered',
    inTime: 'Within 15 s',
    handling: 'Handling time',
    occupancy: 'Occupancy',
    satisfaction: 'Satisfied',
    dialled: 'Reached / dialled',
  },

  messages: {
    title: 'Messages',
    lead: 'Voicemail and remarks after the score, newest first. The journal records who listens.',
    at: 'At',
    state: 'State',
    shown: { new: 'New', heard: 'Heard', done: 'Settled', all: 'All' },
    kind: 'Kind',
    kinds: { voicemail: 'Voicemail', remark: 'Remark' },
    about: 'Queue or seat',
    length: 'Length',
    note: 'Note',
    noteHint: 'What was done, e.g. called back, case opened',
    noteTooLong: (n) => `A note has at most ${n} characters`,
    open: 'Listen',
    detail: 'Message',
    settle: 'Settle',
    sound: {
      unfinished: 'It is still being said, or was cut; the next start completes it.',
      lost: 'It could not be written; what happened in the call says why.',
      empty: 'Less than a second; there may be nothing in it.',
      whole: '',
    },
    heardBy: (who, when) => `First heard by ${who}, ${when}`,
    settledBy: (who, when) => `Settled by ${who}, ${when}`,
    empty: 'No messages',
    emptyHelp: 'Let a number or a queue lead to the script voicemail, and messages appear here.',
  },

  cases: {
    title: 'Cases',
    lead: "Telephony's part of a case, filled in by itself for each answered call.",
    number: 'Case',
    state: 'State',
    states: { open: 'Call live', closed: 'Call over' },
    opened: 'Opened',
    answered: 'Answered',
    ended: 'Call ended',
    talk: 'Answer to end',
    call: 'Call',
    empty: 'No cases yet',
    emptyHelp:
      'A case opens by itself when an agent answers the first call; number, times and seat need not be typed.',
    emptyPage: 'No older cases',
    detail: 'Case',
    openCall: 'See the call',
  },

  seat: {
    title: 'My seat',
    titleOf: (seat) => `Seat ${seat}`,
    choose: 'Choose a seat',
    chooseHelp: 'Choose a seat to see its state, or to set it ready or not ready.',
    supervising: 'You act for this seat as a supervisor; the journal records it.',
    noSeat: 'Your account has no seat',
    noSeatHelp: 'Ask the administrator to set a seat for your account in config/seats.toml.',
    unknown: (seat) => `There is no seat ${seat}`,
    unknownHelp: 'Check the number, or pick a seat on the wallboard.',
    state: 'State',
    goReady: 'Ready',
    goReadyHint: 'Take calls',
    goNotReady: 'Not ready',
    goNotReadyHint: 'Pause, and say why',
    signOut: 'Sign out of the seat',
    endWrapUp: 'End wrap-up',
    endWrapUpHint: 'Take the next call now',
    extendWrapUp: 'Longer wrap-up',
    extendWrapUpHint: 'One minute more',
    next: (state: string) => `Then: ${state}`,
    transfer: 'Transfer',
    transferHint: 'Give the caller on',
    transferTitle: 'Transfer the caller',
    transferTo: 'To whom',
    transferToHelp: 'Choose a queue or a seat',
    transferLead: 'The caller hears music until somebody answers. If nobody does, the caller comes back.',
    transferGo: 'Transfer now',
    cancel: 'Cancel',
    hints: {
      ready: 'The next call will ring your phone by itself.',
      reserved: 'A call is on its way to you …',
      ringing: 'Please pick up your phone.',
      talking: 'Let the caller finish; you hang up first and the caller stays to give a score.',
      hold: 'The caller hears music.',
      'wrap-up': 'Fill in the case; this ends by itself when its time is over.',
      busy: 'Your phone is in another call.',
      'not-ready': 'You get no calls.',
      'logged-out': 'You are not signed in for calls. Press “Ready” to begin.',
      offline: 'Your phone is not registered; calls cannot reach you.',
    },
    deviceHelp: (seat) => `Register your SIP phone at this machine as user ${seat} (UDP or TCP).`,
    after: 'takes effect after the call or wrap-up',
    currentCall: 'Current call',
    noCall: 'No call',
    noCallReady: 'You are ready. The next call appears here by itself.',
    noCallNotReady: 'Press “Ready” and calls come to you; the caller is shown here.',
    incoming: 'Incoming call',
    calledNumber: 'Dialled',
    waited: 'Caller waited',
    talkTime: 'Talk time',
    caseNumber: 'Case',
    caseLater: 'opens when you answer',
    queuesNow: 'Queues now',
    today: 'Today',
    todaySince: (time) => `“Answered” is of the day, the others since ${time}`,
    taken: 'Answered',
    talkTotal: 'Talk in all',
    talkMean: 'Mean talk',
    inTime: 'Within 15 s',
    scored: 'Scored',
    satisfied: 'Satisfied',
    recent: 'Latest calls',
    recentEmpty: 'No call answered today yet',
    done: { ready: 'Ready now', 'not-ready': 'Not ready now', 'wrap-up': 'Wrap-up ended', 'wrap-up-longer': 'A minute more', 'sign-out': 'The seat is signed out', transfer: 'The transfer is under way' },
    rings: (caller) => `Call from ${caller}`,
  },

  line: {
    order: 'Order',
    orderOf: (call) => `Order waiting call #${call}`,
    title: (call) => `Order call #${call}`,
    why: 'Why it waits',
    what: 'What to do',
    whats: { priority: 'Priority', queue: 'Another queue', seat: 'A seat at once' },
    help: {
      priority: '0 is served first, 9 last; the wait counts as before',
      queue: 'It stands there at the place of its arrival',
      seat: 'The free seat is rung now, whatever its skills and whoever stands before',
    },
    priority: 'Priority',
    queue: 'Queue',
    seat: 'Seat',
    go: 'Do it',
    done: 'Done',
  },

  notFound: { title: 'There is no such page', back: 'Back to the start' },
}
