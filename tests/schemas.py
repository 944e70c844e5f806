"""Databases with the schema of today, copied from one that was migrated: what `migrate` does takes
long when many tests want a database of their own."""

from __future__ import annotations

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

import psycopg2
from sqlalchemy.engine import make_url

from mobilis.store import migrate

TEMPLATE = "mobilis_template"


def migrated(url: str) -> None:
    """Give a database of a test's own its schema; whatever it holds is gone."""
    if make_url(url).get_backend_name() == "sqlite":
        path = Path(str(make_url(url).database))
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_file(), path)
    else:
        server, _, name = url.rpartition("/")
        _template(server)
        _run(
            server,
            f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)',
            f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}',
        )


@lru_cache(maxsize=1)
def _file() -> Path:
    path = Path(tempfile.mkdtemp(prefix="mobilis-schema-")) / "schema.db"
    migrate(f"sqlite:///{path}")
    return path


@lru_cache(maxsize=4)
def _template(server: str) -> None:
    _run(server, f"CREATE DATABASE {TEMPLATE}")
    migrate(f"{server}/{TEMPLATE}")


def _run(server: str, *statements: str) -> None:
    connection = psycopg2.connect(f"{server}/postgres")
    connection.autocommit = True  # databases are made and dropped outside transactions
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()
