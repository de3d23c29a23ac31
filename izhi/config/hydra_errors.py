"""What Hydra, OmegaConf and the YAML reader say is wrong, in one line of izhi's."""

from __future__ import annotations

import re

from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from izhi.config.keys import shown
from izhi.errors import ConfigError, did_you_mean

_YAML = {
    "mapping values are not allowed": "text with a colon is quoted, or indented below |",
    "character '\\t'": "YAML is indented with spaces",
}
"""What the YAML reader says, and what is right."""


def config_error(error: Exception) -> ConfigError:
    """Return an error of Hydra, OmegaConf or the YAML reader as one line.

    Any other exception that rises out of them is treated alike: they have no line of izhi's in
    them, so it is what the user wrote.
    """
    if isinstance(error, ConfigError):
        return error
    if isinstance(error, RecursionError):
        return ConfigError("the config or an override is nested too deeply")
    if isinstance(error, OverrideParseException):
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ConfigError):
            cause = cause.__cause__
        if cause is not None:  # of a function, which izhi computes
            return ConfigError(f"{shown(str(error.override))}: {cause}")
        return _grammar_error(str(error.override), str(error.message))
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        options = list(error.options or ())
        return ConfigError(
            f"{group or 'config'} = {choice}: no such {group or 'config'}"
            f"{did_you_mean(choice, options)}"
        )
    lines = str(error).splitlines()
    if isinstance(error.__cause__, OmegaConfBaseException):
        lines += str(error.__cause__).splitlines()[:1]
    said = [line.strip(" .:") for line in lines if line.strip() and "object_type=" not in line]
    hints = [hint for sign, hint in _YAML.items() if sign in str(error)]
    return ConfigError(
        "; ".join(map(_cut, [*said[:3], *hints]))
        or f"not what Hydra expects ({type(error).__name__})"
    )


def _cut(line: str) -> str:
    return line if len(line) <= 300 else line[:297] + "..."


def _grammar_error(override: str, message: str) -> ConfigError:
    """Return what Hydra's parser says of an override, without its repetitions."""
    lines = [line for line in message.splitlines() if not line.startswith(("Error", "See"))]
    what = re.sub(
        r"^\w+(Error|Exception) while evaluating '.*': |^Lexer\w+: .*", "", (lines or [""])[0]
    )
    what = _cut(re.sub(r" expecting \{.*", "", what) or "a character is out of place")
    return ConfigError(
        f"{shown(override)}: not Hydra's grammar ({what}); "
        "write key=value, and quote text with special characters: \"key='5 mV'\""
    )
