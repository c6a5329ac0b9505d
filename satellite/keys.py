"""What a typed model says of itself: its keys by their dotted names, and in words what each of them allows.

The model is a tree of msgspec structs: a struct is a section, every other field is a key.
"""

from collections.abc import Mapping
from typing import Any, TypeGuard

import msgspec
from msgspec import inspect


def keys(model: type[msgspec.Struct]) -> dict[str, Any]:
    """The type of every key of a model, in the model's order."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(model):
        within = keys(field.type) if _is_section(field.type) else {"": field.type}
        found |= {dotted(field.encode_name, name): kind for name, kind in within.items()}
    return found


def dotted(section: str, name: str) -> str:
    """The name of a key of a section; either may be empty."""
    return f"{section}.{name}".strip(".")


def flat(value: msgspec.Struct) -> dict[str, object]:
    """The value of every key of a model, in plain types."""
    found: dict[str, object] = {}
    for key in keys(type(value)):
        place: Any = value
        for name in key.split("."):
            place = getattr(place, name)
        found[key] = msgspec.to_builtins(place)
    return found


def nested(values: Mapping[str, object]) -> dict[str, Any]:
    """What `flat` has made flat, as a tree of sections."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *sections, name = key.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    return tree


def fits(kind: Any, value: object) -> bool:
    """Whether a value is allowed where this type is wanted."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _is_section(kind: Any) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


# ---- in words


def allowed(kind: Any) -> str:
    """What may be written where this type is wanted. TypeError for a type that nobody has found words for yet."""
    return _words(inspect.type_info(kind))


def limits(kind: Any) -> str:
    """The range of a number; empty if it has none."""
    return _limits(inspect.type_info(kind))


def _words(info: inspect.Type) -> str:
    match info:
        case inspect.Metadata(extra={"words": words}):
            return str(words)
        case inspect.UnionType(types=types):
            return " or ".join(map(_words, types))
        case inspect.NoneType():
            return "null"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return f"a whole number {_limits(info)}".rstrip()
        case inspect.FloatType():
            return f"a number {_limits(info)}".rstrip()
        case inspect.StrType(min_length=shortest, max_length=longest, pattern=None):
            return f"a text {_length(shortest, longest, 'characters')}".rstrip()
        case inspect.EnumType(cls=choices):
            return f"one of {', '.join(str(c.value) for c in choices)}"
        case inspect.StructType(fields=fields):
            return f"a section with the keys {', '.join(field.encode_name for field in fields)}"
        case inspect.VarTupleType(item_type=item, min_length=shortest, max_length=longest):
            return f"a list {_length(shortest, longest, 'entries')}".rstrip() + f", each {_words(item)}"
        case _:
            raise TypeError(f"there are no words yet for {info}")


def _limits(info: inspect.Type) -> str:
    match info:
        case inspect.UnionType(types=types):
            return " ".join(filter(None, map(_limits, types)))
        case inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high) if low is not None and high is not None:
            return f"from {low:.12g} to {high:.12g}"
        case inspect.IntType() | inspect.FloatType():
            bounds = {"above": info.gt, "of at least": info.ge, "below": info.lt, "of at most": info.le}
            return " and ".join(f"{word} {bound:.12g}" for word, bound in bounds.items() if bound is not None)
        case _:
            return ""


def _length(shortest: int | None, longest: int | None, unit: str) -> str:
    if shortest is not None and longest is not None:
        return f"of {shortest} to {longest} {unit}"
    if shortest is not None:
        return f"of {shortest} or more {unit}"
    return f"of at most {longest} {unit}" if longest is not None else ""
