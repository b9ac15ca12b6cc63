// Which microphone and which loudspeaker; how loud they are.
import { ref, shallowRef, watch } from 'vue'
import { soundContext, testTone } from './tones'

/** '' is the system's own choice. */
function rememberedId(key: string) {
  const id = ref('')
  try {
    id.value = localStorage.getItem(`hotline.${key}`) ?? ''
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
  watch(id, (value) => {
    try {
      localStorage.setItem(`hotline.${key}`, value)
    } catch {
      // As above.
    }
  })
  return id
}

export const microphone = rememberedId('microphone')
export const speaker = rememberedId('speaker')
export const microphones = shallowRef<readonly MediaDeviceInfo[]>([])
export const speakers = shallowRef<readonly MediaDeviceInfo[]>([])
/** Firefox and Safari play where the system says. */
export const canChooseSpeaker =
  typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype

/** The devices by name; browsers name them only to a page that was given the microphone once. */
export async function lookForDevices(): Promise<void> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? []
  const named = (kind: MediaDeviceKind) =>
    all.filter((one) => one.kind === kind && one.deviceId !== '' && one.deviceId !== 'default')
  microphones.value = named('audioinput')
  speakers.value = named('audiooutput')
}
navigator.mediaDevices?.addEventListener?.('devicechange', () => void lookForDevices())

export async function openMicrophone(): Promise<MediaStream> {
  const devices = navigator.mediaDevices as MediaDevices | undefined
  // Browsers hide the microphone from pages that did not come by TLS.
  if (devices === undefined) throw new DOMException('no secure context', 'SecurityError')
  const cleaned = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }
  const ask = (id: string) =>
    devices.getUserMedia({ audio: { ...cleaned, ...(id ? { deviceId: { exact: id } } : {}) } })
  const chosen = microphone.value
  let stream: MediaStream
  try {
    stream = await ask(chosen)
  } catch (thrown) {
    // The headset that was chosen yesterday is not plugged in today.
    if (chosen === '' || (thrown as DOMException).name !== 'OverconstrainedError') throw thrown
    stream = await ask('')
  }
  void lookForDevices()
  return stream
}

/** Hears the callers; lives outside the pages, so that none takes the sound with it. */
const ear = document.createElement('audio')
ear.autoplay = true
ear.dataset.testid = 'caller-sound'
document.body.append(ear)

async function useSpeaker(element: HTMLAudioElement): Promise<void> {
  if (!canChooseSpeaker) return
  try {
    await (element as HTMLAudioElement & { setSinkId(id: string): Promise<void> }).setSinkId(
      speaker.value,
    )
  } catch {
    // It was unplugged: the system's own choice goes on.
  }
}
watch(speaker, () => void useSpeaker(ear))

export function play(stream: MediaStream | null): void {
  ear.srcObject = stream
  if (stream === null) return
  void useSpeaker(ear)
  // A browser that wants a click first gets the answer's.
  void ear.play().catch(() => undefined)
}

/** A tone by the chosen loudspeaker. */
export async function testSpeaker(): Promise<void> {
  const tone = testTone()
  if (tone === null) return
  const element = new Audio()
  element.srcObject = tone.stream
  await useSpeaker(element)
  await element.play()
  await new Promise((done) => setTimeout(done, tone.ms))
  element.srcObject = null
}

/** The loudness of a stream now, 0 to 1, as long as it is asked. */
export function meterOf(stream: MediaStream): { level(): number; stop(): void } {
  const sound = soundContext()
  if (sound === null || stream.getAudioTracks().length === 0)
    return { level: () => 0, stop: () => {} }
  const source = sound.createMediaStreamSource(stream)
  const analyser = sound.createAnalyser()
  analyser.fftSize = 512
  source.connect(analyser)
  const samples = new Float32Array(analyser.fftSize)
  return {
    level() {
      analyser.getFloatTimeDomainData(samples)
      const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length
      return levelOf(power)
    },
    stop: () => source.disconnect(),
  }
}

/** −60 dB and below is nothing, 0 dB is all. */
export function levelOf(power: number): number {
  if (power <= 0) return 0
  return Math.min(1, Math.max(0, 1 + (10 * Math.log10(power)) / 60))
}
