"""``yizhan node``: making a unit's keys, and what the province does with its request."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from proto.messages import NodeKind, ResearchClass
from services.cli.failures import Exit, usage
from services.cli.options import Archive, Json, PassphraseFile, Reader, Registry, RootFile, Yes
from services.cli.tree import Tree

if TYPE_CHECKING:
    from services.cli.directory import Change
    from services.cli.following import Followed

tree: Final = Tree(help="单位入网、换钥、吊销 / Units: enrol, rotate, revoke")
Code = Annotated[str, typer.Argument(metavar="CODE", help="单位代码，如 320583 / Unit, e.g. 320583")]
RootKey = Annotated[
    Path | None,
    typer.Option("--root-key", metavar="FILE", help="根私钥，默认本机 / Root key, this machine's by default"),
]
RootPassphrase = Annotated[
    Path | None,
    typer.Option("--root-passphrase-file", metavar="FILE", help="根私钥口令文件 / Root key's passphrase file"),
]
Overlap = Annotated[
    int,
    typer.Option(
        metavar="MINUTES", min=0, max=10_080, help="换钥时旧密钥再有效多久 / How long a rotated key still holds"
    ),
]
Via = Annotated[str, typer.Option("--via", metavar="URL", help="经此网关发布，默认本机 / Gateway to publish through")]
Publish = Annotated[bool, typer.Option("--publish/--no-publish", help="是否经网关发布 / Publish through the gateway")]


@tree.command("init", help="新单位：生成密钥和入网申请 / A new unit: make its key and its request")
def init(
    code: Code,
    *,
    name: Annotated[str, typer.Option(metavar="NAME", help="单位名称 / Name of the unit")],
    staff: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="人员表 [[staff]]，同时生成名册和账号 / Staff, for a roster"),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="输出文件夹 / Where to write")] = Path(),
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Make a key and a sealed request; with staff also their keys, a roster and accounts."""
    from services.cli import credentials, enrolment, output  # noqa: PLC0415

    people = enrolment.read_staff(staff) if staff else []
    enrolment.check_new(out, code)
    passphrase = credentials.secret_of(
        passphrase_file, zh="单位密钥口令", en="passphrase of the unit's key", confirm=True
    )
    made = enrolment.make(code, name, people, passphrase, out, at=output.now())
    if as_json:
        output.put_json(made)
    else:
        output.put_facts(
            (
                ("密钥 / key", made.key), ("申请（交省级办公室）/ request, for the province", made.request),
                ("名册 / roster", made.roster), ("账号 / accounts", made.accounts), ("keyid", made.keyid),
            )
        )  # fmt: skip
    return Exit.GOOD


@tree.command("approve", help="批准申请，签发名录 / Approve requests into the next directory")
def approve(
    requests: Annotated[list[Path], typer.Argument(metavar="REQUEST.json…", help="申请文件 / Requests")],
    *,
    kind: Annotated[
        NodeKind | None,
        typer.Option(metavar="KIND", help=f"单位类别，新单位必填 / Kind, for new units: {', '.join(NodeKind)}"),
    ] = None,
    parent: Annotated[str, typer.Option(metavar="CODE", help="上级单位 / The hub above")] = "",
    node_gateway: Annotated[
        str,
        typer.Option("--gateway", metavar="USER", help="可代表其发言的总线用户 / Broker user that speaks for it"),
    ] = "gateway",
    direct_report: Annotated[
        bool, typer.Option("--direct-report", help="县级信息直报点 / Direct-report point")
    ] = False,
    research_class: Annotated[
        ResearchClass | None,
        typer.Option(metavar="CLASS", help=f"调研定额类别 / Class of the research quota: {', '.join(ResearchClass)}"),
    ] = None,
    overlap: Overlap = 10,
    root_key: RootKey = None,
    root_passphrase_file: RootPassphrase = None,
    publish: Publish = True,
    via: Via = "",
    as_json: Json = False,
) -> int:
    """Open the requests, sign the next directory, publish it, and make the broker ready for new units."""
    from services.cli import directory, enrolment  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415

    place = Place.here()
    terms = enrolment.Terms(
        type=kind,
        parent=parent or None,
        gateway=node_gateway,
        direct_report=direct_report,
        research_class=research_class,
    )
    with directory.signing(place, root_key, root_passphrase_file) as office:
        change = office.approve([path.read_bytes() for path in requests], terms, overlap_minutes=overlap)
    return _finish(place, change, publish=publish, gateway=via, as_json=as_json)


@tree.command("list", help="单位和密钥状态 / Units of the directory and their keys")
def list_nodes(*, registry: Registry = None, root: RootFile = None, as_json: Json = False) -> int:
    """List the directory."""
    from services.cli import listing, output, words  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415

    place = Place.here()
    found = listing.read(root or place.pinned, registry or place.registry, now=output.now())
    if as_json:
        output.put_json(found)
        return Exit.GOOD
    output.put_table(
        (
            "代码 / code",
            "名称 / name",
            "类别 / kind",
            "上级 / parent",
            "直报 / direct",
            "密钥 / key",
            "总线用户 / broker user",
        ),
        (
            (n.code, n.name, words.said(n.type), n.parent, "是" if n.direct_report else "", n.key_text, n.gateway)
            for n in found.nodes
        ),
        title=f"名录第 {found.version} 版，有效至 / directory {found.version}, until {output.china_time(found.expires)}",
    )
    return Exit.GOOD


@tree.command("rotate", help="换钥：新密钥由旧密钥签名 / A new key, signed by the old")
def rotate(
    code: Code,
    *,
    keys: Annotated[
        Path | None, typer.Option("--keys", metavar="DIR", help="单位密钥文件夹，默认本机 / Folder of unit keys")
    ] = None,
    passphrase_file: PassphraseFile = None,
    overlap: Overlap = 10,
    root_key: RootKey = None,
    root_passphrase_file: RootPassphrase = None,
    publish: Publish = True,
    via: Via = "",
    as_json: Json = False,
) -> int:
    """Make the request; approve it at once where the root key is at hand. Repeating it goes on where it stopped."""
    from services.cli import directory, output, publishing, rotation  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415
    from services.cli.trust import DIRECTORY  # noqa: PLC0415

    place = Place.here()
    turn = rotation.begin(place, code, keys or place.keys / "nodes", passphrase_file, at=output.now())
    if turn.approved:  # by the province, which published it; or by a run of ours that stopped here
        publish = publish and place.operator_token.exists()
    done = {"node": code, "keyid": turn.new.keyid, "approved": True, "published": publish}
    if not turn.approved:
        if not (root_key or place.keys / "root.pem").exists():
            _put(done | {"approved": False, "published": False, "request": turn.request}, as_json=as_json)
            output.say("请交省级办公室批准后再次运行本命令 / have it approved, then run this again")
            return Exit.GOOD
        with directory.signing(place, root_key, root_passphrase_file) as office:
            office.rotate(turn.request.read_bytes(), overlap_minutes=overlap)
    if publish:  # first: with a key that nobody knows yet the gateway would be refused everywhere
        publishing.send(place, via, [(place.registry / DIRECTORY).read_bytes()])
    rotation.finish(turn)
    _put(done, as_json=as_json)
    output.say(
        "新密钥已就位，请即重启网关，旧密钥即将停用 / new key in place: restart the gateway, the old one ends soon"
    )
    return Exit.GOOD


@tree.command("revoke", help="吊销密钥 / Revoke a key")
def revoke(
    code: Code,
    keyid: Annotated[str, typer.Argument(metavar="KEYID", help="密钥编号，至少前 8 位 / Key id, 8 characters or more")],
    *,
    since: Annotated[str, typer.Option(metavar="TIME", help="自何时起，默认现在 / From when on, now by default")] = "",
    yes: Yes = False,
    root_key: RootKey = None,
    root_passphrase_file: RootPassphrase = None,
    publish: Publish = True,
    via: Via = "",
    as_json: Json = False,
) -> int:
    """Revoke a unit's key in the next directory. A revocation is never lifted."""
    from services.cli import credentials, directory, moments, output  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415

    place = Place.here()
    moment = moments.parse(since) if since else output.now()
    credentials.confirm(f"吊销 {code} 的密钥 {keyid}，不可撤回？/ Revoke this key for good?", yes=yes)
    with directory.signing(place, root_key, root_passphrase_file) as office:
        change = office.revoke(code, keyid, since=moment)
    return _finish(place, change, publish=publish, gateway=via, as_json=as_json)


@tree.command(
    "follow", help="按已签发的认定调整直报点 / Let the directory follow the designations of direct-report points"
)
def follow(
    *,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE.jsonl", help="用导出的认定，每行一件 / From exported messages, one a line"
        ),
    ] = None,
    archive: Archive = "",
    reader: Reader = "",
    yes: Yes = False,
    root_key: RootKey = None,
    root_passphrase_file: RootPassphrase = None,
    publish: Publish = True,
    via: Via = "",
    as_json: Json = False,
) -> int:
    """Verify all designations, and sign and publish the next directory where those in force today ask for another.

    Doing it again changes nothing, so it may be done every morning: a designation waits for its day.
    """
    from services.cli import client, credentials, directory, exported, following, output, words  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415
    from services.cli.trust import read_trust  # noqa: PLC0415
    from services.kit.calendar import day_of  # noqa: PLC0415

    place, today = Place.here(), day_of(output.now())
    state = read_trust(place.pinned, place.registry).state

    async def read() -> "Followed":
        if source is not None:
            return await following.follow(exported.lines(source), state, today)
        async with client.api(archive or place.url("archive"), credentials.reading_token(place)) as api:
            pages = exported.pages(api, "/api/v1/messages", {following.KIND}, reader=reader)
            return await following.follow(pages, state, today)

    found: Followed = client.run(read)
    for each in found.waiting:
        since = each.content.effective_from
        output.say(f"{each.content.unit} {words.said(each.content.standing)}：{since} 起 / not before {since}")
    for reason in found.ignored:
        output.say(f"不予执行 / passed over: {reason}")
    if not found.changes:
        output.say("名录与已签发的认定一致，无须改动 / The directory says what the designations say; nothing to change")
        _put({"version": state.directory.version, "changed": [], "published": False}, as_json=as_json)
        return Exit.GOOD
    zh, en = following.words_of(found.changes, {code: state.name_of(code) for code in found.changes})
    output.say(f"{zh} / {en}")
    credentials.confirm("签署并发布？/ Sign and publish this?", yes=yes)
    with directory.signing(place, root_key, root_passphrase_file) as office:
        change = office.follow(found.changes)
    return _finish(place, change, publish=publish, gateway=via, as_json=as_json)


@tree.command("publish", help="发布名录、名册、账号 / Publish directory, rosters, accounts")
def publish_files(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="DSSE JSON，或账号文件 / DSSE JSON, or accounts")
    ],
    *,
    via: Via = "",
    as_json: Json = False,
) -> int:
    """Hand files to the gateway in this order; the unit must be hosted there."""
    from services.cli import publishing  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415

    if not files:
        raise usage("publish.none", "请给出文件", "Name a file")
    done = publishing.send(Place.here(), via, [path.read_bytes() for path in files])
    _put({"published": done}, as_json=as_json)
    return Exit.GOOD


def _finish(place: Any, change: "Change", *, publish: bool, gateway: str, as_json: bool) -> int:
    """Prepare the broker for new units, publish a change, and say what is left to do.

    The broker comes first: a unit that all know of without an inbox would be sent what then goes astray.
    """
    from services.cli import broker_setup, output, publishing  # noqa: PLC0415

    broker = broker_setup.prepare(place, change) if change.added else ""
    if publish and broker not in ("", broker_setup.APPLIED):
        via = f" --via {gateway}" if gateway else ""
        output.say(f"然后 / then: yizhan node publish {change.path}{via}")
        publish = False
    if publish:
        publishing.send(place, gateway, [change.path.read_bytes()])
    _put(
        {
            "directory": change.path, "version": change.version, "added": change.added, "changed": change.changed,
            "published": publish, "broker": broker,
        },
        as_json=as_json,
    )  # fmt: skip
    if change.added:
        codes = " ".join(change.added)
        output.say(
            f"放好密钥，把 {codes} 加入网关设置 nodes（yizhan up 自行加入），重启，再发布名册 / "
            f"put the key in place, add {codes} to the gateway's nodes (yizhan up does), restart, publish the roster"
        )
    return Exit.GOOD


def _put(facts: dict[str, Any], *, as_json: bool) -> None:
    from services.cli import output  # noqa: PLC0415

    if as_json:
        output.put_json({name: str(value) if isinstance(value, Path) else value for name, value in facts.items()})
    else:
        output.put_facts(facts.items())
