"""Several who watch one service."""

import inspect
from functools import partial

from satellite.observer import Audience, Observer


def test_an_audience_passes_on_all_that_one_is_told() -> None:
    """To each of them, whatever there is to tell."""
    names = [name for name in vars(Observer) if name.startswith("on_")]
    told: list[tuple[str, int, tuple[object, ...]]] = []
    watchers = [Observer(), Observer()]
    for n, watcher in enumerate(watchers):
        for name in names:
            setattr(watcher, name, partial(lambda n, name, *what: told.append((name, n, what)), n, name))
    audience = Audience(*watchers)
    expected = []
    for name in names:
        method = getattr(audience, name)
        what = tuple(object() for _ in inspect.signature(method).parameters)
        method(*what)
        expected += [(name, 0, what), (name, 1, what)]
    assert told == expected
