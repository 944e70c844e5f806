"""More than can be answered: what Slack brings is acknowledged, kept and answered all the same."""

from __future__ import annotations

import threading

from fakes.slack import Person


def test_what_slack_brings_is_kept_while_the_website_is_refused(
    open_slack, slack, brain, eventually
):
    free = threading.Event()
    echo = brain.script
    brain.script = lambda question: (free.wait(20), echo(question))[1]
    door = open_slack(queue=1, turn_timeout=20)
    people = [Person(slack, door.http, user=f"U{number}") for number in range(1, 6)]
    try:
        assert [person.says("allo").status_code for person in people] == [200] * 5
        refused = door.http.post("/api/conversations", json={"language": "fr"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
    finally:
        free.set()
    eventually(lambda: all("echo allo" in slack.said(person.direct) for person in people))
    assert len(slack.posts) == 10  # greetings and answers, each once
    assert eventually(lambda: door.visitor().hears("ça va?")[0]["text"]) == "echo ça va?"
