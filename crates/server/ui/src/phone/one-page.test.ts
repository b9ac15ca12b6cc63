import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ANSWERS_WITHIN_MS, type Channel, type Locks, makeOnePage } from './one-page'

/** The locks of one browser, as the Web Locks API describes them: one holder, the others in line. */
function browserLocks(): Locks {
  type Asked = { held: (lock: unknown) => Promise<void>; done: () => void; lost: (why: unknown) => void }
  let holder: Asked | null = null
  const line: Asked[] = []
  const grant = (asked: Asked) => {
    holder = asked
    void Promise.resolve()
      .then(() => asked.held({}))
      .then(() => {
        if (holder !== asked) return
        asked.done()
        holder = null
        const next = line.shift()
        if (next) grant(next)
      })
  }
  return {
    request: (_, { steal, ifAvailable, signal }, held) =>
      new Promise((done, lost) => {
        const asked = { held, done, lost }
        if (steal) {
          holder?.lost(new DOMException('stolen', 'AbortError'))
          grant(asked)
        } else if (holder === null) grant(asked)
        else if (ifAvailable) void held(null).then(done)
        else {
          line.push(asked)
          signal?.addEventListener('abort', () => {
            const at = line.indexOf(asked)
            if (at < 0) return
            line.splice(at, 1)
            lost(new DOMException('given up', 'AbortError'))
          })
        }
      }),
  }
}

function browser() {
  const locks = browserLocks()
  const ears = new Map<Channel, (message: unknown) => void>()
  const open = () => {
    const told = { free: true, deaf: false, log: [] as string[] }
    const page = makeOnePage({
      locks,
      channel: (_, hear) => {
        const own: Channel = {
          postMessage(message) {
            for (const [one, ear] of ears) if (one !== own) queueMicrotask(() => ear(message))
          },
          close: () => void ears.delete(own),
        }
        if (!told.deaf) ears.set(own, hear)
        return own
      },
      isFree: () => told.free,
      begin: (seat) => told.log.push(`begins ${seat}`),
      end: () => told.log.push('ends'),
    })
    return { page, told, place: () => page.state.place }
  }
  return { open }
}

const settle = () => vi.advanceTimersByTimeAsync(0)

describe('the pages of one browser', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  async function two(deaf = false) {
    const { open } = browser()
    const [first, second] = [open(), open()]
    first.told.deaf = deaf
    first.page.join('1001')
    await settle()
    second.page.join('1001')
    await settle()
    expect([first.place(), second.place()]).toEqual(['here', 'elsewhere'])
    expect([first.told.log, second.told.log]).toEqual([['begins 1001'], []])
    return { first, second, open }
  }

  it('have one phone, which goes to the next when its page goes', async () => {
    const { first, second } = await two()
    first.page.leave()
    await settle()
    expect([first.place(), second.place()]).toEqual(['off', 'here'])
    expect(first.told.log).toEqual(['begins 1001', 'ends'])
    expect(second.told.log).toEqual(['begins 1001'])
  })

  it('give it to the one that asks, and not to another in line', async () => {
    const { first, second, open } = await two()
    const third = open()
    third.page.join('1001')
    await settle()
    const taken = third.page.takeOver()
    await settle()
    expect(await taken).toBe('taken')
    await settle()
    expect([first.place(), second.place(), third.place()]).toEqual(['elsewhere', 'elsewhere', 'here'])
    expect(first.told.log).toEqual(['begins 1001', 'ends'])
    // Whoever gave it is in line again, behind who stood there.
    third.page.leave()
    await settle()
    expect([first.place(), second.place()]).toEqual(['elsewhere', 'here'])
    second.page.leave()
    await settle()
    expect(first.place()).toBe('here')
    expect(first.told.log).toEqual(['begins 1001', 'ends', 'begins 1001'])
  })

  it('do not cut a call', async () => {
    const { first, second } = await two()
    first.told.free = false
    const refused = second.page.takeOver(true)
    await settle()
    expect(await refused).toBe('talking')
    expect([first.place(), second.place()]).toEqual(['here', 'elsewhere'])
    expect(first.told.log).toEqual(['begins 1001'])
  })

  it('take it from a page that hangs only when told so', async () => {
    const { second } = await two(true)
    const asked = second.page.takeOver()
    await vi.advanceTimersByTimeAsync(ANSWERS_WITHIN_MS)
    expect(await asked).toBe('silent')
    expect(second.place()).toBe('elsewhere')
    const forced = second.page.takeOver(true)
    await vi.advanceTimersByTimeAsync(ANSWERS_WITHIN_MS)
    expect(await forced).toBe('taken')
    await settle()
    expect(second.place()).toBe('here')
  })

  it('stand in line no more once they want no phone', async () => {
    const { first, second } = await two()
    second.page.leave()
    await settle()
    first.page.leave()
    await settle()
    expect(second.told.log).toEqual(['ends'])
    expect(second.place()).toBe('off')
  })

  it('are each a phone where the browser knows no locks', () => {
    const log: string[] = []
    const page = makeOnePage({
      locks: null,
      channel: () => ({ postMessage: () => {}, close: () => {} }),
      isFree: () => true,
      begin: (seat) => log.push(seat),
      end: () => {},
    })
    page.join('1001')
    expect([page.state.place, log]).toEqual(['here', ['1001']])
  })
})
