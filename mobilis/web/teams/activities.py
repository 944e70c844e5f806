"""Activities of the Bot Framework as what they mean here. Pure: JSON in, an `Activity` out."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mobilis.content import LANGUAGES
from mobilis.errors import ChatError
from mobilis.places import KEY_LENGTH, Place
from mobilis.web.incoming import clean_text

CHANNEL = "teams"
EXECUTE = "adaptiveCard/action"
VERB = "choose"  # of our buttons
CLAIM = "claim"  # of the button below what staff are told
BOTS = "28:"  # what their ids begin with
LONGEST_ID = 400

_AT = re.compile(r"<at\b[^>]*>(.*?)</at>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Activity:
    """Something that happened on Teams.

    `kind` is text, choice (a button of an old client), invoke (a button that waits for an answer),
    claim and claim_invoke (the same, of what staff are told), unknown_invoke, installed, removed or
    ignored. `message_id` is the same whenever the activity is
    sent again.
    """

    kind: str
    place: Place
    message_id: str
    language: str | None = None
    text: str = ""
    choice: str = ""


# Reactions, edits, deletions, people who come and go, and what is said past us.
IGNORED = Activity("ignored", Place(CHANNEL, "", "", {}), "")


def read_activity(data: Mapping[str, Any]) -> Activity:
    """The meaning of an activity whose sender was checked.

    Raises:
        ChatError: bad_request, when a field is missing or of another kind.
    """
    kind = _string(data, "type")
    if _string(data, "from", "id").startswith(BOTS):  # they would talk for ever
        return IGNORED
    if kind in ("message", "invoke", "conversationUpdate", "installationUpdate"):
        return _READERS[kind](data)
    return IGNORED


def _message(data: Mapping[str, Any]) -> Activity:
    value = data.get("value")
    if isinstance(value, Mapping) and isinstance(value.get("choice"), str):
        return _activity("choice", data, choice=value["choice"][:64])
    if isinstance(value, Mapping) and isinstance(value.get(CLAIM), str):
        return _activity("claim", data, choice=value[CLAIM][:64])
    mentions = _mentions(data)
    if _is_public(data) and _string(data, "recipient", "id") not in mentions:
        return IGNORED
    return _activity("text", data, text=_said(data, mentions))


def _invoke(data: Mapping[str, Any]) -> Activity:
    action = _under(data, "value").get("action")
    if data.get("name") != EXECUTE or not isinstance(action, Mapping):
        return _activity("unknown_invoke", data)
    claimed = _under(action, "data").get(CLAIM)
    if action.get("verb") == CLAIM and isinstance(claimed, str):
        return _activity("claim_invoke", data, choice=claimed[:64])
    chosen = _under(action, "data").get("choice")
    if action.get("verb") != VERB or not isinstance(chosen, str):
        raise ChatError("bad_request", 400)
    return _activity("invoke", data, choice=chosen[:64])


def _conversation_update(data: Mapping[str, Any]) -> Activity:
    bot = _string(data, "recipient", "id")
    for name, kind in (("membersAdded", "installed"), ("membersRemoved", "removed")):
        members = data.get(name)
        for member in members if isinstance(members, list) else []:
            if isinstance(member, Mapping) and member.get("id") == bot:
                return _of_the_app(kind, data)
    return IGNORED


def _installation_update(data: Mapping[str, Any]) -> Activity:
    kind = {"add": "installed", "remove": "removed"}.get(str(data.get("action")).lower())
    return _of_the_app(kind, data) if kind else IGNORED


_READERS = {
    "message": _message,
    "invoke": _invoke,
    "conversationUpdate": _conversation_update,
    "installationUpdate": _installation_update,
}


def _activity(kind: str, data: Mapping[str, Any], **more: str) -> Activity:
    place = _place(data)
    return Activity(kind, place, _message_id(data, place), _language(data), **more)


def _of_the_app(kind: str, data: Mapping[str, Any]) -> Activity:
    """What happens to the app rather than to a person: in public, the place is everybody's."""
    place = _place(data, with_person=False)
    return Activity(kind, place, _message_id(data, place), _language(data))


def _place(data: Mapping[str, Any], with_person: bool = True) -> Place:
    """The place of an activity: a personal chat, or a thread or group together with a person."""
    conversation, person = _string(data, "conversation", "id"), _string(data, "from", "id")
    tenant, public = _tenant(data), _is_public(data)
    person = person if with_person or not public else ""
    key = f"{tenant}/{conversation}/{person}" if public else f"{tenant}/{conversation}"
    reference = {
        "service_url": _string(data, "serviceUrl"),
        "conversation": conversation,
        "bot": _string(data, "recipient", "id"),
        "person": person,
        "public": public,
        "group": _group(data, conversation),
        "at": str(data.get("timestamp") or "")[:40],
    }
    return Place(CHANNEL, short_key(key), tenant[:64], reference)


def short_key(key: str) -> str:
    """A key that fits, of one that may be too long."""
    return key if len(key) <= KEY_LENGTH else hashlib.sha256(key.encode()).hexdigest()


def personal_place(public: Place, conversation: str) -> Place:
    """The personal chat with the person of a public place."""
    reference = {**public.reference, "conversation": conversation, "public": False, "group": ""}
    key = short_key(f"{public.workspace}/{conversation}")
    return Place(CHANNEL, key, public.workspace, reference)


def _group(data: Mapping[str, Any], conversation: str) -> str:
    """What the app is added to and removed from as a whole: a team, or a group chat."""
    team = _under(_under(data, "channelData"), "team").get("id")
    if isinstance(team, str) and team:
        return team[:LONGEST_ID]
    return conversation.partition(";")[0] if _is_public(data) else ""


def _is_public(data: Mapping[str, Any]) -> bool:
    conversation = _under(data, "conversation")
    kind = conversation.get("conversationType")
    return kind != "personal" and (kind is not None or bool(conversation.get("isGroup")))


def _tenant(data: Mapping[str, Any]) -> str:
    tenant = _under(data, "conversation").get("tenantId")
    tenant = tenant or _under(_under(data, "channelData"), "tenant").get("id")
    return tenant.lower() if isinstance(tenant, str) else ""


def _language(data: Mapping[str, Any]) -> str | None:
    """The language of the person's Teams, if it is one of ours."""
    entities = data.get("entities")
    told = [data.get("locale")]
    told += [
        entity.get("locale")
        for entity in (entities if isinstance(entities, list) else [])
        if isinstance(entity, Mapping) and entity.get("type") == "clientInfo"
    ]
    for locale in told:
        language = str(locale or "").lower().replace("_", "-").split("-")[0]
        if language in LANGUAGES:
            return language
    return None


def _mentions(data: Mapping[str, Any]) -> dict[str, str]:
    """Who is mentioned, by id, each with the words that do so."""
    found: dict[str, str] = {}
    entities = data.get("entities")
    for entity in entities if isinstance(entities, list) else []:
        if isinstance(entity, Mapping) and entity.get("type") == "mention":
            who = _under(entity, "mentioned").get("id")
            if isinstance(who, str):
                found[who] = str(entity.get("text") or "")
    return found


def _said(data: Mapping[str, Any], mentions: Mapping[str, str]) -> str:
    """The text without the mention of us; other people who are mentioned stay as their names."""
    text = data.get("text")
    text = text if isinstance(text, str) else ""
    own = mentions.get(_string(data, "recipient", "id"), "")
    if own:
        text = text.replace(own, " ")
    text = html.unescape(_AT.sub(r"\1", text)).replace("\u00a0", " ")
    return clean_text(text).strip()


def _message_id(data: Mapping[str, Any], place: Place) -> str:
    """The same for the same activity, in the form that the inbox wants; of no use to a guesser."""
    known = f"{place.key}\n{_string(data, 'id')}"
    return hashlib.sha256(known.encode()).hexdigest()[:32]


def _under(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    return value if isinstance(value, Mapping) else {}


def _string(data: Mapping[str, Any], *names: str) -> str:
    for name in names[:-1]:
        data = _under(data, name)
    value = data.get(names[-1])
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
        raise ChatError("bad_request", 400)
    return value
