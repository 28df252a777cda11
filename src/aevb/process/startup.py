"""Starting TensorFlow: slow, chatty, and best done once, where it is needed."""

import gc
import logging
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

from aevb.errors import AevbError
from aevb.process import compiled

ADDRESS_SPACE = 4_000_000 * 1024
"""Bytes of address space below which TensorFlow has been seen to crash in place of saying so."""

_CPUINFO = Path("/proc/cpuinfo")


def start_tensorflow(threads: int) -> None:
    """TensorFlow with ``threads`` threads, true float32 products on a GPU, and no chatter.

    Must come before the first operation.

    Raises:
        AevbError: this machine or this installation cannot run it.
    """
    compiled.keep()
    with standard_error_unless_killed("TensorFlow"):
        tf = load_tensorflow()
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.experimental.enable_tensor_float_32_execution(False)
        tf.config.list_logical_devices()


def load_tensorflow() -> ModuleType:
    """TensorFlow, imported and not yet used: a process that has done no more can fork.

    Raises:
        AevbError: as ``start_tensorflow``.
    """
    _check_machine()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow Probability loads Keras 2 anyway; Keras 3, of which nothing is used, would
    # bring scikit-learn and Matplotlib as well, and takes a third of the time of a start.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        with garbage_left_alone(), missing("jax"):
            import tensorflow
            import tensorflow_probability  # noqa: F401
    except MemoryError:
        raise
    except Exception as error:
        # A broken installation shows in any type of error.
        reason = " ".join(str(error).split()) or "no reason is given"
        raise AevbError(
            f"TensorFlow cannot be loaded ({type(error).__name__}: {reason}); install the locked"
            " packages anew: make install, or pip install --force-reinstall --requirement"
            " envs/lock-cpu.txt"
        ) from None
    return tensorflow


@contextmanager
def missing(package: str) -> Iterator[None]:
    """Import the block's packages as if ``package``, which they can do without, were not installed.

    TensorFlow Lite, of which nothing is used, loads JAX where there is one: a tenth of a start.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None
    try:
        yield
    finally:
        del sys.modules[package]


@contextmanager
def garbage_left_alone() -> Iterator[None]:
    """Do not look for garbage among the million objects that the block's imports make to stay.

    That takes a fifth of the time of importing TensorFlow, and then some of each collection.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


def _check_machine() -> None:
    """What makes TensorFlow crash without a word, said beforehand."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < ADDRESS_SPACE:
        raise AevbError(
            f"the memory limit of this shell (ulimit -v {allowed // 1024}) is too low: TensorFlow"
            f" needs {ADDRESS_SPACE // 1024} or more, though it never fills them; raise it:"
            " ulimit -v unlimited"
        )
    if platform.machine() == "x86_64" and _CPUINFO.exists():
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
        flags = [set(line.split()) for line in lines if line.startswith("flags")]
        if flags and "avx" not in flags[0]:
            raise AevbError(
                "this processor has no AVX instructions, without which TensorFlow's packages do"
                " not run; take another machine (a virtual one can be given its host's processor)"
            )


_KEEPER = """
import sys
kept = sys.stdin.buffer.read()
if not kept.endswith(b"\\0"):
    sys.stderr.buffer.write(kept)
    sys.stderr.buffer.write(sys.argv[1].encode("utf-8") + b"\\n")
"""


@contextmanager
def standard_error_unless_killed(what: str) -> Iterator[None]:
    """Drop what the block writes to file descriptor 2, unless the process does not survive it.

    Libraries in C++ write there before any log level applies, and may end the process (exit, abort,
    illegal instruction), when nothing in it can say why any more. So another process keeps the
    text, and where this one dies shows it, with one line on ``what`` it was.
    """
    verdict = (
        f"error: {what} ended this process while it was starting; it says why above. Check what"
        " the environment tells it (TF_XLA_FLAGS, XLA_FLAGS, CUDA_VISIBLE_DEVICES,"
        " LD_LIBRARY_PATH), the limits of this shell (ulimit -a), and whether its packages are made"
        " for this processor"
    )
    sys.stderr.flush()
    keeper = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _KEEPER, verdict],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        # Ctrl-C is for this process alone.
        start_new_session=True,
    )
    standard_error = os.dup(2)
    try:
        os.dup2(keeper.stdin.fileno(), 2)
        yield
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
        with suppress(BrokenPipeError):
            keeper.stdin.write(b"\0")
            keeper.stdin.close()
        keeper.wait()
