// The phone of this browser: real sound, real JsSIP. Made once, and kept from page to page.
import { watch } from 'vue'
import { api } from '../api'
import { remembered } from '../remembered'
import { session } from '../session'
import { openMicrophone, play } from './devices'
import { type OnePage, makeOnePage } from './one-page'
import { type Phone, type UserAgent, makePhone } from './phone'
import { socketOf } from './socket'
import { tones } from './tones'

export type { Phone, PhoneState } from './phone'

/** How long the engine keeps a registration that is not refreshed, s. */
const REGISTER_S = 120
/** A cut is sought again within these, s: a talk is kept for ten. */
const SEEK_S = { min: 1, max: 3 } as const

/** Whether this browser is the agent's phone; where a phone stands on the desk, it is not. */
export const wantsPhone = remembered('phone', ['on', 'off'] as const, 'off')

/** No socket is served: the words are the page's. */
export const NO_SOCKET = 'no-socket'

async function userAgent(seat: string): Promise<UserAgent> {
  const url = socketOf(window.location, await api.phone())
  if (url === null) throw new Error(NO_SOCKET)
  const { UA, WebSocketInterface } = await import('jssip')
  const made = new UA({
    sockets: [new WebSocketInterface(url)],
    uri: `sip:${seat}@${window.location.hostname}`,
    register_expires: REGISTER_S,
    session_timers: false,
    connection_recovery_min_interval: SEEK_S.min,
    connection_recovery_max_interval: SEEK_S.max,
    user_agent: 'hotline desk',
  })
  return made as unknown as UserAgent
}

export const phone: Phone = makePhone({ userAgent, microphone: openMicrophone, tones, play })

/** Which page of this browser is the phone: two that rang would be two phones of one seat. */
export const onePage: OnePage = makeOnePage({
  // Without a secure context there is neither a lock nor a microphone.
  locks: navigator.locks ?? null,
  channel: (name, hear) => {
    const channel = new BroadcastChannel(name)
    channel.addEventListener('message', ({ data }) => hear(data))
    return channel
  },
  isFree: () => phone.state.stage === 'idle',
  begin: (seat) => void phone.start(seat),
  end: () => phone.stop(),
})

// A tab that goes says so: the engine need not wait for the registration to run out.
let wanted: string | null = null
window.addEventListener('pagehide', () => onePage.leave())
// Kept by the browser, it comes back as it was.
window.addEventListener('pageshow', (event) => {
  if (event.persisted && wanted !== null) onePage.join(wanted)
})
// Nobody's phone rings for who signed out.
watch(session, (who) => {
  if (!who) wantPhone(null)
})

/** The page is to be the seat's phone where no other is; null: no more. */
export function wantPhone(seat: string | null): void {
  wanted = seat
  if (seat === null) onePage.leave()
  else onePage.join(seat)
}
