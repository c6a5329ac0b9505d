"""What servers say of themselves, and what they are told of interruptions."""

import pytest
from wyoming.event import Event

from satellite.core.interrupt import Interrupt, Phase, Reason
from satellite.core.units import Millis, Probability
from satellite.errors import PeerError
from satellite.peer import services
from satellite.peer.services import About, Kind, Voice
from tests.core.driver import position

_TOLD = Interrupt(
    id="boot-1-5",
    response_id="boot-1",
    turn=1,
    phase=Phase.CONFIRMED,
    reason=Reason.SPEECH,
    state="speaking",
    timestamp=Millis(2000),
    speech_started=Millis(1800),
    speech_probability=Probability(0.9),
    position=position(1500, 3000, 3000, heard=1400),
    complete=True,
    text="all of the answer",
)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"tts": [{"name": "piper", "installed": True, "supports_synthesize_streaming": True}]}, About("piper", True)),
        ({"tts": [{"name": "old"}]}, About("old", False)),
        ({"tts": [{"name": "a", "installed": False}, {"name": "b", "installed": True}]}, About("b", False)),
        ({"tts": [{"supports_synthesize_streaming": "yes"}]}, About("", False)),
        ({"tts": [], "asr": [{"name": "whisper"}]}, None),
        ({"tts": "nonsense"}, None),
        ({"tts": [5, None]}, None),
        ({}, None),
    ],
)
def test_a_server_is_what_it_says(info: dict[str, object], expected: About | None) -> None:
    """As far as that makes sense: older servers say less, and strange ones anything."""
    assert services.about(Event("info", info), Kind.TTS) == expected


def test_a_dialog_server_gets_the_words_that_were_heard_in_place_of_the_answer() -> None:
    """With their number, and in which conversation; all else as a hub gets it."""
    data = services.interrupt(_TOLD, "all of", "c1").data
    assert (data["text"], data["text_offset"], data["context"]) == ("all of", 6, {"conversation_id": "c1"})
    same = _TOLD.data().keys() - {"text", "text_offset", "context"}
    assert {key: data[key] for key in same} == {key: _TOLD.data()[key] for key in same}


_NO_IDS = [None, {}, {"conversation_id": 5}, {"conversation_id": ""}, {"conversation_id": "x" * 201}, "c1"]


@pytest.mark.parametrize("context", _NO_IDS)
def test_an_id_that_is_none_is_not_taken_over(context: object) -> None:
    """The one that the conversation has stays."""
    assert services.conversation_of(Event("handled", {"context": context})) is None


def test_an_id_of_the_servers_own_is_taken_over() -> None:
    """Some agents keep conversations by ids of their own making."""
    assert services.conversation_of(Event("handled", {"context": {"conversation_id": "c2"}})) == "c2"


def test_an_intent_is_carried_out_in_the_conversation_in_which_it_was_meant() -> None:
    """What else the server that recognised it knows goes with it."""
    intent = Event("intent", {"name": "HassTurnOff", "context": {"room": "kitchen"}})
    told = services.with_conversation(intent, "c1")
    assert told.data == {"name": "HassTurnOff", "context": {"room": "kitchen", "conversation_id": "c1"}}


@pytest.mark.parametrize(
    ("voice", "data"),
    [
        (Voice(), None),
        (Voice(name="joe"), {"name": "joe"}),
        (Voice(name="joe", speaker="2", language="en"), {"name": "joe", "speaker": "2"}),
        (Voice(language="de"), {"language": "de"}),
    ],
)
def test_a_voice_is_a_name_or_else_a_language(voice: Voice, data: dict[str, str] | None) -> None:
    """As Wyoming has it."""
    assert services.synthesize("text", voice).data.get("voice") == data


@pytest.mark.parametrize(
    "form", [{}, {"rate": "22050"}, {"rate": 0}, {"rate": True}, {"rate": -1}, {"width": 10**4299}, {"channels": "x" * 100_000}]
)
def test_speech_without_a_format_is_a_peers_fault(form: dict[str, object]) -> None:
    """There is no telling what it is; and nobody fills the log."""
    with pytest.raises(PeerError, match="audio-chunk: ") as caught:
        services.audio_of(Event("audio-chunk", {"rate": 22050, "width": 2, "channels": 1, **form} if form else {}, b"1234"))
    assert len(str(caught.value)) < 200


def test_what_went_wrong_is_told_in_a_line() -> None:
    """However the server put it."""
    assert services.error_of(Event("error", {"text": "no\nmodel  here"})) == "no model here"
    assert services.error_of(Event("error", {})) == "an error without words"
    assert len(services.error_of(Event("error", {"text": "x" * 1000}))) == 200
