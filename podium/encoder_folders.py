"""Where the encoders that a config names lie: in the user's own folders, in fetched ones, in copies from the Hub."""

from pathlib import Path

from podium import fetch
from podium.files import is_folder

ENCODER = "data/models/all-MiniLM-L6-v2"
FETCHED = {ENCODER: "all-MiniLM-L6-v2"}  # folders of encoders that a rule fetches
PRETRAINED = "pretrain/"  # before the name of a pretraining of the config


def pretraining_of(encoder: str | None) -> str | None:
    """The pretraining whose result an encoder's name means; None for any other name."""
    return encoder.removeprefix(PRETRAINED) if encoder and encoder.startswith(PRETRAINED) else None


def folder_of(encoder: str) -> str | None:
    """The local folder that an encoder's name means; None for a name on the Hub."""
    try:
        path = str(Path(encoder).expanduser())
    except RuntimeError:  # the home of nobody
        return encoder
    return path if encoder.startswith((".", "/", "~", "data/")) or is_folder(path) else None


def hub_folder(name: str, revision: str | None) -> str:
    """Folder of the copy of an encoder from the Hub."""
    suffix = f"@{revision.replace('/', '--')}" if revision else ""
    return f"data/hub/{name.replace('/', '--')}{suffix}"


def local_folder(name: str, revision: str | None) -> str:
    """The folder of an encoder that no pretraining makes: a local one, or a copy from the Hub."""
    return folder_of(name) or hub_folder(name, revision)


def pretrain_folder(name: str) -> str:
    """Folder of all that a pretraining of the config makes."""
    return f"results/pretrain/{name}"


def encoder_folder(name: str, revision: str | None) -> str:
    """The folder that an encoder is opened from: a local one, a copy from the Hub, or a pretraining's."""
    pretraining = pretraining_of(name)
    return local_folder(name, revision) if pretraining is None else f"{pretrain_folder(pretraining)}/encoder"


def files_of(folder: str) -> list[str]:
    """What a job that opens the encoder depends on: its fetched files, or its folder."""
    if folder in FETCHED:
        return [f"{folder}/{name}" for name in fetch.outputs(FETCHED[folder])]
    return [folder]
