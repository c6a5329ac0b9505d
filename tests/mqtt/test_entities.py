"""The table of entities: what Home Assistant is told of them, and what each command means. No broker."""

import json

import pytest

from satellite.core.events import Position
from satellite.core.hardware import Condition, Device, Half
from satellite.core.health import Health, Margin
from satellite.core.interrupt import Interrupt, Phase, Reason
from satellite.core.sensitivity import Sensitivity
from satellite.core.state import State
from satellite.core.units import Decibels, Millis, Probability
from satellite.mqtt.entities import (
    SHOWN,
    TABLE,
    Nonsense,
    Topics,
    Value,
    discovery,
    entities,
    shown,
    told_of_devices,
    told_of_health,
    told_of_interruption,
)
from satellite.observer import Key
from tests.mqtt.fake_controls import FakeControls
from tests.mqtt.schema import insist

_TOPICS = Topics("satellite", "homeassistant", "satellite-0123abcd")
# all that a refusal says
_EXPECTED = (
    "a whole number from 0 to 100",
    "a number from 0.05 to 0.99",
    "one of quiet, normal, noisy",
    "ON or OFF",
    "PRESS",
    "a text",
)

_BY_KEY = {entity.key: entity for entity in TABLE}


def _interrupt(phase: Phase, at: int, reason: Reason = Reason.SPEECH) -> Interrupt:
    position = Position(Millis(1500), Millis(1400), Millis(3000), None)
    started, probability = Millis(10_000), Probability(0.9)
    return Interrupt("i", "r", 1, phase, reason, "speaking", Millis(at), started, probability, position, False, "a secret")


@pytest.mark.parametrize("has_wake_threshold", [True, False])
def test_home_assistant_takes_the_discovery_payload(has_wake_threshold: bool) -> None:
    """All of its schema, with and without a wake word."""
    config = json.loads(discovery(_TOPICS, "Küche", None, "1.2", has_wake_threshold=has_wake_threshold))
    insist(config)
    assert ("wake-threshold" in config["components"]) is has_wake_threshold
    assert set(config["components"]) == {entity.key for entity in entities(has_wake_threshold)}
    assert config["device"]["name"] == "Küche" and "suggested_area" not in config["device"]
    assert config["availability_topic"] == "satellite/satellite-0123abcd/availability"


def test_an_area_is_suggested() -> None:
    """If there is one."""
    assert json.loads(discovery(_TOPICS, "A", "Cellar", "1", has_wake_threshold=True))["device"]["suggested_area"] == "Cellar"


def test_texts_have_no_state() -> None:
    """What was said is shown nowhere."""
    components = json.loads(discovery(_TOPICS, "A", None, "1", has_wake_threshold=True))["components"]
    texts = [each for each in components.values() if each["platform"] in ("text", "button")]
    assert len(texts) == 4 and not any("state_topic" in each for each in texts)


def test_every_setting_is_shown_and_can_be_set() -> None:
    """By one entity each."""
    assert sorted(entity.setting for entity in TABLE if entity.setting and entity.obey) == sorted(Key) == sorted(SHOWN)


def test_every_state_is_an_option() -> None:
    """As observers see it: nothing is held."""
    options = _BY_KEY["state"].details["options"]
    assert set(options) == {state.public for state in State} and len(options) == len(set(options)) and "held" not in options


@pytest.mark.parametrize(
    ("value", "text"),
    [(70, "70"), (True, "ON"), (False, "OFF"), ("noisy", "noisy"), (Sensitivity.QUIET, "quiet"), (0.5, "0.5"), (None, "")],
)
def test_a_setting_is_shown_as_its_platform_expects(value: Value, text: str) -> None:
    """A boolean is no number."""
    assert shown(value) == text


@pytest.mark.parametrize(
    ("key", "text", "asked"),
    [
        ("volume", "0", ("volume", 0)),
        ("volume", "100", ("volume", 100)),
        ("volume", "55.0", ("volume", 55)),
        ("mute", "ON", ("mute", True)),
        ("mute", "OFF", ("mute", False)),
        ("barge-in", "OFF", ("barge-in", False)),
        ("sensitivity", "noisy", ("sensitivity", Sensitivity.NOISY)),
        ("wake-threshold", "0.05", ("wake-threshold", 0.05)),
        ("wake-threshold", "0.99", ("wake-threshold", 0.99)),
        ("listen", "PRESS", ("listen",)),
        ("stop", "PRESS", ("hush",)),
        ("say", " Dinner\nis ready ", ("say", "Dinner is ready")),
        ("say", "\u0645\u06cc\u200c\u062e", ("say", "\u0645\u06cc\u200c\u062e")),
        ("start-conversation", "Shall I?", ("converse", "Shall I?")),
    ],
)
def test_a_command_does_what_it_says(key: str, text: str, asked: tuple[object, ...]) -> None:
    """Once."""
    controls, obey = FakeControls(), _BY_KEY[key].obey
    assert obey is not None
    obey(controls, text)
    assert controls.asked == [asked]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        *(("volume", text) for text in ("", "101", "-1", "1e2", "50.5", "\u0665\u0660", "nan", " 50", "50\n", "9" * 400)),
        *(("mute", text) for text in ("", "on", "true", "1", "ON ")),
        *(("barge-in", text) for text in ("", "yes")),
        *(("sensitivity", text) for text in ("", "Quiet", "QUIET", "silent")),
        *(("wake-threshold", text) for text in ("", "0", "0.04", "1", "0.995", "nan", "inf", "-0.5", "5e-1", "." + "5" * 400)),
        *((key, text) for key in ("listen", "stop") for text in ("", "press", "{}")),
        *((key, text) for key in ("say", "start-conversation") for text in ("", " \n", "a\0b", "\x1b[31m", "\x7f")),
    ],
)
def test_nonsense_is_refused_without_being_repeated(key: str, text: str) -> None:
    """It may be private; and nothing is done."""
    controls, obey = FakeControls(), _BY_KEY[key].obey
    assert obey is not None
    with pytest.raises(Nonsense) as refusal:
        obey(controls, text)
    assert controls.asked == []
    assert str(refusal.value) in _EXPECTED


@pytest.mark.parametrize(
    ("phase", "at", "first_ms", "decision_ms"),
    [(Phase.PROVISIONAL, 10_180, 180, 180), (Phase.CONFIRMED, 10_560, 180, 560), (Phase.CANCELLED, 10_900, 180, 900)],
)
def test_an_interruption_is_told_by_its_figures(phase: Phase, at: int, first_ms: int, decision_ms: int) -> None:
    """And by nothing that was said."""
    assert json.loads(told_of_interruption(_interrupt(phase, at), first_ms)) == {
        "reason": "speech",
        "phase": phase.value,
        "played_ms": 1500,
        "heard_ms": 1400,
        "decision_ms": decision_ms,
        "interrupt_ms": first_ms,
    }


@pytest.mark.parametrize("reason", [Reason.BUTTON, Reason.SHUTDOWN])
def test_where_nobody_spoke_nothing_is_measured(reason: Reason) -> None:
    """A button has no onset of speech."""
    told = json.loads(told_of_interruption(_interrupt(Phase.CONFIRMED, 10_000, reason), 0))
    assert (told["reason"], told["decision_ms"], told["interrupt_ms"]) == (reason.value, None, None)


def test_health_is_told_by_two_figures() -> None:
    """One of them may not be known yet."""
    assert json.loads(told_of_health(Health())) == {"false_dips_per_hour": 0.0, "erle_db": None}
    health = Health(erle_db=Decibels(31.24), sound=Margin(dips=4.0, minutes=60.0), voice=Margin(dips=1.0, minutes=60.0))
    assert json.loads(told_of_health(health)) == {"false_dips_per_hour": 5.0, "erle_db": 31.2}


def test_a_device_that_somebody_has_to_see_to_is_a_problem() -> None:
    """Which one, and what is the matter, are its attributes; nobody's ALSA names."""
    working, silent = (
        Device(half, "hw:CARD=X").become(condition, Millis(0))
        for half, condition in ((Half.SPEAKER, Condition.WORKING), (Half.MICROPHONE, Condition.SILENT))
    )
    assert json.loads(told_of_devices([])) == {"problem": "OFF"}
    assert json.loads(told_of_devices([working])) == {"problem": "OFF", "speaker": "working"}
    assert json.loads(told_of_devices([working, silent])) == {"problem": "ON", "speaker": "working", "microphone": "silent"}
