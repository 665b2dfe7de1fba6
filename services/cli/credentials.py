"""Where passwords and tokens come from: files, the hidden prompt, ``YIZHAN_TOKEN``. Never an argument."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from services.cli.failures import cannot, usage

if TYPE_CHECKING:
    from services.cli.place import Place

TOKEN_VARIABLE: Final = "YIZHAN_TOKEN"  # noqa: S105 - the variable's name


def secret_of(file: Path | None, *, zh: str, en: str, confirm: bool = False) -> str:
    """Return the secret in ``file``, else what is typed at the hidden prompt; refuse where nobody can be asked."""
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise usage("secret.not_text", "口令文件不是文本", "The secret file is not text", str(file)) from error
        if not text:
            raise usage("secret.empty", "口令文件是空的", "The secret file is empty", str(file))
        return text
    if not sys.stdin.isatty():
        raise usage("secret.needed", f"请用文件给出{zh}", f"Give the {en} by a file")
    answer: str = typer.prompt(f"{zh} / {en}", hide_input=True, confirmation_prompt=confirm, err=True)
    return answer


def confirm(question: str, *, yes: bool) -> None:
    """Go on only where the person agrees; refuse where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise usage("confirm.needed", "请加 --yes 确认", "Confirm with --yes", question)
    typer.confirm(question, abort=True, err=True)


def at_terminal(question: str) -> None:
    """Go on where the person agrees, or where nobody is at a terminal to look."""
    if sys.stdin.isatty():
        typer.confirm(question, abort=True, err=True)


def token() -> str:
    """Return the API token of the environment, '' where there is none."""
    return os.environ.get(TOKEN_VARIABLE, "")


def reading_token(place: "Place") -> str:
    """Return the token for reading services: that of the environment, else the operator's here."""
    return token() or operator_token(place)


def operator_token(place: "Place") -> str:
    """Return the operator's token; say what to do where there is no network here."""
    if not place.operator_token.exists():
        raise cannot(
            "place.none",
            f"此处没有网络（{place.var}）；先运行 yizhan up，或设置 YIZHAN_VAR、{TOKEN_VARIABLE}",
            f"There is no network here; run yizhan up first, or set YIZHAN_VAR or {TOKEN_VARIABLE}",
        )
    return place.operator()
