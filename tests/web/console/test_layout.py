"""What every page of the console has around it."""

from __future__ import annotations

import html

import pytest

from mobilis.web.console import layout

PROBLEM = "faq/cost.yml: answer.fr is <empty> {0}"


@pytest.mark.parametrize(
    ("language", "said"),
    [("fr", "Un fichier de contenu contient une erreur"), ("en", "A content file is wrong")],
)
def test_admins_are_told_of_a_content_file_that_is_wrong(sign_in, monkeypatch, language, said):
    admin = sign_in("admin", language=language)
    assert said not in admin.get("/queue").text
    monkeypatch.setattr(layout, "content_problem", lambda root: PROBLEM)
    for page in ("/queue", "/people"):
        shown = admin.get(page).text
        assert said in shown
        assert html.escape(PROBLEM) in shown
        assert PROBLEM not in shown


def test_nobody_else_is(sign_in, monkeypatch):
    monkeypatch.setattr(layout, "content_problem", lambda root: PROBLEM)
    assert "faq/cost.yml" not in sign_in("exporter").get("/queue").text
