"""Sound that should not be is found, and sound that may be is not."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import soxr

from satellite.chaos.listener import ANSWERS, Listener
from satellite.chaos.marks import BLOCK, TONES, Texts, sound, tone_of
from satellite.core import actions as act
from satellite.core.events import Held, Position
from satellite.core.say import Allow, SayState
from satellite.core.units import RATE_HZ, Frames, Millis, Probability
from satellite.simulate.room import Room
from satellite.simulate.signals import signal

_POSITION = Position(Millis(0), Millis(0), Millis(0), None)
_PLAY_1, _PLAY_2 = act.Play(1, Allow.SPEECH), act.Play(2, Allow.SPEECH)
_STOP_1 = act.StopReply(1, keep=True)


class _Stage:
    """A listener in a room whose time is that of what has sounded."""

    def __init__(self) -> None:
        self.room = Room(np.ones(1, np.float32), np.ones(1, np.float32), np.zeros(0, np.float32), record_s=30)
        self.failures: list[str] = []
        self.listener = Listener(self.room, lambda: self.room.end_frame / RATE_HZ, self.failures.append)

    def sounds(self, tone: int | None, seconds: float = 0.4) -> None:
        """The loudspeaker gives this, or silence."""
        samples = np.zeros(int(seconds * RATE_HZ), np.int16) if tone is None else sound(tone, seconds)
        self.room.advance(signal(samples))
        self.listener.listen(lambda frame: frame / RATE_HZ)


@contextmanager
def _stage(*tones: int) -> Iterator[_Stage]:
    made = _Stage()
    for tone in tones:
        made.listener.given(tone)
    yield made


@pytest.mark.parametrize("tone", range(TONES))
@pytest.mark.parametrize("gain", [1.0, 0.03])
def test_a_mark_is_known_again(tone: int, gain: float) -> None:
    """At any volume, and after the voice's rate and the card's."""
    there_and_back = soxr.resample(soxr.resample(sound(tone, 0.5), RATE_HZ, 22_050), 22_050, RATE_HZ)
    blocks = [(there_and_back[at : at + BLOCK] * gain).astype(np.int16) for at in range(0, len(there_and_back) - BLOCK, BLOCK)]
    assert {tone_of(block) for block in blocks} == {tone}


def test_silence_noise_and_two_at_once_are_no_mark() -> None:
    """Nobody is blamed for them."""
    noise = (np.random.default_rng(1).standard_normal(BLOCK) * 1000).astype(np.int16)
    both = sound(3, 1.0)[:BLOCK] + sound(9, 1.0)[:BLOCK]
    assert [tone_of(block) for block in (np.zeros(BLOCK, np.int16), noise, both)] == [None, None, None]


def test_a_text_sounds_as_the_number_in_it() -> None:
    """And another text is somebody else's."""
    texts = Texts({7: 1.0})
    assert tone_of(texts["Answer 7."][:BLOCK]) == tone_of(texts["Do you want number 7?"][:BLOCK]) == 7
    assert texts.get("Answer seven.") is None


def test_a_reply_that_plays_may_be_heard_and_its_time_is_known() -> None:
    """Once for each use of the tone."""
    with _stage(1) as stage:
        stage.sounds(None)
        stage.listener.on_action(_PLAY_1)
        stage.sounds(1)
        assert stage.failures == [] and list(stage.listener.heard_s) == [1]
        stage.listener.given(1)
        assert stage.listener.heard_s == {}


@pytest.mark.parametrize(
    "end",
    [
        _STOP_1,
        act.SayOver(1, None, SayState.INTERRUPTED, _POSITION),
        Held(Millis(0), 1, Frames(0), Millis(0), Probability(1.0), _POSITION),
    ],
)
def test_a_reply_that_goes_on_after_its_end_is_found(end: act.Action | Held) -> None:
    """Stopped, over, or held."""
    with _stage(1) as stage:
        stage.listener.on_action(_PLAY_1)
        stage.sounds(1)
        if isinstance(end, Held):
            stage.listener.on_event(end)
        else:
            stage.listener.on_action(end)
        stage.sounds(None)
        assert stage.failures == []
        stage.sounds(1)
        assert "no reply may" in stage.failures[0]


def test_a_reply_that_is_taken_up_again_may_be_heard() -> None:
    """Though another turn had begun."""
    with _stage(1) as stage:
        stage.listener.on_action(_PLAY_1)
        stage.sounds(1)
        for action in (_STOP_1, act.BeginTurn(2, owed=False), act.ResumeReply(1)):
            stage.listener.on_action(action)
        stage.sounds(1)
        assert stage.failures == []


def test_a_reply_that_was_held_before_it_sounded_may_be_heard_later() -> None:
    """It waited for a voice to end, which had said nothing."""
    with _stage(1) as stage:
        for action in (_PLAY_1, _STOP_1, act.BeginTurn(2, owed=False), act.ResumeReply(1)):
            stage.listener.on_action(action)
        stage.sounds(1)
        assert stage.failures == []


def test_an_answer_to_an_earlier_question_is_found() -> None:
    """It was given before the turn began in which it sounds."""
    with _stage(1) as stage:
        stage.listener.on_action(act.BeginTurn(2, owed=False))
        stage.listener.on_action(_PLAY_2)
        stage.sounds(1)
        assert "belongs to an earlier one" in stage.failures[0]


def test_what_had_begun_to_sound_before_the_next_turn_is_no_mistake() -> None:
    """A card that is pulled out in the first instants of an answer gives the record of them only when it is back."""
    with _stage(1) as stage:
        stage.listener.on_action(_PLAY_1)
        stage.room.advance(signal(sound(1, 0.1)))
        for action in (_STOP_1, act.BeginTurn(2, owed=False)):
            stage.listener.on_action(action)
        stage.sounds(None)
        assert stage.failures == []


def test_an_announcement_may_wait_for_a_turn() -> None:
    """It answers nothing."""
    with _stage(ANSWERS) as stage:
        stage.listener.on_action(act.BeginTurn(2, owed=False))
        stage.listener.on_action(_PLAY_2)
        stage.sounds(ANSWERS)
        assert stage.failures == []


def test_one_reply_in_another_is_found() -> None:
    """Its own tone is known by then."""
    with _stage(1, 2) as stage:
        stage.listener.on_action(_PLAY_1)
        stage.sounds(1)
        stage.sounds(2)
        assert "which are tones [1]" in stage.failures[0]


def test_turns_of_another_service_are_others() -> None:
    """It counts them anew."""
    with _stage(1, 2) as stage:
        stage.listener.on_action(_PLAY_1)
        stage.sounds(1)
        stage.listener.restarted()
        stage.sounds(None)
        stage.listener.on_action(_PLAY_1)
        stage.sounds(2)
        assert stage.failures == []


def test_an_announcement_may_be_heard_behind_an_answer() -> None:
    """It came right after the answer's stream, and was taken for its rest; but what was heard before is stale there, too."""
    with _stage(3, ANSWERS + 1, ANSWERS + 2) as stage:
        stage.listener.on_action(_PLAY_1)
        stage.sounds(ANSWERS + 1)
        stage.listener.on_action(_STOP_1)
        stage.sounds(None)
        stage.listener.on_action(_PLAY_2)
        for tone in (3, ANSWERS + 2):
            stage.sounds(tone)
        assert stage.failures == []
        stage.sounds(ANSWERS + 1)
        assert stage.failures != []
