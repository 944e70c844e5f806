"""What comes from Slack, read: who spoke where, and what they typed without Slack's own marks.

Pure.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mobilis.places import Place

CHANNEL = "slack"
# A message of a person may carry a file, or be shown in the channel too; other subtypes are news.
SAID = (None, "file_share", "thread_broadcast")
DIRECT = "D"  # what the id of a direct message begins with

_SPECIAL = re.compile(r"<([^<>]*)>")
_NOT_OF_IDS = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Spoken:
    """A post of a person: where, who, and its id, which is the same however often it is sent."""

    place: Place
    user: str
    message_id: str
    text: str

    @property
    def channel(self) -> str:
        return str(self.place.reference["channel"])


def read_post(event: Mapping[str, Any], workspace: str, bot_user: str | None) -> Spoken | None:
    """The post of an event `message` or `app_mention`, or None when it is not for us: of a bot, an
    edit, somebody who joins, or said in a channel without mentioning us."""
    channel, user, ts = event.get("channel"), event.get("user"), event.get("ts")
    if not (channel and user and ts) or event.get("bot_id") or user == bot_user:
        return None
    if event.get("subtype") not in SAID:
        return None
    if event["type"] == "message" and event.get("channel_type") != "im":
        return None
    if channel.startswith(DIRECT):
        place = direct(workspace, user, channel)
    else:
        place = thread(workspace, channel, event.get("thread_ts") or ts, user)
    said = plain(event.get("text") or "", bot_user)
    return Spoken(place, user, message_id(channel, ts), said)


def direct(workspace: str, user: str, channel: str) -> Place:
    """A direct message with a person. Its channel may not be known yet."""
    reference = {"user": user, "channel": channel}
    return Place(CHANNEL, f"{workspace}/{user}", workspace, reference)


def thread(workspace: str, channel: str, ts: str, user: str) -> Place:
    """A thread of a channel, together with a person."""
    reference = {"user": user, "channel": channel, "thread": ts}
    return Place(CHANNEL, f"{workspace}/{channel}/{ts}/{user}", workspace, reference)


def is_public(place: Place) -> bool:
    """Whether others read along."""
    return "thread" in place.reference


def message_id(*parts: str) -> str:
    """An id for the inbox, made of what Slack calls something."""
    return _NOT_OF_IDS.sub("-", "-".join(parts))[:64]


def plain(text: str, bot_user: str | None = None) -> str:
    """What somebody typed: Slack's links, mentions and entities are taken apart."""

    def unwrap(match: re.Match[str]) -> str:
        return _unwrap(match[1], bot_user)

    return html.unescape(_SPECIAL.sub(unwrap, text)).strip()


def _unwrap(inside: str, bot_user: str | None) -> str:
    target, _, label = inside.partition("|")
    if target.startswith("@"):
        return "" if target[1:] == bot_user or not label else f"@{label.lstrip('@')}"
    if target.startswith("#"):
        return f"#{label}" if label else ""
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    if target.startswith(("mailto:", "tel:")):
        return target.partition(":")[2]
    return f"{label} ({target})" if label and label not in target else target
