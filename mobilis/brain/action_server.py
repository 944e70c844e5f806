"""`python -m mobilis.brain.action_server`: the actions. What `python -m rasa_sdk` does, but that a
call goes on with the trace of its turn, that its log holds nothing of what was said, and that a
database which refuses is a 503.
"""

import argparse
import logging
from typing import Any

from mobilis.errors import StoreError
from mobilis.seeing import logs, metrics, spans
from mobilis.seeing.ids import HEADER
from mobilis.settings import load_settings

ACTIONS = "actions"


def make_app(package: str = "actions") -> Any:
    """The action server, not yet running."""
    from rasa_sdk.endpoint import create_app
    from sanic.response import json

    app = create_app(package, cors_origins="")

    @app.middleware("request")
    async def take_over(request: Any) -> None:
        spans.take_over(request.headers.get(HEADER))

    @app.exception(StoreError)
    async def refuse(_: Any, error: StoreError) -> Any:
        return json({"error": str(error)}, status=503)

    return app


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    settings = load_settings()
    parser = argparse.ArgumentParser(prog="python -m mobilis.brain.action_server")
    parser.add_argument("--interface", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=settings.actions_port)
    options = parser.parse_args()
    logs.configure(ACTIONS, settings)
    spans.configure(ACTIONS, settings)
    metrics.serve(ACTIONS, settings, logging.getLogger(__name__))
    make_app().run(options.interface, options.port, access_log=False, motd=False)


if __name__ == "__main__":
    main()
