"""When a message is not understood, nearly understood, or asks for what is not done here."""

from __future__ import annotations

from rasa_sdk.events import EventType, SlotSet

from actions.coaches import wishes_now
from actions.faq import answer_one
from mobilis.brain.action import MobilisAction, Turn, payload
from mobilis.declined import why_declined
from mobilis.notes import NOT_SURE
from mobilis.results import keep_unhandled
from mobilis.text import is_command


class Clarify(MobilisAction):
    """ "Did you mean": up to three guesses, and something else."""

    def name(self) -> str:
        return "action_clarify"

    def answer(self, turn: Turn) -> list[EventType]:
        _keep(turn, "clarified")
        guesses = turn.heard.get("guesses")
        if not guesses:  # two answers of the assessment are close: the form asks which
            return []
        choices = turn.choices(*guesses)
        turn.say(
            "clarify",
            turn.wording("did_you_mean"),
            [*choices, turn.choice("out_of_scope")],
            candidates=[choice["payload"] for choice in choices],
        )
        wished = wishes_now(turn) if "find_coach" in guesses else None  # for when it is picked
        return [SlotSet("coach_wishes", wished)] if wished else []


class NotUnderstood(MobilisAction):
    """Says so once; the second time in a row, offers a person."""

    def name(self) -> str:
        return "action_not_understood"

    def answer(self, turn: Turn) -> None:
        if turn.heard.get("foreign"):
            turn.respond("foreign")
            return
        _keep(turn, "lost")
        if _lost_before(turn):
            turn.say(
                "text",
                turn.wording("lost_again"),
                turn.choices("request_human", "help"),
                offer=payload("request_human"),
            )
        elif not turn.heard.get("readable", True):
            turn.respond("unreadable")
        else:
            turn.respond("lost", turn.choices("help", "start_assessment", "request_human"))


def _keep(turn: Turn, outcome: str) -> None:
    keep_unhandled(
        turn.resources.database,
        conversation_id=turn.conversation,
        message_id=turn.message_id,
        language=turn.language,
        outcome=outcome,
        guesses=turn.heard.get("labels") or [],
        question=_open_question(turn),
    )


def _open_question(turn: Turn) -> str | None:
    """The question of the assessment that the message may have been an answer to."""
    question = turn.slot("assessment_question")
    is_open = turn.tracker.active_loop_name == "assessment_form" and question != "gate"
    return question if is_open else None


def _lost_before(turn: Turn) -> bool:
    """Whether the visitor's message before this one was not understood either."""
    said = [event for event in turn.tracker.events if event["event"] == "user"]
    return len(said) > 1 and said[-2]["parse_data"]["intent"]["name"] in NOT_SURE


class Decline(MobilisAction):
    """Declines what is out of scope: calmly for insults, with the rule for partisan requests, with
    the crisis line for whoever may be in danger. None of the guesses of a "did you mean" is no
    reason to decline."""

    def name(self) -> str:
        return "action_out_of_scope"

    def answer(self, turn: Turn) -> list[EventType]:
        if is_command(turn.text) or turn.heard.get("picked"):  # « autre chose », by a button
            turn.respond(
                "something_else", turn.choices("help", "start_assessment", "request_human")
            )
            return []
        reason = why_declined(turn.text)
        if reason == "distress":
            turn.respond("distressed")
            return []
        if reason == "partisan":
            turn.respond("declined_partisan")
            answer_one(turn, "cra_nonpartisan")
            return []
        response = "declined_calm" if reason == "insult" else "declined"
        turn.respond(response, turn.choices("help", "start_assessment", "find_coach"))
        return []
