"""A look into a TensorFlow Lite file before anybody runs it: the packages that do so crash the process for a bad one."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# types of tensors, by the numbers that TensorFlow gives them
FLOAT32, UINT8, INT8 = 1, 3, 9


@dataclass(frozen=True, slots=True)
class Tensor:
    """What goes in or comes out."""

    shape: tuple[int, ...]
    type: int

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        size = 1
        for length in self.shape:
            size *= length
        return size


def tensors(lib: Any, path: Path) -> tuple[Tensor, Tensor] | None:
    """The first input and output of a model; None if it is none. `lib` is TensorFlow's C library with its types declared."""
    model = lib.TfLiteModelCreateFromFile(os.fsencode(path))
    if not model:
        return None
    interpreter = lib.TfLiteInterpreterCreate(model, None)
    try:
        if not interpreter or lib.TfLiteInterpreterAllocateTensors(interpreter) != 0:
            return None
        return (
            _tensor(lib, lib.TfLiteInterpreterGetInputTensor(interpreter, 0)),
            _tensor(lib, lib.TfLiteInterpreterGetOutputTensor(interpreter, 0)),
        )
    # the handle says so of a model that has none
    except RuntimeError:
        return None
    finally:
        if interpreter:
            lib.TfLiteInterpreterDelete(interpreter)
        lib.TfLiteModelDelete(model)


def _tensor(lib: Any, tensor: Any) -> Tensor:
    shape = tuple(lib.TfLiteTensorDim(tensor, i) for i in range(lib.TfLiteTensorNumDims(tensor)))
    return Tensor(shape, lib.TfLiteTensorType(tensor))
