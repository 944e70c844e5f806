"""E-mails from cases: an outbox. What staff send is kept here first, then goes in the background.

    queued ──► sending ──► sent          `noted`: staff sent it by their own program.
      ▲  │        │
      │  └► failed ◄┘                    An erased conversation takes its e-mails along.

An e-mail is `sending` from the instant at which the server asks for it until the server has
answered. A crash before leaves it queued, and it is tried again; a crash within leaves it in doubt,
which only a person can settle: it fails, is shown, and may be sent again under the same Message-ID.
Who has taken an e-mail must still be the last to have done so (`attempts`) for each further step,
so that two front doors never send it both. Called by the console's pages of a case and by
mobilis/web/postman.py.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, insert, select, update
from sqlalchemy.engine import Connection

from mobilis import audit, casework
from mobilis.announcements import announce
from mobilis.cases import Weights
from mobilis.contact_details import is_address
from mobilis.conversations import lock_conversation
from mobilis.errors import CaseError, ChatError
from mobilis.letters import fresh_letters
from mobilis.models import mails
from mobilis.settings import ROOT
from mobilis.sharing import pass_on, settle_agreement
from mobilis.smtp import Parcel
from mobilis.staff import Person
from mobilis.store import is_due, now

SUBJECT_LENGTH = 200
TEXT_LENGTH = 10_000
KEY_LENGTH = 64
LEASE = timedelta(minutes=10)  # how long one may take over an e-mail before it is free again
LONGEST_WAIT = timedelta(hours=1)
REPLY, FORWARD = "reply", "forward"


@dataclass(frozen=True)
class Office:
    """How this front door sends e-mails; `domain` is none where it does not: staff do."""

    domain: str
    reply_to: str  # empty: the person of staff who writes
    hours: float  # until it is given up

    @property
    def sends(self) -> bool:
        """Whether e-mails go by themselves."""
        return bool(self.domain)


@dataclass(frozen=True)
class Written:
    """A form that was sent. `key` is the same however often it is; `seen` is the case's state, and
    `to` the address that was shown."""

    key: str
    seen: str
    to: str
    language: str
    subject: str
    text: str


@dataclass(frozen=True)
class Chosen:
    """A form that passes something on to a coach; `mark` is of the e-mail that was shown."""

    key: str
    seen: str
    coach_id: str
    mark: str
    in_writing: bool  # the visitor has agreed to this coach by e-mail


@dataclass(frozen=True)
class Taken:
    """An e-mail that somebody is about to send; `attempt` is what makes it theirs."""

    id: str
    conversation_id: str
    kind: str
    attempt: int


def reply(
    connection: Connection,
    person: Person,
    conversation_id: str,
    written: Written,
    office: Office,
    weights: Weights,
) -> None:
    """Send an answer to the visitor, or note that staff did. The same form again does nothing more.

    The case becomes the writer's, if it is nobody's, and waits for the visitor, unless it is
    closed. Whoever waited is answered once the e-mail is sent.

    Raises:
        CaseError: stale, merged, address, subject, text, blank, form; to, when the visitor has
            left another address since.
        ChatError: not_found.
    """
    if _is_known(connection, conversation_id, written.key):
        return
    case = casework.hold_as_seen(connection, conversation_id, written.seen)
    if not is_address(case.email or ""):
        raise CaseError("address")
    if case.email != written.to:
        raise CaseError("to")
    if fresh_letters(ROOT).has_blank(f"{written.subject}\n{written.text}"):
        raise CaseError("blank")
    mail_id = _keep(connection, person, conversation_id, written, office, REPLY)
    status = case.status if case.status == "closed" else "waiting"
    casework.take_up(connection, person, case, status)
    if not office.sends:
        casework.note_answer(connection, conversation_id, weights)
    detail = {"mail": mail_id, "by": _by(office)}
    casework.record(connection, person.id, "case.mail", conversation_id, detail)


def forward(
    connection: Connection,
    person: Person,
    conversation_id: str,
    chosen: Chosen,
    office: Office,
) -> None:
    """Pass on to a coach what a visitor left, or note that staff did: exactly what was shown.

    Raises:
        CaseError: stale, merged, no_consent, coach, coach_address, not_agreed, form; shown, when
            what would be passed on is no longer what was shown.
        ChatError: not_found.
    """
    if _is_known(connection, conversation_id, chosen.key):
        return
    case = casework.hold_as_seen(connection, conversation_id, chosen.seen)
    agreement = settle_agreement(connection, conversation_id, chosen.coach_id, chosen.in_writing)
    draft = pass_on(agreement, case._mapping, person)
    if draft.mark != chosen.mark:
        raise CaseError("shown")
    told = (draft.language, draft.subject, draft.text)
    written = Written(chosen.key, chosen.seen, draft.to, *told)
    coach, shared = agreement.coach, list(agreement.facts)
    about: dict[str, Any] = {
        "coach_id": coach.id,
        "coach_name": coach.name,
        "basis": agreement.basis,
        "shared": shared,
    }
    mail_id = _keep(connection, person, conversation_id, written, office, FORWARD, about)
    casework.take_up(
        connection, person, case, "in_progress" if case.status == "new" else case.status
    )
    detail = {"mail": mail_id, "coach": coach.id, "shared": shared, "basis": agreement.basis}
    detail["by"] = _by(office)
    casework.record(connection, person.id, "case.forward", conversation_id, detail)


def send_again(
    connection: Connection, person: Person, conversation_id: str, mail_id: str, office: Office
) -> None:
    """Queue an e-mail that failed once more; one that did not changes nothing.

    Raises:
        CaseError: merged; again, when e-mails do not go by themselves.
        ChatError: not_found.
    """
    case = casework.hold(connection, conversation_id)
    if case.merged_into:
        raise CaseError("merged")
    if not office.sends:
        raise CaseError("again")
    own = and_(mails.c.id == mail_id, mails.c.conversation_id == conversation_id)
    known = connection.execute(select(mails).where(own)).one_or_none()
    if known is None:
        raise ChatError("not_found", 404)
    if known.state != "failed":
        return
    times = {"due_at": now(), "give_up_at": now() + timedelta(hours=office.hours)}
    anew = {"state": "queued", "problem": None, "answer": None}
    connection.execute(update(mails).where(own).values(**anew, **times))
    if known.kind == REPLY and case.status == "in_progress":
        casework.take_up(connection, person, case, "waiting")
    casework.record(connection, person.id, "case.mail_again", conversation_id, {"mail": mail_id})


# What the postman does


def is_work(connection: Connection) -> bool:
    """Whether an e-mail is to be sent, or one is in doubt."""
    return connection.execute(select(mails.c.id).where(_due()).limit(1)).first() is not None


def take(connection: Connection) -> tuple[Taken, Parcel] | None:
    """The next e-mail to send; nobody else takes it for a while."""
    query = select(mails).where(_due(), mails.c.state == "queued").order_by(mails.c.due_at)
    row = connection.execute(query.limit(1).with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    values = {"attempts": row.attempts + 1, "due_at": now() + LEASE}
    connection.execute(update(mails).where(mails.c.id == row.id).values(**values))
    parcel = Parcel(
        message_id=row.message_id,
        at=row.created_at,
        language=row.language,
        recipient=row.recipient,
        reply_to=row.reply_to,
        subject=row.subject,
        text=row.text,
    )
    return Taken(row.id, row.conversation_id, row.kind, row.attempts + 1), parcel


def begin(connection: Connection, taken: Taken) -> bool:
    """The server asks for the e-mail now; False when it is erased, or somebody else's meanwhile."""
    values = {"state": "sending", "due_at": now() + LEASE}
    return _step(connection, taken, ("queued",), values)


def settle_sent(connection: Connection, taken: Taken, weights: Weights) -> None:
    """The server has taken it: whoever waited has been answered."""
    if lock_conversation(connection, taken.conversation_id) is None:
        return
    values = {"state": "sent", "sent_at": now(), "problem": None, "answer": None}
    # Also of one that was given up for doubtful meanwhile.
    if not _step(connection, taken, ("sending", "failed"), values):
        return
    if taken.kind == REPLY:  # of what was asked before it was written
        query = select(mails.c.created_at).where(mails.c.id == taken.id)
        written_at = connection.execute(query).scalar_one()
        casework.note_answer(connection, taken.conversation_id, weights, written_at)
    detail = {"mail": taken.id}
    casework.record(connection, audit.SYSTEM, "case.mail_sent", taken.conversation_id, detail)


def settle_later(
    connection: Connection,
    taken: Taken,
    problem: str,
    answer: str,
    backoff: float,
    weights: Weights,
) -> bool:
    """It could not be sent now: try again after a while, longer each time; False when it is given
    up."""
    wait = min(backoff * 2 ** min(taken.attempt - 1, 20), LONGEST_WAIT.total_seconds())
    due_at = now() + timedelta(seconds=wait * random.uniform(0.5, 1.0))
    query = select(mails.c.give_up_at).where(mails.c.id == taken.id)
    give_up_at = connection.execute(query).scalar_one_or_none()
    if give_up_at is not None and due_at > give_up_at:
        settle_failed(connection, taken, problem, answer, weights)
        return False
    values = {"state": "queued", "due_at": due_at, "problem": problem, "answer": answer}
    _step(connection, taken, ("queued", "sending"), values)
    return True


def settle_failed(
    connection: Connection, taken: Taken, problem: str, answer: str, weights: Weights
) -> None:
    """It will not be sent: the case is unread for everybody, shows why, and staff are told."""
    if lock_conversation(connection, taken.conversation_id) is None:
        return
    values = {"state": "failed", "problem": problem, "answer": answer}
    if not _step(connection, taken, ("queued", "sending"), values):
        return
    casework.bring_back(connection, taken.conversation_id, weights)
    cause = f"{taken.id}:{taken.attempt}"
    announce(connection, "mail", cause, now(), taken.conversation_id)
    detail = {"mail": taken.id, "problem": problem}
    casework.record(connection, audit.SYSTEM, "case.mail_failed", taken.conversation_id, detail)


def settle_doubtful(connection: Connection, weights: Weights) -> None:
    """One whose sender stopped in the middle: nobody knows whether it was taken."""
    row = connection.execute(select(mails).where(_due(), mails.c.state == "sending")).first()
    if row is not None:
        taken = Taken(row.id, row.conversation_id, row.kind, row.attempts)
        settle_failed(connection, taken, "doubtful", "", weights)


def _due() -> Any:
    return and_(mails.c.state.in_(("queued", "sending")), is_due(mails.c.due_at, LONGEST_WAIT))


def _step(
    connection: Connection, taken: Taken, states: tuple[str, ...], values: Mapping[str, Any]
) -> bool:
    """Change an e-mail that is still the taker's; whether it was."""
    mine = (
        mails.c.id == taken.id,
        mails.c.attempts == taken.attempt,
        mails.c.state.in_(states),
    )
    return bool(connection.execute(update(mails).where(*mine).values(**values)).rowcount)


def _by(office: Office) -> str:
    return "program" if office.sends else "hand"


def _is_known(connection: Connection, conversation_id: str, key: str) -> bool:
    """Whether a form was sent before; while one is looked for, the case is held."""
    casework.hold(connection, conversation_id)
    own = (mails.c.form_key == key, mails.c.conversation_id == conversation_id)
    return connection.execute(select(mails.c.id).where(*own)).first() is not None


def _keep(
    connection: Connection,
    person: Person,
    conversation_id: str,
    written: Written,
    office: Office,
    kind: str,
    about: Mapping[str, Any] | None = None,
) -> str:
    """Put an e-mail into the outbox; its id.

    Raises:
        CaseError: subject, text, form.
    """
    mail_id, moment = str(uuid.uuid4()), now()
    values: dict[str, Any] = {
        "id": mail_id,
        "form_key": _checked_key(connection, written.key),
        "kind": kind,
        "state": "queued" if office.sends else "noted",
        "author_id": person.id,
        "language": written.language,
        "recipient": written.to,
        "reply_to": office.reply_to or person.email,
        "subject": checked_subject(written.subject),
        "text": checked_text(written.text),
        "message_id": f"<{mail_id}@{office.domain or 'localhost'}>",
        "attempts": 0,
        "created_at": moment,
        "due_at": moment,
        "give_up_at": moment + timedelta(hours=office.hours),
        "sent_at": None if office.sends else moment,
    }
    connection.execute(
        insert(mails).values(conversation_id=conversation_id, **values, **(about or {}))
    )
    return mail_id


def _checked_key(connection: Connection, key: str) -> str:
    """A key that no form of another case has."""
    taken = select(mails.c.id).where(mails.c.form_key == key)
    if not 16 <= len(key) <= KEY_LENGTH or connection.execute(taken).first():
        raise CaseError("form")
    return key


def checked_subject(subject: str) -> str:
    """A subject on one line.

    Raises:
        CaseError: subject.
    """
    subject = " ".join(subject.split())
    if not 0 < len(subject) <= SUBJECT_LENGTH or not subject.isprintable():
        raise CaseError("subject")
    return subject


def checked_text(text: str) -> str:
    """A text with plain ends of lines.

    Raises:
        CaseError: text.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not 0 < len(text) <= TEXT_LENGTH or any(char < " " and char not in "\n\t" for char in text):
        raise CaseError("text")
    return text
