// The talks of the live calls: who else takes part, from the wallboard; what is switched, followed
// from the stream. A call that was there before the page is read from its timeline once.
import { shallowRef } from 'vue'
import { api } from './api'
import { live, onHappened } from './live'
import { type Guest, QUIET, type Talk, fold, foldInto } from './talk'

const talks = shallowRef<ReadonlyMap<number, Talk>>(new Map())
/** Calls whose timeline was read. Bounded by the calls a person looks at between two visits. */
const read = new Set<number>()

onHappened((event) => {
  talks.value = foldInto(talks.value, event)
  if (event.type === 'call-ended' || event.type === 'dial-ended') read.delete(event.call)
})

/** What is known of a call's talk. */
export const talkOf = (call: number | null): Talk =>
  (call === null ? undefined : talks.value.get(call)) ?? QUIET

const NOBODY: readonly Guest[] = []

/** Who else takes part in a call, as far as whoever looks may know. */
export const guestsOf = (call: number | null): readonly Guest[] =>
  live.board.value?.calls.find((one) => one.call === call)?.guests ?? NOBODY

/** Reads what happened in a call before this page followed it. */
export async function readTalk(call: number): Promise<void> {
  if (read.has(call)) return
  read.add(call)
  try {
    const { timeline } = await api.call(call)
    const talk = timeline.reduce(fold, QUIET)
    if (talk !== QUIET) talks.value = new Map(talks.value).set(call, talk)
  } catch {
    // Not told: the next event tells.
    read.delete(call)
  }
}
