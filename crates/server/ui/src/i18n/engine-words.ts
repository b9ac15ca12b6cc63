// The engine writes some reasons as short English sentences. Here they are said in Chinese; what is
// not known passes unchanged, so that nothing the engine says is ever hidden.

/** The floor's reasons for a match (crates/acd, floor/matching.rs). */
const WHY: readonly (readonly [RegExp, string])[] = [
  [/only ready seat \(idle (\d+) s\)/, '唯一空闲的坐席，已空闲 $1 秒'],
  [/longest idle \((\d+) s\) of (\d+) ready seats/, '$2 个空闲坐席中空闲最久，$1 秒'],
  [/least occupied \((\d+) % lately\) of (\d+) ready seats/, '$2 个空闲坐席中近来最闲，占用 $1 %'],
  [/fewest calls \((\d+)\) of (\d+) ready seats/, '$2 个空闲坐席中接听最少，$1 通'],
  [
    /most skilled \(level (\d+), idle (\d+) s\) of (\d+) ready seats/,
    '$3 个空闲坐席中技能最高，$1 级，已空闲 $2 秒',
  ],
  [/next in turn of (\d+) ready seats/, '$1 个空闲坐席轮到的一个'],
  [/first in the fixed order of (\d+) ready seats/, '$1 个空闲坐席中次序最前'],
  [/drawn by weight \((\d+) of (\d+)\) of (\d+) ready seats/, '$3 个空闲坐席中按权重抽取，$1/$2'],
  [/picked by a supervisor; caller (\d+) of (\d+) in \S+/, '班长指派；$2 人中排第 $1 位'],
  [/, asked after (\d+) s of waiting/, '，等待满 $1 秒后扩大范围'],
  [/ who waited (\d+) s/, '，限已等 $1 秒者'],
  [/ by a wait of (\d+) s, before a better priority/, '，已等 $1 秒，先于更高优先级'],
  [/, (\d+) that declined passed over/, '，跳过 $1 个未接的坐席'],
  [/, declined before but nobody else is free/, '，此前未接，但别无空闲坐席'],
  [/; only caller in \S+/, '；队列中仅此一人'],
  [/; caller first of (\d+) in [^\s,]+/, '；$1 人中排首位'],
  [/, most pressing of (\d+) queues/, '；$1 个队列中最急'],
]

/** Why a call left its queue (crates/acd, overflow.rs). */
const OVERFLOW: readonly (readonly [RegExp, string])[] = [
  [/^waited (\d+) s, at most (\d+) s here$/, '已等 $1 秒，本队列限 $2 秒'],
  [/^expected to wait (\d+) s, at most (\d+) s here$/, '预计等待 $1 秒，本队列限 $2 秒'],
  [/^no seat signed in for (\d+) s$/, '已 $1 秒无坐席签入'],
  [/^queue full \((\d+) waiting\)$/, '队列已满，$1 人等待'],
]

export function overflowInChinese(why: string): string {
  return OVERFLOW.reduce((text, [pattern, words]) => text.replace(pattern, words), why)
}

/** Why a call still waits (crates/acd, explain.rs). */
const WAITS: readonly (readonly [RegExp, string])[] = [
  [/^seat (\S+) is being rung for it$/, '正在呼叫 $1 号坐席'],
  [/^it is held for seat (\S+) for a while$/, '暂留给 $1 号坐席'],
  [/^(\d+) callers? (?:is|are) ahead in \S+$/, '前面还有 $1 人'],
  [/^no seat serves \S+ with its skills$/, '没有坐席具备该队列所需技能'],
  [/^(\d+) further seats are asked in \S+ after (\d+) s of waiting$/, '等待满 $2 秒后再加 $1 个坐席'],
  [/^(\d+) of the seats of \S+: (.*)$/, '$1 个坐席：$2'],
  [/in a talk$/, '通话中'],
  [/being rung$/, '振铃中'],
  [/wrapping up$/, '整理中'],
  [/in a call of their own$/, '占线'],
  [/without a registered phone$/, '话机未注册'],
  [/with a desk that is cut off$/, '席位失联'],
  [/left alone after a refused or failed offer$/, '刚拒接或未接通，暂不分配'],
  [/not ready \(signed out\)$/, '未签入'],
  [/not ready \(break\)$/, '小休'],
  [/not ready \(meal\)$/, '就餐'],
  [/not ready \(meeting\)$/, '会议'],
  [/not ready \(training\)$/, '培训'],
  [/not ready \(coaching\)$/, '辅导'],
  [/not ready \(did not answer\)$/, '久振不接，强制示忙'],
  [/not ready \(refused calls\)$/, '拒接，强制示忙'],
  [/not ready \(by a supervisor\)$/, '班长强制示忙'],
  // A reason of the house's own stays as the house named it.
  [/not ready \(([^)]+)\)$/, '示忙（$1）'],
  [/signed out$/, '未签入'],
]

export function waitsInChinese(why: string): string {
  return WAITS.reduce((text, [pattern, words]) => text.replace(pattern, words), why)
}

export function whyInChinese(why: string): string {
  return WHY.reduce((text, [pattern, words]) => text.replace(pattern, words), why)
}

/** Why a call or an offer ended (crates/calls, stage/; ivr-scripts/survey.toml). */
const CAUSES: Readonly<Record<string, string>> = {
  'hung up': '挂断',
  'caller hung up': '市民挂断',
  'caller gone': '市民已离开',
  'survey answered': '评价完成',
  'survey not answered': '未作评价',
  'survey over': '评价结束',
  'message left': '已留言',
  'the longest wait passed': '超过最长等待时间',
  'the longest time in line passed': '超过回呼最长保留时间',
  'the caller rang again': '市民重新来电',
  'the queue is served no more': '队列已停用',
  'the queue is no more': '队列已停用',
  'the number is withheld': '主叫号码保密或未知',
  'the caller is no citizen': '不是市民来电',
  'the caller is being called back already': '该号码已在等待回呼',
  'as many are being called back as can be': '等待回呼的人数已满',
  'the engine stopped in the last attempt': '最后一次回呼时引擎停止',
  "no sound from the caller's side": '市民一侧长时间无声音',
  'the answer was never acknowledged': '应答未被确认',
  'connection lost': '连接丢失',
  'the phone is gone': '话机离线',
  'signed out': '已签出',
  'taken over by another phone': '在另一话机登录',
  'another agent logged in': '其他坐席在此登录',
  'another agent is logged in at the phone': '该话机已有坐席登录',
  'the seat has another phone': '该坐席已有其他话机',
  'wrong PIN': '密码错误',
  'locked after too many wrong PINs': '密码错误次数过多，暂停登录',
  'a call is under way': '正在通话',
  'the seat may take no calls at this time': '坐席不在有效期内',
  'not answering': '无应答',
  unregistered: '已注销',
  expired: '注册过期',
  'the other side stopped answering': '对端无响应',
  'cancelled before the answer': '接通前取消',
  'no usable session description': '没有可用的媒体协商',
  'the media worker did not answer in time': '媒体处理超时',
  'number not served': '号码未开通',
  'too many calls': '并发来电已满',
  'not allowed': '来源不被允许',
  stopping: '系统正在停止',
  'the trunk carries as many calls as it may': '中继并发已满',
  'no trunk is up and has room': '没有可用的中继',
  'the trunk does not answer': '中继无应答',
  'the trunk is not available': '中继不可用',
  'nobody answered': '久振无人接听',
  'the seat hung up before the answer': '接通前坐席挂断',
  'no sound from outside': '对方一侧长时间无声音',
  'no sound from the seat': '坐席一侧长时间无声音',
  'the seat may not dial this number (outbound_prefixes in seats.toml)':
    '坐席无权外呼此号码（seats.toml 的 outbound_prefixes）',
  'no trunk may carry this number (outbound_prefixes in trunks.toml)':
    '没有中继允许此号码（trunks.toml 的 outbound_prefixes）',
  'number not served, and none to dial outside': '号码未开通，也不是可外呼的号码',
  'no answer': '无应答',
  'cannot be reached': '无法到达',
  'its certificate is from nobody we trust': '其证书的签发者不受信任',
  'its certificate has expired': '其证书已过期',
  'its certificate is not valid yet': '其证书尚未生效',
  'the TLS handshake took too long': 'TLS 握手超时',
  'TLS is not configured': '本机未配置 TLS',
  answers: '有应答',
  'tried again': '重新尝试',
  'the engine stopped in mid-call': '通话中系统停止',
  overload: '系统繁忙',
  'too many calls a second on this trunk': '该中继来电过密',
  'too many requests from an unknown address': '未知地址请求过多',
  'wrong passwords': '密码多次错误',
  'the caller was given on': '市民已转出',
  released: '已释放',
  'took the caller over': '接手市民',
  'the agent left': '坐席已退出',
  'the talk is over': '通话已结束',
  'no sound from the guest': '未收到声音',
  'there is no talk to take over': '已无通话可接',
  'a fault of the engine': '系统内部故障',
  cancelled: '已取消',
  'unusable session': '没有可用的媒体协商',
  redirected: '话机要求改转',
  full: '队列已满',
  'no space left': '磁盘已满',
  'the recorder is too far behind': '录音写入跟不上',
  'the media thread is too far behind or gone': '媒体处理跟不上',
}

export function causeInChinese(cause: string): string {
  const known = CAUSES[cause]
  if (known !== undefined) return known
  // A trunk's row names the target first, and may say more behind what it says:
  // `TLS 192.0.2.1:5061: cannot be reached: its certificate has expired`.
  const at = cause.indexOf(': ')
  const behind = cause.slice(at + 2)
  const said = at === -1 ? behind : causeInChinese(behind)
  if (said !== behind) return `${causeInChinese(cause.slice(0, at))}：${said}`
  return cause
    .replace(/^status (\d{3})$/, '状态码 $1')
    .replace(/^redirected to /, '话机要求改转至 ')
    .replace(/^its certificate is not for (\S+)$/, '其证书不属于 $1')
    .replace(/^its certificate is unusable: /, '其证书不可用：')
    .replace(/^no TLS with it: /, '无法与其建立 TLS：')
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
