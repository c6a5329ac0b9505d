"""The ALSA card through the real ALSA API, against what the room saw."""

import time
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from satellite.audio.alsa import AlsaCard, AlsaSettings, open_card
from satellite.audio.card import Samples
from satellite.audio.devices import find_devices
from satellite.audio.pcm_format import Ability
from satellite.errors import DeviceError
from tests.rig.fixtures import configured, room
from tests.rig.room import Event, Room

__all__ = ["room"]

pytestmark = pytest.mark.rig

Signal = NDArray[np.float64]

SETTINGS = AlsaSettings(capture_device="mic", playback_device="speaker", queue_ms=40)

QUIET: dict[str, Any] = {"noise": {"dbfs": None}, "echo": {"gain_db": None}}
STEREO_48K = {"rates": [48000], "channels": [2, 2], "formats": ["S16_LE"]}
BOTH_CARDS = configured(QUIET, {**QUIET, "speaker": STEREO_48K, "mic": STEREO_48K}, ids=["mono 16k", "stereo 48k"])
STEREO_44K_S32 = {"rates": [44100], "channels": [2, 2], "formats": ["S32_LE"]}
PACKED_48K = {"rates": [48000], "channels": [2, 2], "formats": ["S24_3LE"]}
ALL_SPEAKERS = configured(
    QUIET,
    {**QUIET, "speaker": STEREO_48K, "mic": STEREO_48K},
    {**QUIET, "speaker": STEREO_44K_S32},
    {**QUIET, "speaker": PACKED_48K},
    {**QUIET, "speaker": {"rates": [16000], "channels": [6, 6], "formats": ["S24_LE"]}},
    ids=["mono 16k", "stereo 48k", "stereo 44.1k of 32 bits", "stereo 48k of 3 bytes", "6 channels of 24 bits in 32"],
)
# an array with four microphones, what they make together, and what it plays
ARRAY = {"rates": [16000], "channels": [6, 6], "formats": ["S16_LE"], "map": ["mic", "zero", "zero", "zero", "zero", "ref"]}

CHIRP_S = 1.5

# twice the sum of two roundings to 16 bits and the room's interpolation; one lost sample makes it 0.4
CHIRP_ERROR = 0.002

# README.md: sound at the microphone is readable after its converter's latency
MIC_LATENCY_S = 0.006


def chirp(t_s: Signal) -> Signal:
    """A sweep that is nowhere like itself, with soft ends, so that one sample too many or too few shows."""
    inside = np.clip(t_s, 0.0, CHIRP_S)
    soft = np.sin(np.pi / 2 * np.clip(np.minimum(inside, CHIRP_S - inside) / 0.02, 0.0, 1.0)) ** 2
    sweep: Signal = 0.3 * soft * np.sin(2 * np.pi * (200 * inside + 1200 * inside**2))
    return sweep


def sampled_chirp(rate_hz: int) -> Samples:
    return np.rint(chirp(np.arange(int(CHIRP_S * rate_hz)) / rate_hz) * 32767).astype(np.int16)


def noise(frames: int) -> Samples:
    return np.random.default_rng(1).integers(-9000, 9000, frames).astype(np.int16)


def serve(card: AlsaCard, seconds: float = 5.0, play: Samples | None = None) -> list[Samples]:
    """The audio thread: reads every period and keeps the queue full, until the time is up or everything is taken."""
    left = np.zeros(0, np.int16) if play is None else play
    heard: list[Samples] = []
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s and (play is None or len(left)):
        left = left[card.speaker.write(left) :]
        card.wait(0.02)
        while (period := card.microphone.read()) is not None:
            heard.append(period)
    return heard


def close(card: AlsaCard, room: Room) -> None:
    """Closes it, and waits until the room has noticed."""
    card.close()
    for stream in ("speaker", "mic"):
        room.wait("close", count=len(events(room, "open", stream)), stream=stream)


def events(room: Room, name: str, stream: str) -> list[Event]:
    return [event for event in room.events(name) if event["stream"] == stream]


def loss_of(touch: Callable[[], object]) -> tuple[str, int]:
    """Touches a device until that fails: what it said, and when."""
    deadline_s = time.monotonic() + 2.0
    try:
        while time.monotonic() < deadline_s:
            touch()
            time.sleep(0.001)
    except DeviceError as error:
        return str(error), time.monotonic_ns()
    raise AssertionError("the loss of the device was not noticed")


@ALL_SPEAKERS
def test_what_is_written_leaves_the_cone_sample_by_sample(room: Room) -> None:
    """Every sample written is played once, in order and unchanged, whatever rate, channels and format the card has."""
    card = open_card(SETTINGS)
    rate_hz = card.speaker.rate_hz
    serve(card, play=np.concatenate([sampled_chirp(rate_hz), np.zeros(rate_hz // 10, np.int16)]))
    underruns = card.speaker.underruns
    close(card, room)
    room.end()
    epoch, start = room.events("epoch")[0], events(room, "start", "speaker")[0]
    with wave.open(str(room.dir / "speaker.wav")) as file:
        cone = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
    begin_s = (start["t_ns"] - epoch["t_ns"]) / 1e9 + start["latency_ms"] / 1e3
    assert underruns == 0
    assert np.abs(cone - chirp(np.arange(len(cone)) / epoch["air_rate"] - begin_s)).max() < CHIRP_ERROR


@pytest.mark.parametrize(
    ("room", "channel"),
    [
        pytest.param(QUIET, 0, id="mono 16k"),
        pytest.param({**QUIET, "mic": {**STEREO_48K, "map": ["zero", "mic"]}}, 1, id="second channel of stereo 48k"),
        pytest.param({**QUIET, "mic": STEREO_44K_S32}, 0, id="stereo 44.1k of 32 bits"),
        pytest.param({**QUIET, "mic": {**PACKED_48K, "map": ["zero", "mic"]}}, 1, id="second of two of 3 bytes"),
        pytest.param({**QUIET, "mic": {"granule": 64}}, 0, id="coarse pointer"),
        pytest.param({**QUIET, "mic": {"period_bytes": [2048, 65536]}}, 0, id="device periods of 64 ms"),
    ],
    indirect=["room"],
)
def test_what_sounds_at_the_microphone_is_read_without_a_gap(room: Room, channel: int, tmp_path: Path) -> None:
    """The periods laid end to end are the sound at the microphone: nothing missing, doubled or shifted."""
    sound = tmp_path / "chirp.wav"
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        file.writeframes(sampled_chirp(48000).tobytes())
    room.load(sound)
    card = open_card(replace(SETTINGS, capture_channel=channel))
    heard = serve(card, seconds=0.1)
    room.say(sound, after_ms=100)
    heard += serve(card, seconds=CHIRP_S + 0.4)
    rate_hz, overruns = card.microphone.rate_hz, card.microphone.overruns
    close(card, room)
    started_s = (events(room, "start", "mic")[0]["t_ns"] - room.events("say")[0]["t_ns"]) / 1e9
    signal = np.concatenate(heard) / 32767
    assert overruns == 0
    assert {len(period) for period in heard} == {rate_hz // 100}
    assert len(signal) / rate_hz > CHIRP_S + 0.3
    expected = chirp(np.arange(len(signal)) / rate_hz + started_s - MIC_LATENCY_S)
    assert np.abs(signal - expected).max() < CHIRP_ERROR


@configured({**QUIET, "mic": ARRAY})
def test_an_array_returns_what_is_played_beside_what_is_heard(room: Room) -> None:
    """The loopback channel is the chirp that was written, of the same instant as the microphone's period, and ends there."""
    card = open_card(replace(SETTINGS, loopback_channel=5))
    near, told = [], []
    left = np.concatenate([sampled_chirp(16_000), np.zeros(4800, np.int16)])
    while len(left):
        left = left[card.speaker.write(left) :]
        card.wait(0.02)
        while (period := card.microphone.read()) is not None:
            near.append(period)
            assert card.microphone.loopback is not None
            told.append(card.microphone.loopback)
    overruns = card.microphone.overruns
    close(card, room)
    mic, speaker = events(room, "start", "mic")[0], events(room, "start", "speaker")[0]
    loopback = np.concatenate(told) / 32767
    begun_s = (mic["t_ns"] - speaker["t_ns"]) / 1e9 - (mic["latency_ms"] + speaker["latency_ms"]) / 1e3
    assert overruns == 0
    assert not np.concatenate(near).any()
    assert np.abs(loopback - chirp(np.arange(len(loopback)) / 16_000 + begun_s)).max() < CHIRP_ERROR


@configured(QUIET)
def test_a_read_at_an_odd_time_does_not_make_later_periods_late(room: Room) -> None:
    """Whoever reads between two wake-ups takes no part of the next period, so that this one still comes on time."""
    card = open_card(SETTINGS)
    card.wait(0.02)
    started_s = room.wait("start", stream="mic")["t_ns"] / 1e9
    count = len(serve(card, seconds=0.1))
    late_s = []
    for _ in range(50):
        time.sleep(0.003)
        assert card.wait(0.05)
        late_s.append(time.monotonic() - started_s - (count + 1) / 100)
        while card.microphone.read() is not None:
            count += 1
    card.close()
    assert 0 <= sorted(late_s)[25] < 0.005


@BOTH_CARDS
def test_drop_discards_exactly_what_is_queued(room: Room) -> None:
    """Written less queued, taken just before a drop, is what the speaker played, and the rest never sounds."""
    card = open_card(SETTINGS)
    rate_hz = card.speaker.rate_hz
    written = rate_hz // 2
    serve(card, play=noise(written))
    position = written - card.speaker.queued()
    before_ns = time.monotonic_ns()
    card.speaker.drop()
    after_ns = time.monotonic_ns()
    stop = room.wait("stop", stream="speaker")
    silent = room.wait("speaker_silent")
    assert card.speaker.queued() == 0
    card.close()
    assert stop["reason"] == "drop" and before_ns <= stop["t_ns"] <= after_ns
    assert stop["frames"] + stop["discarded"] == written
    assert 0 <= stop["frames"] - position <= rate_hz // 1000
    assert silent["t_ns"] - stop["t_ns"] < 1.5e6  # the converter's own latency is 1 ms


@configured(QUIET)
def test_a_write_after_a_drop_starts_anew(room: Room) -> None:
    """After a drop the stream takes and plays samples as when it was opened, however often it was dropped."""
    card = open_card(SETTINGS)
    card.speaker.drop()
    for _ in range(3):
        assert card.speaker.queued() == 0
        assert card.speaker.write(noise(480)) == 480
        assert 0 < card.speaker.queued() <= 480
        serve(card, seconds=0.01)
        card.speaker.drop()
        card.speaker.drop()
    assert card.speaker.underruns == 0
    close(card, room)
    stops = events(room, "stop", "speaker")
    assert [stop["frames"] + stop["discarded"] for stop in stops] == [480] * 3
    assert all(stop["frames"] >= 160 for stop in stops)


@pytest.mark.parametrize(
    ("room", "capacity_frames"),
    [
        pytest.param({}, 640, id="device periods of 10 ms"),
        pytest.param({"speaker": {"period_bytes": [2048, 65536]}}, 2048, id="device periods of 64 ms"),
    ],
    indirect=["room"],
)
def test_the_queue_takes_no_more_than_its_capacity(room: Room, capacity_frames: int) -> None:
    """The speaker never holds more than it was told to, or two periods of a device that cannot do with less."""
    card = open_card(SETTINGS)
    assert card.speaker.capacity_frames == capacity_frames
    assert card.speaker.write(noise(8000)) == capacity_frames
    assert card.speaker.write(noise(0)) == 0
    assert capacity_frames - 160 < card.speaker.queued() <= capacity_frames
    card.close()


@configured(QUIET)
def test_a_queue_that_runs_dry_is_one_underrun(room: Room) -> None:
    """Running dry is counted once, however often it is looked at, and the next write plays."""
    card = open_card(SETTINGS)
    card.speaker.write(noise(320))
    serve(card, seconds=0.05)
    assert (card.speaker.queued(), card.speaker.underruns) == (0, 1)
    assert (card.speaker.queued(), card.speaker.underruns) == (0, 1)
    assert card.speaker.write(noise(320)) == 320
    assert card.speaker.underruns == 1
    time.sleep(0.05)
    assert card.speaker.write(noise(320)) == 320  # nobody has looked at the queue before
    assert card.speaker.underruns == 2
    close(card, room)
    assert [stop["frames"] for stop in events(room, "stop", "speaker")][:2] == [320, 320]


@configured(QUIET)
def test_injected_xruns_are_recovered_and_counted(room: Room) -> None:
    """An xrun of either stream is counted there, and both go on."""
    card = open_card(SETTINGS)
    serve(card, play=noise(1600))
    room.do("xrun", stream="mic")
    assert len(serve(card, 0.5, play=noise(4800))) > 20
    assert (card.microphone.overruns, card.speaker.underruns) == (1, 0)
    room.do("xrun", stream="speaker")
    assert len(serve(card, play=noise(4800))) > 20
    assert (card.microphone.overruns, card.speaker.underruns) == (1, 1)
    close(card, room)
    assert [stop["reason"] for stop in events(room, "stop", "speaker")] == ["injected xrun", "drop"]
    assert [stop["reason"] for stop in events(room, "stop", "mic")] == ["injected xrun", "drop"]


@configured(QUIET)
def test_samples_that_are_not_read_in_time_are_one_overrun(room: Room) -> None:
    """The capture buffer holds 200 ms; what is lost beyond it is counted once, and reading goes on."""
    card = open_card(SETTINGS)
    serve(card, seconds=0.05)
    time.sleep(0.15)
    assert len(serve(card, seconds=0.05)) >= 15
    assert card.microphone.overruns == 0
    time.sleep(0.3)
    heard = serve(card, seconds=0.2)
    assert card.microphone.overruns == 1
    assert 15 <= len(heard) <= 20
    card.close()


@configured(QUIET)
def test_wait_for_a_stalled_microphone_ends_in_time(room: Room) -> None:
    """No wait outlasts its time, and the microphone is served again when it comes back."""
    card = open_card(SETTINGS)
    serve(card, seconds=0.1)
    room.do("stall", ms=500)
    serve(card, seconds=0.05)
    began_s = time.monotonic()
    assert card.wait(0.1) is False
    assert 0.1 <= time.monotonic() - began_s < 0.13
    assert card.microphone.read() is None
    assert len(serve(card, seconds=0.8)) > 20
    assert card.microphone.overruns == 1
    card.close()


@configured(QUIET)
def test_a_microphone_pulled_out_while_it_is_waited_for(room: Room) -> None:
    """The wait ends at once with the device's name; nothing opens until it is back, then all works again."""
    card = open_card(SETTINGS)
    serve(card, seconds=0.1)
    room.do("unplug", stream="mic", after_ms=55)
    told, told_ns = loss_of(lambda: card.wait(1.0) and card.microphone.read())
    assert told == "capture device 'mic': No such device"
    assert 0 <= told_ns - events(room, "unplug", "mic")[0]["t_ns"] < 50e6
    with pytest.raises(DeviceError, match="No such device"):
        card.microphone.read()
    card.close()
    with pytest.raises(DeviceError, match="capture device 'mic': No such device"):
        open_card(SETTINGS)
    room.do("plug", stream="mic")
    card = open_card(SETTINGS)
    assert len(serve(card, seconds=0.2)) >= 15
    card.close()


@pytest.mark.parametrize("playing", [True, False])
@configured(QUIET)
def test_a_speaker_pulled_out(room: Room, playing: bool) -> None:
    """Looking at the queue tells that the speaker is gone, also when it is silent; drop and close bear it."""
    card = open_card(SETTINGS)
    if playing:
        card.speaker.write(noise(640))
    room.do("unplug", stream="speaker")
    told, _ = loss_of(card.speaker.queued)
    assert told == "playback device 'speaker': No such device"
    with pytest.raises(DeviceError, match="No such device"):
        card.speaker.write(noise(160))
    card.speaker.drop()
    card.close()
    room.do("plug", stream="speaker")
    card = open_card(SETTINGS)
    assert card.speaker.write(noise(160)) == 160
    card.close()


@configured(QUIET)
def test_close_does_not_play_out_what_is_queued(room: Room) -> None:
    """Close is quick and silent, and may be called again; a closed card says that it is."""
    card = open_card(SETTINGS)
    serve(card, play=noise(3200))
    began_s = time.monotonic()
    close(card, room)
    stop = events(room, "stop", "speaker")[0]
    assert stop["reason"] == "drop" and stop["discarded"] > 160
    assert stop["t_ns"] / 1e9 - began_s < 0.01
    card.close()
    with pytest.raises(DeviceError, match="closed"):
        card.wait(0.01)


@configured(QUIET)
def test_a_busy_device_is_named_and_the_other_is_given_back(room: Room) -> None:
    """Opening says which device another program holds, and keeps no hold of the one that it got."""
    card = open_card(SETTINGS)
    with pytest.raises(DeviceError, match="capture device 'mic': Device or resource busy; another program holds it"):
        open_card(SETTINGS)
    card.close()
    room.do("unplug", stream="speaker")
    with pytest.raises(DeviceError) as refused:
        open_card(SETTINGS)
    room.do("plug", stream="speaker")
    open_card(SETTINGS).close()  # while the error still holds whatever its frames hold
    assert str(refused.value).startswith("playback device 'speaker': No such device; ")


@pytest.mark.parametrize(
    ("room", "rate_hz"),
    [
        pytest.param({"mic": {"rates": [8000, 48000]}}, 48000, id="not the nearest but too low one"),
        pytest.param({"mic": {"rates": [8000, 22050, 44100]}}, 44100, id="not one without whole periods"),
        pytest.param({"mic": {"rates": [32000]}}, 32000, id="the only one"),
    ],
    indirect=["room"],
)
def test_the_rate_is_one_that_the_card_really_has(room: Room, rate_hz: int) -> None:
    """Where the wanted rate is not to be had, another that will do is set up with the same periods and buffer."""
    card = open_card(SETTINGS)
    assert card.microphone.rate_hz == rate_hz
    card.wait(0.1)
    setup = events(room, "hw_params", "mic")[-1]
    assert (setup["rate"], setup["period"], setup["buffer"]) == (rate_hz, rate_hz // 100, rate_hz // 5)
    assert card.speaker.rate_hz == 16000
    card.close()


@pytest.mark.parametrize(
    ("room", "says"),
    [
        pytest.param({"speaker": {"formats": ["FLOAT_LE"]}}, "playback device 'speaker' has FLOAT_LE samples", id="format"),
        pytest.param({"mic": {"rates": [22050]}}, "capture device 'mic' runs at 22050 Hz; needed are", id="rate"),
        pytest.param({"mic": {"rates": [8000]}}, "capture device 'mic' runs at 8000 Hz; needed are", id="low rate"),
    ],
    indirect=["room"],
)
def test_a_card_that_will_not_do_is_refused_and_given_back(room: Room, says: str) -> None:
    """The error names the device and what is wrong with it, and nothing stays open."""
    with pytest.raises(DeviceError) as refused:
        open_card(SETTINGS)
    room.wait("close", count=len(room.events("open")))
    assert str(refused.value).startswith(says)


@configured({"mic": {"channels": [1, 2]}})
def test_a_channel_that_the_microphone_does_not_have(room: Room) -> None:
    """The error says how many channels there are."""
    with pytest.raises(DeviceError, match="capture device 'mic' has no more than 2 channels, and channel 2 is wanted"):
        open_card(replace(SETTINGS, capture_channel=2))


@configured({"mic": {**ARRAY, "formats": ["S24_3LE"]}, "speaker": STEREO_44K_S32})
def test_the_list_of_devices_says_what_the_hardware_can_do(room: Room) -> None:
    """Asked through the real library: rates, channels and formats, and nothing stays open."""
    devices = {(device.name, device.direction): device for device in find_devices()}
    assert devices["mic", "capture"].ability == Ability(("S24_3LE",), (16_000,), [6])
    assert devices["speaker", "playback"].ability == Ability(("S32_LE",), (44_100,), [2])
    assert devices["plugmic", "capture"].converts and devices["default", "playback"].converts
    room.wait("close", count=len(room.events("open")))
    card = open_card(SETTINGS)
    busy = next(device for device in find_devices() if device.name == "mic")
    assert busy.trouble == "Device or resource busy; another program holds it"
    card.close()
