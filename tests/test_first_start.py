"""The first start after the machine was switched on, and all others."""

from pathlib import Path

import pytest

from satellite.first_start import is_first_start


def test_only_the_first_start_is_the_first(tmp_path: Path) -> None:
    """Until the directory is empty again, as it is after every boot."""
    environ = {"RUNTIME_DIRECTORY": f"{tmp_path}:/run/another"}
    assert [is_first_start(environ) for _ in range(3)] == [True, False, False]
    (tmp_path / "started").unlink()
    assert is_first_start(environ)


def test_without_a_directory_every_start_is_the_first() -> None:
    """Whoever starts it by hand is there to hear it."""
    assert is_first_start({}) and is_first_start({})


def test_a_mark_that_cannot_be_left_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The sound is heard once too often rather than never."""
    assert is_first_start({"RUNTIME_DIRECTORY": str(tmp_path / "none")})
    assert [r.getMessage() for r in caplog.records] == [
        f"cannot leave a mark of this start: {tmp_path}/none/started: No such file or directory"
    ]
