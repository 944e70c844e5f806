"""`python -m mobilis.web`: the front door alone, by the settings of the environment."""

import logging
import sys

from mobilis.errors import MobilisError
from mobilis.seeing import logs, metrics, spans
from mobilis.settings import load_settings
from mobilis.web.server import serve

DOOR = "door"

if __name__ == "__main__":
    try:
        settings = load_settings()
        logs.configure(DOOR, settings)
        spans.configure(DOOR, settings)
        metrics.serve(DOOR, settings, logging.getLogger(__name__))
        serve(settings)
    except MobilisError as error:
        sys.exit(f"mobilis: {error}")
