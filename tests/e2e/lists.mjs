// The lists that people work through, by hand: a follow-up is put in, taken as the next one, and its
// result entered; a supervisor sees a number whole; a number is blocked; who missed the shift.
// usage: node lists.mjs URL SUPERVISOR_PASSWORD SEAT SEAT_PASSWORD SCREENSHOT_FOLDER
import { join } from 'node:path'
import { open, step } from './chromium.mjs'

const [url, password, seat, seat_password, pictures] = process.argv.slice(2)
const size = { viewport: { width: 1440, height: 900 } }
const lead = await open(size)
const agent = await open(size)
const faults = []
const press = ({ page }, id) => page.getByTestId(id).click({ timeout: 20_000 })
const fill = ({ page }, id, text) => page.getByTestId(id).fill(text, { timeout: 20_000 })
const shows = ({ page }, id, text) =>
  page.getByTestId(id).getByText(text).first().waitFor({ timeout: 20_000 })
const go = ({ page }, name) => page.getByRole('link', { name, exact: true }).click({ timeout: 20_000 })
const picture = ({ page }, name) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
const signIn = async (who, user, word) => {
  who.page.on('pageerror', (error) => faults.push(String(error)))
  await who.page.goto(url)
  await fill(who, 'login-user', user)
  await fill(who, 'login-password', word)
  await press(who, 'login-submit')
}
let failure
try {
  await signIn(lead, 'supervisor', password)
  await signIn(agent, seat, seat_password)

  await go(lead, '待办')
  await press(lead, 'task-add')
  await fill(lead, 'task-number', '13800138000')
  await fill(lead, 'task-note', '路灯是否修好')
  await press(lead, 'task-add-now')
  await shows(lead, 'tasks', '138****8000')
  await step('a follow-up is listed')

  await go(agent, '待办')
  await press(agent, 'task-next')
  await shows(agent, 'task-detail', '13800138000')
  await shows(agent, 'task-past', '没有其他记录')
  // Once the drawer stands still, one key dials.
  await agent.page.waitForFunction(
    () => document.activeElement?.dataset.testid === 'task-call', undefined, { timeout: 10_000 },
  )
  await picture(agent, 'task-next')
  await step('the next one is taken')
  const form = agent.page.getByTestId('task-result')
  await form.getByText('不满意', { exact: true }).click()
  await form.getByText('2 分', { exact: true }).click()
  await fill(agent, 'task-remark', '路灯仍不亮')
  await press(agent, 'task-result-enter')
  await agent.page.getByTestId('task-result-shown').getByText('不满意').waitFor({ timeout: 20_000 })
  await picture(agent, 'task-result')
  await step('its result is entered')
  await agent.page.keyboard.press('Escape')
  await agent.page.getByTestId('task-detail').waitFor({ state: 'detached', timeout: 20_000 })
  await agent.page.keyboard.press('n')
  await agent.page.getByTestId('task-none').waitFor({ timeout: 20_000 })

  await lead.page.getByTestId('tasks-state').getByText('已结束', { exact: true }).click()
  await lead.page.locator('[data-testid^="open-"]').first().click({ timeout: 20_000 })
  await shows(lead, 'task-whom', '138****8000')
  await press(lead, 'task-reveal')
  await fill(lead, 'task-reveal-why', '核实号码')
  await press(lead, 'task-reveal-now')
  await shows(lead, 'task-whom', '13800138000')
  await shows(lead, 'task-steps', '路灯仍不亮')
  await step('a supervisor sees the number')
  await lead.page.keyboard.press('Escape')
  await lead.page.getByTestId('task-detail').waitFor({ state: 'detached', timeout: 20_000 })

  await go(lead, '黑名单')
  await press(lead, 'block-propose')
  await fill(lead, 'block-number', '13900001111')
  await fill(lead, 'block-reason', '多次辱骂，已报警')
  await press(lead, 'block-now')
  await shows(lead, 'blocks', '139****1111')
  await shows(lead, 'blocks', '待批准')
  await picture(lead, 'blocks')
  await step('a block is proposed')

  await go(lead, '考勤')
  await lead.page.getByRole('row', { name: /1001.*全天/ }).waitFor({ timeout: 20_000 })
  await picture(lead, 'day')
  await step('the shift is shown')
  if (faults.length > 0) throw new Error(`a page threw: ${faults.join('; ')}`)
} catch (error) {
  failure = error
  console.error(error)
  await picture(lead, 'lists-failed-lead').catch(() => {})
  await picture(agent, 'lists-failed-agent').catch(() => {})
}
await lead.close()
await agent.close()
// The test's pipe would keep this running.
process.exit(failure ? 1 : 0)
