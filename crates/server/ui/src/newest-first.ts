// A list that is read backwards in time, page by page, and kept fresh while its first page shows.
import { computed, onBeforeUnmount, ref, shallowRef } from 'vue'
import { PAGE, type Problem, asProblem } from './api'
import { type Happened } from './events'
import { onHappened } from './live'

/** After an event that changes the list it is asked for again, at most this often, ms. */
export const REFRESH_MS = 2_000

export function useNewestFirst<T, C extends string | number>(
  fetchPage: (before: C | undefined) => Promise<T[]>,
  cursorOf: (row: T) => C,
  changes: (event: Happened) => boolean,
) {
  const rows = shallowRef<readonly T[] | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const busy = ref(false)
  /** The cursors of the pages before this one; empty on the first page. */
  const path = shallowRef<readonly C[]>([])
  /** Somebody points into the list: rows must not move away under the pointer. */
  const held = ref(false)
  /** The list has changed since it was asked for, and is held. */
  const changed = ref(false)
  let turn = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  async function load() {
    const mine = ++turn
    busy.value = true
    try {
      const answer = await fetchPage(path.value[path.value.length - 1])
      if (mine !== turn) return
      rows.value = answer
      changed.value = false
      problem.value = null
    } catch (thrown) {
      if (mine === turn) problem.value = asProblem(thrown)
    } finally {
      if (mine === turn) busy.value = false
    }
  }

  function older() {
    const last = rows.value?.[rows.value.length - 1]
    if (last === undefined) return
    path.value = [...path.value, cursorOf(last)]
    void load()
  }

  function newer() {
    path.value = path.value.slice(0, -1)
    void load()
  }

  /** Another list is asked for: from its first page. */
  function restart() {
    path.value = []
    void load()
  }

  const stop = onHappened((event) => {
    if (timer !== undefined || path.value.length > 0 || !changes(event)) return
    timer = setTimeout(() => {
      timer = undefined
      if (path.value.length > 0) return
      if (held.value) changed.value = true
      else void load()
    }, REFRESH_MS)
  })
  onBeforeUnmount(() => {
    stop()
    clearTimeout(timer)
  })

  function hold(yes: boolean) {
    held.value = yes
    if (!yes && changed.value) void load()
  }

  void load()
  return {
    rows,
    cursorOf,
    problem,
    busy,
    changed,
    hold,
    load,
    older,
    newer,
    restart,
    first: computed(() => path.value.length * PAGE + 1),
    hasNewer: computed(() => path.value.length > 0),
    hasOlder: computed(() => (rows.value?.length ?? 0) >= PAGE),
  }
}

export type NewestFirst<T, C extends string | number> = ReturnType<typeof useNewestFirst<T, C>>
