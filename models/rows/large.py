"""The leading large models: what they cost a step, on synthetic data. Their quality is the literature's, and a prior."""

from __future__ import annotations

from trainband.models.metrics import ACCURACY, LOG_LOSS, Metric
from trainband.models.rows import imagenet
from trainband.models.rows.shared import ARCHITECTURES, HE_SGD
from trainband.models.specs import Kind, Optimizer, PublishedFigure, Recipe, ReferenceModel, Schedule

_ADAMW = Optimizer(name="adamw", epsilon=1e-8, weight_decay=0.01, clip_norm=1.0)


def _large(
    name: str,
    title: str,
    builder: str,
    source: str,
    published: tuple[float, str] | None = None,
    *,
    parameters: int,
    synthetic: str = "synthetic_images_224",
    full: Recipe | None = None,
    kind: Kind = "vision",
    batch_size: int = 16,
    optimizer: Optimizer = HE_SGD,
    metrics: tuple[Metric, Metric] = (ACCURACY, LOG_LOSS),
) -> ReferenceModel:
    """`published` is the accuracy with its source, by default the one of the recipe `full`."""
    figures = full.published if full else ()
    if published:
        figures = (PublishedFigure(metric="accuracy", value=published[0], source=published[1]),)
    return ReferenceModel(
        name=name,
        title=title,
        kind=kind,
        dataset="imagenet2012" if full else synthetic,
        synthetic=synthetic,
        architecture=f"{ARCHITECTURES}.{builder}",
        source=source,
        parameters=parameters,
        metrics=metrics,
        keras3_only=True,
        recipes=(
            Recipe(
                tier="throughput",
                epochs=3,
                batch_size=batch_size,
                optimizer=optimizer,
                schedule=Schedule(kind="constant", peak=1e-3),
                smallest_drop={},
                eval_every_epochs=3,
                time_limit_sec=1800.0,
                published=figures,
            ),
            *((full,) if full else ()),
        ),
    )


_RESNET = "He, Zhang, Ren, Sun: Deep residual learning for image recognition, 2016"
LARGE = (
    _large(
        "resnet50",
        "ResNet-50 v1.5",
        "resnet_imagenet:resnet50",
        _RESNET,
        full=imagenet.RESNET50,
        parameters=25_557_032,
    ),
    _large(
        "resnet101",
        "ResNet-101 v1.5",
        "resnet_imagenet:resnet101",
        _RESNET,
        full=imagenet.RESNET101,
        parameters=44_549_160,
    ),
    _large(
        "resnet152",
        "ResNet-152 v1.5",
        "resnet_imagenet:resnet152",
        _RESNET,
        full=imagenet.RESNET152,
        parameters=60_192_808,
    ),
    _large(
        "vgg16",
        "VGG-16",
        "vgg16:build",
        "Simonyan, Zisserman: Very deep convolutional networks, 2015",
        full=imagenet.VGG16,
        parameters=138_357_544,
    ),
    _large(
        "alexnet",
        "AlexNet, one tower",
        "alexnet:build",
        "Krizhevsky: One weird trick for parallelizing convolutional neural networks, 2014",
        full=imagenet.ALEXNET,
        parameters=61_100_840,
    ),
    _large(
        "googlenet",
        "GoogLeNet with batch normalisation",
        "googlenet:build",
        "Szegedy et al.: Going deeper with convolutions, 2015",
        (0.69778, imagenet.TORCHVISION),
        parameters=6_624_904,
    ),
    _large(
        "inception_v3",
        "Inception-v3",
        "inception_v3:build",
        "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception architecture, 2016",
        (0.788, "Szegedy et al. 2016, table 3: 21.2% top-1 error of one crop, with the auxiliary output"),
        synthetic="synthetic_images_299",
        parameters=23_834_568,
    ),
    _large(
        "mobilenet_v2",
        "MobileNetV2 1.0",
        "mobilenet_v2:build",
        "Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2, 2018",
        (0.720, "Sandler et al. 2018, table 4"),
        full=imagenet.MOBILENET_V2,
        parameters=3_504_872,
    ),
    _large(
        "efficientnet_b0",
        "EfficientNet-B0",
        "efficientnet_b0:build",
        "Tan, Le: EfficientNet, 2019",
        (0.771, "Tan and Le 2019, table 2"),
        parameters=5_288_548,
    ),
    _large(
        "densenet121",
        "DenseNet-121",
        "densenet121:build",
        "Huang, Liu, van der Maaten, Weinberger: Densely connected convolutional networks, 2017",
        full=imagenet.DENSENET121,
        parameters=7_978_856,
    ),
    _large(
        "convnext_tiny",
        "ConvNeXt-Tiny",
        "convnext_tiny:build",
        "Liu, Mao, Wu, Feichtenhofer, Darrell, Xie: A ConvNet for the 2020s, 2022",
        (0.821, "Liu et al. 2022, table 1"),
        optimizer=_ADAMW,
        parameters=28_589_128,
    ),
    _large(
        "vit_s16",
        "ViT-S/16",
        "vit_s16:build",
        "Dosovitskiy et al.: An image is worth 16x16 words, 2021; Touvron et al.: Training data-efficient image "
        "transformers, 2021",
        (0.798, "Touvron et al. 2021 (DeiT-S), table 5"),
        optimizer=_ADAMW,
        parameters=22_050_664,
    ),
    _large(
        "transformer_base",
        "Transformer base, translation",
        "transformer_base:build",
        "Vaswani et al.: Attention is all you need, 2017",
        synthetic="synthetic_translation",
        kind="language",
        batch_size=8,
        optimizer=_ADAMW,
        parameters=63_045_632,
    ),
    _large(
        "bert_base",
        "BERT base, masked language model",
        "bert_base:build",
        "Devlin, Chang, Lee, Toutanova: BERT, 2019",
        synthetic="synthetic_segments",
        kind="language",
        batch_size=8,
        optimizer=_ADAMW,
        parameters=109_514_298,
    ),
    _large(
        "gpt2_small",
        "GPT-2 small",
        "gpt2_small:build",
        "Radford, Wu, Child, Luan, Amodei, Sutskever: Language models are unsupervised multitask learners, 2019",
        synthetic="synthetic_tokens_1024",
        kind="language",
        batch_size=2,
        optimizer=_ADAMW,
        parameters=124_439_808,
    ),
)
