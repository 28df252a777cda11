"""What a result came from: hashes of the code behind it, versions, machine."""

import ast
import hashlib
import os
import platform
import re
import resource
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

_SOURCE = Path(__file__).parent
_NAMED = re.compile(r'"(aevb(?:\.\w+)+):\w+"')
_LIBRARIES = (
    "tensorflow",
    "tensorflow-probability",
    "numpy",
    "pandas",
    "matplotlib",
    "seaborn",
    "safetensors",
    "snakemake",
)


def code_hash(*modules: str, imports: bool = True) -> str:
    """Hash of the code of ``modules`` and, unless not wanted, of every module of this package
    that they import, directly or not.

    What a registry names as ``module:object`` counts as imported where a module is among them that
    resolves such names.

    Comments, docstrings and layout do not count, so editing those makes nothing out of date.

    Raises:
        FileNotFoundError: a module does not exist.
    """
    digest = hashlib.sha256()
    for module in sorted(_closure(modules) if imports else modules):
        digest.update(module.encode() + b"\n" + _module(module).code.encode() + b"\n")
    return digest.hexdigest()[:16]


def versions() -> dict[str, str]:
    """Python's version and those of the libraries that decide or show the numbers."""
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str | int]:
    """Processor, cores and operating system."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
            if line.startswith("model name")
        ]
        processor = names[0] if names else processor
    return {
        "processor": processor,
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
    }


def peak_memory_gb() -> float:
    """The most memory this process has held, in 10⁹ bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def _path(module: str) -> Path | None:
    parts = module.split(".")[1:]
    for path in (
        _SOURCE.joinpath(*parts).with_suffix(".py"),
        _SOURCE.joinpath(*parts, "__init__.py"),
    ):
        if parts and path.is_file():
            return path
    return _SOURCE / "__init__.py" if not parts else None


class _Module(NamedTuple):
    code: str
    imports: tuple[str, ...]
    """The modules of this package that it imports."""
    named: tuple[str, ...]
    """Those that it names, as ``module:object``, for another to resolve."""
    resolves: bool
    """Whether it imports what is named elsewhere."""


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements below ``node`` that may run; no expression holds one, and most nodes are
    expressions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            if not _is_for_type_checkers(child):
                yield child
                yield from _statements(child)


def _is_for_type_checkers(node: ast.AST) -> bool:
    test = getattr(node, "test", None)
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


@cache
def _module(name: str) -> _Module:
    path = _path(name)
    if path is None:
        raise FileNotFoundError(f"no module {name} in {_SOURCE}")
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    statements = [tree, *_statements(tree)]
    imports = []
    for node in statements:
        if isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    ours = [n for n in imports if n.split(".")[0] == "aevb" and _path(n) is not None]
    for node in statements:
        if isinstance(getattr(node, "body", None), list):
            node.body = [
                statement
                for statement in node.body
                if not (
                    isinstance(statement, ast.Expr)
                    and isinstance(statement.value, ast.Constant)
                    and isinstance(statement.value.value, str)
                )
            ]
    resolves = "pkgutil.resolve_name" in imports
    return _Module(ast.dump(tree), tuple(ours), tuple(_NAMED.findall(text)), resolves)


def _closure(modules: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += _module(name).imports
        known = [_module(name) for name in found]
        if any(one.resolves for one in known):
            waiting = [name for one in known for name in one.named if name not in found]
    return found
