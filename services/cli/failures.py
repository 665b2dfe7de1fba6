"""How a command ends when it does not end well: an exit code, a stable code and one line in both languages."""

from enum import IntEnum
from typing import Final

from proto.errors import Reason

_NAME: Final = "yizhan: "


class Exit(IntEnum):
    """Exit codes (退出码); ``--help`` and the reference page list them."""

    GOOD = 0
    NOT_SO = 1  # the thing asked about is not so: verification failed, not found, refused
    USAGE = 2
    CANNOT = 3  # cannot run here: a package or a permission is missing
    UNREACHABLE = 4  # not reachable, try again
    INTERRUPTED = 130  # Ctrl-C, 128 + SIGINT as shells count
    SETTINGS = 78  # sysexits' EX_CONFIG


class CliError(Exception):
    """A command cannot go on; ``code`` is stable, ``zh`` and ``en`` are for people, ``detail`` says which part."""

    def __init__(self, exit_code: Exit, code: str, zh: str, en: str, detail: str = "") -> None:
        super().__init__(code)
        self.exit_code = exit_code
        self.code = code
        self.zh = zh
        self.en = en
        self.detail = detail

    def line(self) -> str:
        """Return the one line for stderr."""
        return one_line(self.code, self.zh, self.en, self.detail)

    def text(self) -> str:
        """Return the same without the program's name, for a place inside other text."""
        return self.line().removeprefix(_NAME)


def one_line(code: str, zh: str, en: str, detail: str = "") -> str:
    """Return ``zh / en [code] detail``, whatever line breaks or control characters the parts hold."""
    text = f"{_NAME}{zh} / {en} [{code}]" + (f" {detail}" if detail else "")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def usage(code: str, zh: str, en: str, detail: str = "") -> CliError:
    """Wrong usage."""
    return CliError(Exit.USAGE, code, zh, en, detail)


def not_so(code: str, zh: str, en: str, detail: str = "") -> CliError:
    """The thing asked about is not so."""
    return CliError(Exit.NOT_SO, code, zh, en, detail)


def cannot(code: str, zh: str, en: str, detail: str = "") -> CliError:
    """It cannot run here."""
    return CliError(Exit.CANNOT, code, zh, en, detail)


def unreachable(code: str, zh: str, en: str, detail: str = "") -> CliError:
    """Not reachable, try again."""
    return CliError(Exit.UNREACHABLE, code, zh, en, detail)


def refused(reason: Reason, detail: str = "") -> CliError:
    """Refused for a reason of the network."""
    return not_so(reason.value, reason.zh, reason.en, detail)
