"""A secret that is kept in the database is opened by our own secret alone."""

from __future__ import annotations

from mobilis.sealing import Seal


def test_what_is_sealed_is_opened_again():
    sealed = Seal("our secret", "tokens").close("xoxb-1 é")
    assert "xoxb" not in sealed
    assert Seal("our secret", "tokens").open(sealed) == "xoxb-1 é"


def test_the_same_secret_is_sealed_otherwise_each_time():
    seal = Seal("our secret", "tokens")
    assert seal.close("a") != seal.close("a")


def test_another_secret_or_purpose_opens_nothing():
    sealed = Seal("our secret", "tokens").close("a")
    assert Seal("their secret", "tokens").open(sealed) is None
    assert Seal("our secret", "cookies").open(sealed) is None


def test_what_was_changed_opens_no_more():
    seal = Seal("our secret", "tokens")
    sealed = seal.close("a")
    for changed in (sealed[:-2] + "xx", sealed[1:], "", "é"):
        assert seal.open(changed) is None
