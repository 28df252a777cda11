"""The programs of a run as StableHLO text: what a run computes, whatever compiles it."""

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from aevb.errors import AevbError

_ARGUMENT = re.compile(r"%arg(\d+): tensor<([^>]*)>( \{[^}]*\})?")
_DTYPES = {"f32": "float32", "f64": "float64", "i32": "int32", "i64": "int64", "ui8": "uint8"}
_DTYPES |= {"i1": "bool", "ui32": "uint32", "ui64": "uint64"}


class ProgramError(AevbError):
    """A program cannot be had, compiled or run, or is not for the arrays that it was given."""


@dataclass(frozen=True)
class Programs:
    """All that a run computes, for one number of members E and one size of the data.

    The first arguments of ``chunk`` are the arrays of the state in the order of ``state``, and so
    are its first results.
    """

    init: str
    """(seeds [E] int32, step sizes [E] float32, 0 int32) -> state."""
    chunk: str
    """(state, data [N, D] uint8, seeds [E] int32, n_steps int32) -> state, and the fields of a
    :class:`~aevb.training.backends.Chunk`."""
    evaluate: str | None
    """(parameters, data [N_test, D] uint8, seeds [E] int32, iteration int32) -> mean bound [E];
    None where the algorithm has none."""
    state: tuple[str, ...]
    """The names of the arrays of the state."""
    samples_per_step: int
    """Training samples that one step counts for."""

    def texts(self) -> dict[str, str]:
        """The programs there are, by their names here."""
        named = {"init": self.init, "chunk": self.chunk, "evaluate": self.evaluate}
        return {name: text for name, text in named.items() if text is not None}

    def replace_texts(self, **texts: str | None) -> "Programs":
        """The same with other texts."""
        return Programs(**asdict(self) | texts)


def sha256(text: str) -> str:
    """The name of a program by its content."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(text: str) -> str:
    """StableHLO text without what depends on the process that traced it.

    Locations go, and symbols, which hold counters of TensorFlow's, are numbered in their order.
    """
    text = re.sub(r"^#loc.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r" loc\((?:#loc\d*|\"[^\"]*\"|unknown)\)", "", text)
    numbers: dict[str, int] = {}

    def renamed(match: re.Match) -> str:
        name = match.group(1)
        return "@main" if name == "main" else f"@f{numbers.setdefault(name, len(numbers))}"

    return re.sub(r"@([A-Za-z_][\w.$-]*)", renamed, text)


def with_precision(text: str, precision: str) -> str:
    """The program with its matrix products at ``highest`` (true float32) or ``fast`` precision.

    ``fast`` is whatever the device has that is fastest for float32 arguments, TF32 on recent GPUs.
    """
    wanted = {"highest": "HIGHEST", "fast": "DEFAULT"}[precision]
    return re.sub(r"precision = \[\w+, \w+\]", f"precision = [{wanted}, {wanted}]", text)


def arguments(text: str) -> list[tuple[str, tuple[int, ...]]]:
    """Type and shape of each argument of a program.

    Raises:
        ProgramError: the text holds no program.
    """
    return [(_DTYPES.get(dtype, dtype), shape) for _, dtype, shape in _signature(text)]


def donating(text: str, n: int) -> str:
    """The program with its first ``n`` arguments in the same memory as its first ``n`` results."""
    start, end = _signature_span(text)

    def aliased(match: re.Match) -> str:
        index = int(match.group(1))
        attribute = f" {{tf.aliasing_output = {index} : i32}}" if index < n else ""
        return f"%arg{index}: tensor<{match.group(2)}>{attribute}"

    return text[:start] + _ARGUMENT.sub(aliased, text[start:end]) + text[end:]


def check_arguments(text: str, arrays: list[Any], what: str) -> None:
    """Raise ProgramError unless ``arrays`` are of the types and shapes that the program takes."""
    wanted = arguments(text)
    found = [(np.dtype(array.dtype).name, tuple(array.shape)) for array in arrays]
    if found == wanted:
        return
    different = [
        f"argument {i} is {_tensor(*have)}, not {_tensor(*want)}"
        for i, (have, want) in enumerate(zip(found, wanted, strict=False))
        if have != want
    ] or [f"there are {len(found)} arguments, not {len(wanted)}"]
    raise ProgramError(f"{what}: the program is for arrays of other shapes: {different[0]}")


def _tensor(dtype: str, shape: tuple[int, ...]) -> str:
    return f"{dtype}[{', '.join(map(str, shape))}]"


def _signature_span(text: str) -> tuple[int, int]:
    start = text.find("@main(")
    end = text.find(") -> ", start)
    if start < 0 or end < 0:
        raise ProgramError("this is no StableHLO program: it has no main function")
    return start, end


def _signature(text: str) -> list[tuple[int, str, tuple[int, ...]]]:
    start, end = _signature_span(text)
    found = []
    for match in _ARGUMENT.finditer(text[start:end]):
        *sizes, dtype = match.group(2).split("x")
        found.append((int(match.group(1)), dtype, tuple(map(int, sizes))))
    return found
