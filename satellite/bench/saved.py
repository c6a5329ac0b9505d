"""Results as JSON, from which the tables and the report can be made again."""

import json
from dataclasses import MISSING, fields

import msgspec

from satellite.bench.outcome import Results
from satellite.bench.tables import Table
from satellite.bench.text import all_tables
from satellite.errors import ConfigError

# digits of a measure after the point: a microsecond, and four hundredths of an hour's second
_DIGITS = 3
_DIGITS_OF_HOURS = 5

# takes longer or shorter in every run, which has no other difference
_NOT_SAVED = "took_s"


def as_json(results: Results) -> str:
    """What has its default is left out; a scene's own numbers are not rounded, because all follows from them.

    The same results give the same text.
    """
    run = {field.name: getattr(results, field.name) for field in fields(results) if field.name not in ("played", _NOT_SAVED)}
    played = [
        {
            "scene": _told(one.scene),
            "outcomes": {rule: _rounded(_told(outcome)) for rule, outcome in one.outcomes.items()},
            **_rounded({} if one.clear_ms is None else {"clear_ms": one.clear_ms}),
        }
        for one in results.played
    ]
    lines = ",\n".join(_compact(one) for one in played)
    head = json.dumps({**_rounded(run), "tables": [_table(table) for table in all_tables(results)]}, indent=1, ensure_ascii=False)
    # one line a scene: a run has thousands
    return f'{head.removesuffix("}").rstrip()},\n "played": [\n{lines}\n ]\n}}\n'


def from_json(text: str) -> Results:
    """ConfigError if it is something else. How long the run took is not saved: 0."""
    try:
        saved = json.loads(text)
        return msgspec.convert({_NOT_SAVED: 0.0, **saved}, Results)
    except json.JSONDecodeError as error:
        raise ConfigError(f"line {error.lineno}: not JSON: {error.msg}") from error
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise ConfigError(f"not what satellite bench --json writes: {error}") from error


def _told(thing: object) -> dict[str, object]:
    """The fields of a dataclass that are not as they are by default."""
    told = {}
    for field in fields(thing):  # type: ignore[arg-type]
        value = getattr(thing, field.name)
        if field.default is MISSING or value != field.default:
            told[field.name] = value
    return told


def _rounded(told: dict[str, object]) -> dict[str, object]:
    return {
        name: round(value, _DIGITS_OF_HOURS if name == "hours" else _DIGITS) if isinstance(value, float) else value
        for name, value in told.items()
    }


def _table(table: Table) -> dict[str, object]:
    rows = [[_told(cell) for cell in cells] for cells in table.rows]
    return {"title": table.title, "note": table.note, "columns": table.columns, "rows": rows}


def _compact(thing: object) -> str:
    return "  " + json.dumps(thing, ensure_ascii=False, allow_nan=False)
