"""Packages that stand for those that are installed here: small wheels with their metadata, and links to their files.

pip finds, resolves, installs and checks such wheels as it does the real ones, without fetching or unpacking them. After
that the files of what it installed are linked from where they lie here, and of nothing else.
"""

import base64
import hashlib
import sysconfig
import zipfile
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name

HERE = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def installed(places: list[str]) -> dict[str, Distribution]:
    """What lies in these folders, by its name in the one form that all names have."""
    return {canonicalize_name(one.metadata["Name"]): one for one in distributions(path=places)}


def make(folder: Path) -> None:
    """A wheel for each package of this environment, with its name, its version, what it requires, and no code."""
    for name, one in installed(HERE).items():
        stem = f"{name.replace('-', '_')}-{one.version}"
        # pip reads this again and again, mostly the long description after the fields, which nobody here asks for.
        fields, _, _ = (one.read_text("METADATA") or "").partition("\n\n")
        files = {"METADATA": f"{fields}\n", "WHEEL": WHEEL}
        record = [f"{stem}.dist-info/{path},{_digest(text)},{len(text.encode())}" for path, text in files.items()]
        files["RECORD"] = "\n".join([*record, f"{stem}.dist-info/RECORD,,", ""])
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            for path, text in files.items():
                wheel.writestr(f"{stem}.dist-info/{path}", text)


def link(site: Path) -> None:
    """Give the packages of another environment, and no others, the files that they have in this one."""
    here = installed(HERE)
    wanted = [one for name in installed([str(site)]) if (one := here.get(name)) is not None]
    owners = Counter(top for one in wanted for top in {path.parts[0] for path in _code(one)})
    for one in wanted:
        for path in _code(one):
            # A folder that several packages share is made, and what each has in it is linked.
            part = Path(*path.parts[: 1 if owners[path.parts[0]] == 1 else 2])
            target = site / part
            if not target.exists():
                target.parent.mkdir(exist_ok=True)
                target.symlink_to(Path(str(one.locate_file(part))))


def _code(one: Distribution) -> Iterator[PurePosixPath]:
    """Its files, without its metadata and its commands."""
    return (path for path in one.files or () if path.parts[0] != ".." and not path.parts[0].endswith(".dist-info"))


def _digest(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return f"sha256={digest.decode().rstrip('=')}"
