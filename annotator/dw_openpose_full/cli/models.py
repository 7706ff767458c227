"""``dw-openpose models``: what weights there are, where they lie, whether they are whole."""

from __future__ import annotations

import os

import click

from ..errors import ModelError, name_for_message
from ..zoo.catalogue import CARDS, ModelCard, card_named
from ..zoo.store import find, find_verified
from .words import say, say_error, show


@click.group()
def models() -> None:
    """List, find and verify the weights."""


@models.command("list", short_help="Name every model and its state.")
def list_models() -> None:
    """Name every model: what it is for, its size, and whether it is here."""
    for card in CARDS:
        megabytes = sum(weight.size for weight in card.weights.values()) / 1e6
        state = "here" if _is_here(card) else "missing"
        show(f"{card.name:12} {card.kind:9} {megabytes:7.1f} MB  {state:8} {card.about}")


@models.command()
@click.argument("name")
def path(name: str) -> None:
    """Print where the files of NAME lie."""
    for weight in card_named(name).weights.values():
        show(os.fsencode(find(weight)))  # to be passed on as it is, even if it is no UTF-8


@models.command(short_help="Prove that weights are whole.")
@click.argument("name", required=False)
def verify(name: str | None) -> int:
    """Prove by size and sha256 that the files of NAME, or of all models, are whole."""
    cards = CARDS if name is None else (card_named(name),)
    failed = 0
    for weight in dict.fromkeys(weight for card in cards for weight in card.weights.values()):
        try:
            show(f"ok  {name_for_message(find_verified(weight))}")
        except ModelError as error:
            failed += 1
            say_error(error)
    if failed:
        say(f"{failed} of the files are missing or damaged")
    return 1 if failed else 0


def _is_here(card: ModelCard) -> bool:
    try:
        for weight in card.weights.values():
            find(weight)
    except ModelError:
        return False
    return True
