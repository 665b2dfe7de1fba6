"""Which fonts a printed page uses, and what to install when they are not there.

Official documents ask for 仿宋, 小标宋, 黑体, 楷体. The first family of a role's list that is installed is used: the
licensed one where the machine has it, else a free one. 仿宋 has no free simplified Chinese font in the distributions; a Song
takes its place. What the role's font does not have comes from ``BASE``, so that a page needs no other font.
"""

from collections.abc import Set as AbstractSet
from typing import Final

from msgspec import Struct

from services.gateway.documents.errors import FontMissingError

BASE: Final = "Noto Serif CJK SC"
_NOTO: Final = "fonts-noto-cjk"


class Face(Struct, frozen=True):
    """A font family and the weight to take of it."""

    family: str
    weight: int = 400


class Role(Struct, frozen=True, kw_only=True):
    """What a font is for."""

    name: str  # in words, for the error
    faces: tuple[Face, ...]  # the best first; the last is the free one
    package: str  # Debian's and Ubuntu's, that holds the free one


ROLES: Final = {
    "base": Role(name="宋体", faces=(Face(BASE),), package=_NOTO),
    "head": Role(
        name="小标宋",
        faces=(
            Face("方正小标宋简体"),
            Face("FZXiaoBiaoSong-B05S"),
            Face("FZXiaoBiaoSong-B05"),
            Face(BASE, 700),
        ),
        package=_NOTO,
    ),
    "body": Role(
        name="仿宋",
        faces=(
            Face("仿宋_GB2312"),
            Face("FangSong_GB2312"),
            Face("FangSong"),
            Face("仿宋"),
            Face("STFangsong"),
            Face(BASE),
        ),
        package=_NOTO,
    ),
    "bold": Role(name="黑体", faces=(Face("SimHei"), Face("黑体"), Face("Noto Sans CJK SC")), package=_NOTO),
    "kai": Role(
        name="楷体",
        faces=(
            Face("楷体_GB2312"),
            Face("KaiTi_GB2312"),
            Face("KaiTi"),
            Face("楷体"),
            Face("STKaiti"),
            Face("AR PL KaitiM GB"),
        ),
        package="fonts-arphic-gkai00mp",
    ),
}


def choose(installed: AbstractSet[tuple[str, int]]) -> dict[str, Face]:
    """Return the face of each role out of the installed (family, weight) pairs. Raise ``FontMissingError`` for what lacks."""
    chosen = {}
    missing = []
    for key, role in ROLES.items():
        face = next((each for each in role.faces if (each.family, each.weight) in installed), None)
        if face is None:
            missing.append(role)
        else:
            chosen[key] = face
    if missing:
        names = "、".join(f"{role.name} ({role.faces[-1].family})" for role in missing)
        packages = " ".join(sorted({role.package for role in missing}))
        raise FontMissingError(f"缺少字体 / fonts are missing: {names}; apt-get install {packages}")
    return chosen
