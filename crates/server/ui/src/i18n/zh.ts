// 中文文本。All Chinese texts of the pages; en.ts has the same keys.
import { duration } from '../format'
import { outsideNumber } from '../talk'
import type { GuestMode, Reason } from '../words'
import { causeInChinese, overflowInChinese, whyInChinese } from './engine-words'
import type { EventTexts, FigureTexts } from './shape'
import { zhDirection, zhPhone, zhTalk } from './zh-phone'
import { zhBlockEvents, zhBlocks, zhCallers, zhTaskEvents, zhTasks } from './zh-tasks'

const reasons: Record<Reason, string> = {
  'logged-out': '未签入',
  break: '小休',
  meal: '就餐',
  meeting: '会议',
  training: '培训',
  coaching: '辅导',
  'ring-no-answer': '强制 · 久振不接',
  refused: '强制 · 拒接',
  forced: '强制 · 班长',
}

const looks = {
  ready: '空闲',
  reserved: '预占',
  ringing: '振铃',
  talking: '通话',
  hold: '保持',
  'wrap-up': '整理',
  busy: '占线',
  'not-ready': '示忙',
  'logged-out': '未签入',
  offline: '离线',
}

const parties = { caller: '市民', agent: '坐席', engine: '系统', network: '线路' }

const guestModes = {
  monitor: '监听',
  whisper: '耳语',
  barge: '强插/三方',
  consult: '咨询',
  'take-over': '抢接',
}

const messageEnds = {
  key: '按键结束',
  time: '到时结束',
  'hang-up': '市民挂断',
  network: '线路中断',
  interrupted: '引擎中断',
}

const outcomes = {
  answered: '人工接听',
  abandoned: '排队放弃',
  'left-menu': '语音中挂断',
  'left-message': '已留言',
  'timed-out': '等待超时',
  overflowed: '溢出分流',
  refused: '队列未收',
  rejected: '未接入',
  unreached: '回呼未接通',
  'rang-again': '重新来电',
  failed: '故障中断',
  interrupted: '系统中断',
}

const offers = {
  answered: '已接听',
  'no-answer': '久振未接',
  refused: '拒接',
  unreachable: '话机不可达',
  'caller-gone': '振铃中市民挂断',
  withdrawn: '系统收回',
}

const meanings: Record<string, string> = {
  'very-satisfied': '非常满意',
  satisfied: '满意',
  'fairly-satisfied': '基本满意',
  dissatisfied: '不满意',
  'very-dissatisfied': '非常不满意',
  solved: '已解决',
  'not-solved': '未解决',
}

const meaning = (word: string | null) => (word === null ? '' : (meanings[word] ?? word))

/** 时长，用于句子：不足一分钟带一位小数。 */
function spell(ms: number): string {
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} 秒`
  return duration(ms)
}

/** 坐席请求的写法见 calls/orders.rs：`ready`、`not-ready meal`、`end-wrap-up`。 */
function request(word: string): string {
  const [what, why] = word.split(' ')
  if (what === 'ready') return '示闲'
  if (what === 'sign-out') return '签出'
  if (word === 'second phone refused') return '另一话机注册（已拒绝）'
  if (word === 'second phone takes over') return '另一话机注册（顶替原话机）'
  if (what === 'end-wrap-up') return '结束整理'
  if (what === 'extend-wrap-up') return `延长整理 ${why ?? ''} 秒`
  if (what === 'transfer') return why === undefined ? '转接' : `转接至 ${why.replace(/^queue:/, '队列 ')}`
  if (what === 'supervise') return `${guestModes[why as GuestMode] ?? '监督'}（${word.split(' ').pop()} 号坐席）`
  if (word.startsWith('end supervision')) return `结束监督（${word.split(' ').pop()} 号坐席）`
  if (what === 'consult') {
    const steps = { merge: '转为三方通话', complete: '完成咨询转接', cancel: '取消咨询' }
    return steps[why as keyof typeof steps] ?? (why === undefined ? '咨询' : `咨询 ${guest(why).trim()}`)
  }
  if (what === 'recording') return why === 'pause' ? '暂停录音' : '恢复录音'
  if (what === 'card') return word.endsWith('on') ? '开始卡号输入' : '结束卡号输入'
  if (what === 'not-ready') return `示忙 · ${own(why ?? '')}`
  return word
}

/** 自定义原因在日志中只有代码。 */
const own = (why: string) => (reasons as Record<string, string>)[why] ?? why

const through = (way: string) =>
  way === 'phone' ? '话机' : way === 'engine' ? '系统' : way.startsWith('api:') ? `页面，${way.slice(4)}` : way

/** 转接去向：坐席号、`queue:名称` 或 `outside:号码`。 */
const target = (to: string, queue: (id: string) => string) =>
  to.startsWith('queue:') ? `「${queue(to.slice(6))}」队列` : ` ${zhTalk.party(to)}`

/** 通话的第三方：坐席，或外部号码。 */
const guest = (name: string) =>
  outsideNumber(name) === null ? `${name} 号坐席` : `${zhTalk.party(name)} `

const spoke = (e: { party: 'caller' | 'agent' | 'guest'; guest?: string }) =>
  e.party === 'caller' ? '市民' : e.guest === undefined ? '坐席' : guest(e.guest)

/** 溢出去向：`queue:名称`、`script:名称` 或 `outside:号码`。 */
const overflowTarget = (to: string, queue: (id: string) => string) =>
  to.startsWith('queue:')
    ? `「${queue(to.slice(6))}」队列`
    : to.startsWith('script:')
      ? `语音流程「${to.slice(7)}」`
      : `外部号码 ${to.slice(8)}`

/** 千分数写成百分数。 */
const tenth = (permille: number | null) => (permille === null ? '未知' : `${permille / 10} %`)

const events: EventTexts = {
  'engine-started': (e) => `系统启动（版本 ${e.version}）`,
  'engine-stopped': () => '系统正常停止',
  'page-signed-in': (e) =>
    `${e.user} 从 ${e.from} 登录页面${e.ended > 0 ? `，顶替原有 ${e.ended} 处登录` : ''}`,
  'page-sign-in-refused': (e) => `${e.user} 已在别处登录，拒绝从 ${e.from} 登录`,
  'seat-desk-lost': (e) => `${e.seat} 号席位失联（页面中断 ${spell(e.after_ms)}），暂不分配来电`,
  'seat-desk-back': (e) => `${e.seat} 号席位恢复，失联 ${spell(e.lost_ms)}`,
  'phone-device-changed': (e) =>
    `公用话机 ${e.phone} ${e.device === 'registered' ? '已注册' : '离线'}（${e.detail}）`,
  'seat-lent-phone': (e) => `${e.seat} 号坐席在公用话机 ${e.phone} 登录`,
  'seat-gave-phone-back': (e) =>
    `${e.seat} 号坐席归还公用话机 ${e.phone}（${causeInChinese(e.why)}）`,
  'phone-log-in-refused': (e) =>
    `公用话机 ${e.phone} 拒绝${e.seat === null ? '' : ` ${e.seat} 号坐席`}登录（${causeInChinese(e.why)}）`,
  'phone-log-in-locked': (e) =>
    `密码错误次数过多：${e.seat === null ? `公用话机 ${e.phone}` : `${e.seat} 号坐席`}暂停登录 ${e.for_s / 60} 分钟`,
  'settings-read': (e) => `读取设置：${e.queues} 个队列，${e.seats} 个坐席`,
  'settings-changed': (e) =>
    `设置已更改（${e.by}）：${e.changes.map((it) => it.item).slice(0, 5).join('、')}${e.changes.length + (e.more ?? 0) > 5 ? ` 等 ${e.changes.length + (e.more ?? 0)} 项` : ''}`,
  'call-arrived': (e) =>
    `${e.caller || '匿名号码'} 拨打 ${e.called}，${e.trunk === null ? '由坐席话机呼入' : `经中继 ${e.trunk} 进线`}`,
  'invite-rejected': (e) =>
    `拒绝来电 ${e.caller || '匿名号码'} → ${e.called}：${e.status}（${causeInChinese(e.cause)}）`,
  'requests-turned-away': (e) =>
    `一秒内未受理${e.trunk === null ? '' : `（中继 ${e.trunk}）`}：来电 ${e.invites} 个，其他请求 ${e.others} 个（${causeInChinese(e.cause)}）`,
  'recording-sound-lost': (e) => `录音盘跟不上，缺失声音 ${spell(e.blocks * 20)}`,
  'recording-disk-stalled': (e) => `录音盘停止响应，已 ${spell(e.for_ms)}；声音暂存内存`,
  'recording-disk-followed': (e) => `录音盘恢复响应，曾停 ${spell(e.after_ms)}`,
  'recording-space-low': (e) => `录音空间不足：剩余 ${e.free_mb} MB，应留 ${e.keep_free_mb} MB`,
  'recording-space-regained': (e) => `录音空间恢复：剩余 ${e.free_mb} MB`,
  'staffing-forecast': (e, queue) =>
    e.needed === null
      ? `「${queue(e.queue)}」未来 15 分钟所需坐席未知（在席 ${e.serving} 个）`
      : `「${queue(e.queue)}」未来 15 分钟需 ${e.needed} 个坐席，在席 ${e.serving} 个`,
  'service-level-alerted': (e, queue) =>
    e.needed === null
      ? `预警：「${queue(e.queue)}」有人等待，在席坐席 ${e.serving} 个`
      : `预警：「${queue(e.queue)}」未来 15 分钟预计接通率 ${tenth(e.answered_permille)}（目标 ${tenth(e.answered_target_permille)}），还需 ${Math.max(0, e.needed - e.serving)} 个坐席`,
  'service-level-recovered': (e, queue) =>
    `「${queue(e.queue)}」预警解除，历时 ${spell(e.lasted_ms)}`,
  'source-banned': (e) =>
    `暂停受理来自 ${e.source} 的请求，${spell(e.for_s * 1_000)}（${causeInChinese(e.cause)}）`,
  'fault-caught': (e) =>
    e.call === null
      ? `系统内部故障已拦截，运行未受影响：${e.fault}`
      : `系统内部故障：本通来电已结束，其他来电不受影响（${e.fault}）`,
  'call-answered': () => '系统应答来电',
  'script-started': (e) => `开始语音流程「${e.script}」`,
  'menu-chosen': (e) =>
    e.digit === null ? `菜单「${e.menu}」未按键，等待已满` : `菜单「${e.menu}」按 ${e.digit} 键`,
  'queue-entered': (e, queue) =>
    `请求人工，进入「${queue(e.queue)}」队列，排第 ${e.position} 位（优先级 ${e.priority}）`,
  'queue-refused': (e, queue) => `「${queue(e.queue)}」队列未接收（${causeInChinese(e.cause)}）`,
  'queue-overflowed': (e, queue) =>
    `离开「${queue(e.queue)}」队列，转往${overflowTarget(e.to, queue)}（${overflowInChinese(e.why)}）`,
  'callback-requested': (e, queue) =>
    `要求回呼 ${e.number}：保留在「${queue(e.queue)}」队列的位置，最多呼叫 ${e.attempts} 次`,
  'callback-refused': (e) => `不能安排回呼（${causeInChinese(e.cause)}）`,
  'callback-restored': (e, queue) => `引擎重启后，回呼仍保留在「${queue(e.queue)}」队列`,
  'callback-dialled': (e) => `${e.seat} 号坐席已接起，开始第 ${e.attempt} 次回呼`,
  'callback-failed': (e) =>
    `第 ${e.attempt} 次回呼未接通（${causeInChinese(e.cause)}）${
      e.again_after_s === null ? '' : `，${spell(e.again_after_s * 1000)}后再呼`
    }${e.not_counted ? '，不计次数' : ''}`,
  'callback-reached': (e) => `第 ${e.attempt} 次回呼接通，距要求回呼 ${spell(e.since_requested_ms)}`,
  'call-prioritised': (e) => `班长调整优先级为 ${e.priority}（${through(e.by)}）`,
  'call-moved': (e, queue) =>
    `班长由「${queue(e.from)}」队列移到「${queue(e.to)}」队列，排队时间不变（${through(e.by)}）`,
  'call-picked': (e) => `班长指派给 ${e.seat} 号坐席（${through(e.by)}）`,
  'seat-offered': (e) => `分配给 ${e.seat} 号坐席（${whyInChinese(e.why)}）`,
  'offer-ended': (e) => `${e.seat} 号坐席${offers[e.result]}，历时 ${spell(e.rang_ms)}`,
  'offer-redirected': (e) =>
    `${e.seat} 号坐席话机要求改转别处，未予执行（${causeInChinese(e.detail)}）`,
  'seat-answered': (e) =>
    `${e.seat} 号坐席接起：进线后 ${spell(e.since_arrival_ms)}，排队 ${spell(e.since_queue_ms)}`,
  'seat-announced': (e) => `向市民报工号：${e.seat} 号话务员`,
  'talk-started': (e) => `与 ${e.seat} 号坐席开始通话`,
  'talk-held': (e) => `${parties[e.by]}保持通话`,
  'talk-resumed': (e) => `${parties[e.by]}恢复通话`,
  'talk-transferred': (e, queue) =>
    e.kind === 'take-over'
      ? `${e.to} 号坐席（班长）抢接了 ${e.from} 号坐席的通话`
      : `${e.from} 号坐席${e.kind === 'attended' ? '咨询后' : ''}将市民转接至${target(e.to, queue)}`,
  'transfer-failed': (e, queue) =>
    `${e.from} 号坐席转接至${target(e.to, queue)} 未成功（${causeInChinese(e.cause)}），${e.back ? '市民回到原坐席' : '市民回到队列'}`,
  'consult-started': (e) => `${e.from} 号坐席咨询 ${e.to} 号坐席`,
  'consult-ended': (e) =>
    e.talk_ms === 0
      ? `${e.from} 号坐席咨询 ${e.to} 号坐席，未接通（${causeInChinese(e.cause)}）`
      : `${e.from} 号与 ${e.to} 号坐席咨询结束：${spell(e.talk_ms)}（${causeInChinese(e.cause)}）`,
  'guest-called': (e) => `呼叫 ${guest(e.guest)}${guestModes[e.mode]} ${e.seat} 号坐席的通话`,
  'guest-joined': (e) => `${guest(e.guest)}加入通话（${guestModes[e.mode]}）`,
  'guest-mode-changed': (e) => `${guest(e.guest)}改为${guestModes[e.mode]}`,
  'guest-left': (e) =>
    `${guest(e.guest)}退出${guestModes[e.mode]}（${causeInChinese(e.cause)}）`,
  'guest-silent': (e) => `${guest(e.guest)}接通后 ${e.after_s} 秒未应话，坐席可以退出`,
  'guest-spoke': (e) => `${guest(e.guest)}已应话，坐席可以退出`,
  'party-silent': (e) =>
    `${e.party === 'caller' ? '市民' : `${e.seat} 号坐席`}通话 ${e.after_s} 秒未出声`,
  'recording-paused': (e) => `暂停录音：${e.reason}（${through(e.by)}）`,
  'recording-resumed': (e) => `恢复录音：${causeInChinese(e.reason)}（${through(e.by)}）`,
  'card-entry-began': (e) => `开始卡号输入，市民的声音与按键不外放、不录音（${through(e.by)}）`,
  'card-entry-ended': (e) => `卡号输入结束（${through(e.by)}）`,
  'recording-started': () => '开始录音',
  'recording-closed': (e) => `录音完成，长 ${spell(e.ms)}，校验 ${e.sha256.slice(0, 12)}`,
  'recording-failed': (e) => `录音失败（${causeInChinese(e.cause)}），通话未受影响`,
  'sound-measured': (e) =>
    `${spoke(e)}一方音质评分 ${(e.score / 100).toFixed(2)}（满分 4.41）：丢包 ${e.lost}/${e.received + e.lost}，抖动 ${(e.jitter_us / 1000).toFixed(1)} 毫秒${e.round_trip_us === null ? '' : `，往返 ${Math.round(e.round_trip_us / 1000)} 毫秒`}`,
  'message-began': (e) => (e.kind === 'remark' ? '开始录制评价留言' : '开始录制留言'),
  'message-left': (e) =>
    `${e.kind === 'remark' ? '评价留言' : '留言'}完成，${spell(e.ms)}（${messageEnds[e.ended]}）`,
  'message-heard': (e) => `${e.by} 收听留言`,
  'message-settled': (e) => `${e.by} 办结留言${e.note === '' ? '' : `：${e.note}`}`,
  'recording-fetched': (e) => `${e.by} 调听录音`,
  'talk-ended': (e) =>
    `通话结束，${parties[e.released_by]}先挂断：通话 ${spell(e.talk_ms)}${e.hold_ms > 0 ? `，其中保持 ${spell(e.hold_ms)}` : ''}`,
  'survey-offered': (e) => `请市民评价 ${e.seat} 号坐席的服务`,
  'survey-answered': (e) => `市民按 ${e.digit} 键评价：${meaning(e.meaning)}`,
  'survey-unanswered': () => '市民未作评价',
  'call-ended': (e) =>
    `来电结束：${outcomes[e.outcome]}，${parties[e.released_by]}释放，全程 ${spell(e.total_ms)}`,
  'call-dialled': (e) =>
    `${e.seat} 号坐席外呼 ${e.called}${e.purpose === undefined ? '' : `（点击外呼：${e.purpose}）`}`,
  'dial-rejected': (e) => `拒绝 ${e.seat} 号坐席外呼 ${e.called}：${e.status}（${causeInChinese(e.cause)}）`,
  'trunk-tried': (e) => `经中继 ${e.trunk}（${e.target}）呼叫 ${e.called}`,
  'trunk-failed': (e) => `中继 ${e.trunk} 未接通：${e.status}（${causeInChinese(e.cause)}）`,
  'outside-answered': (e) => `被叫应答，经中继 ${e.trunk}，${spell(e.since_dialled_ms)}`,
  'dial-ended': (e) =>
    `外呼结束：${e.outcome === 'answered' ? '已接通' : causeInChinese(e.cause)}，${e.released_by === 'caller' ? '被叫' : parties[e.released_by]}释放，通话 ${spell(e.talk_ms)}`,
  'trunk-state-changed': (e) =>
    `中继 ${e.trunk} ${{ up: '可用', unknown: '状态未知', down: '中断' }[e.state]}：${e.target}（${causeInChinese(e.detail)}）`,
  'seat-device-changed': (e) =>
    `${e.seat} 号坐席话机${e.device === 'registered' ? '已注册' : '离线'}（${e.detail}）`,
  'seat-changed': (e) =>
    `${e.seat} 号坐席${e.work === 'free' ? (e.intent === 'ready' ? looks.ready : `示忙（${own(e.reason ?? '')}）`) : looks[e.work]}`,
  'caller-recognised': (e) => zhBlockEvents.recognised(e.calls, e.within_h, e.last_seat),
  'block-proposed': (e) => zhBlockEvents.proposed(e.by, e.number || '保密号码', e.reason),
  'block-approved': (e) => zhBlockEvents.approved(e.by, e.block),
  'block-refused': (e) => zhBlockEvents.refused(e.by, e.block, e.reason),
  'block-lifted': (e) => zhBlockEvents.lifted(e.by, e.block, e.reason),
  'block-expired': (e) => zhBlockEvents.expired(e.block),
  'caller-blocked': (e) => zhBlockEvents.caller(e.block),
  'task-rules-set': (e) => zhTaskEvents.rules(e.first_try_minutes, e.retry_after_minutes, e.attempts),
  'task-added': (e) => zhTaskEvents.added(e.by, e.number),
  'task-taken': (e) => zhTaskEvents.taken(e.seat, e.task),
  'task-let-go': (e) => zhTaskEvents.letGo(e.seat, e.task),
  'task-closed': (e) => zhTaskEvents.closed(e.by, e.task, e.end, e.reason),
  'task-result-entered': (e) => zhTaskEvents.result(e.seat, e.task, e.result, e.score, e.remark),
  'task-revealed': (e) => zhTaskEvents.revealed(e.by, e.task, e.reason),
  'task-shown': (e) => zhTaskEvents.shown(e.by, e.task),
  'seat-requested': (e) =>
    `${e.seat} 号坐席${e.done ? '' : '未能'}${request(e.request)}（${through(e.through)}）`,
}

const figures: FigureTexts = {
  'answer-rate': {
    name: '人工接通率',
    formula: '人工接听量 ÷ 进线总量（含被拒绝的来电）',
    top: '人工接听量',
    bottom: '进线总量',
    note: '滚动 24 小时，目标不低于 95 %（GB/T 33358）',
  },
  'service-level': {
    name: '15 秒接通率',
    formula: '15 秒内人工接听量 ÷ 人工请求量',
    top: '15 秒内接听',
    bottom: '人工请求量',
    note: '自进入队列起计；人工请求量 = 接听 + 放弃 + 等待超时 + 队列未收 + 排队后留言',
  },
  'in-time-rate': {
    name: '应答及时率',
    formula: '15 秒内人工接听量 ÷ 人工接听量',
    top: '15 秒内接听',
    bottom: '人工接听量',
    note: '只看接通的来电；放弃的来电计入“15 秒接通率”',
  },
  waiting: {
    name: '正在等待',
    formula: '各队列中等候人工的来电数之和',
    top: '等待数',
    bottom: '',
    note: '此刻',
  },
  'longest-wait': {
    name: '最长等待',
    formula: '此刻仍在队列中的来电，已等候的最长时间',
    top: '毫秒',
    bottom: '',
    note: '自进入队列起计，转队列不清零',
  },
  'ready-seats': {
    name: '空闲 / 在岗',
    formula: '示闲且空闲、话机在线的坐席数 ÷ 在岗坐席数',
    top: '空闲坐席',
    bottom: '在岗坐席',
    note: '在岗 = 已签入且话机在线，或正在处理来电',
  },
  talking: {
    name: '通话中',
    formula: '处于通话或保持状态的坐席数',
    top: '通话坐席',
    bottom: '',
    note: '此刻',
  },
  abandoned: {
    name: '放弃率',
    formula: '排队放弃量 ÷ 人工请求量',
    top: '排队放弃',
    bottom: '人工请求量',
    note: '滚动 24 小时；市民在人工接听前挂断',
  },
  participation: {
    name: '参评率',
    formula: '参评量 ÷ 触发评价量',
    top: '参评',
    bottom: '触发',
    note: '按键只取自市民一侧的线路，坐席不能代按',
  },
  satisfaction: {
    name: '满意率',
    formula: '评价满意量 ÷ 参评量',
    top: '满意',
    bottom: '参评',
    note: '滚动 24 小时',
  },
  'called-back': {
    name: '漏接及时回拨',
    formula: '规定时间内首拨的号码数 ÷ 登记的漏接号码数',
    top: '及时首拨',
    bottom: '漏接登记',
    note: '滚动 24 小时，按号码合并；市民再次来电接通不算回拨',
  },
}

export const zh = {
  product: '12345 热线',
  platform: '话务平台',
  skip: '跳到主要内容',
  none: '无',
  close: '关闭',
  retry: '重试',
  reload: '刷新',
  copy: '复制',
  copied: '已复制',
  seconds: (n: number) => `${n} 秒`,
  times: (n: number) => `${n} 通`,
  looks,
  reasons,
  parties,
  outcomes,
  meaning,
  cause: causeInChinese,
  events,
  figures,
  unknownEvent: (type: string) => `发生了 ${type}（此页面尚不认识的事件）`,
  stages: {
    arriving: '进线',
    menu: '语音',
    waiting: '等待',
    'callback-waiting': '回呼等待',
    offering: '振铃',
    'calling-back': '正在回呼',
    talking: '通话',
    transferring: '转接',
    surveying: '评价',
    dialling: '外呼',
  },
  trunkStates: { up: '可用', unknown: '未知', down: '中断' },
  devices: { registered: '话机在线', unregistered: '话机离线' },
  roles: { supervisor: '班长', agent: '话务员' },
  running: '进行中',

  settings: {
    title: '设置',
    lead: '修改配置文件后，先比对差异，再使之生效。通话与排队不受影响。',
    compare: '比对差异',
    apply: '应用更改',
    confirm: '以上更改将立即生效，并记入日志。是否继续？',
    confirmTitle: '应用更改',
    cancel: '取消',
    applied: '更改已生效',
    same: '文件与当前设置一致，无需更改',
    summary: (added: number, removed: number, changed: number) =>
      `新增 ${added} 项，删除 ${removed} 项，修改 ${changed} 项`,
    kinds: { added: '新增', removed: '删除', changed: '修改' },
    file: '文件',
    item: '项目',
    key: '键',
    was: '原值',
    is: '新值',
    secret: '已更改（不显示）',
    none: '（无）',
    restart: '以下更改需重启系统后生效',
    warnings: '提醒',
    faults: '配置文件有误，未作任何更改',
    line: (file: string, line: number) => (line > 0 ? `${file} 第 ${line} 行` : file),
    digest: '设置摘要（SHA-256）',
    removedNote: '被删除的坐席完成当前通话后退出；被删除队列中的来电仍由原坐席接听。',
  },
  nav: {
    main: '主导航',
    wallboard: '大屏',
    calls: '通话记录',
    cases: '工单',
    messages: '留言',
    tasks: '待办',
    blocks: '黑名单',
    day: '考勤',
    seat: '坐席',
    mySeat: '我的坐席',
    settings: '设置',
    language: 'English',
    languageLabel: 'Switch to English',
    toDark: '切换为深色',
    toLight: '切换为浅色',
    fullScreen: '全屏',
    signOut: '退出登录',
    version: (version: string) => `版本 ${version}`,
  },

  link: {
    connecting: '连接中',
    live: '实时',
    polling: '轮询',
    lost: '连接中断',
    connectingHint: '正在连接引擎',
    liveHint: '与引擎保持实时连接',
    pollingHint: '实时通道不可用，每 3 秒查询一次',
    lostHint: '与引擎失去联系',
    banner: '连接中断',
    staleSince: (time: string) => `以下数据停留在 ${time}，不是当前情况。`,
    noData: '尚未取得数据。',
    retrying: (n: number) => `正在自动重连（第 ${n} 次）…`,
    now: '立即重连',
  },

  signIn: {
    title: '登录',
    house: '政务服务便民热线',
    slogan: '一个号码 · 全天候 · 每一通都有人接',
    points: ['来电排队、分配与录音', '班组实时大屏，数字可核对', '每一步都写入不可改的日志'],
    user: '用户名',
    password: '密码',
    submit: '登录',
    busy: '正在登录…',
    userMissing: '请输入用户名',
    passwordMissing: '请输入密码',
    expired: '登录已失效，请重新登录。',
    hint: '话务员用坐席工号登录，班长用管理员分配的用户名登录。忘记密码请联系系统管理员。',
    refused: '用户名或密码不正确。',
    refusedHelp: '请核对后再试；注意大小写。',
  },

  problem: {
    title: '出错了',
    noAnswer: '引擎没有应答。',
    noAnswerHelp: '请检查网络，或确认引擎正在运行，然后重试。',
    status: (status: number) => `请求失败（HTTP ${status}）。`,
    statusHelp: '请稍后重试；若一直出现，请把时间和此代码告诉系统管理员。',
    code: (code: string) => `代码 ${code}`,
  },

  wall: {
    missed: (reached: number, open: number) => `已接通 ${reached}，未完成 ${open}`,
    title: '实时大屏',
    target: '目标 95 %',
    verdict: { good: '达标', near: '接近目标', bad: '未达标', none: '暂无数据' },
    of: (top: string, bottom: string) => `${top} / ${bottom}`,
    window: '滚动 24 小时',
    rightNow: '此刻',
    formula: '公式',
    trend: '近况',
    trendHint: '自打开本页起，最多 30 分钟',
    trendEmpty: '正在积累数据，几秒后出现曲线',
    answerRate: '人工接通率',
    waitingLine: '等待数',
    queues: '技能队列',
    queue: '队列',
    waiting: '等待',
    longest: '最长等待',
    ready: '空闲坐席',
    talking: '通话',
    staffed: '在岗',
    rate: '接通率',
    rateHelp: '人工接听量 ÷ 本队列人工请求量，滚动 24 小时；下方小字为近 15 分钟',
    rate15s: (percent: string) => `滚动 24 小时 15 秒接通率 ${percent} %`,
    quarter: (percent: string) => `近 15 分钟 ${percent} %`,
    forecast: '15 分钟预测',
    forecastHelp: '按近来的来电、通话时长与市民耐心（Erlang A）推算：达到目标现在还需几个坐席',
    seatsEnough: '够用',
    seatsMore: (n: number) => `还需 ${n} 个`,
    unknown: '未知',
    alertMore: (queue: string, n: number) => `「${queue}」预计 15 分钟内还需 ${n} 个坐席`,
    alertEasing: (queue: string) => `「${queue}」正在恢复，坐席暂已够用`,
    alertUnstaffed: (queue: string) => `「${queue}」无人在席，有市民等待`,
    alertHelp: (answered: string, target: string) =>
      `按现有坐席，预计接通率 ${answered} %，目标 ${target} %。`,
    waitRange: (from: string, to: string) => `预计 ${from}–${to}`,
    queuesEmpty: '还没有配置队列',
    queuesEmptyHelp: '在 config/queues.toml 中添加队列后重启引擎。',
    trunks: '中继',
    trunk: '中继',
    trunkState: '状态',
    trunkSince: '持续',
    callsIn: '呼入',
    callsOut: '呼出',
    trunksEmpty: '还没有配置中继',
    trunksEmptyHelp: '在 config/trunks.toml 中添加中继后重启引擎。',
    seats: '坐席',
    all: '全部',
    seatsEmpty: '还没有配置坐席',
    seatsEmptyHelp: '在 config/seats.toml 中添加坐席后重启引擎。',
    seatsFiltered: '没有处于此状态的坐席',
    callsToday: (n: number) => `今日 ${n} 通`,
    deskLost: '席位失联',
    missing: (n: number) => `缺岗 ${n}`,
    openSeat: (seat: string) => `打开 ${seat} 号坐席`,
    calls: '进行中的来电',
    call: '来电',
    stage: '阶段',
    caller: '主叫',
    position: '位次',
    wait: '本阶段',
    seat: '坐席',
    total: '全程',
    callsEmpty: '现在没有来电',
    callsEmptyHelp: '拨打 sip:12345@本机地址 试一试，或在终端运行：',
    feed: '刚刚发生',
    feedEmpty: '来电、坐席的每一步会出现在这里',
    recordingsFailed: (n: number) => `录音失败 ${n} 次`,
    recordingSpaceLow: '录音空间不足',
    recordingSpaceHelp: '通话不受影响，但可能没有录音。请清理或扩充录音盘。',
    recordingDiskStalled: '录音盘停止响应',
    recordingDiskStalledHelp: '声音暂存内存，通话不受影响；请立即检查磁盘。',
    recordingGaps: (n: number) => `录音缺口 ${n}`,
    recordingGapsHelp: '录音盘跟不上，有声音片段未写入。请检查磁盘空间和速度。',
    stateCounts: '各状态坐席数',
    moreCalls: (n: number) => `另有 ${n} 通未列出`,
  },

  phone: zhPhone,
  talk: zhTalk,
  directions: zhDirection,

  calls: {
    title: '通话记录',
    lead: '最新的在前。点开一通，可看到它的每一步、录音和工单。',
    number: '通话号',
    direction: '方向',
    withheld: '号码保密',
    arrived: '进线时间',
    caller: '主叫',
    called: '被叫',
    queue: '队列',
    seat: '坐席',
    outcome: '结果',
    wait: '等待',
    talk: '通话',
    score: '评价',
    recording: '录音',
    hasRecording: '有录音',
    case: '工单',
    newer: '较新',
    changed: '有新记录',
    older: '较早',
    page: (from: number, to: number) => `第 ${from} – ${to} 条`,
    empty: '还没有来电',
    emptyHelp:
      '用任意 SIP 话机拨打 sip:12345@本机地址，或在终端运行下面的命令，第一通来电就会出现在这里。',
    emptyPage: '没有更早的通话了',
    open: (call: number) => `查看通话 ${call}`,
    detail: (call: number) => `通话 ${call}`,
    timeline: '经过',
    timelineHint: '时间自来电到达起计',
    trunk: '中继',
    answeredAt: '人工接听',
    endedAt: '结束',
    releasedBy: '释放方',
    cause: '原因',
    noRecording: '这通来电没有录音',
    noRecordingYet: '通话结束后可以回放',
    recordingHint: '左声道为市民，右声道为坐席',
    download: '下载',
    openCase: '查看工单',
    technical: '技术信息',
    sipCallId: 'SIP Call-ID',
    file: '文件',
    checksum: 'SHA-256',
  },

  tasks: zhTasks,
  callers: zhCallers,
  blocks: zhBlocks,
  day: {
    title: '考勤与外包',
    lead: '按班次统计在岗情况，按外包单位统计当日指标；来自坐席台账，可用 hotline audit recompute 复核。',
    day: '日期',
    shifts: '班次考勤',
    noShifts: '当日没有班次。在 seats.toml 中用 [[shift]] 设置。',
    seat: '坐席',
    shift: '班次',
    hours: '时段',
    signedIn: '签入时长',
    ready: '示闲时长',
    adherence: '在岗率',
    late: '迟到',
    early: '早退',
    absent: '缺勤',
    contractors: '外包单位',
    contractor: '单位',
    house: '本单位',
    answered: '接听量',
    inTime: '15 秒接听',
    handling: '平均处理时长',
    occupancy: '工时利用率',
    satisfaction: '满意率',
    dialled: '外呼接通 / 外呼',
  },

  messages: {
    title: '留言',
    lead: '市民的语音留言和评价留言，最新的在前。收听会记入日志。',
    at: '时间',
    state: '状态',
    shown: { new: '未听', heard: '已听', done: '已办结', all: '全部' },
    kind: '类别',
    kinds: { voicemail: '语音留言', remark: '评价留言' },
    about: '队列或坐席',
    length: '时长',
    note: '处理说明',
    noteHint: '做了什么，例如：已回电，已建工单',
    noteTooLong: (n: number) => `处理说明最多 ${n} 字`,
    open: '收听',
    detail: '留言',
    settle: '办结',
    sound: {
      unfinished: '还在录制，或录制被中断；下次启动时补齐。',
      lost: '留言没有写入磁盘，原因见通话经过。',
      empty: '不足一秒，可能没有内容。',
      whole: '',
    },
    heardBy: (who: string, when: string) => `${who} 于 ${when} 首次收听`,
    settledBy: (who: string, when: string) => `${who} 于 ${when} 办结`,
    empty: '没有留言',
    emptyHelp: '把 voicemail 脚本设为一个号码或队列的去向，市民的留言就会出现在这里。',
  },

  cases: {
    title: '工单',
    lead: '话务侧为每通人工来电自动填写的部分。',
    number: '工单号',
    state: '状态',
    states: { open: '通话中', closed: '通话已结束' },
    opened: '建单时间',
    answered: '人工接听',
    ended: '通话结束',
    talk: '接听至结束',
    call: '通话',
    empty: '还没有工单',
    emptyHelp: '话务员接起第一通来电时，系统会自动建立工单，号码、时间、工号都不必手工填写。',
    emptyPage: '没有更早的工单了',
    detail: '工单',
    openCall: '查看通话经过',
  },

  seat: {
    title: '我的坐席',
    titleOf: (seat: string) => `${seat} 号坐席`,
    choose: '选择坐席',
    chooseHelp: '选择一个坐席，查看它的状态或代为示忙、示闲。',
    supervising: '您以班长身份操作此坐席，操作会记入日志。',
    noSeat: '您的账号没有绑定坐席',
    noSeatHelp: '请让系统管理员在 config/seats.toml 中为您的账号设置坐席工号。',
    unknown: (seat: string) => `没有 ${seat} 号坐席`,
    unknownHelp: '请核对工号，或从大屏点选坐席。',
    state: '当前状态',
    goReady: '示闲',
    goReadyHint: '开始接听来电',
    goNotReady: '示忙',
    goNotReadyHint: '暂停接听，选择原因',
    signOut: '签出（下班）',
    endWrapUp: '结束整理',
    endWrapUpHint: '立即恢复，接听下一通',
    extendWrapUp: '延长整理',
    extendWrapUpHint: '再整理一分钟',
    next: (state: string) => `结束后转为：${state}`,
    transfer: '转接',
    transferHint: '转给其他坐席或队列',
    transferTitle: '转接来电',
    transferTo: '转给',
    transferToHelp: '选择队列或坐席',
    transferLead: '对方接听前市民听音乐；无人接听则回到原处。',
    transferGo: '立即转接',
    cancel: '取消',
    hints: {
      ready: '来电会自动振到您的话机。',
      reserved: '正在为您接入一通来电…',
      ringing: '请拿起话机接听。',
      talking: '请让市民先讲完；由您先挂断，市民留在线上评价。',
      hold: '市民正在听等待音乐。',
      'wrap-up': '请填写工单；整理时间结束后自动恢复。',
      busy: '您的话机正在其他通话中。',
      'not-ready': '您不会接到来电。',
      'logged-out': '您还没有签入。点击“示闲”开始接听。',
      offline: '话机没有注册，来电无法送达。',
    },
    deviceHelp: (seat: string) => `请在 SIP 话机中以账号 ${seat} 注册到本机（UDP 或 TCP）。`,
    after: '通话或整理结束后生效',
    currentCall: '当前来电',
    noCall: '没有来电',
    noCallReady: '您已示闲，下一通来电会自动显示在这里。',
    noCallNotReady: '点击“示闲”后，来电会自动分配给您，主叫信息显示在这里。',
    incoming: '来电振铃',
    calledNumber: '拨打号码',
    waited: '市民已等',
    talkTime: '通话时长',
    caseNumber: '工单号',
    caseLater: '接起后自动建立',
    queuesNow: '队列等待',
    today: '今日',
    todaySince: (time: string) => `“接听”为全天，其余自 ${time} 起统计`,
    taken: '接听',
    talkTotal: '通话合计',
    talkMean: '平均通话',
    inTime: '15 秒内接听',
    scored: '参评',
    satisfied: '满意',
    recent: '最近接听',
    recentEmpty: '今天还没有接听来电',
    done: { ready: '已示闲', 'not-ready': '已示忙', 'wrap-up': '已结束整理', 'wrap-up-longer': '已延长整理', 'sign-out': '已签出', transfer: '正在转接' },
    rings: (caller: string) => `来电 ${caller}`,
  },

  line: {
    order: '调度',
    orderOf: (call: number) => `调度排队来电 #${call}`,
    title: (call: number) => `调度来电 #${call}`,
    why: '为何等待',
    what: '操作',
    whats: { priority: '调整优先级', queue: '移到队列', seat: '指派坐席' },
    help: {
      priority: '0 最先接听，9 最后；排队时间不变',
      queue: '按原进线时间排入所选队列',
      seat: '所选空闲坐席立即振铃，不论技能与次序',
    },
    priority: '优先级',
    queue: '队列',
    seat: '坐席',
    go: '执行',
    done: '已执行',
  },

  notFound: { title: '没有这个页面', back: '回到首页' },
}

export type Messages = typeof zh
