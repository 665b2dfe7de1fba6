"""The programs of the network: each service in this process, and all of them at once."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final

import typer

from services.cli.names import SERVICES
from services.cli.options import Json
from services.cli.tree import Tree

_PANEL: Final = "服务 / Services"
_HELP: Final = {
    "gateway": "网关：报送、签发、收件 / The gateway: drafting, sign-off, inbox",
    "router": "路由：验签、转发、回执 / The router: verify, route, receipts",
    "scoring": "计分：积分台账 / Scoring: the ledger",
    "archive": "资源库：存档、检索 / The archive: store and search",
}
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="设置文件，默认本机网络的 / Settings, this machine's network's by default"
    ),
]


def add_to(tree: Tree) -> None:
    """Add the commands."""
    tree.command("up", rich_help_panel=_PANEL, help="在本机启动全部并跑样例日 / Run it all here, with a sample day")(up)
    for name in SERVICES:
        tree.command(name, rich_help_panel=_PANEL, help=_HELP[name])(_service(name))


def up(
    *,
    once: Annotated[bool, typer.Option("--once", help="跑完样例日即停止 / Stop after the sample day")] = False,
    as_json: Json = False,
    reset: Annotated[bool, typer.Option("--reset", help="清空后重建 / Start from nothing")] = False,
    sample: Annotated[bool, typer.Option("--sample/--no-sample", help="是否报送样例日 / Send the sample day")] = True,
) -> int:
    """Run the whole network on this machine."""
    from services.cli.up import run_up  # noqa: PLC0415

    return run_up(once=once, as_json=as_json, reset=reset, sample=sample)


def _service(name: str) -> Callable[[Path | None], int]:
    def command(config: Config = None) -> int:
        _choose_settings(config)
        sys.argv = [f"yizhan {name}"]  # the service reads its own command line, of which nothing is left
        code: int = import_module(f"services.{name}.app").main()
        return code

    return command


def _choose_settings(config: Path | None) -> None:
    """Let the service find its settings: those named, else the environment's, else this machine's network's."""
    if config is not None:
        os.environ["YIZHAN_CONFIG"] = str(config)
    elif "YIZHAN_CONFIG" not in os.environ:
        from services.cli.place import Place  # noqa: PLC0415

        place = Place.here()
        if place.made:
            os.environ["YIZHAN_CONFIG"] = str(place.config)
