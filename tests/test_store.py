"""The database: migrations and transactions, on SQLite and on PostgreSQL, and what goes wrong."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import delete, insert, inspect, select, text

from mobilis import search, store
from mobilis.errors import SettingError, StoreError
from mobilis.likeness import key_of
from mobilis.models import (
    assessments,
    choices,
    conversations,
    erasures,
    metadata,
    outbox,
    unhandled,
)
from mobilis.settings import ROOT, Settings
from mobilis.store import Database, migrate, now

MOMENT = datetime(2026, 11, 23, 16, 0, 0, 123456, tzinfo=timezone.utc)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server = request.getfixturevalue("postgres")
    return str(server.create(f"store_{abs(hash(request.node.nodeid)):x}"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A migrated database."""
    migrate(url)
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    metadata.create_all(database.engine)
    yield database
    database.dispose()


def note(database: Database, id: str, at: datetime = MOMENT) -> None:
    with database.write() as connection:
        connection.execute(insert(erasures).values(id=id, channel="web", at=at))


def noted(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(erasures.c.id).order_by(erasures.c.id)).scalars())


def test_connections_stay_open_and_serve_every_thread(sqlite: Database) -> None:
    def raw() -> Any:
        with sqlite.read() as connection:
            return connection.connection.dbapi_connection

    with ThreadPoolExecutor(1) as pool:
        assert raw() is pool.submit(raw).result() is raw()


def test_more_threads_than_connections_stay_open_are_served(sqlite: Database) -> None:
    together = threading.Barrier(20, timeout=10)

    def look(_: int) -> list[str]:
        with sqlite.read() as connection:
            together.wait()
            return [row.id for row in connection.execute(select(erasures.c.id))]

    note(sqlite, "one")
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(look, range(20))) == [["one"]] * 20


def alembic(database: Database, step: Callable[[Config, str], None], revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with database.write() as connection:
        config.attributes["connection"] = connection
        step(config, revision)


def table_names(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


# --- migrations


def test_migrating_makes_every_table_and_a_second_time_changes_nothing(database: Database) -> None:
    note(database, "kept")
    migrate(database.url)
    assert set(metadata.tables) <= table_names(database)
    assert noted(database) == ["kept"]


def differences(database: Database) -> Any:
    """Between the schema and the models, which know of nothing that is only there to search: the
    tables and the index that are named as the search is, or begin so."""

    def counts(thing: Any, name: str | None, *_: Any) -> bool:
        return not (name or "").startswith(search.INDEX)

    options = {"compare_type": True, "include_object": counts}
    with database.read() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def test_the_migrated_schema_is_that_of_the_models(database: Database) -> None:
    assert differences(database) == []


def test_a_difference_between_models_and_schema_would_be_seen(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("ALTER TABLE erasures ADD COLUMN extra INTEGER"))
        connection.execute(text("CREATE TABLE case_texts_too (id INTEGER)"))
    found = {difference[0] for difference in differences(database)}
    assert found == {"remove_column", "remove_table"}


def test_migrations_can_be_undone_and_done_again(database: Database) -> None:
    alembic(database, command.downgrade, "base")
    assert table_names(database) == {"alembic_version"}
    migrate(database.url)
    note(database, "again")
    assert noted(database) == ["again"]


def test_what_was_kept_by_an_older_schema_stays(database: Database) -> None:
    alembic(database, command.downgrade, "0001")
    row = "'id', 'talk', 'message', 'fr', 'combien', 'lost', '[]', '2026-11-23 16:00:00'"
    columns = "id, conversation_id, source_message_id, language, text, outcome, guesses, created_at"
    with database.write() as connection:
        connection.execute(text(f"INSERT INTO unhandled ({columns}) VALUES ({row})"))
    migrate(database.url)
    with database.read() as connection:
        [kept] = connection.execute(select(unhandled))
    assert (kept.text, kept.question, kept.chosen, kept.followed_by) == ("combien", *[None] * 3)
    assert kept.key == key_of("fr", None, "Combien?")


def test_a_result_that_was_kept_before_there_were_pages_has_none(database: Database) -> None:
    alembic(database, command.downgrade, "0002")
    row = "'id', 'talk', 'message', 'fr', '1', '{}', 'ready', '[]', '2026-11-23 16:00:00'"
    columns = "id, conversation_id, source_message_id, language, version, answers, band, gaps"
    with database.write() as connection:
        connection.execute(text(f"INSERT INTO assessments ({columns}, created_at) VALUES ({row})"))
    migrate(database.url)
    with database.read() as connection:
        [kept] = connection.execute(select(assessments))
    assert (kept.band, kept.page_id, kept.page_until) == ("ready", None, None)


def test_no_two_results_share_a_page(database: Database) -> None:
    result = {"conversation_id": "talk", "language": "fr", "version": "1", "answers": {}}
    result |= {"band": "ready", "gaps": [], "created_at": MOMENT, "page_id": "page"}
    with database.write() as connection:
        connection.execute(insert(assessments).values(id="1", source_message_id="1", **result))
    with pytest.raises(StoreError), database.write() as connection:
        connection.execute(insert(assessments).values(id="2", source_message_id="2", **result))


def test_a_schema_of_a_newer_version_is_refused_in_one_sentence(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"schema is not one of this version: .*9999"):
        migrate(database.url)


# --- transactions


def test_what_is_written_is_read_back(database: Database) -> None:
    note(database, "one")
    assert noted(database) == ["one"]


def test_a_moment_comes_back_aware_in_utc_and_to_the_microsecond(database: Database) -> None:
    montreal = timezone(timedelta(hours=-5))
    note(database, "one", MOMENT.astimezone(montreal))
    with database.read() as connection:
        at = connection.execute(select(erasures.c.at)).scalar_one()
    assert at == MOMENT
    assert at.tzinfo == timezone.utc


def test_any_error_rolls_the_whole_transaction_back(database: Database) -> None:
    note(database, "before")
    with pytest.raises(ZeroDivisionError):
        with database.write() as connection:
            connection.execute(insert(erasures).values(id="lost", channel="web", at=MOMENT))
            raise ZeroDivisionError
    assert noted(database) == ["before"]


def test_a_refused_row_is_a_store_error_and_rolls_back(database: Database) -> None:
    with pytest.raises(StoreError) as error:
        with database.write() as connection:
            connection.execute(insert(erasures).values(id="first", channel="web", at=MOMENT))
            connection.execute(insert(erasures).values(id="first", channel="web", at=MOMENT))
    assert str(error.value).startswith("the database refused: ")
    assert "first" not in str(error.value)  # values are for nobody's log
    assert noted(database) == []


def test_a_statement_that_makes_no_sense_is_a_store_error(database: Database) -> None:
    with pytest.raises(StoreError, match="the database refused"):
        with database.read() as connection:
            connection.execute(text("SELECT nothing FROM nowhere"))
    with pytest.raises(StoreError, match="the database refused"):
        with database.read() as connection:
            connection.execute(select(erasures)).one()


def test_a_database_is_usable_after_an_error(database: Database) -> None:
    with pytest.raises(StoreError):
        with database.write() as connection:
            connection.execute(text("SELECT nothing FROM nowhere"))
    note(database, "after")
    assert noted(database) == ["after"]


def test_children_go_with_their_parents(database: Database) -> None:
    moment: Any = {"at": MOMENT, "language": "fr"}
    with database.write() as connection:
        connection.execute(
            insert(conversations).values(
                id="talk",
                token_hash="x",
                channel="web",
                language="fr",
                position=1,
                created_at=MOMENT,
                last_at=MOMENT,
            )
        )
        connection.execute(
            insert(outbox).values(
                id="said", conversation_id="talk", position=1, content={"é": 1}, **moment
            )
        )
        connection.execute(
            insert(choices).values(
                id="pick", conversation_id="talk", message_id="said", title="t", payload="/p"
            )
        )
    with database.write() as connection:
        assert connection.execute(select(outbox.c.content)).scalar_one() == {"é": 1}
        connection.execute(delete(conversations))
    with database.read() as connection:
        assert connection.execute(select(outbox.c.id)).all() == []
        assert connection.execute(select(choices.c.id)).all() == []


def test_two_writers_wait_for_each_other(database: Database) -> None:
    """Each reads, then writes what it read plus one: none may be lost."""
    note(database, "0")

    def count_up() -> None:
        for _ in range(5):
            with database.write() as connection:
                query = select(erasures.c.id).with_for_update()
                highest = max(int(id) for id in connection.execute(query).scalars())
                values = {"channel": "web", "at": MOMENT}
                connection.execute(erasures.update().values(id=str(highest + 1), **values))

    writers = [threading.Thread(target=count_up) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert noted(database) == ["15"]


def test_the_clock_is_aware_and_in_utc() -> None:
    assert now().tzinfo == timezone.utc
    assert abs(now() - datetime.now(timezone.utc)) < timedelta(seconds=5)


# --- SQLite alone


def test_sqlite_keeps_a_write_ahead_log_and_foreign_keys(sqlite: Database) -> None:
    wanted = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "secure_delete": 1}
    with sqlite.read() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in wanted}
    assert found == wanted


def on_disk(database: Database, word: str) -> list[str]:
    """The files of the database that hold a word."""
    file = Path(str(database.engine.url.database))
    files = sorted(file.parent.glob(f"{file.name}*"))
    return [path.name for path in files if word.encode() in path.read_bytes()]


def test_what_is_erased_leaves_the_files_of_sqlite(sqlite: Database) -> None:
    for number in range(3):
        note(sqlite, f"secret-{number}")
    assert on_disk(sqlite, "secret-")
    with sqlite.write() as connection:
        connection.execute(delete(erasures).where(erasures.c.id == "secret-0"))
    assert on_disk(sqlite, "secret-0")  # in the log, for nobody has written over it
    with sqlite.erase() as connection:
        connection.execute(delete(erasures))
    assert on_disk(sqlite, "secret-") == []
    note(sqlite, "afterwards")
    assert noted(sqlite) == ["afterwards"]


def test_an_erasure_that_fails_erases_nothing(database: Database) -> None:
    note(database, "one")
    with pytest.raises(StoreError):
        with database.erase() as connection:
            connection.execute(delete(erasures))
            connection.execute(text("SELECT nothing"))
    assert noted(database) == ["one"]
    with database.erase() as connection:
        connection.execute(delete(erasures))
    assert noted(database) == []


def test_an_erasure_does_not_fail_because_somebody_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BUSY_TIMEOUT_SECONDS", 0.05)
    database = Database(f"sqlite:///{tmp_path / 'read.db'}")
    metadata.create_all(database.engine)
    note(database, "one")
    with database.read() as reader:
        reader.execute(select(erasures.c.id)).all()
        with database.erase() as connection:
            connection.execute(delete(erasures))
    assert noted(database) == []
    database.dispose()


def test_sqlite_can_be_read_while_it_is_written(sqlite: Database) -> None:
    note(sqlite, "one")
    with sqlite.write() as connection:
        connection.execute(insert(erasures).values(id="two", channel="web", at=MOMENT))
        assert noted(sqlite) == ["one"]
    assert noted(sqlite) == ["one", "two"]


def test_a_lock_that_is_never_released_is_a_store_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BUSY_TIMEOUT_SECONDS", 0.05)
    database = Database(f"sqlite:///{tmp_path / 'locked.db'}")
    metadata.create_all(database.engine)
    holder = sqlite3.connect(tmp_path / "locked.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="the database refused: OperationalError"):
        note(database, "one")
    holder.close()
    note(database, "one")
    assert noted(database) == ["one"]
    database.dispose()


def test_the_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path / 'new' / 'deep' / 'store.db'}")
    assert (tmp_path / "new" / "deep" / "store.db").exists()


def test_a_database_in_memory_needs_no_folder() -> None:
    with Database("sqlite://").read() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_the_settings_say_which_database(tmp_path: Path) -> None:
    database = Database.from_settings(Settings(data_dir=tmp_path))
    assert database.url == f"sqlite:///{tmp_path / 'mobilis.db'}"


# --- what cannot be reached


@pytest.mark.parametrize("transaction", [Database.read, Database.write])
def test_a_server_that_is_not_there_is_a_store_error(transaction: Any) -> None:
    database = Database("postgresql://nobody:hunter2@127.0.0.1:9/nothing")
    with pytest.raises(StoreError) as error:
        with transaction(database):
            pytest.fail("there is no such server")
    assert str(error.value) == "the database refused: OperationalError"


def test_migrating_a_server_that_is_not_there_is_a_store_error() -> None:
    with pytest.raises(StoreError, match=r"^the database refused: OperationalError$"):
        migrate("postgresql://nobody@127.0.0.1:9/nothing")


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("this is not a database, " * 100)
    with pytest.raises(StoreError, match=r"^the database refused: DatabaseError$"):
        migrate(f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "DATABASE_URL: not a database address"),
        ("var/mobilis.db", "DATABASE_URL: not a database address"),
        ("postgresql://user@host:port/name", "DATABASE_URL: not a database address"),
        (
            "mysql://user@host/name",
            "DATABASE_URL: only sqlite:// and postgresql:// are supported",
        ),
        (
            "https://example.ca",
            "DATABASE_URL: only sqlite:// and postgresql:// are supported",
        ),
    ],
)
def test_a_bad_address_is_told_in_one_sentence(url: str, sentence: str) -> None:
    with pytest.raises(SettingError) as error:
        Database(url)
    assert str(error.value) == sentence


def test_any_spelling_of_postgresql_uses_the_driver_that_is_installed() -> None:
    for url in ("postgresql://u@h/n", "postgresql+asyncpg://u@h/n"):
        assert Database(url).engine.dialect.driver == "psycopg2"


@pytest.mark.parametrize(("most", "kept"), [(0, 1), (1, 1), (3, 3), (15, 5), (40, 5)])
def test_a_process_opens_so_many_connections_to_postgresql_and_no_more(most, kept):
    database = Database("postgresql://mobilis@127.0.0.1/none", most)
    pool = database.engine.pool
    assert (pool.size(), pool.size() + pool._max_overflow) == (kept, max(1, most))
