// An agent at the engine's own page: turns on its phone, answers by a key, is heard and hears,
// holds, mutes, calls a colleague by the dial field. Every hand is one of the page's.
// usage: node softphone.mjs URL SEAT PASSWORD COLLEAGUE SCREENSHOT_FOLDER CODEC
import { join } from 'node:path'
import { listen, open, step } from './chromium.mjs'

const [url, seat, password, colleague, pictures, codec] = process.argv.slice(2)
const { page, close } = await open({ hertz: 600, viewport: { width: 1440, height: 900 } })
const faults = []
page.on('pageerror', (error) => faults.push(String(error)))
// The test hears what the page hears. Its microphone is left as it is: what makes speech clearer
// takes a tone for noise.
await page.addInitScript(`
  window.listen = ${listen}
  const Line = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Line {
    constructor(...args) { super(...args); window.line = this }
  }
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false }
  const devices = navigator.mediaDevices
  const ask = devices.getUserMedia.bind(devices)
  devices.getUserMedia = (wish) => ask({ ...wish, audio: { ...(wish.audio ?? {}), ...raw } })
`)
const hears = (hertz) => page.evaluate((wanted) => window.listen(window.line, wanted), hertz)
// What both ways of the line are coded in, by the browser's own account.
const speaks = async (codec) => {
  const codecs = await page.evaluate(async () => {
    const all = [...(await window.line.getStats()).values()]
    const ways = all.filter(({ type }) => type === 'inbound-rtp' || type === 'outbound-rtp')
    return ways.map(({ codecId }) => all.find(({ id }) => id === codecId)?.mimeType)
  })
  if (codecs.length !== 2 || codecs.some((spoken) => spoken !== codec)) {
    throw new Error(`the line speaks ${codecs.join(' and ')}, not ${codec}`)
  }
}
const press = (id) => page.getByTestId(id).click({ timeout: 20_000 })
const stage = (name) =>
  page.locator(`[data-testid="phone"][data-stage="${name}"]`).waitFor({ timeout: 30_000 })
let failure
try {
  await page.goto(url)
  await page.getByTestId('login-user').fill(seat)
  await page.getByTestId('login-password').fill(password)
  await press('login-submit')
  await press('phone-on')
  await page.locator('[data-testid="phone"][data-line="ready"]').waitFor({ timeout: 30_000 })
  await step('has a phone')

  await press('go-ready')
  await step('is ready')
  await stage('ringing')
  await page.screenshot({ path: join(pictures, 'softphone-ringing.png'), fullPage: true })
  await page.keyboard.press('Enter')
  await stage('talking')
  await hears(900)
  await speaks(codec)
  await page.screenshot({ path: join(pictures, 'softphone-talking.png'), fullPage: true })
  await step('hears the caller')

  await press('phone-mute')
  await step('is mute')
  await press('phone-mute')
  await step('is not mute')

  await press('phone-hold')
  await stage('held')
  await step('holds the caller')
  await press('phone-hold')
  await stage('talking')
  await hears(900)
  await step('hears the caller again')

  await press('phone-hang-up')
  await stage('idle')
  await step('hung up')

  await page.getByTestId('phone-number').fill(colleague)
  await press('phone-dial')
  await stage('talking')
  await hears(1300)
  await step('hears a colleague')
  await press('phone-hang-up')
  await stage('idle')

  await press('phone-off')
  await step('has no phone')
  if (faults.length > 0) throw new Error(`the page threw: ${faults.join('; ')}`)
} catch (error) {
  failure = error
  console.error(error)
  await page.screenshot({ path: join(pictures, 'softphone-failed.png') }).catch(() => {})
}
await close()
// The test's pipe would keep this running.
process.exit(failure ? 1 : 0)
