"""Prints PESQ-NB of HEARD against SAID (both 8 kHz mono 16 bit) after alignment.

usage: speech_score.py SAID.wav HEARD.wav
"""
import sys

import numpy as np
import soundfile as sf
from pesq import pesq

said, rate = sf.read(sys.argv[1])
heard, rate_heard = sf.read(sys.argv[2])
assert rate == rate_heard == 8000
size = 1 << int(np.ceil(np.log2(len(said) + len(heard))))
correlation = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
lag = int(np.argmax(correlation))
if lag > size // 2:
    said = said[size - lag:]
else:
    heard = heard[lag:]
length = min(len(said), len(heard))
print(f"{pesq(8000, said[:length], heard[:length], 'nb'):.3f}")
