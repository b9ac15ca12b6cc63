// One browser, one session, two pages at a seat: one of them is its phone, and it can be moved.
// usage: node two_pages.mjs URL SEAT PASSWORD SCREENSHOT_FOLDER
import { join } from 'node:path'
import { open, step } from './chromium.mjs'

const [url, seat, password, pictures] = process.argv.slice(2)
const { page: first, close } = await open({ hertz: 600, viewport: { width: 1440, height: 900 } })
const faults = []
// The microphone is left as it is: what makes speech clearer takes a tone for noise.
await first.context().addInitScript(`
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false }
  const devices = navigator.mediaDevices
  const ask = devices.getUserMedia.bind(devices)
  devices.getUserMedia = (wish) => ask({ ...wish, audio: { ...(wish.audio ?? {}), ...raw } })
`)
const phone = (page, what, value) =>
  page.locator(`[data-testid="phone"][data-${what}="${value}"]`).waitFor({ timeout: 30_000 })
const isPhone = async (page) => {
  await phone(page, 'place', 'here')
  await phone(page, 'line', 'ready')
}
const press = (page, id) => page.getByTestId(id).click({ timeout: 20_000 })
let failure
try {
  first.on('pageerror', (error) => faults.push(String(error)))
  await first.goto(url)
  await first.getByTestId('login-user').fill(seat)
  await first.getByTestId('login-password').fill(password)
  await press(first, 'login-submit')
  await press(first, 'phone-on')
  await isPhone(first)

  const second = await first.context().newPage()
  second.on('pageerror', (error) => faults.push(String(error)))
  let sockets = 0
  second.on('websocket', () => { sockets += 1 })
  await second.goto(first.url())
  await second.getByTestId('phone-elsewhere').getByText('电话在另一个页面').waitFor({ timeout: 30_000 })
  await second.screenshot({ path: join(pictures, 'phone-elsewhere.png') })
  if (sockets > 0) throw new Error('the second page is a phone too')
  await step('one page is the phone')

  await press(first, 'go-ready')
  await step('is ready')
  await phone(first, 'stage', 'ringing')
  await first.keyboard.press('Enter')
  await phone(first, 'stage', 'talking')
  await press(second, 'phone-take-over')
  await second.getByTestId('phone-take-over-refused').waitFor({ timeout: 10_000 })
  await phone(first, 'stage', 'talking')
  await second.screenshot({ path: join(pictures, 'phone-take-over-refused.png') })
  await step('the talk goes on')
  await press(first, 'phone-hang-up')
  await phone(first, 'stage', 'idle')

  await press(second, 'phone-take-over')
  await isPhone(second)
  await phone(first, 'place', 'elsewhere')
  await step('the phone has moved')
  await phone(second, 'stage', 'ringing')
  await second.keyboard.press('Enter')
  await phone(second, 'stage', 'talking')
  await step('the second page talks')
  await press(second, 'phone-hang-up')
  await phone(second, 'stage', 'idle')

  await second.close()
  await isPhone(first)
  await step('the phone is back')
  await phone(first, 'stage', 'ringing')
  await step('the first page rings')
  await press(first, 'phone-hang-up')
  await phone(first, 'stage', 'idle')
  if (faults.length > 0) throw new Error(`a page threw: ${faults.join('; ')}`)
} catch (error) {
  failure = error
  console.error(error)
  await first.screenshot({ path: join(pictures, 'two-pages-failed.png') }).catch(() => {})
}
await close()
// The test's pipe would keep this running.
process.exit(failure ? 1 : 0)
