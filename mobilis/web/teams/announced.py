"""Announcements to staff on Teams: their cards, and the button by which somebody takes the case.

Whoever presses it is known by the addresses that the organization's directory has of them; a guest,
whose address is another organization's to give, is nobody here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mobilis.announcements import Key
from mobilis.bulletins import KIND
from mobilis.claims import Claim, claim
from mobilis.conversations import Message
from mobilis.errors import DeliveryError
from mobilis.places import Place
from mobilis.web.door import Door
from mobilis.web.teams.activities import CHANNEL, CLAIM, Activity, short_key
from mobilis.web.teams.cards import CARD, LONGEST_TITLE, VERSION, escape
from mobilis.web.teams.connector import Connector

ASKED = ("avis ici", "notices here")  # what tells whoever writes it how the place is called
GUEST = "#ext#"  # in the names of people of other organizations


def target_key(tenant: str, conversation: str) -> str:
    """What a place is called among those that are told: a channel, whatever the thread in it."""
    return short_key(f"{tenant}/{conversation.partition(';')[0]}")


def setting_of(place: Place) -> str:
    """The setting that has a place told."""
    conversation = place.reference["conversation"].partition(";")[0]
    return (
        f"MOBILIS_NOTICES_TEAMS={place.workspace},{conversation},{place.reference['service_url']}"
    )


def announced(message: Message) -> dict[str, Any]:
    """The activity of an announcement."""
    told = message[KIND]
    lines = [_text(told["title"], weight="Bolder", style="heading")]
    lines += [_text(fact, spacing="Small") for fact in told["facts"]]
    if told["settled"]:
        item = _text(f"✓ {told['settled']}", weight="Bolder")
        lines.append({"type": "Container", "style": "good", "items": [item], "separator": True})
    actions = [{"type": "Action.OpenUrl", "title": told["link"], "url": told["url"]}]
    if told["claim"]:
        actions.insert(0, _button(told["claim"][:LONGEST_TITLE], message["id"]))
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": VERSION,
        "lang": message["language"],
        "speak": told["title"],
        "fallbackText": told["title"],
        "msteams": {"width": "Full"},
        "body": [*lines, {"type": "ActionSet", "actions": actions}],
    }
    return {
        "type": "message",
        "locale": message["language"],
        "summary": told["title"],
        "attachments": [{"contentType": CARD, "content": card}],
    }


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": escape(text), "wrap": True, **more}


def _button(title: str, announcement_id: str) -> dict[str, Any]:
    data = {CLAIM: announcement_id}
    submit = {"type": "Action.Submit", "title": title, "data": data}
    execute = {"type": "Action.Execute", "title": title, "verb": CLAIM, "data": data}
    return {**execute, "fallback": submit}


async def take_claim(door: Door, connector: Connector, activity: Activity) -> str:
    """Somebody wants a case; the sentence for them alone. The card is shown anew by the sender."""
    place = activity.place
    try:
        done = await _claim(door, connector, place, activity.choice)
    except DeliveryError:
        done = Claim("unavailable")
    sentence = door.wording.announcements[f"claim_{done.outcome}"]
    return sentence[door.settings.notices_language].format(owner=done.owner)


async def _claim(door: Door, connector: Connector, place: Place, announcement_id: str) -> Claim:
    conversation = place.reference["conversation"].partition(";")[0]
    key: Key = (CHANNEL, target_key(place.workspace, conversation))
    member = await connector.member(
        place.reference["service_url"], conversation, place.reference["person"]
    )
    if not _is_of(member, place.workspace):
        return Claim("stranger")
    emails = [member.get(name) for name in ("userPrincipalName", "email")]
    known = [email for email in emails if isinstance(email, str) and email]
    if not known:
        return Claim("no_email")
    return await door.write(claim, key, announcement_id, known)


def _is_of(member: Mapping[str, Any], tenant: str) -> bool:
    """Whether somebody belongs to the organization, which vouches for their address."""
    if str(member.get("userRole", "")).lower() in ("guest", "anonymous"):
        return False
    if GUEST in str(member.get("userPrincipalName", "")).lower():
        return False
    return str(member.get("tenantId") or tenant).lower() == tenant
