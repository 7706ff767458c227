"""Base models and ControlNets of every kind, a few thousand random numbers each, as saved.

Made offline: own configs, an alphabet for a vocabulary. A ControlNet's zero convolutions are random
too, without which no pose would change a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

TEXT_WIDTH: Final = 32
_LETTERS: Final = [chr(code) for code in range(33, 127)]


@dataclass(frozen=True)
class TinyModels:
    """Folders as users have them.

    Attributes:
        base: Of a whole pipeline, without a ControlNet.
        controlnet: Of a ControlNet.
    """

    base: Path
    controlnet: Path


def save_tiny(kind: str, folder: Path) -> TinyModels:
    """Make and save models of a kind: sd15, sdxl, sdxl-union, sd3, flux or flux-union."""
    torch.manual_seed(0)
    base, controlnet = _MAKERS[kind]()
    models = TinyModels(folder / "base", folder / "controlnet")
    randomise_(controlnet)
    base.save_pretrained(models.base)
    controlnet.save_pretrained(models.controlnet)
    return models


def randomise_(network: Any) -> None:
    """Give random values to what a fresh ControlNet has at zero, and large ones to its eyes."""
    for name, parameter in network.named_parameters():
        if "controlnet_cond_embedding" in name and parameter.ndim == 4:
            torch.nn.init.kaiming_normal_(parameter)
        elif parameter.ndim > 1 and not parameter.detach().any():
            torch.nn.init.normal_(parameter, std=0.3)


def alphabet_tokenizer() -> Any:
    """A CLIP tokenizer of single letters."""
    words = _LETTERS + [f"{letter}</w>" for letter in _LETTERS]
    words += ["<|startoftext|>", "<|endoftext|>"]
    return transformers.CLIPTokenizer(
        vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=77
    )


def _clip(*, projected: bool = False) -> Any:
    words = len(alphabet_tokenizer())
    config = transformers.CLIPTextConfig(
        vocab_size=words,
        hidden_size=TEXT_WIDTH,
        intermediate_size=TEXT_WIDTH,
        projection_dim=TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=words - 2,
        eos_token_id=words - 1,
        pad_token_id=words - 1,
    )
    kind = transformers.CLIPTextModelWithProjection if projected else transformers.CLIPTextModel
    return kind(config).eval()


def _vae(**changes: Any) -> Any:
    return diffusers.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(4, 4, 4, 8),
        norm_num_groups=2,
        **changes,
    )


def _unet(**changes: Any) -> Any:
    unet = diffusers.UNet2DConditionModel(
        sample_size=16,
        layers_per_block=1,
        block_out_channels=(8, 16),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=2,
        attention_head_dim=4,
        **changes,
    )
    torch.nn.init.normal_(unet.conv_out.weight, std=0.2)  # noise of about 1, as trained ones say
    return unet


def _noise_schedule() -> Any:
    return diffusers.PNDMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        skip_prk_steps=True,
        steps_offset=1,
    )


def _sd15() -> tuple[Any, Any]:
    unet = _unet(cross_attention_dim=TEXT_WIDTH)
    base = diffusers.StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=_clip(),
        tokenizer=alphabet_tokenizer(),
        unet=unet,
        scheduler=_noise_schedule(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return base, diffusers.ControlNetModel.from_unet(
        unet, conditioning_embedding_out_channels=(4, 4, 8, 8)
    )


def _sdxl_base() -> Any:
    sizes_width = 8
    unet = _unet(
        cross_attention_dim=2 * TEXT_WIDTH,
        addition_embed_type="text_time",
        addition_time_embed_dim=sizes_width,
        projection_class_embeddings_input_dim=6 * sizes_width + TEXT_WIDTH,
    )
    return diffusers.StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=_clip(),
        text_encoder_2=_clip(projected=True),
        tokenizer=alphabet_tokenizer(),
        tokenizer_2=alphabet_tokenizer(),
        unet=unet,
        scheduler=diffusers.EulerDiscreteScheduler(),
        add_watermarker=False,
    )


def _sdxl() -> tuple[Any, Any]:
    base = _sdxl_base()
    return base, diffusers.ControlNetModel.from_unet(
        base.unet, conditioning_embedding_out_channels=(4, 4, 8, 8)
    )


def _sdxl_union() -> tuple[Any, Any]:
    base = _sdxl_base()
    names = (
        "down_block_types", "block_out_channels", "layers_per_block", "norm_num_groups",
        "attention_head_dim", "cross_attention_dim", "addition_embed_type",
        "addition_time_embed_dim", "projection_class_embeddings_input_dim",
    )  # fmt: skip
    width = base.unet.config.block_out_channels[0]
    return base, diffusers.ControlNetUnionModel(
        **{name: base.unet.config[name] for name in names},
        conditioning_embedding_out_channels=(4, 4, 8, 8),
        num_trans_channel=width,
        num_trans_head=2,
        num_proj_channel=width,
    )


def _sd3() -> tuple[Any, Any]:
    shape = {
        "sample_size": 16,
        "in_channels": 4,
        "out_channels": 4,
        "num_layers": 2,
        "attention_head_dim": 8,
        "num_attention_heads": 2,
        "caption_projection_dim": 16,
        "joint_attention_dim": 2 * TEXT_WIDTH,
        "pooled_projection_dim": 2 * TEXT_WIDTH,
        "pos_embed_max_size": 16,
    }
    base = diffusers.StableDiffusion3Pipeline(
        transformer=diffusers.SD3Transformer2DModel(**shape),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=_vae(shift_factor=0.06),
        text_encoder=_clip(projected=True),
        tokenizer=alphabet_tokenizer(),
        text_encoder_2=_clip(projected=True),
        tokenizer_2=alphabet_tokenizer(),
        text_encoder_3=None,
        tokenizer_3=None,
    )
    return base, diffusers.SD3ControlNetModel(**shape)


def _flux(modes: int | None = None) -> tuple[Any, Any]:
    shape = {
        "in_channels": 16,
        "num_layers": 1,
        "num_single_layers": 1,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": TEXT_WIDTH,
        "pooled_projection_dim": TEXT_WIDTH,
        "guidance_embeds": True,
        "axes_dims_rope": (4, 4, 8),
    }
    t5 = transformers.T5EncoderModel(
        transformers.T5Config(
            vocab_size=len(alphabet_tokenizer()),
            d_model=TEXT_WIDTH,
            d_ff=TEXT_WIDTH,
            d_kv=8,
            num_layers=1,
            num_heads=2,
        )
    )
    base = diffusers.FluxPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=_vae(shift_factor=0.06),
        text_encoder=_clip(),
        tokenizer=alphabet_tokenizer(),
        text_encoder_2=t5.eval(),
        tokenizer_2=alphabet_tokenizer(),
        transformer=diffusers.FluxTransformer2DModel(**shape),
    )
    return base, diffusers.FluxControlNetModel(num_mode=modes, **shape)


_MAKERS: Final[dict[str, Callable[[], tuple[Any, Any]]]] = {
    "sd15": _sd15,
    "sdxl": _sdxl,
    "sdxl-union": _sdxl_union,
    "sd3": _sd3,
    "flux": _flux,
    "flux-union": lambda: _flux(modes=7),
}
