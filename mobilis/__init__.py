"""mobilis: a bilingual assistant that coaches nonprofits on engaging decision makers."""

__version__ = "0.1.0"
