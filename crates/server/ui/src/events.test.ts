import { describe, expect, it } from 'vitest'
import rustEvents from '../../../model/src/event.rs?raw'
import rustWaits from '../../../acd/src/explain.rs?raw'
import rustWallboard from '../../../store/src/wallboard.rs?raw'
import { type EventType, type Happened, addHappened, timeline } from './events'
import { en } from './i18n/en'
import { causeInChinese, inLanguage, waitsInChinese, whyInChinese } from './i18n/engine-words'
import { zh } from './i18n/zh'
import { NONE_YET, countEvent } from './own'

const answered = (seq: number, up_ms: number): Happened => ({
  seq,
  at: 1_000_000 + up_ms,
  up_ms,
  type: 'call-answered',
  call: 7,
})

/** One event of each type; the compiler asks for a new one when the journal learns a word. */
const ONE_OF_EACH: { [T in EventType]: Extract<Happened, { type: T }> } = (() => {
  const stamp = { seq: 1, at: 0, up_ms: 0 }
  const call = 7
  const seat = '1001'
  const queue = 'general'
  const file = 'a.wav'
  return {
    'engine-started': { ...stamp, type: 'engine-started', version: '0.1.0' },
    'engine-stopped': { ...stamp, type: 'engine-stopped' },
    'page-signed-in': {
      ...stamp,
      type: 'page-signed-in',
      user: seat,
      seat,
      from: '192.0.2.7',
      ended: 1,
    },
    'page-sign-in-refused': {
      ...stamp,
      type: 'page-sign-in-refused',
      user: seat,
      from: '192.0.2.8',
    },
    'seat-desk-lost': { ...stamp, type: 'seat-desk-lost', seat, after_ms: 15_000 },
    'seat-desk-back': { ...stamp, type: 'seat-desk-back', seat, lost_ms: 20_000 },
    'phone-device-changed': {
      ...stamp,
      type: 'phone-device-changed',
      phone: 'desk-1',
      device: 'registered',
      detail: 'sip:desk-1@192.0.2.4',
    },
    'seat-lent-phone': { ...stamp, type: 'seat-lent-phone', seat, phone: 'desk-1' },
    'seat-gave-phone-back': {
      ...stamp,
      type: 'seat-gave-phone-back',
      seat,
      phone: 'desk-1',
      why: 'signed out',
    },
    'phone-log-in-refused': {
      ...stamp,
      type: 'phone-log-in-refused',
      phone: 'desk-1',
      seat: null,
      why: 'wrong PIN',
    },
    'phone-log-in-locked': {
      ...stamp,
      type: 'phone-log-in-locked',
      phone: 'desk-1',
      seat,
      for_s: 900,
    },
    'settings-read': { ...stamp, type: 'settings-read', digest: 'd', queues: 3, seats: 5 },
    'settings-changed': {
      ...stamp,
      type: 'settings-changed',
      by: 'api:lead',
      digest: 'd',
      changes: [{ file: 'queues.toml', item: 'queue general', kind: 'changed' }],
      more: 2,
    },
    'call-arrived': {
      ...stamp,
      type: 'call-arrived',
      call,
      trunk: null,
      caller: '',
      called: '12345',
      sip_call_id: 'x',
    },
    'invite-rejected': {
      ...stamp,
      type: 'invite-rejected',
      source: '203.0.113.9:5060',
      trunk: null,
      caller: '138****5678',
      called: '12345',
      status: 503,
      cause: 'too many calls',
    },
    'requests-turned-away': {
      ...stamp,
      type: 'requests-turned-away',
      trunk: null,
      invites: 12,
      others: 40,
      cause: 'overload',
    },
    'recording-sound-lost': { ...stamp, type: 'recording-sound-lost', blocks: 100 },
    'recording-disk-stalled': { ...stamp, type: 'recording-disk-stalled', for_ms: 2_000 },
    'recording-disk-followed': { ...stamp, type: 'recording-disk-followed', after_ms: 9_000 },
    'recording-space-low': {
      ...stamp,
      type: 'recording-space-low',
      free_mb: 412,
      keep_free_mb: 500,
    },
    'recording-space-regained': { ...stamp, type: 'recording-space-regained', free_mb: 900 },
    'staffing-forecast': {
      ...stamp,
      type: 'staffing-forecast',
      queue: 'general',
      serving: 5,
      needed: 7,
      answered_permille: 912,
      in_time_permille: 640,
    },
    'service-level-alerted': {
      ...stamp,
      type: 'service-level-alerted',
      queue: 'general',
      serving: 5,
      needed: null,
      answered_permille: null,
      answered_target_permille: 950,
      in_time_permille: null,
      in_time_target_permille: 800,
    },
    'service-level-recovered': {
      ...stamp,
      type: 'service-level-recovered',
      queue: 'general',
      lasted_ms: 240_000,
    },
    'source-banned': {
      ...stamp,
      type: 'source-banned',
      source: '203.0.113.9',
      for_s: 60,
      cause: 'wrong passwords',
    },
    'fault-caught': { ...stamp, type: 'fault-caught', call: null, fault: 'index out of bounds' },
    'call-answered': { ...stamp, type: 'call-answered', call },
    'script-started': {
      ...stamp,
      type: 'script-started',
      call,
      script: '12345-menu',
      version: '9f86',
    },
    'menu-chosen': { ...stamp, type: 'menu-chosen', call, menu: 'main', digit: null },
    'queue-entered': { ...stamp, type: 'queue-entered', call, queue, priority: 5, position: 2 },
    'queue-refused': { ...stamp, type: 'queue-refused', call, queue, cause: 'full' },
    'queue-overflowed': {
      ...stamp,
      type: 'queue-overflowed',
      call,
      queue,
      to: 'queue:business',
      why: 'waited 60 s, at most 60 s here',
    },
    'callback-requested': {
      ...stamp,
      type: 'callback-requested',
      call,
      number: '138****0001',
      queue,
      priority: 5,
      attempts: 3,
      retry_after_s: 600,
      keep_s: 14_400,
      language: 'zh',
    },
    'callback-refused': {
      ...stamp,
      type: 'callback-refused',
      call,
      cause: 'the number is withheld',
    },
    'callback-restored': {
      ...stamp,
      type: 'callback-restored',
      call,
      caller: '138****0001',
      called: '12345',
      queue,
      priority: 5,
      attempts: 1,
      lived_ms: 70_000,
    },
    'callback-dialled': { ...stamp, type: 'callback-dialled', call, seat, attempt: 1 },
    'callback-failed': {
      ...stamp,
      type: 'callback-failed',
      call,
      seat,
      attempt: 1,
      cause: '486 486',
      again_after_s: 600,
    },
    'callback-reached': {
      ...stamp,
      type: 'callback-reached',
      call,
      seat,
      attempt: 2,
      since_requested_ms: 700_000,
    },
    'call-prioritised': { ...stamp, type: 'call-prioritised', call, priority: 0, by: 'api:chen' },
    'call-moved': { ...stamp, type: 'call-moved', call, from: queue, to: queue, by: 'api:chen' },
    'call-picked': { ...stamp, type: 'call-picked', call, seat, by: 'api:chen' },
    'seat-offered': {
      ...stamp,
      type: 'seat-offered',
      call,
      seat,
      queue,
      why: 'only ready seat (idle 3 s)',
    },
    'offer-ended': {
      ...stamp,
      type: 'offer-ended',
      call,
      seat,
      result: 'no-answer',
      rang_ms: 12_000,
    },
    'offer-redirected': {
      ...stamp,
      type: 'offer-redirected',
      call,
      seat,
      detail: 'redirected to 138****5678',
    },
    'seat-answered': {
      ...stamp,
      type: 'seat-answered',
      call,
      seat,
      queue,
      since_arrival_ms: 9_000,
      since_menu_ms: 4_000,
      since_queue_ms: 4_000,
    },
    'seat-announced': { ...stamp, type: 'seat-announced', call, seat },
    'talk-started': { ...stamp, type: 'talk-started', call, seat },
    'talk-held': { ...stamp, type: 'talk-held', call, by: 'agent' },
    'talk-resumed': { ...stamp, type: 'talk-resumed', call, by: 'agent' },
    'talk-transferred': {
      ...stamp,
      type: 'talk-transferred',
      call,
      from: seat,
      to: 'queue:general',
      kind: 'blind',
    },
    'transfer-failed': {
      ...stamp,
      type: 'transfer-failed',
      call,
      from: seat,
      to: '1002',
      cause: 'status 486',
      back: true,
    },
    'consult-started': { ...stamp, type: 'consult-started', from: seat, to: '1002' },
    'consult-ended': {
      ...stamp,
      type: 'consult-ended',
      from: seat,
      to: '1002',
      talk_ms: 9_000,
      cause: 'hung up',
    },
    'guest-called': { ...stamp, type: 'guest-called', call, seat, guest: '1009', mode: 'monitor' },
    'guest-joined': { ...stamp, type: 'guest-joined', call, guest: '1009', mode: 'whisper' },
    'guest-mode-changed': {
      ...stamp,
      type: 'guest-mode-changed',
      call,
      guest: '1009',
      mode: 'barge',
    },
    'guest-left': {
      ...stamp,
      type: 'guest-left',
      call,
      guest: '1009',
      mode: 'take-over',
      cause: 'hung up',
    },
    'guest-silent': { ...stamp, type: 'guest-silent', call, guest: 'outside:110', after_s: 120 },
    'guest-spoke': { ...stamp, type: 'guest-spoke', call, guest: 'outside:110' },
    'party-silent': { ...stamp, type: 'party-silent', call, seat, party: 'caller', after_s: 10 },
    'recording-paused': {
      ...stamp,
      type: 'recording-paused',
      call,
      by: 'api:lead',
      reason: '银行账号',
    },
    'recording-resumed': {
      ...stamp,
      type: 'recording-resumed',
      call,
      by: 'engine',
      reason: 'the talk is over',
    },
    'card-entry-began': { ...stamp, type: 'card-entry-began', call, by: 'api:lead' },
    'card-entry-ended': { ...stamp, type: 'card-entry-ended', call, by: 'engine' },
    'recording-started': { ...stamp, type: 'recording-started', call, file },
    'recording-closed': {
      ...stamp,
      type: 'recording-closed',
      call,
      file,
      ms: 60_000,
      sha256: 'ab'.repeat(32),
    },
    'recording-failed': { ...stamp, type: 'recording-failed', call, file, cause: 'disk full' },
    'sound-measured': {
      ...stamp,
      type: 'sound-measured',
      call,
      party: 'caller',
      received: 2_990,
      lost: 10,
      jitter_us: 1_250,
      round_trip_us: 42_000,
      score: 421,
    },
    'message-began': {
      ...stamp,
      type: 'message-began',
      call,
      message: 1,
      file,
      kind: 'voicemail',
      queue,
      seat: null,
    },
    'message-left': {
      ...stamp,
      type: 'message-left',
      call,
      message: 1,
      file,
      kind: 'remark',
      queue: null,
      seat,
      ms: 12_000,
      sha256: 'ab'.repeat(32),
      ended: 'hang-up',
    },
    'message-heard': { ...stamp, type: 'message-heard', call, message: 1, file, by: 'lead' },
    'message-settled': {
      ...stamp,
      type: 'message-settled',
      call,
      message: 1,
      by: 'lead',
      note: '已回电',
    },
    'recording-fetched': { ...stamp, type: 'recording-fetched', call, file, by: 'lead' },
    'talk-ended': {
      ...stamp,
      type: 'talk-ended',
      call,
      seat,
      talk_ms: 65_000,
      hold_ms: 4_000,
      released_by: 'agent',
    },
    'survey-offered': { ...stamp, type: 'survey-offered', call, seat },
    'survey-answered': {
      ...stamp,
      type: 'survey-answered',
      call,
      seat,
      digit: '1',
      meaning: 'satisfied',
    },
    'survey-unanswered': { ...stamp, type: 'survey-unanswered', call, seat },
    'call-ended': {
      ...stamp,
      type: 'call-ended',
      call,
      outcome: 'answered',
      released_by: 'agent',
      cause: 'BYE',
      total_ms: 80_000,
    },
    'call-dialled': {
      ...stamp,
      type: 'call-dialled',
      call,
      seat,
      called: '138****5678',
      sip_call_id: 'x',
    },
    'dial-rejected': {
      ...stamp,
      type: 'dial-rejected',
      seat,
      called: '0044****78',
      status: 403,
      cause: 'no trunk may carry this number (outbound_prefixes in trunks.toml)',
    },
    'trunk-tried': {
      ...stamp,
      type: 'trunk-tried',
      call,
      trunk: 'mobile',
      target: 'UDP 192.0.2.1:5060',
      called: '138****5678',
    },
    'trunk-failed': {
      ...stamp,
      type: 'trunk-failed',
      call,
      trunk: 'mobile',
      status: 503,
      cause: 'the trunk is not available',
    },
    'outside-answered': {
      ...stamp,
      type: 'outside-answered',
      call,
      trunk: 'mobile',
      since_dialled_ms: 4_000,
    },
    'dial-ended': {
      ...stamp,
      type: 'dial-ended',
      call,
      outcome: 'answered',
      released_by: 'agent',
      cause: 'hung up',
      talk_ms: 9_000,
      hold_ms: 0,
      total_ms: 14_000,
    },
    'trunk-state-changed': {
      ...stamp,
      type: 'trunk-state-changed',
      trunk: 'mobile',
      target: 'UDP 192.0.2.1:5060',
      state: 'down',
      detail: 'no answer',
    },
    'seat-device-changed': {
      ...stamp,
      type: 'seat-device-changed',
      seat,
      device: 'registered',
      detail: 'sip:1001@192.0.2.4',
    },
    'seat-changed': {
      ...stamp,
      type: 'seat-changed',
      seat,
      intent: 'not-ready',
      reason: 'meal',
      work: 'free',
      call: null,
    },
    'caller-recognised': {
      ...stamp,
      type: 'caller-recognised',
      call,
      queue: 'general',
      calls: 3,
      within_h: 72,
      last_seat: '1002',
    },
    'block-proposed': {
      ...stamp,
      type: 'block-proposed',
      block: 1,
      number: '138****8000',
      reason: '骚扰',
      until: 1,
      by: '1001',
    },
    'block-approved': { ...stamp, type: 'block-approved', block: 1, by: 'lead' },
    'block-refused': { ...stamp, type: 'block-refused', block: 1, by: 'lead', reason: '证据不足' },
    'block-lifted': { ...stamp, type: 'block-lifted', block: 1, by: 'lead', reason: '道歉' },
    'block-expired': { ...stamp, type: 'block-expired', block: 1 },
    'caller-blocked': { ...stamp, type: 'caller-blocked', block: 1 },
    'task-rules-set': {
      ...stamp,
      type: 'task-rules-set',
      first_try_minutes: 30,
      retry_after_minutes: 60,
      attempts: 3,
      ignore_below_s: 5,
      keep_days: 7,
      take_minutes: 10,
    },
    'task-added': {
      ...stamp,
      type: 'task-added',
      number: '138****8000',
      note: '',
      due_at: 1,
      by: 'lead',
    },
    'task-taken': { ...stamp, type: 'task-taken', task: 7, seat, by: '1001' },
    'task-let-go': { ...stamp, type: 'task-let-go', task: 7, seat, by: '1001' },
    'task-closed': {
      ...stamp,
      type: 'task-closed',
      task: 7,
      end: 'given-up',
      by: '1001',
      reason: '空号',
    },
    'task-result-entered': {
      ...stamp,
      type: 'task-result-entered',
      task: 7,
      seat,
      by: '1001',
      result: 'satisfied',
      score: 5,
    },
    'task-revealed': { ...stamp, type: 'task-revealed', task: 7, by: 'lead', reason: '核实号码' },
    'task-shown': { ...stamp, type: 'task-shown', task: 7, seat, by: '1001' },
    'seat-requested': {
      ...stamp,
      type: 'seat-requested',
      seat,
      request: 'not-ready meal',
      through: 'api:1001',
      done: true,
    },
  }
})()

const sentence = (language: typeof zh, event: Happened) =>
  (language.events[event.type] as (event: Happened, queue: (id: string) => string) => string)(
    event,
    () => '综合',
  )

/** The names that serde gives to an enum's variants (kebab-case), read from its Rust source. */
function variantsOf(source: string, name: string): string[] {
  const body = new RegExp(`pub enum ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1] ?? ''
  return [...body.matchAll(/^ {4}([A-Z][A-Za-z0-9]*)/gm)].map(([, variant]) => kebab(variant!))
}

function kebab(variant: string): string {
  return variant.replace(/(?!^)([A-Z])/g, '-$1').toLowerCase()
}

/** The events that no page is ever told. */
function forAudits(source: string): string[] {
  const body = /fn is_for_audit[^}]*?matches!\(self, (.*?)\)\n/.exec(source)?.[1] ?? ''
  return [...body.matchAll(/Self::([A-Za-z0-9]+)/g)].map(([, variant]) => kebab(variant!))
}

describe('the pages know every word of the engine', () => {
  it('the events of the journal', () => {
    const audits = forAudits(rustEvents)
    expect(audits).toContain('floor-told')
    const events = variantsOf(rustEvents, 'Event').filter((type) => !audits.includes(type))
    expect(events).toContain('call-arrived')
    expect(Object.keys(ONE_OF_EACH).sort()).toEqual(events.sort())
  })

  it('the stages of a live call', () => {
    const stages = variantsOf(rustWallboard, 'Stage')
    expect(stages).toContain('waiting')
    for (const language of [zh, en]) {
      expect(Object.keys(language.stages).sort()).toEqual([...stages].sort())
    }
  })
})

describe('sentences', () => {
  it('exist for each type in both languages and hide nothing', () => {
    for (const event of Object.values(ONE_OF_EACH)) {
      for (const language of [zh, en]) {
        expect(sentence(language, event)).toMatch(/^\S.*[^\s]$/)
        expect(sentence(language, event)).not.toMatch(/undefined|null|NaN|\[object/)
      }
    }
  })

  it('say where a caller was given on to, and what became of it', () => {
    expect(sentence(zh, ONE_OF_EACH['talk-transferred'])).toBe(
      '1001 号坐席将市民转接至「综合」队列',
    )
    const taken = { ...ONE_OF_EACH['talk-transferred'], to: '1009', kind: 'take-over' as const }
    expect(sentence(zh, taken)).toBe('1009 号坐席（班长）抢接了 1001 号坐席的通话')
    expect(sentence(en, taken)).toBe('Seat 1009 took the call over from seat 1001')
    expect(sentence(zh, ONE_OF_EACH['transfer-failed'])).toBe(
      '1001 号坐席转接至 1002 未成功（状态码 486），市民回到原坐席',
    )
    expect(sentence(en, ONE_OF_EACH['transfer-failed'])).toBe(
      'Seat 1001 could not give the caller on to 1002 (status 486); they talk again',
    )
  })

  it('say who, what and how long', () => {
    expect(sentence(zh, ONE_OF_EACH['talk-ended'])).toBe(
      '通话结束，坐席先挂断：通话 1:05，其中保持 4.0 秒',
    )
    expect(sentence(en, ONE_OF_EACH['queue-entered'])).toBe(
      'Asked for a human and entered queue “综合” at place 2 (priority 5)',
    )
    const outside = { ...ONE_OF_EACH['guest-called'], guest: 'outside:138****8000', mode: 'consult' as const }
    expect(sentence(zh, outside)).toBe('呼叫 外线 138****8000 咨询 1001 号坐席的通话')
    const heard = { ...ONE_OF_EACH['sound-measured'], party: 'guest' as const, guest: '1009' }
    expect(sentence(zh, heard)).toContain('1009 号坐席一方音质评分')
    const asked = { ...ONE_OF_EACH['seat-requested'], request: 'consult outside:138****8000' }
    expect(sentence(zh, asked)).toContain('咨询 外线 138****8000')
    expect(sentence(zh, ONE_OF_EACH['seat-requested'])).toBe('1001 号坐席示忙 · 就餐（页面，1001）')
  })
})

describe('a timeline', () => {
  const arrived: Happened = { ...ONE_OF_EACH['call-arrived'], seq: 10, up_ms: 5_000, at: 1_005_000 }

  it('is in journal order and counts from the arrival by the monotonic clock', () => {
    const jumped = { ...answered(11, 5_040), at: 999 }
    const entries = timeline([answered(12, 9_000), jumped, arrived])
    expect(entries.map((entry) => [entry.event.seq, entry.offset_ms])).toEqual([
      [10, 0],
      [11, 40],
      [12, 4_000],
    ])
  })

  it('uses the wall clock once the engine has started anew', () => {
    const ended: Happened = { ...ONE_OF_EACH['call-ended'], seq: 13, up_ms: 30, at: 1_065_000 }
    expect(timeline([arrived, ended])[1]?.offset_ms).toBe(60_000)
  })
})

it('what just happened is newest first, each record once, and bounded', () => {
  let list: readonly Happened[] = []
  for (const seq of [1, 3, 2, 3, 4, 5]) list = addHappened(list, answered(seq, seq), 3)
  expect(list.map((record) => record.seq)).toEqual([5, 4, 3])
  expect(addHappened(list, answered(1, 1), 3)).toBe(list)
})

it("an agent's counts take the own seat's events only", () => {
  const events = Object.values(ONE_OF_EACH)
  const own = events.reduce((counts, event) => countEvent(counts, event, '1001'), NONE_YET)
  expect(own).toEqual({ taken: 1, talked: 1, talk_ms: 65_000, in_time: 1, scored: 1, satisfied: 1 })
  const other = events.reduce((counts, event) => countEvent(counts, event, '1002'), NONE_YET)
  expect(other).toBe(NONE_YET)
})

describe("the engine's own sentences", () => {
  it('are said in Chinese where they are known, and kept where not', () => {
    expect(whyInChinese('longest idle (12 s) of 5 ready seats; caller first of 3 in general')).toBe(
      '5 个空闲坐席中空闲最久，12 秒；3 人中排首位',
    )
    expect(whyInChinese('a reason of tomorrow')).toBe('a reason of tomorrow')
  })

  it('that tell why a call waits are all said in Chinese', () => {
    const kept = [...rustWaits.matchAll(/f\.write_str\("([^"]+)"\)/g)].map((it) => it[1] ?? '')
    const reasons = [...rustWaits.matchAll(/Reason::\w+ => "([^"]+)"/g)].map((it) => it[1] ?? '')
    const whole = [...rustWaits.matchAll(/write!\(\s*f,\s*"([^"]+)"\s*\)/g)]
      .map((it) => (it[1] ?? '').replace('{kept_by}', 'in a talk').replace(/\{\w+\}/g, '7'))
      .filter((it) => !it.startsWith('not ready'))
    const named = reasons.map((reason) => `not ready (${reason})`)
    const all = [...kept, ...named, ...whole]
    expect(kept.length > 6 && reasons.length > 8 && whole.length > 5).toBe(true)
    for (const said of all) expect(waitsInChinese(said), said).not.toMatch(/[a-z]/)
    expect(waitsInChinese('not ready (tea)')).toBe('示忙（tea）')
  })

  it('keep the target that a trunk names', () => {
    expect(causeInChinese('UDP 192.0.2.1:5060: no answer')).toBe('UDP 192.0.2.1:5060：无应答')
    expect(causeInChinese('UDP 192.0.2.1:5060: of tomorrow')).toBe('UDP 192.0.2.1:5060: of tomorrow')
    const misnamed = 'TLS 192.0.2.1:5061: cannot be reached: its certificate is not for sbc.example'
    expect(causeInChinese(misnamed)).toBe('TLS 192.0.2.1:5061：无法到达：其证书不属于 sbc.example')
    const unusable = 'TLS 192.0.2.1:5061: cannot be reached: its certificate is unusable: BadEncoding'
    expect(causeInChinese(unusable)).toBe('TLS 192.0.2.1:5061：无法到达：其证书不可用：BadEncoding')
    expect(causeInChinese('no TLS with it: eof')).toBe('无法与其建立 TLS：eof')
  })

  it('are split by language where the API sends both', () => {
    const both = 'sign in first / 请先登录'
    expect(inLanguage(both, 'zh')).toBe('请先登录')
    expect(inLanguage(both, 'en')).toBe('sign in first')
    expect(inLanguage('send and / or wait', 'zh')).toBe('send and / or wait')
  })
})
