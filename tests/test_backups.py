"""Backups of a database that is written meanwhile, put back into an empty place; and each way in
which one can be refused, after which nothing is left behind."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filled import KINDS, database_of, fill, holding
from sqlalchemy import func, insert, select, text

from mobilis import audit, models, privacy
from mobilis.backups import copies, making, restoring, sealed
from mobilis.backups.making import Made, back_up
from mobilis.backups.restoring import Restored, restore, verify
from mobilis.backups.sealed import Key, make_key, read_key
from mobilis.cli import main
from mobilis.errors import BackupRefused, SettingError, StoreError
from mobilis.schema import change, newest
from mobilis.settings import ROOT, Settings
from mobilis.store import Database, now

pytestmark = pytest.mark.door

PLACE = "place"


def silent(line: str) -> None:
    return


class Place:
    """A deployment: settings, a database and a model of its own."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder = folder
        root = folder / "project"
        for name in ("faq", "content", "assessment"):
            root.mkdir(exist_ok=True, parents=True)
            if not (root / name).exists():
                (root / name).symlink_to(ROOT / name)
        self.settings = replace(
            Settings(), project_dir=root, data_dir=folder / "var", database_url=url
        )
        self.database = Database(self.settings.database)

    def model(self, name: str) -> Path:
        path = self.settings.project_dir / "models" / "mobilis.tar.gz"
        path.parent.mkdir(exist_ok=True)
        metadata = self.folder / "metadata.json"
        metadata.write_text(json.dumps({"model_id": name * 32}))
        subprocess.run(["tar", "czf", path, "-C", self.folder, "metadata.json"], check=True)
        (path.parent / "encoder").write_text("e5")
        return path

    def back_up(self, key: Key | None = None, output: Path | None = None, **more: Any) -> Made:
        return back_up(self.settings, output, key, silent, **more)

    def restore(self, path: Path, key: Key | None = None, **more: Any) -> Restored:
        return restore(self.settings, path, key, silent, **more)

    def files(self) -> set[str]:
        """What is there, but for what SQLite has beside a database that is open."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        names = {str(p.relative_to(self.folder)) for p in found}
        return {n for n in names if not n.endswith(("-wal", "-shm", "metadata.json"))}

    def count(self, table: Any) -> int:
        with self.database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_place(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[str], Place]]:
    made: list[Place] = []

    def make(name: str, migrated: bool = False) -> Place:
        url = ""
        if kind == "postgres":
            server = request.getfixturevalue("postgres")
            url = server.create(f"{name}_{abs(hash(request.node.nodeid)):x}")
        place = Place(tmp_path / name, url)
        if migrated:
            change(place.settings.database)
        made.append(place)
        return place

    yield make
    for place in made:
        place.database.dispose()


@pytest.fixture
def filled(make_place: Any) -> Place:
    """A place with two conversations, a model and a secret."""
    place: Place = make_place("filled", True)
    with place.database.write() as connection:
        fill(connection, "first")
        fill(connection, "second")
    place.model("a")
    (place.settings.data_dir).mkdir(parents=True, exist_ok=True)
    (place.settings.data_dir / "secret").write_text("a secret of thirty-two characters")
    return place


@pytest.fixture
def key(tmp_path: Path) -> Key:
    make_key(tmp_path / "key")
    return read_key(tmp_path / "key")


# --- there and back


@pytest.mark.parametrize("encrypted", [True, False])
def test_everything_comes_back_in_an_empty_place(
    encrypted: bool, filled: Place, make_place: Any, key: Key
) -> None:
    used = key if encrypted else None
    made = filled.back_up(used)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert verify(made.path, used, filled.folder) == made.manifest
    place: Place = make_place("empty")
    done = place.restore(made.path, used)
    assert (done.erased_again, done.kept_aside) == (0, ())
    with place.database.read() as connection:
        assert holding(connection, "first") and holding(connection, "second")
        assert audit.verify(connection) is None
        [entry] = audit.find(connection, audit.Search(action=restoring.RESTORED), 5)
        assert made.manifest["made_at"] in entry.detail
        sums = copies.count_rows(connection)
    sums["audit"] -= 1
    sums |= {"staff_sessions": 0, "staff_sign_ins": 0}
    assert sums == made.manifest["database"]["rows"]
    models_folder = place.settings.project_dir / "models"
    assert sorted(path.name for path in models_folder.iterdir()) == ["encoder", "mobilis.tar.gz"]
    assert (place.settings.data_dir / "secret").exists() is encrypted
    assert bool([hint for hint in done.hints if "no secret" in hint]) is not encrypted


def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(
    filled: Place, make_place: Any
) -> None:
    """Each transaction writes two rows; nobody waits for the backup."""
    stop, written, slowest = threading.Event(), [0], [0.0]

    def write() -> None:
        while not stop.is_set():
            began = time.monotonic()
            with filled.database.write() as connection:
                for half in ("a", "b"):
                    values = {"channel": half, "at": now()}
                    values["id"] = f"{written[0]}-{half}"
                    connection.execute(insert(models.erasures).values(**values))
            written[0] += 1
            slowest[0] = max(slowest[0], time.monotonic() - began)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while written[0] < 20:
            time.sleep(0.01)
        made = [filled.back_up() for _ in range(3)]
        after = written[0]
    finally:
        stop.set()
        writer.join()
    assert after > 20
    place: Place = make_place("empty")
    place.restore(made[-1].path)
    with place.database.read() as connection:
        ids = set(connection.execute(select(models.erasures.c.id)).scalars())
    pairs = {name.partition("-")[0] for name in ids if name.endswith(("-a", "-b"))}
    assert 20 <= len(pairs) <= written[0]
    assert {f"{pair}-{half}" for pair in pairs for half in "ab"} <= ids


def test_an_older_schema_is_brought_up_to_date(filled: Place, make_place: Any) -> None:
    change(filled.settings.database, "0017")
    made = filled.back_up()
    assert made.manifest["database"]["revision"] == "0017"
    place: Place = make_place("empty")
    place.restore(made.path)
    with place.database.read() as connection:
        assert holding(connection, "second")


def test_a_newer_schema_is_refused(filled: Place, make_place: Any) -> None:
    with filled.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    made = filled.back_up()
    place: Place = make_place("empty")
    before = place.files()
    with pytest.raises(BackupRefused, match=rf"its schema is 9999, newer than {newest()}"):
        place.restore(made.path)
    assert place.files() == before


# --- what was erased since


def erase(place: Place, marker: str) -> str:
    with place.database.erase() as connection:
        query = select(models.leads.c.conversation_id).where(models.leads.c.name == marker)
        talk = str(connection.execute(query).scalar_one())
        privacy.erase_conversation(connection, talk, "web")
    return talk


def test_what_was_erased_after_the_backup_is_erased_again(filled: Place, make_place: Any) -> None:
    old = filled.back_up()
    talk = erase(filled, "first")
    with filled.database.erase() as connection:
        page = connection.execute(select(models.assessments.c.page_id)).scalar_one()
        assert privacy.erase_result(connection, page)
    noted = filled.back_up(erasures_alone=True)
    assert talk not in noted.path.read_bytes().decode("utf-8", "replace")
    place: Place = make_place("empty")
    done = place.restore(old.path, erasures=[noted.path])
    assert done.erased_again == 2
    with place.database.read() as connection:
        assert holding(connection, "first") == set()
        assert holding(connection, "second")
        assert connection.execute(select(models.assessments)).all() == []
        known = privacy.list_erasures(connection)
    assert len(known) == 2
    assert place.back_up().manifest["database"]["rows"]["erasures"] == 2


def test_a_newer_backup_tells_what_was_erased_too(filled: Place, make_place: Any, key: Key) -> None:
    old = filled.back_up(key)
    erase(filled, "first")
    new = filled.back_up(key)
    place: Place = make_place("empty")
    done = place.restore(old.path, key, erasures=[new.path])
    assert done.erased_again == 1
    with place.database.read() as connection:
        assert holding(connection, "first") == set()


def test_a_newer_file_beside_it_is_pointed_out(filled: Place, make_place: Any) -> None:
    old, new = filled.back_up(), filled.back_up(erasures_alone=True)
    place: Place = make_place("empty")
    assert any(new.path.name in hint for hint in place.restore(old.path).hints)


def test_a_list_alone_is_not_restored_and_says_so(filled: Place, make_place: Any) -> None:
    noted = filled.back_up(erasures_alone=True)
    with pytest.raises(BackupRefused, match="give it as --erasures"):
        make_place("empty").restore(noted.path)


# --- a place that is not empty


def test_a_filled_place_is_left_alone_unless_it_is_to_be_replaced(filled: Place, kind: str) -> None:
    made = filled.back_up()
    talk = erase(filled, "first")
    filled.model("b")
    with filled.database.write() as connection:
        fill(connection, "third")
    filled.database.dispose()
    before = filled.files()
    with pytest.raises(BackupRefused, match="the database is not empty: --replace"):
        filled.restore(made.path)
    assert filled.files() == before
    done = filled.restore(made.path, replace=True)
    assert len(done.kept_aside) == 3  # the database, the model, what it was trained with
    assert done.erased_again == 1  # known from what was replaced
    with filled.database.read() as connection:
        assert holding(connection, "second")
        assert holding(connection, "first") == holding(connection, "third") == set()
        assert not connection.execute(select(models.inbox).filter_by(conversation_id=talk)).all()
    if kind == "sqlite":
        aside = Database(f"sqlite:///{done.kept_aside[0]}")
        with aside.read() as connection:
            assert holding(connection, "third")
        aside.dispose()
    else:
        schema = done.kept_aside[0].split()[2]
        with filled.database.read() as connection:
            query = text(f'SELECT count(*) FROM "{schema}".conversations')
            assert connection.execute(query).scalar() == 2
        filled.database.dispose()
        again = filled.back_up()  # what was replaced is not in it
        assert again.manifest["database"]["rows"]["conversations"] == 1


def test_another_model_is_left_alone_unless_it_is_to_be_replaced(
    filled: Place, make_place: Any
) -> None:
    made = filled.back_up()
    place: Place = make_place("empty")
    mine = place.model("c")
    before = mine.read_bytes()
    with pytest.raises(BackupRefused, match=r"mobilis\.tar\.gz: another model is there"):
        place.restore(made.path)
    place.restore(made.path, with_model=False)
    assert mine.read_bytes() == before


def test_a_backup_without_the_model_restores_without_it(filled: Place, make_place: Any) -> None:
    made = filled.back_up(with_model=False)
    assert "model.tar.gz" not in made.manifest["parts"]
    place: Place = make_place("empty")
    place.restore(made.path)
    assert not (place.settings.project_dir / "models").exists()


def test_nothing_is_restored_below_processes_that_run(filled: Place, make_place: Any) -> None:
    made = filled.back_up()
    place: Place = make_place("empty")
    place.settings.data_dir.mkdir(exist_ok=True)
    (place.settings.data_dir / "pids.json").write_text(json.dumps({"door": os.getpid()}))
    with pytest.raises(BackupRefused, match="mobilis is running here: stop it first"):
        place.restore(made.path)
    (place.settings.data_dir / "pids.json").write_text("not JSON")
    place.restore(made.path)


def test_a_restore_that_fails_half_way_leaves_all_as_it_was(
    filled: Place, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    made = filled.back_up()
    with filled.database.write() as connection:
        fill(connection, "third")
    filled.model("b")
    filled.database.dispose()
    before = filled.files()

    def fail(*arguments: Any) -> int:
        raise StoreError("the database refused: it is a test")

    monkeypatch.setattr(privacy, "erase_again", fail)
    with pytest.raises(StoreError, match="it is a test"):
        filled.restore(made.path, replace=True)
    assert filled.files() == before
    with filled.database.read() as connection:
        assert holding(connection, "third")


# --- what is refused


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / PLACE)
    change(place.settings.database)
    with place.database.write() as connection:
        fill(connection, "first")
    place.model("a")
    yield place
    place.database.dispose()


def regions(size: int) -> list[int]:
    """Places of a file: its beginning, its end, and many between."""
    return sorted(
        {0, 1, 15, 100, 511, 513, 600, size - 1, size - 40, size - 100}
        | {size * part // 23 for part in range(23)}
    )


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_flipped_bit_anywhere_or_a_cut_is_seen(
    encrypted: bool, sqlite_place: Place, key: Key, tmp_path: Path
) -> None:
    used = key if encrypted else None
    made = sqlite_place.back_up(used)
    whole = made.path.read_bytes()
    broken, folder = tmp_path / "broken.backup", tmp_path / "empty"
    for place in regions(len(whole)):
        for data in (
            whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :],
            whole[:place],
            whole[:place] + whole[place + 1 :],
        ):
            broken.write_bytes(data)
            with pytest.raises(BackupRefused) as refused:
                Place(folder).restore(broken, used)
            assert str(refused.value).startswith(f"{broken}: ")
            assert "\n" not in str(refused.value)
    broken.write_bytes(whole + b"x")
    with pytest.raises(BackupRefused):
        verify(broken, used, tmp_path)
    assert Place(folder).files() == set()


def test_the_wrong_key_no_key_and_half_a_key_do_not_open(
    sqlite_place: Place, key: Key, tmp_path: Path
) -> None:
    made = sqlite_place.back_up(key)
    public = make_key(tmp_path / "other")
    with pytest.raises(BackupRefused, match=r"the key of .*other does not open it"):
        verify(made.path, read_key(tmp_path / "other"), tmp_path)
    with pytest.raises(BackupRefused, match="it is encrypted: --key-file is needed"):
        verify(made.path, None, tmp_path)
    (tmp_path / "half").write_text(f"# the server's\n{public}\n")
    half = read_key(tmp_path / "half")
    with pytest.raises(BackupRefused, match="holds the public half of a key"):
        verify(made.path, half, tmp_path)
    mine = sqlite_place.back_up(half)
    assert verify(mine.path, read_key(tmp_path / "other"), tmp_path) == mine.manifest
    assert b"first" not in mine.path.read_bytes()


def test_keys_that_are_none_are_told(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(BackupRefused, match=r"key: No such file"):
        read_key(path)
    path.write_text("hello")
    with pytest.raises(BackupRefused, match="there is no key in it"):
        read_key(path)
    path.write_text("AGE-SECRET-KEY-1NOTHING")
    with pytest.raises(BackupRefused, match="the key in it is broken"):
        read_key(path)
    with pytest.raises(BackupRefused, match="File exists"):
        make_key(path)
    assert path.read_text() == "AGE-SECRET-KEY-1NOTHING"


def test_what_is_no_backup_is_told(sqlite_place: Place, tmp_path: Path) -> None:
    path = tmp_path / "x.backup"
    with pytest.raises(BackupRefused, match=r"x\.backup: No such file"):
        verify(path, None, tmp_path)
    for data in (b"", b"hello", b"x" * 5000):
        path.write_bytes(data)
        with pytest.raises(BackupRefused, match=r"x\.backup: it is no backup"):
            verify(path, None, tmp_path)


def remade(sqlite_place: Place, target: Path, manifest: Any, parts: Any, work: Path) -> Path:
    target.unlink(missing_ok=True)
    sealed.write(target, parts, manifest, None, work)
    return target


def test_a_manifest_that_is_made_up_is_refused(
    sqlite_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sqlite_place.back_up()
    work = tmp_path / "work"
    work.mkdir()
    opened = sealed.open_file(made.path, None, work)
    about = dict(opened.manifest["database"])
    path = tmp_path / "again.backup"
    wrong = {**opened.manifest, "database": {**about, "rows": {**about["rows"], "inbox": 7}}}
    remade(sqlite_place, path, wrong, opened.parts, work)
    with pytest.raises(BackupRefused, match="not as many rows as were counted in: inbox"):
        Place(tmp_path / "empty").restore(path)
    monkeypatch.setattr(sealed, "FORMAT", 2)
    remade(sqlite_place, path, opened.manifest, opened.parts, work)
    monkeypatch.setattr(sealed, "FORMAT", 1)
    with pytest.raises(BackupRefused, match="its format is 2, which a newer version made"):
        verify(path, None, tmp_path)
    other = {**opened.manifest, "database": {**about, "kind": "postgresql"}}
    dump = {**opened.parts, "database.pgdump": opened.parts["encoder"]}
    remade(sqlite_place, path, other, dump, work)
    with pytest.raises(BackupRefused, match="pg_restore failed: "):
        verify(path, None, tmp_path)
    monkeypatch.setattr(copies, "check_dump", lambda part: None)
    with pytest.raises(BackupRefused, match="is of postgresql, and DATABASE_URL names sqlite"):
        Place(tmp_path / "empty").restore(path)
    assert Place(tmp_path / "empty").files() == set()


def test_parts_that_differ_from_the_manifest_or_are_missing_are_refused(
    sqlite_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, part = tmp_path / "x.backup", tmp_path / "encoder"
    part.write_text("x")
    monkeypatch.setattr(sealed, "_measured", lambda path: {"size": 1, "sha256": "0"})
    sealed.write(path, {"encoder": part}, {}, None, tmp_path)
    monkeypatch.undo()
    with pytest.raises(BackupRefused, match="encoder is not what the manifest says"):
        verify(path, None, tmp_path)
    path.unlink()
    monkeypatch.setattr(sealed.json, "dumps", lambda *a, **k: '{"format": 1, "parts": {"no": 1}}')
    sealed.write(path, {}, {}, None, tmp_path)
    with pytest.raises(BackupRefused, match="it is no backup"):
        verify(path, None, tmp_path)


def test_a_database_that_is_broken_is_not_backed_up(sqlite_place: Place) -> None:
    sqlite_place.database.dispose()
    file = copies.file_of(sqlite_place.settings.database)
    data = bytearray(file.read_bytes())
    data[4096 * 3 : 4096 * 3 + 400] = b"\xff" * 400
    before = sqlite_place.files()
    file.write_bytes(data)
    with pytest.raises(BackupRefused):
        sqlite_place.back_up()
    assert sqlite_place.files() == before
    file.write_bytes(b"not a database" * 1000)
    with pytest.raises(BackupRefused, match="cannot be copied"):
        sqlite_place.back_up()
    file.unlink()
    for alone in (True, False):
        with pytest.raises(BackupRefused, match="there is no database to back up"):
            sqlite_place.back_up(erasures_alone=alone)


def test_a_broken_database_can_be_replaced_and_is_kept(sqlite_place: Place) -> None:
    made = sqlite_place.back_up()
    sqlite_place.database.dispose()
    file = copies.file_of(sqlite_place.settings.database)
    for name in ("-wal", "-shm"):
        file.with_name(file.name + name).unlink(missing_ok=True)
    file.write_bytes(b"not a database" * 1000)
    with pytest.raises(BackupRefused, match="not empty"):
        sqlite_place.restore(made.path)
    [aside] = sqlite_place.restore(made.path, replace=True).kept_aside
    assert Path(aside).read_bytes().startswith(b"not a database")
    with sqlite_place.database.read() as connection:
        assert holding(connection, "first")


def test_a_full_disk_leaves_nothing(sqlite_place: Place, tmp_path: Path, key: Key) -> None:
    """Writing more than 200 kB to a file fails, as on a full disk."""
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2);"
        "from mobilis.cli import main; sys.exit(main(sys.argv[2:]))"
    )
    environment = {**os.environ, "MOBILIS_DATA_DIR": str(sqlite_place.settings.data_dir)}
    environment |= {"MOBILIS_PROJECT_DIR": str(sqlite_place.settings.project_dir)}
    environment["DATABASE_URL"] = ""
    (sqlite_place.settings.project_dir / "models" / "mobilis.tar.gz").write_bytes(os.urandom(10**6))
    before = sqlite_place.files()
    for most, more in ((5_000, []), (900_000, []), (900_000, ["--key-file", str(key.path)])):
        command = [sys.executable, "-W", "ignore", "-c", program, str(most), "backup", *more]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
        assert ended.returncode == 1, ended.stdout
        [said] = [line for line in ended.stderr.splitlines() if line.startswith("mobilis: ")]
        assert "large" in said or "full" in said or "I/O" in said
        assert sqlite_place.files() == before
        assert not list(sqlite_place.settings.data_dir.glob(".mobilis-*"))


def test_a_folder_that_cannot_be_written_to_is_told(
    sqlite_place: Place, tmp_path: Path, key: Key
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupRefused, match="Not a directory"):
        sqlite_place.back_up(output=tmp_path / "file" / "folder")
    with pytest.raises(BackupRefused, match="there is such a file already"):
        sqlite_place.back_up(output=tmp_path / "file")
    with pytest.raises(BackupRefused, match=r"^/proc/nothing: "):
        sqlite_place.back_up(output=Path("/proc/nothing"))


def test_a_name_that_is_taken_is_not_written_over(sqlite_place: Place, tmp_path: Path) -> None:
    path = tmp_path / "mine.backup"
    assert sqlite_place.back_up(output=path).path == path
    before = path.read_bytes()
    with pytest.raises(BackupRefused, match="there is such a file already"):
        sqlite_place.back_up(output=path)
    assert path.read_bytes() == before


def test_the_oldest_go_when_so_many_are_kept(sqlite_place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    noted = sqlite_place.back_up(output=folder, erasures_alone=True)
    made = [sqlite_place.back_up(output=folder, keep=2) for _ in range(4)]
    assert sorted(folder.iterdir()) == [noted.path, made[2].path, made[3].path]
    assert made[3].removed == (made[1].path,)
    for wrong in ({"keep": 0, "output": folder}, {"keep": 1, "output": tmp_path / "a.backup"}):
        with pytest.raises(SettingError, match=r"^--keep: 1 or more, in a folder$"):
            sqlite_place.back_up(**wrong)


def test_what_a_killed_backup_left_goes_with_the_next(sqlite_place: Place) -> None:
    left = sqlite_place.settings.data_dir / f"{sealed.WORKSHOP}left"
    left.mkdir()
    (left / "plain").write_text("not sealed")
    with sealed.workshop(sqlite_place.settings.data_dir) as held:
        assert not left.exists()
        sqlite_place.back_up()
        assert held.exists()


# --- PostgreSQL alone


def test_a_missing_program_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "glob", lambda *a: iter(()))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackupRefused, match=r"^pg_dump was not found: install .*postgresql-client"):
        copies.find_program("pg_dump")


def test_others_who_use_the_database_are_in_the_way(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with database_of("postgres", request, tmp_path) as database:
        place = Place(tmp_path / PLACE, database.url)
        made = place.back_up()
        with database.read() as connection:
            connection.execute(text("SELECT 1"))
            with pytest.raises(BackupRefused, match=r"^1 others use the database: stop them first"):
                place.restore(made.path, replace=True)
        database.dispose()
        place.restore(made.path, replace=True)
        place.database.dispose()


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    place = Place(tmp_path / PLACE, "postgresql://nobody:hunter2@127.0.0.1:9/nothing")
    with pytest.raises(StoreError, match="OperationalError") as refused:
        place.back_up()
    assert "hunter2" not in str(refused.value)


def test_what_a_program_says_is_told_without_the_password() -> None:
    with pytest.raises(BackupRefused, match=r"^false failed: code 1$"):
        copies.run(["/bin/false"], "postgresql://u:hunter2@h/n")
    assert "hunter2" not in copies._address("postgresql://u:hunter2@h:1/n?sslmode=require")


# --- the commands


def test_the_commands_say_what_they_did(
    sqlite_place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("MOBILIS_PROJECT_DIR", str(sqlite_place.settings.project_dir))
    monkeypatch.setenv("MOBILIS_DATA_DIR", str(sqlite_place.settings.data_dir))
    key, file = str(tmp_path / "key"), tmp_path / "one.backup"
    assert main(["backup", "key", key]) == 0
    assert main(["backup", "--output", str(file), "--key-file", key]) == 0
    said = capsys.readouterr()
    assert f"wrote {file} (" in said.out and "encrypted" in said.out
    assert "copying the database" in said.err and f"writing {file}" in said.err
    assert main(["backup", "verify", str(file), "--key-file", key, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["database"]["revision"] == newest()
    assert main(["backup", "verify", str(file)]) == 1
    assert "--key-file is needed" in capsys.readouterr().err
    assert main(["backup", "verify", str(file), "--key-file", key]) == 0
    assert "is whole; made at" in capsys.readouterr().out
    assert main(["restore", str(file), "--key-file", key]) == 1
    assert "not empty" in capsys.readouterr().err
    sqlite_place.database.dispose()
    assert main(["restore", str(file), "--key-file", key, "--replace"]) == 0
    said = capsys.readouterr()
    assert "kept aside: " in said.out and "erased again: 0" in said.out
    for _ in range(2):
        assert main(["backup", "--json", "--keep", "1", "--without-model"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(told["removed"]) == 1 and not told["manifest"]["encrypted"]
    assert main(["backup", "key", str(tmp_path / "k2"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["public"].startswith("age1")
    monkeypatch.setenv("MOBILIS_DATA_DIR", str(tmp_path / "other"))
    assert main(["restore", told["file"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["erased_again"] == 0
    assert making.FOLDER in told["file"]
