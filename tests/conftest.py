"""What every test may ask for: a PostgreSQL server, websites, and the whole assistant running."""

from __future__ import annotations

import importlib.util
import pickle
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy
from argon2 import PasswordHasher
from fake_teams import FakeTeams
from fakes.slack import SIGNING_SECRET, FakeSlack, Team
from mail_servers import MailServer
from processes import Postgres, Stack
from sqlalchemy.engine import URL, Engine
from websites import Websites

from mobilis import content, staff, store, wording
from mobilis.settings import ROOT
from mobilis.web import app

HAS_RASA = importlib.util.find_spec("rasa") is not None
HAS_PLAYWRIGHT = importlib.util.find_spec("playwright") is not None
# The brain needs Python 3.10 with Rasa, and measures are taken beside it; everything else is also
# tested on a current Python.
WITH_RASA = (
    *("brain", "test_growing.py", "test_journeys.py", "test_live_whole.py", "test_offline.py"),
    *("test_faults.py", "test_web_soak.py", "test_bench.py", "test_console_bench.py"),
    *("test_crowd.py", "test_load.py", "test_scale_bench.py", "test_stock.py"),
)
# What the brain and its actions do in a database besides; the rest is tried on PostgreSQL once.
ON_POSTGRES_TWICE = (*WITH_RASA, "test_store.py")
collect_ignore = [] if HAS_RASA else [*WITH_RASA]
collect_ignore += [] if HAS_RASA and HAS_PLAYWRIGHT else ["browser"]
# These want newer packages than those that Rasa pins.
NEWER = {
    "schemathesis": ["web/test_openapi_fuzz.py"],
    "pip_audit": ["test_advisories.py"],
    "cyclonedx": ["test_sbom.py"],
}
for package, modules in NEWER.items():
    collect_ignore += [] if importlib.util.find_spec(package) else modules


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-transcripts", type=Path, metavar="FOLDER", help="write what the journeys said"
    )
    parser.addoption(
        "--all-channels", action="store_true", help="play every journey on Slack and Teams too"
    )
    parser.addoption("--every-fault", action="store_true", help="all faults, not only a few")
    parser.addoption("--write-faults", type=Path, metavar="FILE", help="write what became of them")
    parser.addoption("--events", type=int, default=150, help="of the soak of Slack and Teams")
    parser.addoption(
        "--all-journeys", action="store_true", help="play every journey on the cluster, not a few"
    )
    parser.addoption(
        "--write-cluster", type=Path, metavar="FILE", help="write what the cluster counted"
    )
    parser.addoption(
        "--soak-minutes", type=float, default=0.25, help="of the soak of the website's chat"
    )
    parser.addoption("--write-web-soak", type=Path, metavar="FILE", help="write what it saw")
    parser.addoption(
        "--write-load", type=Path, metavar="FOLDER", help="measure load, and write load.md there"
    )
    parser.addoption("--write-soak", type=Path, metavar="FILE", help="write what the soak counted")
    parser.addoption(
        "--write-screenshots", type=Path, metavar="FOLDER", help="write pictures of the widget"
    )
    parser.addoption(
        "--conversations", type=int, default=200, help="of the console that a morning is spent at"
    )
    parser.addoption(
        "--examples", type=int, default=15, help="of requests made from the chat API's description"
    )
    parser.addoption("--train", action="store_true", help="also train what a morning decided")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the whole assistant, which make test runs beside everything else, and what
    it runs on the front door's Python alone."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "stack" in names:
            item.add_marker(pytest.mark.whole)
        part = item.path.relative_to(Path(__file__).parent).parts[0]
        if "stack" in names and part == "web":
            raise pytest.UsageError(f"{item.nodeid}: make test looks for no stack in tests/web")
        on_postgres = "postgres" in getattr(getattr(item, "callspec", None), "id", "")
        if on_postgres and part not in ON_POSTGRES_TWICE:
            item.add_marker(pytest.mark.door)


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> Iterator[Callable[[], PasswordHasher]]:
    """Passwords as they are, at a hundredth of their cost; gives what makes them dear."""
    cheap, dear = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), staff._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staff, "_hasher", lambda: cheap)
        yield dear


class SharedCompilations(dict[Any, Any]):
    """Statements as SQLAlchemy compiled them for a kind of database. It begins with none in each
    engine, and there is one in every test; its keys begin with the engine's own dialect."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(key[1:], compiled)


@pytest.fixture(autouse=True, scope="session")
def quick_yaml() -> Iterator[None]:
    """Each content file parsed once, for as long as it says the same; whoever reads it has data of
    their own."""
    load = content.yaml.load

    @lru_cache(maxsize=128)
    def kept(text: str, loader: type) -> bytes:
        return pickle.dumps(load(text, Loader=loader))

    with pytest.MonkeyPatch.context() as patch:
        parser = SimpleNamespace(**vars(content.yaml))
        parser.load = lambda text, Loader: pickle.loads(kept(text, Loader))
        patch.setattr(content, "yaml", parser)
        yield


@pytest.fixture(autouse=True, scope="session")
def quick_statements() -> Iterator[None]:
    """Each statement compiled once for all engines of a kind."""
    compiled: dict[str, SharedCompilations] = defaultdict(SharedCompilations)

    def create_engine(url: URL, **options: Any) -> Engine:
        kept = {"compiled_cache": compiled[url.get_backend_name()]}
        return sqlalchemy.create_engine(url, execution_options=kept, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "create_engine", create_engine)
        yield


@pytest.fixture(autouse=True, scope="session")
def quick_wording() -> Iterator[None]:
    """The front door's sentences, which no test changes where they are, read once."""
    read = wording.load_wording
    kept = lru_cache(read)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "load_wording", lambda root: (kept if root == ROOT else read)(root))
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def websites() -> Iterator[Websites]:
    """Websites of other people; the front door of `stack` lets two of them chat."""
    serving = Websites()
    yield serving
    serving.stop()


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    """A mail server, which `stack` sends by."""
    with MailServer() as server:
        yield server


@pytest.fixture(scope="session")
def slack_beside() -> Iterator[FakeSlack]:
    """The Slack of `stack`."""
    slack = FakeSlack().start()
    yield slack
    slack.stop()


@pytest.fixture(scope="session")
def teams_beside() -> Iterator[FakeTeams]:
    """The Teams of `stack`."""
    teams = FakeTeams()
    yield teams
    teams.stop()


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    websites: Websites,
    mail_server: MailServer,
    slack_beside: FakeSlack,
    teams_beside: FakeTeams,
) -> Iterator[Stack]:
    environment = {
        "MOBILIS_CORS_ORIGINS": websites.allowed_origins,
        "MOBILIS_SMTP_URL": mail_server.url,
        "MOBILIS_MAIL_FROM": "Équipe <equipe@exemple.ca>",
        "MOBILIS_SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "MOBILIS_SLACK_BOT_TOKEN": Team.token,
        "MOBILIS_SLACK_API_URL": slack_beside.base,
        **_environment(teams_beside.settings(public_url="")),
    }
    running = Stack(tmp_path_factory.mktemp("stack"), environment=environment)
    yield running
    running.stop()


def _environment(settings: dict[str, str]) -> dict[str, str]:
    return {f"MOBILIS_{name.upper()}": value for name, value in settings.items()}


@pytest.fixture(scope="session")
def stack_on_postgres(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("stack-postgres"), postgres.create("stack"))
    yield running
    running.stop()
