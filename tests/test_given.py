"""Files that are handed to a command: read as they are, or refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobilis.errors import FileRefused
from mobilis.given import read_given


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, ": there is no such file"),
        (b"", ": the file is empty"),
        (b" \n\t\n", ": the file is empty"),
        (b"\xef\xbb\xbf", ": the file is empty"),
        ("allô\nçà\n".encode("latin-1"), ":1: the line is not UTF-8"),
        (b"un\ndeux\n\xfftrois\n", ":3: the line is not UTF-8"),
        (b"\xef\xbb\xbfun\n\xff", ":2: the line is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "given.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileRefused) as error:
        read_given(path)
    assert str(error.value) == f"{path}{problem}"


def test_a_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as error:
        read_given(tmp_path)
    assert str(error.value) == f"{tmp_path}: Is a directory"


def test_the_mark_of_some_editors_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "given.txt"
    path.write_bytes("\ufeffallô\r\nça va\n".encode())
    assert read_given(path) == "allô\r\nça va\n"
