"""The command tree's own manners: help in two languages, every failure one line and an exit code.

Only ``typer`` is imported here, so that ``yizhan --help`` is quick; each command imports what it needs when it runs.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from deploy.embedded.errors import EmbeddedError
from proto.errors import RefusedError
from services.cli import helptext, output
from services.cli.failures import CliError, Exit, one_line
from services.kit.errors import KeyUnusableError, SettingsError, TransientError

F = TypeVar("F", bound=Callable[..., Any])

EXIT_CODES: Final = (
    ("0", "成功", "good"),
    ("1", "所问不成立：未通过验证、查无此项、被拒", "not so: not verified, not found, refused"),
    ("2", "用法有误", "wrong usage"),
    ("3", "此处无法运行：缺少软件或权限，或已被占用", "cannot run here: software or permission is missing, or it is in use"),
    ("4", "无法连接或繁忙，可稍后重试", "not reachable or busy, try again"),
    ("78", "设置有误", "settings"),
    ("130", "被 Ctrl-C 中断", "interrupted by Ctrl-C"),
)  # fmt: skip
"""Exit code, Chinese, English."""
EPILOG: Final = "\n".join(["退出码 / Exit codes:", *(f"  {code:>3}  {zh} / {en}" for code, zh, en in EXIT_CODES)])


class Command(TyperCommand):
    """A command whose help speaks both languages."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write our own page."""
        formatter.write(helptext.page(self, ctx.command_path))


class Group(TyperGroup):
    """A group of commands; the outermost one turns failures into a line and an exit code."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write our own page."""
        formatter.write(helptext.page(self, ctx.command_path))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - typer's signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002
        **extra: Any,
    ) -> Any:
        """Run a command line; a command's integer result is the exit code."""

        def run() -> Any:
            return super(Group, self).main(
                args=args,
                prog_name=prog_name,
                complete_var=complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )

        code = exit_code_of(run)
        if standalone_mode:
            sys.exit(code)
        return code


class Tree(typer.Typer):
    """A typer application whose groups and commands are ours."""

    def __init__(self, *, help: str, completion: bool = False) -> None:
        super().__init__(
            cls=Group,
            help=help,
            epilog=EPILOG,
            no_args_is_help=True,
            add_completion=completion,
            pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["--help", "-h"]},
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[[F], F]:
        """Register a command."""
        settings.setdefault("cls", Command)
        settings.setdefault("epilog", EPILOG)
        settings.setdefault("context_settings", {"help_option_names": ["--help", "-h"]})
        return super().command(name, **settings)


def exit_code_of(run: Callable[[], Any]) -> int:
    """Run and return the exit code; what goes wrong is one line on stderr."""
    try:
        result = run()
        sys.stdout.flush()
    except BrokenPipeError:
        output.let_go()
        return Exit.GOOD
    except CliError as error:
        return _fail(error.exit_code, error.line())
    except RefusedError as error:
        line = one_line(error.reason.value, error.reason.zh, error.reason.en, error.detail)
        return _fail(Exit.NOT_SO, line)
    except SettingsError as error:
        return _fail(Exit.SETTINGS, one_line("settings", "设置有误", "Settings", str(error)))
    except TransientError as error:
        return _fail(
            Exit.UNREACHABLE, one_line("line.down", "无法连接，请稍后重试", "Not reachable, try again", str(error))
        )
    except EmbeddedError as error:
        code = Exit.SETTINGS if error.settings else Exit.CANNOT
        return _fail(code, one_line(error.code, error.zh, error.en, error.detail))
    except KeyUnusableError:
        return _fail(Exit.NOT_SO, one_line("key.unusable", "口令有误或密钥不可用", "Wrong passphrase, or not a key"))
    except PermissionError as error:
        return _fail(Exit.CANNOT, one_line("permission", "没有权限", "No permission", str(error.filename or "")))
    except FileNotFoundError as error:
        return _fail(
            Exit.USAGE, one_line("file.missing", "没有这个文件", "There is no such file", str(error.filename or ""))
        )
    except IsADirectoryError as error:
        return _fail(Exit.USAGE, one_line("file.folder", "这是文件夹", "That is a folder", str(error.filename or "")))
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except Exception as error:
        if not hasattr(error, "format_message"):  # click's own errors, wherever this version of typer keeps them
            raise
        return _usage(error)
    return result if isinstance(result, int) else Exit.GOOD


def _usage(error: Any) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":  # its text is the help page
        typer.echo(error.format_message(), err=True)
        return Exit.USAGE
    context = getattr(error, "ctx", None)
    where = f"{context.command_path} --help" if context is not None else ""
    return _fail(Exit.USAGE, one_line("usage", "用法有误", error.format_message(), where))


def _fail(code: int, line: str) -> int:
    typer.echo(line, err=True)
    return int(code)
