"""Announcements to staff on Slack: their blocks, and the button by which somebody takes the case.

Whoever presses it is known by the e-mail address that their workspace has of them; one of another
workspace (a shared channel), a guest or a bot is nobody here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from mobilis.bulletins import CASES, KIND
from mobilis.claims import Claim, claim
from mobilis.conversations import Message
from mobilis.errors import DeliveryError
from mobilis.web.door import Door
from mobilis.web.slack.api import Slack
from mobilis.web.slack.blocks import BUTTON, FALLBACK, SECTION, Look, Shown, escape, render

ACTION, LINK = "claim", "claim_link"  # action ids of the two buttons
_ANNOUNCEMENT = re.compile(r"[0-9a-f]{32}")

logger = logging.getLogger(__name__)


def show(message: Message, look: Look) -> Shown:
    """`text` and `blocks` of a message, to a visitor or to staff."""
    return announced(message) if message["kind"] == KIND else render(message, look)


def announced(message: Message) -> Shown:
    """An announcement. What comes from people is plain text, which Slack reads no markup in."""
    told = message[KIND]
    blocks: list[dict[str, Any]] = [
        _section("mrkdwn", f"*{escape(told['title'])}*"),
        *([_section("plain_text", "\n".join(told["facts"]))] if told["facts"] else []),
        *([_section("plain_text", f"✓ {told['settled']}")] if told["settled"] else []),
    ]
    buttons = [_link(told["link"], told["url"])]
    if told["claim"]:
        press = {"action_id": ACTION, "value": message["id"], "style": "primary"}
        buttons.insert(0, {"type": "button", "text": _plain(told["claim"]), **press})
    blocks.append({"type": "actions", "elements": buttons})
    return {"text": escape(message["text"])[:FALLBACK], "blocks": blocks}


def _section(kind: str, text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": kind, "text": text[:SECTION]}}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text[:BUTTON]}


def _link(title: str, url: str) -> dict[str, Any]:
    return {"type": "button", "action_id": LINK, "text": _plain(title), "url": url}


class Claims:
    """Presses of the button, already verified to come from Slack."""

    def __init__(self, door: Door, slack: Slack) -> None:
        self._door = door
        self._slack = slack

    async def press(self, body: Mapping[str, Any], workspace: str) -> None:
        """Somebody wants a case. The sender shows the message anew; who did not get it is told why,
        alone."""
        user, channel = body["user"]["id"], (body.get("channel") or {}).get("id", "")
        try:
            done = await self._claim(body, workspace, user, channel)
        except DeliveryError as error:
            logger.warning("a claim on Slack: %s", error)
            done = Claim("unavailable")
        if done.outcome != "claimed":
            await self._tell(workspace, channel, user, done)

    async def _claim(
        self, body: Mapping[str, Any], workspace: str, user: str, channel: str
    ) -> Claim:
        wanted = str(body["actions"][0].get("value"))
        if not _ANNOUNCEMENT.fullmatch(wanted):
            return Claim("unknown")
        if workspace not in _homes(body["user"], body.get("enterprise"), workspace):
            return Claim("stranger")
        answer = await self._slack.call(workspace, lambda client: client.users_info(user=user))
        person = answer.get("user") or {}
        if not _is_of(person, workspace):
            return Claim("stranger")
        email = (person.get("profile") or {}).get("email")
        if not isinstance(email, str) or not email:
            return Claim("no_email")
        return await self._door.write(claim, ("slack", f"{workspace}/{channel}"), wanted, [email])

    async def _tell(self, workspace: str, channel: str, user: str, done: Claim) -> None:
        words = self._door.wording.announcements
        language = self._door.settings.notices_language
        text = words[f"claim_{done.outcome}"][language].format(owner=done.owner)
        blocks = [_section("plain_text", text)]
        if done.conversation_id:
            path = CASES.format(id=done.conversation_id)
            url = self._door.settings.public_url.rstrip("/") + path
            link = _link(words["open_case"][language], url)
            blocks.append({"type": "actions", "elements": [link]})
        await self._slack.call(
            workspace,
            lambda client: client.chat_postEphemeral(
                channel=channel, user=user, text=escape(text), blocks=blocks
            ),
        )


def _is_of(person: Mapping[str, Any], workspace: str) -> bool:
    """Whether somebody is a full member of the workspace, whose address it vouches for."""
    others = ("deleted", "is_bot", "is_stranger", "is_restricted", "is_ultra_restricted")
    if any(person.get(name) for name in others) or person.get("is_email_confirmed") is False:
        return False
    return workspace in _homes(person, person.get("enterprise_user"), workspace)


def _homes(person: Mapping[str, Any], organization: Any, unless_told: str) -> set[str]:
    """Where somebody belongs: their workspace, and the organization where that has the app."""
    whole = organization if isinstance(organization, Mapping) else {}
    found = [person.get("team_id"), whole.get("enterprise_id"), whole.get("id")]
    if unless_told.startswith("T"):
        found = [person.get("team_id", unless_told)]
    return {home for home in found if isinstance(home, str)}
