// A plausible day of a city's hotline, for developing the pages without an engine. Not shipped.
// Calls arrive, wait, talk and score by chance; the words are those of the engine's API.
import { EventEmitter } from 'node:events'

const NAMES = '王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗'.split(' ')
const GIVEN = '丽华 建国 秀英 伟 芳 敏 静 洋 倩 磊 雪 婷 海燕 志强 晓明 雨桐'.split(' ')
export const QUEUES = [
  { queue: 'general', name: '综合', share: 0.72 },
  { queue: 'enterprise', name: '企业', share: 0.16 },
  { queue: 'foreign', name: '外语', share: 0.04 },
  { queue: 'sub-centre', name: '分中心', share: 0.08 },
]
const REASONS = ['break', 'meal', 'meeting', 'training', 'coaching']
const DAY_MS = 86_400_000

const rand = (n) => Math.floor(Math.random() * n)
const pick = (list) => list[rand(list.length)]
const exp = (mean) => -Math.log(1 - Math.random()) * mean
const two = (n) => String(n).padStart(2, '0')

function phone() {
  return Math.random() < 0.85
    ? `1${pick(['38', '39', '50', '86', '77', '91'])}****${1000 + rand(9000)}`
    : `063****${1000 + rand(9000)}`
}

function caseNumber(at, call) {
  const d = new Date(at)
  const day = `${d.getFullYear()}${two(d.getMonth() + 1)}${two(d.getDate())}`
  const time = two(d.getHours()) + two(d.getMinutes()) + two(d.getSeconds())
  return day + time + String(call % 1_000_000).padStart(6, '0')
}

export class Day extends EventEmitter {
  constructor({ seats = 36, perHour = 420, empty = false } = {}) {
    super()
    this.started = Date.now() - 3 * 3_600_000 - 1234
    this.seq = 90_000
    this.next = 18_240
    this.perHour = perHour
    this.calls = new Map()
    this.ended = []
    this.timelines = new Map()
    this.seats = Array.from({ length: seats }, (_, i) => this.newSeat(i, empty))
    this.totals = {
      inbound: 0,
      answered: 0,
      answered_in_15s: 0,
      human_requests: 0,
      abandoned: 0,
      refused: 0,
      timed_out: 0,
      survey_offered: 0,
      survey_answered: 0,
      satisfied: 0,
    }
    this.queueCounts = new Map(QUEUES.map((q) => [q.queue, { answered: 0, requests: 0 }]))
    if (!empty) this.past()
    this.empty = empty
  }

  newSeat(i, empty) {
    const away = empty || i % 11 === 10
    return {
      seat: String(1001 + i),
      name: NAMES[i % NAMES.length] + GIVEN[(i * 7) % GIVEN.length],
      intent: away ? 'not-ready' : i % 9 === 4 ? 'not-ready' : 'ready',
      reason: away ? 'logged-out' : i % 9 === 4 ? pick(REASONS) : null,
      work: 'free',
      device: away && i % 2 === 0 ? 'unregistered' : 'registered',
      call: null,
      since: Date.now() - rand(600_000),
      calls_today: away ? 0 : 18 + rand(60),
      queues: [
        'general',
        ...(i % 3 === 0 ? ['enterprise'] : []),
        ...(i % 8 === 1 ? ['foreign'] : []),
        ...(i % 6 === 2 ? ['sub-centre'] : []),
      ],
    }
  }

  /** The day before now, as finished calls; the older part only as counts. */
  past() {
    const t = this.totals
    t.inbound = 4_812
    t.answered = 4_588
    t.human_requests = 4_731
    t.answered_in_15s = 4_302
    t.abandoned = 118
    t.refused = 9
    t.timed_out = 16
    t.survey_offered = 4_211
    t.survey_answered = 2_396
    t.satisfied = 2_338
    for (const q of QUEUES) {
      const requests = Math.round(t.human_requests * q.share)
      this.queueCounts.set(q.queue, {
        requests,
        answered: Math.round(requests * (0.93 + Math.random() * 0.06)),
      })
    }
    let at = Date.now() - 40 * 60_000
    for (let i = 0; i < 260; i++) {
      at += exp(8_000)
      this.finished(this.next++, Math.min(at, Date.now() - 20_000))
    }
  }

  /** A call that is over already: its row and its whole timeline. */
  finished(call, arrived) {
    const fate = Math.random()
    const queue = this.someQueue()
    const seat = pick(this.seats).seat
    const caller = Math.random() < 0.05 ? '' : phone()
    const steps = []
    const add = (ms, type, fields) =>
      steps.push({
        seq: this.seq++,
        at: arrived + ms,
        up_ms: Math.round(arrived + ms - this.started),
        type,
        call,
        ...fields,
      })
    const row = {
      call,
      direction: 'inbound',
      withheld: caller === '',
      arrived_at: Math.round(arrived),
      answered_at: null,
      ended_at: null,
      caller,
      called: '12345',
      trunk: pick(['telecom-a', 'mobile-b']),
      queue: null,
      seat: null,
      outcome: null,
      released_by: 'caller',
      cause: 'bye',
      wait_ms: null,
      talk_ms: null,
      score: null,
      meaning: null,
      recording: null,
      case: null,
    }
    add(0, 'call-arrived', {
      trunk: row.trunk,
      caller,
      called: '12345',
      sip_call_id: `${call}-a84b4c76e66710@203.0.113.9`,
    })
    add(40, 'call-answered', {})
    add(45, 'script-started', { script: '12345-menu', version: '9f86d081884c7d65' })
    let ms = 6_200 + rand(3_000)
    if (fate < 0.03) {
      row.outcome = 'left-menu'
      return this.close(row, steps, add, ms)
    }
    add(ms, 'menu-chosen', { menu: 'main', digit: pick(['0', '1', '2', null]) })
    add(ms + 5, 'queue-entered', { queue, priority: 5, position: 1 + rand(3) })
    row.queue = queue
    const wait = Math.round(exp(6_000)) + 800
    if (fate < 0.06) {
      row.outcome = 'abandoned'
      row.wait_ms = wait + 9_000
      return this.close(row, steps, add, ms + row.wait_ms)
    }
    if (fate < 0.12) {
      const other = pick(this.seats).seat
      add(ms + 300, 'seat-offered', { seat: other, queue, why: 'idle longest' })
      ms += 12_000
      add(ms, 'offer-ended', {
        seat: other,
        result: pick(['no-answer', 'refused']),
        rang_ms: 11_700,
      })
    }
    add(ms + Math.max(0, wait - 3_000), 'seat-offered', {
      seat,
      queue,
      why: 'longest idle (41 s) of 6 ready seats; caller first of 3 in general',
    })
    ms += wait
    row.wait_ms = wait
    row.seat = seat
    row.answered_at = Math.round(arrived + ms)
    row.case = caseNumber(row.answered_at, call)
    add(ms, 'offer-ended', { seat, result: 'answered', rang_ms: Math.min(wait, 3_000) })
    add(ms + 1, 'seat-answered', {
      seat,
      queue,
      since_arrival_ms: ms,
      since_menu_ms: wait,
      since_queue_ms: wait,
    })
    add(ms + 20, 'seat-announced', { seat })
    row.recording = `${row.case}.wav`
    add(ms + 2_900, 'recording-started', { file: row.recording })
    add(ms + 2_910, 'talk-started', { seat })
    const talk = Math.round(20_000 + exp(95_000))
    if (fate > 0.85) {
      add(ms + talk * 0.4, 'talk-held', { by: 'agent' })
      add(ms + talk * 0.6, 'talk-resumed', { by: 'agent' })
    }
    ms += talk
    row.talk_ms = talk
    row.released_by = fate < 0.2 ? 'caller' : 'agent'
    add(ms, 'talk-ended', {
      seat,
      talk_ms: talk,
      hold_ms: fate > 0.85 ? Math.round(talk * 0.2) : 0,
      released_by: row.released_by,
    })
    add(ms + 4, 'recording-closed', {
      file: row.recording,
      ms: talk,
      sha256: Array.from({ length: 64 }, () => rand(16).toString(16)).join(''),
    })
    if (row.released_by === 'agent') {
      add(ms + 10, 'survey-offered', { seat })
      if (Math.random() < 0.6) {
        const [score, meaning] = pick([
          ['1', 'satisfied'],
          ['1', 'satisfied'],
          ['1', 'satisfied'],
          ['1', 'satisfied'],
          ['2', 'fairly-satisfied'],
          ['3', 'dissatisfied'],
        ])
        add(ms + 6_400, 'survey-answered', { seat, digit: score, meaning })
        Object.assign(row, { score, meaning })
        ms += 9_000
      } else {
        add(ms + 9_000, 'survey-unanswered', { seat })
        ms += 9_010
      }
    }
    row.outcome = 'answered'
    this.close(row, steps, add, ms)
  }

  close(row, steps, add, ms) {
    row.ended_at = Math.round(row.arrived_at + ms)
    add(ms, 'call-ended', {
      outcome: row.outcome,
      released_by: row.released_by,
      cause: row.cause,
      total_ms: Math.round(ms),
    })
    for (const step of steps)
      for (const key of Object.keys(step))
        if (typeof step[key] === 'number') step[key] = Math.round(step[key])
    this.ended.unshift(row)
    this.timelines.set(row.call, steps)
  }

  someQueue() {
    let r = Math.random()
    for (const q of QUEUES) if ((r -= q.share) < 0) return q.queue
    return 'general'
  }

  happen(type, fields) {
    const now = Date.now()
    const record = { seq: this.seq++, at: now, up_ms: now - this.started, type, ...fields }
    if (fields.call != null && type !== 'seat-changed') {
      if (!this.timelines.has(fields.call)) this.timelines.set(fields.call, [])
      this.timelines.get(fields.call).push(record)
    }
    this.emit('happened', record)
    this.emit('changed')
  }

  setSeat(seat, change) {
    const isNew = change.work ? change.work !== seat.work : seat.work === 'free'
    Object.assign(seat, change, isNew ? { since: Date.now() } : {})
    const { seat: id, intent, reason, work, call } = seat
    this.happen('seat-changed', { seat: id, intent, ...(reason ? { reason } : {}), work, call })
  }

  stage(call, stage) {
    call.stage = stage
    call.since = Date.now()
  }

  start() {
    if (!this.empty) {
      for (let i = 0; i < this.seats.length * 0.5; i++) this.arrive(rand(90_000))
      const arrivals = () => {
        this.arrive()
        setTimeout(arrivals, exp(3_600_000 / this.perHour))
      }
      arrivals()
      setInterval(() => this.wander(), 9_000)
    }
    setInterval(() => this.match(), 250)
  }

  /** An agent goes for a meal, or comes back. */
  wander() {
    const seat = pick(this.seats)
    if (seat.work !== 'free' || seat.device !== 'registered' || seat.seat === '1001') return
    const leaves = seat.intent === 'ready' && Math.random() < 0.25
    this.setSeat(
      seat,
      leaves ? { intent: 'not-ready', reason: pick(REASONS) } : { intent: 'ready', reason: null },
    )
  }

  arrive(ahead = 0) {
    const number = this.next++
    const call = {
      call: number,
      caller: phone(),
      called: Math.random() < 0.93 ? '12345' : '12315',
      queue: null,
      seat: null,
      stage: 'arriving',
      arrived: Date.now(),
      since: Date.now(),
      trunk: pick(['telecom-a', 'mobile-b']),
      ahead,
    }
    this.calls.set(number, call)
    this.totals.inbound++
    this.happen('call-arrived', {
      call: number,
      trunk: call.trunk,
      caller: call.caller,
      called: call.called,
      sip_call_id: `${number}-f81d4fae@203.0.113.9`,
    })
    setTimeout(() => this.menu(call), ahead ? 30 : 400)
  }

  menu(call) {
    this.stage(call, 'menu')
    this.happen('call-answered', { call: call.call })
    this.happen('script-started', {
      call: call.call,
      script: '12345-menu',
      version: '9f86d081884c7d65',
    })
    setTimeout(
      () => {
        if (!call.ahead && Math.random() < 0.03) return this.end(call, 'left-menu', 'caller')
        call.queue = this.someQueue()
        this.stage(call, 'waiting')
        call.queued = Date.now()
        this.totals.human_requests++
        this.queueCounts.get(call.queue).requests++
        this.happen('menu-chosen', { call: call.call, menu: 'main', digit: pick(['0', '1', null]) })
        this.happen('queue-entered', {
          call: call.call,
          queue: call.queue,
          priority: 5,
          position: this.waiting(call.queue).length,
        })
        call.patience = setTimeout(
          () => {
            if (call.stage !== 'waiting') return
            this.totals.abandoned++
            this.end(call, 'abandoned', 'caller')
          },
          25_000 + exp(60_000),
        )
      },
      call.ahead ? 50 : 5_000 + rand(4_000),
    )
  }

  waiting(queue) {
    return [...this.calls.values()].filter(
      (c) => c.stage === 'waiting' && (!queue || c.queue === queue),
    )
  }

  match() {
    for (const call of this.waiting()) {
      const seat = this.seats.find(
        (s) =>
          s.intent === 'ready' &&
          s.work === 'free' &&
          s.device === 'registered' &&
          s.queues.includes(call.queue) &&
          (s.seat !== '1001' || Math.random() < 0.5),
      )
      if (seat) this.offer(call, seat)
    }
  }

  offer(call, seat) {
    this.stage(call, 'offering')
    call.seat = seat.seat
    this.setSeat(seat, { work: 'reserved', call: call.call })
    this.happen('seat-offered', {
      call: call.call,
      seat: seat.seat,
      queue: call.queue,
      why: `longest idle (${8 + rand(90)} s) of ${2 + rand(9)} ready seats; only caller in ${call.queue}`,
    })
    setTimeout(() => this.setSeat(seat, { work: 'ringing' }), 250)
    setTimeout(
      () => (Math.random() < 0.97 ? this.answer(call, seat) : this.missed(call, seat)),
      call.ahead ? 400 : 2_200 + rand(6_000),
    )
  }

  missed(call, seat) {
    this.happen('offer-ended', {
      call: call.call,
      seat: seat.seat,
      result: 'no-answer',
      rang_ms: 12_000,
    })
    this.setSeat(seat, { work: 'free', call: null, intent: 'not-ready', reason: 'ring-no-answer' })
    call.seat = null
    this.stage(call, 'waiting')
  }

  answer(call, seat) {
    clearTimeout(call.patience)
    const now = Date.now()
    call.answered = now
    this.totals.answered++
    this.queueCounts.get(call.queue).answered++
    if (now - call.queued <= 15_000) this.totals.answered_in_15s++
    seat.calls_today++
    this.stage(call, 'talking')
    if (call.ahead) call.since -= call.ahead
    this.setSeat(seat, { work: 'talking' })
    if (call.ahead) seat.since -= call.ahead
    const c = { call: call.call, seat: seat.seat }
    call.case = caseNumber(now, call.call)
    this.happen('offer-ended', { ...c, result: 'answered', rang_ms: 3_100 })
    this.happen('seat-answered', {
      ...c,
      queue: call.queue,
      since_arrival_ms: now - call.arrived,
      since_menu_ms: now - call.queued,
      since_queue_ms: now - call.queued,
    })
    this.happen('seat-announced', c)
    this.happen('recording-started', { call: call.call, file: `${call.case}.wav` })
    this.happen('talk-started', c)
    if (Math.random() < 0.2) {
      setTimeout(
        () =>
          seat.call === call.call &&
          seat.work === 'talking' &&
          (this.setSeat(seat, { work: 'hold' }),
          this.happen('talk-held', { call: call.call, by: 'agent' })),
        9_000,
      )
      setTimeout(
        () =>
          seat.call === call.call &&
          seat.work === 'hold' &&
          (this.setSeat(seat, { work: 'talking' }),
          this.happen('talk-resumed', { call: call.call, by: 'agent' })),
        21_000,
      )
    }
    setTimeout(() => this.release(call, seat), 25_000 + exp(130_000))
  }

  release(call, seat) {
    const talk = Date.now() - call.answered + call.ahead
    call.talk_ms = talk
    this.happen('talk-ended', {
      call: call.call,
      seat: seat.seat,
      talk_ms: talk,
      hold_ms: 0,
      released_by: 'agent',
    })
    this.happen('recording-closed', {
      call: call.call,
      file: `${call.case}.wav`,
      ms: talk,
      sha256: 'c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2',
    })
    this.setSeat(seat, { work: 'wrap-up' })
    setTimeout(
      () =>
        seat.work === 'wrap-up' &&
        seat.call === call.call &&
        this.setSeat(seat, { work: 'free', call: null }),
      10_000 + rand(15_000),
    )
    this.stage(call, 'surveying')
    this.totals.survey_offered++
    this.happen('survey-offered', { call: call.call, seat: seat.seat })
    setTimeout(() => {
      if (Math.random() < 0.57) {
        const good = Math.random() < 0.97
        this.totals.survey_answered++
        if (good) this.totals.satisfied++
        call.score = good ? '1' : '3'
        call.meaning = good ? 'satisfied' : 'dissatisfied'
        this.happen('survey-answered', {
          call: call.call,
          seat: seat.seat,
          digit: call.score,
          meaning: call.meaning,
        })
      } else this.happen('survey-unanswered', { call: call.call, seat: seat.seat })
      this.end(call, 'answered', 'engine')
    }, 6_000)
  }

  row(call) {
    const seat = call.answered ? call.seat : null
    return {
      call: call.call,
      direction: 'inbound',
      withheld: call.caller === '',
      arrived_at: call.arrived,
      answered_at: call.answered ?? null,
      ended_at: call.ended ?? null,
      caller: call.caller,
      called: call.called,
      trunk: call.trunk,
      queue: call.queue,
      seat,
      outcome: call.outcome ?? null,
      released_by: call.released_by ?? null,
      cause: call.outcome ? 'bye' : null,
      wait_ms: call.queued ? (call.answered ?? call.ended ?? Date.now()) - call.queued : null,
      talk_ms: call.talk_ms ?? null,
      score: call.score ?? null,
      meaning: call.meaning ?? null,
      recording: call.case ? `${call.case}.wav` : null,
      case: call.case ?? null,
    }
  }

  end(call, outcome, released_by) {
    clearTimeout(call.patience)
    Object.assign(call, { outcome, released_by, ended: Date.now() })
    this.calls.delete(call.call)
    this.ended.unshift(this.row(call))
    this.happen('call-ended', {
      call: call.call,
      outcome,
      released_by,
      cause: 'bye',
      total_ms: Date.now() - call.arrived,
    })
  }

  rows() {
    return [...[...this.calls.values()].map((c) => this.row(c)), ...this.ended].sort(
      (a, b) => b.call - a.call,
    )
  }

  wallboard() {
    const now = Date.now()
    const t = this.totals
    const waits = (q) => this.waiting(q).sort((a, b) => a.queued - b.queued)
    return {
      at: now,
      engine: {
        version: '0.1.0',
        up_s: Math.floor((now - this.started) / 1000),
        recording_gaps: 0,
      },
      totals: {
        window_s: DAY_MS / 1000,
        ...t,
        answer_rate: t.inbound ? t.answered / t.inbound : null,
        in_time_rate: t.answered ? t.answered_in_15s / t.answered : null,
      },
      queues: QUEUES.map(({ queue, name }) => {
        const line = waits(queue)
        const seats = this.seats.filter(
          (s) => s.queues.includes(queue) && s.device === 'registered' && s.reason !== 'logged-out',
        )
        const counts = this.queueCounts.get(queue)
        return {
          queue,
          name,
          waiting: line.length,
          longest_wait_ms: line[0] ? now - line[0].queued : 0,
          ready_seats: seats.filter((s) => s.intent === 'ready' && s.work === 'free').length,
          talking: [...this.calls.values()].filter(
            (c) => c.stage === 'talking' && c.queue === queue,
          ).length,
          staffed: seats.length,
          answer_rate: counts.requests ? counts.answered / counts.requests : null,
        }
      }),
      seats: this.seats.map(({ since, queues: _, ...seat }) => ({
        ...seat,
        since_ms: now - since,
      })),
      calls: [...this.calls.values()].map((c) => ({
        call: c.call,
        stage: c.stage,
        caller: c.caller,
        called: c.called,
        queue: c.queue,
        seat: c.seat,
        position: c.stage === 'waiting' ? waits(c.queue).indexOf(c) + 1 : null,
        since_ms: now - c.since,
        total_ms: now - c.arrived + c.ahead,
      })),
      trunks: [
        {
          trunk: 'mobile',
          state: 'up',
          detail: '',
          since_ms: now - this.started,
          calls_in: this.calls.size,
          calls_out: 0,
        },
        {
          trunk: 'telecom',
          state: 'down',
          detail: 'UDP 192.0.2.9:5060: no answer',
          since_ms: Math.min(now - this.started, 95_000),
          calls_in: 0,
          calls_out: 0,
        },
      ],
    }
  }
}
