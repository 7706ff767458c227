"""From names to a pipeline in memory; nothing is on a device yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import diffusers
import torch
from diffusers import DiffusionPipeline, ModelMixin, SchedulerMixin
from diffusers.utils import logging
from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file

from ..errors import DependencyError, ModelError, name_for_message
from .devices import is_out_of_memory
from .failures import EXTRA, in_short
from .families import SCHEDULERS, Family, kin_of
from .sources import Models, Source

# what diffusers and the hub's client raise for what is missing, damaged or of another kind
_REFUSALS: Final = (
    OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError,
)  # fmt: skip
_CONFIGS: Final = ["*.json", "*/*.json", "*/*.txt", "*/*.model"]
_CONVERTED: Final = frozenset({"ControlNetModel", "ZImageControlNetModel"})
_HALF: Final = "fp16"


@dataclass(frozen=True)
class Manner:
    """How weights are loaded.

    Attributes:
        dtype: The number type that they get.
        offline: Take from the hub's cache only.
    """

    dtype: torch.dtype
    offline: bool = False


def load_pipeline(models: Models, manner: Manner) -> DiffusionPipeline:
    """Load a family's pipeline.

    Raises:
        ModelError: If a part is missing, damaged, or of another kind.
        DependencyError: If the installed diffusers is too old for the family.
    """
    family = models.family
    with _without_a_bar():
        if not models.follows_poses:
            return _base(models, manner, family.plain)
        network = _controlnet(models, manner)
        pipeline = _base(models, manner, family.pipeline, controlnet=network)
    _check_fit(pipeline, models)
    return pipeline


def scheduler_of(pipeline: DiffusionPipeline, name: str) -> SchedulerMixin:
    """A scheduler of ``SCHEDULERS``, set up as the pipeline's own is."""
    # clipping is for pixels; these models denoise latents
    return _class(SCHEDULERS[name]).from_config(pipeline.scheduler.config, clip_sample=False)


@contextmanager
def _without_a_bar() -> Iterator[None]:
    """Have diffusers draw none on stderr; who looks on is told in another way."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _base(
    models: Models, manner: Manner, class_name: str, **parts: ModelMixin
) -> DiffusionPipeline:
    """The pipeline, its base model read from a folder, a file or the hub."""
    kind = _class(class_name)
    with _explained(models.base, f"a base model of family {models.family.name}", manner):
        source = _fetched(Source.of(models.base), manner)
        common = {"dtype": manner.dtype, "local_files_only": manner.offline, **parts}
        if source.file:
            configs = _configs_of(source.file, models.family, manner)
            return kind.from_single_file(str(source.file), config=str(configs), **common)
        place = source.repo or str(source.folder)
        index = kind.load_config(place, local_files_only=manner.offline)
        _check_kin(index, models)
        absent = {name: None for name, part in index.items() if part == [None, None]}
        variant = _variant(source, models, manner)
        return kind.from_pretrained(
            place, variant=variant, use_safetensors=True, **absent, **common
        )


def _controlnet(models: Models, manner: Manner) -> ModelMixin:
    """The ControlNet, none of its numbers missing."""
    kind = _class(models.family.network)
    with _explained(models.controlnet, f"a {kind.__name__}", manner):
        source = _fetched(Source.of(models.controlnet), manner)
        if source.file:
            return _controlnet_file(kind, source.file, manner)
        network, report = kind.from_pretrained(
            source.repo or str(source.folder),
            dtype=manner.dtype,
            local_files_only=manner.offline,
            use_safetensors=True,
            output_loading_info=True,
        )
        if report["missing_keys"]:
            raise ValueError(f"it has no {min(report['missing_keys'])}")
        return network


def _controlnet_file(kind: type[ModelMixin], path: Path, manner: Manner) -> ModelMixin:
    """A ControlNet of one file; its ``config.json`` lies beside, or is told by the weights."""
    beside = path.with_name("config.json")
    config = {"config": str(path.parent)} if beside.is_file() else {}
    lacking = ModelError(
        f"{name_for_message(path)}: expected a {kind.__name__}, but its config.json does not lie "
        "beside it; put it there"
    )
    if kind.__name__ in _CONVERTED:
        offline = manner.offline
        try:
            return kind.from_single_file(
                str(path), dtype=manner.dtype, local_files_only=offline, **config
            )
        except OSError as error:  # the hub does not give the one that the weights tell of
            if config:
                raise
            raise lacking from error
    if not config:
        raise lacking
    network = kind.from_config(kind.load_config(config["config"]))
    network.load_state_dict(load_file(path))
    return network.to(manner.dtype).eval()


def _configs_of(path: Path, family: Family, manner: Manner) -> Path:
    """The folder that says how a single file's parts are built.

    One named as the file lies beside it, or the hub's cache has that of the family's own base.
    """
    beside = path.with_suffix("")
    if (beside / "model_index.json").is_file():
        return beside
    try:
        found = snapshot_download(
            family.base, allow_patterns=_CONFIGS, local_files_only=manner.offline
        )
    except OSError as error:
        raise ModelError(
            f"{name_for_message(path)}: its configs are needed too: put the folder "
            f"{name_for_message(beside)} beside it, with the .json and .txt files of "
            f"{family.base}, or be online once"
        ) from error
    return Path(found)


def _fetched(source: Source, manner: Manner) -> Source:
    """The same source, a file of the hub on this machine."""
    if not source.member:
        return source
    path = hf_hub_download(source.repo, source.member, local_files_only=manner.offline)
    return Source(file=Path(path))


def _variant(source: Source, models: Models, manner: Manner) -> str | None:
    """The half-precision files, where they are known to be there and are enough."""
    if source.folder:
        weights = {path.name for path in source.folder.glob("*/*.safetensors")}
        halves = {name for name in weights if f".{_HALF}." in name}
        return _HALF if halves and halves == weights else None
    whole = manner.dtype == torch.float32 or models.base != models.family.base
    return None if whole else models.family.variant or None


def _check_kin(index: dict[str, Any], models: Models) -> None:
    """Refuse another family's base model."""
    found = str(index.get("_class_name", ""))
    if kin_of(found) != models.family.plain:
        raise ValueError(f"it is a {found or 'model of no name'}")


def _check_fit(pipeline: DiffusionPipeline, models: Models) -> None:
    """Refuse a ControlNet that was made for another base."""
    denoiser = getattr(pipeline, "unet", None) or pipeline.transformer
    for name in ("cross_attention_dim", "joint_attention_dim"):
        wanted, found = (part.config.get(name) for part in (denoiser, pipeline.controlnet))
        if wanted != found and None not in {wanted, found}:
            raise ModelError(
                f"{name_for_message(models.controlnet)}: expected a ControlNet for "
                f"{name_for_message(models.base)}, whose text is {wanted} wide, got one for text "
                f"that is {found} wide; choose the two of one family"
            )


def _class(name: str) -> Any:  # noqa: ANN401  one of many, by name
    """A class of diffusers."""
    found = getattr(diffusers, name, None)
    if found is None:
        raise DependencyError(
            f"diffusers {diffusers.__version__} has no {name}; upgrade it: {EXTRA}"
        )
    return found


@contextmanager
def _explained(name: str, wanted: str, manner: Manner) -> Iterator[None]:
    """Say in one sentence what is wrong with a source."""
    try:
        yield
    except _REFUSALS as error:
        if is_out_of_memory(error):
            raise
        reason, cure = in_short(error), "check the name, and the family"
        if manner.offline:
            cure = "offline, everything must lie on this machine or in the hub's cache"
        elif _is_unreachable(error):
            reason = "the hub can not be reached, and its cache here does not have it"
            cure = "check the connection, or name a folder or a file on this machine"
        raise ModelError(
            f"{name_for_message(name)}: expected {wanted}, but {reason}; {cure}"
        ) from error


def _is_unreachable(error: BaseException | None) -> bool:
    """Whether an error comes from a hub that does not answer."""
    while error is not None and not isinstance(error, LocalEntryNotFoundError):
        error = error.__cause__ or error.__context__
    return error is not None
