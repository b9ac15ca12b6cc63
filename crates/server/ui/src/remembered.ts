// What the browser remembers between visits: choices of taste only, nothing about calls.
import { type Ref, ref, watch } from 'vue'

/** A choice kept in localStorage. Where that is forbidden the choice lasts as long as the page. */
export function remembered<T extends string>(key: string, allowed: readonly T[], first: T): Ref<T> {
  const choice = ref(first) as Ref<T>
  try {
    const stored = localStorage.getItem(`hotline.${key}`) as T | null
    if (stored !== null && allowed.includes(stored)) choice.value = stored
  } catch {
    // Storage is switched off.
  }
  // What is chosen on one page holds on the others of this browser.
  globalThis.addEventListener?.('storage', ({ key: changed, newValue }) => {
    const value = newValue as T | null
    if (changed === `hotline.${key}` && value !== null && allowed.includes(value)) choice.value = value
  })
  watch(choice, (value) => {
    try {
      localStorage.setItem(`hotline.${key}`, value)
    } catch {
      // Storage is switched off or full.
    }
  })
  return choice
}
