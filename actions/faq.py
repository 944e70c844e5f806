"""Answering questions from the checked facts, with their sources."""

from __future__ import annotations

from collections.abc import Sequence

from rasa_sdk.events import EventType, SlotSet

from mobilis.answers import ComposedAnswer, compose, lines_about, unknown_links
from mobilis.brain.action import MobilisAction, Turn

FAQ = "faq/"


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
            return []
        if _is_pressed(turn, answered):
            _answer_again(turn, answered[0])
            return []
        for number, faq_id in enumerate(answered, 1):
            answer_one(turn, faq_id, last=number == len(answered))
        for label in asked:
            if not label.startswith(FAQ):
                turn.respond("also_asked", turn.choices(label))
        return [SlotSet("topic", FAQ + answered[-1])]


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
    """Whether the one question that was just answered is asked again in one's own words, and the
    answer would be the same: no button, no province that it speaks of, the same language."""
    faq_id = (turn.slot("topic") or "").removeprefix(FAQ)
    if answered != [faq_id] or turn.entity("faq_id") or turn.language_before != turn.language:
        return False
    return not set(_regions(turn)) & set(turn.resources.content.faqs[faq_id].regions)


def _answer_again(turn: Turn, faq_id: str) -> None:
    """What of the answer is about the words of the message; when nothing is, that there is nothing
    more precise, with all of it."""
    answer = _composed(turn, faq_id)
    follow_ups = [*dict.fromkeys([*answer.follow_ups, "request_human"])]
    about = lines_about(turn.resources.content, faq_id, answer, turn.text, turn.language)
    if about:
        title = turn.resources.content.title(faq_id, turn.language)
        said = turn.wording("faq_on_that", title=title, lines="\n".join(about))
    else:
        said = turn.wording("faq_again") + "\n\n" + answer.text
    _say(turn, faq_id, answer, said, follow_ups)


def _say_where_from(turn: Turn, faq_id: str) -> None:
    """The sources of the last answer, which are shown beside it, once more."""
    content, answer = turn.resources.content, _composed(turn, faq_id)
    where = unknown_links(content, content.faqs[faq_id].links, turn.language)
    key = "faq_sources" if answer.sources else "faq_source_page"
    _say(turn, faq_id, answer, "\n\n".join([turn.wording(key), *where]), answer.follow_ups)


def _asked(turn: Turn) -> list[str]:
    """The labels of this message, the one to answer first at the head."""
    picked = turn.entity("faq_id")
    if picked:
        return [FAQ + picked]
    return [turn.heard["label"], *turn.heard.get("also", [])]
