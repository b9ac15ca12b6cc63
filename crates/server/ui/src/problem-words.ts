// What a failed request says to a person: the engine's words, or ours where no engine answered.
import type { Problem } from './api'
import { text } from './i18n'

export function problemWords(problem: Problem) {
  const t = text.value.problem
  const silent = problem.status === 0
  const fallback = silent ? t.noAnswer : t.status(problem.status)
  const fallbackHelp = silent ? t.noAnswerHelp : t.statusHelp
  return {
    message: problem.message || fallback,
    help: problem.help ?? (problem.message ? null : fallbackHelp),
    code: t.code(problem.code),
    retry: text.value.retry,
  }
}
