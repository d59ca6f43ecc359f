"""The browser's modules in one piece: one file that a page fetches, and one script for a file that needs no server.

A first visitor's browser would fetch some fifty small modules, in as many turns as they ask for each other; a page that
is opened from a disk may import none by its path, and what a notebook embeds may not run one from a blob. So each one
becomes a function, unchanged but for three things: what it exports is read through `exports`, `import(…)` asks `load`,
and `import.meta` is `meta`. `assets/export/load.js` has the other end.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from attention import assets
from attention.errors import HeadlightError

EXPORTED = re.compile(r"^export (?=(?:async )?(?:function|const) [\w\[{])", re.MULTILINE)
NAMES = re.compile(r"^export (?:async )?(?:function|const) (\w+)", re.MULTILINE)
SEVERAL = re.compile(r"^export const [\[{] ?([\w, ]+?) ?[\]}] =", re.MULTILINE)
LISTED = re.compile(r"^export \{ (\w+) as (\w+) \};$", re.MULTILINE)
DEFAULT = re.compile(r"^export default function \(", re.MULTILINE)
WORDS = re.compile(r"""["'`]([./a-z_]+?)(?:\.js[^"'`]*)?["'`]""")
LEFT = re.compile(r"^(?:export|import)\b.*$", re.MULTILINE)
BEFORE = 'globalThis.headlightBase = new URL("./", import.meta.url).href;\n'
AFTER = 'export const { load } = globalThis.headlight;\nexport const { show } = await load("mount.js");\n'
# Components of lessons, which show other components, and the folders of what they need besides: delivered apart.
HOSTS = ("lesson", "build")
LESSON_FOLDERS = ("build/", "draw/", "lesson/", "local/", "training/")
# Those of the page “Compare”, delivered apart as well.
COMPARING = ("chooser", "difference", "changed")
COMPARE_FOLDERS = ("compare/",)
# Views that few open, and the folders of what they need besides: delivered apart, too.
VIEWS = ("matters", "writes", "why", "patch")
VIEW_FOLDERS = ("signed/", *(f"{name}/" for name in VIEWS))
STATIC = "`${location.origin}${HEADLIGHT.base}/app/static/%s?v=${HEADLIGHT.version}`"


def deliver(
    target: Path = assets.DELIVERED, lessons: Path = assets.DELIVERED_LESSONS,
    compare: Path = assets.DELIVERED_COMPARE, views: Path = assets.DELIVERED_VIEWS,
) -> bool:
    """Write what a page fetches where it is not there yet; whether it is there now.

    False where nobody may write there, as in an installation that belongs to somebody else: then each component comes
    with its own text, and the page fetches the modules one by one. It bears the time of its newest source, so that all
    replicas name one and the same version.
    """
    try:
        pieces = (target, module()), (lessons, lessons_module()), (compare, compare_module()), (views, views_module())
        for path, text in pieces:
            made = text.encode()
            if not path.is_file() or path.read_bytes() != made:
                _replace(path, made, max(source.stat().st_mtime for source in assets.SOURCES))
    except OSError:
        return False
    return True


def _replace(target: Path, made: bytes, time: float) -> None:
    """In one go, for another process may be serving it."""
    number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(made)
        Path(name).chmod(0o644)
        os.utime(name, (time, time))
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def module() -> str:
    """All components but those that some pages alone have, and what they share, as one ES module, which exports `load`.

    Its own address says where the static files lie.
    """
    defines = (defined(named(path), _read(path)) for path in assets.SOURCES if not is_apart(path))
    return "".join((BEFORE, _read(assets.EXPORT / "load.js"), *defines, AFTER))


def lessons_module() -> str:
    """What lessons have besides, which defines itself where the first module has been loaded."""
    return "".join(defined(named(path), _read(path)) for path in assets.SOURCES if of_lessons(path))


def compare_module() -> str:
    """What the page “Compare” has besides, in the same way."""
    return "".join(defined(named(path), _read(path)) for path in assets.SOURCES if of_compare(path))


def views_module() -> str:
    """What the views that few open have besides, in the same way."""
    return "".join(defined(named(path), _read(path)) for path in assets.SOURCES if of_views(path))


def is_apart(path: Path) -> bool:
    """Whether who sees no more than the inspect page as it opens has no use for it."""
    return of_lessons(path) or of_compare(path) or of_views(path)


def of_views(path: Path) -> bool:
    """Whether it is of a view that few open."""
    return _is_of(path, VIEW_FOLDERS, VIEWS)


def of_lessons(path: Path) -> bool:
    """Whether who never opens a lesson has no use for it."""
    return _is_of(path, LESSON_FOLDERS, HOSTS)


def of_compare(path: Path) -> bool:
    """Whether who never compares has no use for it."""
    return _is_of(path, COMPARE_FOLDERS, COMPARING)


def _is_of(path: Path, folders: tuple[str, ...], components: tuple[str, ...]) -> bool:
    name = named(path)
    return name.startswith(folders) or name.removeprefix("component/").removesuffix(".js") in components


def named(path: Path) -> str:
    """What a module is called in the one piece: by its place below the static files, or by the component that it is."""
    if path.is_relative_to(assets.COMPONENTS):
        return f"component/{path.parent.name}.js"
    return path.relative_to(assets.STATIC).as_posix()


def component(name: str, settings: str, *, is_delivered: bool) -> str:
    """One component's own module, which Streamlit sends to each browser that shows it: its text, or where that is
    delivered, which a browser keeps, the few lines that fetch it. Those are the same for all components, for a browser
    makes one module of equal texts. Both tell the component the name of its store (`static/mount.js`).
    """
    if name in HOSTS:
        return _hosting(name, settings, is_delivered=is_delivered)
    if not is_delivered:
        own = DEFAULT.sub("function component(", _read(assets.COMPONENTS / name / "main.js"))
        mount = f"const {{ withStore }} = await import({STATIC % 'mount.js'});\n"
        return f"{settings}{mount}{own}export default (given) => component(withStore(given));\n"
    later = assets.DELIVERED_COMPARE if name in COMPARING else assets.DELIVERED_VIEWS if name in VIEWS else None
    if later is not None:
        return _in_two(settings, later)
    show = f"const {{ show }} = await import({STATIC % assets.DELIVERED.name});\n"
    return f"{settings}globalThis.HEADLIGHT ??= HEADLIGHT;\n{show}export default show;\n"


def _in_two(settings: str, later: Path) -> str:
    """A component that is delivered apart: what all pages have first, then what is its own."""
    first, second = (STATIC % path.name for path in (assets.DELIVERED, later))
    return (
        f"{settings}globalThis.HEADLIGHT ??= HEADLIGHT;\nconst {{ show }} = await import({first});\n"
        f"await import({second});\nexport default show;\n"
    )


def _hosting(name: str, settings: str, *, is_delivered: bool) -> str:
    """A component that shows others: it needs their code too, so undelivered it brings all that a lesson can show."""
    if is_delivered:
        return _in_two(settings, assets.DELIVERED_LESSONS)
    base = "globalThis.headlightBase = `${location.origin}${HEADLIGHT.base}/app/static/`;\n"
    whole = module().removeprefix(BEFORE).removesuffix(AFTER) + lessons_module()
    show = 'const { show } = await globalThis.headlight.load("mount.js");\nexport default show;\n'
    return f"{settings}globalThis.HEADLIGHT ??= HEADLIGHT;\n{base}{whole}{show}"


def script(components: tuple[str, ...], own: tuple[str, ...], settings: str, constants: str) -> str:
    """What components share, these components and the file's own modules, defined by their names, and nothing run yet.

    settings, constants: the lines before each component's code, and before that of each of the file's own.
    """
    return "".join(_all(components, own, settings, constants))


def _all(components: tuple[str, ...], own: tuple[str, ...], settings: str, constants: str) -> Iterator[str]:
    yield _read(assets.EXPORT / "load.js")
    for path in reached(components):
        yield defined(named(path), _read(path))
    for name in components:
        yield defined(f"component/{name}.js", settings + _read(assets.COMPONENTS / name / "main.js"))
    for name in own:
        yield defined(f"export/{name}.js", settings + constants + _read(assets.EXPORT / f"{name}.js"))


def reached(components: tuple[str, ...]) -> list[Path]:
    """The shared modules that these components ask for, and those that these ask for, in the order of their names.

    A module is asked for by a name in quotation marks, beside the one that asks, above it, or in the component's own
    folder; a word that happens to read like one brings a module too many, never one too few.
    """
    there = {path.relative_to(assets.STATIC).with_suffix("").as_posix(): path for path in assets.SHARED}
    found: set[str] = set()
    new = {"headlight", "store"}
    for name in components:
        new |= _asked(_read(assets.COMPONENTS / name / "main.js"), ("", name)) & there.keys()
    while new:
        found |= new
        asked = [_asked(_read(there[name]), (posixpath.dirname(name), "")) for name in new]
        new = set().union(*asked) & there.keys() - found
    return [there[name] for name in sorted(found)]


def _asked(source: str, folders: tuple[str, ...]) -> set[str]:
    """The names that words in quotation marks may mean, seen from these folders of `static/`."""
    return {posixpath.normpath(posixpath.join(folder, word)) for word in WORDS.findall(source) for folder in folders}


def defined(name: str, source: str) -> str:
    """One module as a function that is called when it is first asked for; raises where it has a form unknown here."""
    several = [name for group in SEVERAL.findall(source) for name in group.split(", ")]
    names = {name: name for name in [*NAMES.findall(source), *several]}
    names |= {name: own for own, name in LISTED.findall(source)}
    body = DEFAULT.sub("exports.default = function (", LISTED.sub("", EXPORTED.sub("", source)))
    if found := LEFT.search(body):
        raise HeadlightError(f"The module {name} cannot be put into a file: {found.group()!r} has a form unknown here.")
    body = body.replace("import.meta", "meta").replace("import(", "load(")
    getters = "".join(f"get {name}() {{ return {own}; }}, " for name, own in names.items())
    exported = f"Object.defineProperties(exports, Object.getOwnPropertyDescriptors({{ {getters}}}));\n" if names else ""
    # In brackets, a browser compiles it as it reads it, and not only once it is called.
    function = f'(async (exports, load, meta) => {{\n"use strict";\n{exported}{body}\n}})'
    return f"headlight.define({json.dumps(name)}, {function});\n"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
