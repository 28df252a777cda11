"""Jobs in processes that a server forks: they are what they would be by themselves."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aevb.process import fork_server
from processes import has_children, is_gone, state

# A server that loads nothing, but has asked where temporary files go, and whose jobs are Python; a
# client of it.
SERVER = """
import sys, tempfile
from aevb.process import fork_server
fork_server._load = lambda end: tempfile.gettempdir()
fork_server.serve(sys.argv[1], int(sys.argv[2]))
exec(sys.argv[1])
"""
CLIENT = """
import sys
from aevb.process import fork_server
fork_server.hand_over(sys.argv[1:])
print("by itself")
"""
WAITING = """
import os, signal, sys, time
def stop(number, frame):
    print("told", number)
    sys.exit(100 + number)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, stop)
print(os.getpid(), os.getppid(), flush=True)
time.sleep(60)
"""


class Served:
    """A server, beside a workflow that only sleeps."""

    def __init__(self, name: str):
        self.name = name
        self.workflow = subprocess.Popen(["sleep", "600"])
        # As the workflow does it, by a shell that has what is in the background ignore Ctrl-C.
        words = [sys.executable, "-c", SERVER, name, str(self.workflow.pid)]
        command = '"$@" < /dev/null > /dev/null 2>&1 & echo $!'
        started = subprocess.check_output(["bash", "-c", command, "bash", *words], text=True)
        self.pid = int(started)
        until(lambda: f"@aevb-{name}" in Path("/proc/net/unix").read_text(encoding="utf-8"))

    def client(self, code: str, **options) -> subprocess.Popen:
        env = os.environ | {fork_server.VARIABLE: self.name} | options.pop("env", {})
        return subprocess.Popen(
            [sys.executable, "-c", CLIENT, code],
            env=env,
            text=True,
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            | options,
        )

    def run(self, code: str, given: str = "", **options) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        client = self.client(code, **options)
        out, err = client.communicate(given, timeout=60)
        return client.returncode, out, err

    def ask(self, code: str) -> socket.socket:
        """The connection of a client of one's own, with its first bytes."""
        client = socket.socket(socket.AF_UNIX)
        client.connect(f"\0aevb-{self.name}")
        env = dict(os.environ)
        around = fork_server.surroundings(env)
        job = fork_server.Job([code], env, os.getcwd(), 0o022, [], around)
        text = json.dumps(job).encode()
        socket.send_fds(client, [len(text).to_bytes(4, "big")], [0, 1, 2])
        client.sendall(text)
        return client

    def end(self) -> None:
        self.workflow.kill()
        self.workflow.wait()
        until(lambda: is_gone(self.pid))


def until(condition: Callable[[], bool]) -> None:
    """Wait for it, for a minute at most."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise TimeoutError


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A server that has declined as many jobs as it does, and takes all that come."""
    served = Served(f"test-{os.getpid()}")
    try:
        for _ in range(fork_server.DECLINED):
            assert served.run("print('served')") == (0, "by itself\n", "")
        until(lambda: served.run("print('served')") == (0, "served\n", ""))
        yield served
    finally:
        served.end()


def test_a_job_has_what_it_was_given(served, tmp_path):
    """Arguments, environment, folder, umask and streams are the client's, not the server's."""
    folder = tmp_path / "a folder, für Zoë"
    folder.mkdir()
    code = """
import json, os, sys
found = [sys.argv[1:], os.environ["WHO"], os.environ.get("AEVB_FORK_SERVER"), os.getcwd()]
print(json.dumps([*found, os.umask(0), sys.stdin.read()]))
print("and an error, für Zoë", file=sys.stderr)
"""
    status, out, err = served.run(code, "some text", cwd=folder, env={"WHO": "me"}, umask=0o027)
    assert status == 0
    assert err == "and an error, für Zoë\n"
    assert json.loads(out) == [[code], "me", None, str(folder), 0o027, "some text"]


def test_a_job_writes_to_files(served, tmp_path):
    """Streams may be files, of which one may be both, and may go on where they are."""
    with (tmp_path / "log").open("w") as log:
        log.write("before\n")
        log.flush()
        code = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
        assert served.run(code, stdout=log, stderr=log)[0] == 0
    assert (tmp_path / "log").read_text(encoding="utf-8") == "before\nout\nerr\n"


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('no')", 1, "no\n"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("import os; os._exit(200)", 200, ""),
        ("import os; os.kill(os.getpid(), 9)", 137, "error: a signal has ended this job: Killed"),
        ("import os; os.abort()", 134, "error: a signal has ended this job: Aborted"),
    ],
)
def test_a_client_ends_as_its_job_does(served, code, status, said):
    """With its exit code, or what a shell makes of its signal."""
    found, out, err = served.run(code)
    assert (found, out) == (status, "")
    assert said in err and bool(said) == bool(err)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
def test_signals_are_passed_on(served, name):
    """A job hears what its client was told, once, and its answer is the client's."""
    number = getattr(signal, name)
    client = served.client(WAITING)
    client.stdout.readline()
    client.send_signal(number)
    out, err = client.communicate(timeout=60)
    assert (client.returncode, out, err) == (100 + number, f"told {int(number)}\n", "")


def test_ctrl_c_of_the_terminal_is_heard_once(served):
    """It reaches the client's group, of which neither the server nor the job is."""
    client = served.client(WAITING, start_new_session=True)
    client.stdout.readline()
    os.killpg(client.pid, signal.SIGINT)
    out, _ = client.communicate(timeout=60)
    assert out == "told 2\n"


QUIET = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
"""A job that says nothing about signals."""


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("SIGINT", 130, "KeyboardInterrupt"),
        ("SIGTERM", 143, "a signal has ended this job: Terminated"),
        ("SIGHUP", 129, "a signal has ended this job: Hangup"),
    ],
)
def test_a_job_without_handlers_stops_when_told(served, name, code, said):
    """What the server's shell has it ignore is nothing to the jobs."""
    client = served.client(QUIET)
    client.stdout.readline()
    client.send_signal(getattr(signal, name))
    _, err = client.communicate(timeout=30)
    assert client.returncode == code
    assert said in err


def test_what_a_client_ignores_its_job_ignores(served):
    """As under nohup."""
    client = served.client(QUIET.replace("60", "0.5") + "; print('done')", **IGNORING_HANGUP)
    client.stdout.readline()
    client.send_signal(signal.SIGHUP)
    assert client.communicate(timeout=30) == ("done\n", "")
    assert client.returncode == 0


IGNORING_HANGUP = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}


def test_a_job_waits_with_its_client(served):
    """Ctrl-Z stops both, and both go on."""
    client = served.client(QUIET)
    job = int(client.stdout.readline())
    client.send_signal(signal.SIGTSTP)
    until(lambda: (state(client.pid), state(job)) == ("stopped", "stopped"))
    client.send_signal(signal.SIGCONT)
    until(lambda: (state(client.pid), state(job)) == ("sleeping", "sleeping"))
    client.send_signal(signal.SIGTERM)
    assert client.wait(timeout=30) == 143
    until(lambda: is_gone(job))


def test_temporary_files_are_where_a_job_is_told(served, tmp_path):
    """The server has looked for a folder before."""
    code = "import tempfile; print(tempfile.gettempdir())"
    assert served.run(code, env={"TMPDIR": str(tmp_path)}) == (0, f"{tmp_path}\n", "")


def test_a_client_that_leaves_has_no_job(served, tmp_path):
    """Not even for the moment in which another might start it again."""
    code = f"""
import time
while True:
    open({str(tmp_path / "ticks")!r}, "a").write(".")
    time.sleep(0.01)
"""
    for _ in range(10):
        served.ask(code).close()
    ticks = tmp_path / "ticks"
    time.sleep(0.5)
    before = ticks.read_text(encoding="utf-8") if ticks.exists() else ""
    time.sleep(0.5)
    assert (ticks.read_text(encoding="utf-8") if ticks.exists() else "") == before
    assert len(before) <= 20


def test_talk_that_is_no_job_disturbs_nobody(served):
    """Nothing at all, for a while or for good, and words without sense."""
    address = f"\0aevb-{served.name}"
    silent = socket.socket(socket.AF_UNIX)
    silent.connect(address)
    for words in (b"", b"\xff\xff\xff\xff", b"\0\0\0\2{}", b"\0\0\0\x09[1, 2, 3]"):
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(address)
            other.sendall(words)
    assert served.run("print('served')") == (0, "served\n", "")
    silent.close()
    until(lambda: not has_children(served.pid))


def test_unbuffered_streams_are_unbuffered():
    """What a job has written is there when it is killed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONUNBUFFERED", "1")
        served = Served(f"test-{os.getpid()}-unbuffered")
        try:
            for _ in range(fork_server.DECLINED):
                served.run("")
            code = "import os; print('before', end=''); os._exit(3)"
            until(lambda: served.run(code) == (3, "before", ""))
        finally:
            served.end()


def test_a_job_does_not_outlive_its_client(served):
    """kill -9 of what the workflow started ends the job as well."""
    client = served.client(WAITING)
    job, _ = map(int, client.stdout.readline().split())
    client.kill()
    client.wait()
    until(lambda: is_gone(job))


def test_a_job_does_not_outlive_who_attends_to_it(served):
    """Nothing is left to run unwatched, and the client says what happened."""
    client = served.client(WAITING)
    job, attending = map(int, client.stdout.readline().split())
    os.kill(attending, signal.SIGKILL)
    _, err = client.communicate(timeout=60)
    assert client.returncode == 1
    assert "run it again" in err
    until(lambda: is_gone(job))


def test_jobs_at_once(served):
    """Each has its own streams and status; nothing is left of them."""
    codes = [f"import sys, time; time.sleep(0.2); print({n}); sys.exit({n})" for n in range(12)]
    clients = [served.client(code) for code in codes]
    outcomes = [(client.communicate(timeout=60)[0], client.returncode) for client in clients]
    assert outcomes == [(f"{n}\n", n) for n in range(12)]
    until(lambda: not has_children(served.pid))


@pytest.mark.parametrize(
    "env",
    [
        {"OMP_NUM_THREADS": "7"},
        {"PYTHONHASHSEED": "3"},
        {"TF_XLA_FLAGS": "--tf_xla_auto_jit=2"},
        {"LC_ALL": "C"},
        {fork_server.VARIABLE: "nobody"},
        {fork_server.VARIABLE: ""},
        {fork_server.VARIABLE: "n" * 200},
    ],
)
def test_other_surroundings_are_not_served(served, env):
    """What was loaded under other variables, or is not there, is no place for the job."""
    assert served.run("print('served')", env=env) == (0, "by itself\n", "")


def test_a_closed_stream_is_no_reason_to_fail(served):
    """A client without standard input has none to give away, and runs its job."""
    env = os.environ | {fork_server.VARIABLE: served.name}
    closing = ["bash", "-c", 'exec 0<&-; exec "$@"', "bash"]
    words = [*closing, sys.executable, "-c", CLIENT, "print('served')"]
    done = subprocess.run(words, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "by itself\n", "")


def test_surroundings_know_the_code(tmp_path, monkeypatch):
    """A module that is edited, or comes, while a workflow runs makes the server's out of date."""
    (tmp_path / "one.py").write_text("1", encoding="utf-8")
    monkeypatch.setattr(fork_server, "_PACKAGE", tmp_path)
    found = [fork_server.surroundings({})]
    assert fork_server.surroundings({}) == found[0]
    os.utime(tmp_path / "one.py", (1, 1))
    found.append(fork_server.surroundings({}))
    (tmp_path / "two.py").write_text("2", encoding="utf-8")
    found.append(fork_server.surroundings({}))
    assert len({json.dumps(one) for one in found}) == 3


def test_another_user_is_not_trusted(served):
    """Neither asks: an address without a file has no permissions that would keep one out."""
    stranger = CLIENT.replace("import sys", "import os, sys; os.getuid = lambda: 12345", 1)
    env = os.environ | {fork_server.VARIABLE: served.name}
    words = [sys.executable, "-c", stranger, "print('served')"]
    done = subprocess.run(words, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "by itself\n")


@pytest.mark.parametrize("jobs", range(fork_server.DECLINED + 1))
def test_a_server_ends_with_its_workflow(jobs):
    """Whatever it has done until then."""
    served = Served(f"test-{os.getpid()}-{jobs}")
    try:
        for _ in range(jobs):
            served.run("print('served')")
        assert not is_gone(served.pid)
    finally:
        served.end()
