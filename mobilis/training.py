"""Training the model with Rasa, and knowing when that is due."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mobilis.encoders import encoder_name
from mobilis.errors import MobilisError
from mobilis.live import ENCODER, MODEL
from mobilis.settings import load_settings
from mobilis.supervisor import RASA_ENVIRONMENT, newest

SUFFIX = ".tar.gz"
LEARNING = (
    "bundled",
    "classifier",
    "component",
    "derived",
    "encoder",
    "french",
    "gradients",
    "importer",
    "language",
    "lexical",
    "spelling",
    "vectors",
)
# What a model is made from. Wordings are read at run time and are not listed.
INGREDIENTS = (
    "config.yml",
    "domain.yml",
    "data/*.yml",
    "faq/*.yml",
    "assessment/*.yml",
    *(f"mobilis/nlu/{name}.py" for name in LEARNING),
    "content/shorthand.yml",
    "mobilis/shorthand.py",
    "mobilis/text.py",
)


# Rasa's command line. What it makes is needed to the end, and then goes with the process: to look
# for garbage among it would take a tenth of the time.
_RASA = "import gc; gc.disable(); from rasa.__main__ import main; main(); gc.freeze()"


class TrainingFailed(MobilisError):
    """Rasa could not train; what it said is above."""


def is_due(root: Path) -> bool:
    """Whether there is no model, one older than what it is made from, or one for another
    encoder."""
    model, encoder = root / MODEL, root / ENCODER
    if not model.exists() or not encoder.exists():
        return True
    if encoder.read_text(encoding="utf-8") != encoder_name(load_settings().encoder):
        return True
    return model.stat().st_mtime < newest(root, INGREDIENTS)


def train(root: Path, quiet: bool = False, output: Path | None = None) -> Path:
    """Train from the content of `root`; the path of the new model, which is `output` when it shall
    not take the place of the present one. `quiet` shows what Rasa says only when it fails.

    Raises:
        TrainingFailed: Rasa ended with an error, or `output` is no name for a model.
    """
    model = (output or root / MODEL).resolve()
    if not model.name.endswith(SUFFIX) or model.is_dir():
        raise TrainingFailed(f"{output}: the name of a model's file ends with {SUFFIX}")
    command = [sys.executable, "-c", _RASA, "train", "--out", str(model.parent)]
    command += ["--fixed-model-name", model.name.removesuffix(SUFFIX)]
    command += ["--skip-validation", "--force"]  # content is checked before; Rasa's cache unused
    environment = {**os.environ, **RASA_ENVIRONMENT, "LOG_LEVEL_LIBRARIES": "ERROR"}
    # What this cannot make, training makes, or says why not.
    ahead = [sys.executable, "-m", "mobilis.nlu.ahead"]
    unheard = subprocess.DEVNULL
    with subprocess.Popen(ahead, cwd=root, env=environment, stdout=unheard, stderr=unheard):
        ended = subprocess.run(
            command, cwd=root, env=environment, check=False, capture_output=quiet, text=True
        )
    if ended.returncode:
        if quiet:
            sys.stderr.write(ended.stdout + ended.stderr)
        raise TrainingFailed("the model could not be trained; what Rasa said is above")
    if output:
        return output
    (root / ENCODER).write_text(encoder_name(load_settings().encoder), encoding="utf-8")
    (root / MODEL).touch()  # Rasa keeps the old file when nothing had to be learned anew
    return root / MODEL
