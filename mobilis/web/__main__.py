"""`python -m mobilis.web`: the front door alone, by the settings of the environment."""

from mobilis.settings import load_settings
from mobilis.web.server import serve

if __name__ == "__main__":
    serve(load_settings())
