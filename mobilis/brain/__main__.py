"""`python -m mobilis.brain`: the brain. What `rasa run` does, but for its own way of logging, which
writes what people said.
"""

import argparse
import logging
import os
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

from mobilis.live import MODEL
from mobilis.seeing import logs, metrics, spans
from mobilis.settings import load_settings

BRAIN = "brain"
_KEY = re.compile(r"[a-z_.]{1,80}")


def only_the_key(logger: Any, method: str, said: MutableMapping[str, Any]) -> tuple[Any, ...]:
    """Of a line of Rasa's, what it calls the event, and nothing of what happened."""
    key = str(said.get("event", ""))
    fields = {"library": key} if _KEY.fullmatch(key) else {}
    return ("",), {"extra": {"event": "library", "fields": fields}}


def quiet_structlog() -> None:
    """Have what Rasa logs by structlog go the way of all other lines."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, only_the_key],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def main() -> None:
    """Serve the model until SIGINT or SIGTERM."""
    settings = load_settings()
    parser = argparse.ArgumentParser(prog="python -m mobilis.brain", description=__doc__)
    parser.add_argument("--interface", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=settings.brain_port)
    parser.add_argument("--model", default=str(MODEL))
    options = parser.parse_args()
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    logs.configure(BRAIN, settings)
    quiet_structlog()
    spans.configure(BRAIN, settings)
    metrics.serve(BRAIN, settings, logging.getLogger(__name__))
    # Only now: what goes wrong while Rasa is loaded is written like all else.
    from rasa.core.run import serve_application
    from rasa.core.utils import AvailableEndpoints

    serve_application(
        options.model,
        interface=options.interface,
        port=options.port,
        credentials="credentials.yml",
        endpoints=AvailableEndpoints.read_endpoints("endpoints.yml"),
        enable_api=False,
    )


if __name__ == "__main__":
    main()
