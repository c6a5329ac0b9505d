"""The command line. Heavy modules are imported by the command that needs them."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from satellite import __version__
from satellite.errors import ConfigError, SatelliteError
from satellite.logs import log_to_stderr, printable

if TYPE_CHECKING:
    from satellite.config import Config

# sysexits.h: EX_CONFIG; systemd does not restart a service for it
EXIT_CONFIG = 78
_CONFIG_PATH = Path("/etc/satellite/config.yaml")
# of the service that systemd runs: RuntimeDirectory= of its unit
_SYSTEM_SOCKET = Path("/run/satellite/control")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; its exit code."""
    # one thread for every library: more only fight with the audio thread for the cores of a Pi
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    args = _parser().parse_args(argv)
    log_to_stderr(args.verbose, os.environ)
    try:
        code: int = args.command(args)
        return code
    except ConfigError as error:
        for problem in str(error).splitlines():
            print(f"satellite: {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except SatelliteError as error:
        print(f"satellite: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_DESCRIPTION = "A voice satellite for Home Assistant and other Wyoming servers that can be interrupted: talk over its answer."

_FIRST_STEPS = """\
first steps:
  satellite demo       see it work: a whole conversation in a simulated room
  satellite devices    the names of your microphone and loudspeaker, for config.yaml
  satellite check      do they work, and will you be heard over an answer?
  satellite run        then add it in Home Assistant, under Settings > Devices & services
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="satellite",
        description=_DESCRIPTION,
        epilog=_FIRST_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"satellite {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="log every event")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    _add_daemon(commands)
    _add_ctl(commands)
    _add_demo(commands)
    return parser


def _command(
    commands: _Commands, name: str, run: Callable[[argparse.Namespace], int], summary: str, more: str = ""
) -> argparse.ArgumentParser:
    added = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {more}")
    added.set_defaults(command=run)
    return added


def _add_daemon(commands: _Commands) -> None:
    config_help = f"configuration file (default: {_CONFIG_PATH}, if there is one)"

    run = _command(
        commands,
        "run",
        _run,
        "run the satellite on this machine's sound card",
        "It runs until it is told to stop (Ctrl-C); SIGHUP has it read its configuration again. "
        "A mistake in the configuration ends it with code 78.",
    )
    run.add_argument("-c", "--config", type=Path, help=config_help)

    check = _command(
        commands,
        "check",
        _check,
        "try the configured devices: play, record you for 3 s, and say what is wrong",
        "Takes 9 s. Exit code 0: nothing to mend, 1: something to mend, 78: a mistake in the configuration.",
    )
    check.add_argument("-c", "--config", type=Path, help=config_help)
    check.add_argument(
        "--report", type=Path, metavar="FILE", help="write all that was found into a text file, to send it to somebody"
    )

    devices = _command(
        commands, "devices", _devices, "list the sound devices, what they can do, and which to put into config.yaml"
    )
    how = devices.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print it as JSON")
    how.add_argument("--config", action="store_true", help="print a first config.yaml that names them")

    _add_migrate(commands)


_MIGRATE_EXAMPLES = """\
examples:
  satellite migrate /etc/systemd/system/wyoming-satellite.service -o config.yaml --drop-in hooks.conf
  satellite migrate "script/run --name Kitchen --uri tcp://0.0.0.0:10700 --mic-command 'arecord -r 16000 -c 1 -f S16_LE -t raw'"
  systemctl cat wyoming-satellite | satellite migrate -
"""


def _add_migrate(commands: _Commands) -> None:
    migrate = _command(
        commands,
        "migrate",
        _migrate,
        "make a config.yaml from the command line of wyoming-satellite",
        "Exit code 0: all of it was carried over, 1: it says what was not, 78: nothing was written, and it says why.",
    )
    migrate.formatter_class, migrate.epilog = argparse.RawDescriptionHelpFormatter, _MIGRATE_EXAMPLES
    migrate.add_argument(
        "source",
        nargs="+",
        metavar="FILE-OR-LINE",
        help="a systemd unit, a docker-compose.yml, a script, - for standard input, or the line itself: in quotes, or behind --",
    )
    migrate.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it there (default: standard output)")
    migrate.add_argument(
        "--drop-in", type=Path, metavar="FILE", help="write what the hooks need of the service's unit, if they need anything"
    )
    migrate.add_argument("--force", action="store_true", help="even if there is such a file")


def _add_ctl(commands: _Commands) -> None:
    ctl = _command(
        commands,
        "ctl",
        _ctl,
        "tell the running satellite to listen, to stop, to say something, to be mute or how loud, or ask what it is doing",
        "For buttons, scripts and the shell, as the user that the satellite runs as. Exit code 0: done, 1: it cannot.",
    )
    ctl.add_argument("--socket", type=Path, metavar="PATH", help="its control socket (default: where systemd or the user has it)")
    ctl.add_argument("--announcement", action="store_true", help="with say: before whatever else waits to be said")
    ctl.add_argument("--listen", action="store_true", help="with say: listen to the answer to it, which begins a conversation")
    what = ("status", "listen", "stop", "say", "volume", "mute", "unmute", "forget-hub")
    about = "listen: as after the wake word; mute: switch the microphone off; forget-hub: the next hub is remembered instead"
    ctl.add_argument("what", choices=what, help=about)
    ctl.add_argument("value", nargs="?", help="with say a text, with volume 0 to 100")


def _add_demo(commands: _Commands) -> None:
    demo = _command(
        commands,
        "demo",
        _demo,
        "watch a conversation in a simulated room: no hardware, no network, no configuration",
        "Takes 15 s, and prints milliseconds from the user's first sound. Exit code 0: everything held.",
    )
    demo.add_argument("--json", action="store_true", help="print the measurements as JSON instead of the timeline")
    demo.add_argument("--plot", type=Path, metavar="FILE.png", help="draw what happened (needs the extra satellite[plot])")

    _add_bench(commands)
    _add_chaos(commands)

    from satellite.mock import cli as mock_cli

    mock = commands.add_parser("mock", help="mock Wyoming servers, to develop without Home Assistant")
    mock_cli.add_arguments(mock)
    mock.set_defaults(command=mock_cli.run)


def _add_bench(commands: _Commands) -> None:
    bench = _command(
        commands,
        "bench",
        _bench,
        "measure on hours of simulated living room how well answers can be talked over, beside the rules of other systems",
        "Real detectors in simulated rooms, in virtual time, on all cores. Without --corpus it plays the few recordings that "
        "come with the package, which takes a minute or two. The same seed gives the same figures.",
    )
    add = bench.add_argument
    add("--corpus", type=Path, metavar="DIR", help="recordings: 16 kHz WAV files and a manifest.csv")
    add("--half", choices=("chosen-on", "held-out", "all"), help="of its speakers and rooms (default: held-out)")
    add("--suite", choices=("mini", "standard", "full"), default="mini", help="how many scenes (default: %(default)s)")
    add("--seed", type=int, default=1, metavar="N", help="which draw of them (default: %(default)s)")
    add(
        "--sensitivity",
        choices=("quiet", "normal", "noisy"),
        default="normal",
        help="barge_in.sensitivity (default: %(default)s)",
    )
    add("--group", metavar="TEXT", help="only scenes whose kind and group contain this")
    add("--ours-only", action="store_true", help="without the rules of other systems: a third of the time")
    add("--jobs", type=int, metavar="N", help="how many processes (default: one for each core)")
    add("--json", type=Path, metavar="FILE", help="save all outcomes and tables")
    add("--report", type=Path, metavar="FILE.html", help="write a page with tables and curves (curves need satellite[plot])")
    add("--from", dest="saved", type=Path, metavar="FILE", help="play nothing: tables and report of what --json has saved")
    add("--list", dest="list_scenes", action="store_true", help="print the scenes, a line each, and play none")
    add("--scene", metavar="ID", help="play only this scene of the suite, and say what came of it")
    add("--plot", type=Path, metavar="FILE.png", help="with --scene: draw it (needs satellite[plot])")


def _add_chaos(commands: _Commands) -> None:
    chaos = _command(
        commands,
        "chaos",
        _chaos,
        "let everything go wrong at random, in virtual time, and see whether the satellite comes back",
        "The whole daemon with a simulated card, room, network, hub and user. The same seed tells the same story. "
        "Exit code 0: everything held, 1: it says what did not, and how to see it again.",
    )
    chaos.add_argument("--minutes", type=float, default=10.0, metavar="N", help="of virtual time (default: %(default)g)")
    chaos.add_argument("--seed", type=int, default=1, metavar="S", help="which story (default: %(default)s)")
    chaos.add_argument("--json", action="store_true", help="print it as JSON")


def _run(args: argparse.Namespace) -> int:
    from satellite.companions import companions
    from satellite.control import default_path
    from satellite.daemon import run, serve
    from satellite.desk import Desk
    from satellite.external.card import devices_for
    from satellite.first_start import is_first_start
    from satellite.identity import given_state_directory
    from satellite.memory import MemoryFile
    from satellite.observer import Audience
    from satellite.service import Service
    from satellite.systemd import StatusLine

    read_config = partial(_read_config, args.config)
    config = read_config()
    audience = Audience(StatusLine())
    greets = is_first_start(os.environ)
    service = Service(config, devices_for(config), audience, state=given_state_directory(), greets=greets)
    desk = Desk(service, config, MemoryFile(given_state_directory()))
    company = companions(config, desk, default_path(os.environ), audience.join)
    run(serve(service, read_config, desk.reconfigure, company))


def _ctl(args: argparse.Namespace) -> int:
    from satellite.control import ask, default_path

    path = args.socket or _SYSTEM_SOCKET if args.socket or _SYSTEM_SOCKET.exists() else default_path(os.environ)
    if path is None:
        raise SatelliteError(f"there is no {_SYSTEM_SOCKET}; where is the control socket? --socket PATH")
    if (args.what in ("say", "volume")) != (args.value is not None):
        raise SatelliteError("a text goes with say, a number with volume, and nothing with the others")
    number = int(args.value) if args.what == "volume" and args.value.isdecimal() else args.value
    more = {"text": args.value, "volume": number, "announcement": args.announcement, "listen": args.listen}
    answer = ask(path, {"command": args.what, **more})
    for key, value in answer.items():
        # what is being said is somebody else's words
        print(printable(f"{key}: {value}"))
    return 0


def _read_config(path: Path | None) -> "Config":
    from satellite.config import load_config

    return load_config(_config_path(path), os.environ)


def _config_path(path: Path | None) -> Path | None:
    if path is not None:
        return path
    try:
        _CONFIG_PATH.lstat()
    except FileNotFoundError:
        # of all that may be wrong with the default path only this is no mistake
        return None
    except OSError as error:
        raise ConfigError(f"{_CONFIG_PATH}: {error.strerror}") from error
    return _CONFIG_PATH


def _check(args: argparse.Namespace) -> int:
    from satellite.check.run import run_check
    from satellite.config import ENVIRONMENT_PREFIX
    from satellite.external.card import alsa_settings, open_card_for
    from satellite.service import Service

    path = _config_path(args.config)
    config = _read_config(path)
    # never started: it loads the models, and refuses what `satellite run` would refuse
    Service(config, open_card_for(config))
    variables = sorted(variable for variable in os.environ if variable.startswith(ENVIRONMENT_PREFIX))
    source = ", ".join((str(path or "the defaults, as there is no file"), *variables))
    return run_check(config, alsa_settings(config.audio), source, args.report)


def _devices(args: argparse.Namespace) -> int:
    from satellite.audio.devices import as_config, as_json, as_text, find_devices, recommended

    devices = find_devices()
    print(as_json(devices) if args.json else as_config(devices).rstrip() if args.config else as_text(devices))
    return 0 if all(recommended(devices)) else 1


def _migrate(args: argparse.Namespace) -> int:
    from satellite.migrate.command import run_migrate

    return run_migrate(args.source, args.output, args.force, args.drop_in)


def _demo(args: argparse.Namespace) -> int:
    from satellite.demo.run import run_demo

    return run_demo(as_json=args.json, picture=args.plot)


def _bench(args: argparse.Namespace) -> int:
    from satellite.bench.command import run_bench, wanted_by

    return run_bench(wanted_by(args))


def _chaos(args: argparse.Namespace) -> int:
    from satellite.chaos.command import run_chaos

    return run_chaos(args.minutes, args.seed, args.json)
