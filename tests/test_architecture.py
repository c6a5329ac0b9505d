"""The shape of the package: who may know whom, which library lives where, and the sizes at which a file asks to be cut."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "satellite"
TESTS = ROOT / "tests"

# a pure core is told the time, and neither waits, nor speaks, nor throws dice
IMPURE = {"asyncio", "time", "logging", "socket", "random", "secrets", "threading", "uuid", "datetime"}

# what each room of the house may know of the others; a room that is not named here may know all, but not the service
MAY_KNOW = {
    "core": ("satellite.core", "satellite.errors"),
    "audio": ("satellite.core", "satellite.errors", "satellite.audio"),
    "detect": ("satellite.core", "satellite.errors", "satellite.detect", "satellite.audio.card"),
    "peer": (
        "satellite.core",
        "satellite.errors",
        "satellite.peer",
        "satellite.audio.card",
        "satellite.trust",
        "satellite.__version__",
    ),
    "trust.py": ("satellite.errors",),
    "secret_file.py": ("satellite.errors",),
    # what stands in for a sound card speaks Wyoming, with the framing that has bounds
    "external": (
        "satellite.core",
        "satellite.errors",
        "satellite.external",
        "satellite.audio",
        "satellite.config",
        "satellite.peer.framing",
    ),
    "addresses.py": (),
    "discovery.py": ("satellite.addresses", "satellite.identity", "satellite.__version__"),
    "browse.py": ("satellite.addresses", "satellite.discovery"),
    "identity.py": (),
    "hub_file.py": ("satellite.core",),
    "systemd.py": ("satellite.core", "satellite.observer"),
    "control.py": ("satellite.errors",),
    "notices.py": ("satellite.core", "satellite.observer"),
    "hooks.py": ("satellite.config", "satellite.core", "satellite.errors", "satellite.notices", "satellite.program"),
    "program.py": (),
    "gpio.py": ("satellite.config.sound", "satellite.controls", "satellite.core", "satellite.errors", "satellite.observer"),
    "mqtt": (
        "satellite.config",
        "satellite.controls",
        "satellite.core",
        "satellite.errors",
        "satellite.mqtt",
        "satellite.observer",
        "satellite.secret_file",
        "satellite.trust",
        "satellite.__version__",
    ),
    "migrate": ("satellite.config", "satellite.errors", "satellite.keys", "satellite.migrate"),
}

# the service is started, and by nobody else: the demo plays it to somebody, and the chaos against it
MAY_START = ("cli.py", "daemon.py", "__main__.py", "demo/", "session.py", "desk.py", "chaos/")

# the pictures of the demo and the bench, whose library may be missing
DRAWING = ("demo/plot.py", "demo/panels.py", "demo/page.py", "bench/charts.py", "bench/plot.py")

# where a library may be known
HOME = {
    "alsaaudio": ("audio/pcm.py",),
    "gpiozero": ("gpio.py",),
    "lgpio": ("gpio.py",),
    "wyoming": ("peer/", "mock/", "external/service.py", "chaos/world.py"),
    "onnxruntime": ("detect/",),
    "pymicro_wakeword": ("detect/",),
    "pyopen_wakeword": ("detect/",),
    "pywebrtc_audio": ("detect/",),
    "zeroconf": ("discovery.py", "browse.py"),
    "msgspec": (
        "config/",
        "desk.py",
        "memory.py",
        "session.py",
        "check/run.py",
        "keys.py",
        "typed_yaml.py",
        "detect/micro_wake.py",
        "health_file.py",
        "bench/saved.py",
    ),
    "yaml": ("typed_yaml.py", "migrate/compose.py", "migrate/write.py"),
    "ifaddr": ("addresses.py",),
    "aiomqtt": ("mqtt/connection.py",),
    "sentence_stream": ("peer/", "mock/"),
    "matplotlib": DRAWING,
}
WITHOUT_NUMPY = ("core/", "peer/")

# who may write files of the daemon's; none of them is given a microphone's samples. A program that is run gets a file in
# memory with what a hook is told, and the report of `satellite check` has figures in it
MAY_WRITE = ("audio/pulse.py", "hub_file.py", "identity.py", "memory.py", "health_file.py", "program.py", "check/run.py")
# tools of developers and migrants, which a running daemon does not know
TOOLS = ("bench/", "demo/", "migrate/", "mock/", "simulate/", "core/diagram.py")
WRITES = {"write_bytes", "write_text", "writeframes", "savetxt", "tofile", "mkstemp", "NamedTemporaryFile", "TemporaryFile"}

# alarms: whoever reaches them splits
MOST_LINES = 420
MOST_LINES_OF_A_FUNCTION = 45

# only where something real has to be waited for, and where sleeping is what is tested
# or what is played by a server in virtual time takes its time
# and between two pings whose answers are measured
MAY_SLEEP = (
    *("rig/", "e2e/", "service/test_virtual_time.py", "real_hub/", "standalone/", "servers/"),
    "service/slow_hook.py",
    # the network is lost in earnest, for half a minute at a time, by programs that are a microphone and a loudspeaker
    *("network/loss.py", "network/microphone.py", "network/loudspeaker.py"),
    # a machine boots
    "install/",
    # people talk and are silent, in virtual time
    "privacy/",
)


@cache
def _trees(below: Path) -> dict[str, ast.Module]:
    return {path.relative_to(below).as_posix(): ast.parse(path.read_text("utf-8")) for path in sorted(below.rglob("*.py"))}


def _imports(tree: ast.Module) -> Iterator[str]:
    """Everything that is imported, by its whole name; lazily, and by name too."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=0):
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.ImportFrom():
                yield "a relative import"
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if _called(node) in ("import_module", "__import__"):
                yield name


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _is_in(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@cache
def _all_imports() -> tuple[tuple[str, str], ...]:
    return tuple((file, name) for file, tree in _trees(PACKAGE).items() for name in _imports(tree))


def test_the_core_is_pure() -> None:
    """It knows the standard library and itself, and of that nothing with a clock or a will of its own."""
    allowed = sys.stdlib_module_names - IMPURE
    foreign = [
        (file, name)
        for file, name in _all_imports()
        if file.startswith("core/") and not name.startswith("satellite.") and name.split(".")[0] not in allowed
    ]
    assert foreign == []


def test_rooms_know_only_whom_they_may() -> None:
    """The core knows nobody; the shells know the core and not each other."""
    strangers = [
        (file, name)
        for file, name in _all_imports()
        if (room := file.split("/")[0]) in MAY_KNOW and _is_in(name, ("satellite",)) and not _is_in(name, MAY_KNOW[room])
    ]
    assert strangers == []


def test_nobody_knows_the_service_but_who_starts_it() -> None:
    """It wires everything, so whoever knew it would know everything."""
    knowing = {file for file, name in _all_imports() if _is_in(name, ("satellite.service",))}
    assert {file for file in knowing if not file.startswith(MAY_START)} == set()
    assert knowing, "nobody starts the service: has it moved?"


def test_every_library_has_its_home() -> None:
    """One place to change when it does."""
    strays = [
        (file, name)
        for file, name in _all_imports()
        if (library := name.split(".")[0]) in HOME and not file.startswith(HOME[library])
    ]
    assert strays == []


def test_core_and_peer_do_without_numpy() -> None:
    """Neither counts samples."""
    assert [file for file, name in _all_imports() if _is_in(name, ("numpy",)) and file.startswith(WITHOUT_NUMPY)] == []


def test_alsa_and_zeroconf_are_imported_when_they_are_needed() -> None:
    """Without a sound card or a network, and without the libraries, everything else works, and starts sooner."""
    eager = [
        file
        for file, tree in _trees(PACKAGE).items()
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(
            _is_in(name, ("alsaaudio", "zeroconf", "ifaddr", "gpiozero", "lgpio")) for name in _imports(ast.Module([node], []))
        )
    ]
    assert eager == []


def test_the_drawing_is_imported_when_it_is_needed() -> None:
    """Its library is an extra."""
    drawing = ("matplotlib", *("satellite." + file.removesuffix(".py").replace("/", ".") for file in DRAWING))
    eager = [
        file
        for file, tree in _trees(PACKAGE).items()
        for node in tree.body
        if file not in DRAWING
        and isinstance(node, ast.Import | ast.ImportFrom)
        and any(_is_in(name, drawing) for name in _imports(ast.Module([node], [])))
    ]
    assert eager == []


def test_the_mqtt_client_is_imported_when_it_is_needed() -> None:
    """Its library is an extra."""
    eager = [
        file
        for file, tree in _trees(PACKAGE).items()
        for node in tree.body
        if file != "mqtt/connection.py"
        and isinstance(node, ast.Import | ast.ImportFrom)
        and any(_is_in(name, ("aiomqtt", "satellite.mqtt.connection")) for name in _imports(ast.Module([node], [])))
    ]
    assert eager == []


def _writes_a_file(call: ast.Call) -> bool:
    """By a name that says so, or by opening one in a mode other than for reading, or in one that is not known here."""
    name, arguments = _called(call), [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    if name not in ("open", "fdopen"):
        return name in WRITES or (name == "write" and ast.unparse(call.func).startswith("soundfile."))
    modes = {str(a.value) for a in arguments if isinstance(a, ast.Constant)} | {
        a.id for a in arguments if isinstance(a, ast.Name)
    }
    return any(mode == "mode" or re.fullmatch("[wax][bt]?[+]?[bt]?|r[bt]?[+][bt]?", mode) for mode in modes)


def test_nobody_writes_what_the_microphone_hears() -> None:
    """The few files of a daemon have no sound in them, and whoever writes them does not know any."""
    writing = {
        file
        for file, tree in _trees(PACKAGE).items()
        if not file.startswith(TOOLS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _writes_a_file(node)
    }
    assert writing == set(MAY_WRITE)
    hearing = {
        file for file, name in _all_imports() if file in MAY_WRITE and _is_in(name, ("satellite.audio", "numpy", "soundfile"))
    }
    assert hearing == {"check/run.py"}


def test_files_stay_small() -> None:
    """Nobody reads more than this at once."""
    sizes = {file: len((PACKAGE / file).read_text("utf-8").splitlines()) for file in _trees(PACKAGE)}
    assert {file: size for file, size in sizes.items() if size > MOST_LINES} == {}


def test_functions_stay_small() -> None:
    """From its `def` to its last line, docstring included."""
    long = [
        f"{file}: {node.name} has {size} lines"
        for file, tree in _trees(PACKAGE).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := (node.end_lineno or 0) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []


def test_tests_do_not_sleep() -> None:
    """A test that sleeps is slow on a fast machine and wrong on a slow one."""
    sleepers = [
        f"{file}:{node.lineno}"
        for file, tree in _trees(TESTS).items()
        if not file.startswith(MAY_SLEEP)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _called(node) == "sleep"
    ]
    assert sleepers == []


def test_every_file_of_the_core_has_its_tests() -> None:
    """Namesakes; what has none is data, or is told through the table."""
    told_through_the_table = {"__init__", "actions", "conversation", "effects", "events", "guards", "state", "timers"}
    tests = {path.stem for path in (TESTS / "core").glob("test_*.py")}
    files = {path.stem for path in (PACKAGE / "core").glob("*.py")} - told_through_the_table
    assert {file for file in files if not any(test.startswith(f"test_{file}") for test in tests)} == set()
