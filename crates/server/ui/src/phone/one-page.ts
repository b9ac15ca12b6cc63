// One phone a browser: the pages of a session agree which of them is the seat's. Whoever holds the
// browser's lock is; the others stand in line for it, so that another follows when its page goes.
import { type ShallowReactive, shallowReactive } from 'vue'

/** off: not wanted here · asking: not known yet · here: this page is the phone · elsewhere. */
export type Place = 'off' | 'asking' | 'here' | 'elsewhere'

/** `talking`: the other page has a call, which is not cut; `silent`: it does not answer. */
export type TakenOver = 'taken' | 'talking' | 'silent'

/** A page that lives answers within a few ms; one that hangs never does, ms. */
export const ANSWERS_WITHIN_MS = 1_000

/** What is used of navigator.locks. */
export interface Locks {
  request(
    name: string,
    options: { steal?: boolean; ifAvailable?: boolean; signal?: AbortSignal },
    held: (lock: unknown) => Promise<void>,
  ): Promise<void>
}

/** What is used of a BroadcastChannel. */
export interface Channel {
  postMessage(message: unknown): void
  close(): void
}

export interface Parts {
  /** null: this browser has none, and every page is a phone of its own. */
  locks: Locks | null
  channel(name: string, hear: (message: unknown) => void): Channel
  /** Whether the phone may go away unnoticed: no call rings or talks. */
  isFree(): boolean
  begin(seat: string): void
  end(): void
}

type Said = { kind: 'asks'; id: string } | { kind: 'answers'; id: string; free: boolean }

export interface OnePage {
  state: ShallowReactive<{ place: Place }>
  join(seat: string): void
  leave(): void
  /** Never cuts a call of a page that answers; `though silent` takes it from one that does not. */
  takeOver(thoughSilent?: boolean): Promise<TakenOver>
}

export function makeOnePage(parts: Parts): OnePage {
  const state = shallowReactive<{ place: Place }>({ place: 'off' })
  let seat: string | null = null
  let channel: Channel | null = null
  let release: () => void = () => {}
  let giveUp: () => void = () => {}
  let answered: ((said: Said) => void) | null = null
  /** What an earlier wish for the lock brings is nothing to a later one. */
  let wish = 0

  const name = () => `hotline.phone.${seat}`

  function hold(mine: number): Promise<void> {
    return new Promise((done) => {
      if (mine !== wish || seat === null) return done()
      release = done
      state.place = 'here'
      parts.begin(seat)
    })
  }

  /** The lock went to another page, which asked for it. */
  function lost(mine: number): void {
    if (mine !== wish) return
    parts.end()
    void standInLine()
  }

  async function standInLine(): Promise<void> {
    const mine = ++wish
    const left = new AbortController()
    giveUp = () => left.abort()
    state.place = 'elsewhere'
    try {
      await parts.locks?.request(name(), { signal: left.signal }, () => hold(mine))
    } catch {
      lost(mine)
    }
  }

  async function first(): Promise<void> {
    const mine = ++wish
    state.place = 'asking'
    try {
      await parts.locks?.request(name(), { ifAvailable: true }, (lock) => {
        if (lock !== null) return hold(mine)
        if (mine === wish) void standInLine()
        return Promise.resolve()
      })
    } catch {
      lost(mine)
    }
  }

  function hear(said: Said): void {
    if (said.kind === 'answers') return answered?.(said)
    if (state.place !== 'here') return
    channel?.postMessage({ kind: 'answers', id: said.id, free: parts.isFree() } satisfies Said)
  }

  /** Whether the page that is the phone would give it; null: it says nothing. */
  function ask(): Promise<boolean | null> {
    const id = `${Date.now()}.${Math.random()}`
    return new Promise((done) => {
      const timer = setTimeout(() => finish(null), ANSWERS_WITHIN_MS)
      const finish = (free: boolean | null) => {
        clearTimeout(timer)
        answered = null
        done(free)
      }
      answered = (said) => {
        if (said.kind === 'answers' && said.id === id) finish(said.free)
      }
      channel?.postMessage({ kind: 'asks', id } satisfies Said)
    })
  }

  function steal(): void {
    giveUp()
    const mine = ++wish
    void parts.locks?.request(name(), { steal: true }, () => hold(mine)).catch(() => lost(mine))
  }

  const page: OnePage = {
    state,

    join(wanted) {
      if (seat === wanted) return
      page.leave()
      seat = wanted
      if (parts.locks === null) {
        state.place = 'here'
        return parts.begin(wanted)
      }
      channel = parts.channel(name(), (message) => hear(message as Said))
      void first()
    },

    leave() {
      if (seat === null) return
      wish += 1
      seat = null
      state.place = 'off'
      parts.end()
      giveUp()
      release()
      channel?.close()
      channel = null
    },

    async takeOver(thoughSilent = false) {
      if (state.place !== 'elsewhere') return 'taken'
      const free = await ask()
      // It may have come by itself meanwhile.
      if (state.place !== 'elsewhere') return 'taken'
      if (free === false) return 'talking'
      if (free === null && !thoughSilent) return 'silent'
      steal()
      return 'taken'
    },
  }
  return page
}
