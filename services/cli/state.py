"""``yizhan status``: services, lines and queues at a glance."""

from typing import Any, Final

from services.cli.failures import Exit
from services.cli.options import Gateway, Json
from services.cli.tree import Tree

_PANEL: Final = "运维 / Operations"


def add_to(tree: Tree) -> None:
    """Add the command."""
    tree.command("status", rich_help_panel=_PANEL, help="服务、线路、队列的状态 / State of services, lines and queues")(
        status
    )


def status(*, gateway: Gateway = "", as_json: Json = False) -> int:
    """Show the state; exit with 4 where a service or the line is down."""
    from services.cli import client, glance, output  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415

    place = Place.here()
    found = client.run(lambda: glance.look(place, gateway or place.url("gateway")))
    if as_json:
        output.put_json(found)
    else:
        _put(found)
    return Exit.GOOD if found.good else Exit.UNREACHABLE


def _put(found: Any) -> None:
    from services.cli import output  # noqa: PLC0415

    words = {"ready": "就绪 / ready", "not_ready": "未就绪 / not ready", "down": "未运行 / down"}
    output.put_table(
        ("服务 / service", "状态 / state"), ((name, words[state]) for name, state in found.services.items())
    )
    if found.queues is None:
        output.say(f"消息总线 / broker: {found.broker_problem}")
    else:
        queues = [*found.queues.items(), ("yz.inbox.* 合计 / total", found.inboxes)]
        output.put_table(("队列 / queue", "待处理 / waiting"), ((name, _known(n)) for name, n in queues))
    line = {True: "在线 / online", False: "离线 / offline"}.get(found.online)
    units = None if found.nodes is None else len(found.nodes)
    output.put_facts(
        (
            ("线路 / line", _known(line)),
            ("待发 / outbox", _known(found.outbox)),
            ("本网关单位 / units here", _known(units)),
        )
    )
    waiting = [node for node in found.nodes or () if node.waiting or not node.enrolled]
    if waiting:
        output.put_table(
            ("单位 / unit", "名称 / name", "待发 / outbox", "已入网 / enrolled"),
            ((node.code, node.name, node.waiting, node.enrolled) for node in waiting),
        )


def _known(value: Any) -> Any:
    return "—" if value is None else value
