"""What is read before there is a connection, and the operator's mistakes."""

import logging
import sys
from pathlib import Path

import pytest

from satellite.config.peers import Mqtt
from satellite.errors import ConfigError
from satellite.mqtt.access import access
from satellite.mqtt.bridge import MqttBridge
from tests.mqtt.fake_controls import FakeControls


def _config(path: Path) -> Mqtt:
    return Mqtt(host="broker", user="satellite", password_file=str(path))


@pytest.mark.parametrize(("content", "password"), [(b"secret", "secret"), (b" two words \n", " two words "), (b"s3\r\n", "s3")])
def test_a_password_is_the_file_without_its_last_newline(tmp_path: Path, content: bytes, password: str) -> None:
    """Blanks may be part of it. And no text of it shows it."""
    file = tmp_path / "password"
    file.write_bytes(content)
    made = access(_config(file))
    assert made.password == password
    assert password not in f"{made} {made!r}"


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "it is empty"), (b"\n", "it is empty"), (b"\xff\xfe", "it is not UTF-8"), (b"x" * 5000, "it is too large")],
)
def test_a_password_that_cannot_be_one_is_the_operators_mistake(tmp_path: Path, content: bytes, why: str) -> None:
    """By its key."""
    file = tmp_path / "password"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=f"^mqtt.password_file: .*{why}"):
        access(_config(file))


def test_a_missing_password_is_the_operators_mistake(tmp_path: Path) -> None:
    """By its key."""
    with pytest.raises(ConfigError, match=r"^mqtt.password_file: .*No such file"):
        access(_config(tmp_path / "none"))


@pytest.mark.parametrize(("mode", "is_warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_password_that_everybody_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, is_warned: bool
) -> None:
    """And taken."""
    file = tmp_path / "password"
    file.write_text("secret\n")
    file.chmod(mode)
    with caplog.at_level(logging.WARNING):
        assert access(_config(file)).password == "secret"
    assert ("everybody on this machine can read" in caplog.text) is is_warned


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), ("no certificate\n", "there is no certificate in it")])
def test_a_ca_that_is_none_is_the_operators_mistake(tmp_path: Path, content: str | None, why: str) -> None:
    """By its key."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=f"^mqtt.ca_file: .*{why}"):
        access(Mqtt(host="broker", tls=True, ca_file=str(file)))


def test_a_broker_has_a_host() -> None:
    """Without one there is no bridge."""
    with pytest.raises(ConfigError, match=r"^mqtt.host"):
        access(Mqtt())


@pytest.mark.parametrize("library", ["aiomqtt", "paho"])
def test_a_missing_extra_is_the_operators_mistake(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """With what to do about it."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("aiomqtt", "paho")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "satellite.mqtt.connection", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigError) as mistake:
        MqttBridge(Mqtt(host="broker"), "Kitchen", None, "satellite-0123abcd", FakeControls())
    assert str(mistake.value) == "mqtt.host: needs the extra satellite[mqtt]: pip install 'satellite[mqtt]'"
