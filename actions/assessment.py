"""The readiness self-assessment in conversation: asking, noting, correcting, the result."""

from __future__ import annotations

from typing import Any

from rasa_sdk.events import EventType, SlotSet

from mobilis.assessment import (
    GATE,
    REOPEN,
    Answer,
    GateConfirmation,
    Question,
    answers_from_dict,
    answers_to_dict,
)
from mobilis.brain.action import Choice, FormValidation, MobilisAction, Turn, payload
from mobilis.results import Explanation, explain, keep_result, list_answers, page_path


def _answers(turn: Turn) -> dict[str, Answer]:
    return answers_from_dict(turn.slot("assessment_answers"))


def _step(turn: Turn) -> Question | GateConfirmation | None:
    confirmed = bool(turn.slot("assessment_gate_confirmed"))
    return turn.resources.assessment.next_step(_answers(turn), gate_confirmed=confirmed)


def _note(turn: Turn, option_id: str) -> dict[str, Any]:
    """The slots after an answer, with what was typed read back."""
    assessment = turn.resources.assessment
    step = _step(turn)
    if option_id == "confirm":
        return {"assessment_gate_confirmed": True} if isinstance(step, GateConfirmation) else {}
    question = assessment.find(turn.entity("question") or _asked(turn, step))
    if question and option_id == REOPEN:
        return _reopened(turn, question)
    option = question.option(option_id) if question else None
    if question and option is None and turn.entity("question"):  # a button of before
        turn.respond("assessment_changed")
    if question is None or option is None:
        return {}
    unsure = bool(turn.heard.get("unsure"))
    if unsure or turn.heard.get("read"):
        response = "assessment_unsure" if unsure else "assessment_noted"
        turn.respond(response, noted=option.noted[turn.language])
    answers = _answers(turn)
    answers[question.id] = Answer(option.id, unsure, turn.text if turn.heard else None)
    return {
        "assessment_answers": answers_to_dict(answers),
        "assessment_gate_confirmed": False,
    }


def _reopened(turn: Turn, question: Question) -> dict[str, Any]:
    """The slots once an answer is taken back, wherever its question stands."""
    answers = _answers(turn)
    if answers.pop(question.id, None) is None:
        return {}  # it is open already
    turn.respond("assessment_reopened", number=question.number)
    return {
        "assessment_answers": answers_to_dict(answers),
        "assessment_gate_confirmed": False,
    }


def _asked(turn: Turn, step: Question | GateConfirmation | None) -> str | None:
    """The id of the question that a typed answer is for: the one asked last, even if it is no more
    in the assessment, since the next one is another question."""
    asked: str | None = turn.slot("assessment_question")
    if asked and asked != GATE:
        return asked
    return step.id if isinstance(step, Question) else None


class StartAssessment(MobilisAction):
    """Begins, or goes on where the visitor left; a finished assessment begins afresh."""

    def name(self) -> str:
        return "action_assessment_start"

    def answer(self, turn: Turn) -> list[EventType]:
        if _step(turn) is None:
            return _forget(turn)
        if _answers(turn):
            turn.respond("assessment_resumed", turn.choices("start_over"))
        else:
            turn.say("text", turn.resources.assessment.intro[turn.language])
        return []


class RestartAssessment(MobilisAction):
    """Forgets the answers given so far and begins again."""

    def name(self) -> str:
        return "action_assessment_restart"

    def answer(self, turn: Turn) -> list[EventType]:
        turn.respond("assessment_restarted")
        return _forget(turn)


def _forget(turn: Turn) -> list[EventType]:
    return [
        SlotSet("assessment_answers", None),
        SlotSet("assessment_gate_confirmed", False),
        SlotSet("assessment_answer", None),
    ]


class AnswerOutsideForm(MobilisAction):
    """Takes an answer that was picked after the assessment had been left."""

    def name(self) -> str:
        return "action_assessment_answer"

    def answer(self, turn: Turn) -> list[EventType]:
        slots = _note(turn, str(turn.entity("option")))
        return [SlotSet(name, value) for name, value in slots.items()]


class ValidateAssessmentForm(FormValidation):
    """Notes each answer; the form is done when there is a result to give."""

    slots = ("assessment_answer",)

    def name(self) -> str:
        return "validate_assessment_form"

    def check(self, turn: Turn, slot: str, value: Any) -> dict[str, Any]:
        slots = _note(turn, str(value))
        turn.tracker.slots.update(slots)
        done = {"requested_slot": None} if _step(turn) is None else {}
        return {**slots, "assessment_answer": None, **done}


class AskAssessmentAnswer(MobilisAction):
    """Asks the open question, or, when two answers fit, which of the two is closer."""

    def name(self) -> str:
        return "action_ask_assessment_answer"

    def answer(self, turn: Turn) -> list[EventType]:
        step = _step(turn)
        asked = turn.slot("assessment_question")
        if asked and asked != GATE and turn.resources.assessment.find(asked) is None:
            turn.respond("assessment_changed")
        if isinstance(step, GateConfirmation):
            self._ask_to_confirm(turn, step)
            return [SlotSet("assessment_question", GATE)]
        if step is None:
            return []
        close = turn.heard.get("answer_options")
        if close:
            self._ask_which(turn, step, close)
        else:
            self._ask(turn, step)
        return [SlotSet("assessment_question", step.id)]

    @staticmethod
    def _ask(turn: Turn, question: Question) -> None:
        options = [_option_choice(turn, question, option.id) for option in question.options]
        turn.say(
            "question",
            question.text[turn.language],
            [*options, turn.choice("explain_question")],
            question=_place(turn, question),
        )

    @staticmethod
    def _ask_which(turn: Turn, question: Question, options: list[str]) -> None:
        choices = [_option_choice(turn, question, option) for option in options]
        turn.say(
            "clarify",
            turn.resources.assessment.clarify[turn.language],
            choices,
            question=_place(turn, question),
            candidates=[choice["payload"] for choice in choices],
        )

    @staticmethod
    def _ask_to_confirm(turn: Turn, step: GateConfirmation) -> None:
        turn.say(
            "question",
            step.text[turn.language],
            [
                turn.titled("correct_answer", "go_back"),
                turn.titled("see_result", "answer", option="confirm"),
            ],
            question=_place(turn, step.question),
        )


def _place(turn: Turn, question: Question) -> dict[str, Any]:
    return {
        "id": question.id,
        "number": question.number,
        "of": len(turn.resources.assessment.questions),
    }


def _option_choice(turn: Turn, question: Question, option_id: str) -> Choice:
    option = question.option(option_id)
    title = option.title[turn.language] if option else ""
    return {
        "title": f"{option_id.upper()}. {title}",
        "payload": payload("answer", question=question.id, option=option_id),
    }


class ExplainQuestion(MobilisAction):
    """Explains the open question, with an example."""

    def name(self) -> str:
        return "action_assessment_explain"

    def answer(self, turn: Turn) -> None:
        step = _step(turn)
        question = step.question if isinstance(step, GateConfirmation) else step
        if question:
            turn.say("text", question.explanation[turn.language])


class GoBack(MobilisAction):
    """Takes the last answer back, so that its question is asked again."""

    def name(self) -> str:
        return "action_assessment_back"

    def answer(self, turn: Turn) -> list[EventType]:
        answers = _answers(turn)
        last = turn.resources.assessment.previous(answers)
        if last is None:
            turn.respond("assessment_first_question")
            return []
        answers.pop(last)
        turn.respond("assessment_back")
        return [
            SlotSet("assessment_answers", answers_to_dict(answers)),
            SlotSet("assessment_gate_confirmed", False),
        ]


class PauseAssessment(MobilisAction):
    """Leaves the assessment for now; the answers stay."""

    def name(self) -> str:
        return "action_assessment_pause"

    def answer(self, turn: Turn) -> None:
        turn.respond("assessment_paused", turn.choices("resume", "find_coach", "request_human"))


class GiveResult(MobilisAction):
    """Gives the result, explains it, names the gaps and the next steps, and keeps it."""

    def name(self) -> str:
        return "action_assessment_result"

    def answer(self, turn: Turn) -> list[EventType]:
        assessment = turn.resources.assessment
        answers = _answers(turn)
        result = assessment.score(answers)
        page_id = keep_result(
            turn.resources.database,
            conversation_id=turn.conversation,
            message_id=turn.message_id,
            language=turn.language,
            version=assessment.version,
            answers=answers,
            result=result,
            days=turn.resources.settings.result_days,
        )
        explanation = explain(assessment, turn.resources.content, result, turn.language)
        turn.say(
            "result",
            _written(turn, explanation, result.total, result.of),
            turn.choices(*assessment.bands[result.band].next_steps),
            result={
                "band": result.band,
                "score": result.total,
                "of": result.of,
                "gaps": list(result.gaps),
                "url": page_path(page_id),
                "answers": list_answers(assessment, answers, turn.language),
            },
        )
        return [SlotSet("assessment_answer", None), SlotSet("assessment_question", None)]


def _written(turn: Turn, explanation: Explanation, total: int | None, of: int) -> str:
    """The result as paragraphs: the band, why, the gaps with a tip each, what it is not."""
    paragraphs = [f"**{explanation.title}**", *explanation.texts]
    if total is not None:
        paragraphs.append(turn.wording("score", total=total, of=of))
    if explanation.gaps:
        lines = [f"- **{gap}** – {tip}" for gap, tip in explanation.gaps]
        paragraphs.append("\n".join([turn.wording("gaps"), "", *lines]))
    paragraphs += [f"*{notice}*" for notice in explanation.notices]
    return "\n\n".join(paragraphs)
