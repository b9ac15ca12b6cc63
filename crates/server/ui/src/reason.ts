// The reasons for not being ready: the built-in ones in our words, the house's own in its words.
import type { Component } from 'vue'
import { Remove } from '@element-plus/icons-vue'
import { REASON_ICONS } from './components/icons'
import { text } from './i18n'
import { live } from './live'
import type { AnyReason, ReasonRow } from './words'

/** The house's own reasons. */
export function ownReasons(): readonly ReasonRow[] {
  return live.board.value?.raw.reasons ?? []
}

export function reasonName(reason: AnyReason): string {
  const known: Readonly<Record<string, string>> = text.value.reasons
  const own = ownReasons().find((row) => row.reason === reason)
  return known[reason] ?? own?.name ?? reason
}

export function reasonIcon(reason: AnyReason): Component {
  const known: Readonly<Record<string, Component>> = REASON_ICONS
  return known[reason] ?? Remove
}
