"""What a configuration looks like that was made of a line."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from satellite.migrate.outcome import Sets, Tells
from satellite.migrate.write import as_yaml, document

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text().filter(
        # no file can hold these
        lambda text: not any("\ud800" <= c <= "\udfff" for c in text)
    )
)


@given(_SCALARS | st.lists(_SCALARS | st.dictionaries(st.sampled_from(["name", "model"]), _SCALARS)))
def test_a_value_is_read_again(value: object) -> None:
    """In one line, whatever it is, with a comment behind it."""
    text = f"a:\n  b: {as_yaml(value)}  # why\n"
    assert len(text.splitlines()) == 2 or "\n" not in as_yaml(value)
    assert yaml.safe_load(text) == {"a": {"b": value}}


def test_keys_are_in_the_models_order_and_only_those_that_differ() -> None:
    """Each with its option; what is told is at the end."""
    settings = [
        Sets("hub.port", 10_701, "--uri"),
        Sets("audio.rate_hz", 16_000, "--mic-command"),
        Sets("name", "yes", "--name: with a\nline"),
        Sets("wake.words", ["okay_nabu"], "--wake-word-name"),
        Sets("hub.host", "::1", "--uri"),
    ]
    text = document(settings, [Tells("--x", "why\nnot", "Do", lost=True), Tells("--y", "fine", lost=False)])
    lines = [" ".join(line.split()) for line in text.splitlines() if line and not line.startswith(("# Made", "# Every"))]
    assert lines == [
        "name: 'yes' # --name: with a line",
        "hub:",
        "host: ::1 # --uri",
        "port: 10701 # --uri",
        "# What was not carried over, and what to do instead:",
        "# - --x: why not. Do",
        "# Good to know:",
        "# - --y: fine",
    ]


def test_nothing_to_write_is_a_file_of_comments() -> None:
    """Which is a configuration, too."""
    assert yaml.safe_load(document([], [])) is None
