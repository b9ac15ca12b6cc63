// What the agent hears from the phone itself: ringing, ring-back, a beep. Made here, so that no file
// is loaded and a ring is never late.

/** Loudness of all tones, of 1. */
const GAIN = 0.12

interface Cadence {
  /** Hz, sounding together. */
  frequencies: readonly number[]
  /** Sounding and silent in turns, s. */
  pattern: readonly number[]
  repeats: boolean
}

/** A double ring each three seconds. */
const RING: Cadence = {
  frequencies: [660, 880],
  pattern: [0.4, 0.2, 0.4, 2],
  repeats: true,
}
/** 回铃音, GB/T 3380: 450 Hz, 1 s on and 4 s off. */
const RING_BACK: Cadence = { frequencies: [450], pattern: [1, 4], repeats: true }
const PICKED_UP: Cadence = { frequencies: [880], pattern: [0.15], repeats: false }
const TEST: Cadence = { frequencies: [523, 659], pattern: [0.5, 0.2, 0.5], repeats: false }

/** How far ahead tones are laid on the sound card's clock, s. */
const AHEAD_S = 6

let context: AudioContext | null = null
let stopPlaying: () => void = () => {}

/** One for the page: browsers allow few, and a click unlocks it. */
export function soundContext(): AudioContext | null {
  if (typeof AudioContext === 'undefined') return null
  context ??= new AudioContext()
  if (context.state === 'suspended') void context.resume().catch(() => undefined)
  return context
}

/** Plays a cadence into `to` until the returned stop is called, or it is over. */
function play(cadence: Cadence, to?: AudioNode): () => void {
  const sound = soundContext()
  if (sound === null) return () => {}
  const gain = sound.createGain()
  gain.gain.value = 0
  gain.connect(to ?? sound.destination)
  const sources = cadence.frequencies.map((frequency) => {
    const source = sound.createOscillator()
    source.frequency.value = frequency
    source.connect(gain)
    source.start()
    return source
  })
  let at = sound.currentTime + 0.02
  const lay = () => {
    do {
      cadence.pattern.forEach((length, i) => {
        if (i % 2 === 0) {
          gain.gain.setTargetAtTime(GAIN, at, 0.01)
          gain.gain.setTargetAtTime(0, at + length - 0.03, 0.01)
        }
        at += length
      })
    } while (cadence.repeats && at < sound.currentTime + AHEAD_S)
  }
  lay()
  const timer = cadence.repeats ? setInterval(lay, 1_000) : undefined
  const stop = () => {
    clearInterval(timer)
    for (const source of sources) source.stop()
    gain.disconnect()
  }
  if (!cadence.repeats) setTimeout(stop, (at - sound.currentTime) * 1_000 + 100)
  return cadence.repeats ? stop : () => {}
}

function only(cadence: Cadence): void {
  stopPlaying()
  stopPlaying = play(cadence)
}

export const tones = {
  ring: () => only(RING),
  ringBack: () => only(RING_BACK),
  pickedUp: () => only(PICKED_UP),
  quiet: () => {
    stopPlaying()
    stopPlaying = () => {}
  },
}

/** The test tone as a stream, for the loudspeaker that is chosen; null where there is no sound. */
export function testTone(): { stream: MediaStream; ms: number } | null {
  const sound = soundContext()
  if (sound === null) return null
  const to = sound.createMediaStreamDestination()
  play(TEST, to)
  return { stream: to.stream, ms: TEST.pattern.reduce((sum, s) => sum + s, 0) * 1_000 + 300 }
}
