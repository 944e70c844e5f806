"""The names under which code asks for what the assistant says: content/wording.yml, choices.yml and
notices.yml. A name that nothing asks for is misspelt or left over; `mobilis content check` says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from mobilis.assessment import Assessment
from mobilis.content import Content, read_yaml

WORDING = frozenset(
    """greeting help also_asked error foreign unreadable lost lost_again did_you_mean nothing_added
    declined declined_calm declined_partisan assessment_noted assessment_unsure assessment_resumed
    assessment_changed answer_gone something_else distressed assessment_reopened lead_corrected
    nothing_erased coaches_last coaches_by_province coaches_described lead_kept_coach reply_time
    faq_on_that faq_again faq_sources faq_sources_of faq_source_page
    coaches_two_languages lead_noted
    assessment_restarted assessment_back assessment_first_question assessment_paused score gaps
    coaches_ask coaches_none coaches_no_more coaches_one coaches_all coaches_found coaches_more
    coaches_wishes coaches_relaxed_region coaches_relaxed_topic coaches_relaxed_level
    coaches_relaxed_language coaches_fictional lead_coach lead_consent lead_consent_unlimited
    lead_consent_coach lead_consent_coach_unlimited
    lead_ask_name lead_ask_organization lead_ask_email lead_message lead_summary lead_bad_name
    lead_bad_organization lead_bad_email lead_bad_message lead_what_to_correct lead_kept
    lead_declined lead_stopped human human_again human_reachable
    human_again_reachable erased erase_question language_switched""".split()
)
# Buttons that stand for a step of a dialogue; the others stand for an intent of domain.yml.
STEPS = frozenset(
    """correct_answer see_result all_coaches contact_coach i_agree i_decline nothing_to_add send
    correct_name correct_organization correct_email correct_message cancel erase_all
    keep_all""".split()
)
# Intents that no button ever stands for.
UNBUTTONED = frozenset("faq conversation_opened answer inform ambiguous nlu_fallback".split())
NOTICES = frozenset({"programme_review"})  # with coaches; the others are named by content files


def key_problems(root: Path, content: Content, assessment: Assessment) -> list[str]:
    """Every name of the three files that is missing or asked for by nothing, and every one that a
    result of the assessment asks for in vain.

    Raises:
        ContentError: domain.yml cannot be read.
    """
    intents = set(read_yaml(root, "domain.yml")["intents"]) - UNBUTTONED
    named = {key for faq in content.faqs.values() for key in faq.notices}
    named |= {key for band in assessment.bands.values() for key in band.notices}
    return [
        *_differences("content/wording.yml", content.wording, WORDING),
        *_differences("content/choices.yml", content.choices, STEPS | intents),
        *_differences("content/notices.yml", content.notices, NOTICES, named),
        *_nowhere(content, assessment),
    ]


def _differences(
    name: str, there: Collection[str], needed: Collection[str], also: Collection[str] = ()
) -> Iterator[str]:
    yield from (f"{name}: {key} is missing" for key in sorted(set(needed) - set(there)))
    asked = {*needed, *also}
    yield from (f"{name}: {key} is asked for by nothing" for key in there if key not in asked)


def _nowhere(content: Content, assessment: Assessment) -> Iterator[str]:
    """The next steps and notices of results that there are not."""
    file, labels = "assessment/readiness.yml", {*content.faqs, *content.choices}
    for band in assessment.bands.values():
        for step in band.next_steps:
            if step not in labels:
                yield f"{file}: bands.{band.id}.next_steps names {step}, which cannot follow"
        for key in band.notices:
            if key not in content.notices:
                where = f"bands.{band.id}.notices names {key}"
                yield f"{file}: {where}, which is not in content/notices.yml"
