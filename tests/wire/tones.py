"""Tones that telephones say and listen for."""

import math
import struct
import wave


def write_tone(path, hertz):
    """Ten seconds of a tone, 8 kHz mono."""
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        wave_of = (int(9000 * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(80_000))
        out.writeframes(struct.pack("<80000h", *wave_of))


def strength(path, hertz):
    """The share of the loudest second's energy that is at this frequency (Goertzel)."""
    with wave.open(path, "rb") as sound:
        rate = sound.getframerate()
        data = sound.readframes(sound.getnframes())
    samples = struct.unpack(f"<{len(data) // 2}h", data)
    best = 0.0
    for start in range(0, max(1, len(samples) - rate), rate // 2):
        part = samples[start : start + rate]
        energy = sum(s * s for s in part)
        if energy < 1e6 * len(part) / 100:
            continue
        k = 2 * math.cos(2 * math.pi * hertz / rate)
        a = b = 0.0
        for s in part:
            a, b = s + k * a - b, a
        power = (a * a + b * b - k * a * b) * 2 / len(part)
        best = max(best, power / energy)
    return best
