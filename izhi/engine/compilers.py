"""The C++ compiler: what ``CXX`` may name, and what else decides what a compiler makes.

A compiler that rearranges sums or rounds otherwise makes programs with other results. So ``CXX``
has no options that may do that, all that is known to reach a compiler is a part of a build's key,
and each program checks its own arithmetic before it runs (``strict.cpp``).
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from izhi import children
from izhi.errors import ConfigError

CHECK = Path(__file__).with_name("strict.cpp")
"""What is compiled into each program, and ends one whose arithmetic is not that of IEEE 754."""

NOT_STRICT = "the compiler does not keep to IEEE 754 arithmetic"
"""What such a program says first."""

READ = (
    "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH",
    "GCC_EXEC_PREFIX", "LD_RUN_PATH", "CCC_OVERRIDE_OPTIONS", "SDKROOT", "MACOSX_DEPLOYMENT_TARGET",
    "NIX_CFLAGS_COMPILE", "NIX_CXXSTDLIB_COMPILE", "NIX_LDFLAGS", "CCACHE_PREFIX",
)  # fmt: skip
"""Variables that compilers read by themselves, and that may change what they make."""

WRITTEN = ("DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES")
"""Variables that have compilers write further files."""

_HARMLESS = re.compile(
    r"-m64|-O[0123sgz]?|-g[0-3]?|-w|-W(?![alp],)[\w=+-]*|-pipe|-pthread|-std=[\w+]+|-stdlib=[\w+]+"
    r"|-fPI[CE]|-fpi[ce]|-static(-libgcc|-libstdc\+\+)?|-fuse-ld=\w+"
    r"|(-I|-L|-B|-isystem|--sysroot=|-isysroot|--gcc-toolchain=|--target=).+"
)
"""Options that say where things are, or what a program is besides its arithmetic."""

_WITH_VALUE = ("-I", "-L", "-B", "-isystem", "-isysroot", "--sysroot", "-arch", "-target")


def command() -> tuple[str, ...] | None:
    """Return the compiler's command, its program with its path; None where there is none.

    Raises
    ------
    ConfigError
        For options in ``CXX`` that may change results.
    """
    given = os.environ.get("CXX", "")
    try:
        words = shlex.split(given) or ["g++"]
    except ValueError as error:
        raise ConfigError(f"CXX = {given}: {str(error).lower()}; {_EXPECTED}") from None
    programs, options = _parts(words)
    rest = iter(options)
    for option in rest:
        if option in _WITH_VALUE:
            next(rest, None)
        elif not _HARMLESS.fullmatch(option):
            raise ConfigError(f"CXX = {given}: {option} may change results; {_EXPECTED}")
    paths = [_which(name) for name in programs]
    return (*map(str, paths), *options) if None not in paths else None


_EXPECTED = "expected a compiler such as CXX=g++, without options for its arithmetic or machine"


def name() -> str:
    """Return the name of the compiler that is looked for."""
    return os.environ.get("CXX", "").strip() or "g++"


def _parts(words: list[str]) -> tuple[list[str], list[str]]:
    """Return the programs, such as ``ccache g++``, and what follows them."""
    first = next((i for i, word in enumerate(words) if word[:1] in "-@"), len(words))
    return words[: max(1, first)], words[max(1, first) :]


def _which(name: str) -> str | None:
    """Return a program's path; one that is named alone is not looked for in the working folder."""
    if os.sep in name:
        path = shutil.which(name)
        return os.path.abspath(path) if path else None
    return children.find_program(name)


def description() -> dict[str, str]:
    """Return what decides what the compiler makes: its version, command and variables.

    All are empty where there is no compiler that can be used.
    """
    try:
        words = command()
    except ConfigError:
        words = None
    if words is None:
        return {"compiler": "", "command": "", "variables": ""}
    variables = [f"{name}={os.environ[name]}" for name in READ if os.environ.get(name)]
    return {
        "compiler": _version(words),
        "command": shlex.join(words),
        "variables": shlex.join(variables),
    }


@functools.cache
def _version(words: tuple[str, ...]) -> str:
    done = subprocess.run(
        [*words, "--version"], cwd="/", env=environment(), capture_output=True, text=True
    )
    return (done.stdout.splitlines() or [""])[0]


def environment() -> dict[str, str]:
    """Return the environment that a compiler runs in.

    The compiler writes no file but the program, and finds the assembler and the linker on the
    absolute entries of ``PATH`` only.
    """
    given = {name: value for name, value in os.environ.items() if name not in WRITTEN}
    return {**given, "PATH": children.programs_path()}
