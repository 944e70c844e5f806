"""`python -m mobilis.web`: the front door alone, by the settings of the environment."""

import sys

from mobilis.errors import MobilisError
from mobilis.settings import load_settings
from mobilis.web.server import serve

if __name__ == "__main__":
    try:
        serve(load_settings())
    except MobilisError as error:
        sys.exit(f"mobilis: {error}")
