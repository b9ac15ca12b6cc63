// Numbers, times and durations as people read them. No words here: words are in i18n/.

/** Shown where there is nothing to show. */
export const NOTHING = '—'

const two = (n: number) => String(n).padStart(2, '0')

/** `7 s` is `0:07`, an hour and more `1:02:03`. Negative (a clock that jumped) is `0:00`. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  const h = Math.floor(s / 3600)
  const m = Math.floor(s / 60) % 60
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`
}

/** Distance from a beginning, with tenths: `+0.0`, `+12.3`, `+1:02.3`. */
export function offset(ms: number): string {
  const tenths = Math.max(0, Math.floor(ms / 100))
  const s = Math.floor(tenths / 10)
  if (s < 60) return `+${s}.${tenths % 10}`
  return `+${duration(s * 1000)}.${tenths % 10}`
}

/** Cut, not rounded, to one decimal: 94.96 % must not read 95.0 % while the target is missed. */
export function percent(value: number | null): string {
  if (value === null) return NOTHING
  // The small sum undoes binary error: 0.953 × 1000 is 952.9999….
  return (Math.floor(value * 1000 + 1e-9) / 10).toFixed(1)
}

export function count(n: number): string {
  return n.toLocaleString('en-US')
}

/** `14:03:22` in the viewer's time zone. */
export function clock(ms: number): string {
  const d = new Date(ms)
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
}

/** `2026-11-21 14:03:22`; for today only the time. */
export function moment(ms: number, now: number): string {
  const d = new Date(ms)
  if (d.toDateString() === new Date(now).toDateString()) return clock(ms)
  return `${date(ms)} ${clock(ms)}`
}

export function date(ms: number): string {
  const d = new Date(ms)
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`
}

/** Midnight of the day of `now`, in the viewer's time zone. */
export function midnight(now: number): number {
  return new Date(now).setHours(0, 0, 0, 0)
}

/** A case number in groups, easier to read aloud: date, time, serial. */
export function caseNumber(number: string): string {
  return /^\d{20}$/.test(number)
    ? `${number.slice(0, 8)} ${number.slice(8, 14)} ${number.slice(14)}`
    : number
}
