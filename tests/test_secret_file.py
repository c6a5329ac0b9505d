"""Who else can read a secret, and where that is somebody else's business. What cannot be one: tests/mqtt/test_access.py."""

import logging
import os
from pathlib import Path

import pytest

from satellite import secret_file
from satellite.secret_file import secret

_OWN, _ROOT, _FOREIGN = os.getegid(), 0, 4242


def _written(folder: Path, mode: int, group: int = _OWN) -> Path:
    file = folder / "password"
    file.write_text("hunter2\n")
    if group != _OWN:
        try:
            os.chown(file, -1, group)
        except PermissionError:
            pytest.skip("only root gives a file away")
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    ("mode", "group", "who"),
    [
        (0o600, _OWN, None),
        (0o400, _OWN, None),
        (0o640, _OWN, None),
        (0o640, _ROOT, None),
        (0o640, _FOREIGN, "the group 4242"),
        (0o644, _OWN, "everybody"),
        (0o604, _OWN, "everybody"),
    ],
)
def test_who_else_can_read_it_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, group: int, who: str | None
) -> None:
    """As a warning that has not the secret in it; it is used all the same."""
    assert secret("mqtt.password_file", str(_written(tmp_path, mode, group)), {}) == "hunter2"
    assert [record.levelno for record in caplog.records] == ([logging.WARNING] if who else [])
    assert (who or "") in caplog.text and "hunter2" not in caplog.text


def test_a_credential_of_systemd_is_its_own_business(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`LoadCredential=mqtt:...` and the path below /run/credentials; elsewhere the same file is warned of."""
    path = str(_written(tmp_path, 0o440, _FOREIGN))
    assert secret("mqtt.password_file", path, {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "hunter2"
    assert not caplog.records
    secret("mqtt.password_file", path, {"CREDENTIALS_DIRECTORY": "/run/credentials/another.service"})
    assert len(caplog.records) == 1


def test_a_containers_secret_is_its_own_business(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker mounts them readable for everybody in the container."""
    monkeypatch.setattr(secret_file, "_CONTAINERS", tmp_path)
    assert secret("mqtt.password_file", str(_written(tmp_path, 0o444)), {}) == "hunter2"
    assert not caplog.records
