"""A vision transformer in the layout of DINOv2, from torch's own layers; it reads features only.

Names of its tensors are those of the authors' files, so that their weights fit. Source: Oquab 2023,
DINOv2; without registers. LayerScale: Touvron 2021.
"""

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PATCH_PX: Final = 14
POSITIONS: Final = 16
"""Patches a side for which positions are stored: pictures of 224 x 224."""


class _LayerScale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens * self.gamma


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, length, width = tokens.shape
        parts = self.qkv(tokens).reshape(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        out = F.scaled_dot_product_attention(query, key, value)
        mixed: Tensor = self.proj(out.transpose(1, 2).reshape(batch, length, width))
        return mixed


class _Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.gelu(self.fc1(tokens)))
        return out


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))
        self.attn = _Attention(width, heads)
        self.ls1, self.ls2 = _LayerScale(width), _LayerScale(width)
        self.mlp = _Mlp(width)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        out: Tensor = tokens + self.ls2(self.mlp(self.norm2(tokens)))
        return out


class _Patches(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH_PX, PATCH_PX)

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.proj(images)
        return out


class VisionTransformer(nn.Module):
    """Features of a picture.

    Shape:
        input ``(B, 3, H, W)``, normalised, sides multiples of 14; output ``(B, width)``: the
        class token after the last norm.
    """

    def __init__(self, width: int = 384, depth: int = 12, heads: int = 6) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + POSITIONS**2, width))
        # Of the authors' training by masked patches; in their files, and never read here.
        self.mask_token = nn.Parameter(torch.zeros(1, width))
        self.patch_embed = _Patches(width)
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, images: Tensor) -> Tensor:
        """Raises ValueError where a side is no multiple of 14."""
        if images.shape[-1] % PATCH_PX or images.shape[-2] % PATCH_PX:
            raise ValueError(f"sides must be multiples of {PATCH_PX}, got {tuple(images.shape)}")
        patches = self.patch_embed(images)
        positions = self._positions(patches.shape[-2], patches.shape[-1])
        first = self.cls_token.expand(len(images), -1, -1)
        tokens = torch.cat([first, patches.flatten(2).transpose(1, 2)], dim=1) + positions
        for block in self.blocks:
            tokens = block(tokens)
        out: Tensor = self.norm(tokens[:, 0])
        return out

    def _positions(self, rows: int, columns: int) -> Tensor:
        """Positions of so many patches, between the stored ones by bicubic interpolation."""
        if (rows, columns) == (POSITIONS, POSITIONS):
            return self.pos_embed
        first, grid = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        square = grid.transpose(1, 2).reshape(1, -1, POSITIONS, POSITIONS)
        moved = F.interpolate(square, size=(rows, columns), mode="bicubic", align_corners=False)
        return torch.cat([first, moved.flatten(2).transpose(1, 2)], dim=1)
