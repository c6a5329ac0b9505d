"""What the self-tests found, in a real directory."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from satellite.core.health import Health, Margin
from satellite.core.self_test import SelfTested
from satellite.core.units import Decibels, Millis
from satellite.health_file import WRITE_AFTER_S, HealthFile, HealthKeeper
from tests.core.test_health import TESTS

TEST = SelfTested(Millis(6000), Decibels(38.0), Decibels(7.0), Decibels(-30.0), 1, 0, 0, True)
HEALTH = Health(12, 3.5, 1, Decibels(38.25), Decibels(7.5), None, Margin(2.0, 1.5, 3.0), Margin(0.5))


@pytest.fixture
def file(tmp_path: Path) -> HealthFile:
    """Of the default devices."""
    return HealthFile(tmp_path, "default", "default")


# ---- the file


def test_what_is_written_is_read_again(file: HealthFile) -> None:
    """To the last digit, by the next start; nothing is left beside it."""
    file.write(HEALTH)
    file.write(replace(HEALTH, replies=13))
    assert HealthFile(file.path.parent, "default", "default").read() == replace(HEALTH, replies=13)
    assert list(file.path.parent.iterdir()) == [file.path]


@given(test=TESTS)
def test_whatever_was_found_can_be_kept(tmp_path_factory: pytest.TempPathFactory, test: SelfTested) -> None:
    """And is as possible when it is read."""
    file = HealthFile(tmp_path_factory.mktemp("state"), "a", "b")
    file.write(Health().after(test))
    assert file.read() == Health().after(test)


def test_it_can_be_read_by_people_and_programs(file: HealthFile) -> None:
    """It says what it is of, and in which form."""
    file.write(HEALTH)
    content = json.loads(file.path.read_text("utf-8"))
    assert (content["version"], content["microphone"], content["speaker"]) == (1, "default", "default")
    assert content["health"]["sound"] == {"raised_db": 2.0, "dips": 1.5, "minutes": 3.0}


def test_every_pair_of_devices_has_its_own(tmp_path: Path) -> None:
    """Another room, another echo; a name of ALSA's is no name of a file."""
    names = [
        ("default", "default"),
        ("default", "plughw:CARD=Device,DEV=0"),
        ("plughw:CARD=Device,DEV=0", "default"),
        ("a/../b", ""),
    ]
    files = [HealthFile(tmp_path, *pair) for pair in names]
    for n, one in enumerate(files):
        one.write(replace(HEALTH, replies=n))
    assert [one.read().replies for one in files] == [0, 1, 2, 3]
    assert {one.path.parent for one in files} == {tmp_path}


def test_at_the_first_start_there_is_none(file: HealthFile, caplog: pytest.LogCaptureFixture) -> None:
    """Which is nothing to speak of."""
    assert file.read() == Health()
    assert caplog.records == []


def _written(change: Callable[[dict[str, object]], object]) -> Callable[[str], bytes]:
    def changed(good: str) -> bytes:
        content = json.loads(good)
        change(content)
        return json.dumps(content).encode()

    return changed


BROKEN: dict[str, Callable[[str], bytes]] = {
    "empty": lambda good: b"",
    "cut off": lambda good: good[:-20].encode(),
    "of zeros, as after a power cut": lambda good: bytes(len(good)),
    "no text": lambda good: b"\xff\xfe\x80",
    "too large": lambda good: b" " * 100_000 + good.encode(),
    "of a later version": _written(lambda c: c.update(version=2)),
    "without a version": _written(lambda c: c.pop("version")),
    "of other devices": _written(lambda c: c.update(microphone="plughw:CARD=Other,DEV=0")),
    "with a text for a number": _written(lambda c: c.update(health={"minutes": "many"})),
    "with what cannot be": _written(lambda c: c.update(health={"sound": {"raised_db": 40.0}})),
    "a list": lambda good: b"[]",
    "nested for ever": lambda good: b"[" * 16_000,
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_one_that_cannot_be_used_is_a_warning_and_a_fresh_start(
    file: HealthFile, caplog: pytest.LogCaptureFixture, broken: Callable[[str], bytes]
) -> None:
    """And the next one that is written is good again."""
    file.write(HEALTH)
    file.path.write_bytes(broken(file.path.read_text("utf-8")))
    assert file.read() == Health()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING and str(file.path) in record.getMessage()
    file.write(HEALTH)
    assert file.read() == HEALTH


def test_one_that_cannot_be_opened_is_a_warning_too(file: HealthFile, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody has made a directory of it."""
    file.path.mkdir()
    assert file.read() == Health()
    assert "Is a directory" in caplog.text


def test_a_disk_that_takes_nothing_is_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The directory has gone."""
    caplog.set_level(logging.DEBUG)
    file = HealthFile(tmp_path / "gone", "default", "default")
    file.write(HEALTH)
    file.write(HEALTH)
    assert [r.levelno for r in caplog.records] == [logging.WARNING, logging.DEBUG]
    assert "No such file or directory" in caplog.text


# ---- how often


class _Desk:
    """A keeper, a clock that is set by hand, and a worker that works when it is told to, or has no time."""

    def __init__(self, directory: Path | None) -> None:
        self.now_s, self.has_time = 1000.0, True
        self.jobs: list[Callable[[], None]] = []
        self.keeper = HealthKeeper(directory, ("default", "default"), lambda: self.now_s, self._submit)

    def _submit(self, job: Callable[[], None]) -> bool:
        if self.has_time:
            self.jobs.append(job)
        return self.has_time

    def work(self) -> int:
        """Does what there is to do: how much that was."""
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            job()
        return len(jobs)


def test_it_is_kept_once_a_minute_and_at_the_end(tmp_path: Path, file: HealthFile) -> None:
    """By the worker; at the end by whoever ends it."""
    desk = _Desk(tmp_path)
    desk.keeper.learn(TEST)
    assert desk.work() == 0
    desk.now_s += WRITE_AFTER_S
    desk.keeper.learn(TEST)
    desk.keeper.learn(TEST)
    assert (desk.work(), file.read().replies) == (1, 2)
    desk.now_s += WRITE_AFTER_S - 1.0
    desk.keeper.learn(TEST)
    assert desk.work() == 0
    desk.keeper.close()
    assert file.read() == desk.keeper.health and desk.keeper.health.replies == 4
    assert _Desk(tmp_path).keeper.health == desk.keeper.health


def test_a_worker_that_has_no_time_is_asked_again(tmp_path: Path, file: HealthFile) -> None:
    """With the next reply."""
    desk = _Desk(tmp_path)
    desk.now_s += WRITE_AFTER_S
    desk.has_time = False
    desk.keeper.learn(TEST)
    desk.has_time = True
    desk.keeper.learn(TEST)
    assert (desk.work(), file.read().replies) == (1, 2)


def test_what_was_submitted_and_never_done_is_kept_at_the_end(tmp_path: Path, file: HealthFile) -> None:
    """The worker ends with its work undone."""
    desk = _Desk(tmp_path)
    desk.now_s += WRITE_AFTER_S
    desk.keeper.learn(TEST)
    desk.keeper.close()
    assert file.read().replies == 1


def test_where_nothing_was_learnt_nothing_is_written(tmp_path: Path) -> None:
    """An SD card is not asked for nothing."""
    _Desk(tmp_path).keeper.close()
    assert list(tmp_path.iterdir()) == []


def test_without_a_directory_it_is_known_until_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """Which is a line for who wants to know."""
    caplog.set_level(logging.DEBUG)
    desk = _Desk(None)
    desk.now_s += WRITE_AFTER_S
    assert desk.keeper.learn(TEST).replies == 1
    desk.keeper.close()
    assert desk.work() == 0
    assert [r.levelno for r in caplog.records] == [logging.DEBUG]
