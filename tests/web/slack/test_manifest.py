"""The app as it is declared to Slack: all that is used, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from fakes.slack import SCOPES as GRANTED

from mobilis import slack
from mobilis.settings import ROOT

MANIFEST = yaml.safe_load((ROOT / "deploy/slack/manifest.yaml").read_text(encoding="utf-8"))
FOLDER = ROOT / "mobilis" / "web" / "slack"
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.py")))
# What each method of the Web API needs, as its page on docs.slack.dev says.
NEEDS = {
    "auth_test": set(),
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": {"im:history"},
    "conversations_open": {"im:write"},
    "conversations_replies": {"channels:history", "groups:history", "mpim:history"},
    "users_info": {"users:read", "users:read.email"},
    "views_open": set(),
    "views_publish": set(),
}
HEARING = {"message.im": {"im:history"}, "app_mention": {"app_mentions:read"}}


def methods() -> set[str]:
    """The methods of Slack's client that the channel calls."""
    called = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and re.fullmatch(
                r"(chat|conversations|users|views|auth)_[a-zA-Z]+", node.attr
            ):
                called.add(node.attr)
    return called


def urls(value: object) -> list[str]:
    if isinstance(value, dict):
        return [url for one in value.values() for url in urls(one)]
    if isinstance(value, list):
        return [url for one in value for url in urls(one)]
    return [value] if isinstance(value, str) and value.startswith("https:") else []


def test_every_event_that_is_heard_is_declared_and_no_other():
    assert MANIFEST["settings"]["event_subscriptions"]["bot_events"] == sorted(slack.EVENTS)
    for event in slack.EVENTS:
        assert f'"{event.partition(".")[0]}"' in SOURCE, event


def test_every_command_is_declared_and_no_other():
    declared = [one["command"] for one in MANIFEST["features"]["slash_commands"]]
    assert declared == sorted(slack.COMMANDS)


def test_the_shortcut_is_declared_and_no_other():
    [shortcut] = MANIFEST["features"]["shortcuts"]
    assert (shortcut["callback_id"], shortcut["type"]) == (slack.SHORTCUT, "global")


def test_every_permission_that_is_used_is_declared_and_no_other():
    assert methods() == set(NEEDS)
    needed = set().union(*NEEDS.values(), *HEARING.values(), {"commands"})
    assert MANIFEST["oauth_config"]["scopes"] == {"bot": sorted(needed)}
    assert needed == set(slack.SCOPES)
    assert set(GRANTED.split(",")) == needed


@pytest.mark.parametrize("url", sorted(set(urls(MANIFEST))))
def test_every_address_is_one_that_we_answer_at(url):
    path = url.removeprefix("https://chat.example.org")
    assert path in (slack.EVENTS_PATH, slack.REDIRECT_PATH)


def test_every_address_that_slack_sends_to_is_declared():
    assert {url.removeprefix("https://chat.example.org") for url in urls(MANIFEST)} == {
        slack.EVENTS_PATH,
        slack.REDIRECT_PATH,
    }


def test_people_may_write_in_the_messages_tab():
    home = MANIFEST["features"]["app_home"]
    assert home["home_tab_enabled"]
    assert home["messages_tab_enabled"]
    assert not home["messages_tab_read_only_enabled"]


def test_the_declaration_keeps_slacks_own_limits():
    shown = MANIFEST["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    [shortcut] = MANIFEST["features"]["shortcuts"]
    assert len(shortcut["name"]) <= 24
    assert len(shortcut["description"]) <= 150
    for command in MANIFEST["features"]["slash_commands"]:
        assert len(command["command"]) <= 32
        assert len(command["description"]) <= 100


def test_tokens_do_not_expire_since_they_are_never_renewed():
    assert MANIFEST["settings"]["token_rotation_enabled"] is False
