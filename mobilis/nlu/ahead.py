"""`python -m mobilis.nlu.ahead`: makes what is made once out of installed packages: the bundled
encoder, the recognizer of names, the lemmas. Training has it run beside itself, while Rasa loads;
it would make them too, one after the other."""

from mobilis.encoders import BUNDLED, MADE, bundled_weights
from mobilis.nlu import bundled
from mobilis.nlu.derived import the_lemmas, the_recognizer
from mobilis.settings import ROOT, load_settings


def main() -> None:
    cache = ROOT / MADE
    weights = bundled_weights()
    if weights and not load_settings().encoder:
        bundled.build(cache / BUNDLED, weights)
    the_recognizer(cache)
    the_lemmas(cache)


if __name__ == "__main__":
    main()
