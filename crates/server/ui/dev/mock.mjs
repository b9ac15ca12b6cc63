// A stand-in for the engine's HTTP API, for developing the pages. Not shipped.
//
//   npm run mock                      API on :8099, for `npm run dev` (supervisor admin, agents 1001…; any password)
//   SEATS=2000 RATE=9000 npm run mock a province · EMPTY=1 a house without a call
//   PORT=8100 DIST=1 npm run mock     serves dist/ too, under the engine's content security policy
//   WSS=7443 npm run mock             names the port of SIP by WebSocket to the phone in the page
//   curl -X POST 'localhost:8099/mock/down?s=20'   the engine is away for 20 s (?streams=1: only the streams)
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { Day } from './day.mjs'

const env = process.env
const port = Number(env.PORT ?? 8099)
const day = new Day({
  seats: Number(env.SEATS ?? 36),
  perHour: Number(env.RATE ?? 620),
  empty: Boolean(env.EMPTY),
})
/** Of an engine's SIP by WebSocket, for the browser's phone; 0: there is none. */
const WSS_PORT = Number(env.WSS ?? 0)
const CSP = `default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' wss://*:${WSS_PORT}`
const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
}
const streams = new Set()
let down = { until: 0, onlyStreams: false }

const isDown = (stream) => Date.now() < down.until && (stream || !down.onlyStreams)

function json(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

function refuse(response, status, code, message, help) {
  json(response, status, { error: { code, message, help } })
}

function whoIs(request) {
  const name = /hotline_session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]
  if (!name) return null
  const agent = /^\d+$/.test(name)
  return {
    user: name,
    role: agent ? 'agent' : 'supervisor',
    seat: agent ? name : null,
    token: 'mock',
  }
}

async function bodyOf(request) {
  let text = ''
  for await (const chunk of request) text += chunk
  return text ? JSON.parse(text) : {}
}

/** Two seconds of two quiet tones, left and right. */
function wav() {
  const samples = 8_000 * 12
  const data = Buffer.alloc(samples * 4)
  for (let i = 0; i < samples; i++) {
    const loud = Math.sin(i / 2_400) > 0 ? 4_000 : 0
    data.writeInt16LE(Math.round(loud * Math.sin((i * 2 * Math.PI * 220) / 8_000)), i * 4)
    data.writeInt16LE(
      Math.round((4_000 - loud) * Math.sin((i * 2 * Math.PI * 330) / 8_000)),
      i * 4 + 2,
    )
  }
  const head = Buffer.alloc(44)
  head.write('RIFF', 0)
  head.writeUInt32LE(36 + data.length, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(2, 22)
  head.writeUInt32LE(8_000, 24)
  head.writeUInt32LE(32_000, 28)
  head.writeUInt16LE(4, 32)
  head.writeUInt16LE(16, 34)
  head.write('data', 36)
  head.writeUInt32LE(data.length, 40)
  return Buffer.concat([head, data])
}
const SOUND = wav()

function stream(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  streams.add(response)
  response.on('close', () => streams.delete(response))
  response.write(`event: wallboard\ndata: ${JSON.stringify(wallboard())}\n\n`)
}

function send(event, body) {
  const text = `event: ${event}\ndata: ${JSON.stringify(body)}\n\n`
  for (const response of streams) response.write(text)
}

/** Guests of each call, by their name: how, whether they answered, and who asked for them. */
const guests = new Map()

/** The wallboard with its guests: the page reads them there. */
function wallboard() {
  const board = day.wallboard()
  const of = (call) => [...(guests.get(call) ?? [])].map(([seat, guest]) => ({ seat, ...guest }))
  // Every third caller is known.
  const known = (call) => (call % 3 ? {} : { nth_call: 2 + (call % 4), last_seat: '1001' })
  const list = tasks().filter((row) => row.kind === 'missed-call')
  const ended = (end) => list.filter((row) => row.end === end).length
  const missed = {
    listed: list.length, tried: list.filter((row) => row.attempts).length, tried_in_time: 3,
    reached: ended('reached'), called_again: 1, given_up: ended('given-up'),
    open: list.filter((row) => !row.end).length,
  }
  const calls = board.calls.map((row) => ({ ...row, guests: of(row.call), ...known(row.call) }))
  const emergencies = [
    { number: '110', name: '公安' },
    { number: '120', name: '急救' },
  ]
  const follow_ups = { entered: 9, satisfied: 6, neutral: 1, dissatisfied: 1, not_reached: 1, without_result: 2, open: 4 }
  return { ...board, totals: { ...board.totals, blocked: 3 }, emergencies, missed, follow_ups, calls }
}

/** Supervision, consultation, card entry and pauses: events as the engine writes them, 2 s of ringing. */
function orderTalk(request, response, who, seat, what, body) {
  const call = seat.call
  const tell = (type, fields) => day.happen(type, { call, ...fields })
  const present = guests.get(call) ?? new Map()
  const none = () =>
    refuse(response, 409, 'no-guest', 'nobody is there / 没有第三方', 'begin it first / 请先发起')
  if (call === null || !['talking', 'hold'].includes(seat.work))
    return refuse(response, 409, 'not-talking', 'the seat talks with no caller / 当前没有通话', '')
  guests.set(call, present)
  const invite = (guest, mode) => {
    const before = present.get(guest)
    if (before) {
      before.mode = mode
      tell('guest-mode-changed', { guest, mode })
    } else {
      present.set(guest, { mode, joined: false, asked: mode === 'consult' })
      tell('guest-called', { seat: seat.seat, guest, mode, by: who.user })
      setTimeout(() => {
        const rung = present.get(guest)
        if (!rung) return
        rung.joined = true
        tell('guest-joined', { guest, mode: rung.mode })
      }, 2_000)
    }
    response.writeHead(204).end()
  }
  const isSeat = (name) => day.seats.some((row) => row.seat === name)
  const unknown = () => refuse(response, 404, 'target-unknown', '没有这个坐席', '请核对工号')
  const leave = (guest, cause) => {
    tell('guest-left', { guest, mode: present.get(guest).mode, cause })
    present.delete(guest)
  }
  const asked = [...present].find(([, guest]) => guest.asked)?.[0]
  if (what === 'supervise') {
    const by = body.by ?? who.seat
    return isSeat(by) ? invite(by, body.mode) : unknown()
  }
  if (what === 'consult') {
    const number = body.to.replace(/^outside:/, '')
    if (isSeat(body.to)) return invite(body.to, 'consult')
    if (!/^\d{3,}$/.test(number)) return unknown()
    return invite(`outside:${number.replace(/^(\d{3})\d+(\d{4})$/, '$1****$2')}`, 'consult')
  }
  if (what === 'emergency') {
    invite(`outside:${body.to}`, 'barge')
    present.get(`outside:${body.to}`).asked = true
    return
  }
  if (what === 'supervise/end') {
    if (!present.has(body.by)) return none()
    leave(body.by, 'hung up')
  } else if (what.startsWith('consult/')) {
    if (asked === undefined) return none()
    if (what === 'consult/merge') return invite(asked, 'barge')
    leave(asked, what === 'consult/complete' ? 'took the caller over' : 'cancelled')
  } else if (what === 'card-entry')
    tell(body.on ? 'card-entry-began' : 'card-entry-ended', { by: who.user })
  else
    tell(what === 'recording/pause' ? 'recording-paused' : 'recording-resumed', {
      by: who.user,
      reason: body.reason,
    })
  response.writeHead(204).end()
}

let dirty = false
day.on('changed', () => (dirty = true))
day.on('happened', (record) => send('happened', record))
setInterval(() => {
  if (dirty && streams.size > 0) send('wallboard', wallboard())
  dirty = false
}, 200)
setInterval(() => send('wallboard', wallboard()), 5_000)

function orderSeat(request, response, who, id, what, body) {
  const seat = day.seats.find((row) => row.seat === id)
  if (!seat) return refuse(response, 404, 'seat-unknown', `没有 ${id} 号坐席`, '请核对工号')
  if (who.role === 'agent' && who.seat !== id)
    return refuse(response, 403, 'not-yours', '只能操作自己的坐席', '请用自己的工号登录')
  if (/^(supervise|consult|emergency|card-entry|recording)/.test(what))
    return orderTalk(request, response, who, seat, what, body)
  if (what === 'transfer') {
    if (!['talking', 'hold'].includes(seat.work))
      return refuse(
        response,
        409,
        'not-talking',
        'the seat talks with no caller it could give on / 当前没有可转接的通话',
        'transfer once the caller is connected / 请在通话接通后转接',
      )
    return response.writeHead(204).end()
  }
  const words = { 'not-ready': `not-ready ${body.reason}`, 'wrap-up/end': 'end-wrap-up' }
  const asked = words[what] ?? what.replace('wrap-up/extend', `extend-wrap-up ${body.by_s}`)
  if (what.startsWith('wrap-up/')) {
    if (seat.work !== 'wrap-up')
      return refuse(response, 409, 'not-in-wrap-up', '当前不在整理状态', '通话结束后才会进入整理')
    if (what === 'wrap-up/end') day.setSeat(seat, { work: 'free', call: null })
  } else if (what === 'sign-out') {
    day.setSeat(seat, { intent: 'not-ready', reason: 'logged-out' })
  } else {
    const ready = what === 'ready'
    if (ready && seat.device === 'unregistered')
      return refuse(
        response,
        409,
        'not-registered',
        "the seat's phone is not registered / 话机未注册",
        'register the phone first, then go ready / 请先注册话机再示闲',
      )
    day.setSeat(seat, { intent: ready ? 'ready' : 'not-ready', reason: ready ? null : body.reason })
  }
  day.happen('seat-requested', { seat: id, request: asked, through: `api:${who.user}`, done: true })
  response.writeHead(204).end()
}

function page(rows, url, cursor) {
  const before = url.searchParams.get('before')
  const seat = url.searchParams.get('seat')
  const limit = Number(url.searchParams.get('limit') ?? 50)
  return rows
    .filter(
      (row) =>
        (before === null || String(row[cursor]).padStart(20, '0') < before.padStart(20, '0')) &&
        (seat === null || row.seat === seat),
    )
    .slice(0, limit)
}

function cases() {
  return day
    .rows()
    .filter((row) => row.case)
    .map((row) => ({
      number: row.case,
      call: row.call,
      opened_at: row.answered_at,
      caller: row.caller,
      withheld: row.withheld,
      seat: row.seat,
      queue: row.queue,
      answered_at: row.answered_at,
      ended_at: row.ended_at,
      score: row.score,
      meaning: row.meaning,
      recording: row.recording,
      state: row.ended_at ? 'closed' : 'open',
    }))
    .sort((a, b) => (a.number < b.number ? 1 : -1))
}

/** A message of each state, of the newest calls. */
const settled = new Map()
function messages() {
  return day
    .rows()
    .filter((row) => row.ended_at)
    .slice(0, 12)
    .map((row, at) => ({
      id: `${row.call}-1`,
      call: row.call,
      message: 1,
      kind: at % 3 === 2 ? 'remark' : 'voicemail',
      caller: row.caller,
      withheld: row.withheld,
      at: row.ended_at,
      queue: at % 3 === 2 ? null : row.queue,
      seat: at % 3 === 2 ? row.seat : null,
      file: `${row.call}-message-1.wav`,
      ms: at === 5 ? 400 : 9_000 + 2_345 * at,
      empty: at === 5,
      lost: false,
      ended: at % 2 ? 'hang-up' : 'key',
      state: at < 4 ? 'new' : at < 7 ? 'heard' : 'done',
      heard_at: at < 4 ? null : row.ended_at + 600_000,
      heard_by: at < 4 ? null : 'lihua',
      settled_at: at < 7 ? null : row.ended_at + 900_000,
      settled_by: at < 7 ? null : 'lihua',
      note: at < 7 ? null : '已回电',
      ...settled.get(`${row.call}-1`),
    }))
}

/** A supervisor's hand on a call in line. */
function inLine(response, number, what) {
  const call = day.wallboard().calls.find((it) => it.call === number && it.stage === 'waiting')
  if (!call)
    return refuse(response, 409, 'not-waiting', '来电不在排队中', '请查看来电当前状态')
  if (what !== 'waiting') return response.writeHead(204).end()
  return json(response, 200, {
    queue: call.queue,
    position: call.position,
    expected_from_ms: 20_000,
    expected_to_ms: 70_000,
    why: [
      `${call.position ?? 1} callers are ahead in ${call.queue}`,
      `9 of the seats of ${call.queue}: in a talk`,
      `2 of the seats of ${call.queue}: not ready (break)`,
    ],
  })
}

/** Blocked callers: one in force, one proposed. */
const blocks = [
  { block: 2, number: '139****2211', withheld: false, reason: '多次辱骂话务员，已报警', until: Date.now() + 7 * 86_400_000, proposed_by: '1003', proposed_at: Date.now() - 3_600_000, approved_by: null, turned_away: 0 },
  { block: 1, number: '138****0099', withheld: false, reason: '深夜反复拨打不说话', until: Date.now() + 20 * 86_400_000, proposed_by: '1001', proposed_at: Date.now() - 9 * 86_400_000, approved_by: 'wangfang', turned_away: 12 },
]

/** Citizens to be called: some of each state, of callers of the day. */
const tasksChanged = new Map()
const followUps = []
function tasks() {
  const now = Date.now()
  const nothing = {
    missed_at: null, missed_call: null, missed_as: null, queue: null, note: null, added_by: null,
    state: 'open', seat: null, taken_by: null, taken_until: null, trying: null, attempts: 0,
    first_try_at: null, last_try_at: null, last_result: null, not_before: null, ended_at: null,
    end: null, ended_by: null, reason: null, result: null, score: null, remark: null,
    result_at: null, result_by: null,
  }
  const missed = day
    .rows()
    .filter((row) => row.ended_at && row.caller && !row.withheld)
    .slice(0, 14)
    .map((row, at) => ({
      ...nothing,
      task: row.call * 10,
      kind: 'missed-call',
      number: row.caller,
      opened_at: row.ended_at,
      due_at: row.ended_at + 1_800_000,
      late: now > row.ended_at + 1_800_000,
      missed: 1 + (at % 3),
      missed_at: row.ended_at + 60_000 * (at % 3),
      missed_call: row.call,
      missed_as: at % 2 ? 'abandoned' : 'timed-out',
      queue: row.queue ?? 'general',
      ...(at % 5 === 1 && { attempts: 1, last_try_at: now - 600_000, first_try_at: now - 600_000, last_result: 'refused', not_before: now + 3_000_000 }),
      ...(at % 5 === 2 && { state: 'taken', seat: '1002', taken_by: '1002', taken_until: now + 400_000 }),
      ...(at % 5 === 3 && { state: 'done', seat: '1001', attempts: 1, first_try_at: now - 900_000, last_try_at: now - 900_000, last_result: 'answered', end: 'reached', ended_at: now - 800_000 }),
    }))
  return [...followUps, ...missed]
    .map((row) => ({ ...nothing, ...row, ...tasksChanged.get(row.task) }))
    .sort((a, b) => b.task - a.task)
}

async function orderTask(request, response, who, row, what) {
  const conflict = (code, words) => refuse(response, 409, code, words, null)
  const mine = row.state === 'taken' && row.seat === who.seat
  const ago = (days) => Date.now() - days * 86_400_000
  const past = {
    calls: [
      { call: 4711, direction: 'inbound', at: ago(1), seat: '1001', outcome: 'answered', talk_ms: 182_000, meaning: 'satisfied', case: '202611210037' },
      { call: 4402, direction: 'inbound', at: ago(2), seat: null, outcome: 'abandoned', talk_ms: null, meaning: null, case: null },
    ],
    tasks: [{ task: 88, kind: 'follow-up', opened_at: ago(30), note: '路灯是否修好', end: 'reached', result: 'satisfied', score: 5, remark: '已修好' }],
  }
  const steps = row.kind === 'follow-up'
    ? [{ seq: row.task, at: row.opened_at, up_ms: 0, type: 'task-added', number: row.number, note: row.note, due_at: row.due_at, by: row.added_by }]
    : []
  const whole = (task) => ({
    ...task, number: task.number.replace('****', '0013'), last_talk: { seat: '1001', at: ago(1) }, past, steps,
    may_answer: task.kind === 'follow-up' && task.result === null && task.seat === who.seat && task.state !== 'open',
  })
  if (what === 'reveal') return json(response, 200, whole(row))
  if (what === 'result') {
    const { result, score, remark } = await bodyOf(request)
    const entered = { result, score: score ?? null, remark, result_at: Date.now(), result_by: who.user }
    tasksChanged.set(row.task, { ...tasksChanged.get(row.task), ...entered, state: 'done', end: 'reached', ended_at: Date.now() })
    return response.writeHead(204).end()
  }
  if (what === undefined) return json(response, 200, mine ? whole(row) : { ...whole(row), number: row.number })
  if (what === 'take') {
    if (!who.seat) return refuse(response, 403, 'forbidden', '须以坐席身份操作', null)
    if (row.state !== 'open' && !mine) return conflict('task-taken', '已被其他坐席领取')
    const taken = { state: 'taken', seat: who.seat, taken_by: who.user, taken_until: Date.now() + 600_000 }
    tasksChanged.set(row.task, taken)
    return json(response, 200, whole({ ...row, ...taken }))
  }
  if (what === 'let-go') {
    if (!mine) return conflict('task-not-yours', '本坐席未领取该待办，或已超时')
    tasksChanged.set(row.task, { state: 'open', seat: null, taken_by: null, taken_until: null })
    return response.writeHead(204).end()
  }
  const { reason } = await bodyOf(request)
  const end = who.role === 'agent' ? 'given-up' : 'closed'
  tasksChanged.set(row.task, { state: 'done', end, ended_at: Date.now(), ended_by: who.user, reason })
  return response.writeHead(204).end()
}

async function api(request, response, url) {
  const path = url.pathname.replace('/api/v1', '')
  const method = request.method
  if (path === '/session' && method === 'POST') {
    const { user, password } = await bodyOf(request)
    if (password === 'wrong')
      return refuse(
        response,
        401,
        'credentials',
        '用户名或密码不正确',
        '请核对后再试；连续失败会暂时锁定',
      )
    const who = whoIs({ headers: { cookie: `hotline_session=${encodeURIComponent(user)}` } })
    return json(response, 200, who, {
      'set-cookie': `hotline_session=${encodeURIComponent(user)}; HttpOnly; SameSite=Strict; Path=/`,
    })
  }
  const who = whoIs(request)
  if (!who) return refuse(response, 401, 'signed-out', '尚未登录', '请先登录')
  if (path === '/session' && method === 'DELETE')
    return json(response, 200, null, { 'set-cookie': 'hotline_session=; Max-Age=0; Path=/' })
  if (path === '/session') return json(response, 200, who)
  if (path === '/wallboard') return json(response, 200, wallboard())
  if (path === '/stream') return stream(response)
  if (path === '/phone') return json(response, 200, { ws_port: 0, wss_port: WSS_PORT })
  if (path === '/seats') return json(response, 200, day.wallboard().seats)
  const order = /^\/seats\/([^/]+)\/(ready|not-ready|sign-out|wrap-up\/(?:end|extend)|transfer|emergency|supervise(?:\/end)?|consult(?:\/\w+)?|card-entry|recording\/\w+)$/.exec(path)
  if (order && method === 'POST')
    return orderSeat(request, response, who, order[1], order[2], await bodyOf(request))
  if (who.role === 'agent' && (path === '/calls' || path === '/cases'))
    return refuse(
      response,
      403,
      'forbidden',
      'for supervisors only / 仅限班长',
      'ask a supervisor / 请联系班长',
    )
  if (path === '/calls') return json(response, 200, page(day.rows(), url, 'call'))
  const line = /^\/calls\/(\d+)\/(waiting|priority|queue|seat)$/.exec(path)
  if (line) return inLine(response, Number(line[1]), line[2])
  if (path === '/config/reload')
    return json(response, 200, {
      applied: !url.search,
      digest: '5f'.repeat(32),
      changes: [
        {
          file: 'queues.toml',
          item: 'queue general',
          kind: 'changed',
          keys: [{ key: 'wrap_up_s', was: '30', is: '20' }],
        },
      ],
      needs_restart: [],
      warnings: [],
    })
  const call = /^\/calls\/(\d+)(\/recording)?$/.exec(path)
  if (call?.[2]) {
    response.writeHead(200, { 'content-type': 'audio/wav', 'content-length': SOUND.length })
    return response.end(SOUND)
  }
  if (call) {
    const row = day.rows().find((r) => r.call === Number(call[1]))
    if (!row)
      return refuse(
        response,
        404,
        'call-unknown',
        `没有通话 ${call[1]}`,
        '通话号可能有误，或记录已过保存期',
      )
    return json(response, 200, { ...row, timeline: day.timelines.get(row.call) ?? [] })
  }
  const message = /^\/messages(?:\/([\d-]+)\/(recording|settle))?$/.exec(path)
  if (message && who.role === 'agent')
    return refuse(response, 403, 'forbidden', '仅限班长', '请联系班长')
  if (message?.[2] === 'recording') {
    response.writeHead(200, { 'content-type': 'audio/wav', 'content-length': SOUND.length })
    return response.end(SOUND)
  }
  if (message?.[2] === 'settle') {
    const { note } = await bodyOf(request)
    const done = { state: 'done', settled_at: Date.now(), settled_by: who.user, note }
    settled.set(message[1], done)
    return response.writeHead(204).end()
  }
  if (message) {
    const state = url.searchParams.get('state')
    const rows = messages().filter((row) => !state || row.state === state)
    return json(response, 200, rows)
  }
  if (path === '/blocks' && method === 'POST') {
    const { number, call, reason, until } = await bodyOf(request)
    const row = {
      block: blocks.length + 1, number: number ? `${number.slice(0, 3)}****${number.slice(-4)}` : `来电 ${call}`,
      withheld: false, reason, until, proposed_by: who.user, proposed_at: Date.now(), approved_by: null, turned_away: 0,
    }
    blocks.unshift(row)
    return json(response, 201, { block: row.block })
  }
  if (path === '/blocks') return json(response, 200, blocks)
  const block = /^\/blocks\/(\d+)\/(approve|refuse|lift)$/.exec(path)
  if (block) {
    const at = blocks.findIndex((row) => row.block === Number(block[1]))
    if (at < 0) return refuse(response, 404, 'block-unknown', '无此屏蔽记录', null)
    if (block[2] !== 'approve') blocks.splice(at, 1)
    else if (blocks[at].proposed_by === who.user)
      return refuse(response, 409, 'same-person', '申请人不能审批本人的申请', '请由另一名班长审批')
    else blocks[at].approved_by = who.user
    return response.writeHead(204).end()
  }
  if (path === '/tasks' && method === 'POST') {
    if (who.role === 'agent') return refuse(response, 403, 'forbidden', '仅限班长', '请联系班长')
    const { number, note, due_at } = await bodyOf(request)
    const row = {
      task: 9_000_000 + followUps.length, kind: 'follow-up', number: `${number.slice(0, 3)}****${number.slice(-4)}`,
      note, due_at, opened_at: Date.now(), late: false, missed: 0, added_by: who.user,
    }
    followUps.push(row)
    return json(response, 201, row)
  }
  if (path === '/tasks') {
    const [kind, state] = ['kind', 'state'].map((name) => url.searchParams.get(name))
    const rows = tasks().filter((row) => (!kind || row.kind === kind) && (!state || row.state === state))
    return json(response, 200, rows)
  }
  if (path === '/tasks/next') {
    const { without } = await bodyOf(request)
    const open = tasks().filter((row) => row.state === 'open' && !without.includes(row.task))
    const [row] = open.sort((a, b) => a.due_at - b.due_at)
    if (!row) return refuse(response, 409, 'no-task', '暂无可取的待办', null)
    return orderTask(request, response, who, row, 'take')
  }
  const task = /^\/tasks\/(\d+)(?:\/(take|let-go|close|result|reveal))?$/.exec(path)
  if (task) {
    const row = tasks().find((row) => row.task === Number(task[1]))
    if (!row) return refuse(response, 404, 'task-unknown', '无此待办', null)
    return orderTask(request, response, who, row, task[2])
  }
  if (path === '/cases') return json(response, 200, page(cases(), url, 'number'))
  const one = /^\/cases\/(\d+)$/.exec(path)
  if (one) {
    const row = cases().find((r) => r.number === one[1])
    if (!row) return refuse(response, 404, 'case-unknown', `没有工单 ${one[1]}`, '请核对工单号')
    return json(response, 200, row)
  }
  return refuse(response, 404, 'not-found', '没有这个接口', path)
}

async function file(response, url) {
  const path = url.pathname === '/' ? '/index.html' : url.pathname
  try {
    const body = await readFile(new URL(`../dist${path}`, import.meta.url))
    response.writeHead(200, {
      'content-type': TYPES[path.split('.').pop()] ?? 'application/octet-stream',
      'content-security-policy': CSP,
    })
    response.end(body)
  } catch {
    response.writeHead(404).end()
  }
}

createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost')
  if (url.pathname === '/mock/down') {
    down = {
      until: Date.now() + Number(url.searchParams.get('s') ?? 10) * 1000,
      onlyStreams: url.searchParams.has('streams'),
    }
    for (const open of streams) open.destroy()
    return json(response, 200, down)
  }
  const isApi = url.pathname.startsWith('/api/')
  if (isApi && isDown(url.pathname.endsWith('/stream'))) return request.socket.destroy()
  if (isApi)
    return void api(request, response, url).catch((e) =>
      refuse(response, 500, 'mock', String(e), null),
    )
  if (env.DIST) return void file(response, url)
  response.writeHead(404).end()
}).listen(port, () => console.log(`mock API on http://localhost:${port}`))
day.start()
