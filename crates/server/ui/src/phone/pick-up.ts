// 自动应答: what the engine's headers ask of this phone (crates/calls/src/auto_answer.rs).

/** A phone that rings longer than this by itself is a fault of the header, s. */
const LONGEST_S = 60

/** Gives a header of the INVITE, or nothing where there is none. */
export type HeaderOf = (name: string) => string | undefined

const seconds = (digits: string | undefined): number | null => {
  const n = Number(digits ?? 0)
  return n <= LONGEST_S ? n : null
}

/** After how many seconds the phone picks up by itself; null: a person does. */
export function picksUpAfter(header: HeaderOf): number | null {
  const info = /;\s*answer-after\s*=\s*(\d+)/i.exec(header('Call-Info') ?? '')
  if (info) return seconds(info[1])
  const alert = header('Alert-Info') ?? ''
  const after = /;\s*answer-after\s*=\s*(\d+)/i.exec(alert)
  if (after) return seconds(after[1])
  if (/;\s*info\s*=\s*"?alert-autoanswer\b/i.test(alert))
    return seconds(/;\s*delay\s*=\s*(\d+)/i.exec(alert)?.[1])
  // RFC 5373 §3: `Manual` is the other word.
  return /^\s*auto\b/i.test(header('Answer-Mode') ?? '') ? 0 : null
}
