"""Answering questions from the checked facts, with their sources."""

from __future__ import annotations

from rasa_sdk.events import EventType, SlotSet

from mobilis.answers import compose
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
        for number, faq_id in enumerate(answered, 1):
            answer_one(turn, faq_id, last=number == len(answered))
        for label in asked:
            if not label.startswith(FAQ):
                turn.respond("also_asked", turn.choices(label))
        return [SlotSet("topic", FAQ + answered[-1])]


def answer_one(turn: Turn, faq_id: str, last: bool = True) -> None:
    """Say the answer to one question; its follow-ups come with the last answer of a turn."""
    content = turn.resources.content
    regions = (turn.heard.get("facets") or {}).get("region") or []
    regions = regions or [turn.slot("province")]
    answer = compose(content, content.faqs[faq_id], turn.language, regions)
    turn.say(
        "faq",
        answer.text,
        turn.choices(*answer.follow_ups) if last else [],
        faq={"id": faq_id, "sources": answer.sources},
    )


def _asked(turn: Turn) -> list[str]:
    """The labels of this message, the one to answer first at the head."""
    picked = turn.entity("faq_id")
    if picked:
        return [FAQ + picked]
    return [turn.heard["label"], *turn.heard.get("also", [])]
