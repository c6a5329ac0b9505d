"""The ALSA card without a card: what kernel drivers do and the virtual one does not, and errors before any device."""

import subprocess
import sys
from collections import deque
from typing import Any

import numpy as np
import pytest

from satellite.audio.alsa import AlsaCard, AlsaSettings, open_card
from satellite.errors import ConfigError, DeviceError

EPIPE, ENODEV, EBADFD, ESTRPIPE = -32, -19, -77, -86


class FakePcm:
    """A PCM that gives the answers put into its queues; an empty queue means what an idle driver says."""

    def __init__(self, kind: int, mode: int, **asked: Any) -> None:
        assert mode == FakeAlsa.PCM_NONBLOCK
        self.asked = asked
        self.idle_avail = 0 if kind == FakeAlsa.PCM_CAPTURE else asked["periodsize"] * asked["periods"]
        self.now = FakeAlsa.PCM_STATE_RUNNING
        self.available: deque[int] = deque()
        self.readable: deque[tuple[int, bytes]] = deque()
        self.takes: deque[int] = deque()
        self.written: list[bytes] = []

    def info(self) -> dict[str, Any]:
        period, periods = self.asked["periodsize"], self.asked["periods"]
        sizes = {"period_size": period, "buffer_size": period * periods}
        return {"format_name": "S16_LE", "rate": self.asked["rate"], "channels": self.asked["channels"], **sizes}

    def state(self) -> int:
        return self.now

    def avail(self) -> int:
        return self.available.popleft() if self.available else self.idle_avail

    def read(self) -> tuple[int, bytes]:
        return self.readable.popleft() if self.readable else (0, b"")

    def write(self, frames: Any) -> int:
        self.written.append(bytes(frames))
        return self.takes.popleft() if self.takes else len(self.written[-1]) // 2

    def polldescriptors(self) -> list[tuple[int, int]]:
        return []

    def drop(self) -> int:
        return 0

    def close(self) -> None:
        pass


class FakeAlsa:
    """Stands for the module alsaaudio; keeps the PCMs that were opened."""

    PCM_PLAYBACK, PCM_CAPTURE = 0, 1
    PCM_NONBLOCK = 1
    PCM_FORMAT_S16_LE = 2
    PCM_STATE_RUNNING, PCM_STATE_SUSPENDED, PCM_STATE_DISCONNECTED = 3, 7, 8
    ALSAAudioError = OSError

    def __init__(self) -> None:
        self.opened: list[FakePcm] = []

    def PCM(self, kind: int, mode: int, **asked: Any) -> FakePcm:
        self.opened.append(FakePcm(kind, mode, **asked))
        return self.opened[-1]


@pytest.fixture
def alsa(monkeypatch: pytest.MonkeyPatch) -> FakeAlsa:
    fake = FakeAlsa()
    monkeypatch.setitem(sys.modules, "alsaaudio", fake)
    return fake


def opened(alsa: FakeAlsa) -> tuple[AlsaCard, FakePcm, FakePcm]:
    card = open_card(AlsaSettings("mic", "speaker"))
    capture, playback = alsa.opened
    return card, capture, playback


def sound(first: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.arange(first, first + count, dtype=np.int16)


def test_a_device_that_does_not_exist_is_named() -> None:
    """The error says which device, for which direction, and what ALSA said."""
    with pytest.raises(DeviceError, match=r"^capture device 'no_such_microphone': No such"):
        open_card(AlsaSettings(capture_device="no_such_microphone"))


def test_the_module_is_imported_without_the_library() -> None:
    """Machines without ALSA can import everything, as only opening a card needs the library."""
    code = "import sys, satellite.audio.alsa; sys.exit('alsaaudio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyalsaaudio the error says what to install."""
    monkeypatch.setitem(sys.modules, "alsaaudio", None)
    with pytest.raises(DeviceError, match="pyalsaaudio"):
        open_card(AlsaSettings())


@pytest.mark.parametrize("queue_ms", [10, 41])
def test_a_queue_that_is_too_short_or_too_long_is_refused(queue_ms: int) -> None:
    """One period cannot be kept filled, and a duck sounds only after the queue."""
    with pytest.raises(ConfigError, match="20 to 40"):
        AlsaSettings(queue_ms=queue_ms)


def test_the_reference_is_another_channel_than_the_microphone() -> None:
    """Who names the same twice would cancel the user."""
    with pytest.raises(ConfigError, match="both channel 2"):
        AlsaSettings(capture_channel=2, loopback_channel=2)


def test_short_reads_are_put_together(alsa: FakeAlsa) -> None:
    """A driver that gives fewer frames than there are loses none of them and makes no short period."""
    card, capture, _ = opened(alsa)
    capture.available.extend([160, 160, 30, 160, 160])
    capture.readable.extend([(100, sound(0, 100).tobytes()), (30, sound(100, 30).tobytes())])
    assert card.microphone.read() is None
    capture.readable.extend([(160, sound(130, 160).tobytes()), (30, sound(290, 30).tobytes())])
    first, second = card.microphone.read(), card.microphone.read()
    assert first is not None and second is not None
    assert np.array_equal(np.concatenate([first, second]), sound(0, 320))


def test_every_channel_is_told_to_whoever_asks(alsa: FakeAlsa) -> None:
    """Beside the channels that are used, in the order of the device; more are asked for than are used."""
    card = open_card(AlsaSettings("mic", "speaker", capture_channel=2, loopback_channel=0, every_channel_of=4))
    capture = alsa.opened[0]
    assert capture.asked["channels"] == 4
    capture.available.append(160)
    capture.readable.append((160, sound(0, 640).tobytes()))
    near, microphone = card.microphone.read(), card.microphone
    assert near is not None and microphone.loopback is not None and microphone.every_channel is not None
    assert np.array_equal(microphone.every_channel, sound(0, 640).reshape(160, 4).T)
    assert np.array_equal(near, microphone.every_channel[2]) and np.array_equal(microphone.loopback, microphone.every_channel[0])


def test_the_daemon_is_told_no_more_than_it_asks_for(alsa: FakeAlsa) -> None:
    """Channels that nobody uses are not kept every 10 ms."""
    card, capture, _ = opened(alsa)
    capture.available.append(160)
    capture.readable.append((160, sound(0, 160).tobytes()))
    assert card.microphone.read() is not None
    assert card.microphone.every_channel is None and card.microphone.loopback is None


def test_an_overrun_inside_a_period_starts_a_new_one(alsa: FakeAlsa) -> None:
    """No period joins samples from before a gap to samples from behind it."""
    card, capture, _ = opened(alsa)
    capture.available.extend([160, 160, EPIPE, 160])
    capture.readable.extend([(100, sound(0, 100).tobytes()), (0, b"")])
    assert card.microphone.read() is None
    capture.readable.extend([(EPIPE, b""), (0, b""), (160, sound(500, 160).tobytes())])
    assert card.microphone.read() is None
    period = card.microphone.read()
    assert period is not None and np.array_equal(period, sound(500, 160))
    assert card.microphone.overruns == 1


def test_overruns_that_do_not_end_do_not_hang(alsa: FakeAlsa) -> None:
    """A stream that overruns again at once gives no period, and the call returns."""
    card, capture, _ = opened(alsa)
    capture.available.append(EPIPE)
    capture.readable.extend([(EPIPE, b"")] * 2)
    assert card.microphone.read() is None


def test_the_kernel_has_no_position_after_a_drop(alsa: FakeAlsa) -> None:
    """A dropped kernel stream answers with EBADFD, which is no error but an empty queue."""
    card, _, playback = opened(alsa)
    assert card.speaker.write(sound(0, 160)) == 160
    card.speaker.drop()
    playback.available.append(EBADFD)
    assert card.speaker.queued() == 0


@pytest.mark.parametrize(("available", "queued"), [(480, 0), (500, 0), (0, 480), (200, 280)])
def test_the_queue_is_what_is_not_free(alsa: FakeAlsa, available: int, queued: int) -> None:
    """A driver that is ahead of the last write makes no negative queue."""
    card, _, playback = opened(alsa)
    card.speaker.write(sound(0, 160))
    playback.available.append(available)
    assert card.speaker.queued() == queued


def test_a_stream_that_cannot_go_on_is_an_error(alsa: FakeAlsa) -> None:
    """What is neither an underrun nor a stop is told as it is, with the device."""
    card, _, playback = opened(alsa)
    card.speaker.write(sound(0, 160))
    playback.available.append(ESTRPIPE)
    with pytest.raises(DeviceError, match="playback device 'speaker': Streams pipe error"):
        card.speaker.queued()


def test_a_stream_that_sleeps_and_answers_as_before_is_an_error(alsa: FakeAlsa) -> None:
    """A driver that tells the last position that it knew would seem to stand still; its state tells."""
    card, capture, playback = opened(alsa)
    card.speaker.write(sound(0, 160))
    capture.now = playback.now = FakeAlsa.PCM_STATE_SUSPENDED
    with pytest.raises(DeviceError, match="playback device 'speaker': Streams pipe error"):
        card.speaker.queued()
    with pytest.raises(DeviceError, match="capture device 'mic': Streams pipe error"):
        card.microphone.read()


def test_a_lost_kernel_device_is_noticed_in_silence(alsa: FakeAlsa) -> None:
    """The kernel answers ENODEV for a device that was pulled out while nothing played."""
    card, _, playback = opened(alsa)
    playback.available.append(ENODEV)
    with pytest.raises(DeviceError, match="playback device 'speaker': No such device"):
        card.speaker.queued()


def test_an_underrun_is_written_again_once(alsa: FakeAlsa) -> None:
    """The samples that met an underrun are played; if they meet another, the caller keeps them."""
    card, _, playback = opened(alsa)
    card.speaker.write(sound(0, 160))
    playback.takes.extend([EPIPE, 160, EPIPE, EPIPE])
    assert card.speaker.write(sound(160, 160)) == 160
    assert playback.written[1] == playback.written[2] == sound(160, 160).tobytes()
    assert card.speaker.write(sound(320, 160)) == 0
    assert card.speaker.underruns == 2
    assert len(playback.written) == 5
