"""The command line. Heavy modules are imported by the command that needs them."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from satellite import __version__
from satellite.errors import ConfigError, SatelliteError

# sysexits.h: EX_CONFIG; systemd does not restart a service for it
EXIT_CONFIG = 78

_CONFIG_PATH = Path("/etc/satellite/config.yaml")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; its exit code."""
    # one thread for every library: more only fight with the audio thread for the cores of a Pi
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    args = _parser().parse_args(argv)
    _log_to_stderr(args.verbose)
    try:
        code: int = args.command(args)
        return code
    except ConfigError as error:
        print(f"satellite: {error}", file=sys.stderr)
        return EXIT_CONFIG
    except SatelliteError as error:
        print(f"satellite: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="satellite", description="A voice satellite for Home Assistant and other Wyoming servers that can be interrupted."
    )
    parser.add_argument("--version", action="version", version=f"satellite {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="log every event")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the satellite on this machine's sound card")
    run.add_argument("-c", "--config", type=Path, help=f"configuration file (default: {_CONFIG_PATH}, if there is one)")
    run.set_defaults(command=_run)

    demo = commands.add_parser("demo", help="watch a conversation in a simulated room: no hardware, no network, no configuration")
    demo.add_argument("--json", action="store_true", help="print the measurements as JSON instead of the timeline")
    demo.set_defaults(command=_demo)

    from satellite.mock import cli as mock_cli

    mock = commands.add_parser("mock", help="mock Wyoming servers, to develop without Home Assistant")
    mock_cli.add_arguments(mock)
    mock.set_defaults(command=mock_cli.run)
    return parser


def _run(args: argparse.Namespace) -> int:
    from satellite.audio.alsa import AlsaSettings, open_card
    from satellite.config import Config, load_config
    from satellite.service import Service
    from satellite.systemd import StatusLine

    path = args.config or (_CONFIG_PATH if _CONFIG_PATH.exists() else None)
    config = load_config(path) if path else Config()
    audio = config.audio
    settings = AlsaSettings(audio.microphone, audio.speaker, audio.rate_hz, audio.queue_ms)
    return asyncio.run(_serve(Service(config, lambda: open_card(settings), StatusLine())))


async def _serve(service: "Service") -> int:  # type: ignore[name-defined]  # noqa: F821
    from satellite.systemd import notify

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await service.start()
    notify("READY=1", f"STATUS={service.state}: waiting for a hub")
    try:
        await stopping.wait()
    finally:
        notify("STOPPING=1")
        await service.stop()
    return 0


def _demo(args: argparse.Namespace) -> int:
    from satellite.demo.run import run_demo

    return run_demo(as_json=args.json)


def _log_to_stderr(verbose: bool) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
