// The engine writes some reasons as short English sentences. Here they are said in Chinese; what is
// not known passes unchanged, so that nothing the engine says is ever hidden.

/** The floor's reasons for a match (crates/acd, floor/matching.rs). */
const WHY: readonly (readonly [RegExp, string])[] = [
  [/only ready seat \(idle (\d+) s\)/, '唯一空闲的坐席，已空闲 $1 秒'],
  [/longest idle \((\d+) s\) of (\d+) ready seats/, '$2 个空闲坐席中空闲最久，$1 秒'],
  [/, (\d+) that declined passed over/, '，跳过 $1 个未接的坐席'],
  [/, declined before but nobody else is free/, '，此前未接，但别无空闲坐席'],
  [/; only caller in \S+/, '；队列中仅此一人'],
  [/; caller first of (\d+) in [^\s,]+/, '；$1 人中排首位'],
  [/, most pressing of (\d+) queues/, '；$1 个队列中最急'],
]

export function whyInChinese(why: string): string {
  return WHY.reduce((text, [pattern, words]) => text.replace(pattern, words), why)
}

/**
 * Messages of the API come as `English / 中文`, some in English only. Gives the part for the
 * language, or all of it where there is only one.
 */
export function inLanguage(message: string, language: 'zh' | 'en'): string {
  const at = message.lastIndexOf(' / ')
  const chinese = message.slice(at + 3)
  if (at === -1 || !/\p{Script=Han}/u.test(chinese)) return message
  return language === 'zh' ? chinese : message.slice(0, at)
}
