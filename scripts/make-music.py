#!/usr/bin/env python3
"""Makes the hold music: an original, quiet piece for a narrow-band telephone line.

usage: make-music.py [OUTPUT.wav]     (default: ivr-scripts/prompts/music/hold.wav of this tree)
       make-music.py --check [FILE]   measures a file instead of writing one; exit code 1 when it is out of bounds

Python's standard library only; the same file comes out each time. 24 bars of four beats at 75 beats a minute:
76.8 s, 8 kHz, mono, 16 bit. All sound is written modulo the length of the piece, so its end runs on into its
beginning and the loop has no seam. Licence: Apache-2.0, like the rest of the project.
"""

import array
import cmath
import math
import os
import random
import sys
import wave

RATE = 8000
BEAT = RATE * 60 // 75  # samples; 75 beats a minute makes this a whole number
BARS = 24
TOTAL = BARS * 4 * BEAT
TOP_HZ = 2900.0  # no partial above: the line ends at 3,400 Hz and a codec's filter rings near its edge
TARGET_DBFS = -24.0

# MIDI numbers. Voicings stay above 277 Hz, since a telephone gives nothing below 300 Hz.
CHORDS = {
    "D": (62, 66, 69), "Bm": (62, 66, 71), "G": (62, 67, 71), "A": (61, 64, 69),
    "F#m": (61, 66, 69), "Em7": (64, 67, 71, 74), "Asus": (62, 64, 69), "D9": (62, 66, 69, 76),
}
ROOTS = {"D": 50, "Bm": 47, "G": 43, "A": 45, "F#m": 54, "Em7": 52, "Asus": 45, "D9": 50}
HARMONY = (
    "D Bm G A D Bm Em7 Asus "
    "G A F#m Bm G D Em7 Asus "
    "D Bm G A F#m G Em7 D9"
).split()

# One string a bar: note/beats, "-" is a rest.
MELODY = (
    "F#5/2 E5/1 D5/1", "B4/2 D5/2", "B4/1 D5/1 E5/2", "E5/3 -/1",
    "A5/2 F#5/1 E5/1", "D5/2 F#5/2", "E5/2 D5/1 B4/1", "A4/3 -/1",
    "B4/1.5 D5/0.5 G5/2", "F#5/1 E5/3", "A5/2 F#5/1 C#5/1", "D5/3 -/1",
    "D5/1 E5/1 G5/2", "F#5/3 A5/1", "B5/2 A5/1 G5/1", "E5/3 -/1",
    "F#5/2 E5/1 D5/1", "B4/2 D5/2", "B4/1 D5/1 E5/1 F#5/1", "E5/3 -/1",
    "A5/1.5 F#5/0.5 E5/2", "D5/2 B4/2", "B4/1 D5/1 E5/1 C#5/1", "D5/3 -/1",
)
# Which tone of the rising chord each of a bar's eight quavers plucks; None is a rest.
PLUCKS = ((0, 1, 2, 3, 2, 1, 3, 2), (0, 2, 1, 3, None, 2, 3, 1), (0, 1, 3, 2, 4, 2, 1, None))

STEPS = {"C": 0, "C#": 1, "D": 2, "E": 4, "F#": 6, "G": 7, "A": 9, "B": 11}


def midi(name):
    """The MIDI number of a note such as F#5."""
    return 12 * (int(name[-1]) + 1) + STEPS[name[:-1]]


def hertz(number):
    return 440.0 * 2.0 ** ((number - 69) / 12.0)


def rise(position, length):
    """A raised-cosine slope from 0 to 1: an attack without a click."""
    return 1.0 if position >= length else 0.5 - 0.5 * math.cos(math.pi * position / length)


def pluck(buffer, start, frequency, gain, seconds):
    """A soft harp-like tone: higher partials are weaker and die sooner."""
    attack = int(0.012 * RATE)
    for partial, weight, life in ((1, 1.0, 1.0), (2, 0.28, 0.55), (3, 0.10, 0.35)):
        if frequency * partial > TOP_HZ:
            break
        length = int(seconds * life * 4.0 * RATE)
        decay = math.exp(-1.0 / (seconds * life * RATE))
        turn = cmath.rect(decay, 2.0 * math.pi * frequency * partial / RATE)
        tone = complex(gain * weight, 0.0)
        for i in range(length):
            value = tone.imag
            if i < attack:
                value *= rise(i, attack)
            elif length - i < 400:  # the last 50 ms fade to nothing
                value *= (length - i) / 400.0
            buffer[(start + i) % TOTAL] += value
            tone *= turn


def sustain(buffer, start, frequency, gain, length, attack, release, partials, wobble=0.0):
    """A held tone with slow edges; `wobble` is the depth of a late, shallow vibrato."""
    whole = length + release
    for partial, weight in partials:
        if frequency * partial > TOP_HZ:
            break
        step = 2.0 * math.pi * frequency * partial / RATE
        phase = 0.0
        level = gain * weight
        for i in range(whole):
            value = level * math.sin(phase)
            if i < attack:
                value *= rise(i, attack)
            if i >= length:
                value *= rise(whole - i, release)
            buffer[(start + i) % TOTAL] += value
            phase += step
            if wobble and i > 2400:
                phase += step * wobble * math.sin(2.0 * math.pi * 4.6 * i / RATE) * min(1.0, (i - 2400) / 4000)


def compose():
    """All notes, dry."""
    buffer = array.array("d", bytes(8 * TOTAL))
    chance = random.Random(12345)  # a player's small unevenness, the same each time
    pad = ((1, 1.0), (2, 0.22), (3, 0.07))
    flute = ((1, 1.0), (2, 0.20), (3, 0.06))
    missing = ((2, 1.0), (3, 0.6), (4, 0.35))  # a bass heard through its overtones only
    for bar, name in enumerate(HARMONY):
        start = bar * 4 * BEAT
        chord = CHORDS[name]
        for number in chord:
            detune = 2.0 ** (chance.uniform(-2.0, 2.0) / 1200.0)
            sustain(buffer, start - 2400, hertz(number) * detune, 0.050, 4 * BEAT, 4800, 5600, pad)
        root = ROOTS[name]
        sustain(buffer, start, hertz(root if root >= 47 else root + 12), 0.030, 4 * BEAT - 3200, 1600, 4800, missing)
        ladder = sorted(list(chord) + [n + 12 for n in chord])
        for quaver, index in enumerate(PLUCKS[bar % len(PLUCKS)]):
            if index is None:
                continue
            late = chance.randrange(0, 90)
            loud = 0.105 * chance.uniform(0.82, 1.0) * (1.12 if quaver in (0, 4) else 1.0)
            pluck(buffer, start + quaver * BEAT // 2 + late, hertz(ladder[index + 1]), loud, 0.42)
        position = start
        for word in MELODY[bar].split():
            note, beats = word.split("/")
            length = int(float(beats) * BEAT)
            if note != "-":
                late = 80 + chance.randrange(0, 120)
                pitch = hertz(midi(note))
                sustain(buffer, position + late, pitch, 0.115, max(1600, length - 900), 640, 2400, flute, 0.0022)
                pluck(buffer, position + late, pitch, 0.050, 0.30)
            position += length
    return buffer


def echo(source):
    """A small room (four combs, two all-passes), run twice round so that the loop carries its own tail."""
    wet = array.array("d", bytes(8 * TOTAL))
    combs = [[[0.0] * delay, 0, 0.0, feedback] for delay, feedback in ((237, .79), (271, .77), (313, .75), (359, .73))]
    for lap in range(2):
        for i in range(TOTAL):
            value = source[i]
            total = 0.0
            for comb in combs:
                line, at, dull, feedback = comb
                out = line[at]
                dull = 0.6 * out + 0.4 * dull  # each return is duller, as in a room
                line[at] = value + dull * feedback
                comb[1] = at + 1 if at + 1 < len(line) else 0
                comb[2] = dull
                total += out
            wet[i] = total * 0.25
    for delay in (89, 37):
        line, at = [0.0] * delay, 0
        for lap in range(2):
            result = array.array("d", bytes(8 * TOTAL))
            for i in range(TOTAL):
                held = line[at]
                value = wet[i] + 0.5 * held
                result[i] = held - 0.5 * value
                line[at] = value
                at = at + 1 if at + 1 < delay else 0
        wet = result
    return array.array("d", (d + 0.42 * w for d, w in zip(source, wet)))


def high_pass(samples, corner):
    """Second order (Butterworth), twice round for the loop: what a telephone drops must not cost level."""
    w = math.tan(math.pi * corner / RATE)
    norm = 1.0 / (1.0 + math.sqrt(2.0) * w + w * w)
    b0, a1, a2 = norm, 2.0 * (w * w - 1.0) * norm, (1.0 - math.sqrt(2.0) * w + w * w) * norm
    x1 = x2 = y1 = y2 = 0.0
    result = array.array("d", bytes(8 * len(samples)))
    for lap in range(2):
        for i, x in enumerate(samples):
            y = b0 * (x - 2.0 * x1 + x2) - a1 * y1 - a2 * y2
            x2, x1, y2, y1 = x1, x, y1, y
            result[i] = y
    return result


def level(samples):
    return math.sqrt(math.fsum(s * s for s in samples) / len(samples))


def decibels(ratio):
    return 20.0 * math.log10(max(ratio, 1e-9))


def write(path):
    samples = high_pass(echo(compose()), 240.0)
    gain = 10.0 ** (TARGET_DBFS / 20.0) / level(samples)
    words = array.array("h", (max(-32767, min(32767, round(s * gain * 32767.0))) for s in samples))
    if sys.byteorder == "big":
        words.byteswap()
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(words.tobytes())


def check(path):
    """Measures what the piece promises; returns the list of what is out of bounds."""
    with wave.open(path, "rb") as source:
        shape = (source.getnchannels(), source.getsampwidth(), source.getframerate())
        words = array.array("h", source.readframes(source.getnframes()))
    if sys.byteorder == "big":
        words.byteswap()
    samples = [w / 32767.0 for w in words]
    seconds = len(samples) / RATE
    rms = decibels(level(samples))
    peak = decibels(max(abs(s) for s in samples))
    window = 4 * RATE // 10
    parts = [decibels(level(samples[i:i + window])) for i in range(0, len(samples) - window + 1, window)]
    steps = [abs(b - a) for a, b in zip(samples, samples[1:])]
    seam = abs(samples[0] - samples[-1])
    print(f"{seconds:.2f} s, RMS {rms:.1f} dBFS, peak {peak:.1f} dBFS, 0.4 s windows {min(parts):.1f} to {max(parts):.1f} dBFS, "
          f"step at the seam {seam:.4f} (largest inside {max(steps):.4f})")
    bounds = (
        (shape == (1, 2, RATE), "not 8 kHz mono 16 bit"),
        (60 <= seconds <= 90, "not 60 to 90 s"),
        (abs(rms - TARGET_DBFS) < 0.5, "level is not the intended one"),
        (peak < -6.0, "peaks too high"),
        (max(parts) - min(parts) < 12.0, "uneven: a caller would think that the line was lost"),
        (seam <= max(steps), "a click at the seam of the loop"),
    )
    return [text for good, text in bounds if not good]


def main(arguments):
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ivr-scripts", "prompts", "music", "hold.wav")
    asked = [a for a in arguments if a != "--check"]
    path = asked[0] if asked else os.path.normpath(default)
    if "--check" not in arguments:
        write(path)
    faults = check(path)
    for fault in faults:
        print(f"{path}: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
