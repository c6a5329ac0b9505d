"""The room against plain convolution, and its record of who spoke when."""

import threading

import numpy as np
import pytest

from satellite.audio.card import Samples
from satellite.simulate.loudspeaker import Chain, Limiter, Loudspeaker, SoftClip
from satellite.simulate.room import Room, ser_gain_db
from satellite.simulate.signals import Convolver, Signal, Sinc, Tape, active_level_db, direct_path_frames, pcm, signal
from tests.simulate.recordings import LINEAR, SILENCE, corpus_room, impulse, recording


def random_signal(frames: int, seed: int = 1, level: float = 0.05) -> Signal:
    return (level * np.random.default_rng(seed).standard_normal(frames)).astype(np.float32)


def speech_level_db(samples: Samples) -> float:
    """Mean power of the 10 ms frames within 25 dB of the loudest."""
    powers = [float(np.mean((samples[at : at + 160] / 32768.0) ** 2)) for at in range(0, len(samples) - 159, 160)]
    return float(10 * np.log10(np.mean([power for power in powers if power > max(powers) / 10**2.5])))


def test_pcm_rounds_and_clips() -> None:
    """Conversion to 16 bits is exact for samples, and saturates beyond."""
    every = np.arange(-32768, 32768).astype(np.int16)
    assert np.array_equal(pcm(signal(every)), every)
    assert pcm(np.array([1.0, 3.0, -1.0, -3.0], np.float32)).tolist() == [32767, 32767, -32768, -32768]


def test_tape_keeps_the_latest_under_their_numbers() -> None:
    """A full tape gives up the oldest samples and says so."""
    tape = Tape(100, first_frame=7)
    stream = np.arange(1000).astype(np.int16)
    for at in range(0, 1000, 37):
        tape.append(stream[at : at + 37])
        end = tape.end_frame
        assert np.array_equal(tape.between(max(7, end - 100), end), stream[max(7, end - 100) - 7 : end - 7])
    assert tape.end_frame == 1007
    for start, end in ((906, 910), (1000, 1008)):
        with pytest.raises(ValueError, match="not on the tape"):
            tape.between(start, end)


def test_tape_takes_more_at_once_than_it_holds() -> None:
    """Of a piece longer than the tape the end remains, under the right numbers."""
    tape = Tape(10)
    tape.append(np.arange(3).astype(np.int16))
    tape.append(np.arange(25).astype(np.int16))
    assert tape.between(18, 28).tolist() == list(range(15, 25))


def test_tape_is_silent_before_its_beginning() -> None:
    """Nothing sounded before the first sample."""
    tape = Tape(10, first_frame=5)
    tape.append(np.array([1, 2, 3], np.int16))
    assert tape.between(2, 7).tolist() == [0, 0, 0, 1, 2]
    assert tape.between(-9, -7).tolist() == [0, 0]


@pytest.mark.parametrize("taps", [1, 512, 513, 1536, 5669])
def test_convolver_equals_plain_convolution(taps: int) -> None:
    """Blocks of any length, with silences of any length among them, give what one convolution gives."""
    ir = random_signal(taps)
    sound = random_signal(48_000, seed=2)
    for start, length in zip(range(500, 48_000, 9500), (400, 1300, 1900, 2500, 8500), strict=True):
        sound[start : start + length] = 0
    convolver, parts, at = Convolver(ir), [], 0
    for length in np.random.default_rng(3).integers(1, 700, 180):
        parts.append(convolver.run(sound[at : at + int(length)]))
        at += int(length)
    out = np.concatenate(parts)
    assert len(out) == len(sound)
    assert np.abs(out - np.convolve(sound, ir)[: len(out)]).max() < 1e-6


@pytest.mark.parametrize("place", [1000.0, 1000.25])
@pytest.mark.parametrize("step", [3.0, 1 / 3, 2 / 3, 1.0001])
def test_sinc_gives_the_values_between_samples(step: float, place: float) -> None:
    """A tone read at another step is that tone there, whether the places repeat or not."""
    tape = Tape(6000)
    tape.append(pcm((0.5 * np.sin(0.3 * np.arange(6000))).astype(np.float32)))
    places = place + step * np.arange(500)
    assert np.abs(Sinc(step).at(tape, place, 500) - 0.5 * np.sin(0.3 * places)).max() < 5e-4


def test_direct_path_of_the_bundled_responses() -> None:
    """The first arrival is found: 8 cm and 2 m, plus the 40 frames by which the responses were generated late."""
    assert direct_path_frames(signal(recording("sim7_spk8cm"))) == 44
    assert direct_path_frames(signal(recording("sim7_talk2m"))) == 137


def test_microphone_hears_echo_user_and_noise() -> None:
    """In a real room what is heard is the sum of three plain convolutions, to the rounding."""
    noise = random_signal(5000, level=0.002)
    room = corpus_room(noise)
    reply, user = signal(recording("heart_medium_67966")[:24_000] // 4), recording("tts_stop_joe")
    room.say(user, at_frame=3333, gain_db=-6.0)
    room.advance(reply)
    near = np.zeros(len(reply))
    wet = np.convolve(signal(user) * 10 ** (-6 / 20), signal(recording("sim7_talk2m")))[: len(reply) - 3333]
    near[3333:] = wet
    echo = np.convolve(reply, signal(recording("sim7_spk8cm")))[: len(reply)]
    expected = echo + near + np.resize(noise, len(reply))
    assert np.abs(room.heard.between(0, len(reply)) - expected * 32768).max() < 0.6
    assert np.abs(room.near.between(0, len(reply)) - near * 32768).max() < 0.6
    assert np.array_equal(room.cone.between(0, len(reply)), pcm(reply))


def test_said_onset_is_the_first_sound_at_the_microphone() -> None:
    """An onset labelled in the dry recording is found in the record, moved by the direct path."""
    room = corpus_room()
    dry = np.zeros(4000, np.int16)
    dry[1234] = 20_000
    said = room.say(dry, at_frame=1001, name="click", onset_frame=1234, end_frame=1235)
    room.advance(np.zeros(9000, np.float32))
    assert (said.name, said.start_frame, said.onset_frame, said.end_frame) == ("click", 1001, 2372, 2373)
    assert int(np.argmax(np.abs(room.near.between(0, 9000)))) == said.onset_frame


def test_say_without_the_talkers_response_is_as_recorded() -> None:
    """A sound recorded at the microphone comes as it is, and ends where it ends."""
    room = corpus_room()
    dry = recording("cough_synth_1")[:8000]
    said = room.say(dry, at_frame=77, through_talker_ir=False)
    room.advance(np.zeros(9000, np.float32))
    assert (said.start_frame, said.onset_frame, said.end_frame) == (77, 77, 8077)
    assert np.array_equal(room.heard.between(77, 8077), dry)
    assert not room.heard.between(0, 77).any()


def test_say_in_the_past_begins_at_once_and_sounds_add_up() -> None:
    """Nothing is cut off because it was asked for late, and two sounds are heard together."""
    room = Room(impulse(), impulse(), SILENCE)
    room.advance(np.zeros(250, np.float32))
    first = room.say(np.full(300, 100, np.int16), at_frame=10)
    second = room.say(np.full(300, 20, np.int16), at_frame=400)
    room.advance(np.zeros(500, np.float32))
    assert (first.start_frame, second.start_frame) == (250, 400)
    assert room.near.between(250, 750).tolist() == [100] * 150 + [120] * 150 + [20] * 150 + [0] * 50


def test_microphone_clips() -> None:
    """What is too loud saturates in the record and does not wrap."""
    room = Room(impulse(), impulse(), SILENCE)
    room.say(np.full(160, 30_000, np.int16))
    room.advance(np.full(160, 0.5, np.float32))
    assert set(room.heard.between(0, 160).tolist()) == {32767}


def test_what_a_loudspeaker_does_wrong_is_heard() -> None:
    """The cone, and the echo with it, is what the loudspeaker emits; what it was given is recorded beside it."""
    room = Room(impulse(), impulse(), SILENCE, SoftClip(0.1))
    room.advance(np.full(160, 0.5, np.float32))
    expected = int(pcm(SoftClip(0.1).emit(np.full(1, 0.5, np.float32)))[0])
    assert expected < 14_000
    assert set(room.cone.between(0, 160).tolist()) == set(room.heard.between(0, 160).tolist()) == {expected}
    assert set(room.given.between(0, 160).tolist()) == {16_384}


def test_echo_of_asks_a_loudspeaker_that_has_done_nothing_yet() -> None:
    """Neither what sounded before nor what was asked before changes the answer, nor the answer what sounds after."""
    reply = signal(recording("heart_medium_67966")[:16_000])
    asked, unasked = (corpus_room(loudspeaker=Limiter()) for _ in range(2))
    first = asked.echo_of(reply)
    for room in (asked, unasked):
        room.advance(reply)
    assert np.array_equal(asked.echo_of(reply), first)
    assert np.array_equal(asked.heard.between(0, 16_000), unasked.heard.between(0, 16_000))
    assert np.abs(asked.heard.between(0, 16_000) - 32768 * first[:16_000]).max() < 0.6


def test_rooms_with_one_loudspeaker_do_not_share_its_state() -> None:
    """Each has a copy."""
    loudspeaker, loud = Limiter(), np.full(1600, 0.9, np.float32)
    rooms = [Room(impulse(), impulse(), SILENCE, loudspeaker) for _ in range(2)]
    for room in rooms:
        room.advance(loud)
    assert np.array_equal(rooms[0].cone.between(0, 1600), rooms[1].cone.between(0, 1600))


def test_records_are_as_long_as_asked_for() -> None:
    """The latest of every record is there, and what is older is not; an echo path has to fit."""
    room = Room(impulse(), impulse(), SILENCE, record_s=0.5)
    room.advance(np.ones(9000, np.float32))
    for tape in (room.given, room.cone, room.near, room.heard):
        assert len(tape.between(1000, 9000)) == 8000
        with pytest.raises(ValueError, match="not on the tape"):
            tape.between(999, 9000)
    with pytest.raises(ValueError, match="8001 frames"):
        Room(impulse(8000), impulse(), SILENCE, record_s=0.5)
    with pytest.raises(ValueError, match="8001 frames"):
        room.change_path(9000, ir=impulse(8000))


def test_active_level_leaves_out_pauses() -> None:
    """Frames 20 dB below the loudest are speech, frames 30 dB below are not, nor is the rest of a frame at the end."""
    sound = np.repeat(np.array([0.1, 0.01, 0.003, 1.0], np.float32), [320, 320, 1440, 1])
    assert active_level_db(sound) == pytest.approx(10 * np.log10((0.01 + 0.0001) / 2), abs=1e-4)
    assert active_level_db(np.zeros(1600, np.float32)) == -120.0


@pytest.mark.parametrize("ser_db", [-15.0, -10.0, 0.0])
@pytest.mark.parametrize("loudspeaker", [LINEAR, Chain(Limiter(), SoftClip(0.1))])
def test_ser_gain_gives_the_asked_ratio(ser_db: float, loudspeaker: Loudspeaker) -> None:
    """User over echo, as the room really renders them, is what was asked for within half a decibel."""
    reply, user = recording("heart_medium_67966"), recording("tts_lights_joe")
    room = corpus_room(loudspeaker=loudspeaker)
    room.say(user, gain_db=ser_gain_db(room, reply, user, ser_db))
    room.advance(signal(reply))
    room.advance(np.zeros(6000, np.float32))
    near, heard = room.near.between(0, len(reply)), room.heard.between(0, len(reply) + 6000)
    alone = heard.copy()
    alone[: len(near)] -= near
    assert abs(speech_level_db(near) - speech_level_db(alone) - ser_db) < 0.5


def test_say_from_other_threads_loses_nothing() -> None:
    """Whatever the room is doing when a sound is asked for, the whole of it is heard from where the answer says."""
    room = Room(impulse(), impulse(), SILENCE)
    starts: list[int] = []

    def talk() -> None:
        for _ in range(50):
            starts.append(room.say(np.full(1000, 3, np.int16)).start_frame)

    talkers = [threading.Thread(target=talk) for _ in range(3)]
    for talker in talkers:
        talker.start()
    while any(talker.is_alive() for talker in talkers):
        room.advance(np.zeros(160, np.float32))
    room.advance(np.zeros(1000, np.float32))
    expected = np.zeros(room.end_frame, np.int16)
    for start in starts:
        expected[start : start + 1000] += 3
    assert len(starts) == 150
    assert np.array_equal(room.near.between(0, room.end_frame), expected)
