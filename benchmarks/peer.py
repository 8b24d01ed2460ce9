"""diffusers' U-Net, equal to ours in the architecture of S3: same weights, same answers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from byheart.models import UNet, UNetSpec
from byheart.random import generator

__all__ = ["copy_weights", "diffusers_unet", "published_unet"]


def published_unet(width: int, side: int) -> UNet:
    """Ours: three levels, two blocks, attention at the two lower levels and in the middle."""
    spec = UNetSpec(width=width, multipliers=(1, 2, 4), blocks=2, attention=(1, 2), groups=8)
    return UNet((1, side, side), spec, generator(0), sees="index")


def diffusers_unet(width: int, side: int) -> Any:
    """Theirs, with our time table and our width of heads; fresh weights are drawn aside from the global stream."""
    import diffusers

    with torch.random.fork_rng():
        return diffusers.UNet2DModel(
            sample_size=side,
            in_channels=1,
            out_channels=1,
            freq_shift=1,
            flip_sin_to_cos=False,
            block_out_channels=(width, 2 * width, 4 * width),
            layers_per_block=2,
            down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
            norm_num_groups=8,
            attention_head_dim=max(width, 16),
        )


@torch.no_grad()
def copy_weights(theirs: Any, ours: UNet) -> None:
    """Give ours their weights."""
    pairs = [(theirs.time_embedding.linear_1, ours.time[0]), (theirs.time_embedding.linear_2, ours.time[2])]
    pairs += [(theirs.conv_in, ours.read), (theirs.conv_norm_out, ours.norm), (theirs.conv_out, ours.write)]
    blocks = []
    down, middle, up = iter(ours.down), iter(ours.middle), iter(ours.up)
    for part in theirs.down_blocks:
        blocks += _blocks(part, down)
        pairs += [(sampler.conv, next(down)) for sampler in part.downsamplers or ()]
    blocks += _blocks(theirs.mid_block, middle)
    for part in theirs.up_blocks:
        blocks += _blocks(part, up)
        pairs += [(sampler.conv, next(up).conv) for sampler in part.upsamplers or ()]
    for resnet, attention, block in blocks:
        pairs += _block_pairs(resnet, attention, block)
    for their_part, our_part in pairs:
        our_part.weight.copy_(their_part.weight)
        our_part.bias.copy_(their_part.bias)
    projections = [resnet.time_emb_proj for resnet, _, _ in blocks]
    _stack(ours.project, projections)
    for _, attention, block in blocks:
        if attention is not None:
            _stack(block.attention.qkv, [attention.to_q, attention.to_k, attention.to_v])


def _blocks(part: Any, ours: Any) -> list[tuple[Any, Any, Any]]:
    """(their residual block, their attention or None, our block) in order."""
    attentions = [*(getattr(part, "attentions", None) or ()), *[None] * len(part.resnets)]
    return [
        (resnet, attention, next(ours)) for resnet, attention in zip(part.resnets, attentions, strict=False)
    ]


def _block_pairs(resnet: Any, attention: Any, block: Any) -> list[tuple[nn.Module, nn.Module]]:
    pairs = [(getattr(resnet, name), getattr(block, name)) for name in ("norm1", "conv1", "norm2", "conv2")]
    if resnet.conv_shortcut is not None:
        pairs.append((resnet.conv_shortcut, block.skip))
    if attention is not None:
        pairs += [(attention.group_norm, block.attention.norm), (attention.to_out[0], block.attention.out)]
    return pairs


def _stack(ours: Any, theirs: list[Any]) -> None:
    ours.weight.copy_(torch.cat([part.weight for part in theirs]))
    ours.bias.copy_(torch.cat([part.bias for part in theirs]))
