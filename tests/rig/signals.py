"""Signals: tapes with absolute sample numbers, resampling, the echo path, WAV files."""

import math
import wave

import numpy as np


class Sinc:
    """Band-limited interpolation at any positions (Kaiser-windowed sinc, its table interpolated linearly)."""

    def __init__(self, rate_in, rate_out, half=14, phases=512):
        cut = min(1.0, rate_out / rate_in) * 0.94
        self.reach = reach = math.ceil(half / cut)
        j = np.arange(1 - reach, reach + 1)[None, :] - (np.arange(phases + 2) / phases)[:, None]
        window = np.i0(7.0 * np.sqrt(np.clip(1.0 - (j / reach) ** 2, 0.0, 1.0))) / np.i0(7.0)
        self.table, self.phases = (cut * np.sinc(cut * j) * window).astype(np.float32), phases

    def at(self, tape, start, step, count):
        """Values of the tape at start, start + step, ... in its samples."""
        reach, first = self.reach, math.floor(start)
        if step == round(step):  # always the same place between two samples: one filter does
            data = tape.get(first - reach + 1, first + int(step) * (count - 1) + reach + 1)
            fine = (start - first) * self.phases
            part = np.float32(fine - int(fine))
            h = self.table[int(fine)] * (1 - part) + self.table[int(fine) + 1] * part
            return np.ndarray((count, 2 * reach), np.float32, data, 0, (4 * int(step), 4)) @ h
        pos = (start - first) + step * np.arange(count)
        whole = pos.astype(np.int64)
        data = tape.get(first - reach + 1, first + int(whole[-1]) + reach + 1)
        rows = np.ndarray((int(whole[-1]) + 1, 2 * reach), np.float32, data, 0, (4, 4))[whole]
        fine = (pos - whole) * self.phases
        k = fine.astype(np.int64)
        part = (fine - k).astype(np.float32)[:, None]
        return np.einsum("ij,ij->i", rows, self.table[k] * (1 - part) + self.table[k + 1] * part)


class Tape:
    """The last seconds of a signal under absolute sample numbers, silence around it."""

    def __init__(self, first=0, keep=1 << 18):
        self.keep, self.start, self.end = keep, first, first
        self.data = np.zeros(2 * keep, np.float32)

    def append(self, x):
        for i in range(0, len(x), self.keep):
            part = x[i : i + self.keep]
            if self.end - self.start + len(part) > len(self.data):
                self.data[: self.keep] = self.data[self.end - self.start - self.keep : self.end - self.start]
                self.start = self.end - self.keep
            self.data[self.end - self.start : self.end - self.start + len(part)] = part
            self.end += len(part)

    def get(self, a, b):
        if self.start <= a and b <= self.end:
            return self.data[a - self.start : b - self.start]
        out = np.zeros(b - a, np.float32)
        lo, hi = max(a, self.start), min(b, self.end)
        if lo < hi:
            out[lo - a : hi - a] = self.data[lo - self.start : hi - self.start]
        return out


def read_wav(path, rate):
    """A mono float32 copy of a PCM WAV at the given rate."""
    with wave.open(str(path), "rb") as w:
        raw, width, channels, own = w.readframes(w.getnframes()), w.getsampwidth(), w.getnchannels(), w.getframerate()
    if width == 3:
        raw = b"".join(b"\0" + raw[i : i + 3] for i in range(0, len(raw), 3))
    x = np.frombuffer(raw, {1: np.uint8, 2: "<i2", 3: "<i4", 4: "<i4"}[width]).astype(np.float32)
    x = ((x - 128) / 128 if width == 1 else x / {2: 32768, 3: 2**31, 4: 2**31}[width]).reshape(-1, channels).mean(1)
    if own == rate:
        return x.astype(np.float32)
    sinc, tape, count = Sinc(own, rate), Tape(keep=len(x) + 1), int(len(x) * rate / own)
    tape.append(x)
    parts = [sinc.at(tape, i * own / rate, own / rate, min(2048, count - i)) for i in range(0, count, 2048)]
    return np.concatenate(parts or [x[:0]]).astype(np.float32)


def impulse_response(echo, rate):
    """Cone to microphone: a direct path and an exponential tail, or a WAV; gain_db sets its power below 7 kHz."""
    if echo["gain_db"] is None:
        return np.zeros(1, np.float32)
    if echo["ir"]:
        h = read_wav(echo["ir"], rate)
    else:
        n = int(rate * echo["rt60_ms"] / 1000 * 0.65) + 1
        decay = 10 ** (-3 * np.arange(n) / (rate * echo["rt60_ms"] / 1000))
        h = np.random.default_rng(echo["seed"]).standard_normal(n) * decay
        h *= 0.5 / np.sqrt((h**2).sum())  # reverberation 6 dB below the direct sound
        h[0] = 1.0
        h = np.concatenate([np.zeros(round(rate * echo["delay_ms"] / 1000)), h])
    power = np.abs(np.fft.rfft(h, 2 * len(h))) ** 2
    power = power[: int(len(power) * min(1.0, 7000 / (rate / 2)))].mean()  # where speech is
    return (h * 10 ** (echo["gain_db"] / 20) / np.sqrt(power)).astype(np.float32)


class Fir:
    """Convolution of a tape, block by block, without latency."""

    def __init__(self, h, block):
        self.h, self.block = h, block
        self.n = 1 << math.ceil(math.log2(len(h) + block))
        self.spectrum = np.fft.rfft(h, self.n)

    def run(self, tape, a, b):
        if len(self.h) <= 256:
            return np.convolve(tape.get(a - len(self.h) + 1, b), self.h, "valid")
        out = []
        for i in range(a, b, self.block):
            j = min(i + self.block, b)
            x = tape.get(i - len(self.h) + 1, j)
            out.append(np.fft.irfft(np.fft.rfft(x, self.n) * self.spectrum, self.n)[len(self.h) - 1 : len(x)])
        return np.concatenate(out)


class Recorder:
    """A growing 16-bit mono WAV."""

    def __init__(self, path, rate):
        self.w = wave.open(str(path), "wb")  # noqa: SIM115
        self.w.setparams((1, 2, rate, 0, "NONE", ""))
        self.pending = []

    def add(self, x):
        self.pending.append(x)
        if len(self.pending) >= 250:
            self.flush()

    def flush(self):
        x = np.concatenate([np.zeros(0, np.float32), *self.pending])
        self.w.writeframesraw(np.clip(np.rint(x * 32767), -32768, 32767).astype("<i2").tobytes())
        self.pending.clear()

    def close(self):
        self.flush()
        self.w.close()
