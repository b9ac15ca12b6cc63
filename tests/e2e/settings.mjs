// A supervisor at the page of settings: sees what differs, puts it in force.
// usage: node settings.mjs URL PASSWORD SCREENSHOT_FOLDER; each line read is a step to go on.
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { open } from './chromium.mjs'

const [url, password, pictures] = process.argv.slice(2)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { page, close } = await open({ viewport: { width: 1440, height: 900 } })
const faults = []
const until = (words) => page.getByText(words).first().waitFor({ timeout: 20_000 })
try {
  page.on('pageerror', (error) => faults.push(String(error)))
  await page.goto(url)
  await page.getByTestId('login-user').fill('supervisor')
  await page.getByTestId('login-password').fill(password)
  await page.getByTestId('login-submit').click()
  await page.getByRole('link', { name: '设置' }).click()
  await until('文件与当前设置一致')
  if (await page.getByTestId('apply').isEnabled()) throw new Error('there is nothing to apply')
  console.log('nothing differs')
  await lines.next()
  await page.getByTestId('compare').click()
  await page.getByTestId('faults').waitFor({ timeout: 20_000 })
  await until('seats.toml 第')
  await page.screenshot({ path: join(pictures, 'settings-fault.png'), fullPage: true })
  console.log('the fault is shown')
  await lines.next()
  await page.getByTestId('compare').click()
  await page.getByTestId('difference').getByText('seat 1006').waitFor({ timeout: 20_000 })
  await until('wrap_up_s')
  await page.screenshot({ path: join(pictures, 'settings.png'), fullPage: true })
  console.log('the difference is shown')
  await page.getByTestId('apply').click()
  await page.locator('.el-message-box').getByRole('button', { name: '应用更改' }).click()
  await until('更改已生效')
  console.log('it is in force')
  if (faults.length > 0) throw new Error(`the page threw: ${faults.join('; ')}`)
} finally {
  await close()
  process.stdin.destroy()
}
