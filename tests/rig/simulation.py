"""A room with a virtual sound card in it: see README.md.

The process at the other end of the card's socket. It computes what the speaker emits into the air and what
of it, with the user's speech and noise, reaches the microphone, and it writes down all of it.

    python -m tests.rig.simulation DIR [--config FILE] [--seconds N] [-- COMMAND...]

`room.py` runs it for the tests.
"""

import argparse
import array
import collections
import errno
import gc
import hashlib
import json
import math
import os
import resource
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from tests.rig.signals import Fir, Recorder, Sinc, Tape, impulse_response, read_wav
from tests.rig.vcard import FORMATS, MAGIC, REASONS, VERSION, Stream

HERE = Path(__file__).resolve().parent
DEVICE = {
    "rates": [16000, 44100, 48000],
    "channels": [1, 6],
    "formats": ["S16_LE", "S32_LE"],
    "period_bytes": [64, 65536],
    "buffer_bytes": 524288,
    "periods": [2, 1024],
    "ppm": 0.0,
    "granule": 1,
    "ring_bytes": 8 << 20,
}
DEFAULTS = {
    "air_rate": 48000,
    "tick_ms": 2,
    "speaker": {**DEVICE, "latency_ms": 1.0, "drive": 0.0},
    "mic": {**DEVICE, "latency_ms": 6.0, "map": ["mic"]},
    "echo": {"gain_db": -20.0, "ir": None, "delay_ms": 0.6, "rt60_ms": 120.0, "seed": 1},
    "noise": {"dbfs": -70.0, "wav": None, "seed": 2},
    "silence": {"dbfs": -60.0, "gap_ms": 200.0},
    "events": [],
}


def merged(base, over):
    out = dict(base)
    for key, value in over.items():
        if key not in base:
            raise KeyError(f"unknown setting {key!r}")
        out[key] = merged(base[key], value) if isinstance(base[key], dict) else value
    return out


class Simulation:
    def __init__(self, directory, config):
        self.dir, self.config = Path(directory), merged(DEFAULTS, config)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.fs = self.config["air_rate"]
        self.tick_ns = int(self.config["tick_ms"] * 1e6)
        self.streams = {"speaker": None, "mic": None}
        self.plugged = {"speaker": True, "mic": True}
        self.held = {"speaker": False, "mic": False}
        self.cone, self.wire, self.mic = Tape(), Tape(), Tape()  # out of the cone, on its wire, at the microphone
        self.fir = Fir(impulse_response(self.config["echo"], self.fs), block=self.fs // 200)
        noise = self.config["noise"]
        if noise["wav"]:
            self.noise = read_wav(noise["wav"], self.fs)
        else:
            self.noise = np.random.default_rng(noise["seed"]).standard_normal(self.fs * 10).astype(np.float32)
        self.noise *= 10 ** (noise["dbfs"] / 20) / np.sqrt((self.noise**2).mean()) if noise["dbfs"] is not None else 0
        self.loud = 10 ** (self.config["silence"]["dbfs"] / 20)
        self.gap_ns = int(self.config["silence"]["gap_ms"] * 1e6)
        self.sounding, self.last_loud, self.onsets = False, -(10**18), 0
        self.last_wire = -(10**18)  # last air sample with anything on the wire
        self.fading = []  # runs of closed streams, still in the air
        self.speech = []  # (air index, samples)
        self.waiting = []  # events to do at a time: (t_ns, event)
        self.after_onset = [e for e in self.config["events"] if "after_onset" in e]
        self.wavs = {}
        self.sincs = {}
        for event in self.config["events"]:
            if event.get("wav"):
                self.load(event["wav"])
        self.ticks = array.array("d")
        self.busy = array.array("d")
        self.log_file = (self.dir / "events.jsonl").open("w", buffering=1)
        self.recorders = {
            "speaker": Recorder(self.dir / "speaker.wav", self.fs),
            "mic": Recorder(self.dir / "mic.wav", self.fs),
        }
        self.done = 0  # air samples simulated
        self.stalled = 0
        self.starved = collections.deque()
        self.ending = None

    def log(self, event, t_ns, **more):
        self.log_file.write(json.dumps({"event": event, "t_ns": int(t_ns), **more}) + "\n")

    def sinc(self, a, b):
        a, b = round(a), round(b)
        if (a, b) not in self.sincs:
            self.sincs[a, b] = Sinc(a, b)
        return self.sincs[a, b]

    def load(self, path):
        key = path, Path(path).stat().st_mtime_ns
        if key not in self.wavs:
            self.wavs[key] = read_wav(path, self.fs)
        return self.wavs[key]

    def air_index(self, t_ns):
        return math.ceil((t_ns - self.epoch) * self.fs / 1e9)

    def air_time(self, index):
        return self.epoch + round(index * 1e9 / self.fs)

    # -- what happens in the room

    def do(self, event, t_ns):
        what = event["do"]
        if what == "say":
            x = self.load(event["wav"]) * np.float32(10 ** (event.get("gain_db", 0.0) / 20))
            want = self.air_index(t_ns)
            start = max(want, self.done)
            self.speech.append((start, x))
            above = np.flatnonzero(np.abs(x) > 0.01 * np.abs(x).max(initial=0))
            first, last = (int(above[0]), int(above[-1])) if len(above) else (0, 0)
            self.log(
                "say",
                self.air_time(start),
                wav=str(event["wav"]),
                onset_ns=self.air_time(start + first),
                end_ns=self.air_time(start + last + 1),
                late_ms=round((start - want) * 1e3 / self.fs, 3),
            )
        elif what == "xrun":
            s = self.streams[event["stream"]]
            if s:
                s.shm["injected"] += 1
                s.sock.send(b"x")
            self.log("xrun injected", time.monotonic_ns(), stream=event["stream"], done=bool(s))
        elif what in ("unplug", "plug"):
            for kind in [event["stream"]] if "stream" in event else ["speaker", "mic"]:
                self.plugged[kind] = what == "plug"
                s = self.streams[kind]
                self.log(what, time.monotonic_ns(), stream=kind)
                if what == "unplug" and s:
                    self.drop(s, "unplug")
        elif what == "device":  # it comes back as another, or hears otherwise
            kind = event["stream"]
            self.config[kind] = merged(self.config[kind], event["settings"])
            self.log("device", time.monotonic_ns(), stream=kind, **event["settings"])
        elif what in ("hold", "free"):  # another program has it, once it is closed
            self.held[event["stream"]] = what == "hold"
            self.log(what, time.monotonic_ns(), stream=event["stream"])
        elif what in ("freeze", "suspend"):  # its clock stops, or the machine sleeps: until it is opened again
            s = self.streams[event["stream"]]
            if s and what == "freeze":
                s.freeze(time.monotonic_ns())
            elif s:
                s.shm["suspended"] = 1
                s.sock.send(b"x")
            self.log(what, time.monotonic_ns(), stream=event["stream"], done=bool(s))
        elif what == "stall":  # the microphone hangs: nothing arrives for a while
            self.stalled = t_ns + int(event["ms"] * 1e6)
            self.log("stall", t_ns, stream="mic", until_ns=self.stalled)
        elif what == "echo":  # the path changes, or goes away with gain_db null
            self.config["echo"] = merged(self.config["echo"], event.get("echo", {}))
            self.fir = Fir(impulse_response(self.config["echo"], self.fs), block=self.fs // 200)
            self.log("echo", time.monotonic_ns(), **self.config["echo"])
        elif what == "end":
            self.ending = t_ns
        else:
            raise ValueError(f"unknown event {what!r}")

    def schedule(self, event, t_ns):
        # speech is laid out ahead, to begin at its exact sample; the rest is done when its time comes
        if event["do"] == "say" or t_ns <= time.monotonic_ns():
            self.do(event, t_ns)
        else:
            self.waiting.append((t_ns, event))

    # -- connections

    def accept(self, listener):
        sock, _ = listener.accept()
        sock.settimeout(0.5)
        try:
            hello = np.frombuffer(sock.recv(64), "<u4")
            if len(hello) != 4 or hello[0] != MAGIC or hello[1] != VERSION:
                raise OSError("not a card's hello")
            kind = "mic" if hello[2] else "speaker"
            device = self.config[kind]
            old = self.streams[kind]
            if old and not self.alive(old):
                self.drop(old, "close")
                old = None
            caps = np.zeros(24, "<u4")
            refusal = -errno.ENODEV if not self.plugged[kind] else -errno.EBUSY if old or self.held[kind] else 0
            caps[0] = np.uint32(refusal & 0xFFFFFFFF)
            caps[1], caps[2 : 2 + len(device["rates"])] = len(device["rates"]), device["rates"]
            caps[10] = len(device["formats"])
            caps[11 : 11 + len(device["formats"])] = [FORMATS[f][0] for f in device["formats"]]
            caps[15:17], caps[17:19], caps[19], caps[20:22] = (
                device["channels"],
                device["period_bytes"],
                device["buffer_bytes"],
                device["periods"],
            )
            reply = caps[:22].tobytes()
            if caps[0]:
                sock.send(reply)
                sock.close()
                why = "busy" if self.plugged[kind] else "unplugged"
                self.log("refused", time.monotonic_ns(), stream=kind, why=why)
                return
            stream = Stream(sock, kind, int(hello[3]), device)
            socket.send_fds(sock, [reply], [stream.fd])
            sock.setblocking(False)
            self.streams[kind] = stream
            self.log("open", time.monotonic_ns(), stream=kind, pid=stream.pid)
        except (OSError, ValueError):
            sock.close()

    @staticmethod
    def alive(stream):
        try:
            return stream.sock.recv(16) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def drop(self, stream, why):
        """The client is gone, or the card is."""
        now = time.monotonic_ns()
        stream.snapshot(anyhow=True)
        self.look(stream, now)
        for run in stream.runs:
            if run.end is None:
                reached = run.clock_at(now)
                run.end = min(reached, int(stream.now["appl"])) if stream.kind == "speaker" else run.done
                why = "crash" if why == "close" else why
                self.log(
                    "stop",
                    now,
                    stream=stream.kind,
                    run=run.number,
                    reason=why,
                    frames=run.end - run.first,
                    discarded=max(0, int(stream.now["appl"]) - run.end) if stream.kind == "speaker" else 0,
                )
        if stream.kind == "speaker":
            self.take(stream, now)
        self.log("close", now, stream=stream.kind, pid=stream.pid, how=why)
        stream.hang_up()
        self.streams[stream.kind] = None
        if stream.kind == "speaker":
            self.fading += stream.runs

    def look(self, stream, now):
        """Setups, starts and stops since the last look."""
        if int(stream.now["setup"]) != stream.setup:
            self.log("hw_params", now, stream=stream.kind, **stream.configure())
        for run, ended, row in stream.follow(self.config[stream.kind]["ppm"]):
            if not ended:
                latency_ms = self.latency(stream.kind, run) / 1e6
                self.log("start", run.t0, stream=stream.kind, run=run.number, latency_ms=latency_ms)
                continue
            appl, end = int(row["appl"]), int(row["end"])
            left = {"discarded": max(0, appl - end)} if stream.kind == "speaker" else {"unread": max(0, end - appl)}
            self.log(
                "stop",
                int(row["t1"]),
                stream=stream.kind,
                run=run.number,
                reason=REASONS[int(row["reason"])],
                frames=end - run.first,
                **left,
            )
        if int(stream.now["late"]) != stream.late:
            self.log("late", now, stream=stream.kind, wakes=int(stream.now["late"]) - stream.late)
            stream.late = int(stream.now["late"])

    # -- the speaker

    def latency(self, kind, run):
        """Of the converter, ns; the speaker's cannot be less than its reconstruction filter's."""
        if not run.latency:
            reach = self.sinc(run.rate, self.fs).reach + 1 if kind == "speaker" else 0
            run.latency = max(int(self.config[kind]["latency_ms"] * 1e6), int(reach * 1e9 / run.rate))
        return run.latency

    def take(self, stream, now):
        """Takes over the frames clocked out by now, and notices when the speaker begins and ceases to sound."""
        for run in stream.runs:
            until = run.end if run.end is not None else min(run.clock_at(now), int(stream.now["appl"]))
            if until <= run.done:
                continue
            x = stream.load(run.base + run.done, until - run.done)
            x = (x[:, 0] if stream.channels == 1 else x.mean(1)).astype(np.float32) * np.float32(1 / stream.scale)
            loud = np.flatnonzero(np.abs(x) > self.loud)
            if len(loud):
                begin = run.t0 + self.latency("speaker", run) + (run.done - run.first) * 1e9 / run.rate
                self.hear((begin + loud * (1e9 / run.rate)).astype(np.int64))
            run.tape.append(x)
            run.done = until

    def hear(self, times):
        if self.sounding and times[-1] - self.last_loud <= self.gap_ns:
            self.last_loud = int(times[-1])
            return
        breaks = np.flatnonzero(np.diff(times) > self.gap_ns)
        for start, end in zip([times[0], *times[breaks + 1]], [*times[breaks], times[-1]], strict=True):
            start, end = int(start), int(end)
            if self.sounding and start - self.last_loud > self.gap_ns:
                self.fall_silent()
            if not self.sounding:
                self.sounding = True
                self.onsets += 1
                self.log("speaker_onset", start, n=self.onsets)
                for event in [e for e in self.after_onset if e["after_onset"] == self.onsets]:
                    self.after_onset.remove(event)
                    self.schedule(event, start + int(event.get("ms", 0) * 1e6))
            self.last_loud = end

    def fall_silent(self):
        self.sounding = False
        self.log("speaker_silent", self.last_loud, n=self.onsets)

    def emit(self, n, count):
        """Air samples n .. n + count of what is on the speaker's wire."""
        out = np.zeros(count, np.float32)
        stream = self.streams["speaker"]
        for run in (stream.runs if stream else []) + self.fading:
            sinc, latency = self.sinc(run.rate, self.fs), self.latency("speaker", run)
            start = (self.air_time(n) - latency - run.t0) * run.rate / 1e9 + run.first
            step = run.rate / self.fs
            if start + step * count < run.first - sinc.reach or start > run.done + sinc.reach:
                continue
            out += sinc.at(run.tape, start, step, count)
            self.last_wire = n + count
        return out

    def forget(self):
        def over(run):
            return run.end is not None and self.air_time(self.done) > run.time_of(run.end) + 100_000_000

        for stream in self.streams.values():
            if stream:
                stream.runs = [r for r in stream.runs if not over(r)]
        self.fading = [r for r in self.fading if not over(r)]

    # -- the microphone

    def publish(self, stream):
        """Gives the client all microphone frames that can be known by now."""
        for run in stream.runs:
            if run.end is not None or run.number != stream.seen:
                continue
            sinc, latency = self.sinc(self.fs, run.rate), self.latency("mic", run)
            horizon = self.air_time(self.done - sinc.reach - 2) + latency
            until = run.clock_at(horizon)
            if until <= run.done:
                continue
            start = (run.time_of(run.done) - latency - self.epoch) * self.fs / 1e9
            count, step = until - run.done, self.fs / run.rate
            block = np.empty((count, stream.channels), stream.dtype)
            made = {}
            for c in range(stream.channels):
                source = self.config["mic"]["map"][min(c, len(self.config["mic"]["map"]) - 1)]
                key = json.dumps(source)
                if key not in made:
                    what = source if isinstance(source, dict) else {"of": source}
                    shift = what.get("delay_us", 0) * 1e-6 * self.fs
                    tape = {"mic": self.mic, "ref": self.wire, "zero": None}[what.get("of", "mic")]
                    x = sinc.at(tape, start - shift, step, count).astype(np.float64) if tape else np.zeros(count)
                    x *= stream.scale * 10 ** (what.get("gain_db", 0) / 20)
                    made[key] = np.rint(np.minimum(np.maximum(x, -stream.scale), stream.scale)).astype(stream.dtype)
                block[:, c] = made[key]
            stream.store(run.done, block)
            run.done = until
            stream.shm["published"] = (run.number & 0xFFFFFF) << 40 | until

    # -- time

    def advance(self, now):
        for kind in ("speaker", "mic"):
            stream = self.streams[kind]
            if stream and not stream.snapshot():
                return  # the client is inside an operation whose time is later than now: wait for it
        for stream in filter(None, self.streams.values()):
            if stream.now["setup"]:
                self.look(stream, now)
        speaker, mic = self.streams["speaker"], self.streams["mic"]
        if speaker and speaker.setup:
            self.take(speaker, now)
        if self.sounding and now - self.last_loud > self.gap_ns + 2 * self.tick_ns:
            self.fall_silent()
        n, until = self.done, int((now - self.epoch) * self.fs / 1e9)
        if until > n:
            wire = self.emit(n, until - n)
            drive = self.config["speaker"]["drive"]
            cone = np.tanh(drive * wire) / np.float32(drive) if drive else wire
            self.wire.append(wire)
            self.cone.append(cone)
            at = n % len(self.noise)
            x = self.noise[at : at + until - n]
            x = x.copy() if len(x) == until - n else self.noise[np.arange(n, until) % len(self.noise)]
            if n - self.last_wire < len(self.fir.h):
                x = x + self.fir.run(self.cone, n, until)
            for start, samples in self.speech:
                a, b = max(n, start), min(until, start + len(samples))
                if a < b:
                    x[a - n : b - n] += samples[a - start : b - start]
            self.speech = [(s, y) for s, y in self.speech if s + len(y) > until]
            self.mic.append(x)
            self.recorders["speaker"].add(cone)
            self.recorders["mic"].add(x)
            self.done = until
        if mic and mic.setup and now >= self.stalled:
            self.publish(mic)
        if len(self.ticks) % 50 == 0:
            self.forget()

    def command(self, line):
        """One request of the control socket."""
        event = json.loads(line)
        if event["do"] == "load":
            threading.Thread(target=self.load, args=(event["wav"],), daemon=True).start()
            return {"ok": True}
        if event["do"] == "loaded":
            return {"ok": (event["wav"], Path(event["wav"]).stat().st_mtime_ns) in self.wavs}
        if "after_onset" in event:
            if event["after_onset"] == "next":
                event["after_onset"] = self.onsets + 1
            self.after_onset.append(event)
            return {"ok": True}
        t_ns = int(event.get("at_ns", time.monotonic_ns() + event.get("after_ms", 0) * 1e6))
        self.schedule(event, t_ns)
        return {"ok": True, "t_ns": t_ns}

    def canary(self):
        """An ordinary thread that says when the machine is too busy for ordinary threads."""
        while True:
            due = time.monotonic() + 0.01
            time.sleep(0.01)
            if (late := time.monotonic() - due) > 0.01:
                self.starved.append((int(due * 1e9), round(late * 1e3, 1)))

    def serve(self, seconds=None):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        for s, name in ((listener, "card"), (control, "control")):
            (self.dir / name).unlink(missing_ok=True)
            s.bind(str(self.dir / name))
            s.listen(8)
        peers = {}
        how = realtime()
        self.epoch = time.monotonic_ns()
        self.log("epoch", self.epoch, air_rate=self.fs, scheduling=how, config=self.config)
        for event in self.config["events"]:
            if "after_onset" not in event:
                self.schedule(event, self.epoch + int(event.get("at_ms", 0) * 1e6))
        if seconds:
            self.ending = self.epoch + int(seconds * 1e9)
        gc.collect()
        gc.freeze()
        gc.disable()
        threading.Thread(target=self.canary, daemon=True).start()
        (self.dir / "ready").write_text("")
        tick = self.epoch
        while not (self.ending and time.monotonic_ns() >= self.ending):
            tick += self.tick_ns
            while (left := tick - time.monotonic_ns()) > 0:
                clients = {s.sock: s for s in self.streams.values() if s}
                ready, _, _ = select.select([listener, control, *peers, *clients], [], [], left / 1e9)
                for r in ready:
                    if r is listener:
                        self.accept(listener)
                    elif r is control:
                        peers[control.accept()[0]] = b""
                    elif r in clients:
                        # accept() may just have put another in its place
                        current = self.streams[clients[r].kind] is clients[r]
                        if current and not self.alive(clients[r]):
                            self.drop(clients[r], "close")
                    elif r in peers:
                        self.converse(r, peers)
            began = time.monotonic_ns()
            while self.starved:
                t_ns, by_ms = self.starved.popleft()
                self.log("starved", t_ns, by_ms=by_ms)
            for item in [w for w in self.waiting if w[0] <= began]:
                self.waiting.remove(item)
                self.do(item[1], item[0])
            began = time.monotonic_ns()
            self.advance(began)
            ended = time.monotonic_ns()
            self.ticks.append((began - tick) / 1e6)
            self.busy.append((ended - began) / 1e6)
            if ended - tick > 50_000_000:
                tick = ended  # the machine stood still: don't run after it
        self.finish()

    def converse(self, peer, peers):
        try:
            data = peer.recv(65536)
        except OSError:
            data = b""
        if not data:
            del peers[peer]
            peer.close()
            return
        *lines, peers[peer] = (peers[peer] + data).split(b"\n")
        for line in lines:
            try:
                answer = self.command(line)
            except Exception as e:  # a bad request is the asker's problem
                answer = {"ok": False, "error": f"{type(e).__name__}: {e}"}
            peer.send(json.dumps(answer).encode() + b"\n")

    def finish(self):
        now = time.monotonic_ns()
        for stream in filter(None, list(self.streams.values())):
            self.drop(stream, "end")
        if self.sounding:
            self.fall_silent()
        for recorder in self.recorders.values():
            recorder.close()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        pct = lambda a: [round(float(v), 3) for v in np.percentile(np.array(a) if len(a) else [0.0], [50, 99, 100])]  # noqa: E731
        self.log(
            "end",
            now,
            seconds=round((now - self.epoch) / 1e9, 3),
            tick_late_ms_p50_p99_max=pct(self.ticks),
            tick_work_ms_p50_p99_max=pct(self.busy),
            cpu_seconds=round(usage.ru_utime + usage.ru_stime, 2),
        )
        self.log_file.close()
        for name in ("card", "control", "ready"):
            (self.dir / name).unlink(missing_ok=True)


def realtime():
    """Runs ahead of ordinary processes, as far as this user may."""
    sys.setswitchinterval(0.0005)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | getattr(os, "SCHED_RESET_ON_FORK", 0), os.sched_param(20))
        return "fifo"
    except OSError:
        pass
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -15)
        return "nice"
    except OSError:
        return "normal"


def plugin():
    """The ALSA plugin, built into the temporary folder when there is none of this source yet."""
    digest = hashlib.sha256(b"".join((HERE / f).read_bytes() for f in ("pcm_vcard.c", "vcard.h"))).hexdigest()[:16]
    made = Path(tempfile.gettempdir()) / f"vcard-{os.getuid()}-{digest}" / "libasound_module_pcm_vcard.so"
    if not made.exists():
        made.parent.mkdir(mode=0o700, exist_ok=True)
        fresh = made.with_suffix(f".{os.getpid()}")
        subprocess.run(["make", "-s", "-C", str(HERE), f"PLUGIN={fresh}"], check=True)
        fresh.replace(made)
    return made


def alsa_config(directory):
    """An ALSA configuration in which the room is the only hardware."""
    card = f'type vcard socket "{directory / "card"}"'
    hint = 'hint {{ show on description "{}" }}'
    args = (
        '@args [ CARD DEV SUBDEV ] @args.CARD { type string default "0" } @args.DEV { type integer default 0 } '
        "@args.SUBDEV { type integer default -1 }"
    )
    return f"""<confdir:alsa.conf>
pcm_type.vcard {{ lib "{plugin()}" }}
pcm.mic {{ {card} {hint.format("Virtual microphone")} }}
pcm.speaker {{ {card} {hint.format("Virtual speaker")} }}
pcm.plugmic {{ type plug slave.pcm {{ {card} }} }}
pcm.plugspeaker {{ type plug slave.pcm {{ {card} }} }}
pcm.!default {{ type plug slave.pcm {{ {card} }} }}
pcm.!hw {{ {args} {card} }}
pcm.!plughw {{ {args} type plug slave.pcm {{ {card} }} }}
"""


def main():
    parser = argparse.ArgumentParser(description="A room with a virtual sound card in it.")
    parser.add_argument("dir", type=Path)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--seconds", type=float)
    argv = sys.argv[1:]
    command = argv[argv.index("--") + 1 :] if "--" in argv else []
    args = parser.parse_args(argv[: argv.index("--")] if command else argv)
    directory = args.dir.resolve()
    simulation = Simulation(directory, json.loads(args.config.read_text()) if args.config else {})
    (directory / "asound.conf").write_text(alsa_config(directory))
    status = 0
    if command:

        def child():
            nonlocal status
            while not (directory / "ready").exists():
                time.sleep(0.01)
            env = {**os.environ, "ALSA_CONFIG_PATH": str(directory / "asound.conf")}
            status = subprocess.run(command, env=env).returncode
            simulation.ending = time.monotonic_ns() + 300_000_000

        (directory / "ready").unlink(missing_ok=True)
        threading.Thread(target=child, daemon=True).start()
    simulation.serve(args.seconds)
    return status


if __name__ == "__main__":
    sys.exit(main())
