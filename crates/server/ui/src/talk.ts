// What goes on in a talk beside the two who talk: who else is in it, and what is switched. Told by
// the journal's events alone, so that each page shows the same.

/** In what way somebody is in another's talk. */
export const GUEST_MODES = ['monitor', 'whisper', 'barge', 'consult', 'take-over'] as const
export type GuestMode = (typeof GUEST_MODES)[number]

/** The modes a supervisor may choose. */
export const SUPERVISE_MODES = ['monitor', 'whisper', 'barge', 'take-over'] as const
export type SuperviseMode = (typeof SUPERVISE_MODES)[number]

/** The modes in which the citizen notices something: they want a second thought. */
export const touchesCaller = (mode: SuperviseMode) => mode === 'barge' || mode === 'take-over'

export interface Guest {
  seat: string
  mode: GuestMode
  /** False while the guest's phone rings. */
  joined: boolean
  /** Called by the agent to be asked, whatever the mode is now. */
  asked: boolean
}

export interface Talk {
  guests: readonly Guest[]
  /** Keys of the caller are kept from the agent's ear and from the recording. */
  cardEntry: boolean
  recordingPaused: boolean
}

export const QUIET: Talk = { guests: [], cardEntry: false, recordingPaused: false }

/** The fields of the events that are read here. */
interface Told {
  type: string
  call?: number | null
  guest?: string
  mode?: string
}

const asMode = (word: string | undefined) => GUEST_MODES.find((mode) => mode === word)

function withGuest(talk: Talk, event: Told, joined: boolean | null): Talk {
  const [seat, mode] = [event.guest, asMode(event.mode)]
  if (seat === undefined || mode === undefined) return talk
  const before = talk.guests.find((guest) => guest.seat === seat)
  const asked = mode === 'consult' || (before?.asked ?? false)
  const guest = { seat, mode, joined: joined ?? before?.joined ?? true, asked }
  return { ...talk, guests: [...talk.guests.filter((one) => one.seat !== seat), guest] }
}

/** The talk after one more of its call's events. */
export function fold(talk: Talk, event: Told): Talk {
  switch (event.type) {
    case 'guest-called':
      return withGuest(talk, event, false)
    case 'guest-joined':
      return withGuest(talk, event, true)
    case 'guest-mode-changed':
      return withGuest(talk, event, null)
    case 'guest-left':
      return { ...talk, guests: talk.guests.filter((guest) => guest.seat !== event.guest) }
    case 'recording-paused':
      return { ...talk, recordingPaused: true }
    case 'recording-resumed':
      return { ...talk, recordingPaused: false }
    case 'card-entry-began':
      return { ...talk, cardEntry: true }
    case 'card-entry-ended':
      return { ...talk, cardEntry: false }
    case 'talk-ended':
      // Who took the call over is its agent now; card entry and pauses end with the talk.
      return QUIET
    default:
      return talk
  }
}

/** The talks with the event folded in: the same object where nothing changed. */
export function foldInto(
  talks: ReadonlyMap<number, Talk>,
  event: Told,
): ReadonlyMap<number, Talk> {
  if (typeof event.call !== 'number') return talks
  const before = talks.get(event.call) ?? QUIET
  const after = event.type === 'call-ended' ? QUIET : fold(before, event)
  if (after === before) return talks
  const changed = new Map(talks)
  if (after === QUIET) changed.delete(event.call)
  else changed.set(event.call, after)
  return changed
}

export const consulted = (talk: Talk) => talk.guests.find((guest) => guest.mode === 'consult')
/** Who was consulted and is heard by all now: no supervisor who barged in. */
export const inThreeWay = (talk: Talk) =>
  talk.guests.find((guest) => guest.asked && guest.mode === 'barge')
