"""`mobilis doctor`: whether a deployment has all that it needs, and how to mend what it has not.

What needs the front door's own code (the sign-in provider, Microsoft Teams, notices to staff) is in
mobilis/web/doctor.py, a program of its own. Called by mobilis/doctor_commands.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from mobilis.doctor.address import check_address, check_metrics, check_secret, check_traces
from mobilis.doctor.database import (
    check_backlog,
    check_backups,
    check_clock,
    check_database,
    check_retention,
)
from mobilis.doctor.findings import Check, Finding
from mobilis.doctor.installation import (
    check_content,
    check_disk,
    check_encoder,
    check_model,
    check_packages,
    check_python,
    check_widget,
)
from mobilis.doctor.mail import check_mail
from mobilis.doctor.ports import check_ports
from mobilis.doctor.slack import check_slack
from mobilis.settings import Settings

CHECKS: tuple[Check, ...] = (
    check_python,
    check_packages,
    check_content,
    check_model,
    check_encoder,
    check_widget,
    check_disk,
    check_database,
    check_clock,
    check_backlog,
    check_retention,
    check_backups,
    check_secret,
    check_ports,
    check_address,
    check_metrics,
    check_traces,
    check_mail,
    check_slack,
)


def examine(settings: Settings) -> Iterator[Finding]:
    """Everything that can be found out from here, as it is found."""
    for check in CHECKS:
        yield from check(settings)
