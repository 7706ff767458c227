"""Which classes and functions a pickle may name, and what stands for them: none is made or called.

The standard library is where programs find what runs commands, opens files and reaches networks, so
of its names only those of plain values are let pass. What other packages define stands for
nothing here; the few that are known to run, unpickle or install something are refused as well.
"""

from __future__ import annotations

import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Mapping
from typing import Any, Final

_PATHS: Final = "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath"
_VALUES: Final[Mapping[str, frozenset[str]]] = {
    module: frozenset(names.split())
    for module, names in {
        "_codecs": "encode",  # how bytes are written that Python 2 could read
        "argparse": "Namespace",
        "array": "_array_reconstructor array",
        "builtins": "bool bytearray bytes complex dict float frozenset int list object range set "
        "slice str tuple type",
        "collections": "Counter OrderedDict UserDict UserList defaultdict deque",
        "copyreg": "_reconstructor",
        "datetime": "date datetime time timedelta timezone",
        "decimal": "Decimal",
        "fractions": "Fraction",
        "functools": "partial",  # its function is a name of its own
        "logging": "getLogger",  # what a logger is written as
        "pathlib": _PATHS,
        "pathlib._local": _PATHS,  # of Python 3.13
        "random": "Random",
        "re": "_compile",
        "types": "SimpleNamespace",
        "typing": "Any",  # in omegaconf's configurations
        "uuid": "SafeUUID UUID",
        "zoneinfo": "ZoneInfo ZoneInfo._unpickle",
    }.items()
}
_RUNNERS: Final = (
    "IPython", "cloudpickle", "dill", "distutils", "imp", "joblib", "numpy.f2py", "numpy.lib.npyio",
    "numpy.lib._npyio_impl", "numpy.load", "numpy.testing", "pandas.eval", "pandas.io.pickle",
    "pandas.read_pickle", "pip", "pkg_resources", "setuptools", "torch.hub", "torch.jit.load",
    "torch.load", "torch.package", "torch.serialization.load", "torch.utils.cpp_extension",
)  # fmt: skip
# where packages are found to import these, their own way there is open: ``torch.os.system``
_INNARDS: Final = frozenset(
    {
        "builtins", "ctypes", "importlib", "nt", "os", "posix", "pty", "runpy", "shutil", "socket",
        "subprocess", "sys",
    }
)  # fmt: skip


class Inert:
    """Stands for anything but tensors and dictionaries; whatever a pickle does to it is nothing."""

    def __new__(cls, *_: object, **__: object) -> Inert:
        """Take any arguments."""
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None: ...

    def __call__(self, *_: object, **__: object) -> Inert:
        """Answer a call with itself."""
        return self

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None:
        """Forget it."""

    def extend(self, values: object) -> None:
        """Forget them."""

    def add(self, value: object) -> None:
        """Forget it."""


class Value(Inert):
    """Stands for a plain value of the standard library."""


class Dictionary(dict[Any, Any]):
    """Stands for ``OrderedDict``, without the attributes that a pickle may give one."""

    def __setstate__(self, state: object) -> None: ...


def todays(module: str, name: str) -> tuple[str, str]:
    """A name of Python 3; protocols that Python 2 could read have it in Python 2's words."""
    if (module, name) in NAME_MAPPING:
        return NAME_MAPPING[module, name]
    return IMPORT_MAPPING.get(module, module), name


def is_value(module: str, name: str) -> bool:
    """Whether a name is a plain value's of the standard library."""
    return name in _VALUES.get(module, ())


def is_program(module: str, name: str) -> bool:
    """Whether a name is one that no weights need, and that may run something elsewhere."""
    if is_value(module, name):
        return False
    path = f"{module}.{name}"
    return (
        module.partition(".")[0] in sys.stdlib_module_names
        or not _INNARDS.isdisjoint(path.split("."))
        or f"{path}.".startswith(tuple(f"{runner}." for runner in _RUNNERS))
    )
