"""The tables of the one database, as SQLAlchemy Core. No behaviour lives here.

Who writes: the front door owns conversations, inbox, outbox, choices and ratings; the brain owns
tracker_events; actions write assessments, leads and unhandled through the library; the console
owns the rest, of which the first columns of cases, case_facets and case_days only repeat what the
others hold.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UTCDateTime(TypeDecorator):  # type: ignore[type-arg,misc,unused-ignore]
    """An aware UTC datetime in Python, a naive UTC one in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=timezone.utc)


def _conversation_column(primary_key: bool = False) -> Column[str]:
    return Column(
        "conversation_id",
        String(64),
        ForeignKey("conversations.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )


OPEN = text("state IN ('pending', 'sending')")
HELD = text("held_since IS NOT NULL")

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("token_hash", String(64), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("language", String(2), nullable=False),
    Column("page", Text),
    # The position of the newest message; raised under a row lock, so that a conversation's
    # messages have one order without holes.
    Column("position", Integer, nullable=False, default=0),
    Column("created_at", UTCDateTime, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
    # When its transcript was erased and its lead kept; later messages may have followed.
    Column("transcript_erased_at", UTCDateTime),
    # Who of staff has taken over from the assistant, since when, and when their page was last seen.
    Column("held_by", String(36)),
    Column("held_since", UTCDateTime),
    Column("held_seen_at", UTCDateTime),
    Index(None, "last_at"),
    Index("ix_conversations_held", "held_since", sqlite_where=HELD, postgresql_where=HELD),
)

NOT_MASKED = text("masked IS NULL AND kind = 'text'")

inbox = Table(
    "inbox",
    metadata,
    _conversation_column(primary_key=True),
    Column("id", String(64), primary_key=True),  # made by the client: unique in its conversation
    Column("position", Integer, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("kind", String(16), nullable=False),  # text | choice | opened
    Column("text", Text, nullable=False),  # what the visitor said, or the title of the choice
    Column("payload", Text),  # what the brain gets instead of the text, for choice and opened
    Column("choice_id", String(64)),  # which choice was made; it may be erased since
    Column("language", String(2), nullable=False),  # of the conversation, at that moment
    Column("state", String(16), nullable=False),  # pending | done | failed
    Column("attempts", Integer, nullable=False, default=0),
    Column("due_at", UTCDateTime, nullable=False),
    Column("done_at", UTCDateTime),
    Column("error", Text),
    # What was typed without personal details, once the brain has made it (mobilis/masking.py).
    Column("masked", Text),
    # What log lines and traces call it (mobilis/seeing/ids.py); none of what was kept before.
    Column("trace", String(32)),
    UniqueConstraint("conversation_id", "position"),
    Index(None, "state", "due_at"),
    Index("ix_inbox_not_masked", "at", sqlite_where=NOT_MASKED, postgresql_where=NOT_MASKED),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(64), primary_key=True),
    _conversation_column(),
    Column("position", Integer, nullable=False),
    Column("in_reply_to", String(64)),
    Column("at", UTCDateTime, nullable=False),
    Column("language", String(2), nullable=False),
    Column("content", JSON, nullable=False),  # the message of the chat API, less id, at, language
    # Which model, content files and code said it (mobilis/versions.py); none of what staff say.
    Column("by_model", String(64)),
    Column("by_content", String(64)),
    Column("by_code", String(64)),
    UniqueConstraint("conversation_id", "position"),
)

choices = Table(
    "choices",
    metadata,
    Column("id", String(64), primary_key=True),
    _conversation_column(),
    Column(
        "message_id",
        String(64),
        ForeignKey("outbox.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("title", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("used_at", UTCDateTime),
    Index(None, "message_id"),
    Index(None, "conversation_id"),
)

# What visitors say of an answer; none of one who said nothing or took it back.
ratings = Table(
    "ratings",
    metadata,
    _conversation_column(primary_key=True),
    Column(
        "message_id",
        String(64),
        ForeignKey("outbox.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("helpful", Boolean, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Index(None, "message_id"),
)

# Where a conversation takes place on a platform that messages are pushed to.
places = Table(
    "places",
    metadata,
    _conversation_column(primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("key", String(255), nullable=False),  # the place and the person, as one text
    Column("workspace", String(64), nullable=False),  # of Slack; the tenant of Teams
    Column("reference", JSON, nullable=False),  # what the platform needs to be written to
    UniqueConstraint("channel", "key"),
    Index(None, "channel", "workspace"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", Integer, primary_key=True),  # in the order in which they are to be made
    _conversation_column(),
    Column(
        "message_id",
        String(64),
        ForeignKey("outbox.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("kind", String(16), nullable=False),  # send | update
    Column("state", String(16), nullable=False, default="pending"),  # sending | sent | failed
    Column("attempts", Integer, nullable=False, default=0),
    Column("due_at", UTCDateTime, nullable=False),
    Column("done_at", UTCDateTime),
    Column("remote_id", Text),  # how the platform calls what was sent
    Column("error", Text),
    Index(None, "conversation_id", "number"),
    Index(None, "message_id", "kind"),
    Index("ix_deliveries_open", "due_at", sqlite_where=OPEN, postgresql_where=OPEN),
)

# Where staff are told of things, on Slack or Teams, and since when (mobilis/announcements.py).
announcement_targets = Table(
    "announcement_targets",
    metadata,
    Column("channel", String(16), primary_key=True),
    Column("target", String(512), primary_key=True),  # the workspace and the channel in it
    Column("since", UTCDateTime, nullable=False),
)

# What staff are told there: one for each cause and target.
announcements = Table(
    "announcements",
    metadata,
    Column("number", Integer, primary_key=True),  # in the order in which they were made
    Column("id", String(32), nullable=False, unique=True),  # what its button says: of no use alone
    Column(  # none: it is of no conversation
        "conversation_id", String(64), ForeignKey("conversations.id", ondelete="CASCADE")
    ),
    Column(
        "kind", String(16), nullable=False
    ),  # lead | person | waiting | undelivered | mail | gone
    Column("cause", String(128), nullable=False),  # what made it; nothing makes it twice
    Column("channel", String(16), nullable=False),
    Column("target", String(512), nullable=False),
    Column("state", String(16), nullable=False),  # pending | sending | sent | failed
    Column("attempts", Integer, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("due_at", UTCDateTime, nullable=False),
    Column("remote_id", Text),  # how the platform calls it, once it is shown
    Column("error", Text),
    # What it shows of the case, lest it be shown again for nothing; whose it is, and since when.
    Column("shown_owner", String(36), nullable=False),
    Column("shown_status", String(16), nullable=False),
    Column("claimed_at", UTCDateTime),
    UniqueConstraint("channel", "target", "kind", "cause"),
    Index(None, "conversation_id"),
    Index(None, "channel", "target", "state", "created_at"),
)

# Which workspaces of Slack have the app. One that is gone keeps its row, without its token.
slack_installations = Table(
    "slack_installations",
    metadata,
    Column("workspace", String(64), primary_key=True),  # Slack's team, or its organization
    Column("name", Text, nullable=False),
    Column("app_id", String(64), nullable=False),
    Column("bot_user_id", String(64), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("token", Text),  # sealed (mobilis/sealing.py); none when it stands in the settings
    Column("installed_at", UTCDateTime, nullable=False),
    Column("gone_at", UTCDateTime),
    Column("gone_why", String(64)),  # what Slack called it
)

# Installations under way: each is good once, and not for long.
slack_states = Table(
    "slack_states",
    metadata,
    Column("state_hash", String(64), primary_key=True),
    Column("expires_at", UTCDateTime, nullable=False),
)

tracker_events = Table(
    "tracker_events",
    metadata,
    Column("conversation_id", String(64), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("snapshot", Boolean, nullable=False, default=False),
    Column("at", UTCDateTime, nullable=False),
    Column("name", String(64), nullable=False),
    Column("message_id", String(64)),  # of a visitor's message: the inbox row it answers
    Column("data", Text, nullable=False),
    Index(None, "conversation_id", "message_id"),
)

assessments = Table(
    "assessments",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("conversation_id", String(64), nullable=False, index=True),
    Column("source_message_id", String(64), nullable=False),
    Column("language", String(2), nullable=False),
    Column("version", String(32), nullable=False),
    Column("answers", JSON, nullable=False),
    Column("band", String(32), nullable=False),
    Column("variant", String(32)),
    Column("total", Integer),
    Column("gaps", JSON, nullable=False),
    # The unguessable part of its page's address; none of what was kept before there were pages.
    Column("page_id", String(32), unique=True),
    Column("page_until", UTCDateTime),  # none: as long as the conversation is kept
    Column("created_at", UTCDateTime, nullable=False),
    UniqueConstraint("conversation_id", "source_message_id"),
)

leads = Table(
    "leads",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("reference", String(16), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),  # interest | coach | person
    Column("status", String(16), nullable=False, default="new"),
    Column("conversation_id", String(64), nullable=False, index=True),
    Column("source_message_id", String(64), nullable=False),
    Column("language", String(2), nullable=False),
    Column("name", Text),
    Column("organization", Text),
    Column("email", Text),
    Column("message", Text),
    Column("coach_id", String(64)),
    Column("coach_consent", Boolean),  # agreed that this coach gets what was left
    Column("consent_at", UTCDateTime),
    Column("created_at", UTCDateTime, nullable=False),
    UniqueConstraint("conversation_id", "source_message_id"),
    Index(None, "created_at", "id"),
)

unhandled = Table(
    "unhandled",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("conversation_id", String(64), nullable=False, index=True),
    Column("source_message_id", String(64), nullable=False),
    Column("language", String(2), nullable=False),
    Column("text", Text, nullable=False),  # masked: no name, address, e-mail or number
    Column("outcome", String(16), nullable=False),  # lost | clarified
    Column("guesses", JSON, nullable=False),  # [{"label", "confidence"}]
    Column("question", String(64)),  # of the assessment, when it was open
    Column("chosen", String(64)),  # the label the visitor then picked, or none of those offered
    Column("followed_by", String(64)),  # the label of what the visitor typed next, if understood
    # The same for all that say the same to the same question (mobilis/likeness.py): what staff
    # decide is about all of them.
    Column("key", String(64), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    UniqueConstraint("conversation_id", "source_message_id"),
    Index(None, "key"),
    Index(None, "created_at", "id"),
)

coaches = Table(
    "coaches",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("languages", JSON, nullable=False),
    Column("regions", JSON, nullable=False),
    Column("topics", JSON, nullable=False),
    Column("levels", JSON, nullable=False),
    Column("bio", JSON, nullable=False),  # {"fr", "en"}
    Column("url", Text),
    Column("accepting", Boolean, nullable=False, default=True),
    Column("email", Text),  # for staff alone: no visitor and no part of the brain reads it
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    # A fingerprint of what was erased, by which a restored backup is erased again; it leads back to
    # nothing. None: before there were backups.
    Column("subject", String(64)),
)

# The console

staff = Table(
    "staff",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("email", String(254), nullable=False, unique=True),  # in lower case
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),  # viewer | triager | exporter | admin
    Column("language", String(2), nullable=False),
    Column("password_hash", Text),  # argon2id; none: signs in through a provider only
    Column("totp_secret", Text),  # none: no second factor
    Column("totp_step", Integer),  # the last one used, so that a code is good once
    Column("totp_pending", Text),  # shown as a QR code, and not yet proven by a code
    Column("one_time_until", UTCDateTime),  # the password is to be changed, and good until then
    Column("provider", String(255)),  # the issuer of the OpenID Connect provider that knows them
    Column("provider_subject", String(255)),  # and how it calls them
    Column("active", Boolean, nullable=False, default=True),
    Column("failures", Integer, nullable=False, default=0),  # since the last time it went well
    Column("locked_until", UTCDateTime),
    Column("created_at", UTCDateTime, nullable=False),
    Column("signed_in_at", UTCDateTime),
    Index(None, "provider", "provider_subject", unique=True),
)


def _staff_column(name: str = "staff_id", **more: Any) -> Column[str]:
    return Column(name, String(36), ForeignKey("staff.id", ondelete="CASCADE"), **more)


staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("id", String(64), primary_key=True),  # the hash of what the cookie holds
    _staff_column(nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
    Index(None, "staff_id"),
)

# The password was right, and the code of the second factor is waited for.
staff_sign_ins = Table(
    "staff_sign_ins",
    metadata,
    Column("id", String(64), primary_key=True),  # the hash of what the cookie holds
    _staff_column(nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Index(None, "staff_id"),
)

staff_recovery_codes = Table(
    "staff_recovery_codes",
    metadata,
    _staff_column(primary_key=True),
    Column("hash", String(64), primary_key=True),
)

BEHIND = text("position < 0")  # an erasure left them to be made again

# What the queue filters by, beside its order.
_FILTERED = (
    *("conversation_id", "number", "status", "owner_id", "messages", "language", "channel", "band"),
    *("person_at", "not_understood", "follow_up_at", "waiting_since", "merged_into"),
)

cases = Table(
    "cases",
    metadata,
    _conversation_column(primary_key=True),
    # Projected from the conversation and what came from it; mobilis/cases.py makes them again.
    Column("channel", String(16), nullable=False),
    Column("language", String(2), nullable=False),
    Column("opened_at", UTCDateTime, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
    Column("position", Integer, nullable=False),  # of the newest message that was projected
    Column("messages", Integer, nullable=False),  # of the visitor
    Column("not_understood", Integer, nullable=False),
    Column("clarified", Integer, nullable=False),
    Column("person_at", UTCDateTime),  # a person was asked for
    Column("assessed_at", UTCDateTime),
    Column("band", String(32)),
    Column("lead_at", UTCDateTime),
    Column("lead_kind", String(16)),  # interest | coach
    Column("reference", String(16)),
    Column("coach_id", String(64)),
    Column("consent_at", UTCDateTime),
    Column("name", Text),
    Column("organization", Text),
    Column("email", Text),
    Column("person", String(64)),  # the same for all conversations of one e-mail address
    Column("waiting_since", UTCDateTime),  # something was asked of staff, and nobody has answered
    Column("priority", Integer, nullable=False),
    Column("number", Integer, index=True),  # of its case_texts: what a search finds
    # Staff's own.
    Column("status", String(16), nullable=False, default="new"),  # in_progress, waiting, closed
    Column("close_reason", String(32)),
    Column("owner_id", String(36), ForeignKey("staff.id", ondelete="SET NULL"), index=True),
    Column("follow_up_at", UTCDateTime, index=True),
    Column("answered_at", UTCDateTime),  # first, by a person
    Column("last_answer_at", UTCDateTime),  # by a person
    Column("merged_into", String(64)),
    # What undoing a merge brings back: status, reason, follow-up.
    Column("before_merge", JSON(none_as_null=True)),
    Column("resurfaced_at", UTCDateTime),  # its follow-up came due, and nobody has acted since
    Column("changed_at", UTCDateTime),  # status, owner, follow-up or merge, by staff
    Column("changed_by", String(36)),  # who of staff, or "system"
    # The queue is read from these two alone, in their order, whatever it is filtered by; see
    # mobilis/queue.py. An index of fewer columns would be chosen over them, and be slower.
    Index("ix_cases_queue", "priority", "last_at", *_FILTERED),
    Index("ix_cases_queue_by_date", "last_at", "priority", *_FILTERED),
    Index(None, "person"),
    Index(None, "opened_at", "conversation_id"),  # exports
    Index("ix_cases_behind", "position", sqlite_where=BEHIND, postgresql_where=BEHIND),
)

# The words of each case that a search looks into, without accents. What looks for them is made by
# the migrations: a full-text table of SQLite with its triggers, an index of PostgreSQL; everything
# of it is named case_search….
case_texts = Table(
    "case_texts",
    metadata,
    Column("number", Integer, primary_key=True),
    Column(
        "conversation_id",
        String(64),
        ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    Column("said", Text, nullable=False),  # by the visitor and by staff
    Column("contact", Text, nullable=False),  # what was given of oneself, and the reference
)

case_facets = Table(
    "case_facets",
    metadata,
    _conversation_column(primary_key=True),
    Column("facet", String(16), primary_key=True),  # topic | region | language | level | label
    Column("value", String(64), primary_key=True),
    Index(None, "facet", "value", "conversation_id"),
)

# What happened in a conversation on a day, counted: what figures add up. Its kinds are in
# mobilis/case_days.py.
case_days = Table(
    "case_days",
    metadata,
    _conversation_column(primary_key=True),
    Column("day", String(10), primary_key=True),  # of Toronto: 2026-11-26
    Column("what", String(16), primary_key=True),
    Column("value", String(64), primary_key=True),
    Column("language", String(2), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("times", Integer, nullable=False),
    # Figures are read from this one alone.
    Index(
        "ix_case_days_figures",
        *("what", "day", "value", "language", "channel", "times", "conversation_id"),
    ),
)

case_tags = Table(
    "case_tags",
    metadata,
    _conversation_column(primary_key=True),
    Column("tag", String(40), primary_key=True),
    Column("merged_from", String(64)),  # the duplicate that brought it
    Index(None, "tag", "conversation_id"),
)

case_notes = Table(
    "case_notes",
    metadata,
    Column("id", String(36), primary_key=True),
    _conversation_column(),
    _staff_column("author_id"),
    Column("text", Text, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Index(None, "conversation_id", "at"),
)

case_mentions = Table(
    "case_mentions",
    metadata,
    Column(
        "note_id",
        String(36),
        ForeignKey("case_notes.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    _staff_column(primary_key=True),
    Column("seen_at", UTCDateTime),
)

case_reads = Table(
    "case_reads",
    metadata,
    _conversation_column(primary_key=True),
    _staff_column(primary_key=True),
    Column("position", Integer, nullable=False),  # up to which the person has read
    Column("at", UTCDateTime, nullable=False),
    Index(None, "staff_id", "conversation_id", "position"),
)

# The outbox of e-mails; mobilis/mails.py tells what becomes of one.
mails = Table(
    "mails",
    metadata,
    Column("id", String(36), primary_key=True),
    _conversation_column(),
    Column("form_key", String(64), nullable=False, unique=True),  # a form sent twice is one e-mail
    Column("kind", String(16), nullable=False),  # reply | forward
    Column("state", String(16), nullable=False),  # queued | sending | sent | failed | noted
    Column("author_id", String(36), ForeignKey("staff.id", ondelete="SET NULL")),
    Column("language", String(2), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("reply_to", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("coach_id", String(64)),  # forwarded to
    Column("coach_name", Text),
    Column("shared", JSON(none_as_null=True)),  # the kinds of data that were forwarded
    Column("basis", String(16)),  # how that was agreed to: chat | written
    Column("message_id", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("due_at", UTCDateTime, nullable=False),  # the next try, or until when one may take
    Column("give_up_at", UTCDateTime, nullable=False),
    Column("sent_at", UTCDateTime),
    Column("problem", String(16)),  # of the last try
    Column("answer", Text),  # what the server said then
    Index(None, "conversation_id", "created_at"),
    Index(None, "state", "due_at"),
)

# Each answer of the FAQ that was given, and what the visitor's next message made of it.
answer_uses = Table(
    "answer_uses",
    metadata,
    _conversation_column(primary_key=True),
    Column("message_id", String(64), primary_key=True),
    Column("faq", String(64), nullable=False),
    Column("language", String(2), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("followed_by", String(16)),  # refused | person | missed; none: anything else
    Index(None, "at", "faq", "language", "followed_by"),
)

# What staff decided about texts that were not understood. No word of a visitor is in here, and a
# decision goes with the last message that it is about.
missed_decisions = Table(
    "missed_decisions",
    metadata,
    Column("key", String(64), primary_key=True),  # of `unhandled`
    Column("label", String(64)),  # none: there is nothing to learn
    Column("text", Text),  # as staff reworded it
    Column("staff_id", String(36), ForeignKey("staff.id", ondelete="SET NULL")),
    Column("at", UTCDateTime, nullable=False),
    Column("batch", String(32), nullable=False),  # the same for all that one click decided
    Index(None, "batch"),
)

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", String(36), primary_key=True),
    _staff_column(nullable=False),
    Column("name", String(80), nullable=False),
    Column("query", Text, nullable=False),  # of the queue's address
    Column("at", UTCDateTime, nullable=False),
    UniqueConstraint("staff_id", "name"),
)

# What admins changed of the directory and of what the assistant says (mobilis/edits.py).
edits = Table(
    "edits",
    metadata,
    Column("id", Integer, primary_key=True),  # in the order of the changes
    Column("kind", String(16), nullable=False),  # coach | notice | link
    Column("key", String(64), nullable=False),
    Column("before", JSON(none_as_null=True)),  # none: it was not there
    Column("after", JSON(none_as_null=True)),  # none: it was removed
    Column("at", UTCDateTime, nullable=False),
    Column("actor", String(36), nullable=False),  # who of staff, or "command"
    Column("undoes", Integer, ForeignKey("edits.id")),
    Index(None, "kind", "key", "id"),
)

# What is said in the place of a content file (mobilis/notices.py).
overrides = Table(
    "overrides",
    metadata,
    Column("kind", String(16), primary_key=True),  # notice | link
    Column("key", String(64), primary_key=True),
    Column("data", JSON, nullable=False),
    Column("default", JSON, nullable=False),  # what the file said when this was written
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),  # as it was hashed
    Column("actor", String(36), nullable=False),  # who of staff, or "command" or "system"
    Column("action", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("detail", Text, nullable=False),  # JSON; nothing that a visitor said
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)
