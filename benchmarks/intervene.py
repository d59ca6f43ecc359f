"""What it takes to try every head of a model in turn: `python -m benchmarks.intervene`.

On 64 tokens, for the storyteller and for a model of GPT-2-small's size with random weights, in one process and
interleaved:

- forward: one plain run of the model for the logits of the last position;
- sweep: `attention.analysis.ablation.all_off`, every head by zero at every position, as the page does it;
- frozen: the same with later heads' outputs held;
- preview: `attention.analysis.preview.preview`, all heads from one run and its gradients;
- hooks: the same work as people write it by hand, one run a head with a hook on the input of its projection;
- transformer_lens: the same with TransformerLens, where it is installed.

Times are medians in seconds: by the clock, and of the processor (all threads together), which a busy machine stretches
less. `apart` is the largest difference between the maps of sweep and hooks, beside their largest number: the two must
tell the same.
"""

from __future__ import annotations

import gc
import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from attention.analysis.ablation import all_off
from attention.analysis.preview import preview
from attention.capture import Inputs
from attention.source import Source, inputs_of, load_source

TOKENS = 64
ROUNDS = int(os.environ.get("ROUNDS", "5"))
EDITS = 12
RESULTS = Path(__file__).parent / "results" / "intervene.json"
TEXT = (
    "Once upon a time there was a little girl who lived in a house in the wood. One day her mother said to her: Come, "
    "take this cake and this bottle to your grandmother, for she is ill and weak. Walk nicely and quietly, and do not "
    "run off the path, or you may fall and break the bottle."
)
PROJECTIONS = {"storyteller": "model.layers.{}.self_attn.o_proj", "gpt2-small": "transformer.h.{}.attn.c_proj"}


def storyteller() -> tuple[Source, Inputs]:
    """The bundled model, and 64 tokens of a text."""
    source = load_source("storyteller", None, None)
    return source, Inputs(ids=inputs_of(source, TEXT, None, None)[0].ids[:TOKENS])


def gpt2() -> tuple[Source, Inputs]:
    """GPT-2 small's size, random weights, and 64 random ids."""
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config()).eval()
    ids = torch.randint(5, 50_000, (TOKENS,), generator=torch.Generator().manual_seed(1)).tolist()
    return Source(model=model, tokenizer=None, trained=True), Inputs(ids=tuple(ids))


def forward(model: Any, inputs: Inputs) -> torch.Tensor:
    """The logits (V,) of the last position."""
    with torch.no_grad():
        return model(input_ids=torch.tensor([inputs.ids]), use_cache=False, logits_to_keep=1).logits[0, -1]  # type: ignore[no-any-return]


def by_hooks(model: Any, inputs: Inputs, path: str, target: int, distractor: int) -> np.ndarray:
    """The changes of the logit difference (layers, heads), one run for each head."""
    config = model.config
    layers, heads = config.num_hidden_layers, config.num_attention_heads
    base = forward(model, inputs)
    made = np.zeros((layers, heads))
    for layer in range(layers):
        module = model.get_submodule(path.format(layer))
        for head in range(heads):

            def before(module: Any, args: tuple[torch.Tensor, ...], head: int = head) -> tuple[torch.Tensor, ...]:
                z = args[0].clone()
                width = z.shape[-1] // heads
                z[..., head * width : (head + 1) * width] = 0
                return (z,)

            hook = module.register_forward_pre_hook(before)
            off = forward(model, inputs)
            hook.remove()
            change = (off[target] - off[distractor]) - (base[target] - base[distractor])
            made[layer, head] = float(change)
    return made


def with_transformer_lens(
    model: Any, inputs: Inputs, target: int, distractor: int
) -> Callable[[], np.ndarray] | None:
    """The same with TransformerLens on the same weights, from a folder, for it takes no loaded model without asking the
    hub; None where it is not installed or does not know the model.
    """
    if importlib.util.find_spec("transformer_lens") is None or model.config.model_type != "gpt2":
        return None
    from transformer_lens.model_bridge import TransformerBridge

    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        bridge = TransformerBridge.boot_transformers(folder, device="cpu")
    tokens = torch.tensor([inputs.ids])

    def difference(layer: int | None = None, head: int = 0) -> float:
        def off(z: torch.Tensor, hook: Any) -> torch.Tensor:
            z = z.clone()
            z[:, :, head] = 0
            return z

        hooks = [] if layer is None else [(f"blocks.{layer}.attn.hook_z", off)]
        logits = bridge.run_with_hooks(tokens, fwd_hooks=hooks)[0, -1]
        return float(logits[target] - logits[distractor])

    def sweep() -> np.ndarray:
        with torch.no_grad():
            base = difference()
            heads = range(model.config.n_head)
            changes = [[difference(layer, head) - base for head in heads] for layer in range(model.config.n_layer)]
        return np.array(changes)

    return sweep


def timed(runs: dict[str, Callable[[], Any]]) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of each way by the clock and of the processor, the ways taking turns: a machine may be shared."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            gc.collect()
            started, worked = time.perf_counter(), time.process_time()
            run()
            seconds[name].append((time.perf_counter() - started, time.process_time() - worked))
    medians = [
        {name: round(statistics.median(one[at] for one in times), 4) for name, times in seconds.items()}
        for at in (0, 1)
    ]
    return medians[0], medians[1]


def measure(name: str, source: Source, inputs: Inputs) -> dict[str, Any]:
    """One row of the table."""
    model = source.model
    first, second = forward(model, inputs).topk(2).indices.tolist()
    asked = {"target": first, "distractor": second}
    own = all_off(source, inputs, **asked).grid("decoder")[1]  # the first run also learns how the model runs
    hand = by_hooks(model, inputs, PROJECTIONS[name], first, second)
    runs: dict[str, Callable[[], Any]] = {
        "forward": lambda: forward(model, inputs),
        "sweep": lambda: all_off(source, inputs, **asked),
        "frozen": lambda: all_off(source, inputs, frozen="outputs", **asked),
        "preview": lambda: preview(source, inputs, **asked),
        "hooks": lambda: by_hooks(model, inputs, PROJECTIONS[name], first, second),
    }
    lens = with_transformer_lens(model, inputs, first, second)
    if lens is not None:
        runs["transformer_lens"] = lens
        print(f"TransformerLens and hooks are apart by {np.abs(lens() - hand).max():.1e}", flush=True)
    clock, processor = timed(runs)
    return {
        "model": name,
        "tokens": len(inputs.ids),
        "heads": own.size,
        "seconds": clock,
        "processor_seconds": processor,
        "hooks_to_sweep": round(clock["hooks"] / clock["sweep"], 2),
        "apart": float(f"{np.abs(own - hand).max():.1e}"),
        "largest": round(float(np.abs(hand).max()), 4),
    }


def edit() -> dict[str, float]:
    """What an edit takes on the page, in seconds until its prediction and its effect are there, beside a rerun of the
    page that runs no model: medians of EDITS, each of another head.
    """
    from streamlit.testing.v1 import AppTest

    from attention.ui import warmup

    warmup.start()
    warmup._shared.wait(120)
    app = AppTest.from_file(str(Path(__file__).parents[1] / "app.py"), default_timeout=120)
    app.query_params["model"] = "storyteller"
    app.run()
    taken: dict[str, list[float]] = {"rerun": [], "edit": []}
    for number in range(EDITS + 1):
        for name, value in (("edit", f"off-{number % 4}.{number // 4}"), ("rerun", None)):
            if value is not None:
                app.query_params["edits"] = value
            gc.collect()
            started = time.perf_counter()
            app.run()
            if number:  # the first of each also loads what is needed
                taken[name].append(time.perf_counter() - started)
            if app.exception:
                raise RuntimeError(app.exception[0].message)
    made = {name: round(statistics.median(times), 4) for name, times in taken.items()}
    return made | {"above": round(made["edit"] - made["rerun"], 4)}


def version(package: str) -> str:
    """The installed version of a package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def main() -> None:
    """Measure both, print a line each, and write the results with the machine they came from."""
    transformers.logging.set_verbosity_error()
    rows = []
    for name, build in (("storyteller", storyteller), ("gpt2-small", gpt2)):
        rows.append(measure(name, *build()))
        print(json.dumps(rows[-1]), flush=True)
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "rounds": ROUNDS,
        "transformer_lens": version("transformer_lens"),
        "edit": edit(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
