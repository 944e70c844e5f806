"""The search for a coach in the widget, down to a declaration with its reference."""

from __future__ import annotations

import re

from browsers import Visits
from chats import CHOICES, Chat
from playwright.sync_api import expect


def test_coaches_are_shown_three_at_a_time_with_what_each_is_for(visit: Visits) -> None:
    chat = Chat(visit("french")).open()
    chat.say("je cherche un coach en Ontario")
    expect(chat.messages).to_have_count(3)
    found = chat.newest
    contacts = re.compile("^" + CHOICES["contact_coach"]["fr"].partition("{")[0])
    expect(found.get_by_role("button", name=contacts)).to_have_count(3)
    for fact in ("languages", "regions", "topics", "levels", "reasons"):
        expect(found.get_by_role("term").filter(has_text=chat.words[fact])).to_have_count(3)
    expect(found.get_by_role("definition").filter(has_text="Ontario").first).to_be_visible()
    chat.press("more_results")
    expect(chat.messages).to_have_count(5)
    expect(chat.last.get_by_role("button", name=contacts).first).to_be_visible()
    chat.press("more_results")


def test_a_coach_is_contacted_and_the_request_has_a_reference(visit: Visits) -> None:
    page = visit("english")
    page.evaluate(
        """() => addEventListener("mobilis:lead", ({ detail }) => { self.lead = detail })"""
    )
    chat = Chat(page, "en").open()
    chat.say("looking for a coach in Ontario")
    expect(chat.messages).to_have_count(3)
    contact = chat.log.get_by_role("button", name=re.compile("^Contact ")).first
    name = contact.inner_text().removeprefix("Contact ")
    contact.click()
    chat.says("lead_consent_coach")
    expect(chat.messages.nth(-2)).to_contain_text(name)
    chat.press("i_agree")
    chat.says("lead_ask_name")
    chat.say("I'm Harpreet Gill")
    chat.says("lead_ask_organization")
    chat.say("Fraser Valley Newcomers Society")
    chat.says("lead_ask_email")
    chat.say("harpreet@example.org")
    chat.says("lead_message")
    chat.press("nothing_to_add")
    chat.says("lead_summary")
    expect(chat.last).to_contain_text("harpreet@example.org")
    chat.press("send")
    chat.says("lead_kept")
    lead = page.evaluate("self.lead")
    assert lead == {"reference": lead["reference"], "kind": "coach"}
    expect(chat.last).to_contain_text(lead["reference"])
