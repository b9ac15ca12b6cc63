// Who is signed in. The cookie is the engine's and cannot be read here.
import { shallowRef } from 'vue'
import { Problem, api } from './api'
import type { Session } from './words'

/** undefined: not asked yet; null: nobody. */
export const session = shallowRef<Session | null | undefined>(undefined)

/** Asks the engine once who is signed in. Throws a Problem when it cannot be asked. */
export async function whoAmI(): Promise<Session | null> {
  if (session.value !== undefined) return session.value
  try {
    session.value = await api.whoAmI()
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.status !== 401) throw thrown
    session.value = null
  }
  return session.value ?? null
}

/** The page a person begins at. */
export function homeOf(who: Session): string {
  if (who.role === 'supervisor') return '/wallboard'
  return who.seat === null ? '/seat' : `/seat/${encodeURIComponent(who.seat)}`
}
