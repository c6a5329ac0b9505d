"""The bridge against a real broker, and Home Assistant at the other end of it."""

import asyncio
import logging
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from satellite.core.actions import SendInterrupt
from satellite.core.events import Position
from satellite.core.health import Health
from satellite.core.interrupt import Interrupt, Phase, Reason
from satellite.core.sensitivity import Sensitivity
from satellite.core.state import State, Why
from satellite.core.units import Decibels, Millis, Probability
from satellite.observer import Key, Setting
from tests.certificates import make_ca, make_certificate
from tests.mqtt.fake_controls import FakeControls
from tests.mqtt.house import (
    AVAILABILITY,
    BASE,
    DISCOVERY,
    NEEDS_MOSQUITTO,
    RULE,
    Broker,
    Wire,
    bridge,
    home_assistant,
    known_bridge,
    payload,
    soon,
    strict_broker,
    until_logged,
)
from tests.mqtt.schema import insist

pytestmark = NEEDS_MOSQUITTO

_SECRET = "the gold is under the oak"

_INTERRUPT = Interrupt(
    *("i1", "r1", 1, Phase.PROVISIONAL, Reason.SPEECH, "speaking", Millis(10_180), Millis(10_000), Probability(0.9)),
    *(Position(Millis(1500), Millis(1400), Millis(3000), None), False, _SECRET),
)

_SETTINGS = {"volume": "70", "muted": "OFF", "barge-in": "ON", "sensitivity": "normal", "wake-threshold": "0.5"}


def test_a_device_appears_with_all_its_settings(tmp_path: Path) -> None:
    """And is there for whoever comes later; but not what it was doing."""

    async def story() -> None:
        async with Broker(tmp_path) as broker, home_assistant(broker.port) as hass, bridge(broker.port, FakeControls()):
            await hass.until_ready()
            assert [topic for topic, _, _ in hass.heard[1:3]] == [DISCOVERY, AVAILABILITY]
            config = payload(hass.all_of(DISCOVERY)[0])
            insist(config)
            shown = config["components"]["interruption-reason"]
            assert shown["json_attributes_topic"] == shown["state_topic"] == f"{BASE}/interruption"
            assert (config["device"]["name"], config["device"]["suggested_area"]) == ("Kitchen", "Ground floor")
            assert hass.all_of(f"{BASE}/state") == ["idle"]
            async with home_assistant(broker.port) as later:
                kept = later.retained()
                assert payload(kept.pop(DISCOVERY)) == config
                assert kept == {f"{BASE}/{key}": text for key, text in _SETTINGS.items()} | {AVAILABILITY: "online"}

    soon(story())


def test_a_satellite_without_a_wake_word_has_no_threshold(tmp_path: Path) -> None:
    """Neither the entity nor a value."""

    async def story() -> None:
        controls = FakeControls(wake_threshold=None)
        async with Broker(tmp_path) as broker, home_assistant(broker.port) as hass, bridge(broker.port, controls):
            await hass.until_ready()
            assert "wake-threshold" not in payload(hass.all_of(DISCOVERY)[0])["components"]
            assert hass.all_of(f"{BASE}/wake-threshold") == []

    soon(story())


def test_every_command_reaches_the_satellite(tmp_path: Path) -> None:
    """And each setting is shown as it is then."""
    asked = [
        ("volume", "30", ("volume", 30), "30"),
        ("mute", "ON", ("mute", True), "ON"),
        ("barge-in", "OFF", ("barge-in", False), "OFF"),
        ("sensitivity", "quiet", ("sensitivity", Sensitivity.QUIET), "quiet"),
        ("wake-threshold", "0.65", ("wake-threshold", 0.65), "0.65"),
        ("listen", "PRESS", ("listen",), None),
        ("stop", "PRESS", ("hush",), None),
        ("say", _SECRET, ("say", _SECRET), None),
        ("start-conversation", _SECRET, ("converse", _SECRET), None),
    ]

    async def story() -> None:
        controls = FakeControls()
        async with Broker(tmp_path) as broker, home_assistant(broker.port) as hass, bridge(broker.port, controls):
            await hass.until_ready()
            for key, text, want, is_shown in asked:
                await hass.ask(key, text)
                await controls.until_asked(*want)
                if is_shown is not None:
                    await hass.until(f"{BASE}/{'muted' if key == 'mute' else key}", is_shown)
            assert controls.asked == [want for _, _, want, _ in asked]
            # only where Home Assistant said it
            assert {topic for topic, said, _ in hass.heard if _SECRET in said} == {
                f"{BASE}/say/set",
                f"{BASE}/start-conversation/set",
            }
            async with home_assistant(broker.port) as later:
                kept = later.retained()
                assert (kept[f"{BASE}/volume"], kept[f"{BASE}/muted"], kept[f"{BASE}/sensitivity"]) == ("30", "ON", "quiet")
                assert not any(topic.endswith("/set") or _SECRET in said for topic, said in kept.items())

    soon(story())


@pytest.mark.parametrize(
    ("key", "nonsense"),
    [
        *(("volume", each) for each in (b"loud", b"", b"101", b"\xff\xfe", b"0" * 100_000)),
        *(("mute", each) for each in (b"maybe", b"\0")),
        *(("say", each) for each in (b"", b"x" * 1025, b"\xc3\x28")),
        ("listen", b"now"),
    ],
)
def test_nonsense_is_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture, key: str, nonsense: bytes) -> None:
    """Then it is for those who debug; nothing is done, nothing breaks, and what came is in no log."""
    caplog.set_level(logging.DEBUG, "satellite")

    async def story() -> None:
        controls = FakeControls()
        async with Broker(tmp_path) as broker, home_assistant(broker.port) as hass, bridge(broker.port, controls):
            await hass.until_ready()
            await hass.ask(key, nonsense)
            await hass.ask(key, nonsense)
            await hass.ask("stop", "PRESS")
            await controls.until_asked("hush")
            assert controls.asked == [("hush",)]

    soon(story())
    refused = [record for record in caplog.records if "refused" in record.getMessage()]
    assert [record.levelno for record in refused] == [logging.WARNING, logging.DEBUG]
    assert "it has to be" in caplog.text and "xxxx" not in caplog.text


def test_what_cannot_be_done_is_warned_of_and_shown_as_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Home Assistant may think that it was done."""

    async def story() -> None:
        controls = FakeControls(is_muted=True, refusal="the hub has switched it off")
        async with Broker(tmp_path) as broker, home_assistant(broker.port) as hass, bridge(broker.port, controls):
            await hass.until_ready()
            await hass.ask("mute", "OFF")
            await hass.until(f"{BASE}/muted", "ON", times=2)

    soon(story())
    assert f"mqtt: {BASE}/mute/set: refused: the hub has switched it off" in caplog.text


def test_what_was_asked_before_is_not_done(tmp_path: Path) -> None:
    """A satellite must not say last year's text at its start, nor after each cut of the wire."""

    async def story() -> None:
        controls = FakeControls()
        async with Broker(tmp_path) as broker, home_assistant(broker.port) as hass, Wire(broker) as wire:
            await hass.ask("say", _SECRET, retain=True)
            await hass.ask("volume", "100", retain=True)
            async with bridge(wire.port, controls):
                await hass.until_ready()
                wire.cut()
                await hass.until(f"{BASE}/state", times=2)
                await hass.ask("stop", "PRESS")
                await controls.until_asked("hush")
                assert controls.asked == [("hush",)]

    soon(story())


def test_an_interruption_is_told_and_not_kept(tmp_path: Path) -> None:
    """Its figures, at each phase; the time to the first of them stays."""

    async def story() -> None:
        topic = f"{BASE}/interruption"
        async with Broker(tmp_path) as broker, home_assistant(broker.port) as hass, bridge(broker.port, FakeControls()) as told:
            await hass.until_ready()
            told.on_action(SendInterrupt(_INTERRUPT))
            first = payload(await hass.until(topic))
            assert first == {
                "reason": "speech",
                "phase": "provisional",
                "played_ms": 1500,
                "heard_ms": 1400,
                "decision_ms": 180,
                "interrupt_ms": 180,
            }
            told.on_action(SendInterrupt(_INTERRUPT.in_phase(Phase.CONFIRMED, Millis(10_560))))
            assert payload(await hass.until(topic, times=2)) == first | {"phase": "confirmed", "decision_ms": 560}
            told.on_action(SendInterrupt(replace(_INTERRUPT, id="i2", phase=Phase.CONFIRMED, timestamp=Millis(10_700))))
            assert payload(await hass.until(topic, times=3))["interrupt_ms"] == 700
            assert not any(_SECRET in said for _, said, _ in hass.heard)
            async with home_assistant(broker.port) as later:
                assert topic not in later.retained()

    soon(story())


def test_states_are_told_as_others_see_them(tmp_path: Path) -> None:
    """A reply that is held is being spoken; and no state is kept."""

    async def story() -> None:
        async with Broker(tmp_path) as broker, home_assistant(broker.port) as hass, bridge(broker.port, FakeControls()) as told:
            await hass.until_ready()
            for old, new in [(State.IDLE, State.SPEAKING), (State.SPEAKING, State.HELD), (State.HELD, State.LISTENING)]:
                told.on_state_changed(old, new, Why.VOICE)
                # goes out after it
                told.on_setting(Setting(Key.SENSITIVITY, new.value))
                await hass.until(f"{BASE}/sensitivity", new.value)
            assert hass.all_of(f"{BASE}/state") == ["idle", "speaking", "listening"]
            async with home_assistant(broker.port) as later:
                assert f"{BASE}/state" not in later.retained()

    soon(story())


def test_health_is_kept_and_told_again(tmp_path: Path) -> None:
    """There is none before the first self-test."""

    async def story() -> None:
        async with Broker(tmp_path) as broker, home_assistant(broker.port) as hass, Wire(broker) as wire:
            async with bridge(wire.port, FakeControls()) as told:
                await hass.until_ready()
                assert hass.all_of(f"{BASE}/health") == []
                told.on_health(Health(erle_db=Decibels(30.0)))
                assert payload(await hass.until(f"{BASE}/health")) == {"false_dips_per_hour": 0.0, "erle_db": 30.0}
                wire.cut()
                await hass.until(f"{BASE}/health", times=2)
            async with home_assistant(broker.port) as later:
                assert f"{BASE}/health" in later.retained()

    soon(story())


def test_home_assistants_birth_is_answered_with_everything(tmp_path: Path) -> None:
    """Its death is not."""

    async def story() -> None:
        controls = FakeControls()
        async with Broker(tmp_path) as broker, home_assistant(broker.port) as hass, bridge(broker.port, controls):
            await hass.until_ready()
            await hass.client.publish("homeassistant/status", "offline")
            await hass.ask("stop", "PRESS")
            await controls.until_asked("hush")
            assert len(hass.all_of(DISCOVERY)) == 1
            await hass.client.publish("homeassistant/status", "online")
            await hass.until(f"{BASE}/state", times=2)
            assert [len(hass.all_of(topic)) for topic in (DISCOVERY, AVAILABILITY, f"{BASE}/volume")] == [2, 2, 2]

    soon(story())


def test_a_satellite_that_goes_or_is_cut_off_is_not_available(tmp_path: Path) -> None:
    """The broker says so where it cannot itself."""

    async def story() -> None:
        async with Broker(tmp_path) as broker, home_assistant(broker.port) as hass, Wire(broker) as wire:
            async with bridge(wire.port, FakeControls()):
                await hass.until_ready()
                wire.cut()
                await hass.until(f"{BASE}/state", times=2)
                assert hass.all_of(AVAILABILITY) == ["online", "offline", "online"]
            await hass.until(AVAILABILITY, "offline", times=2)
            async with home_assistant(broker.port) as later:
                assert later.retained()[AVAILABILITY] == "offline"

    soon(story())


def test_a_cut_or_an_end_amid_telling_is_noticed(tmp_path: Path) -> None:
    """Whatever is under way then."""

    async def story() -> None:
        controls = FakeControls()
        async with Broker(tmp_path) as broker, home_assistant(broker.port) as hass, Wire(broker) as wire:
            async with bridge(wire.port, controls):
                for n in range(1, 9):
                    await hass.until(f"{BASE}/state", times=n)
                    await hass.ask("volume", f"{n}")
                    await controls.until_asked("volume", n)
                    wire.cut()
                await hass.until(f"{BASE}/state", times=9)
                await hass.ask("volume", "99")
                await controls.until_asked("volume", 99)
            await hass.until(AVAILABILITY, "offline", times=9)

    soon(story())


def test_a_broker_that_was_restarted_knows_everything_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without what happened while it was away, and with what was set. The operator hears it twice."""
    caplog.set_level(logging.DEBUG, "satellite")

    async def story() -> None:
        broker, controls = Broker(tmp_path), FakeControls()
        async with broker, known_bridge(broker.port, controls) as told:
            await broker.stop()
            await until_logged(caplog, "no broker at")
            told.on_action(SendInterrupt(_INTERRUPT))
            controls.set_volume(10)
            await until_logged(caplog, "Connection refused", lambda: caplog.text.count("no broker at") > 3)
            await broker.start()
            async with home_assistant(broker.port) as hass:
                await hass.until(f"{BASE}/volume", "10")
                await hass.until(AVAILABILITY, "online")
                await hass.until(DISCOVERY)
                assert hass.all_of(f"{BASE}/interruption") == []

    soon(story())
    lost = [record.levelno for record in caplog.records if "no broker at" in record.getMessage()]
    assert lost[0] == logging.WARNING and set(lost[1:]) == {logging.DEBUG}
    found = [record for record in caplog.records if "is here" in record.getMessage()]
    assert [record.levelno for record in found] == [logging.INFO, logging.INFO] and "is here after" in found[1].getMessage()


def test_it_stops_at_once_where_there_is_no_broker(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However long it would wait for the next attempt."""

    async def story() -> None:
        broker = Broker(tmp_path)
        async with broker:
            pass
        async with bridge(broker.port, FakeControls(), replace(RULE, first_retry_s=1000.0, most_retry_s=1000.0)):
            await until_logged(caplog, "no broker at")

    soon(story())


def _locked(folder: Path) -> Broker:
    """A broker with a password and TLS, for a certificate authority of its own."""
    certificate = make_certificate(folder, make_ca(folder, "ours"), "127.0.0.1")
    users = folder / "users"
    subprocess.run(("mosquitto_passwd", "-c", "-b", str(users), "satellite", "secret"), check=True, capture_output=True)
    return Broker(
        folder,
        (
            "allow_anonymous false",
            f"password_file {users}",
            f"certfile {certificate}",
            f"keyfile {certificate.with_suffix('.key')}",
        ),
    )


def _password(folder: Path, password: str) -> str:
    file = folder / f"password-{password}"
    file.touch(0o600)
    file.write_text(f"{password}\n")
    return str(file)


def test_passwords_and_certificates_are_used(tmp_path: Path) -> None:
    """Over TLS, with a user."""

    async def story() -> None:
        async with _locked(tmp_path) as broker:
            ca = str(tmp_path / "ours.pem")
            context = ssl.create_default_context(cafile=ca)
            hass = home_assistant(broker.port, username="satellite", password="secret", tls_context=context)
            access = {"user": "satellite", "password_file": _password(tmp_path, "secret"), "tls": True, "ca_file": ca}
            controls = FakeControls()
            async with hass as told, bridge(broker.port, controls, **access):
                await told.until_ready()
                await told.ask("volume", "5")
                await controls.until_asked("volume", 5)

    soon(story())


def test_a_wrong_password_is_warned_of_as_such(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Once; it is tried again, for the broker's may be changed. It is in no log."""
    caplog.set_level(logging.DEBUG, "satellite")

    async def story() -> None:
        async with _locked(tmp_path) as broker:
            access = {"user": "satellite", "password_file": _password(tmp_path, "wrong-one"), "tls": True}
            async with bridge(broker.port, FakeControls(), ca_file=str(tmp_path / "ours.pem"), **access):
                await until_logged(caplog, "it refuses mqtt.user", lambda: caplog.text.count("it refuses mqtt.user") > 1)

    soon(story())
    levels = [record.levelno for record in caplog.records if "it refuses mqtt.user" in record.getMessage()]
    assert levels[0] == logging.WARNING and set(levels[1:]) == {logging.DEBUG}
    assert "wrong-one" not in caplog.text.replace(str(tmp_path), "")


# paho leaves the socket of a handshake that failed to the garbage collector, which closes it
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_broker_that_is_not_the_one_is_told_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture, host: str) -> None:
    """With a certificate of somebody else, or for another name."""

    async def story() -> None:
        async with _locked(tmp_path) as broker:
            ca = make_ca(tmp_path, "another") if host == "127.0.0.1" else tmp_path / "ours.pem"
            access = {"user": "satellite", "password_file": _password(tmp_path, "secret"), "tls": True, "ca_file": str(ca)}
            controls = FakeControls()
            async with bridge(broker.port, controls, host=host, **access):
                await until_logged(caplog, "certificate verify failed")

    soon(story())
    assert [record.levelname for record in caplog.records if "no broker at" in record.getMessage()] == ["WARNING"]


def test_a_broker_that_lets_it_hear_nothing_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """With the topics; what it has to tell may still be of use."""

    async def story() -> None:
        async with strict_broker() as port, bridge(port, FakeControls()):
            await until_logged(caplog, "does not let us hear")

    soon(story())
    assert f"{BASE}/say/set" in caplog.text and "homeassistant/status" in caplog.text


def test_a_broker_that_does_not_answer_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """And tried again; nor does it hold up the end."""

    async def story() -> None:
        over = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await over.wait()
            writer.transport.abort()

        rule = replace(RULE, answer_s=0.05, goodbye_s=0.01)
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        async with server, bridge(server.sockets[0].getsockname()[1], FakeControls(), rule):
            await until_logged(caplog, "timed out")
        over.set()

    soon(story())


def test_what_it_is_told_without_a_connection_is_no_fault(tmp_path: Path) -> None:
    """Before its start, and after its stop."""

    async def story() -> None:
        controls = FakeControls()
        async with Broker(tmp_path) as broker:
            async with bridge(broker.port, controls) as told:
                pass
            controls.set_volume(3)
            told.on_action(SendInterrupt(_INTERRUPT))
            await told.stop()
            await asyncio.to_thread(lambda: None)

    soon(story())
