"""What capture costs beside a plain forward pass: `python -m benchmarks.capture`.

On random models of GPT-2-small's and T5-small's size (a position bias), and of a smaller one with a sliding window and
grouped heads, at 64, 512 and 1,024 tokens, in one process and interleaved:

- plain: the model's own fused (SDPA) forward pass;
- capture: `attention.capture.trace_model`, everything that the page's trace needs;
- eager: `output_attentions=True`, the usual way to get attention maps.

Times are medians of several rounds and are given as ratios to plain. Memory is what a trace keeps alive and what peaks
above the model, from torch's own allocator events, beside the bytes of q, k, v and output.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.profiler import ProfilerActivity, profile

from attention.capture import Inputs, trace_model
from attention.record import Token, Trace

LENGTHS = (64, 512, 1024)
ROUNDS = int(os.environ.get("ROUNDS", "15"))
RESULTS = Path(__file__).parent / "results" / "capture.json"


def gpt2() -> Any:
    """GPT-2 small's size, random weights."""
    return transformers.GPT2LMHeadModel(transformers.GPT2Config()).eval()


def t5() -> Any:
    """T5 small's size, random weights; no dropout, as in every evaluation."""
    config = transformers.T5Config(
        d_model=512, d_kv=64, d_ff=2048, num_layers=6, num_heads=8, decoder_start_token_id=0, vocab_size=32128
    )
    return transformers.T5ForConditionalGeneration(config).eval()


def window() -> Any:
    """A small decoder with grouped heads and a sliding window of 256 tokens."""
    config = transformers.MistralConfig(
        hidden_size=512, intermediate_size=1408, num_hidden_layers=6, num_attention_heads=8, num_key_value_heads=2,
        sliding_window=256, vocab_size=32_000,
    )  # fmt: skip
    return transformers.MistralForCausalLM(config).eval()


def inputs(model: Any, n: int) -> Inputs:
    """n random ids, and as many for the decoder of an encoder-decoder."""
    draw = torch.Generator().manual_seed(n)
    ids = tuple(torch.randint(5, 30_000, (n,), generator=draw).tolist())
    return Inputs(ids=ids, pair_ids=ids if model.config.is_encoder_decoder else ())


def ways(model: Any, given: Inputs) -> dict[str, Callable[[], Any]]:
    """The three ways to run, by name. Each computes the logits of the last position only, where the model can."""
    tokens = tuple(Token(piece=str(i), text=str(i), id=i) for i in given.ids)
    pair = tokens if given.pair_ids else ()
    arguments: dict[str, Any] = {"input_ids": torch.tensor([given.ids]), "use_cache": False}
    arguments["attention_mask"] = torch.ones_like(arguments["input_ids"])
    if given.pair_ids:
        arguments["decoder_input_ids"] = torch.tensor([given.pair_ids])
    else:
        arguments["logits_to_keep"] = 1

    def plain() -> Any:
        with torch.no_grad():
            return model(**arguments)

    def capture() -> Trace:
        return trace_model(model, given, tokens=tokens, pair_tokens=pair)

    def eager() -> Any:
        model.set_attn_implementation("eager")
        try:
            with torch.no_grad():
                return model(**arguments, output_attentions=True)
        finally:
            model.set_attn_implementation("sdpa")

    return {"plain": plain, "capture": capture, "eager": eager}


def timed(runs: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median seconds of each way, the ways taking turns so that a busy machine slows all of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            gc.collect()
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(times) for name, times in seconds.items()}


def memory(run: Callable[[], Any]) -> tuple[int, int]:
    """(bytes that the result keeps alive, peak bytes above the start), from the allocator's own events."""
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        result = run()
    now = peak = 0
    for event in sorted(memory_events(seen), key=lambda one: one[0]):
        now += event[1]
        peak = max(peak, now)
    del result
    return now, peak


def memory_events(seen: Any) -> list[tuple[int, int]]:
    """(time, bytes allocated or freed) of each allocation in a profile."""
    return [
        (event.start_ns(), event.nbytes())
        for event in seen.profiler.kineto_results.events()
        if event.name() == "[memory]"
    ]


def kept(trace: Trace) -> int:
    """Bytes of q, k, v and output in a trace."""
    return sum(t.nbytes for r in trace.all_records for t in (r.query, r.key, r.value, r.output) if t is not None)


def one_head(trace: Trace) -> float:
    """Median seconds to make one head's maps: every stage, weights and output, as the page gets them."""
    times = []
    record = trace.all_records[0]
    for _ in range(ROUNDS):
        view = trace.head(record.layer, 1, record.kind)
        started = time.perf_counter()
        _ = view.stages, view.output
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measure(name: str, model: Any, n: int) -> dict[str, Any]:
    """One row of the table."""
    runs = ways(model, inputs(model, n))
    for run in runs.values():
        run()  # warm up; the first capture also compares with an untouched run and looks for the projections
    trace = runs["capture"]()
    seconds = timed(runs)
    own = kept(trace)
    used = {way: memory(run) for way, run in runs.items()}
    peaks = {way: peak for way, (_, peak) in used.items()}
    return {
        "model": name,
        "tokens": n,
        "seconds": {way: round(value, 4) for way, value in seconds.items()},
        "time_capture_to_plain": round(seconds["capture"] / seconds["plain"], 3),
        "time_eager_to_plain": round(seconds["eager"] / seconds["plain"], 3),
        "qkvo_mb": round(own / 1e6, 1),
        "peak_mb": {way: round(value / 1e6, 1) for way, value in peaks.items()},
        "kept_to_qkvo": round(used["capture"][0] / own, 3),
        "extra_memory_to_qkvo": round((peaks["capture"] - peaks["plain"]) / own, 3),
        "eager_memory_to_qkvo": round((peaks["eager"] - peaks["plain"]) / own, 3),
        "one_head_ms": round(one_head(trace) * 1e3, 2),
    }


def main() -> None:
    """Measure all, print a line each, and write the results with the machine they came from."""
    transformers.logging.set_verbosity_error()
    torch.manual_seed(0)
    rows = []
    for name, build in (("gpt2-small", gpt2), ("t5-small", t5), ("sliding-window", window)):
        model = build()
        for n in LENGTHS:
            rows.append(measure(name, model, n))
            print(json.dumps(rows[-1]), flush=True)
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "rounds": ROUNDS,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
