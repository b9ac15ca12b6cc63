// What a failed request says to a person: the engine's words, or ours where no engine answered.
import type { Problem } from './api'
import { language, text } from './i18n'
import { inLanguage } from './i18n/engine-words'

export function problemWords(problem: Problem) {
  const t = text.value.problem
  const silent = problem.status === 0
  const fallback = silent ? t.noAnswer : t.status(problem.status)
  const fallbackHelp = silent ? t.noAnswerHelp : t.statusHelp
  return {
    message: inLanguage(problem.message, language.value) || fallback,
    help: problem.help
      ? inLanguage(problem.help, language.value)
      : problem.message
        ? null
        : fallbackHelp,
    code: t.code(problem.code),
    retry: text.value.retry,
  }
}
