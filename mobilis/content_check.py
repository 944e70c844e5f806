"""Every content file looked at: what is wrong, as sentences that name the file and the field.

Called by `mobilis content check` and `mobilis doctor`.
"""

from __future__ import annotations

from pathlib import Path

from mobilis.assessment import load_assessment
from mobilis.content import load_content, problems
from mobilis.content_keys import key_problems
from mobilis.declined import load_terms
from mobilis.errors import ContentError
from mobilis.facets import load_facets
from mobilis.letters import load_letters
from mobilis.shorthand import load_shorthand
from mobilis.wording import load_wording


def content_problems(root: Path) -> list[str]:
    """What is wrong with the content below `root`; what its names do not fit, once it is well
    formed."""
    found = problems(root)
    for check in (
        lambda: load_assessment(root / "assessment" / "readiness.yml"),
        lambda: load_facets(root),
        lambda: load_terms(root),
        lambda: load_shorthand(root),
        lambda: load_letters(root),
        lambda: load_wording(root),
    ):
        try:
            check()
        except ContentError as error:
            found.append(str(error))
    return found or _misnamed(root)


def _misnamed(root: Path) -> list[str]:
    """What `mobilis.content_keys` says of files that are well formed."""
    assessment = load_assessment(root / "assessment" / "readiness.yml")
    try:
        return key_problems(root, load_content(root), assessment)
    except ContentError as error:
        return [str(error)]
