// One second hand for all ticking durations of the page.
import { computed, shallowRef } from 'vue'

const second = shallowRef(Date.now())
const frozenAt = shallowRef<number | null>(null)

setInterval(() => {
  second.value = Date.now()
}, 1000)

/** This browser's clock, moving each second; it stands still while the data is stale. */
export const now = computed(() => frozenAt.value ?? second.value)

/** The wall clock of the header: never frozen. */
export const wallClock = computed(() => second.value)

/** Stops all durations at the given moment; null lets them run again. */
export function freeze(at: number | null): void {
  frozenAt.value = at
  second.value = Date.now()
}
