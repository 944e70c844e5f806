"""Taking a case from an announcement on Slack or Teams: whose the case is then, or why not.

The channels call it for requests that they have verified, with the address that the platform knows
of whoever pressed the button.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from mobilis import casework, staff
from mobilis.announcements import Key, find, is_target
from mobilis.errors import ChatError


@dataclass(frozen=True)
class Claim:
    """What came of it: claimed, yours, taken, closed, merged, gone, stranger or unknown, which key
    the sentence `claim_…` in content/announcements.yml. `owner` is whose the case is."""

    outcome: str
    conversation_id: str = ""
    owner: str = ""


def claim(connection: Connection, key: Key, announcement_id: str, emails: Sequence[str]) -> Claim:
    """Make the case of an announcement in a place that of whoever has one of the addresses."""
    told = find(connection, key, announcement_id) if is_target(connection, key) else None
    if told is None or not told.conversation_id:
        return Claim("unknown")
    here = told.conversation_id
    found = (staff.find_by_email(connection, email) for email in emails)
    person = next((one for one in found if one is not None), None)
    if person is None or not person.may("act"):
        return Claim("stranger", here)
    try:
        case = casework.hold(connection, here)
    except ChatError:  # erased, and the announcement with it, in this very moment
        return Claim("gone")
    if case.merged_into:
        return Claim("merged", here)
    if case.status == "closed":
        return Claim("closed", here)
    if case.owner_id:
        owner = staff.find_person(connection, case.owner_id)
        mine = case.owner_id == person.id
        return Claim("yours" if mine else "taken", here, owner.name if owner else "")
    status = "in_progress" if case.status == "new" else case.status
    casework.take_up(connection, person, case, status)
    casework.record(connection, person.id, "case.claim", here, {"by": key[0]})
    return Claim("claimed", here, person.name)
