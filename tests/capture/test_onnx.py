"""A head's stages against the reference implementation of ONNX's Attention operator, which none of us wrote."""

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import attention
from attention import HeadView, Trace
from tests.tiny import build, ids

H, G, Q, K, D, V = 6, 3, 5, 7, 11, 13
SCORES, WEIGHTS = 0, 3


def draw(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def onnx_attention(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    *,
    mode: int,
    mask: np.ndarray | None = None,
    **attributes: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Output and score matrix of ONNX Attention (opset 23) on (1, heads, n, d) inputs."""
    feeds = {"Q": query[None], "K": key[None], "V": value[None]} | ({} if mask is None else {"mask": mask})
    node = helper.make_node(
        "Attention",
        ["Q", "K", "V", *(["mask"] if mask is not None else [])],
        ["Y", "", "", "qk"],
        qk_matmul_output_mode=mode,
        **attributes,
    )
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in feeds.items()
    ]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("Y", "qk")]
    graph = helper.make_graph([node], "attention", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)])
    output, scores = ReferenceEvaluator(model).run(None, feeds)
    return output[0], scores[0]


def compare(trace: Trace, layer: int = 0, **attributes: float) -> None:
    record = trace.record(layer)
    parts = [tensor.float().numpy() for tensor in (record.query, record.key, record.value)]
    output, weights = onnx_attention(*parts, mode=WEIGHTS, scale=record.scale, **attributes)
    for head in range(record.n_heads):
        view: HeadView = trace.head(layer, head)
        assert np.abs(view.weights - weights[head]).max() < 2e-6
        assert np.abs(view.output - output[head]).max() < 1e-5 * max(1.0, np.abs(output).max())


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("groups", [1, 3, 6])
def test_grouped_heads_and_causality(groups: int, causal: bool) -> None:
    trace = Trace.from_tensors(
        query=draw(H, Q, D, seed=0),
        key=draw(groups, Q, D, seed=1),
        value=draw(groups, Q, V, seed=2),
        causal=causal,
        scale=0.37,
    )
    compare(trace, is_causal=int(causal))


def test_a_mask_between_two_sequences() -> None:
    mask = torch.rand(Q, K, generator=torch.Generator().manual_seed(4)) > 0.4
    mask[:, 0] = True
    trace = Trace.from_tensors(
        query=draw(H, Q, D, seed=0), key=draw(G, K, D, seed=1), value=draw(G, K, V, seed=2), mask=mask
    )
    compare(trace, mask=mask.numpy())


def test_a_softcap() -> None:
    trace = Trace.from_tensors(
        query=draw(H, Q, D, seed=0), key=draw(G, K, D, seed=1), value=draw(G, K, V, seed=2), softcap=0.7
    )
    compare(trace, softcap=0.7)


@pytest.mark.parametrize(("name", "kind"), [("gpt2", "decoder"), ("qwen3", "decoder"), ("bert", "encoder")])
def test_a_traced_model(name: str, kind: str) -> None:
    trace = attention.trace(build(name, kind), ids(13))
    compare(trace, layer=2, is_causal=int(kind == "decoder"))
