"""Every error that mobilis raises on purpose, as one tree.

MobilisError
├── ContentError        a content file is wrong; the message names the file and the field
├── SettingError        a setting is missing or wrong; the message names the setting
├── StoreError          the database is unreachable or refuses
│   └── StoreBusy           somebody else writes, and it was not to be waited for
├── FileRefused         a file given to a command cannot be used; the message names file and line
├── ImportRefused       an imported file has bad rows; carries one line per problem
├── BackupRefused       a backup cannot be made, read or restored; names what, and why
├── BrainError          the brain did not answer a turn
│   ├── BrainUnavailable    worth trying again later
│   └── BrainRefused        will never work for this message
├── DeliveryError       a message could not be shown on Slack or Teams
│   ├── DeliveryPostponed   worth trying again, after so many seconds where the platform says so
│   └── DeliveryRefused     will never be shown
├── TeamsError          a request in the name of Microsoft Teams was not taken
│   ├── TeamsUnavailable    it cannot be checked now
│   └── TeamsRefused        it does not come from there, or not for us; carries why and status
├── ProviderError       a sign-in provider (OpenID Connect) signed nobody in
│   ├── ProviderUnavailable it does not answer, or not as one does
│   └── ProviderRefused     it refuses, or what it says does not hold; carries why
├── MailError           an e-mail was not handed to the server; carries why, and what it said
│   ├── MailUnavailable     worth trying again later
│   ├── MailRefused         will never be taken as it is
│   └── MailDoubtful        may have been taken all the same
├── JourneyFailed       a scripted conversation did not go as written; names file and step
├── LineFailed          over what it is held, something did not go as it should
├── StaffError          what is asked about an account of staff will not do; carries which field
├── CaseError           what staff ask about a case will not do; carries why
├── EditError           what an admin edits cannot be changed so; carries why
└── ChatError           a visitor's request that cannot be honoured; carries code, status and words
"""

from __future__ import annotations

import re


class MobilisError(Exception):
    """Base of every error raised on purpose."""


class ContentError(MobilisError):
    """A content file is wrong. The message names the file and the field."""


class SettingError(MobilisError):
    """A setting is missing or wrong. The message names the setting."""


class StoreError(MobilisError):
    """The database is unreachable or refuses."""


class StoreBusy(StoreError):
    """Somebody else writes to the database, and it was not to be waited for. Nothing was done."""


class FileRefused(MobilisError):
    """A file given to a command cannot be used. The message names the file and the line."""


class ImportRefused(MobilisError):
    """An imported file has bad rows; nothing was imported.

    `problems` holds one sentence per problem, each naming line and field.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class BackupRefused(MobilisError):
    """A backup cannot be made, read or restored. The message names the file or place, and why."""


class BrainError(MobilisError):
    """The brain did not answer a turn."""


class BrainUnavailable(BrainError):
    """The brain cannot answer now; the turn is worth trying again."""


class BrainRefused(BrainError):
    """The brain will never answer this message; trying again is of no use."""


class DeliveryError(MobilisError):
    """A message could not be shown on a platform. The message holds nothing that was said."""


class DeliveryPostponed(DeliveryError):
    """It is worth trying again; after `retry_after` seconds, where the platform says so."""

    def __init__(self, why: str, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class DeliveryRefused(DeliveryError):
    """It will never be shown: the app or the place is gone, or the platform refuses it."""


class TeamsError(MobilisError):
    """A request in the name of Microsoft Teams was not taken."""


class TeamsUnavailable(TeamsError):
    """What it takes to check such a request cannot be had now."""


class TeamsRefused(TeamsError):
    """It does not come from Microsoft Teams (401), or is not meant for us (403).

    `why` is a short sentence for the logs, and holds nothing of the request.
    """

    def __init__(self, why: str, status: int = 401) -> None:
        super().__init__(why)
        self.why = why
        self.status = status


class ProviderError(MobilisError):
    """A sign-in provider signed nobody in."""


class ProviderUnavailable(ProviderError):
    """The provider does not answer, or not as one does. The message says which answer."""


class ProviderRefused(ProviderError):
    """The provider refuses, or what it says does not hold.

    `why` is a short code for the logs, of letters and underscores.
    """

    def __init__(self, why: str) -> None:
        self.why = re.sub(r"[^a-z_]", "", why.lower())[:40] or "unknown"
        super().__init__(f"the provider's answer was refused: {self.why}")


class MailError(MobilisError):
    """An e-mail was not handed to the server.

    `problem` keys the sentence `problem_…` in `content/console/mail.yml`; `answer` is what the
    server said, which may name an address.
    """

    def __init__(self, problem: str, answer: str = "") -> None:
        super().__init__(f"the e-mail was not sent: {problem}")
        self.problem = problem
        self.answer = answer


class MailUnavailable(MailError):
    """Trying again later is of use: connection, tls, login, later."""


class MailRefused(MailError):
    """Trying again is of none, as long as nothing is changed: sender, recipient, content."""


class MailDoubtful(MailError):
    """All of the e-mail was given away, and no answer came: doubtful."""

    def __init__(self) -> None:
        super().__init__("doubtful")


class JourneyFailed(MobilisError):
    """A scripted conversation did not go as written.

    The message names the file, the step, what was expected and what was got.
    """


class LineFailed(MobilisError):
    """Over what a scripted conversation is held, something did not go as it should."""


class StaffError(MobilisError):
    """What is asked about an account of staff will not do.

    `field` keys the sentence in `content/console/people.yml`, as "wrong_…": email, name, role,
    language, password, taken; own, last_admin, unknown; provider.
    """

    def __init__(self, field: str) -> None:
        super().__init__(f"staff: {field} will not do")
        self.field = field


class CaseError(MobilisError):
    """What staff ask about a case will not do; nothing was changed.

    `reason` keys the sentence `problem_…` in `content/console/case.yml`: stale, status, reason,
    owner, day, tag, note, merged, merge_unknown, merge_itself, merge_merged, not_merged. Of a
    conversation that is taken over, in `content/console/live.yml`: held, not_held, text_empty,
    text_long, message_id. Of an e-mail in `content/console/mail.yml`: address, to, subject, text,
    blank, form, no_consent, coach, coach_address, not_agreed, shown; in
    `content/console/base.yml`: again.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"case: {reason} will not do")
        self.reason = reason


class EditError(MobilisError):
    """What an admin edits cannot be changed so; nothing was changed.

    `reason` keys the sentence `problem_…` in `content/console/edits.yml`: stale, gone, unknown,
    changed_since, in_use, rules.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"edit: {reason}")
        self.reason = reason


class LearningError(MobilisError):
    """What staff decide about a text that was not understood will not do; nothing was changed.

    `reason` keys the sentence `problem_…` in `content/console/learning.yml`: label, text, masked.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"learning: {reason} will not do")
        self.reason = reason


class ChatError(MobilisError):
    """A visitor's request that cannot be honoured.

    `code` keys the sentence in `content/errors.yml`; `status` is the HTTP status.
    """

    def __init__(self, code: str, status: int, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.retry_after = retry_after
