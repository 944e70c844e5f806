"""Two front doors and two brains, real ones, on PostgreSQL: journeys spread over both while one of
each is killed. Every message is answered once, in order. `make cluster` plays all journeys.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from growing import MUST_BE_NONE, Outcome, play_all, to_markdown
from processes import Postgres
from schemas import migrated
from soaking import write_into

from mobilis.cluster import Cluster
from mobilis.coaches import import_coaches
from mobilis.settings import ROOT
from mobilis.store import Database

pytestmark = [pytest.mark.whole, pytest.mark.timeout(3600)]

FILES = sorted((ROOT / "tests" / "journeys").glob("*.yml"))
# A flow of each kind; `--all-journeys` (make cluster) plays all of them.
FEW = (
    "assessment_ready_by_buttons_fr",
    "coach_search_refined_en",
    "declaration_happy_fr",
    "language_switch_mid_assessment_fr",
)
KILLS = 2  # of the short one, at least: a front door and a brain


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[Database]:
    url = f"postgresql://mobilis@127.0.0.1:{postgres.port}/growing"
    migrated(url)
    database = Database(url)
    import_coaches(database, ROOT / "coaches" / "sample.csv")
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def cluster(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), database.url, doors=2, brains=2)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def outcome(request: pytest.FixtureRequest, cluster: Cluster, database: Database) -> Outcome:
    every = request.config.getoption("--all-journeys")
    files = FILES if every else [path for path in FILES if path.stem in FEW]
    outcome = play_all(cluster, files, database, KILLS)
    document: Path | None = request.config.getoption("--write-cluster")
    if document:
        text = to_markdown(outcome, time.strftime("%Y-%m-%d"))
        write_into(document, text, "cluster")
    return outcome


def test_every_journey_goes_as_written_while_processes_are_killed(outcome: Outcome) -> None:
    assert outcome.failures == []
    assert outcome.kills["door"] >= 1 <= outcome.kills["brain"]


@pytest.mark.parametrize("name", MUST_BE_NONE)
def test_no_message_is_left_alone_and_none_answered_twice(outcome: Outcome, name: str) -> None:
    assert outcome.found.messages > 10
    assert getattr(outcome.found, name) == 0
