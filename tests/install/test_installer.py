"""What can be said of the installer and the unit without a machine of their own; `python -m tests.install` has one."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALLER = ROOT / "systemd/install.sh"
UNIT = ROOT / "systemd/satellite.service"
LOCKS = ROOT / "systemd/locks"

# of `systemd-analyze security`, from 0 to 10
MOST_EXPOSED = 2.0

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
needs_debian = pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="needs Debian")


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)


def locked(file: Path) -> dict[str, str]:
    """The entries of a lock file by their package, hashes included."""
    entries = re.split(r"(?m)^(?=[a-z0-9])", file.read_text("utf-8"))
    return {entry.partition("==")[0]: entry for entry in entries if entry.strip()}


@pytest.mark.parametrize("check", [("bash", "-n"), ("shellcheck",)], ids=lambda check: str(check[0]))
def test_the_shell_has_nothing_to_say(check: tuple[str, ...]) -> None:
    """Of the script as it is."""
    if shutil.which(check[0]) is None:
        pytest.skip(f"needs {check[0]}")
    said = ran(*check, str(INSTALLER))
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


@needs_debian
def test_a_dry_run_shows_each_command_in_order() -> None:
    """With hashes, without an index in the step that fills what will run, and with a user that may use the sound card."""
    said = ran(str(INSTALLER), "--dry-run", "--with", "mqtt,openwakeword")
    assert said.returncode == 0, said.stderr
    commands = [line.strip() for line in said.stdout.splitlines() if line.startswith("    ")]
    order = [
        r"pip .*install --require-hashes -r \S+/systemd/locks/build\.txt",
        r"pip .*wheel --no-build-isolation --no-deps .*/wheels \S+$",
        r"pip .*wheel --require-hashes .*requirements\.txt .*mqtt\.txt .*openwakeword\.txt",
        r"/usr/bin/python3 -m venv --without-pip /opt/satellite\.releases/[0-9a-f]{12}$",
        r"pip .*install --no-index --no-deps",
        r"(useradd .*|usermod .*)audio",
        r"mv -T /opt/satellite\.new /opt/satellite$",
        r"satellite devices --config > /etc/satellite/config\.yaml|install -d -m 755 /etc/satellite$",
        r"install -m 644 \S+/satellite\.service /etc/systemd/system/satellite\.service",
        r"systemctl daemon-reload",
    ]
    places = [next((at for at, line in enumerate(commands) if re.search(wanted, line)), -1) for wanted in order]
    assert places == sorted(places) and -1 not in places, list(zip(order, places, strict=True))


@needs_debian
def test_a_dry_run_shows_what_an_uninstallation_removes() -> None:
    """All of it, or all but the configuration."""
    whole, most = (
        ran(str(INSTALLER), "--dry-run", "--uninstall"),
        ran(str(INSTALLER), "--dry-run", "--uninstall", "--keep-config"),
    )
    assert "rm -rf /opt/satellite /opt/satellite.releases /var/lib/satellite /run/satellite" in whole.stdout
    assert "rm -rf /etc/satellite" in whole.stdout
    assert "rm -rf /etc/satellite" not in most.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--wiht", "mqtt"], "--wiht is no option"),
        (["--with", "mqqt"], "there are gpio, mqtt and openwakeword"),
        (["--with"], "a list"),
    ],
)
def test_a_mistake_is_told(options: list[str], words: str) -> None:
    """Before anything is done."""
    said = ran(str(INSTALLER), *options)
    assert said.returncode == 1
    assert words in said.stderr


@pytest.mark.parametrize("extra", ["gpio", "mqtt", "openwakeword"])
def test_the_lock_of_an_extra_goes_with_the_others(extra: str) -> None:
    """What it wants, at the versions that are tested, without what is in the base already."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"][extra]
    tested, base = locked(ROOT / "requirements-dev.txt"), locked(ROOT / "requirements.txt")
    lock = locked(LOCKS / f"{extra}.txt")
    assert {re.split(r"[<>=\[]", each)[0] for each in wanted} <= lock.keys()
    assert lock.keys().isdisjoint(base)
    assert {name: tested.get(name) for name in lock} == lock


def test_what_builds_is_locked_too() -> None:
    """The backends of our own package and of pyalsaaudio, which comes as source."""
    lock = locked(LOCKS / "build.txt")
    assert {"hatchling", "setuptools"} <= lock.keys()
    assert all("--hash=sha256:" in entry for entry in lock.values())


@needs_systemd
def test_systemd_has_nothing_to_say_of_the_unit(tmp_path: Path) -> None:
    """The program is not installed here, so another one stands for it."""
    unit = tmp_path / "satellite.service"
    unit.write_text(UNIT.read_text("utf-8").replace("/opt/satellite/bin/satellite", "/bin/true"))
    said = ran("systemd-analyze", "verify", str(unit))
    assert (said.returncode, said.stderr) == (0, "")


@needs_systemd
def test_the_unit_is_exposed_little() -> None:
    """By itself, without drop-ins."""
    said = ran("systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT))
    found = re.search(r"exposure level for satellite\.service: ([\d.]+)", said.stdout)
    assert found is not None, said.stderr
    assert float(found[1]) <= MOST_EXPOSED
