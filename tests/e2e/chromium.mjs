// Chromium without a screen, and a test that looks at the engine's side of each step.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'

// What the microphone says: ten seconds of a tone, again and again.
function tone(hertz) {
  const [rate, count] = [48_000, 480_000]
  const wav = Buffer.alloc(44 + 2 * count)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(36 + 2 * count, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  for (const [at, value] of [[20, 1], [22, 1], [32, 2], [34, 16]]) wav.writeUInt16LE(value, at)
  wav.writeUInt32LE(rate, 24)
  wav.writeUInt32LE(2 * rate, 28)
  wav.write('data', 36)
  wav.writeUInt32LE(2 * count, 40)
  for (let n = 0; n < count; n += 1) {
    wav.writeInt16LE(Math.round(9_000 * Math.sin(2 * Math.PI * hertz * n / rate)), 44 + 2 * n)
  }
  return wav
}

/** A browser with one page, whose microphone says so many hertz where it has one. */
export async function open({ hertz, ...more } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'hotline-e2e-'))
  const microphone = []
  if (hertz) {
    const says = join(profile, 'says.wav')
    writeFileSync(says, tone(hertz))
    microphone.push(
      '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${says}`, '--autoplay-policy=no-user-gesture-required',
    )
  }
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((it) => existsSync(it)),
    headless: true,
    ...more,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      ...microphone, ...(more.args ?? []),
    ],
  })
  const page = context.pages()[0] ?? (await context.newPage())
  const close = async () => {
    await context.close()
    rmSync(profile, { recursive: true, force: true })
  }
  return { page, close }
}

let looked
/** Says that a step was made, and waits until the test has looked. */
export async function step(name) {
  looked ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  console.log(name)
  await looked.next()
}

/** Runs in the page: resolves when the strongest frequency that `line` brings is this one. */
export async function listen(line, hertz) {
  const until = Date.now() + 20_000
  const context = new AudioContext()
  let at, level
  while (Date.now() < until) {
    const stream = new MediaStream([line.getReceivers()[0].track])
    // A track that nothing plays is not decoded.
    const sink = new Audio()
    sink.srcObject = stream
    sink.muted = true
    await sink.play()
    const ear = context.createAnalyser()
    ear.fftSize = 8_192
    context.createMediaStreamSource(stream).connect(ear)
    await new Promise((done) => setTimeout(done, 700))
    const levels = new Float32Array(ear.frequencyBinCount)
    ear.getFloatFrequencyData(levels)
    level = Math.max(...levels)
    at = levels.indexOf(level) * context.sampleRate / ear.fftSize
    if (level > -50 && Math.abs(at - hertz) < 15) return
  }
  const stats = [...(await line.getStats()).values()]
  const told = stats.filter((it) => /rtp|transport|candidate-pair/.test(it.type))
  throw new Error(`heard ${at} Hz at ${level} dB and not ${hertz}: ${JSON.stringify(told)}`)
}
