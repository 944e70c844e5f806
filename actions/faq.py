"""Answering questions from the checked facts, with their sources."""

from __future__ import annotations

from collections.abc import Sequence

from rasa_sdk.events import EventType, SlotSet

from actions.coaches import wishes_now
from mobilis.answers import ComposedAnswer, compose, lines_about, unknown_links
from mobilis.brain.action import MobilisAction, Turn

FAQ = "faq/"
GIST = 2  # lines of an answer that say the most of it


class AnswerFaq(MobilisAction):
    """Answers the question that was understood or picked, and a second one asked with it."""

    def name(self) -> str:
        return "action_faq"

    def answer(self, turn: Turn) -> list[EventType]:
        asked = _asked(turn)
        answered = [label.removeprefix(FAQ) for label in asked if label.startswith(FAQ)]
        answered = [faq_id for faq_id in answered if faq_id in turn.resources.content.faqs]
        if not answered:  # its file is gone; the model, or a button, still knows it
            turn.respond("answer_gone", turn.choices("help", "request_human"))
            return []
        if turn.heard.get("asks") == "source":
            _say_where_from(turn, answered[0])
            return [SlotSet("topic", FAQ + answered[0])]
        if _is_pressed(turn, answered):
            _answer_again(turn, answered[0])
            return []
        for number, faq_id in enumerate(answered, 1):
            answer_one(turn, faq_id, last=number == len(answered))
        for label in asked:
            if not label.startswith(FAQ):
                turn.respond("also_asked", turn.choices(label))
        wished = wishes_now(turn) if "find_coach" in asked else None
        kept = [SlotSet("coach_wishes", wished)] if wished else []
        return [SlotSet("topic", FAQ + answered[-1]), *kept]


def answer_one(turn: Turn, faq_id: str, last: bool = True) -> None:
    """Say the answer to one question; its follow-ups come with the last answer of a turn."""
    answer = _composed(turn, faq_id)
    _say(turn, faq_id, answer, answer.text, answer.follow_ups if last else [])


def _composed(turn: Turn, faq_id: str) -> ComposedAnswer:
    content = turn.resources.content
    regions = _regions(turn) or [turn.slot("province")]
    return compose(content, content.faqs[faq_id], turn.language, regions)


def _regions(turn: Turn) -> list[str]:
    """The provinces that the message names."""
    return (turn.heard.get("facets") or {}).get("region") or []


def _say(
    turn: Turn, faq_id: str, answer: ComposedAnswer, text: str, follow_ups: Sequence[str]
) -> None:
    faq = {"id": faq_id, "sources": answer.sources}
    turn.say("faq", text, turn.choices(*follow_ups), faq=faq)


def _is_pressed(turn: Turn, answered: Sequence[str]) -> bool:
    """Whether the one question that was just answered is asked again in one's own words, in the
    same language: no button."""
    faq_id = (turn.slot("topic") or "").removeprefix(FAQ)
    asked = answered == [faq_id] and not turn.entity("faq_id")
    return asked and turn.language_before == turn.language


def _answer_again(turn: Turn, faq_id: str) -> None:
    """What of the answer is about the message: what its province adds, or the lines about its
    words; when nothing is, that there is nothing more precise, with the gist."""
    content, language, answer = turn.resources.content, turn.language, _composed(turn, faq_id)
    faq = content.faqs[faq_id]
    about = [faq.regions[code][language] for code in _regions(turn) if code in faq.regions]
    about = about or lines_about(content, faq_id, answer, turn.text, language)
    if about:
        title = faq.title[language]
        said = turn.wording("faq_on_that", title=title, lines="\n".join(about))
    else:
        gist = faq.answer[language].splitlines()[:GIST]
        gist += [faq.not_published[language]] if faq.confidence != "published" else []
        said = turn.wording("faq_again", lines="\n".join(gist))
    notices = [f"*{notice}*" for notice in content.said(faq.notices, language)]
    follow_ups = [*dict.fromkeys([*answer.follow_ups, "request_human"])]
    _say(turn, faq_id, answer, "\n\n".join([said, *notices]), follow_ups)


def _say_where_from(turn: Turn, faq_id: str) -> None:
    """The sources of the last answer, which are shown beside it, once more; or those of another."""
    content, answer = turn.resources.content, _composed(turn, faq_id)
    faq = content.faqs[faq_id]
    if turn.slot("topic") != FAQ + faq_id:
        said = turn.wording("faq_sources_of", title=faq.title[turn.language])
    else:
        said = turn.wording("faq_sources" if answer.sources else "faq_source_page")
    where = unknown_links(content, faq.links, turn.language)
    _say(turn, faq_id, answer, "\n\n".join([said, *where]), answer.follow_ups)


def _asked(turn: Turn) -> list[str]:
    """The labels of this message, the one to answer first at the head."""
    picked = turn.entity("faq_id")
    if picked:
        return [FAQ + picked]
    return [turn.heard["label"], *turn.heard.get("also", [])]
