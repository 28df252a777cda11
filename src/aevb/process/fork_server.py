"""One start for many jobs: a process that has loaded the libraries, and forks for each job.

Importing TensorFlow takes longer than many a job. So a workflow has a server beside its jobs.
``python -m aevb`` asks it for a process, gives that its arguments, environment, folder and standard
streams, passes on the signals that it gets, and ends as that ends. Where no server answers, or one
that was loaded in other surroundings, it runs the job itself: nothing but time depends on a server.
"""

import ctypes
import hashlib
import json
import os
import resource
import runpy
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import NamedTuple, TextIO

from aevb.process.startup import load_tensorflow

VARIABLE = "AEVB_FORK_SERVER"
"""Names the server."""
DECLINED = 1
"""Jobs that come before it loads anything, since one alone would have nothing of it."""
_PACKAGE = Path(__file__).parents[1]
_READ_ONCE = tuple(
    "AEVB_BACKEND CUDA_ GOTO_ KMP_ LANG LC_ LD_ MKL_ MPL NUMEXPR_ OMP_ OPENBLAS_ PYTHON TF_"
    " VECLIB_ XLA_".split()
)
"""Beginnings of the names of variables that Python or a library reads when it is loaded."""
_LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_DATA)
_STREAMS = (0, 1, 2)
_ACCELERATORS = ("/dev/nvidiactl", "/dev/kfd")
_PASSED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
_KILL_WITH_PARENT = 1
_PEER = struct.Struct("3i")
_NUMBER = struct.Struct("!i")


class Job(NamedTuple):
    """What makes a process the one that was started."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    umask: int
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
    with suppress(OSError), socket.socket(socket.AF_UNIX) as server:
        job = Job(arguments, environment, os.getcwd(), umask, surroundings(environment))
        if _is_taken(server, name, job):
            os._exit(_outcome(server))


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


def _outcome(server: socket.socket) -> int:
    """The exit code of the job, as a shell has it, once it has one; signals are passed on."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(OSError):
            server.send(bytes([number]))

    for number in _PASSED_ON:
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
        job, streams = _asked(connection)
        if job.surroundings != around or not _is_ours(connection):
            os._exit(0)
        worker = os.fork()
        if worker:
            _attend(connection, worker)
    _become(job, streams)


def _load(end: int) -> None:
    """Import what jobs need, or end with the workflow."""
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
    """The next connection; ends this process with the workflow."""
    if end in select.select([listener, end], [], [])[0]:
        os._exit(0)
    return listener.accept()[0]


def _asked(connection: socket.socket) -> tuple[Job, list[int]]:
    """What a connection asks for, and its standard streams."""
    head, streams, _, _ = socket.recv_fds(connection, _NUMBER.size, len(_STREAMS))
    text = _received(connection, *_NUMBER.unpack(head))
    return Job(*json.loads(text)), streams


def _attend(connection: socket.socket, worker: int) -> None:
    """Pass signals on to a job's process, and its end back; without whoever asked, it is killed."""
    ended = os.pidfd_open(worker)
    connection.sendall(b"\1")
    while ended not in (ready := select.select([connection, ended], [], [])[0]) and ready:
        with suppress(ConnectionError):
            if number := connection.recv(1):
                os.kill(worker, number[0])
                continue
        os.kill(worker, signal.SIGKILL)
        os._exit(0)
    _, status = os.waitpid(worker, 0)
    with suppress(OSError):
        connection.sendall(_NUMBER.pack(os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _become(job: Job, streams: list[int]) -> None:
    ctypes.CDLL(None).prctl(_KILL_WITH_PARENT, signal.SIGKILL)
    for number, stream, name in zip(_STREAMS, streams, ("stdin", "stdout", "stderr"), strict=True):
        os.dup2(stream, number)
        os.close(stream)
        setattr(sys, name, _opened(number, getattr(sys, name)))
    os.environ.clear()
    os.environ.update(job.environment)
    os.umask(job.umask)
    os.chdir(job.folder)
    sys.argv[1:] = job.arguments


def _opened(number: int, like: TextIO) -> TextIO:
    """A standard stream as Python makes it; what it knows of the server's is no longer true."""
    return open(
        number,
        like.mode,
        buffering=1 if like is sys.stderr else -1,
        encoding=like.encoding,
        errors=like.errors,
        closefd=False,
    )


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
