"""Searching the directory of coaches, over one message or several."""

from __future__ import annotations

from typing import Any

from rasa_sdk.events import EventType, SlotSet

from mobilis.answers import known_link, unknown_links
from mobilis.brain.action import Choice, MobilisAction, Turn, payload
from mobilis.coaches import Match, SearchResult, all_coaches, search
from mobilis.facets import FACETS, Facets

PAGE = 3  # coaches who are shown at once
REMEMBERED = 12  # coaches who were shown, and can be reached by name


class FindCoach(MobilisAction):
    """Adds this message's wishes to those known and shows the best coaches for them."""

    def name(self) -> str:
        return "action_find_coach"

    def answer(self, turn: Turn) -> list[EventType]:
        if turn.heard.get("asks") == "real_coaches":
            text = "\n\n".join(_where_the_real_ones_are(turn))
            turn.say("text", text, turn.choices("declare_interest", "request_human"))
            return []
        about = turn.heard.get("about")
        if about and _describe(turn, about[-PAGE:]):  # those shown last
            return [SlotSet("topic", "find_coach")]
        wished = wishes_now(turn)
        events: list[EventType] = [SlotSet("topic", "find_coach"), SlotSet("coach_wishes", wished)]
        if not wished and not turn.heard.get("cleared") and not turn.slot("coach_asked"):
            _ask_for_wishes(turn)
            return [*events, SlotSet("coach_asked", True)]
        shown = _show(turn, wished, 0)
        return [*events, SlotSet("coach_offset", len(shown)), _remembered(turn, shown)]


class MoreCoaches(MobilisAction):
    """Shows the next coaches of the last search."""

    def name(self) -> str:
        return "action_more_coaches"

    def answer(self, turn: Turn) -> list[EventType]:
        offset = int(turn.slot("coach_offset") or 0)
        shown = _show(turn, turn.slot("coach_wishes") or {}, offset)
        return [
            SlotSet("topic", "find_coach"),
            SlotSet("coach_offset", offset + len(shown)),
            _remembered(turn, shown),
        ]


def _remembered(turn: Turn, shown: dict[str, str]) -> EventType:
    """The coaches shown so far, those shown last at the end: they can be named for a while."""
    earlier = turn.slot("coaches_shown") or {}
    known = {title: earlier[title] for title in earlier if title not in shown} | shown
    return SlotSet("coaches_shown", dict([*known.items()][-REMEMBERED:]))


def wishes_now(turn: Turn) -> dict[str, list[str]]:
    """The wishes known before, changed by this message: a facet said again replaces the old one,
    "any …" takes it back."""
    said = Facets(
        turn.heard.get("facets") or {},
        frozenset(turn.heard.get("cleared") or ()),
        turn.heard.get("refused") or {},
        adds=bool(turn.heard.get("adds")),
    )
    wishes = said.after(turn.slot("coach_wishes") or {})
    for facet in FACETS:
        picked = turn.entity(f"coach_{facet}")
        if picked:
            wishes[facet] = [picked]
    return wishes


def _ask_for_wishes(turn: Turn) -> None:
    vocabulary = turn.resources.vocabulary
    choices = [
        {
            "title": vocabulary.title("region", region, turn.language),
            "payload": payload("find_coach", coach_region=region),
        }
        for region in ("QC", "ON", "BC", "NB")
    ]
    turn.respond("coaches_ask", [*choices, turn.titled("all_coaches", "find_coach")])


def _show(turn: Turn, wishes: dict[str, list[str]], offset: int) -> dict[str, str]:
    """Say the coaches from `offset` on; the buttons that reach those shown, title to payload."""
    found = search(all_coaches(turn.resources.database), wishes)
    page = found.matches[offset : offset + PAGE]
    if not page:
        response = "coaches_no_more" if found.matches else "coaches_none"
        turn.respond(response, turn.choices("request_human", "declare_interest"))
        return {}
    more = len(found.matches) > offset + PAGE
    contacts = [_contact(turn, match) for match in page]
    turn.say(
        "coaches",
        _introduce(turn, wishes, found, offset, len(page)),
        contacts + (turn.choices("more_results") if more else []),
        coaches=[_card(turn, match) for match in page],
    )
    return {contact["title"]: contact["payload"] for contact in contacts}


def _describe(turn: Turn, ids: list[str]) -> bool:
    """Say all that the directory has on these coaches; False when none is there any more."""
    known = {coach.id: coach for coach in all_coaches(turn.resources.database)}
    matches = [Match(known[one], ()) for one in ids if one in known]
    if not matches:
        return False
    lines = [f"- **{match.coach.name}** – {_described(turn, match)}" for match in matches]
    text = turn.wording("coaches_described", coaches="\n".join(lines))
    contacts = [_contact(turn, match) for match in matches]
    turn.say("coaches", text, contacts, coaches=[_card(turn, match) for match in matches])
    return True


def _described(turn: Turn, match: Match) -> str:
    """What a coach offers, as one line: each facet once, then the presentation."""
    facts = [fact for fact in _facts(turn, match).values() if fact]
    return f"{'; '.join(facts)}. {match.coach.bio[turn.language]}"


def _introduce(
    turn: Turn, wishes: dict[str, list[str]], found: SearchResult, offset: int, count: int
) -> str:
    language = turn.language
    vocabulary = turn.resources.vocabulary
    total = len(found.matches)
    if offset:
        key = "coaches_more" if count > 1 else "coaches_last"
        heading = turn.wording(key, first=offset + 1, last=offset + count, total=total)
    elif total == 1:
        heading = turn.wording("coaches_one")
    elif total == count:
        heading = turn.wording("coaches_all", total=total)
    else:
        heading = turn.wording("coaches_found", total=total, count=count)
    lines = [heading]
    said = [
        vocabulary.title(facet, value, language)
        for facet in FACETS
        for value in wishes.get(facet, [])
        if facet not in found.relaxed
    ]
    if said:
        lines.append(turn.wording("coaches_wishes", wishes=", ".join(said)))
    if turn.heard.get("other_language"):
        lines.append(turn.wording("coaches_two_languages"))
    if turn.heard.get("local") and wishes.get("region") and "region" not in found.relaxed:
        lines.append(turn.wording("coaches_by_province"))
    for facet in found.relaxed:
        names = ", ".join(vocabulary.title(facet, value, language) for value in wishes[facet])
        lines.append(turn.wording(f"coaches_relaxed_{facet}", names=names))
    paragraphs = [" ".join(lines)]
    paragraphs += ["\n".join(_line(turn, match) for match in found.matches[offset:][:PAGE])]
    if not offset:
        paragraphs += _where_the_real_ones_are(turn)
        notices = turn.resources.content.said(["programme_review"], language)
        paragraphs += [f"*{notice}*" for notice in notices]
    return "\n\n".join(paragraphs)


def _where_the_real_ones_are(turn: Turn) -> list[str]:
    """That this directory is a demonstration, and where Innoweave's is."""
    content, key = turn.resources.content, "coach_database"
    link = known_link(content, key, turn.language)
    where = [link] if link else unknown_links(content, [key], turn.language)
    return [turn.wording("coaches_fictional"), *where]


def _line(turn: Turn, match: Match) -> str:
    """One coach as a line of a list, with why."""
    why = _reasons(turn, match) or match.coach.bio[turn.language]
    return f"- **{match.coach.name}** – {why}"


def _reasons(turn: Turn, match: Match) -> str:
    """Which wishes a coach meets, in words."""
    vocabulary = turn.resources.vocabulary
    names = [vocabulary.title(facet, value, turn.language) for facet, value in match.reasons]
    return ", ".join(names)


def _card(turn: Turn, match: Match) -> dict[str, Any]:
    coach = match.coach
    return {
        "id": coach.id,
        "name": coach.name,
        "languages": list(coach.languages),
        "regions": list(coach.regions),
        "topics": list(coach.topics),
        "levels": list(coach.levels),
        "bio": coach.bio[turn.language],
        "reasons": [list(reason) for reason in match.reasons],
        "facts": _facts(turn, match),
        "url": coach.url,
    }


def _facts(turn: Turn, match: Match) -> dict[str, str]:
    """What a coach offers, in words: {"languages": « français, anglais », …}; and, when wishes were
    told, which of them it meets."""
    vocabulary, coach = turn.resources.vocabulary, match.coach
    facts = {
        f"{facet}s": ", ".join(vocabulary.titles(facet, coach.values(facet), turn.language))
        for facet in FACETS
    }
    return {**facts, "reasons": _reasons(turn, match)} if match.reasons else facts


def _contact(turn: Turn, match: Match) -> Choice:
    title = turn.resources.content.choices["contact_coach"][turn.language]
    return {
        "title": title.format(name=match.coach.name),
        "payload": payload("declare_interest", coach_id=match.coach.id),
    }
