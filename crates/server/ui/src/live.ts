// The live view: follows the engine's stream, falls back to asking, and says how fresh it all is.
import { computed, readonly, shallowRef } from 'vue'
import { Problem, api } from './api'
import { type Board, type Sample, addSample, mergeBoard } from './board'
import { freeze } from './clock'
import { type Happened, addHappened } from './events'
import { figures } from './figures'
import type { Wallboard } from './words'

/**
 * connecting: an attempt is under way · live: the stream runs · polling: no stream, but the engine
 * answers when asked · lost: neither.
 */
export type Link = 'connecting' | 'live' | 'polling' | 'lost'

/** The engine sends a wallboard at least each 5 s; longer silence is a dead connection. */
const SILENCE_MS = 12_000
const POLL_MS = 3_000
const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const
const SAMPLE_EVERY_MS = 2_000
const SAMPLES_FOR_MS = 30 * 60_000
const HAPPENED_KEPT = 60
/** After drawing a wallboard the page rests at least this long, ms. */
const BREATH_MS = 50
/** What the engine said longer ago than this is not live, whatever the stream says, ms. */
const LAG_MS = 8_000

const link = shallowRef<Link>('connecting')
const board = shallowRef<Board | null>(null)
const happened = shallowRef<readonly Happened[]>([])
const samples = shallowRef<readonly Sample[]>([])
const attempts = shallowRef(0)

let source: EventSource | null = null
let heard = 0
/** A wallboard came through the stream that is open now. */
let streaming = false
let retry: ReturnType<typeof setTimeout> | undefined
let poll: ReturnType<typeof setTimeout> | undefined
let watchdog: ReturnType<typeof setInterval> | undefined
const listeners = new Set<(record: Happened) => void>()

/** Read-only for the pages. */
export const live = {
  link: readonly(link),
  board,
  happened,
  samples,
  attempts: readonly(attempts),
  /** The data may not be what is. */
  stale: computed(() => link.value === 'lost'),
}

/** Called with each record as it comes; returns the way to stop it. */
export function onHappened(listener: (record: Happened) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function take(wallboard: Wallboard): void {
  const received = Date.now()
  const next = mergeBoard(board.value, wallboard, received)
  board.value = next
  const { value } = figures(next.totals, next.queues, next.raw.seats)['answer-rate']
  const waiting = next.queues.reduce((sum, queue) => sum + queue.waiting, 0)
  const sample = { at: received, answer_rate: value, waiting }
  samples.value = addSample(samples.value, sample, SAMPLE_EVERY_MS, SAMPLES_FOR_MS)
}

/** The newest wallboard as it came, not yet looked at; a newer one takes its place. */
let newest: string | null = null
let drawing: ReturnType<typeof setTimeout> | undefined
/** As long as the last drawing took: so at least half of the time is left for people. */
let pause = 0
/** This browser's clock minus the engine's, with the way between, as the stream began, ms. */
let skew: number | null = null

/**
 * A page that draws more slowly than the engine speaks must show the newest wallboard, not the next
 * in a growing line. Only what is drawn is parsed.
 */
function draw(): void {
  drawing = undefined
  const wallboard = newest === null ? null : parsed<Wallboard>(newest)
  newest = null
  if (wallboard === null) return
  const started = performance.now()
  const ahead = Date.now() - wallboard.at
  skew ??= ahead
  take(wallboard)
  // The components draw when this turn ends; the next turn knows how long that took.
  setTimeout(() => {
    pause = Math.max(BREATH_MS, performance.now() - started)
  })
  if (ahead - skew > LAG_MS && source !== null) fail(source)
}

function setLink(next: Link): void {
  link.value = next
  freeze(next === 'lost' ? (board.value?.received ?? Date.now()) : null)
  if (next === 'lost') {
    const gap = { at: Date.now(), answer_rate: null, waiting: null }
    samples.value = addSample(samples.value, gap, SAMPLE_EVERY_MS, SAMPLES_FOR_MS)
  }
}

const dataOf = (event: Event) => (event as MessageEvent<string>).data

function parsed<T>(data: string): T | null {
  try {
    return JSON.parse(data) as T
  } catch {
    return null
  }
}

function open(): void {
  source?.close()
  const opened = new EventSource(api.streamUrl)
  source = opened
  skew = null
  heard = Date.now()
  opened.addEventListener('wallboard', (event) => {
    heard = Date.now()
    streaming = true
    attempts.value = 0
    clearTimeout(poll)
    if (link.value !== 'live') setLink('live')
    newest = dataOf(event)
    drawing ??= setTimeout(draw, pause)
  })
  opened.addEventListener('happened', (event) => {
    const record = parsed<Happened>(dataOf(event))
    if (record === null) return
    heard = Date.now()
    happened.value = addHappened(happened.value, record, HAPPENED_KEPT)
    for (const listener of listeners) listener(record)
  })
  opened.onerror = () => fail(opened)
}

/** The stream broke: ask in the meantime, and try again after a while. */
function fail(broken: EventSource): void {
  if (broken !== source) return
  broken.close()
  source = null
  streaming = false
  newest = null
  if (link.value === 'live') setLink('connecting')
  const wait = RETRY_MS[Math.min(attempts.value, RETRY_MS.length - 1)] ?? 15_000
  attempts.value += 1
  clearTimeout(retry)
  // A random part keeps 500 desks from knocking at one restarted engine in the same moment.
  retry = setTimeout(open, wait * (0.75 + Math.random() * 0.5))
  clearTimeout(poll)
  void ask()
}

async function ask(): Promise<void> {
  try {
    const wallboard = await api.wallboard()
    if (streaming || watchdog === undefined) return
    const isBack = link.value === 'lost'
    setLink('polling')
    take(wallboard)
    if (isBack) reconnect()
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.status === 401) return
    if (streaming || watchdog === undefined) return
    setLink('lost')
  }
  // Another question may have been under way: only one goes on.
  clearTimeout(poll)
  poll = setTimeout(() => void ask(), POLL_MS)
}

/** Asks at once, e.g. after an order, where the stream is not there to tell. */
export async function refresh(): Promise<void> {
  if (!streaming) await ask()
}

/** Begins to follow the engine; does nothing where it follows already. */
export function follow(): void {
  if (watchdog !== undefined) return
  setLink('connecting')
  open()
  watchdog = setInterval(() => {
    if (source !== null && Date.now() - heard > SILENCE_MS) fail(source)
  }, 1_000)
}

/** Tries again at once instead of waiting for the next attempt. */
export function reconnect(): void {
  clearTimeout(retry)
  attempts.value = 0
  open()
}

/**
 * Ends following for a while; what was learned stays. Browsers allow six connections to one house
 * over HTTP/1.1, so a page that nobody looks at must not hold one.
 */
export function rest(): void {
  clearInterval(watchdog)
  clearTimeout(retry)
  clearTimeout(poll)
  watchdog = undefined
  source?.close()
  source = null
  streaming = false
  newest = null
}

/** Ends following and forgets everything: another person may sign in. */
export function unfollow(): void {
  rest()
  board.value = null
  happened.value = []
  samples.value = []
  attempts.value = 0
  setLink('connecting')
}
