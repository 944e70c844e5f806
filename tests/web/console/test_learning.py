"""The pages of learning: what is shown, what one click decides, how it is undone and refused."""

from __future__ import annotations

import html
import re
import shutil

import pytest
import yaml
from sqlalchemy import select
from talks import Talk

from mobilis import freshness, staff
from mobilis.cli import main
from mobilis.decisions import decide
from mobilis.models import audit, missed_decisions, outbox, unhandled
from mobilis.privacy import erase_conversation
from mobilis.ratings import rate
from mobilis.results import keep_unhandled
from mobilis.settings import ROOT
from mobilis.turns import Reply

XSS = "<img src=x onerror=alert(1)> zigouigoui"
EVERYTHING = {"zigouigoui", "castors", "bobcats of english"}
GUESSES = [
    {"label": "faq/cost", "confidence": 0.41},
    {"label": "faq/timeline", "confidence": 0.2},
    {"label": "nothing_known", "confidence": 0.1},
]


@pytest.fixture
def lose(database):
    """Somebody writes something that is not understood; the key of the text."""

    def lose(text, outcome="lost", question=None, language="fr", times=1):
        for _ in range(times):
            talk = Talk(database, language)
            message = talk.say(text, "nlu_fallback")
            keep_unhandled(
                database,
                conversation_id=talk.id,
                message_id=message,
                language=language,
                outcome=outcome,
                guesses=GUESSES,
                question=question,
            )
            talk.project()
        with database.read() as connection:
            query = select(unhandled.c.key).where(unhandled.c.conversation_id == talk.id)
            return connection.execute(query).scalar_one()

    return lose


def decided(database):
    with database.read() as connection:
        rows = connection.execute(select(missed_decisions))
        return {row.key: (row.label, row.text) for row in rows}


def audited(database, action):
    with database.read() as connection:
        query = select(audit.c.detail).where(audit.c.action == action)
        return list(connection.execute(query.order_by(audit.c.number)).scalars())


def words(answer) -> str:
    """What a page says, without markup and with single spaces."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


def test_like_messages_stand_together_with_what_they_may_mean(sign_in, lose):
    lose("zigouigoui combien ca coute au juste", times=3)
    lose("zigouigoui combien ça coûte au juste là", outcome="clarified")
    lose("une tout autre affaire de castors", question="aim")
    page = words(sign_in("triager").get("/learning"))
    assert "2 groupes de messages semblables" in page
    assert "4 messages, 2 textes" in page
    assert "non compris 3 fois" in page and "« vouliez-vous dire » 1 fois" in page
    assert "41 % de confiance" in page
    assert "Question ouverte" in page
    assert "nothing_known" not in page


def test_the_page_is_in_the_persons_language(sign_in, lose):
    lose("zigouigoui")
    page = words(sign_in("triager", language="en").get("/learning"))
    assert "What the assistant did not understand" in page
    assert "41% sure" in page and "Out of scope" in page


def test_nothing_that_a_visitor_wrote_becomes_markup(sign_in, lose):
    key = lose(XSS)
    colleague = sign_in("triager")
    for path in ("/learning", f"/learning/texts/{key}", "/learning?state=all"):
        text = colleague.get(path).text
        assert "<img" not in text
        assert "&lt;img src=x" in text


def test_one_click_says_what_a_text_means_and_it_is_no_more_to_do(sign_in, lose, database):
    key = lose("zigouigoui", times=2)
    colleague = sign_in("triager")
    answer = colleague.post("/learning/decide", "/learning", key=key, label="faq/cost", at="0")
    assert answer.status_code == 303
    assert decided(database) == {key: ("faq/cost", None)}
    page = words(colleague.get(answer.headers["location"].removeprefix("/console")))
    assert "C'est noté : 1 texte signifie" in page and "Il ne reste rien à décider" in page
    listed = words(colleague.get("/learning?state=decided"))
    assert "selon Camille triager" in listed and "Sera appris" in listed
    assert audited(database, "learning.decided")[-1] == '{"label": "faq/cost", "texts": 1}'


def test_a_decision_is_about_what_is_written_later_too(sign_in, lose, database):
    key = lose("zigouigoui")
    colleague = sign_in("triager")
    colleague.post("/learning/decide", "/learning", key=key, label="faq/cost")
    assert lose("ZIGOUIGOUI!") == key
    assert "Il ne reste rien à décider" in words(colleague.get("/learning"))


def test_a_whole_group_is_decided_at_once_but_what_is_masked(sign_in, lose, database):
    keys = [lose(f"zigouigoui combien ça coûte{more}") for more in ("", " donc", " [nom]")]
    colleague = sign_in("triager")
    assert "Les 2 premiers textes signifient" in words(colleague.get("/learning"))
    answer = colleague.post("/learning/decide", "/learning", key=keys, label="out_of_scope")
    assert decided(database) == dict.fromkeys(keys[:2], ("out_of_scope", None))
    page = words(colleague.get(answer.headers["location"].removeprefix("/console")))
    assert "2 textes signifient « Hors sujet »" in page
    assert "1 autre texte du groupe doit d'abord être reformulé" in page
    assert "Un renseignement personnel est masqué" in page


def test_what_one_click_decided_is_undone_by_another(sign_in, lose, database):
    keys = [lose("zigouigoui un"), lose("zigouigoui deux")]
    colleague = sign_in("triager")
    answer = colleague.post("/learning/decide", "/learning", key=keys, ignore="1")
    batch = re.search(r"done=([0-9a-f]+)", answer.headers["location"])[1]
    assert set(decided(database).values()) == {(None, None)}
    answer = colleague.post("/learning/decide", "/learning", batch=batch, undo="1")
    assert decided(database) == {}
    page = words(colleague.get(answer.headers["location"].removeprefix("/console")))
    assert "La décision est retirée" in page
    assert audited(database, "learning.undone")[-1] == '{"texts": 2}'


def test_a_single_decision_is_taken_back(sign_in, lose, database):
    one, other = lose("zigouigoui"), lose("castors")
    colleague = sign_in("triager")
    colleague.post("/learning/decide", "/learning", key=[one, other], ignore="1")
    colleague.post("/learning/decide", "/learning", key=one, undo="1")
    assert list(decided(database)) == [other]


def test_a_masked_text_is_reworded_first(sign_in, lose, database):
    key = lose("je suis [nom] et je zigouigoui")
    colleague = sign_in("triager")
    page = f"/learning/texts/{key}"
    send = {"key": key, "label": "faq/cost", "alone": "1"}
    for text in ("je suis [nom]", "", "/restart", "x" * 401, "!!!"):
        answer = colleague.post("/learning/decide", page, **send, text=text)
        assert answer.status_code == 422, text
        assert 'role="alert"' in answer.text
        assert "faq/cost" in re.search(r'value="(\S+)" selected', answer.text)[1]
    assert decided(database) == {}
    kept = colleague.post("/learning/decide", page, **send, text=" je  zigouigoui ")
    assert kept.status_code == 303
    assert decided(database) == {key: ("faq/cost", "je zigouigoui")}
    assert "Sera appris ainsi : je zigouigoui" in words(colleague.get("/learning?state=decided"))


def test_from_the_list_a_masked_text_is_refused_in_words(sign_in, lose, database):
    key = lose("je suis [nom]")
    colleague = sign_in("triager")
    answer = colleague.post("/learning/decide", "/learning", key=key, label="faq/cost")
    assert answer.headers["location"] == "/console/learning?problem=masked"
    assert "contient un renseignement masqué" in words(colleague.get("/learning?problem=masked"))
    assert decided(database) == {}


@pytest.mark.parametrize("label", ["", "nothing_known", "faq/none", "answer/aim/zz", XSS])
def test_a_label_that_is_none_is_refused(sign_in, lose, database, label):
    key = lose("zigouigoui")
    colleague = sign_in("triager")
    answer = colleague.post("/learning/decide", "/learning", key=key, label=label)
    assert answer.headers["location"] == "/console/learning?problem=label"
    alone = colleague.post("/learning/decide", "/learning", key=key, label=label, alone="1")
    assert alone.status_code == 422 and "<img" not in alone.text
    assert decided(database) == {}


def test_a_text_that_is_gone_cannot_be_decided_about(sign_in, lose, database):
    colleague = sign_in("triager")
    fields = {"label": "faq/cost"}
    assert colleague.post("/learning/decide", "/learning", **fields).status_code == 404
    assert colleague.post("/learning/decide", "/learning", key="x", **fields).status_code == 404
    assert colleague.get("/learning/texts/unknown").status_code == 404


def test_a_form_from_elsewhere_decides_nothing(sign_in, lose, database):
    key = lose("zigouigoui")
    colleague = sign_in("triager")
    fields = {"csrf": "wrong", "key": key, "label": "faq/cost"}
    assert colleague.http.post("/console/learning/decide", data=fields).status_code == 403
    assert colleague.http.get("/console/learning/decide").status_code == 405
    assert decided(database) == {}


def test_a_text_shows_where_it_was_written(sign_in, lose, database):
    key = lose("zigouigoui", times=2)
    page = sign_in("triager").get(f"/learning/texts/{key}")
    assert len(re.findall(r'href="/console/cases/[0-9a-f]{32}"', page.text)) == 2
    assert "non compris 2 fois" in words(page)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("language=en", {"bobcats of english"}),
        ("language=fr", {"zigouigoui", "castors"}),
        ("outcome=clarified", {"castors"}),
        ("label=faq/cost&language=fr", {"zigouigoui", "castors"}),
        ("label=faq/privacy", set()),
        ("since=2999-01-01", set()),
        ("until=2020-01-01", set()),
        ("state=decided", set()),
        (
            "state=zz&language=zz&since=x&page=-3&until=%00",
            EVERYTHING,
        ),
        ("page=99999", EVERYTHING),
    ],
)
def test_filters_are_in_the_address(sign_in, lose, query, shown):
    lose("zigouigoui")
    lose("castors", outcome="clarified")
    lose("bobcats of english", language="en")
    page = sign_in("triager").get(f"/learning?{query}")
    assert page.status_code == 200
    assert set(re.findall(r"<h2 id=\"said-\d+\"><q[^>]*>([^<]*)</q>", page.text)) == shown


def test_there_are_pages(sign_in, lose):
    for word in "abcdefghijklmnopqrstu":
        lose(f"{word * 4} {word * 6}")
    page = sign_in("triager").get("/learning")
    assert "Page 1 de 2" in words(page)
    assert 'rel="next" href="/console/learning?page=2"' in page.text


def test_an_empty_list_says_so(sign_in):
    colleague = sign_in("triager")
    for state, sentence in (
        ("todo", "Il ne reste rien à décider"),
        ("decided", "Aucune décision"),
        ("all", "a tout compris"),
    ):
        assert sentence in words(colleague.get(f"/learning?state={state}"))
    answer = colleague.get("/learning/review.yml")
    assert answer.status_code == 303
    assert "rien à télécharger" in words(colleague.get("/learning?state=all&empty=1"))


def test_the_file_is_that_of_the_command(sign_in, lose, database, settings, capsys, monkeypatch):
    key = lose("zigouigoui tout neuf", times=2)
    ignored = lose("castors")
    lose("bobcats", language="en")
    colleague = sign_in("triager")
    colleague.post("/learning/decide", "/learning", key=key, label="faq/cost")
    colleague.post("/learning/decide", "/learning", key=ignored, ignore="1")
    answer = colleague.get("/learning/review.yml")
    assert answer.headers["content-disposition"].startswith('attachment; filename="mobilis-review')
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    assert main(["learn", "export"]) == 0
    assert answer.text == capsys.readouterr().out
    found = {one["text"]: one for one in yaml.safe_load(answer.text)["messages"]}
    assert set(found) == {"zigouigoui tout neuf", "bobcats"}
    assert (found["zigouigoui tout neuf"]["label"], found["zigouigoui tout neuf"]["accept"]) == (
        "faq/cost",
        True,
    )
    assert found["bobcats"]["accept"] is False
    only = yaml.safe_load(colleague.get("/learning/review.yml?decided=1").text)["messages"]
    assert [one["text"] for one in only] == ["zigouigoui tout neuf"]
    assert audited(database, "learning.exported")[-1] == '{"texts": 1}'


def test_what_was_decided_is_learned_and_leaves_the_list(
    lose, database, settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(freshness, "LOOK_SECONDS", 0.001)  # each command is a process of its own
    project = tmp_path / "project"
    for name in ("faq", "content", "assessment", "data", "tests/evaluation"):
        shutil.copytree(ROOT / name, project / name)
    shutil.copy(ROOT / "domain.yml", project)
    monkeypatch.setenv("MOBILIS_PROJECT_DIR", str(project))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    keys = [lose(text) for text in ("zigouigoui tout neuf", "zigouigoui tout neuf!! là")]
    with database.write() as connection:
        person = staff.add_person(connection, email="a@exemple.ca", name="A", role="admin")
        decide(connection, person, project, keys, "faq/cost")
    file = tmp_path / "review.yml"
    assert main(["learn", "export", "--decided", "--output", str(file)]) == 0
    assert main(["learn", "apply", str(file)]) == 0
    written = (project / "faq/cost.yml").read_text(encoding="utf-8")
    assert "- zigouigoui tout neuf\n" in written
    again = tmp_path / "again.yml"
    assert main(["learn", "export", "--decided", "--output", str(again)]) == 0
    assert not again.exists()


def test_a_decision_goes_with_the_last_message_that_it_is_about(sign_in, lose, database):
    key = lose("zigouigoui", times=2)
    sign_in("triager").post("/learning/decide", "/learning", key=key, label="faq/cost")
    with database.read() as connection:
        talks = connection.execute(select(unhandled.c.conversation_id)).scalars().all()
    for number, talk in enumerate(talks, 1):
        with database.write() as connection:
            erase_conversation(connection, talk, "web")
        assert len(decided(database)) == (1 if number == 1 else 0)


# --- answers


@pytest.fixture
def asked(database):
    """Somebody asked what it costs, said no, and found the answer of no help."""
    talk = Talk(database)
    own = {"faq": {"id": "cost", "sources": []}}
    talk.say("combien?", "faq", [Reply("Gratuit.", "fr", "faq", (), own)], faq="cost")
    talk.say("non", "deny")
    talk.project()
    with database.write() as connection:
        query = select(outbox.c.id).where(outbox.c.conversation_id == talk.id)
        rate(connection, talk.id, connection.execute(query).scalars().first(), False)
    return talk


def test_each_answer_is_shown_with_what_followed(sign_in, asked):
    page = sign_in("triager").get("/learning/answers")
    cost = re.search(r'<th role="rowheader" scope="row">[^<]*</th>(.*?)</tr>', page.text, re.DOTALL)
    assert re.findall(r">(\d+)<", cost[1]) == ["1", "0", "1", "1", "0", "0"]
    assert "Jamais demandées" in words(page)
    later = words(sign_in("triager").get("/learning/answers?since=2999-01-01"))
    assert "Aucune réponse n'a été donnée dans cette période" in later


def test_a_number_leads_to_the_cases_it_counts(sign_in, asked):
    colleague = sign_in("triager", language="en")
    for kind in ("", "refused", "unhelpful"):
        page = colleague.get(f"/learning/answers/cost?kind={kind}")
        assert f'href="/console/cases/{asked.id}"' in page.text
        assert "Not helpful" in words(page) and "“No”" in words(page)
    for kind in ("helpful", "person", "missed"):
        page = colleague.get(f"/learning/answers/cost?kind={kind}")
        assert asked.id not in page.text
        assert "nothing of the kind" in words(page)
    assert colleague.get("/learning/answers/unknown").status_code == 404
    assert colleague.get("/learning/answers/cost?kind=zz&until=zz").status_code == 200


def test_the_case_says_what_the_visitor_thought_of_the_answer(sign_in, asked):
    assert "L'a trouvée inutile" in words(sign_in("triager").get(f"/cases/{asked.id}"))
