"""The room's side of the virtual sound card: vcard.h in numpy, and the PCMs that are open."""

import mmap
import os

import numpy as np

from tests.rig.signals import Tape

MAGIC, VERSION, RUNS, RING_OFFSET = 0x64724356, 2, 64, 8192
REASONS = ["running", "drop", "drain", "pause", "xrun", "injected xrun", "unplug"]
FORMATS = {  # ALSA's number, dtype, full scale; three bytes have no dtype of their own
    "S16_LE": (2, "<i2", 32767.0),
    "S24_LE": (6, "<i4", 8388607.0),
    "FLOAT_LE": (14, "<f4", 1.0),
    "S32_LE": (10, "<i4", 2147483647.0),
    "S24_3LE": (32, "<i4", 8388607.0),
}

RUN = np.dtype(
    [
        ("t0", "i8"),
        ("t1", "i8"),
        ("first", "u8"),
        ("end", "u8"),
        ("appl", "u8"),
        ("base", "u8"),
        ("reason", "u8"),
    ]
)
STREAM = np.dtype(
    [
        ("magic", "u4"),
        ("version", "u4"),
        ("ring_bytes", "u8"),
        ("ppm", "f8"),
        ("granule", "u8"),
        ("published", "u8"),
        ("injected", "u8"),
        ("gone", "u8"),
        ("frozen", "i8"),
        ("suspended", "u8"),
        ("seq", "u8"),
        ("setup", "u8"),
        ("format", "u4"),
        ("channels", "u4"),
        ("rate", "u4"),
        ("frame_bytes", "u4"),
        ("period", "u8"),
        ("buffer", "u8"),
        ("avail_min", "u8"),
        ("appl", "u8"),
        ("base", "u8"),
        ("late", "u8"),
        ("run_count", "u8"),
        ("runs", RUN, RUNS),
    ]
)


class Run:
    """One start-to-stop of a stream's clock, as the room follows it."""

    def __init__(self, number, row, rate, ppm):
        self.number, self.t0, self.first, self.base = number, int(row["t0"]), int(row["first"]), int(row["base"])
        self.rate = rate * (1.0 + ppm * 1e-6)
        self.end = None  # position where it stopped
        self.done = self.first  # frames taken over by the room, or given by it
        self.latency = None
        self.frozen = None  # when its clock stopped
        self.tape = Tape(self.first)

    def clock_at(self, t):  # the plugin's expression
        t = t if self.frozen is None else min(t, self.frozen)
        return self.first if t <= self.t0 else self.first + int(float(t - self.t0) * self.rate / 1e9)

    def time_of(self, frame):
        return self.t0 + round((frame - self.first) * 1e9 / self.rate)


class Stream:
    """One open PCM."""

    def __init__(self, sock, kind, pid, device):
        self.sock, self.kind, self.pid = sock, kind, pid
        size = RING_OFFSET + device["ring_bytes"]
        self.fd = os.memfd_create("vcard", os.MFD_CLOEXEC)
        os.ftruncate(self.fd, size)
        self.map = mmap.mmap(self.fd, size)
        self.shm = np.frombuffer(self.map, STREAM, 1)[0]
        self.shm["magic"], self.shm["version"] = MAGIC, VERSION
        self.shm["ring_bytes"], self.shm["ppm"] = device["ring_bytes"], device["ppm"]
        self.shm["granule"] = device["granule"]
        self.setup = self.seen = self.late = 0
        self.now = None  # snapshot of the shared fields
        self.runs = []

    def snapshot(self, anyhow=False):
        """Copies what the client says. False while it is just changing it, which a dead one may be for ever."""
        for _ in range(3):
            seq = int(self.shm["seq"])
            copy = np.frombuffer(self.map[: STREAM.itemsize], STREAM)[0]
            if anyhow or (not seq & 1 and int(self.shm["seq"]) == seq):
                self.now = copy
                return True
        return False

    def configure(self):
        """Takes over new hw_params, and tells them."""
        self.setup = int(self.now["setup"])
        kind = next(k for k, (number, *_) in FORMATS.items() if number == int(self.now["format"]))
        _, self.dtype, self.scale = FORMATS[kind]
        self.rate, self.channels = int(self.now["rate"]), int(self.now["channels"])
        width = int(self.now["frame_bytes"])
        ring = np.frombuffer(self.map, np.uint8, offset=RING_OFFSET)
        self.frames = ring.size // width
        self.ring = ring[: self.frames * width].reshape(self.frames, width)
        self.packed = width < self.channels * np.dtype(self.dtype).itemsize
        return {
            "rate": self.rate,
            "channels": self.channels,
            "format": kind,
            "period": int(self.now["period"]),
            "buffer": int(self.now["buffer"]),
        }

    def load(self, at, count):
        """Samples of these frames of the ring, by channel."""
        at %= self.frames
        data = self.ring[at : at + count]
        if len(data) < count:
            data = np.concatenate([data, self.ring[: count - len(data)]])
        if self.packed:
            upper = np.zeros((count, self.channels, 4), np.uint8)
            upper[:, :, 1:] = data.reshape(count, self.channels, 3)
            return upper.view("<i4")[:, :, 0] >> 8
        return np.ascontiguousarray(data).view(self.dtype)

    def store(self, at, block):
        """Puts samples into the ring."""
        count = len(block)
        data = block.view(np.uint8).reshape(count, self.channels, -1)
        data = (data[:, :, :3] if self.packed else data).reshape(count, -1)
        at %= self.frames
        head = min(count, self.frames - at)
        self.ring[at : at + head] = data[:head]
        self.ring[: count - head] = data[head:]

    def follow(self, ppm):
        """Runs begun and ended since the last time: yields (run, ended, row)."""
        count = int(self.now["run_count"])
        for run in self.runs:
            if run.end is None:
                row = self.now["runs"][(run.number - 1) % RUNS]
                if row["t1"]:
                    run.end = int(row["end"])
                    yield run, True, row
        for number in range(self.seen + 1, count + 1):
            row = self.now["runs"][(number - 1) % RUNS]
            run = Run(number, row, self.rate, ppm)
            self.runs.append(run)
            yield run, False, row
            if row["t1"]:
                run.end = int(row["end"])
                yield run, True, row
        self.seen = count

    def freeze(self, t):
        """Stops its clock, for as long as it is open."""
        self.shm["frozen"] = t
        for run in self.runs:
            run.frozen = t

    def hang_up(self):
        self.shm["gone"] = 1
        self.sock.close()
        os.close(self.fd)
