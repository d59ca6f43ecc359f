"""The public API, where the parts meet: trace, predict, generate, figure, patterns, words, save and load."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attention.catalogue import LOCAL
from attention.config import Limits
from attention.edits import Edit, edits_of
from attention.errors import InputError
from attention.layer_settings import LocalSettings, from_line
from attention.local import trace_local
from attention.models import parse
from attention.prompt import Prompt
from attention.record import HeadView, Trace, display
from attention.reference import ReferenceTexts, reference_texts
from attention.source import OnWait, Report, Source, check_characters, inputs_of, load_source, loaded_source, notes_of
from attention.source.editing import Editing, editing_of

if TYPE_CHECKING:
    from torch import Tensor

    from attention.analysis.edited_effect import EditedEffect
    from attention.analysis.table import HeadPattern
    from attention.analysis.words import WordMap
    from attention.capture import PreTrainedModel
    from attention.figures import Figure
    from attention.prediction import Continuation, Predictions
    from attention.prediction.continuation import OnToken
    from attention.record import Kind
    from attention.view import View

LOCAL_HAS_NO_RUN = (
    "The local model is one layer, and nothing runs on behind it; change it with its settings, or edit a trained model."
)
LOCAL_IS_MUTE = "The local model predicts nothing: it is one layer without a vocabulary; choose a trained model."
_log = logging.getLogger(__name__)


def trace(
    model: str | os.PathLike[str] | PreTrainedModel,
    text: str | Sequence[str] | Sequence[int] | Sequence[Mapping[str, str]] | Tensor,
    pair: str | Sequence[str] | Sequence[int] | Tensor | None = None,
    *,
    tokenizer: Any | None = None,
    attention_mask: Sequence[int] | Tensor | None = None,
    chat: bool = False,
    settings: LocalSettings | str | None = None,
    edits: str | Edit | Sequence[str | Edit] = (),
    patch_text: str = "",
    reference: str | os.PathLike[str] | None = None,
    limits: Limits | None = None,
    on_progress: Report | None = None,
    on_wait: OnWait | None = None,
    on_predictions: Callable[[Predictions], None] | None = None,
) -> Trace:
    """Run a model once on a text and keep every attention operation in it.

    model: "local" (our own, from scratch), a Hugging Face id ("org/name", "org/name@revision"), a folder, or a loaded
    `PreTrainedModel`, which comes back as it came. text: a string, the ids (n,) that enter the model as they are, or
    a list of words, which are read with spaces between and kept as words (`attention.words`).
    pair: an encoder-decoder's target (a string gets the start token before it, ids enter its decoder as they are;
    without it the model writes its own, greedily and up to 64 tokens; "" is its start token alone), or sentence B of
    an encoder or a classifier. The tokenizer's own special tokens are used; where the model fills blanks, "___" is its
    mask token. attention_mask (n,): 0 for padding, where ids hold any. chat: make the text a user's message, in the
    tokenizer's own chat template, up to where the answer begins; the text may then also be a list of messages,
    `{"role": "user", "content": "…"}` each, of which an assistant's can be the last: then the prompt ends with it. The
    tokens are those of the whole prompt, and so is the text that files of the trace open on. settings: how the local
    layer is built, a `LocalSettings` or its line in a link, such as "heads=2,kv=1,both". edits: what is changed while
    the model runs, `Edit`s or their lines, such as "off-2.5" or ["cut-0.1-q7-k3", "hide-k3"]; the trace is of that run.
    patch_text: a second text of as many tokens, from which patches take. reference: a file of texts, one a
    line, over which means are taken; ours without one. limits: of a page that
    strangers use; without them any folder may be read and only the model's own length counts.
    on_progress(words, share) follows what is done; on_wait(wait) gets the wait for a model's files and weights:
    `wait.card`, `wait.done` of `wait.total` bytes, `wait.cancel()`. on_predictions(predictions) gets what `predict`
    says of the text, read from this very run; it is not called where the model predicts nothing or more than four
    million numbers, or where a run of this kind does not put out the untouched model's numbers to the bit (`fidelity`;
    an edited run: where it does not pass its check).

    Raises TooLongError (nothing is ever cut), InputError, ModelError or UnsupportedModelError, with what to do.
    """
    built = from_line(settings) if isinstance(settings, str) else settings or LocalSettings()
    named = tokenizer is None and attention_mask is None and reference is None
    wanted = edits_of(edits)
    prompt = Prompt.of(_named(model), text, pair, chat, built, wanted, patch_text) if named else None
    if _is_local(model):
        if wanted:
            raise InputError(LOCAL_HAS_NO_RUN)
        if chat:
            raise InputError("The local model cannot chat: it is not trained and has no template; leave chat off.")
        return replace(_trace_local(text, pair, built, limits), prompt=prompt)
    if settings is not None:
        raise InputError("Only the local model's layer can be set; leave settings out, or give the model as \"local\".")
    source = _source(model, tokenizer, limits, on_progress, on_wait)
    inputs, tokens, pair_tokens = inputs_of(source, text, pair, attention_mask, chat, limits)
    if on_progress is not None:
        on_progress(f"Running {source.name or type(source.model).__name__}", None)
    editing = Editing()
    if wanted:
        editing = editing_of(source, inputs, wanted, patch_text, pair, chat, limits, _texts(reference, limits))

    from attention.capture import trace_model
    from attention.prediction.likely import can_be_read, read_from
    from attention.tokens import has_template

    read = partial(
        read_from, source=source, inputs=inputs, tokens=tokens, pair_tokens=pair_tokens, text=text, pair=pair, chat=chat
    )
    made = trace_model(
        source.model,
        inputs,
        tokens=tokens,
        pair_tokens=pair_tokens,
        name=source.name,
        revision=source.revision,
        trained=source.trained,
        edits=editing.edits,
        given=editing.given,
        sources=editing.sources,
        on_output=_reading(read, on_predictions) if on_predictions and can_be_read(source, inputs) else None,
    )
    facts = replace(made.model, chats=has_template(source.tokenizer))
    notes = made.notes + notes_of(source, text, pair, pair_tokens) + editing.notes
    return replace(made, model=facts, notes=notes, prompt=prompt)


def predict(
    model: str | os.PathLike[str] | PreTrainedModel,
    text: str | Sequence[int] | Sequence[Mapping[str, str]] | Tensor,
    pair: str | Sequence[int] | Tensor | None = None,
    *,
    tokenizer: Any | None = None,
    attention_mask: Sequence[int] | Tensor | None = None,
    chat: bool = False,
    positions: Sequence[int] | None = None,
    k: int = 10,
    edits: str | Edit | Sequence[str | Edit] = (),
    patch_text: str = "",
    reference: str | os.PathLike[str] | None = None,
    limits: Limits | None = None,
    on_progress: Report | None = None,
    on_wait: OnWait | None = None,
) -> Predictions:
    """What the model predicts for a text, from its own untouched run, or from one that is edited: per place the
    likeliest k, with probabilities.

    A decoder's next tokens after every position, and the chance and rank of the token that really follows; fillers of
    each blank ("___") of a masked language model; an encoder-decoder's next token after each token of its output; the
    labels of a classifier, of the text or of each token; the best answers of a question-answerer (text: the question,
    pair: the context). positions: only these; in a masked language model each of them is hidden for a run of its own.
    The other arguments are those of `trace`.

    Raises InputError where the model predicts nothing (no head, or one that its files lack), with the reason; else as
    `trace` does.
    """
    from attention.prediction import predict as predicted

    if _is_local(model):
        raise InputError(LOCAL_IS_MUTE)
    source = _source(model, tokenizer, limits, on_progress, on_wait)
    return predicted(
        source, text, pair, attention_mask=attention_mask, chat=chat, positions=positions, k=k, limits=limits,
        edits=edits_of(edits), patch_text=patch_text, reference=_texts(reference, limits),
    )  # fmt: skip


def effect(
    model: str | os.PathLike[str] | PreTrainedModel,
    text: str | Sequence[int] | Sequence[Mapping[str, str]] | Tensor,
    pair: str | Sequence[int] | Tensor | None = None,
    *,
    edits: str | Edit | Sequence[str | Edit],
    patch_text: str = "",
    position: int | None = None,
    target: int | None = None,
    distractor: int | None = None,
    k: int = 5,
    tokenizer: Any | None = None,
    chat: bool = False,
    reference: str | os.PathLike[str] | None = None,
    limits: Limits | None = None,
    on_progress: Report | None = None,
    on_wait: OnWait | None = None,
) -> EditedEffect:
    """What edits do to the prediction at one position: the text is run as it is and with them.

    position: the token after which the next one is predicted, or the one that is filled in; by default the last, or the
    first blank. target, distractor: ids of what is compared, or numbers of labels; by default the two likeliest of the
    run as it is. The change is told as a logit difference, or without a distractor as a log-probability, with each
    one's probability and rank in both runs, the divergence of the whole prediction in nats, and the k that rose and
    fell most. The other arguments are those of `trace`.

    Raises InputError where nothing is edited or predicted; else as `trace` does.
    """
    from attention.analysis.edited_effect import edited_effect

    if _is_local(model):
        raise InputError(LOCAL_IS_MUTE)
    source = _source(model, tokenizer, limits, on_progress, on_wait)
    return edited_effect(
        source, text, pair, edits=edits_of(edits), patch_text=patch_text, chat=chat, position=position, target=target,
        distractor=distractor, k=k, limits=limits, reference=_texts(reference, limits),
    )  # fmt: skip


def generate(
    model: str | os.PathLike[str] | PreTrainedModel,
    text: str | Sequence[int] | Sequence[Mapping[str, str]] | Tensor,
    pair: str | Sequence[int] | Tensor | None = None,
    n_tokens: int = 20,
    *,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    tokenizer: Any | None = None,
    chat: bool = False,
    limits: Limits | None = None,
    on_progress: Report | None = None,
    on_wait: OnWait | None = None,
    on_token: OnToken | None = None,
) -> Continuation:
    """Let the model go on by up to n_tokens, and say what to trace to see each of them.

    temperature 0 takes the likeliest token each time; above it tokens are drawn from the model's probabilities at that
    temperature, of the likeliest whose sum reaches top_p, and the same seed draws the same ones. An encoder-decoder
    goes on with `pair`, or begins it. It ends where the model ends the text, or at its longest, or at that of `limits`.
    on_token(new text so far) is called after each token; False stops. The other arguments are those of `trace`.

    Raises InputError where the model cannot write; else as `trace` does.
    """
    from attention.prediction import generate as generated

    if _is_local(model):
        raise InputError(LOCAL_IS_MUTE)
    source = _source(model, tokenizer, limits, on_progress, on_wait)
    how: dict[str, Any] = {"temperature": temperature, "top_p": top_p, "seed": seed, "chat": chat}
    return generated(source, text, pair, n_tokens, **how, limits=limits, on_token=on_token)


def figure(view: HeadView, *, dark: bool = False) -> Figure:
    """One head's three panels side by side: masked scores, softmax weights, weighted values.

    view: the head, from `trace.head(layer, head)`. dark: for a dark page. Raises InputError for anything else.
    """
    from attention.figures import panels

    if not isinstance(view, HeadView):
        raise InputError(f"figure takes one head, trace.head(layer, head); got {type(view).__name__}.")
    return panels(view, dark=dark)


def patterns(trace: Trace, kind: Kind | None = None, *, least: float | None = None) -> list[HeadPattern]:
    """All heads of a kind by what they do on the trace's own text: which look at the token before, rest on the first …

    One row a head and pattern, the patterns in turn and the heads by falling `way` to each; `pandas.DataFrame(rows)`
    makes a table of them. A score beside the one of a head that looks evenly (`even`) says something, alone it does
    not. What a text cannot show (no token comes twice …) has no rows.

    trace: the run. kind: of attention, None for its default. least: only rows of at least this way, such as 0.4, from
    where a head is named after what it does. Raises InputError for what is no trace.
    """
    from attention.analysis.patterns import score_trace
    from attention.analysis.table import table

    if not isinstance(trace, Trace):
        raise InputError(f"patterns takes a Trace, which has all heads; got {type(trace).__name__}.")
    scores = score_trace(trace, kind)
    return table(scores) if least is None else table(scores, least=least)


def words(view: HeadView) -> WordMap:
    """One head's weights between words: from a word averaged over its tokens, to a word summed over them.

    So each row still sums to 1 (Clark et al. 2019, section 4.1). The words are those that the text came in, where it
    was given as a list of them; else what reads as a word: letters that touch, a number, each sign of punctuation.
    Special tokens stay apart. For weights alone: scores, values and contributions have no such rule.

    view: the head, from `trace.head(layer, head)`. Raises InputError for anything else.
    """
    from attention.analysis.words import merged

    if not isinstance(view, HeadView):
        raise InputError(f"words takes one head, trace.head(layer, head); got {type(view).__name__}.")
    return merged(view)


def save(
    trace_or_head: Trace | HeadView,
    path: str | os.PathLike[str],
    *,
    view: View | None = None,
    what: str = "weights",
    width: str | None = None,
    panel: str | None = None,
    theme: str | None = None,
    title: bool | None = None,
    legend: bool | None = None,
    pin: bool | None = None,
) -> Path:
    """Write a trace, or one head of it, to a file of the kind that its name ends in; returns the path.

    trace_or_head: what is written. path: where; its ending says as what. view: what the file opens on, or shows: layer,
    head, pinned token, stage and so on, as on the page; a head that is given goes before the view's. what: the table in
    a .csv: weights, a stage such as scores or masked, output, contribution, query, key, value, or pairs (one line for
    each query and key).

    Of a picture (.svg, .pdf, .png): width, "89mm" or "183mm" (one column of a paper, or both, the default) or "slide"
    (1920 × 1080); panel, "scores", "weights", "values" or "all" (the default); theme, "light" (the default) or "dark";
    title, legend, pin: whether there are a line with the model's name, colours with captions, and an outline of the
    pinned token's row (all are there by default).

    `.html` is an interactive page that opens offline, and `.npz` everything as arrays, which `load` and the page read
    back; both hold all heads. `.svg` is a figure for print, and so are `.pdf`, a page of its size whose text stays
    text, and `.png`, at 300 points an inch; those two need `pip install "headlight[figures]"`. `.csv` is a table that
    is safe to open in a spreadsheet, and `.json` every step as text. Each of these holds one head, so give that
    (`trace.head(5, 3)`), or a view.

    Raises InputError for another ending or option, where a head or a package is missing or where the file cannot be
    written. Warns (`attention.errors.HeadlightWarning`) where no font on this computer has a letter of a .pdf or .png.
    """
    from attention.export.files import write
    from attention.export.picture import Picture

    asked = {"width": width, "panel": panel, "theme": theme, "title": title, "legend": legend, "pin": pin}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    return write(trace_or_head, Path(path), view, what, Picture(**given) if given else None)


def load(path: str | os.PathLike[str], *, limits: Limits | None = None) -> Trace:
    """A trace from a .npz file that `save` or the page has written, with the same id and the same numbers.

    path: of the file, in which nothing is ever run. limits: of size and tokens, as in `Limits(file_mb=500,
    max_tokens=5000)`; without them files of up to 64 MB are read, however many tokens there are.

    Raises InputError for what is no such file, TooLongError for more tokens than were allowed.
    """
    from attention.export.files import read

    return read(Path(path), limits)


def _shown(trace_or_head: Trace | HeadView) -> dict[str, str]:
    """What a notebook shows, by MIME type."""
    from attention.export.notebook import bundle

    return bundle(trace_or_head)


display.register(_shown)


def _reading(
    read: Callable[[Any], Predictions], on_predictions: Callable[[Predictions], None]
) -> Callable[[Any], None]:
    """Tells what is read from a model's output, where that can be done."""

    def tell(output: Any) -> None:
        try:
            found = read(output)
        except Exception:  # the trace is good without it, and `predict` says why there is none
            _log.info("no prediction of a traced run", exc_info=True)
            return
        on_predictions(found)

    return tell


def _is_local(model: object) -> bool:
    return isinstance(model, str) and model.strip() == LOCAL


def _texts(reference: str | os.PathLike[str] | None, limits: Limits | None) -> ReferenceTexts | None:
    """The reference texts of a file, or None for the installation's own."""
    return None if reference is None else reference_texts(Path(reference), limits)


def _named(model: Any) -> Any:
    """A folder's path as text; anything else as it is."""
    return os.fspath(model) if isinstance(model, os.PathLike) else model


def _source(
    model: Any, tokenizer: Any | None, limits: Limits | None, on_progress: Report | None, on_wait: OnWait | None
) -> Source:
    """The model that was asked for, loaded, with the caller's tokenizer where there is one."""
    name = _named(model)
    source = load_source(name, limits, on_progress, on_wait) if isinstance(name, str) else loaded_source(name)
    return source if tokenizer is None else replace(source, tokenizer=tokenizer)


def _trace_local(text: Any, pair: Any, settings: LocalSettings, limits: Limits | None) -> Trace:
    if not isinstance(text, str):
        raise InputError("The local model reads words, not ids: give a string.")
    if pair is not None:
        raise InputError("The local model takes one text; leave the second one out.")
    check_characters(limits, text)
    if limits is not None:
        parse(LOCAL, limits)
    return trace_local(text, settings, max_tokens=None if limits is None else limits.max_tokens)
