"""The ``dw-openpose`` command: results to files or stdout, words to stderr.

Exit codes: 0 all done; 1 some inputs failed, each named; 2 wrong use; 130 interrupted.
"""

from __future__ import annotations

import logging
import sys

import click

from .._version import package_version
from ..errors import DwPoseError, OptionError
from .annotate import annotate
from .convert import convert
from .data import data
from .demo import demo
from .doctor import doctor
from .evaluate import evaluate
from .export import export
from .models import models
from .render import render
from .train import train
from .words import INTERRUPTED, SOME_FAILED, WRONG_USE, give_up, say, say_error

__all__ = ["run"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_version(), prog_name="dw-openpose")
def _command() -> None:
    """Whole-body OpenPose figures from photos, for ControlNet."""


for _part in (annotate, render, demo, models, evaluate, data, train, convert, export, doctor):
    _command.add_command(_part)


def run(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code; never raises for what a user can cause.

    Args:
        arguments: Words after the command's name; by default those of the process.
    """
    logging.basicConfig(format="dw-openpose: %(message)s", level=logging.WARNING)
    try:
        result = _command.main(arguments, prog_name="dw-openpose", standalone_mode=False)
    except click.ClickException as error:
        return _explain(error)
    except (KeyboardInterrupt, click.Abort):
        say("interrupted; nothing half-written is left")
        return INTERRUPTED
    except DwPoseError as error:
        say_error(error)
        return WRONG_USE if isinstance(error, OptionError) else SOME_FAILED
    except OSError as error:  # a help page on a full disk, a working folder that was removed
        give_up(sys.stdout)
        say_error(_reason(error))
        return SOME_FAILED
    return result if isinstance(result, int) else 0


def _reason(error: OSError) -> str:
    """What is wrong where no file of ours is."""
    if isinstance(error, FileNotFoundError) and error.filename is None:
        return "the folder that the command runs in is gone; change to another one"
    return f"stdout: can not be written: {error.strerror}"


def _explain(error: click.ClickException) -> int:
    """Say what is wrong with the words that the command was given."""
    try:
        error.show()
    except OSError:
        give_up(sys.stderr)
    return error.exit_code
