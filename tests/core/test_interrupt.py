"""What goes over the wire about an interruption."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satellite.core.interrupt import Interrupt, Phase, Reason, spoken_offset
from satellite.core.units import Millis, Probability
from tests.core.driver import position

TEXT = "The light in the kitchen is on"


def _interrupt() -> Interrupt:
    return Interrupt(
        id="boot-3-1000",
        response_id="boot-3",
        turn=3,
        phase=Phase.PROVISIONAL,
        reason=Reason.SPEECH,
        state="speaking",
        timestamp=Millis(1000),
        speech_started=Millis(850),
        speech_probability=Probability(0.87654),
        position=position(1500, 3000, 3000, heard=1400),
        complete=True,
        text=TEXT,
    )


def test_every_field_of_the_wire_is_there() -> None:
    """Receivers read these names; times are whole milliseconds on our stream clock."""
    assert _interrupt().data() == {
        "id": "boot-3-1000",
        "response_id": "boot-3",
        "turn": 3,
        "phase": "provisional",
        "reason": "speech",
        "state": "speaking",
        "timestamp": 1000,
        "speech_started": 850,
        "speech_probability": 0.877,
        "played_ms": 1500,
        "heard_ms": 1400,
        "received_ms": 3000,
        "total_ms": 3000,
        "complete": True,
        "text": TEXT,
        "text_offset": 12,
        "context": None,
    }


def test_a_later_phase_is_the_same_interruption() -> None:
    """Only phase and time move, and the reason if there is a better one."""
    before = _interrupt()
    after = before.in_phase(Phase.CONFIRMED, Millis(1300), Reason.WAKE_WORD)
    assert (after.id, after.phase, after.timestamp, after.reason) == (before.id, Phase.CONFIRMED, 1300, Reason.WAKE_WORD)
    assert before.in_phase(Phase.CANCELLED, Millis(1300)).reason is Reason.SPEECH
    assert (after.position, after.speech_started) == (before.position, before.speech_started)


@pytest.mark.parametrize(
    ("played", "spoken"),
    [
        (0, ""),
        (299, ""),
        (300, "The"),
        (1000, "The light"),
        (1500, "The light in"),
        (1600, "The light in the"),
        (2999, "The light in the kitchen is"),
        (3000, TEXT),
    ],
)
def test_what_was_spoken_is_cut_back_to_a_words_end(played: int, spoken: str) -> None:
    """Half a word was not understood."""
    assert TEXT[: spoken_offset(TEXT, position(played, 3000, 3000)) or 0] == spoken


@pytest.mark.parametrize(("text", "total"), [("", 3000), (TEXT, None), (TEXT, 0)])
def test_without_text_or_length_nothing_is_claimed(text: str, total: int | None) -> None:
    """A guess would have the server cut its memory at a wrong place."""
    assert spoken_offset(text, position(0, 0, total)) is None


@given(st.text("ab ", min_size=1), st.integers(1, 10_000), st.data())
def test_an_offset_never_goes_back_and_never_cuts_a_word(text: str, total: int, data: st.DataObject) -> None:
    """Whatever was said, and however far."""
    first = data.draw(st.integers(0, total))
    second = data.draw(st.integers(first, total))
    earlier, later = (spoken_offset(text, position(p, total, total)) for p in (first, second))
    assert earlier is not None and later is not None
    assert 0 <= earlier <= later <= len(text)
    assert earlier in (0, len(text)) or text[earlier] == " "
