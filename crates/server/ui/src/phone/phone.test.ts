import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { masked } from './mask'
import { KEPT_FOR_MS, type Parts, type Session, type UserAgent, makePhone } from './phone'
import { picksUpAfter } from './pick-up'

class Emitter {
  private handlers = new Map<string, ((data: never) => void)[]>()
  on(event: string, handler: (data: never) => void): void {
    this.handlers.set(event, [...(this.handlers.get(event) ?? []), handler])
  }
  emit(event: string, data: object = {}): void {
    for (const handler of this.handlers.get(event) ?? []) handler(data as never)
  }
}

/** A JsSIP session that says and does what JsSIP 3.13 says and does. */
class FakeSession extends Emitter implements Session {
  connection = null
  did: string[] = []
  remote_identity: { uri: { user: string } }
  constructor(user: string) {
    super()
    this.remote_identity = { uri: { user } }
  }
  answer(options: object): void {
    this.did.push('answer')
    expect(options).toMatchObject({ pcConfig: { iceServers: [], rtcpMuxPolicy: 'require' } })
  }
  terminate(options?: { status_code?: number }): void {
    this.did.push(`terminate ${options?.status_code ?? ''}`.trim())
    this.emit('ended', { originator: 'local', cause: 'Terminated' })
  }
  hold(): boolean {
    this.did.push('hold')
    this.emit('hold', { originator: 'local' })
    return true
  }
  unhold(): boolean {
    this.did.push('unhold')
    this.emit('unhold', { originator: 'local' })
    return true
  }
  mute(): void {
    this.emit('muted')
  }
  unmute(): void {
    this.emit('unmuted')
  }
  sendDTMF(tone: string, options: { transportType: string }): void {
    this.did.push(`${tone} by ${options.transportType}`)
  }
}

class FakeAgent extends Emitter implements UserAgent {
  started = 0
  stopped = 0
  called: FakeSession | null = null
  start = () => void (this.started += 1)
  stop = () => void (this.stopped += 1)
  call(target: string): Session {
    this.called = new FakeSession(target)
    return this.called
  }
  rings(session: FakeSession, headers: Record<string, string> = {}): void {
    const request = { getHeader: (name: string) => headers[name] }
    this.emit('newRTCSession', { originator: 'remote', session, request })
  }
}

/** Microphone tracks that were opened and not stopped. */
let open = 0
function stream(): MediaStream {
  open += 1
  return { getTracks: () => [{ stop: () => (open -= 1) }] } as unknown as MediaStream
}

async function desk(change: Partial<Parts> = {}) {
  const agent = new FakeAgent()
  const heard: string[] = []
  const phone = makePhone({
    userAgent: async () => agent,
    microphone: async () => stream(),
    tones: {
      ring: () => heard.push('ring'),
      ringBack: () => heard.push('ring-back'),
      pickedUp: () => heard.push('beep'),
      quiet: () => heard.push('quiet'),
    },
    play: () => {},
    ...change,
  })
  await phone.start('1001')
  agent.emit('connected')
  agent.emit('registered')
  return { agent, phone, state: phone.state, heard }
}

async function inTalk() {
  const all = await desk()
  const session = new FakeSession('13812345678')
  all.agent.rings(session)
  await all.phone.answer()
  session.emit('accepted', { originator: 'local' })
  return { ...all, session }
}

beforeEach(() => {
  open = 0
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

describe('a call that comes in', () => {
  it('rings, is answered, held, resumed and ended', async () => {
    const { agent, phone, state, heard } = await desk()
    expect([agent.started, state.line, state.stage]).toEqual([1, 'ready', 'idle'])
    const session = new FakeSession('13812345678')
    agent.rings(session)
    expect(state).toMatchObject({ stage: 'ringing', peer: '13812345678', incoming: true })
    expect(heard).toEqual(['ring'])
    const answering = phone.answer()
    expect(state.stage).toBe('answering')
    await answering
    expect([session.did, heard[heard.length - 1], open]).toEqual([['answer'], 'quiet', 1])
    session.emit('accepted', { originator: 'local' })
    expect([state.stage, state.since]).toEqual(['talking', Date.now()])
    phone.hold()
    expect(state.stage).toBe('held')
    phone.press('5')
    phone.resume()
    expect(state.stage).toBe('talking')
    phone.press('5')
    expect(session.did).toEqual(['answer', 'hold', 'unhold', '5 by INFO'])
    phone.mute(true)
    expect(state.muted).toBe(true)
    session.emit('ended', { originator: 'remote', cause: 'Terminated' })
    expect(state).toMatchObject({ stage: 'idle', ending: 'hung-up', muted: false, since: null })
    expect(open).toBe(0)
  })

  it('keeps the beginning of the talk when the ACK comes', async () => {
    const { state, session } = await inTalk()
    const since = state.since
    vi.advanceTimersByTime(500)
    session.emit('confirmed', { originator: 'remote' })
    expect(state.since).toBe(since)
  })

  it('is refused as busy', async () => {
    const { agent, phone, state } = await desk()
    const session = new FakeSession('1')
    agent.rings(session)
    phone.hangUp()
    expect([session.did, state.stage, state.ending]).toEqual([['terminate 486'], 'idle', 'refused'])
  })

  it('is cancelled by the caller, also while the microphone is asked for', async () => {
    let give = (_: MediaStream) => {}
    const asked = () => new Promise<MediaStream>((done) => (give = done))
    const { agent, phone, state, heard } = await desk({ microphone: asked })
    const session = new FakeSession('1')
    agent.rings(session)
    const answering = phone.answer()
    session.emit('failed', { originator: 'remote', cause: 'Canceled' })
    expect([state.stage, state.ending, heard[heard.length - 1]]).toEqual(['idle', 'cancelled', 'quiet'])
    give(stream())
    await answering
    expect([session.did, open]).toEqual([[], 0])
  })

  it('finds busy who talks already', async () => {
    const { agent, state, session } = await inTalk()
    const second = new FakeSession('2')
    agent.rings(second)
    expect([second.did, state.peer]).toEqual([['terminate 486'], '13812345678'])
    expect(session.did).toEqual(['answer'])
  })

  it('goes on ringing and says why where the microphone is denied', async () => {
    const denied = Object.assign(new Error(), { name: 'NotAllowedError' })
    let ask = () => Promise.reject<MediaStream>(denied)
    const { agent, phone, state } = await desk({ microphone: () => ask() })
    const session = new FakeSession('1')
    agent.rings(session)
    await phone.answer()
    expect([state.stage, state.microphone, session.did]).toEqual(['ringing', 'denied', []])
    ask = async () => stream()
    await phone.answer()
    expect([state.stage, state.microphone, session.did]).toEqual(['answering', null, ['answer']])
  })

  it('is picked up by itself when the engine says so', async () => {
    const { agent, session, heard } = await (async () => {
      const all = await desk()
      const session = new FakeSession('1')
      all.agent.rings(session, { 'Call-Info': '<sip:hotline@hotline>;answer-after=2' })
      return { ...all, session }
    })()
    await vi.advanceTimersByTimeAsync(1_999)
    expect(session.did).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect([session.did, heard]).toEqual([['answer'], ['ring', 'beep', 'quiet']])
    expect(agent.stopped).toBe(0)
  })
})

describe('a cut of the socket', () => {
  it('is survived by a talk when the socket is back within ten seconds', async () => {
    const { agent, state, session } = await inTalk()
    agent.emit('disconnected')
    expect([state.line, state.keptUntil]).toEqual(['lost', Date.now() + KEPT_FOR_MS])
    vi.advanceTimersByTime(KEPT_FOR_MS - 1)
    agent.emit('connected')
    agent.emit('registered')
    vi.advanceTimersByTime(KEPT_FOR_MS)
    expect([state.line, state.stage, state.keptUntil]).toEqual(['ready', 'talking', null])
    expect(session.did).toEqual(['answer'])
  })

  it('ends the talk after ten seconds, however often the socket was sought', async () => {
    const { agent, state, session } = await inTalk()
    agent.emit('disconnected')
    vi.advanceTimersByTime(5_000)
    agent.emit('disconnected')
    vi.advanceTimersByTime(5_000)
    expect([state.line, state.stage, state.ending]).toEqual(['lost', 'idle', 'line-lost'])
    expect([session.did, open]).toEqual([['answer', 'terminate'], 0])
    agent.emit('connected')
    agent.emit('registered')
    expect(state.line).toBe('ready')
  })

  it('counts anew for the next cut', async () => {
    const { agent, state } = await inTalk()
    for (let cuts = 0; cuts < 3; cuts++) {
      agent.emit('disconnected')
      vi.advanceTimersByTime(8_000)
      agent.emit('connected')
      agent.emit('registered')
    }
    expect(state.stage).toBe('talking')
  })

  it('is no refusal of the registration; an answer of the engine is', async () => {
    const { agent, state } = await desk()
    agent.emit('disconnected')
    agent.emit('registrationFailed', { response: null, cause: 'Connection Error' })
    expect(state.line).toBe('lost')
    const response = { status_code: 403, reason_phrase: 'Forbidden' }
    agent.emit('registrationFailed', { response, cause: 'Rejected' })
    expect([state.line, state.problem]).toEqual(['refused', '403 Forbidden'])
  })
})

describe('a call that goes out', () => {
  it('rings back, is answered and ended by the agent', async () => {
    const { agent, phone, state, heard } = await desk()
    await phone.dial(' 0635-123 4567 ')
    expect(agent.called?.remote_identity.uri.user).toBe('06351234567')
    expect([state.stage, heard]).toEqual(['dialling', ['ring-back']])
    agent.called?.emit('accepted', { originator: 'remote' })
    expect(state.stage).toBe('talking')
    phone.hangUp()
    expect([state.stage, agent.called?.did, open]).toEqual(['idle', ['terminate'], 0])
  })

  it('ends in the words of the other side', async () => {
    const { agent, phone, state } = await desk()
    for (const [cause, ending] of [
      ['Busy', 'busy'],
      ['Unavailable', 'no-answer'],
      ['Rejected', 'refused'],
      ['Incompatible SDP', 'failed'],
    ]) {
      await phone.dial('1002')
      agent.called?.emit('failed', { originator: 'remote', cause })
      expect([state.stage, state.ending]).toEqual(['idle', ending])
    }
  })

  it('can be given up while the microphone is asked for', async () => {
    let give = (_: MediaStream) => {}
    const asked = () => new Promise<MediaStream>((done) => (give = done))
    const { agent, phone, state } = await desk({ microphone: asked })
    const dialling = phone.dial('1002')
    phone.hangUp()
    give(stream())
    await dialling
    expect([state.stage, agent.called, open]).toEqual(['idle', null, 0])
  })
})

describe('the phone', () => {
  it('says why it cannot be had', async () => {
    const { state } = await desk({ userAgent: () => Promise.reject(new Error('no-socket')) })
    expect([state.line, state.problem]).toEqual(['refused', 'no-socket'])
  })

  it('hangs up and leaves when it is stopped', async () => {
    const { agent, phone, state, session } = await inTalk()
    phone.stop()
    expect([state.line, state.stage, agent.stopped]).toEqual(['off', 'idle', 1])
    expect(session.did).toEqual(['answer', 'terminate'])
    agent.emit('registered')
    expect(state.line).toBe('off')
  })
})

describe('picking up by itself', () => {
  it('knows each header of the engine', () => {
    const after = (name: string, value: string) =>
      picksUpAfter((asked) => (asked === name ? value : undefined))
    expect(after('Call-Info', '<sip:hotline@hotline>;answer-after=0')).toBe(0)
    expect(after('Alert-Info', '<http://hotline>;info=alert-autoanswer;delay=3')).toBe(3)
    expect(after('Alert-Info', '<http://hotline>;answer-after=4')).toBe(4)
    expect(after('Answer-Mode', 'Auto')).toBe(0)
    expect(after('Answer-Mode', 'Manual')).toBe(null)
    expect(after('Alert-Info', '<http://hotline/ring.wav>;delay=3')).toBe(null)
    expect(after('Call-Info', '<sip:hotline@hotline>;answer-after=99999')).toBe(null)
    expect(picksUpAfter(() => undefined)).toBe(null)
  })
})

it('numbers are masked as the engine masks them', () => {
  expect(['13812345678', '6351234', '1002', ''].map(masked)).toEqual([
    '138****5678',
    '6****34',
    '1002'.replace(/./g, '*'),
    '',
  ])
})
