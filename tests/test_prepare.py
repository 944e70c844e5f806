"""deploy/prepare, with a machine of its own: what is there, what is missing, and what it says."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mobilis.settings import ROOT

pytestmark = pytest.mark.pure

NEEDED = ("bash", "dirname", "sed", "sort", "head", "tr")
Machine = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Runs deploy/prepare where only `programs` are installed, each a line of shell."""
    real, played = tmp_path / "real", tmp_path / "played"
    real.mkdir()
    played.mkdir()  # a folder without links: what is written here stays here
    for name in NEEDED:
        (real / name).symlink_to(str(shutil.which(name)))

    def prepare(*arguments: str, **programs: str) -> subprocess.CompletedProcess[str]:
        for name, line in programs.items():
            program = played / name.replace("_", "-")
            program.write_text(f"#!{shutil.which('bash')}\n{line}\n")
            program.chmod(0o755)
        return subprocess.run(
            [str(ROOT / "deploy" / "prepare"), *arguments],
            env={"PATH": f"{played}:{real}"},
            capture_output=True,
            text=True,
        )

    return prepare


def test_it_says_how_it_is_used(machine: Machine) -> None:
    said = machine("--help").stdout
    assert all(f"deploy/prepare {name}" in said for name in ("python", "postgres", "chromium"))


@pytest.mark.parametrize(
    ("programs", "sentence"),
    [
        ({}, "Node was not found"),
        ({"node": "echo v20.9.1"}, "Node 20.9.1 is too old to build the widget"),
        ({"node": "echo v20.19.0"}, "npm was not found"),
    ],
)
def test_without_a_node_of_today_it_says_what_to_install(
    machine: Machine, programs: dict[str, str], sentence: str
) -> None:
    ended = machine("node", **programs)
    assert ended.returncode == 1
    assert ended.stderr.startswith(sentence)


@pytest.mark.parametrize("version", ["v20.19.0", "v22.1.0", "v100.0.0"])
def test_a_newer_node_will_do(machine: Machine, version: str) -> None:
    ended = machine("node", node=f"echo {version}", npm="true")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_chromium_goes_by_several_names(machine: Machine) -> None:
    assert machine("chromium", "--find").stderr.startswith("Chromium was not found: install")
    assert machine("chromium", "--find", google_chrome="").stdout.endswith("/google-chrome\n")
    assert machine("chromium", "--find", chromium="").stdout.endswith("/chromium\n")
    assert machine("chromium").stdout == ""  # nothing to install


def test_only_root_installs(machine: Machine) -> None:
    ended = machine("chromium", id="echo 1000", apt_get="echo installed")
    assert ended.returncode == 1
    assert "install the package chromium" in ended.stderr
    assert "installed" not in ended.stdout


def test_root_waits_for_another_apt_get_to_end(machine: Machine, tmp_path: Path) -> None:
    # The first time, the lock of the lists is taken.
    apt_get = f'[ -e {tmp_path}/tried ] || {{ : > {tmp_path}/tried; exit 100; }}; echo "$*" >&2'
    ended = machine("chromium", id="echo 0", apt_get=apt_get, sleep="true")
    assert ended.returncode == 0, ended.stderr
    assert "trying again" in ended.stdout
    assert "install -y -qq --no-install-recommends chromium" in ended.stderr


def test_root_gives_up_in_a_sentence(machine: Machine) -> None:
    ended = machine("chromium", id="echo 0", apt_get="exit 100", sleep="true")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Chromium could not be installed")


def test_strace_is_installed_where_it_is_not(machine: Machine) -> None:
    assert machine("strace", id="echo 1000").stderr.startswith("strace was not found: install")
    ended = machine("strace", id="echo 0", apt_get='echo "$*" >&2')
    assert "install -y -qq --no-install-recommends strace" in ended.stderr
    assert (ended := machine("strace", strace="true", apt_get="exit 1")).returncode == 0
    assert ended.stdout == ""


def test_nobody_needs_docker_compose_for_the_tests(machine: Machine) -> None:
    ended = machine("compose", id="echo 1000")
    assert ended.returncode == 0
    assert "docker-compose is not there: what it would test is skipped" in ended.stdout
    asked = machine("compose", id="echo 0", apt_get='echo "asked for: $*" >&2')
    assert "asked for: -o DPkg::Lock::Timeout=120 install" in asked.stderr
    refused = machine("compose", id="echo 0", apt_get="exit 1", sleep="true")
    assert refused.returncode == 0
    assert "what it would test is skipped" in refused.stdout
    assert machine("compose", docker_compose="echo").stdout == ""
