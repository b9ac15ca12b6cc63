// 浏览器话机: one call at a time over SIP by WebSocket. All its state is here; the browser, JsSIP and
// the loudspeaker come in as `Parts`, so that a test can play them.
import { type ShallowReactive, shallowReactive } from 'vue'
import { type HeaderOf, picksUpAfter } from './pick-up'

/**
 * The way to the engine. off: not wanted · connecting: no registration yet · ready: calls can come ·
 * lost: was there, and is being sought · refused: the engine wants no registration of this page.
 */
export const LINES = ['off', 'connecting', 'ready', 'lost', 'refused'] as const
export type Line = (typeof LINES)[number]

/** The call. `answering`: picked up, the microphone or the sound is not there yet. */
export const STAGES = ['idle', 'ringing', 'answering', 'dialling', 'talking', 'held'] as const
export type Stage = (typeof STAGES)[number]

/** Why the last call ended. */
export type Ending =
  'hung-up' | 'refused' | 'cancelled' | 'no-answer' | 'busy' | 'line-lost' | 'failed'

/** Why there is no microphone. */
export const MICROPHONE_FAULTS = ['denied', 'missing', 'in-use', 'insecure', 'failed'] as const
export type MicrophoneFault = (typeof MICROPHONE_FAULTS)[number]

/** A cut shorter than this does not end a talk, ms. */
export const KEPT_FOR_MS = 10_000
/** ICE-lite at the engine learns this side by its checks: more candidates than the first few are
 * not waited for, ms. */
const CANDIDATES_MS = 200
/** The engine's word that the agent did not want the call (RFC 3261 §21.4.24). */
const BUSY_HERE = 486

/** What is used of a JsSIP RTCSession. */
export interface Session {
  readonly connection: RTCPeerConnection | undefined | null
  readonly remote_identity: { uri: { user?: string } }
  answer(options: object): void
  terminate(options?: object): void
  hold(options?: object, done?: () => void): boolean
  unhold(options?: object, done?: () => void): boolean
  mute(options: { audio: boolean }): void
  unmute(options: { audio: boolean }): void
  sendDTMF(tone: string, options: object): void
  // JsSIP names a type for each event; here the handlers name what they read.
  on(event: string, handler: (data: never) => void): unknown
}

/** What is used of a JsSIP UA. */
export interface UserAgent {
  start(): void
  stop(): void
  call(target: string, options: object): Session
  on(event: string, handler: (data: never) => void): unknown
}

export interface Parts {
  /** A user agent that is not started yet. */
  userAgent(seat: string): Promise<UserAgent>
  /** Rejects with a DOMException as getUserMedia does. */
  microphone(): Promise<MediaStream>
  tones: { ring(): void; ringBack(): void; pickedUp(): void; quiet(): void }
  /** The other side's sound; null: no more. */
  play(stream: MediaStream | null): void
}

export interface PhoneState {
  line: Line
  stage: Stage
  /** The number or seat at the other side, as SIP gave it; '' in no call. */
  peer: string
  incoming: boolean
  /** The talk's beginning, ms since 1970; null before. */
  since: number | null
  muted: boolean
  /** The other side holds us. */
  heldByPeer: boolean
  /** The end of patience with a cut, ms since 1970; null where there is none. */
  keptUntil: number | null
  ending: Ending | null
  microphone: MicrophoneFault | null
  /** The user agent could not be made or was refused: its own words. */
  problem: string | null
  /** For the level meters. */
  here: MediaStream | null
  there: MediaStream | null
}

const NO_CALL = {
  stage: 'idle',
  peer: '',
  incoming: false,
  since: null,
  muted: false,
  heldByPeer: false,
  keptUntil: null,
  here: null,
  there: null,
} as const satisfies Partial<PhoneState>

export function microphoneFault(thrown: unknown): MicrophoneFault {
  switch ((thrown as { name?: string } | null)?.name) {
    case 'NotAllowedError':
      return 'denied'
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing'
    case 'NotReadableError':
      return 'in-use'
    case 'SecurityError':
      return 'insecure'
    default:
      return 'failed'
  }
}

type Ended = { originator: 'local' | 'remote' | 'system'; cause: string }

function endingOf({ originator, cause }: Ended, stage: Stage, incoming: boolean): Ending {
  if (cause === 'Connection Error') return 'line-lost'
  if (stage === 'talking' || stage === 'held')
    return cause === 'Terminated' ? 'hung-up' : 'failed'
  if (cause === 'Canceled') return incoming && originator === 'remote' ? 'cancelled' : 'hung-up'
  if (cause === 'Rejected') return 'refused'
  if (cause === 'Busy') return 'busy'
  if (cause === 'No Answer' || cause === 'Unavailable') return 'no-answer'
  return 'failed'
}

export interface Phone {
  state: ShallowReactive<PhoneState>
  start(seat: string): Promise<void>
  stop(): void
  answer(): Promise<void>
  hangUp(): void
  dial(target: string): Promise<void>
  hold(): void
  resume(): void
  mute(yes: boolean): void
  press(key: string): void
  /** Another microphone is chosen. */
  changeMicrophone(): Promise<void>
}

export function makePhone(parts: Parts): Phone {
  const state = shallowReactive<PhoneState>({
    ...NO_CALL,
    line: 'off',
    ending: null,
    microphone: null,
    problem: null,
  })
  let agent: UserAgent | null = null
  let session: Session | null = null
  let seat = ''
  let pickUp: ReturnType<typeof setTimeout> | undefined
  let patience: ReturnType<typeof setTimeout> | undefined

  /** The call is over, whatever ended it. */
  function over(ending: Ending): void {
    clearTimeout(pickUp)
    clearTimeout(patience)
    patience = undefined
    parts.tones.quiet()
    parts.play(null)
    stopMicrophone(state.here)
    session = null
    Object.assign(state, NO_CALL, { ending })
  }

  function stopMicrophone(stream: MediaStream | null): void {
    for (const track of stream?.getTracks() ?? []) track.stop()
  }

  /** The microphone, unless the call was over before it came. */
  async function openMicrophone(stillWanted: () => boolean): Promise<MediaStream | null> {
    try {
      const stream = await parts.microphone()
      state.microphone = null
      if (stillWanted()) return stream
      stopMicrophone(stream)
    } catch (thrown) {
      state.microphone = microphoneFault(thrown)
    }
    return null
  }

  /** Hears what comes over the connection, which may be there already. */
  function hear(connection: RTCPeerConnection, of: Session): void {
    connection.addEventListener('track', (event) => {
      if (of !== session) return
      state.there = event.streams[0] ?? new MediaStream([event.track])
      parts.play(state.there)
    })
  }

  function follow(of: Session): void {
    const mine =
      <T>(handle: (data: T) => void) =>
      (data: T) => {
        if (of === session) handle(data)
      }
    const talk = () => {
      parts.tones.quiet()
      if (state.since === null) Object.assign(state, { stage: 'talking', since: Date.now() })
    }
    const ended = (data: Ended) => over(endingOf(data, state.stage, state.incoming))
    const byUs = (data: { originator: string }) => data.originator === 'local'
    if (of.connection) hear(of.connection, of)
    else
      of.on('peerconnection', (data: { peerconnection: RTCPeerConnection }) =>
        hear(data.peerconnection, of),
      )
    of.on('icecandidate', (data: { ready: () => void }) => setTimeout(data.ready, CANDIDATES_MS))
    of.on('accepted', mine(talk))
    of.on('confirmed', mine(talk))
    of.on('ended', mine(ended))
    of.on('failed', mine(ended))
    of.on(
      'hold',
      mine((data: { originator: string }) => {
        if (byUs(data)) state.stage = 'held'
        else state.heldByPeer = true
      }),
    )
    of.on(
      'unhold',
      mine((data: { originator: string }) => {
        if (byUs(data)) state.stage = 'talking'
        else state.heldByPeer = false
      }),
    )
    of.on('muted', mine(() => (state.muted = true)))
    of.on('unmuted', mine(() => (state.muted = false)))
  }

  function ring(of: Session, header: HeaderOf): void {
    // One ear: who calls during a call hears busy, and the engine looks further.
    if (session !== null || state.stage !== 'idle') {
      of.terminate({ status_code: BUSY_HERE })
      return
    }
    session = of
    Object.assign(state, {
      stage: 'ringing',
      incoming: true,
      peer: of.remote_identity.uri.user ?? '',
      ending: null,
    })
    follow(of)
    const after = picksUpAfter(header)
    if (after !== 0) parts.tones.ring()
    if (after === null) return
    pickUp = setTimeout(() => {
      parts.tones.pickedUp()
      void phone.answer()
    }, after * 1_000)
  }

  function cut(): void {
    if (state.line === 'off') return
    state.line = state.line === 'connecting' ? 'connecting' : 'lost'
    if (session === null || patience !== undefined) return
    state.keptUntil = Date.now() + KEPT_FOR_MS
    patience = setTimeout(() => {
      const lost = session
      over('line-lost')
      try {
        lost?.terminate()
      } catch {
        // JsSIP ended it by itself.
      }
    }, KEPT_FOR_MS)
  }

  function back(): void {
    clearTimeout(patience)
    patience = undefined
    state.keptUntil = null
  }

  function attend(of: UserAgent): void {
    const mine =
      <T>(handle: (data: T) => void) =>
      (data: T) => {
        if (of === agent) handle(data)
      }
    of.on('connected', mine(back))
    of.on('disconnected', mine(cut))
    of.on(
      'registered',
      mine(() => {
        Object.assign(state, { line: 'ready', problem: null })
        back()
      }),
    )
    of.on(
      'registrationFailed',
      mine((data: { response?: { status_code: number; reason_phrase: string } | null }) => {
        // Without an answer it is the connection, which is told and sought by itself.
        if (!data.response) return
        const { status_code, reason_phrase } = data.response
        Object.assign(state, { line: 'refused', problem: `${status_code} ${reason_phrase}` })
      }),
    )
    of.on(
      'newRTCSession',
      mine(
        (data: {
          originator: string
          session: Session
          request: { getHeader(name: string): string | undefined }
        }) => {
          if (data.originator !== 'remote') return
          ring(data.session, (name) => data.request.getHeader(name))
        },
      ),
    )
  }

  const phone: Phone = {
    state,

    async start(wanted) {
      if (agent !== null && seat === wanted) return
      phone.stop()
      seat = wanted
      Object.assign(state, { line: 'connecting', problem: null, ending: null })
      try {
        const made = await parts.userAgent(wanted)
        if (seat !== wanted) return
        agent = made
        attend(made)
        made.start()
      } catch (thrown) {
        const problem = thrown instanceof Error ? thrown.message : String(thrown)
        Object.assign(state, { line: 'refused', problem })
        seat = ''
      }
    },

    stop() {
      phone.hangUp()
      const stopped = agent
      agent = null
      seat = ''
      state.line = 'off'
      stopped?.stop()
    },

    async answer() {
      const of = session
      if (of === null || state.stage !== 'ringing') return
      clearTimeout(pickUp)
      state.stage = 'answering'
      const stream = await openMicrophone(() => of === session)
      if (of !== session) return
      if (stream === null) {
        state.stage = 'ringing'
        return
      }
      parts.tones.quiet()
      state.here = stream
      of.answer({ mediaStream: stream, pcConfig: PEER })
    },

    hangUp() {
      const of = session
      // Without a session yet: the browser asks for the microphone.
      if (of === null) return state.stage === 'dialling' ? over('hung-up') : undefined
      const rings = state.incoming && (state.stage === 'ringing' || state.stage === 'answering')
      over(rings ? 'refused' : 'hung-up')
      try {
        of.terminate(rings ? { status_code: BUSY_HERE } : undefined)
      } catch {
        // It ended in the same moment.
      }
    },

    async dial(target) {
      const wanted = target.replace(/[\s()-]/g, '')
      if (agent === null || state.stage !== 'idle' || wanted === '') return
      Object.assign(state, { stage: 'dialling', incoming: false, peer: wanted, ending: null })
      const stillWanted = () => (state as PhoneState).stage === 'dialling'
      const stream = await openMicrophone(stillWanted)
      if (stream === null || agent === null) {
        stopMicrophone(stream)
        if (stillWanted()) Object.assign(state, NO_CALL)
        return
      }
      state.here = stream
      parts.tones.ringBack()
      session = agent.call(wanted, { mediaStream: stream, pcConfig: PEER })
      follow(session)
    },

    hold() {
      if (state.stage === 'talking') session?.hold()
    },

    resume() {
      if (state.stage === 'held') session?.unhold()
    },

    mute(yes) {
      if (yes) session?.mute({ audio: true })
      else session?.unmute({ audio: true })
    },

    press(key) {
      if (session === null || state.stage !== 'talking') return
      const sender = session.connection?.getSenders().find((one) => one.dtmf?.canInsertDTMF)
      session.sendDTMF(key, { transportType: sender ? 'RFC2833' : 'INFO' })
    },

    async changeMicrophone() {
      const of = session
      if (of === null || state.here === null) return
      const stream = await openMicrophone(() => of === session)
      const track = stream?.getAudioTracks()[0]
      if (stream === null || track === undefined) return
      for (const sender of of.connection?.getSenders() ?? [])
        if (sender.track?.kind === 'audio') await sender.replaceTrack(track)
      track.enabled = !state.muted && state.stage !== 'held'
      stopMicrophone(state.here)
      state.here = stream
    },
  }
  return phone
}

/** The engine is reached as the page was: no STUN server outside is ever asked. */
const PEER: RTCConfiguration = { iceServers: [], rtcpMuxPolicy: 'require' }
