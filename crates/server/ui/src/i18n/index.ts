// The language in force. Chinese first; the choice is remembered.
import { computed, watchEffect } from 'vue'
import { remembered } from '../remembered'
import { en } from './en'
import { type Messages, zh } from './zh'

const LANGUAGES = ['zh', 'en'] as const
export type Language = (typeof LANGUAGES)[number]

const ALL: Record<Language, Messages> = { zh, en }

export const language = remembered<Language>('language', LANGUAGES, 'zh')

/** All texts of the language in force. */
export const text = computed<Messages>(() => ALL[language.value])

watchEffect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en'
})
