"""Rule files on disk, and holding them to what was recorded when they were first used."""

from collections.abc import Mapping
from pathlib import Path

from services.kit.errors import SettingsError
from services.scoring.domain.loader import parse
from services.scoring.domain.rules import RuleBook, RuleError, RuleSet


def read_rules(folder: str) -> RuleBook:
    """Read every ``*.toml`` of a folder; raise ``SettingsError`` with file, line and reason."""
    versions = []
    try:
        for path in sorted(Path(folder).glob("*.toml")):
            versions.append((path.name, parse(path.read_text(encoding="utf-8"), path.name)))  # noqa: PERF401 - try
        return RuleBook(versions)
    except RuleError as error:
        raise SettingsError(f"rules in {folder}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"rules in {folder}: {error}") from error


def check_unchanged(book: RuleBook, recorded: Mapping[tuple[str, str], RuleSet]) -> None:
    """Raise ``SettingsError`` where a version reads otherwise than when it was first loaded (Art. 1: rules are versioned)."""
    for each in book:
        if recorded.get((each.id, each.version), each) != each:
            raise SettingsError(
                f"rule set {each.id} version {each.version} was changed after it came into use: "
                "restore the file and put the change into a new version"
            )
