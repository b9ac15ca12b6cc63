// A supervisor at the wallboard: signs in, sees the waiting caller and why he waits, puts him first,
// sees the talking seat.
// usage: node browser.mjs URL PASSWORD SCREENSHOT_FOLDER
import { join } from 'node:path'
import { open } from './chromium.mjs'

const [url, password, pictures] = process.argv.slice(2)
const { page, close } = await open({ viewport: { width: 1440, height: 900 } })
const faults = []
try {
  page.on('pageerror', (error) => faults.push(String(error)))
  await page.goto(url)
  await page.getByTestId('login-user').fill('supervisor')
  await page.getByTestId('login-password').fill(password)
  await page.getByTestId('login-submit').click()
  const waiting = page.getByTestId('queue-general-waiting')
  await waiting.waitFor({ timeout: 20_000 })
  console.log('signed in')
  await page.waitForFunction(
    () => document.querySelector('[data-testid="queue-general-waiting"]')?.textContent?.trim() === '1',
    undefined, { timeout: 60_000 },
  )
  await page.locator('[data-testid^="call-row-"][data-stage="waiting"]').waitFor({ timeout: 10_000 })
  await page.locator('[data-testid^="trunk-"][data-testid$="-state"]').first().waitFor({ timeout: 10_000 })
  await page.screenshot({ path: join(pictures, 'waiting.png'), fullPage: true })
  await page.locator('[data-testid^="order-"]').first().click()
  await page.getByTestId('line-why').getByText('未签入').waitFor({ timeout: 10_000 })
  await page.screenshot({ path: join(pictures, 'order.png'), fullPage: true })
  await page.getByTestId('line-go').click()
  await page.getByText('已执行').waitFor({ timeout: 10_000 })
  console.log('one caller waits')
  await page.locator('[data-testid="seat-1001"][data-work="talking"]').waitFor({ timeout: 60_000 })
  await page.locator('[data-testid^="call-row-"][data-stage="talking"]').waitFor({ timeout: 10_000 })
  await page.screenshot({ path: join(pictures, 'talking.png'), fullPage: true })
  console.log('seat 1001 talks')
  if (faults.length > 0) throw new Error(`the page threw: ${faults.join('; ')}`)
} finally {
  await close()
}
