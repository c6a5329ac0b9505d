"""Wyoming services that are the microphone or the loudspeaker: sockets that the audio thread looks at, and never waits for."""

import select
import socket
import time
from urllib.parse import urlsplit

import numpy as np
from wyoming.audio import AudioChunk, AudioStart
from wyoming.event import Event

from satellite.audio.card import Channels, Samples
from satellite.audio.sample_format import SAMPLE_FORMATS
from satellite.errors import DeviceError, PeerError
from satellite.external.names import addresses
from satellite.external.rates import Rows
from satellite.peer.framing import Decoder, Limits, encode

# its name to be found, to be reached, and to begin
LOOK_UP_S = 1.0
CONNECT_S = 2.0
BEGIN_S = 2.0

# an old one and a new one
_MOST_ADDRESSES = 2

# what waits in the kernel cannot be stopped any more; it doubles this, and takes no less
_SEND_BUFFER_BYTES = 4096
_RECEIVE_BYTES = 64 * 1024
# more than anybody sends of a second of sound
_LIMITS = Limits(data=64 * 1024, payload=1024 * 1024)
# of a sender that never stops, taken at once
_MOST_RECEIVES = 16

_FORMATS = {2: SAMPLE_FORMATS["S16_LE"], 3: SAMPLE_FORMATS["S24_3LE"], 4: SAMPLE_FORMATS["S32_LE"]}
_RATES_HZ = range(8000, 192_001)
_MOST_CHANNELS = 64


class Connection:
    """An open one. DeviceError, by every method, for what ends it."""

    def __init__(self, key: str, uri: str) -> None:
        self.label = f"{key} {uri}"
        parts = urlsplit(uri)
        try:
            if parts.scheme == "unix":
                self.socket = _unix(parts.path)
            else:
                self.socket = _tcp(parts.hostname or "", parts.port or 0)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise DeviceError(f"{self.label}: {error.strerror or error}") from error
        self.socket.setblocking(False)
        self._decoder = Decoder(_LIMITS)

    def receive(self) -> list[Event]:
        """What has come."""
        events: list[Event] = []
        try:
            for _ in range(_MOST_RECEIVES):
                events += self._decoded(self.socket.recv(_RECEIVE_BYTES))
        except BlockingIOError:
            pass
        except OSError as error:
            raise DeviceError(f"{self.label}: {error.strerror}") from error
        return events

    def send(self, data: memoryview | bytes) -> int:
        """How many bytes are gone."""
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise DeviceError(f"{self.label}: {error.strerror}") from error

    def close(self) -> None:
        """May be called twice."""
        self.socket.close()

    def _decoded(self, data: bytes) -> list[Event]:
        if not data:
            raise DeviceError(f"{self.label} has hung up")
        try:
            return list(self._decoder.feed(data))
        except PeerError as error:
            raise DeviceError(f"{self.label}: {error}") from error


def _tcp(host: str, port: int) -> socket.socket:
    failed = OSError(None, "the name has no address")
    for ip in addresses(host, LOOK_UP_S)[:_MOST_ADDRESSES]:
        try:
            return socket.create_connection((ip, port), CONNECT_S)
        except OSError as error:
            failed = error
    raise failed


def _unix(path: str) -> socket.socket:
    opened = socket.socket(socket.AF_UNIX)
    try:
        opened.settimeout(CONNECT_S)
        opened.connect(path)
    except OSError:
        # the audio thread tries again, for as long as it takes
        opened.close()
        raise
    return opened


class MicService:
    """The `Source` that is a Wyoming microphone service. Its first chunk says what all of them are like."""

    def __init__(self, uri: str, wanted: tuple[int, ...]) -> None:
        """`wanted`: channels, from 0. DeviceError if it cannot be reached, or does not begin."""
        self.rows, self._wanted = len(wanted), wanted
        self._connection = Connection("external.mic_uri", uri)
        self.label, self.close = self._connection.label, self._connection.close
        self._poll = select.poll()
        self._poll.register(self._connection.socket, select.POLLIN)
        self._format: tuple[int, int, int] | None = None
        try:
            self._begun = self._first_chunk()
        except DeviceError:
            self.close()
            raise

    @property
    def rate_hz(self) -> int:
        assert self._format is not None, "the first chunk has come"
        return self._format[0]

    def wait(self, timeout_s: float) -> None:
        self._poll.poll(timeout_s * 1000)

    def take(self) -> Channels:
        begun, self._begun = self._begun, np.zeros((self.rows, 0), np.int16)
        return np.concatenate((begun, self._received()), axis=1)

    def _first_chunk(self) -> Channels:
        deadline_s = time.monotonic() + BEGIN_S
        while (left_s := deadline_s - time.monotonic()) > 0.0:
            self.wait(left_s)
            if (received := self._received()).size:
                return received
        raise DeviceError(f"{self.label} gives nothing")

    def _received(self) -> Channels:
        none: Channels = np.zeros((self.rows, 0), np.int16)
        chunks = [event for event in self._connection.receive() if AudioChunk.is_type(event.type)]
        return np.concatenate([none, *(self._samples(chunk) for chunk in chunks)], axis=1)

    def _samples(self, chunk: Event) -> Channels:
        rate_hz, width, channels = told = tuple(chunk.data.get(key) for key in ("rate", "width", "channels"))
        if self._format is None:
            self._format = self._checked(rate_hz, width, channels)
            self._frames_bytes = Rows(_FORMATS[self._format[1]], self._format[2], self._wanted)
        if told != self._format:
            raise DeviceError(f"{self.label} has changed its format in the middle of the stream")
        return self._frames_bytes.of(chunk.payload or b"")

    def _checked(self, rate_hz: object, width: object, channels: object) -> tuple[int, int, int]:
        match rate_hz, width, channels:
            case int(), int(), int() if rate_hz in _RATES_HZ and width in _FORMATS and 0 < channels <= _MOST_CHANNELS:
                if max(self._wanted) < channels:
                    return rate_hz, width, channels
                raise DeviceError(f"{self.label} has {channels} channels, and channel {max(self._wanted)} is wanted, from 0")
        raise DeviceError(f"{self.label} gives samples that cannot be used: rate {rate_hz}, width {width}, channels {channels}")


class SndService:
    """The `Sink` that is a Wyoming sound service: one stream that never ends, silence between sounds."""

    def __init__(self, uri: str, rate_hz: int, channels: int) -> None:
        """DeviceError if it cannot be reached."""
        self.rate_hz, self._channels = rate_hz, channels
        self._connection = Connection("external.snd_uri", uri)
        self.label, self.close = self._connection.label, self._connection.close
        self._connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        # nothing is in a buffer that has just been made
        self._connection.send(encode(AudioStart(rate_hz, 2, channels).event()))

    def encoded(self, samples: Samples) -> bytes:
        pcm = np.repeat(samples.astype("<i2"), self._channels).tobytes()
        return encode(AudioChunk(self.rate_hz, 2, self._channels, pcm).event())

    def send(self, data: memoryview) -> int:
        # what it says is of no use, but has to be taken; and this is how we learn that it is gone
        self._connection.receive()
        return self._connection.send(data)
