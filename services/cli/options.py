"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="只输出一个 JSON 文档 / One JSON document on stdout")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="不再询问 / Do not ask")]
Gateway = Annotated[
    str, typer.Option("--gateway", metavar="URL", help="网关地址，默认本机 / Gateway, this machine's by default")
]
Archive = Annotated[
    str, typer.Option("--archive", metavar="URL", help="资源库地址，默认本机 / Archive, this machine's by default")
]
Scoring = Annotated[
    str, typer.Option("--scoring", metavar="URL", help="计分服务地址，默认本机 / Scoring, this machine's by default")
]
NodeCode = Annotated[str, typer.Option("--node", metavar="CODE", help="单位代码 / Unit")]
Person = Annotated[str, typer.Option("--person", metavar="PERSON", help="人员短名 / Staff member")]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="口令文件，否则询问 / Password file, else asked for"),
]
Digest = Annotated[
    str,
    typer.Option(metavar="DIGEST", help="看过的内容的摘要，见 show；不给则先显示 / Digest of what was looked at, see show; else it is shown first"),
]  # fmt: skip
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", metavar="FILE", help="密钥口令文件，否则询问 / Key passphrase file, else asked for"
    ),
]
Reader = Annotated[str, typer.Option("--as", metavar="NODE", help="以该单位身份查阅 / Read as this unit")]
Registry = Annotated[
    Path | None,
    typer.Option("--registry", metavar="DIR", help="名录和名册文件夹，默认本机 / Directory and rosters, this machine's by default"),
]  # fmt: skip
RootFile = Annotated[
    Path | None, typer.Option("--root", metavar="FILE", help="根公钥文件，默认本机 / Pinned root keys, this machine's by default")
]  # fmt: skip
