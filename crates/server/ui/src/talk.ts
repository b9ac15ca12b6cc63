// What goes on in a talk beside the two who talk. Who else is in it is on the wallboard, as far as
// whoever looks may know; what is switched is told by the journal's events.

/** In what way somebody is in another's talk. */
export type GuestMode = SuperviseMode | 'consult'

/** The modes a supervisor may choose. */
export const SUPERVISE_MODES = ['monitor', 'whisper', 'barge', 'take-over'] as const
export type SuperviseMode = (typeof SUPERVISE_MODES)[number]

/** The modes in which the citizen notices something: they want a second thought. */
export const touchesCaller = (mode: SuperviseMode) => mode === 'barge' || mode === 'take-over'

export interface Guest {
  /** A seat, or `outside:NUMBER`, masked. */
  seat: string
  mode: GuestMode
  /** False while the guest's phone rings. */
  joined: boolean
  /** Called by the agent to be asked, whatever the mode is now. */
  asked: boolean
}

export interface Talk {
  /** Keys of the caller are kept from the agent's ear and from the recording. */
  cardEntry: boolean
  recordingPaused: boolean
  /** The caller has said nothing since the talk began. */
  callerSilent: boolean
}

export const QUIET: Talk = { cardEntry: false, recordingPaused: false, callerSilent: false }

/** The fields of the events that are read here. */
interface Told {
  type: string
  call?: number | null
  party?: string
}

/** The talk after one more of its call's events. */
export function fold(talk: Talk, event: Told): Talk {
  switch (event.type) {
    case 'recording-paused':
      return { ...talk, recordingPaused: true }
    case 'recording-resumed':
      return { ...talk, recordingPaused: false }
    case 'card-entry-began':
      return { ...talk, cardEntry: true }
    case 'card-entry-ended':
      return { ...talk, cardEntry: false }
    case 'party-silent':
      return event.party === 'caller' ? { ...talk, callerSilent: true } : talk
    case 'talk-ended':
      // Card entry and pauses end with the talk.
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
  const isOver = event.type === 'call-ended' || event.type === 'dial-ended'
  const after = isOver ? QUIET : fold(before, event)
  if (after === before) return talks
  const changed = new Map(talks)
  if (after === QUIET) changed.delete(event.call)
  else changed.set(event.call, after)
  return changed
}

export const consulted = (guests: readonly Guest[]) =>
  guests.find((guest) => guest.mode === 'consult')
/** Who was consulted and is heard by all now: no supervisor who barged in. */
export const inThreeWay = (guests: readonly Guest[]) =>
  guests.find((guest) => guest.asked && guest.mode === 'barge')

/** The number of a party from outside; null: it is a seat. */
export const outsideNumber = (name: string): string | null =>
  name.startsWith('outside:') ? name.slice('outside:'.length) : null

/** The telephone number in what somebody typed; null: it is none. */
export function numberTyped(text: string): string | null {
  const number = text.replace(/[\s-]/g, '')
  return /^\+?\d{3,}$/.test(number) ? number : null
}
