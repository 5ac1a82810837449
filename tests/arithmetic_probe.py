"""Prints the hashes of what NumPy and PyTorch compute from fixed numbers, one JSON object; run as a script in a process of its own.

It imports nothing of ours, so that it also runs under an emulated processor; `torch` as argument adds PyTorch's part.
"""

import hashlib
import json
import sys

import numpy as np


def digest(array) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def numbers(count: int, *, seed: int) -> np.ndarray:
    """Numbers in (-4, 4) by integer arithmetic alone, the same on every processor."""
    state, out = seed, np.empty(count)
    for i in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out[i] = (state >> 11) / 2**53 * 8 - 4
    return out


def with_numpy() -> dict[str, str]:
    x = numbers(6007, seed=1)
    single = x.astype(np.float32)
    square = x[:3600].reshape(60, 60)
    found = {"sum": x.sum(), "float32 sum": single.sum(), "product of matrices": square @ square.T, "mean": x.mean()}
    found["solution"] = np.linalg.solve(square, x[:60])
    found["singular values"] = np.linalg.svd(square, compute_uv=False)
    found["stable order"] = np.argsort(np.round(x, 1), kind="stable")
    found["normal"] = np.random.default_rng(3).normal(size=5000)
    for name in ("exp", "expm1", "sin", "cos", "tanh", "arctan", "cbrt", "square"):
        found[name] = getattr(np, name)(x)
        found[f"float32 {name}"] = getattr(np, name)(single)
    for name in ("log", "log1p", "log2", "sqrt"):
        found[name] = getattr(np, name)(np.abs(x))
        found[f"float32 {name}"] = getattr(np, name)(np.abs(single))
    found["power"] = np.abs(x) ** 1.7
    found["float32 power"] = np.abs(single) ** np.float32(1.7)
    return {name: digest(value) for name, value in found.items()}


def with_torch() -> dict[str, str]:
    import torch

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    double = torch.from_numpy(numbers(12288, seed=2))
    single = double.to(torch.float32)
    image = single.reshape(1, 3, 64, 64)
    kernel = single[:864].reshape(32, 3, 3, 3)
    depthwise = single[:288].reshape(32, 1, 3, 3)
    wide = torch.nn.functional.conv2d(image, kernel, stride=2, padding=1)
    found = {"convolution": wide, "depthwise": torch.nn.functional.conv2d(wide, depthwise, padding=1, groups=32)}
    found["pointwise"] = torch.nn.functional.conv2d(wide, single[:2048].reshape(64, 32, 1, 1))
    found["pooled"] = wide.mean(dim=(2, 3))
    found["batch norm"] = torch.nn.functional.batch_norm(wide, wide.mean(dim=(0, 2, 3)), wide.var(dim=(0, 2, 3)))
    found["linear"] = single[:4096].reshape(64, 64) @ single[4096:8192].reshape(64, 64)
    found["double product"] = double[:4096].reshape(64, 64) @ double[4096:8192].reshape(64, 64)
    for name in ("exp", "sigmoid", "tanh", "sum"):
        found[name] = getattr(torch, name)(single)
        found[f"double {name}"] = getattr(torch, name)(double)
    found["softmax"] = torch.softmax(single.reshape(-1, 2), dim=1)
    return {name: digest(value.numpy()) for name, value in found.items()}


if __name__ == "__main__":
    print(json.dumps({"numpy": with_numpy(), **({"torch": with_torch()} if "torch" in sys.argv[1:] else {})}))
