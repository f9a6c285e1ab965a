"""The small models as a PyTorch user writes them: `torch.nn` modules, an eager loop, `torch.optim`.

Nothing of ours is in here but the sizes. Weights start as PyTorch starts them: only the speed is compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from measuring import Block, timed
from torch import nn
from torch.nn import functional

from trainband.models.specs import PIXEL_SCALE, Recipe, ReferenceModel


def scaled(images: Any) -> Any:
    """float32 [batch, channel, height, width] from uint8 [batch, height, width, channel]."""
    return images.permute(0, 3, 1, 2).to(torch.float32) * PIXEL_SCALE


class Scaled(nn.Module):
    """Runs a stack of layers on `scaled` images."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Any) -> Any:
        return self.layers(scaled(images))


def conv_norm(inputs: int, width: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]


def mlp(inputs: int, hidden: int) -> nn.Module:
    return Scaled(nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, 10))


def cnn_fashion_mnist() -> nn.Module:
    return Scaled(
        *conv_norm(1, 16),
        nn.MaxPool2d(2),
        *conv_norm(16, 32),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 49, 64),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(64, 10),
    )


def cnn_spoken_digit() -> nn.Module:
    stages = [layer for a, b in ((1, 16), (16, 32), (32, 64)) for layer in (*conv_norm(a, b), nn.MaxPool2d(2))]
    return Scaled(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, 10))


def autoencoder_fashion_mnist() -> nn.Module:
    return Scaled(
        nn.Conv2d(1, 16, 3, 2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(1568, 64),
        nn.Linear(64, 1568),
        nn.ReLU(),
        nn.Unflatten(1, (32, 7, 7)),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(32, 16, 3, padding=1),
        nn.ReLU(),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(16, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 1, 3, padding=1),
        nn.Sigmoid(),
    )


class Residual(nn.Module):
    """Two convolutions and a shortcut of option A."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*conv_norm(inputs, width, stride), *conv_norm(width, width)[:2])
        self.stride, self.missing = stride, width - inputs

    def forward(self, x: Any) -> Any:
        shortcut = x[:, :, :: self.stride, :: self.stride]
        shortcut = functional.pad(shortcut, (0, 0, 0, 0, self.missing // 2, self.missing - self.missing // 2))
        return torch.relu(self.body(x) + shortcut)


def resnet20_cifar10() -> nn.Module:
    widths = [16] * 3 + [32] * 3 + [64] * 3
    before = [16, *widths[:-1]]
    blocks = [Residual(a, b, 2 if b > a else 1) for a, b in zip(before, widths, strict=True)]
    return Scaled(*conv_norm(3, 16), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class TransformerBlock(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, width: int, heads: int, *, causal: bool, bias: bool, epsilon: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width, epsilon, bias=bias) for _ in range(2)])
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=bias), nn.Linear(width, width, bias=bias)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width, bias=bias), nn.GELU(), nn.Linear(4 * width, width, bias=bias)
        )
        self.heads, self.causal = heads, causal

    def forward(self, x: Any) -> Any:
        batch, time, width = x.shape
        parts = self.qkv(self.norms[0](x)).reshape(batch, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(*parts, is_causal=self.causal)
        x = x + self.out(found.transpose(1, 2).reshape(batch, time, width))
        return x + self.mlp(self.norms[1](x))


class Vit(nn.Module):
    """vit_fashion_mnist."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 64, 7, 7)
        self.token, self.places = nn.Parameter(torch.zeros(1, 1, 64)), nn.Parameter(torch.randn(17, 64) * 0.02)
        self.blocks = nn.Sequential(*[TransformerBlock(64, 4, causal=False, bias=True, epsilon=1e-6) for _ in range(4)])
        self.norm, self.head = nn.LayerNorm(64, 1e-6), nn.Linear(64, 10)

    def forward(self, images: Any) -> Any:
        x = self.patches(scaled(images)).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), 1, 64), x], dim=1) + self.places
        return self.head(self.norm(self.blocks(x))[:, 0])


class CharGpt(nn.Module):
    """chargpt_tiny_shakespeare."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.places = nn.Embedding(65, 128), nn.Parameter(torch.randn(64, 128) * 0.02)
        self.blocks = nn.Sequential(
            *[TransformerBlock(128, 4, causal=True, bias=False, epsilon=1e-5) for _ in range(4)]
        )
        self.norm = nn.LayerNorm(128, bias=False)

    def forward(self, tokens: Any) -> Any:
        x = self.norm(self.blocks(self.table(tokens.long()) + self.places))
        return functional.linear(x, self.table.weight)


class CharLstm(nn.Module):
    """charlstm_tiny_shakespeare; PyTorch's cell has a second vector of biases."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.lstm = nn.Embedding(65, 64), nn.LSTM(64, 256, batch_first=True)
        self.head = nn.Linear(256, 65)

    def forward(self, tokens: Any) -> Any:
        return self.head(self.lstm(self.table(tokens.long()))[0])


class TextCnn(nn.Module):
    """textcnn_clinc_oos."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(2_801, 128)
        self.convolutions = nn.ModuleList([nn.Conv1d(128, 128, width, padding="same") for width in (2, 3, 4)])
        self.drop_words, self.drop, self.head = nn.Dropout(0.2), nn.Dropout(0.5), nn.Linear(384, 150)

    def forward(self, words: Any) -> Any:
        x = self.drop_words(self.table(words.long())).transpose(1, 2)
        found = [torch.relu(convolution(x)).amax(dim=2) for convolution in self.convolutions]
        return self.head(self.drop(torch.cat(found, dim=1)))


class BagOfWords(nn.Module):
    """bow_goemotions."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.EmbeddingBag(10_000, 128, mode="mean", padding_idx=0)
        self.rest = nn.Sequential(nn.Dropout(0.3), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 28))

    def forward(self, words: Any) -> Any:
        return self.rest(self.table(words.long()))


class NeuMf(nn.Module):
    """neumf_movielens."""

    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(610, 40), nn.Embedding(9_724, 40)
        sizes = (64, 32, 16, 8)
        layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
        self.mlp, self.head = nn.Sequential(*layers), nn.Linear(16, 1)

    def forward(self, pairs: Any) -> Any:
        user, item = self.users(pairs[:, 0].long()), self.items(pairs[:, 1].long())
        x = self.mlp(torch.cat([user[:, 8:], item[:, 8:]], dim=1))
        return self.head(torch.cat([user[:, :8] * item[:, :8], x], dim=1))


def lenet5_mnist() -> nn.Module:
    return Scaled(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Tanh(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, 10),
    )


def cnn_digits() -> nn.Module:
    return Scaled(
        *conv_norm(1, 16), *conv_norm(16, 32), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(512, 10)
    )


MODELS: dict[str, Callable[[], nn.Module]] = {
    "mlp_digits": lambda: mlp(64, 64),
    "cnn_digits": cnn_digits,
    "mlp_mnist": lambda: mlp(784, 512),
    "lenet5_mnist": lenet5_mnist,
    "cnn_fashion_mnist": cnn_fashion_mnist,
    "autoencoder_fashion_mnist": autoencoder_fashion_mnist,
    "vit_fashion_mnist": Vit,
    "resnet20_cifar10": resnet20_cifar10,
    "chargpt_tiny_shakespeare": CharGpt,
    "charlstm_tiny_shakespeare": CharLstm,
    "textcnn_clinc_oos": TextCnn,
    "bow_goemotions": BagOfWords,
    "cnn_spoken_digit": cnn_spoken_digit,
    "neumf_movielens": NeuMf,
    "mlp_penguins": lambda: nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3)),
}


class PlainLoop:
    """Blocks of eager steps over batches that lie ready."""

    def __init__(self, model: ReferenceModel, recipe: Recipe, inputs: Any, labels: Any) -> None:
        self._model, self._recipe = model, recipe
        self._net = MODELS[model.name]()
        self._optimizer = _optimizer(recipe, self._net)
        size = recipe.batch_size
        self._batches = [
            (torch.from_numpy(inputs[i : i + size]), torch.from_numpy(labels[i : i + size]).long())
            for i in range(0, len(inputs) - size + 1, size)
        ]

    def block(self) -> Block:
        def train() -> int:
            loss = torch.zeros(())
            for inputs, labels in self._batches:
                self._optimizer.zero_grad()
                loss = self._loss(inputs, labels)
                loss.backward()
                if self._recipe.optimizer.clip_norm:
                    nn.utils.clip_grad_norm_(self._net.parameters(), self._recipe.optimizer.clip_norm)
                self._optimizer.step()
            loss.item()
            return len(self._batches) * self._recipe.batch_size

        return timed(train)

    def _loss(self, inputs: Any, labels: Any) -> Any:
        outputs = self._net(inputs)
        if self._model.loss == "reconstruction_error":
            return functional.mse_loss(outputs, scaled(inputs))
        if self._model.loss == "sigmoid_cross_entropy":
            return functional.binary_cross_entropy_with_logits(outputs, labels.float())
        return functional.cross_entropy(
            outputs.flatten(0, -2), labels.flatten(), label_smoothing=self._recipe.label_smoothing
        )


def _optimizer(recipe: Recipe, net: nn.Module) -> Any:
    spec, rate = recipe.optimizer, recipe.schedule.peak
    if spec.name == "sgd":
        return torch.optim.SGD(
            net.parameters(), rate, momentum=spec.momentum, nesterov=spec.nesterov, weight_decay=spec.l2
        )
    kind = torch.optim.AdamW if spec.name == "adamw" else torch.optim.Adam
    betas = (spec.beta_1, spec.beta_2)
    return kind(net.parameters(), rate, betas=betas, eps=spec.epsilon, weight_decay=spec.weight_decay)
