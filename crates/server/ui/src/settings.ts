// The settings of the engine: what differs between the files and what is in force.

export type ChangeKind = 'added' | 'removed' | 'changed'

/** One key; of a secret neither value is told. */
export interface KeyChange {
  key: string
  was?: string
  is?: string
}

export interface ItemChange {
  file: string
  /** Which: `queue general`, `seat 1001`. */
  item: string
  kind: ChangeKind
  keys?: KeyChange[]
}

/** A fault or a warning; `line` 0 is the whole file. */
export interface ConfigNote {
  file: string
  line: number
  text: string
  what: string
  help: string | null
}

export interface ReloadReport {
  applied: boolean
  digest: string
  changes: ItemChange[]
  needs_restart: { file: string; item: string; keys: string[] }[]
  warnings: ConfigNote[]
}

/** How many items were added, removed and changed. */
export function countKinds(changes: readonly ItemChange[]): Record<ChangeKind, number> {
  const counts = { added: 0, removed: 0, changed: 0 }
  for (const change of changes) counts[change.kind] += 1
  return counts
}

/** The values of a key as shown: a quoted text without its quotes, nothing for what was not there. */
export function shownValue(value: string | undefined): string | null {
  if (value === undefined) return null
  const quoted = /^"(.*)"$/s.exec(value)
  return quoted ? (quoted[1] ?? '') : value
}

/** Whether the key changed without its values being told: a secret. */
export function isSecret(key: KeyChange): boolean {
  return key.was === undefined && key.is === undefined
}
