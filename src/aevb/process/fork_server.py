"""One start for many jobs: a process that has loaded the libraries, and forks for each job.

Importing TensorFlow takes longer than many a job. So a workflow has a server beside its jobs.
``python -m aevb`` asks it for a process, gives that its arguments, environment, folder and standard
streams, passes on the signals that it gets, and ends as that ends. Where no server answers, or one
that was loaded in other surroundings, it runs the job itself: nothing but time depends on a server.
"""

import atexit
import ctypes
import hashlib
import io
import json
import os
import resource
import runpy
import select
import signal
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import NamedTuple, TextIO

VARIABLE = "AEVB_FORK_SERVER"
"""Names the server."""
DECLINED = 1
"""Jobs that come before it loads anything, since one alone would have nothing of it."""
_PACKAGE = Path(__file__).parents[1]
_READ_ONCE = tuple(
    "AEVB_BACKEND CUDA_ GOTO_ KMP_ LANG LC_ LD_ MKL_ MPL NUMEXPR_ OMP_ OPENBLAS_ PYTHON TF_ TZ"
    " VECLIB_ XLA_".split()
)
"""Beginnings of the names of variables that Python or a library reads when it is loaded."""
_LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_DATA)
_STREAMS = (0, 1, 2)
_ACCELERATORS = ("/dev/nvidiactl", "/dev/kfd")
_PASSED_ON = (
    *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGTSTP, signal.SIGCONT),
)
_KILL_WITH_PARENT = 1
_PEER = struct.Struct("3i")
_NUMBER = struct.Struct("!i")
_PATIENCE = 60.0
"""Seconds that a client may take to say what it wants."""


class Job(NamedTuple):
    """What makes a process the one that was started."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    umask: int
    ignored: list[int]
    surroundings: list


def is_possible() -> bool:
    """Whether there can be a server: on Linux, without an accelerator, which no fork shares."""
    return hasattr(os, "pidfd_open") and not any(map(os.path.exists, _ACCELERATORS))


def surroundings(environment: Mapping[str, str]) -> list:
    """What loaded modules depend on: interpreter, variables, limits, this package as it is now."""
    variables = {name: environment[name] for name in environment if name.startswith(_READ_ONCE)}
    limits = [list(resource.getrlimit(kind)) for kind in _LIMITS]
    modules = [(str(path), path.stat().st_mtime_ns) for path in sorted(_PACKAGE.rglob("*.py"))]
    code = hashlib.sha256(json.dumps(modules).encode()).hexdigest()
    return [sys.executable, sys.version, variables, limits, code]


def hand_over(arguments: list[str]) -> None:
    """Have the server, if there is one, run a job, and end as the job ends.

    Args:
        arguments: of ``python -m aevb``.

    Returns:
        Only where this process has to run it: there is no server, or it does not take the job.
    """
    name = os.environ.pop(VARIABLE, None)
    if name is None:
        return
    umask = os.umask(0)
    os.umask(umask)
    environment = dict(os.environ)
    ignored = [number for number in _PASSED_ON if signal.getsignal(number) == signal.SIG_IGN]
    taken = False
    with socket.socket(socket.AF_UNIX) as server:
        with suppress(OSError):
            around = surroundings(environment)
            job = Job(arguments, environment, os.getcwd(), umask, ignored, around)
            taken = _is_taken(server, name, job)
        if taken:
            code = 1
            try:
                code = _outcome(server, ignored)
            finally:
                os._exit(code)


def _is_taken(server: socket.socket, name: str, job: Job) -> bool:
    if server.fileno() in _STREAMS:
        # One was closed, and there is none to give away.
        return False
    server.connect(_address(name))
    if not _is_ours(server):
        return False
    text = json.dumps(job).encode()
    socket.send_fds(server, [_NUMBER.pack(len(text))], _STREAMS)
    server.sendall(text)
    return bool(server.recv(1))


def _outcome(server: socket.socket, ignored: list[int]) -> int:
    """The exit code of the job, as a shell has it, once it has one; signals are passed on."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        # Of a group that no terminal controls, which would not stop at that.
        stopping = number == signal.SIGTSTP
        with suppress(OSError):
            server.send(bytes([signal.SIGSTOP if stopping else number]))
        if stopping:
            os.kill(os.getpid(), signal.SIGSTOP)

    for number in _PASSED_ON:
        if number not in ignored:
            signal.signal(number, pass_on)
    status = _received(server, _NUMBER.size)
    if len(status) < _NUMBER.size:
        _say("the process that looked after this job has gone, and the job with it; run it again")
        return 1
    (code,) = _NUMBER.unpack(status)
    if code >= 0:
        return code
    _say(f"a signal has ended this job: {signal.strsignal(-code)}")
    return 128 - code


def _say(text: str) -> None:
    with suppress(OSError):
        os.write(_STREAMS[-1], f"error: {text}\n".encode())


def serve(name: str, workflow: int) -> None:
    """Fork for each job, until the workflow ends.

    Args:
        name: the server's, in ``AEVB_FORK_SERVER`` of its jobs.
        workflow: number of the process without which there is nothing to do.

    Returns:
        Only in the process of a job, which now is as if it had been started for it.
    """
    with suppress(OSError):
        # Ctrl-C is for the processes that wait for the jobs, which pass it on.
        os.setsid()
    end = os.pidfd_open(workflow)
    around = surroundings(os.environ)
    with _listening(name) as listener:
        for _ in range(DECLINED):
            _next(listener, end).close()
    _load(end)
    # Nobody waits for the process of a connection.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with _listening(name) as listener:
        while True:
            connection = _next(listener, end)
            if os.fork() == 0:
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.close(end)
    with connection:
        found = _worker(connection, around)
    _become(*found)


def _worker(connection: socket.socket, around: list) -> tuple[Job, list[int], int]:
    """Fork for a connection, and look after the process.

    Returns:
        Only in that process: its job, its standard streams, and who looks after it.
    """
    worker, here = -1, os.getpid()
    try:
        connection.settimeout(_PATIENCE)
        job, streams = _asked(connection)
        connection.settimeout(None)
        if job.surroundings == around:
            # From here on the client does not run the job, whatever happens.
            connection.sendall(b"\1")
            worker = os.fork()
            if worker == 0:
                return job, streams, here
            _attend(connection, worker)
    finally:
        if worker:
            # A worker that is left dies with this process.
            os._exit(0)


def _load(end: int) -> None:
    """Import what jobs need, or end with the workflow."""
    # A client, which imports this module for each job, needs nothing of it.
    from aevb.process.startup import load_tensorflow

    loaded = []

    def load() -> None:
        # Before the others: what reads settings searches all modules that there are.
        loaded.append(import_module("aevb.cli"))
        load_tensorflow()
        loaded.append(import_module("seaborn"))

    # A thread, because an import hears of nothing.
    loading = threading.Thread(target=load, daemon=True)
    loading.start()
    while loading.is_alive():
        if select.select([end], [], [], 0.1)[0]:
            os._exit(0)
    if len(loaded) < 2:
        # A job of its own says why.
        os._exit(1)


def _next(listener: socket.socket, end: int) -> socket.socket:
    """The next connection of this user; ends this process with the workflow."""
    while end not in select.select([listener, end], [], [])[0]:
        connection, _ = listener.accept()
        if _is_ours(connection):
            return connection
        connection.close()
    sys.exit()


def _asked(connection: socket.socket) -> tuple[Job, list[int]]:
    """What a connection asks for, and its standard streams."""
    head, streams, _, _ = socket.recv_fds(connection, _NUMBER.size, len(_STREAMS))
    text = _received(connection, *_NUMBER.unpack(head))
    return Job(*json.loads(text)), streams


def _attend(connection: socket.socket, worker: int) -> None:
    """Pass signals on to a job's process until it ends, and then how; nobody wants it any more
    where the client has gone."""
    ended = os.pidfd_open(worker)
    while ended not in select.select([connection, ended], [], [])[0]:
        number = _received(connection, 1)
        if not number:
            return
        os.kill(worker, number[0])
    _, status = os.waitpid(worker, 0)
    connection.sendall(_NUMBER.pack(os.waitstatus_to_exitcode(status)))


def _become(job: Job, streams: list[int], attendant: int) -> None:
    """Make this process the one that the job would have by itself."""
    ctypes.CDLL(None).prctl(_KILL_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != attendant:
        os._exit(1)
    # What the server has registered is for the server to do.
    atexit._clear()
    for number, stream, name in zip(_STREAMS, streams, ("stdin", "stdout", "stderr"), strict=True):
        os.dup2(stream, number)
        os.close(stream)
        setattr(sys, name, _opened(number, getattr(sys, name)))
    # A shell has what it starts in the background ignore some.
    for number in _PASSED_ON:
        signal.signal(number, signal.SIG_IGN if number in job.ignored else signal.SIG_DFL)
    if signal.SIGINT not in job.ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(job.environment)
    tempfile.tempdir = None
    os.umask(job.umask)
    os.chdir(job.folder)
    sys.argv[1:] = job.arguments


def _opened(number: int, like: TextIO) -> TextIO:
    """A standard stream as Python makes it; what it knows of the server's is no longer true."""
    told = {"encoding": like.encoding, "errors": like.errors}
    if not number:
        return open(number, closefd=False, **told)
    binary = open(number, "wb", buffering=0 if like.write_through else -1, closefd=False)
    lines = like is sys.stderr or binary.isatty()
    return io.TextIOWrapper(binary, line_buffering=lines, write_through=like.write_through, **told)


def _listening(name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(_address(name))
    listener.listen()
    return listener


def _address(name: str) -> str:
    """Of no file, which would have to be removed and could have too long a name."""
    return f"\0aevb-{name}"


def _is_ours(connection: socket.socket) -> bool:
    """Whether the other end is of the same user; an address without a file has no permissions."""
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return _PEER.unpack(peer)[1] == os.getuid()


def _received(connection: socket.socket, size: int) -> bytes:
    """So many bytes, or fewer where the other end has gone."""
    parts = []
    with suppress(ConnectionError):
        while size and (part := connection.recv(size)):
            parts.append(part)
            size -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
    runpy.run_module("aevb", run_name="__main__", alter_sys=True)
