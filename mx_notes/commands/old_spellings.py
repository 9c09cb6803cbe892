"""`mx-notes doctor SCRIPT`: names in a program's text that today's NumPy, Python or Pillow no longer has.

The program is read, not run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .. import disk
from ..errors import UserError
from ..runtime.numpy_names import FINANCIAL, TODAY
from ..runtime.python_names import OLD
from . import wrong_operators
from .imported import Imported

# Names of modules, and what to write today.
ELSEWHERE = {
    **{f"collections.{name}": f"collections.abc.{name}" for name in (
        *("Callable", "Hashable", "Iterable", "Iterator", "Mapping", "MutableMapping", "MutableSequence"),
        *("MutableSet", "Sequence", "Set", "Sized"),
    )},
    **{"inspect.getargspec": "inspect.getfullargspec", "time.clock": "time.process_time", "os.errno": "errno"},
    **{"fractions.gcd": "math.gcd", "locale.format": "locale.format_string", "ast.Str": "ast.Constant"},
    **{"base64.encodestring": "base64.encodebytes", "base64.decodestring": "base64.decodebytes"},
    **{"configparser.SafeConfigParser": "configparser.ConfigParser", "cgi.escape": "html.escape"},
    **{"platform.linux_distribution": "platform.freedesktop_os_release", "string.maketrans": "str.maketrans"},
    **{"string.letters": "string.ascii_letters", "itertools.izip": "zip", "os.getcwdu": "os.getcwd"},
    **{"PIL.Image.ANTIALIAS": "Image.LANCZOS", "PIL.Image.LINEAR": "Image.BILINEAR"},
    **{"PIL.Image.CUBIC": "Image.BICUBIC", "scipy.misc.imread": "imageio.imread", "scipy.misc.imresize": "cv2.resize"},
    **{"sklearn.cross_validation": "sklearn.model_selection", "sklearn.externals.joblib": "joblib"},
}  # fmt: skip
MODULES = {
    **{
        "imp": "importlib",
        "asyncore": "asyncio",
        "asynchat": "asyncio",
        "pipes": "shlex",
        "cgi": "html, email",
    },
    **{"imghdr": "PIL.Image.open(…).format", "telnetlib": "socket", "crypt": "hashlib", "cPickle": "pickle"},
    **{"urllib2": "urllib.request", "Queue": "queue", "ConfigParser": "configparser", "StringIO": "io"},
    **{"cStringIO": "io", "commands": "subprocess", "Tkinter": "tkinter", "__builtin__": "builtins"},
}
# Methods of arrays, which nothing can give back, by how many arguments they take.
METHODS = {
    "tostring": (0, "tobytes()"),
    "ptp": (None, "np.ptp(a)"),
    "itemset": (None, "a[i] = value"),
    "newbyteorder": (None, "a.view(a.dtype.newbyteorder())"),
    "has_key": (1, "key in d"),
    "iteritems": (0, "items()"),
    "itervalues": (0, "values()"),
    "iterkeys": (0, "keys()"),
}


class Old(NamedTuple):
    """A spelling of former times."""

    line: int
    name: str  # np.asscalar
    today: str  # a.item()
    works: bool  # where `mx-notes run` starts the program


def report(scripts: Sequence[Path]) -> int:
    """Print each file's old names, and what MXNet computes wrong in it.

    Returns 1 if one of the names fails even under `mx-notes run`, otherwise 0. A folder stands for all .py files in it. Raises UserError for a file that is missing or unreadable.
    """
    files = [file for script in scripts for file in _files(script)]
    found = [(file, old) for file in files for old in look(file)]
    for file, old in found:
        how = "works under `mx-notes run`" if old.works else "FAILS"
        print(f"{file}:{old.line}: {old.name} -> {old.today}  ({how})")
    wrong = [(file, call) for file in files for call in wrong_operators.look(file)]
    for file, call in wrong:
        print(f"{file}:{call.line}: {call.text}")
    failing = sum(not old.works for _, old in found)
    among = f"in {len(files)} files" if len(files) != 1 else f"in {files[0]}"
    print(
        f"{len(found)} old names {among}, {failing} of which must be changed"
        if found
        else f"no old names {among}"
    )
    return int(failing > 0)


def look(file: Path) -> list[Old]:
    """The old names in a file, by line. Raises UserError if it cannot be read."""
    with disk.reading(file):
        content = file.read_bytes()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        words = getattr(error, "msg", str(error))
        return [
            Old(line, "this line", f"Python 3, which says: {words} (2to3 or `futurize` translate)", False)
        ]
    return sorted(_Look().names(tree))


def _files(script: Path) -> list[Path]:
    if not script.exists():
        raise UserError(f"{script}: no such file")
    return sorted(script.rglob("*.py")) if script.is_dir() else [script]


class _Look:
    """Goes through a program, and keeps what it has imported."""

    def __init__(self) -> None:
        self._imported = Imported()

    def names(self, tree: ast.AST) -> Iterator[Old]:
        """Find the old names in a program."""
        nodes = list(ast.walk(tree))
        for node in nodes:
            self._imported.enter(node)
            if isinstance(node, ast.Import):
                yield from self._import(node)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from self._import_from(node)
        calls = {id(node.func): node for node in nodes if isinstance(node, ast.Call)}
        for node in nodes:
            if isinstance(node, ast.Attribute):
                yield from self._attribute(node, calls.get(id(node)))

    def _import(self, node: ast.Import) -> Iterator[Old]:
        for name in node.names:
            if name.name in MODULES:
                yield Old(node.lineno, f"import {name.name}", MODULES[name.name], False)
            elif name.name in ELSEWHERE:
                yield Old(node.lineno, f"import {name.name}", ELSEWHERE[name.name], False)

    def _import_from(self, node: ast.ImportFrom) -> Iterator[Old]:
        if node.module in MODULES:
            yield Old(node.lineno, f"from {node.module}", MODULES[node.module], False)
        for name in node.names:
            written = f"from {node.module} import {name.name}"
            yield from _known(node.lineno, written, f"{node.module}.{name.name}")

    def _attribute(self, node: ast.Attribute, call: ast.Call | None) -> Iterator[Old]:
        module = self._imported.place(node.value)
        if module == "numpy" and node.attr == "fromstring":
            if call and "sep" not in {keyword.arg for keyword in call.keywords}:
                yield Old(node.lineno, ast.unparse(node), "np.frombuffer(…).copy()", True)
        elif module:
            yield from _known(node.lineno, ast.unparse(node), f"{module}.{node.attr}")
        elif call and node.attr in METHODS:
            arguments, today = METHODS[node.attr]
            if arguments is None or arguments == len(call.args):
                yield Old(node.lineno, f".{node.attr}()", today, False)


def _known(line: int, written: str, full: str) -> Iterator[Old]:
    module, _, name = full.rpartition(".")
    if module == "numpy" and name in TODAY:
        yield Old(line, written, TODAY[name], True)
    elif module == "numpy" and name in FINANCIAL:
        yield Old(line, written, f"numpy_financial.{name}", False)
    elif full in ELSEWHERE:
        yield Old(line, written, ELSEWHERE[full], name in _restored().get(module, ()))


@cache
def _restored() -> dict[str, dict]:
    return {module.__name__: names for module, names in OLD.items()}
