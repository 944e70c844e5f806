"""The staff console at /console: every page of it. Words are in content/console/, by module."""

from __future__ import annotations

from mobilis.web.console import (
    audit_log,
    cases,
    coaches,
    deliveries,
    edits,
    export,
    figures,
    home,
    learning,
    live,
    mail,
    me,
    notices,
    oidc,
    people,
    privacy,
    queue,
    script,
    sign_in,
)

CONSOLE = (
    *sign_in.PAGES,
    *oidc.PAGES,
    *script.PAGES,
    *home.PAGES,
    *queue.PAGES,
    *cases.PAGES,
    *live.PAGES,
    *mail.PAGES,
    *figures.PAGES,
    *deliveries.PAGES,
    *learning.PAGES,
    *export.PAGES,
    *privacy.PAGES,
    *coaches.PAGES,
    *notices.PAGES,
    *edits.PAGES,
    *me.PAGES,
    *people.PAGES,
    *audit_log.PAGES,
)
