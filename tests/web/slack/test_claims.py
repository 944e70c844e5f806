"""Staff are told in a channel of Slack, and claim cases there: who may, and what shows."""

from __future__ import annotations

import json

import pytest
from fakes.slack import Person, broken, refused
from hostile import PAYLOADS
from sqlalchemy import select, update
from talks import Talk

from mobilis import audit, staff
from mobilis.casework import set_owner, stamp
from mobilis.models import announcement_targets, announcements, cases
from mobilis.web.slack.announced import _homes
from mobilis.workspaces import Workspace, find_workspace, mark_gone, save_workspace

CLAIM, OPEN = "Prendre en charge", "Ouvrir le dossier"


@pytest.fixture
def told_door(open_slack, slack):
    """A front door that tells staff in C9, and people of staff there by their addresses."""
    slack.teams["T1"].emails = {"U1": "Ann@Exemple.ca", "U2": "bo@exemple.ca"}
    return open_slack(notices_slack="T1/C9")


@pytest.fixture
def ann(database):
    with database.write() as connection:
        return staff.add_person(
            connection, email="ann@exemple.ca", name="Ann Roy", role="triager", language="fr"
        )


@pytest.fixture
def presser(slack, told_door):
    return lambda user="U1", **more: Person(slack, told_door.http, user=user, **more)


@pytest.fixture
def lead(told_door, database, slack, eventually):
    """Somebody declares their interest; the message about it."""
    eventually(lambda: targets(database))
    talk = Talk(database, "fr")
    talk.say("bonjour")
    talk.lead("interest", name="Marie Tremblay", email="marie@exemple.ca", message="secret")
    talk.project()
    [post] = eventually(lambda: [post for post in slack.posts if post.channel == "C9"])
    eventually(lambda: states(database) == ["sent"])
    return talk, post


def targets(database):
    with database.read() as connection:
        return connection.execute(select(announcement_targets)).all()


def states(database):
    with database.read() as connection:
        return list(connection.scalars(select(announcements.c.state)))


def owner(database, talk):
    with database.read() as connection:
        own = cases.c.conversation_id == talk.id
        return connection.scalar(select(cases.c.owner_id).where(own))


def test_a_lead_is_told_with_facts_and_a_link_and_nothing_personal(lead):
    talk, post = lead
    shown = json.dumps(post.blocks, ensure_ascii=False) + post.text
    assert "Nouvelle déclaration d'intérêt" in post.says()
    assert "A déclaré son intérêt (30)" in post.says()
    assert post.buttons()[OPEN]["url"] == f"https://chat.example.org/console/cases/{talk.id}"
    assert not any(word in shown for word in ("Marie", "Tremblay", "exemple.ca", "secret"))


def test_a_press_makes_the_case_theirs_and_the_message_says_so(
    lead, presser, ann, database, eventually, slack
):
    talk, post = lead
    assert presser().presses(CLAIM, post).status_code == 200
    eventually(lambda: post.edits == 1)
    assert owner(database, talk) == ann.id
    assert "✓ Pris en charge par Ann Roy (" in post.says()
    assert CLAIM not in post.buttons() and OPEN in post.buttons()
    with database.read() as connection:
        entry = [e for e in audit.entries(connection) if e.action == "case.claim"][-1]
    assert (entry.actor, entry.action, entry.subject) == (ann.id, "case.claim", f"case:{talk.id}")
    assert json.loads(entry.detail) == {"by": "slack"}
    assert slack.alone == []


def test_a_second_press_says_who_has_it(lead, presser, ann, database, eventually, slack):
    talk, post = lead
    with database.write() as connection:
        staff.add_person(connection, email="bo@exemple.ca", name="Bo", role="admin")
    presser().presses(CLAIM, post)
    eventually(lambda: owner(database, talk) == ann.id)
    presser("U2").presses(CLAIM, post)
    [told] = eventually(lambda: slack.alone)
    assert told["user"] == "U2" and told["channel"] == "C9"
    assert told["text"] == "Ann Roy a déjà pris ce dossier en charge."
    assert f"/console/cases/{talk.id}" in json.dumps(told["blocks"])
    presser().presses(CLAIM, post)
    eventually(lambda: slack.alone[1:])
    assert slack.alone[1]["text"] == "Ce dossier est déjà le vôtre."
    assert owner(database, talk) == ann.id


@pytest.mark.parametrize("why", ["unknown", "viewer", "closed account"])
def test_who_has_no_account_that_may_act_claims_nothing(
    lead, presser, database, eventually, slack, why
):
    talk, post = lead
    with database.write() as connection:
        if why != "unknown":
            role = "viewer" if why == "viewer" else "admin"
            one = staff.add_person(connection, email="ann@exemple.ca", name="Ann", role=role)
            if why == "closed account":
                own = update(staff.staff).where(staff.staff.c.id == one.id)
                connection.execute(own.values(active=False))
    presser().presses(CLAIM, post)
    [told] = eventually(lambda: slack.alone)
    assert "Votre adresse n'est pas celle d'un compte de la console" in told["text"]
    assert f"/console/cases/{talk.id}" in json.dumps(told["blocks"])
    assert owner(database, talk) is None


@pytest.mark.parametrize(
    "trait",
    ["deleted", "is_bot", "is_stranger", "is_restricted", "is_ultra_restricted", "of T2"],
)
def test_an_address_that_the_workspace_does_not_vouch_for_counts_for_nothing(
    lead, presser, ann, database, eventually, slack, trait
):
    talk, post = lead
    traits = {"team_id": "T2"} if trait == "of T2" else {trait: True}
    slack.teams["T1"].traits = {"U1": traits}
    presser().presses(CLAIM, post)
    [told] = eventually(lambda: slack.alone)
    assert "Votre adresse n'est pas" in told["text"]
    assert owner(database, talk) is None


def test_who_comes_from_another_workspace_claims_nothing(
    lead, presser, ann, database, eventually, slack
):
    talk, post = lead
    presser().presses(CLAIM, post, user={"id": "U1", "team_id": "T2"})
    [told] = eventually(lambda: slack.alone)
    assert "Votre adresse n'est pas" in told["text"]
    assert slack.called("users.info") == []
    assert owner(database, talk) is None


def test_without_the_scope_for_addresses_the_console_is_where_to_claim(
    lead, presser, ann, database, eventually, slack
):
    talk, post = lead
    slack.teams["T1"].emails = {}
    presser().presses(CLAIM, post)
    [told] = eventually(lambda: slack.alone)
    assert "Prenez le dossier en charge dans la console" in told["text"]
    assert owner(database, talk) is None


def test_a_press_in_another_channel_or_of_another_id_claims_nothing(
    lead, presser, ann, database, eventually, slack
):
    talk, post = lead
    action = {**post.buttons(first=True)[CLAIM], "action_ts": "1.1"}
    presser().presses(CLAIM, post, channel={"id": "C1"})
    eventually(lambda: slack.alone)
    for value in ("0" * 32, "x", "'; DROP TABLE cases", None):
        presser().presses(CLAIM, post, actions=[{**action, "value": value}])
    eventually(lambda: len(slack.alone) == 5)
    assert {told["text"][:34] for told in slack.alone} == {"Ce dossier ne peut pas être pris e"}
    assert owner(database, talk) is None


def test_a_forged_press_claims_nothing(lead, presser, ann, database):
    talk, post = lead
    assert presser(secret="another").presses(CLAIM, post).status_code == 401
    assert owner(database, talk) is None


def test_who_claims_in_the_console_shows_on_slack_and_so_does_who_gives_it_back(
    lead, ann, database, eventually
):
    talk, post = lead

    def give(to):
        with database.write() as connection:
            own = cases.c.conversation_id == talk.id
            seen = stamp(connection.scalar(select(cases.c.changed_at).where(own)))
            set_owner(connection, ann, talk.id, seen, to)

    give(ann.id)
    eventually(lambda: post.edits == 1)
    assert "✓ Pris en charge par Ann Roy" in post.says() and CLAIM not in post.buttons()
    give("")
    eventually(lambda: post.edits == 2)
    assert CLAIM in post.buttons()


def test_a_case_that_is_closed_shows_so_and_cannot_be_claimed(
    lead, presser, ann, database, eventually, slack
):
    talk, post = lead
    with database.write() as connection:
        own = update(cases).where(cases.c.conversation_id == talk.id)
        connection.execute(own.values(status="closed", close_reason="spam"))
    eventually(lambda: post.edits == 1)
    assert "✓ Le dossier est fermé." in post.says() and CLAIM not in post.buttons()
    presser().presses(CLAIM, post)
    [told] = eventually(lambda: slack.alone)
    assert "Ce dossier est fermé" in told["text"]


def test_slack_that_is_busy_or_broken_is_tried_again_and_told_once(
    told_door, database, slack, eventually
):
    eventually(lambda: targets(database))
    slack.next["chat.postMessage"] += [refused("ratelimited", 429, Retry_After="0"), broken(502)]
    slack.lose["chat.postMessage"] = 0
    talk = Talk(database, "fr")
    talk.lead("person")
    talk.project()
    eventually(lambda: states(database) == ["sent"])
    assert len(slack.posts) == 1
    assert "demande à parler à une personne" in slack.posts[0].says()


def test_an_answer_that_is_lost_leads_to_no_second_message(told_door, database, slack, eventually):
    eventually(lambda: targets(database))
    slack.lose["chat.postMessage"] = 1
    talk = Talk(database, "fr")
    talk.lead("person")
    talk.project()
    eventually(lambda: states(database) == ["sent"])
    assert len(slack.posts) == 1


def test_a_token_that_is_revoked_ends_it_and_the_console_says_so(
    told_door, database, slack, eventually
):

    def noted() -> Workspace | None:
        with database.read() as connection:
            return find_workspace(connection, "T1")

    eventually(lambda: targets(database) and noted())
    slack.teams["T1"].revoked = "token_revoked"
    talk = Talk(database, "fr")
    talk.lead("person")
    talk.project()

    def told() -> set[tuple[str, str]]:
        query = select(announcements.c.kind, announcements.c.state)
        with database.read() as connection:
            return {tuple(row) for row in connection.execute(query)}

    eventually(lambda: told() == {("person", "failed"), ("gone", "failed")})


def test_slack_that_does_not_answer_a_claim_is_told_to_who_pressed(
    lead, presser, ann, database, eventually, slack
):
    talk, post = lead
    slack.next["users.info"].append(broken(503))
    presser().presses(CLAIM, post)
    [told] = eventually(lambda: slack.alone)
    assert "Réessayez dans un instant" in told["text"]
    assert owner(database, talk) is None


def test_another_workspace_that_is_gone_is_told(told_door, database, slack, eventually):
    eventually(lambda: targets(database))
    with database.write() as connection:
        save_workspace(connection, Workspace("T7", "Amis <!channel>", "A1", "B", "", None))
        mark_gone(connection, "T7", "app_uninstalled")
    [post] = eventually(lambda: slack.posts)
    assert "Où\u00a0: Slack, Amis <!channel>." in post.says()
    assert "<!channel>" not in post.text
    assert CLAIM not in post.buttons()


@pytest.mark.parametrize(
    ("person", "organization", "workspace", "counts"),
    [
        ({"team_id": "T1"}, None, "T1", True),
        ({}, None, "T1", True),
        ({"team_id": "T2"}, {"id": "T1"}, "T1", False),
        ({"team_id": "T2"}, {"enterprise_id": "E1"}, "E1", True),
        ({"team_id": "T2"}, {"id": "E1"}, "E1", True),
        ({"team_id": "T2"}, {"id": "E2"}, "E1", False),
        ({"team_id": ["T2"]}, "E1", "E1", False),
        ({}, None, "E1", False),
    ],
)
def test_where_somebody_belongs_counts(person, organization, workspace, counts):
    assert (workspace in _homes(person, organization, workspace)) is counts


def test_a_name_that_may_be_shown_is_only_text(open_slack, slack, database, eventually):
    open_slack(notices_slack="T1/C9", notices_detail="name", notices_language="en")
    eventually(lambda: targets(database))
    names = [*PAYLOADS, "<!channel> *a* <https://x.ca|b>"]
    for name in names:
        talk = Talk(database, "fr")
        talk.lead("interest", name=name, email="a@exemple.ca")
        talk.project()
    eventually(lambda: len(slack.posts) == len(names))
    for name, post in zip(names, slack.posts):
        facts = post.blocks[1]["text"]
        assert facts["type"] == "plain_text"
        assert f"Name: {' '.join(name.split())}" in facts["text"]
        assert "<" not in post.text and ">" not in post.text
