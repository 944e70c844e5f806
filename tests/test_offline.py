"""No process says anything to anybody: front door, brain, actions and training connect to this
computer alone, and look up no name."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import loopback_client
from processes import Stack
from traces import Trace, is_outside, is_traced

from mobilis.settings import ROOT

# Nothing leaves: to connect a socket of UDP only asks for the way.
CONTROL = """
import socket, subprocess, sys
for family, address in (
    (socket.AF_INET, ("127.0.0.1", 9)),
    (socket.AF_INET, ("192.0.2.1", 443)),
    (socket.AF_INET6, ("2001:db8::1", 443)),
    (socket.AF_INET, ("127.0.0.1", 53)),
):
    try:
        socket.socket(family, socket.SOCK_DGRAM).connect(address)
    except OSError:
        pass  # there is no way, but it was tried
if len(sys.argv) < 2:
    subprocess.run([sys.executable, __file__, "child"], check=True)
"""
SAID = {
    "fr": (
        "c tu gratuit?",
        "je cherche un coach au Québec",
        "je veux faire l'auto-évaluation",
        "b",
    ),
    "en": ("is it free?", "I want to talk to a person", "qsdfgh jklm wxcv", "erase everything"),
}


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    return Trace(tmp_path_factory.mktemp("trace"), sys.executable)


@pytest.fixture(scope="module")
def traced_stack(tmp_path_factory: pytest.TempPathFactory, trace: Trace) -> Iterator[Stack]:
    """The whole assistant, with nothing set that wants the network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(trace.python))
        running = Stack(tmp_path_factory.mktemp("offline"))
    yield running
    running.stop()


def told(base: str, language: str) -> list[str]:
    """The kinds of what the assistant answers in a conversation."""
    with loopback_client(base_url=base, timeout=60) as http:
        opened = http.post("/api/conversations", json={"language": language}).json()
        headers = {"Authorization": f"Bearer {opened['token']}"}
        kinds = [message["kind"] for message in opened["messages"]]
        for text in SAID[language]:
            answer = http.post(
                f"/api/conversations/{opened['conversation']}/messages",
                params={"wait": 30},
                json={"id": str(uuid.uuid4()), "text": text},
                headers=headers,
            )
            assert answer.status_code == 200, answer.text
            kinds += [message["kind"] for message in answer.json()["messages"]]
    return kinds


@pytest.mark.whole
def test_no_process_of_the_assistant_connects_elsewhere(traced_stack, trace):
    kinds = told(traced_stack.base, "fr") + told(traced_stack.base, "en")
    assert {"faq", "coaches", "question"} <= set(kinds)
    pids = traced_stack.pids()
    assert set(pids) == {"up", "door", "brain", "actions"}
    assert all(is_traced(pid) for pid in pids.values()), "not every process is seen"
    inside = "\n".join(trace.inside())
    for port in (traced_stack.settings.brain_port, traced_stack.settings.actions_port):
        assert f"htons({port})" in inside, "what goes over loopback is seen"
    assert trace.outside() == []


@pytest.mark.whole
def test_brain_and_actions_listen_on_loopback_alone(traced_stack):
    listening = {}
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, _, port = local.rpartition(":")
            if state == "0A":
                listening.setdefault(int(port, 16), set()).add(address)
    for port in (traced_stack.settings.brain_port, traced_stack.settings.actions_port):
        assert listening[port] == {"0100007F"}, "127.0.0.1 and nothing else"


@pytest.mark.whole
@pytest.mark.timeout(1200)
def test_neither_does_training(tmp_path, pytestconfig):
    if not pytestconfig.getoption("train"):
        pytest.skip("make offline trains")
    trace, model = Trace(tmp_path, sys.executable), tmp_path / "model.tar.gz"
    command = [str(trace.python), "-m", "mobilis.cli", "train", "--quiet"]
    ended = subprocess.run(
        [*command, "--output", str(model)], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert model.exists()
    assert trace.lines()
    assert trace.outside() == []


def test_a_process_that_does_is_seen_and_so_is_its_child(tmp_path: Path) -> None:
    trace, program = Trace(tmp_path, sys.executable), tmp_path / "control.py"
    program.write_text(CONTROL)
    subprocess.run([str(trace.python), str(program)], check=True, timeout=60)
    seen = "\n".join(trace.outside())
    for address in ("192.0.2.1", "2001:db8::1", "htons(53)"):
        assert seen.count(address) == 2, seen
    assert "htons(9)" not in seen
    assert "htons(9)" in "\n".join(trace.inside())


def v4(address: str, port: int = 443) -> str:
    return f'{{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr("{address}")}}, 16)'


def v6(address: str) -> str:
    inside = f'inet_pton(AF_INET6, "{address}", &sin6_addr), sin6_scope_id=0}}, 28)'
    return f"{{sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), {inside}"


def unix(path: str) -> str:
    return f'{{sa_family=AF_UNIX, sun_path="{path}"}}, 110)'


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        (v4("8.8.8.8"), True),
        (v4("127.0.0.9"), False),
        (v4("127.0.0.53", 53), True),
        (v6("::1"), False),
        (v6("2001:db8::1"), True),
        (v6("::ffff:1.2.3.4"), True),
        (v6("::ffff:127.0.0.1"), False),
        (unix("/run/systemd/resolve/io.systemd.Resolve"), True),
        (unix("/var/run/nscd/socket"), False),
    ],
)
def test_what_goes_elsewhere_is_told_from_what_stays(address: str, outside: bool) -> None:
    for line in (f"7 connect(3, {address} = 0", f'7 sendto(3, "x", 1, 0, {address} <unfinished'):
        assert is_outside(line) == outside
    assert not is_outside("7 --- SIGCHLD {si_signo=SIGCHLD} ---")
