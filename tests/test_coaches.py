"""The coach directory: the CSV file, what is kept of it, and the search."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schemas import migrated
from sqlalchemy import select

from mobilis.coach_file import COLUMNS as WITH_ADDRESS
from mobilis.coach_file import FILE_LIMIT, LIMITS, LISTS, MAY_LACK, read_rows
from mobilis.coaches import (
    Coach,
    SearchResult,
    all_coaches,
    get_coach,
    import_coaches,
    search,
)
from mobilis.errors import ImportRefused, StoreError
from mobilis.facets import FACETS
from mobilis.models import coaches as table
from mobilis.store import Database

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "coaches" / "sample.csv"
COLUMNS = tuple(column for column in WITH_ADDRESS if column not in MAY_LACK)
HEADER = ",".join(COLUMNS)
GOOD = {
    "id": "ana-fiction",
    "name": "Ana Fiction",
    "languages": "fr;en",
    "regions": "QC;ON",
    "topics": "housing",
    "levels": "municipal",
    "bio_fr": "Profil fictif.",
    "bio_en": "Fictional profile.",
    "url": "https://example.org/ana",
    "accepting": "yes",
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/mobilis.db"
    migrated(url)
    database = Database(url)
    yield database
    database.dispose()


def write(folder: Path, *rows: dict[str, str], header: Sequence[str] = COLUMNS) -> Path:
    """A CSV file of `rows`, each like GOOD with some fields changed."""
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({**GOOD, **row} for row in rows)
    path = folder / "coaches.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(ImportRefused) as raised:
        read_rows(path)
    assert str(raised.value) == "\n".join(raised.value.problems)
    return raised.value.problems


# The sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> list[Coach]:
    url = f"sqlite:///{tmp_path_factory.mktemp('sample')}/mobilis.db"
    migrated(url)
    database = Database(url)
    import_coaches(database, SAMPLE)
    found = all_coaches(database)
    database.dispose()
    return found


def test_the_sample_is_clearly_fictional(sample: list[Coach]) -> None:
    assert len(sample) >= 60
    for coach in sample:
        assert coach.name.endswith("-Fiction")
        assert coach.bio["fr"].startswith("Profil fictif\u00a0:")
        assert coach.bio["en"].startswith("Fictional profile:")
        assert coach.url == f"https://example.org/coachs/{coach.id}"


def test_the_sample_holds_every_value_of_every_facet(sample: list[Coach]) -> None:
    for facet, values in FACETS.items():
        by_name = {
            value
            for coach in sample
            if coach.accepting and not coach.has_all(facet)
            for value in coach.values(facet)
        }
        assert by_name >= set(values) - ({"fr", "en"} if facet == "language" else set())
    assert sum(coach.has_all("region") for coach in sample) >= 3
    assert not all(coach.accepting for coach in sample)


def test_searches_of_the_sample_give_a_handful(sample: list[Coach]) -> None:
    counts = Counter(
        len(search(sample, {"region": [region], "topic": [topic]}).matches)
        for region, topic in itertools.product(FACETS["region"], FACETS["topic"])
    )
    assert set(counts) <= set(range(1, 7))


# Importing


def test_an_imported_coach_is_kept_whole(database: Database, tmp_path: Path) -> None:
    assert import_coaches(database, write(tmp_path, {"regions": "*", "accepting": "Non"})) == 1
    assert all_coaches(database) == [
        Coach(
            id="ana-fiction",
            name="Ana Fiction",
            languages=("en", "fr"),
            regions=FACETS["region"],
            topics=("housing",),
            levels=("municipal",),
            bio={"fr": "Profil fictif.", "en": "Fictional profile."},
            url="https://example.org/ana",
            accepting=False,
        )
    ]


def test_a_coach_is_found_by_id(database: Database, tmp_path: Path) -> None:
    import_coaches(database, write(tmp_path, {}))
    found = get_coach(database, "ana-fiction")
    assert found is not None
    assert found.name == "Ana Fiction"
    assert get_coach(database, "nobody") is None


def test_importing_again_replaces_by_id_and_keeps_the_others(
    database: Database, tmp_path: Path
) -> None:
    import_coaches(database, write(tmp_path, {}, {"id": "bo-fiction"}))
    import_coaches(
        database, write(tmp_path, {"name": "Ana Nouvelle-Fiction"}, {"id": "cy-fiction"})
    )
    names = {coach.id: coach.name for coach in all_coaches(database)}
    assert names == {
        "ana-fiction": "Ana Nouvelle-Fiction",
        "bo-fiction": "Ana Fiction",
        "cy-fiction": "Ana Fiction",
    }


def test_one_bad_row_and_nothing_is_imported(database: Database, tmp_path: Path) -> None:
    import_coaches(database, write(tmp_path, {}))
    before = all_coaches(database)
    with pytest.raises(ImportRefused):
        import_coaches(
            database, write(tmp_path, {"name": "Other"}, {"id": "bo", "regions": "Quebec"})
        )
    assert all_coaches(database) == before


def test_a_database_that_refuses_is_an_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(StoreError):
        import_coaches(database, write(tmp_path, {}))
    with pytest.raises(StoreError):
        all_coaches(database)
    with pytest.raises(StoreError):
        get_coach(database, "ana-fiction")
    database.dispose()


# What a file may look like


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    path = write(tmp_path, {}, header=COLUMNS[::-1])
    assert read_rows(path)[0]["name"] == "Ana Fiction"


def test_a_file_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    text = (
        f'{HEADER}\r\nana , Ana Fiction,fr; en;fr,QC,*,*,"Deux\r\nlignes",Two,,OUI\r\n,,,,,,,,,\r\n'
    )
    path = tmp_path / "coaches.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    (row,) = read_rows(path)
    assert row["id"] == "ana"
    assert row["languages"] == ["en", "fr"]
    assert row["topics"] == list(FACETS["topic"])
    assert row["bio"] == {"fr": "Deux lignes", "en": "Two"}
    assert row["url"] is None
    assert row["accepting"] is True


def addresses(database: Database) -> dict[str, str | None]:
    with database.read() as connection:
        return dict(connection.execute(select(table.c.id, table.c.email)).all())


def test_a_file_may_hold_addresses_that_only_the_table_keeps(
    database: Database, tmp_path: Path
) -> None:
    rows = ({"id": "a", "email": "ana@example.org"}, {"id": "b", "email": ""})
    import_coaches(database, write(tmp_path, *rows, header=WITH_ADDRESS))
    assert addresses(database) == {"a": "ana@example.org", "b": None}
    shown = [replace(coach, url=None) for coach in all_coaches(database)]
    assert "example.org" not in repr(shown)


def test_a_file_without_addresses_takes_none_away(database: Database, tmp_path: Path) -> None:
    row = {"id": "a", "email": "ana@example.org"}
    import_coaches(database, write(tmp_path, row, header=WITH_ADDRESS))
    import_coaches(database, write(tmp_path, {"id": "a"}, {"id": "b"}))
    assert addresses(database) == {"a": "ana@example.org", "b": None}
    import_coaches(database, write(tmp_path, {**row, "email": ""}, header=WITH_ADDRESS))
    assert addresses(database)["a"] is None


def test_the_addresses_of_the_sample_are_fictional(database: Database) -> None:
    import_coaches(database, SAMPLE)
    given = addresses(database)
    assert all(email == f"{id}@coachs.example.org" for id, email in given.items())


@pytest.mark.parametrize(
    "email",
    [
        *("ana", "ana@example", "ana@example.org;b@example.org", "Ana <ana@example.org>"),
        *("ana @example.org", f"{'x' * 250}@example.org"),
    ],
)
def test_what_is_no_address_is_named(tmp_path: Path, email: str) -> None:
    path = write(tmp_path, {"email": email}, header=WITH_ADDRESS)
    wanted = "line 2: email must be one address, such as name@example.org"
    assert wanted in problems(path)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"id": ""}, "id: a value is missing"),
        ({"id": "Ana F"}, "id may only have a-z, 0-9 and single hyphens"),
        ({"name": "  "}, "name: a value is missing"),
        ({"name": "x" * 121}, "name is longer than 120 characters"),
        ({"name": "Ana\x07"}, "name holds a control character"),
        ({"languages": "es"}, "languages: 'es' is not a language"),
        ({"languages": ";"}, "languages: a value is missing"),
        ({"regions": "QC;Quebec"}, "regions: 'Quebec' is not a region"),
        ({"topics": "Housing"}, "topics: 'Housing' is not a topic"),
        ({"levels": "local"}, "levels: 'local' is not a level"),
        ({"bio_fr": ""}, "bio_fr: a value is missing"),
        ({"bio_en": "x" * 601}, "bio_en is longer than 600 characters"),
        (
            {"url": "http://example.org"},
            "url: the address must start with https:// and name a site",
        ),
        ({"url": "https://"}, "url: the address must start with https:// and name a site"),
        ({"url": "https://[x"}, "url: the address must start with https:// and name a site"),
        ({"url": "https://a b"}, "url: the address must start with https:// and name a site"),
        (
            {"url": "javascript:alert(1)"},
            "url: the address must start with https:// and name a site",
        ),
        ({"accepting": "maybe"}, "accepting: the answer is yes or no"),
        ({"accepting": ""}, "accepting: a value is missing"),
    ],
)
def test_a_bad_field_is_named_with_its_line(
    tmp_path: Path, row: dict[str, str], problem: str
) -> None:
    assert problems(write(tmp_path, {"id": "first"}, row)) == [f"line 3: {problem}"]


def test_every_problem_is_named(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"id": "a", "bio_fr": "Deux\nlignes"},
        {"id": "a", "regions": "XX;YY", "url": "x"},
        {"id": "b", "name": ""},
    )
    assert problems(path) == [
        "line 4: regions: 'XX' is not a region",
        "line 4: regions: 'YY' is not a region",
        "line 4: url: the address must start with https:// and name a site",
        "line 4: id 'a' stands in line 2 already",
        "line 5: name: a value is missing",
    ]


def test_a_long_wrong_value_is_shortened(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, {"regions": "x" * 5000}))
    assert len(problem) < 100


def test_columns_are_checked(tmp_path: Path) -> None:
    header = [*(column for column in COLUMNS if column != "levels"), "phone", "name"]
    path = tmp_path / "coaches.csv"
    path.write_text(",".join(header) + "\nx" + "," * (len(header) - 1), encoding="utf-8")
    assert problems(path) == [
        "line 1: the column levels is missing",
        "line 1: 'phone' is not a column",
        "line 1: the column name stands there twice",
    ]


def test_semicolons_between_columns_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "coaches.csv"
    path.write_text(HEADER.replace(",", ";"), encoding="utf-8")
    assert problems(path) == ["line 1: separate the columns with commas, not semicolons"]


def test_a_row_of_another_length_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "coaches.csv"
    path.write_text(f"{HEADER}\n\nana,Ana", encoding="utf-8")
    assert problems(path) == [
        "line 3: 2 fields instead of 10; put quotes around a text with a comma"
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the file holds no coach"),
        (b"\n\n", "the file holds no coach"),
        (HEADER.encode(), "the file holds no coach"),
        (HEADER.encode() + b"\n" + b"Ren\xe9", "line 2: not UTF-8; save the file as « CSV UTF-8 »"),
        (HEADER.encode() + b'\nana,"Ana', "line 2: not CSV: unexpected end of data"),
        (b"x" * (FILE_LIMIT + 1), "larger than"),
        (b"PK\x03\x04\x00\x00", "line 1: "),
        (b'"' + b"x" * 200_000 + b'"', "line 1: not CSV: field larger than field limit"),
    ],
)
def test_what_is_no_csv_file_is_refused(tmp_path: Path, data: bytes, problem: str) -> None:
    path = tmp_path / "coaches.csv"
    path.write_bytes(data)
    assert problem in problems(path)[0]


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.csv") == [f"{tmp_path}/none.csv: No such file or directory"]
    assert "directory" in problems(tmp_path)[0]


FIELDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["fr", "en;fr", "QC", "*", "housing", "municipal", "yes", "https://a.ca", "a"]),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, FIELDS)), max_size=3))
def test_any_fields_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]
) -> None:
    lines = [
        ",".join('"' + row[column].replace('"', '""') + '"' for column in COLUMNS) for row in rows
    ]
    check_file(tmp_path_factory, "\n".join([HEADER, *lines]).encode("utf-8", "surrogatepass"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, header: bool
) -> None:
    check_file(tmp_path_factory, HEADER.encode() + b"\n" + data if header else data)


def check_file(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(data)
    try:
        rows = read_rows(path)
    except ImportRefused as refused:
        assert refused.problems
        assert all(problem and "\n" not in problem for problem in refused.problems)
        return
    assert rows
    for row in rows:
        assert all(row[column] for column in ("id", "name", *LISTS))
        assert len(row["name"]) <= LIMITS["name"]
        for column, facet in LISTS.items():
            assert set(row[column]) <= set(FACETS[facet])


# Searching


def coach(
    identifier: str,
    languages: str = "en",
    regions: str = "QC",
    topics: str = "housing",
    levels: str = "municipal",
    accepting: bool = True,
) -> Coach:
    return Coach(
        id=identifier,
        name=identifier.title(),
        languages=tuple(languages.split()),
        regions=FACETS["region"] if regions == "*" else tuple(regions.split()),
        topics=tuple(topics.split()),
        levels=tuple(levels.split()),
        bio={"fr": "Profil fictif.", "en": "Fictional profile."},
        accepting=accepting,
    )


def found(result: SearchResult) -> list[str]:
    return [match.coach.id for match in result.matches]


def test_without_wishes_everybody_is_found() -> None:
    result = search([coach("b"), coach("a")], {})
    assert found(result) == ["a", "b"]
    assert result.relaxed == ()


def test_in_an_empty_directory_nobody_is_found() -> None:
    assert search([], {"region": ["QC"]}) == SearchResult(())


def test_facets_must_all_match_and_values_are_alternatives() -> None:
    coaches = [
        coach("both", regions="QC", topics="housing"),
        coach("other-region", regions="ON", topics="housing"),
        coach("elsewhere", regions="BC", topics="housing"),
        coach("other-topic", regions="QC", topics="health"),
    ]
    result = search(coaches, {"region": ["QC", "ON"], "topic": ["housing"]})
    assert found(result) == ["both", "other-region"]


def test_two_languages_mean_a_bilingual_coach() -> None:
    coaches = [coach("english"), coach("bilingual", languages="en fr")]
    assert found(search(coaches, {"language": ["en", "fr"]})) == ["bilingual"]
    assert found(search(coaches, {"language": ["en"]})) == ["bilingual", "english"]


def test_reasons_say_what_matched() -> None:
    (match,) = search(
        [coach("a", regions="QC ON", topics="housing health")],
        {"region": ["QC", "BC"], "topic": ["health"], "level": []},
    ).matches
    assert match.reasons == (("region", "QC"), ("topic", "health"))


def test_those_who_match_more_come_first_then_by_id() -> None:
    coaches = [
        coach("c", topics="housing health"),
        coach("b"),
        coach("a"),
        coach("national", regions="*"),
        coach("a-national", regions="*"),
    ]
    result = search(coaches, {"region": ["QC"], "topic": ["housing", "health"]})
    assert found(result) == ["c", "a", "b", "a-national", "national"]
    assert search(coaches[::-1], {"region": ["QC"], "topic": ["housing", "health"]}) == result


def test_those_who_do_not_accept_are_never_found() -> None:
    coaches = [coach("closed", accepting=False), coach("open", regions="ON")]
    result = search(coaches, {"region": ["QC"]})
    assert found(result) == ["open"]
    assert result.relaxed == ("region",)


@pytest.mark.parametrize(
    ("languages", "regions", "topics", "levels", "relaxed"),
    [
        ("fr", "QC", "health", "federal", ()),
        ("fr", "QC", "health", "municipal", ("level",)),
        ("fr", "QC", "housing", "federal", ("topic",)),
        ("fr", "QC", "housing", "municipal", ("level", "topic")),
        ("fr", "ON", "health", "federal", ("region",)),
        ("fr", "ON", "housing", "municipal", ("level", "topic", "region")),
        ("en", "QC", "health", "federal", ("language",)),
        ("en", "ON", "housing", "municipal", ("level", "topic", "region", "language")),
    ],
)
def test_what_had_to_be_given_up_is_said(
    languages: str, regions: str, topics: str, levels: str, relaxed: tuple[str, ...]
) -> None:
    wishes = {"region": ["QC"], "language": ["fr"], "topic": ["health"], "level": ["federal"]}
    result = search([coach("a", languages, regions, topics, levels)], wishes)
    assert result.relaxed == relaxed
    assert {facet for facet, _ in result.matches[0].reasons} == set(wishes) - set(relaxed)


def test_light_wishes_are_given_up_before_the_language() -> None:
    coaches = [
        coach("right-language", "fr", "ON", "housing", "municipal"),
        coach("wrong-language", "en", "QC", "health", "federal"),
    ]
    wishes = {"region": ["QC"], "language": ["fr"], "topic": ["health"], "level": ["federal"]}
    result = search(coaches, wishes)
    assert found(result) == ["right-language"]
    assert result.relaxed == ("level", "topic", "region")
