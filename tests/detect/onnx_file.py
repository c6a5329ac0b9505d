"""The smallest ONNX files that are words of openWakeWord, written by hand: the package that writes them is 15 MB."""

_VARINT, _BYTES = 0, 2
_FLOAT = 1
_FEATURES = 96


def largest(length: int) -> bytes:
    """Gives the largest number of the embeddings it is shown."""
    return _model("ReduceMax", length)


def smallest(length: int) -> bytes:
    """Gives the smallest."""
    return _model("ReduceMin", length)


def _model(operator: str, length: int) -> bytes:
    keep = _field(1, b"keepdims") + _field(3, 0) + _field(20, 2)
    node = _field(1, b"embeddings") + _field(2, b"reduced") + _field(4, operator.encode()) + _field(5, keep)
    shape = _field(7, 1) + _field(7, 1)
    target = _field(1, 2) + _field(2, 7) + shape + _field(8, b"shape")
    reshape = _field(1, b"reduced") + _field(1, b"shape") + _field(2, b"score") + _field(4, b"Reshape")
    graph = (
        _field(1, node)
        + _field(1, reshape)
        + _field(2, b"word")
        + _field(5, target)
        + _field(11, _value(b"embeddings", 1, length, _FEATURES))
        + _field(12, _value(b"score", 1, 1))
    )
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))


def _value(name: bytes, *shape: int) -> bytes:
    dimensions = b"".join(_field(1, _field(1, length)) for length in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, _FLOAT) + _field(2, dimensions)))


def _field(number: int, value: int | bytes) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
