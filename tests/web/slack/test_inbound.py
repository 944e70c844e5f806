"""What people type on Slack, without Slack's marks; ids and places."""

from __future__ import annotations

import pytest

from mobilis.web.slack.inbound import direct, is_public, message_id, plain, read_post, thread


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("bonjour", "bonjour"),
        ("<mailto:a@b.ca|a@b.ca>", "a@b.ca"),
        ("<tel:+15145550199|514 555-0199>", "+15145550199"),
        ("<https://x.ca/page>", "https://x.ca/page"),
        ("<https://x.ca/page|x.ca/page>", "https://x.ca/page"),
        ("<https://x.ca|la page>", "la page (https://x.ca)"),
        ("<@UBOT> combien?", "combien?"),
        ("<@UBOT|mobilis> combien?", "combien?"),
        ("combien <@UBOT> ?", "combien  ?"),
        ("<@U9>", ""),
        ("<@U9|ann> dit", "@ann dit"),
        ("<#C1|general>", "#general"),
        ("<#C1>", ""),
        ("<!here>", "@here"),
        ("<!subteam^S1|@equipe>", "@equipe"),
        ("<!date^139^{date}|hier>", "hier"),
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ("&amp;lt;", "&lt;"),
        ("3 &lt; 4", "3 < 4"),
        ("  espace  ", "espace"),
        ("", ""),
        ("/restart", "/restart"),
    ],
)
def test_slacks_marks_are_taken_apart(typed, text):
    assert plain(typed, "UBOT") == text


def test_a_post_without_an_author_a_place_or_a_time_is_not_one():
    event = {"type": "message", "channel_type": "im", "channel": "D1", "user": "U1", "ts": "1.1"}
    assert read_post({**event, "text": None}, "T1", None)
    for name in ("channel", "user", "ts"):
        assert read_post({**event, name: None}, "T1", None) is None


def test_an_id_is_one_that_the_inbox_takes():
    assert message_id("C012AB", "1700000000.123456") == "C012AB-1700000000-123456"
    assert len(message_id("x" * 100)) == 64


def test_places_say_whether_others_read_along():
    assert not is_public(direct("T1", "U1", "D1"))
    assert is_public(thread("T1", "C1", "1.1", "U1"))
    assert direct("T1", "U1", "D1").key == direct("T1", "U1", "").key
    assert thread("T1", "C1", "1.1", "U1").key != thread("T1", "C1", "1.1", "U2").key
