"""Every message is answered once, or its visitor is told to try again, whatever breaks meanwhile.

`make test` plays the most dangerous faults; `make faults` all of them, in both languages, on SQLite
and on PostgreSQL, and writes the counts into docs/reliability.md.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fakes.slack import FakeSlack
from faulting import (
    Fault,
    World,
    everywhere,
    on_postgres,
    on_small_disk,
    on_sqlite,
    play,
    small_disk,
    to_markdown,
)
from mail_servers import MailServer
from processes import Postgres
from soaking import write_into

pytestmark = pytest.mark.whole

# A step of each process after which it has written and not told so; the language takes turns.
FEW = (
    *(("take_in.after", "fr"), ("closed.after", "en"), ("stream.before", "fr")),
    *(("lead_kept.after", "en"), ("tracker_save.after", "fr")),
)


@pytest.fixture
def few(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--every-fault"):
        pytest.skip("all of them are played instead")


@pytest.fixture
def beside() -> Iterator[tuple[FakeSlack, MailServer]]:
    slack = FakeSlack().start()
    with MailServer() as mail_server:
        yield slack, mail_server
    slack.stop()


@pytest.mark.timeout(900)
def test_what_is_written_when_a_process_is_killed_is_not_lost_nor_said_twice(
    few: None, tmp_path: Path, beside: tuple[FakeSlack, MailServer]
) -> None:
    world = World(tmp_path, "", *beside)
    try:
        counts = {point: world.kill_at(point, language) for point, language in FEW}
        counts["show.after"] = world.kill_on_slack("show.after", "fr")
        counts["mail_begin.before"] = world.kill_mail("mail_begin.before", "en")
        counts["deed.after"] = world.kill_note("deed.after", "fr")
        counts["lock"] = world.during("fr", world.lock_sqlite)
    finally:
        world.stop()
    assert all(count.is_harmless for count in counts.values()), counts
    assert not any(count.told for count in counts.values()), counts


@pytest.mark.timeout(0)
@pytest.mark.parametrize("place", ["sqlite", "postgresql", "small-disk"])
def test_every_fault(
    place: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    beside: tuple[FakeSlack, MailServer],
) -> None:
    if not request.config.getoption("--every-fault"):
        pytest.skip("takes half an hour: make faults")
    began, load = time.monotonic(), os.getloadavg()[0]
    with ExitStack() as stack:
        url, faults = _place(place, request, tmp_path, stack)
        world = World(tmp_path / "world", url, *beside)
        stack.callback(world.stop)
        counts = play(world, faults, place)
    when = (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {load:.1f} before and"
        f" {os.getloadavg()[0]:.1f} after, {(time.monotonic() - began) / 60:.0f} minutes:"
    )
    document: Path | None = request.config.getoption("--write-faults")
    if document:
        write_into(document, to_markdown(counts, when), f"faults {place}")
    assert all(count.is_harmless for count in counts.values())


def _place(
    place: str, request: pytest.FixtureRequest, tmp_path: Path, stack: ExitStack
) -> tuple[str, list[Fault]]:
    """A database, and what is to happen with it."""
    if place == "sqlite":
        return "", [*everywhere(), *on_sqlite()]
    if place == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        return postgres.create("faults"), [*everywhere(), *on_postgres(postgres)]
    if os.getuid():
        pytest.skip("only root can make a small disk")
    disk = stack.enter_context(small_disk(tmp_path / "disk"))
    return f"sqlite:///{disk}/mobilis.db", on_small_disk(disk)
