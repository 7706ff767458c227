"""``dw-openpose models``: what weights there are, where they lie, whether they are whole."""

from __future__ import annotations

import os

import click

from ..errors import ModelError, name_for_message
from ..zoo.catalogue import ALL_CARDS, ModelCard, Weight, card_named
from ..zoo.fetch import fetch as fetch_weight
from ..zoo.store import candidates, digest_expected, find, verify
from .words import fetching, say, say_error, show


@click.group()
def models() -> None:
    """List, fetch, find and verify the weights."""


@models.command("list", short_help="Name every model and its state.")
def list_models() -> None:
    """Name every model: what it is for, its size, and whether it is here."""
    for card in ALL_CARDS:
        sizes = [weight.size for weight in card.weights.values()]
        known = sum(size for size in sizes if size is not None)
        megabytes = "? MB" if None in sizes else f"{known / 1e6:.1f} MB"
        state = "here" if _is_here(card) else "missing" if card.is_bundled else "to fetch"
        show(f"{card.name:12} {card.kind:9} {megabytes:>9}  {state:8} {card.about}")


@models.command(short_help="Fetch the weights of a model.")
@click.argument("name")
@click.option("--offline", is_flag=True, help="Only say whether they are here.")
def fetch(name: str, offline: bool) -> int:
    """Fetch the files of NAME that are not here, and of the detector that goes with it.

    Each is proven before it gets its name; what an interrupted fetch left is gone on with.
    HF_ENDPOINT names a mirror of the hub, HTTPS_PROXY a proxy, DW_OPENPOSE_CKPTS the folder.
    """
    card = card_named(name)
    cards = [card, card_named(card.detector, "detector")] if card.detector else [card]
    failed = 0
    for weight in dict.fromkeys(weight for card in cards for weight in card.weights.values()):
        try:
            with fetching() as progress:
                path = fetch_weight(weight, offline=offline, progress=progress)
            show(os.fsencode(path))
        except ModelError as error:
            failed += 1
            say_error(error)
        except KeyboardInterrupt:
            say(f"{weight.file}: what has come is kept; the same command goes on from there")
            raise
    return 1 if failed else 0


@models.command()
@click.argument("name")
def path(name: str) -> None:
    """Print where the files of NAME lie."""
    for weight in card_named(name).weights.values():
        show(os.fsencode(find(weight)))  # to be passed on as it is, even if it is no UTF-8


@models.command("verify", short_help="Prove that weights are whole.")
@click.argument("name", required=False)
def verify_models(name: str | None) -> int:
    """Prove by size and sha256 that the files of NAME, or of all models that are here, are whole.

    Every file that would be found is looked at, not the first alone.
    """
    cards = ALL_CARDS if name is None else (card_named(name),)
    failed = 0
    for weight in dict.fromkeys(weight for card in cards for weight in card.weights.values()):
        files = list(candidates(weight))
        if not files and (name is not None or not weight.places):
            failed += 1
            _say_missing(weight)
        for file in files:
            try:
                verify(weight, file)
            except ModelError as error:
                failed += 1
                say_error(error)
            else:
                known = digest_expected(weight, file) is not None
                note = "" if known else "  (nobody has published its sha256)"
                show(f"ok  {name_for_message(file)}{note}")
    if failed:
        say(f"{failed} of the files are missing or damaged")
    return 1 if failed else 0


def _say_missing(weight: Weight) -> None:
    try:
        find(weight)
    except ModelError as error:
        say_error(error)


def _is_here(card: ModelCard) -> bool:
    try:
        for weight in card.weights.values():
            find(weight)
    except ModelError:
        return False
    return True
