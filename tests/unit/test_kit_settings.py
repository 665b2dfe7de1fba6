"""Settings: the later source wins, and a wrong one stops the start with one clear line."""

from pathlib import Path

import pytest

from services.kit import log, registry
from services.kit.errors import SettingsError
from services.kit.settings import ServiceSettings, load, secret, with_password
from services.kit.web.access import Access

GOOD = 'amqp_url = "amqp://file"\nroot_key_file = "roots.json"\n'


class Sample(ServiceSettings, frozen=True, kw_only=True):
    limit: int = 10
    strict: bool = True


def file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "yizhan.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_file_then_shared_then_own_variables(tmp_path: Path) -> None:
    path = file(tmp_path, f"[sample]\n{GOOD}limit = 20\nport = 1\n[other]\nlimit = 99\n")
    assert load(Sample, "sample", path, {}).limit == 20
    shared = {"YIZHAN_AMQP_URL": "amqp://shared", "YIZHAN_PORT": "7", "YIZHAN_OTHER_LIMIT": "8"}
    found = load(Sample, "sample", path, shared)
    assert (found.amqp_url, found.port, found.limit) == ("amqp://shared", 1, 20), "only the two URLs are shared"
    own = shared | {
        "YIZHAN_SAMPLE_AMQP_URL": "amqp://own",
        "YIZHAN_SAMPLE_LIMIT": "30",
        "YIZHAN_SAMPLE_STRICT": "false",
    }
    found = load(Sample, "sample", path, own)
    assert (found.amqp_url, found.limit, found.strict) == ("amqp://own", 30, False)


def test_variables_alone_are_enough() -> None:
    found = load(Sample, "sample", None, {"YIZHAN_AMQP_URL": "amqp://x", "YIZHAN_SAMPLE_ROOT_KEY_FILE": "r"})
    assert (found.host, found.port, found.log_level) == ("127.0.0.1", 0, "info")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[sample]\n" + GOOD + "limi = 1", ["sample", "limi"]),
        ("[sample]\n" + GOOD + 'limit = "many"', ["sample", "limit"]),
        ("[sample]\n" + GOOD + "strict = 2", ["sample", "strict"]),
        ("[sample]\nroot_key_file = 'r'", ["sample", "amqp_url"]),
        ("", ["sample", "amqp_url"]),
        ("[sample", ["yizhan.toml"]),
        ("sample = 3", ["yizhan.toml", "sample", "table"]),
        ("sample = [1]", ["yizhan.toml", "sample", "table"]),
        (b"\xff", ["yizhan.toml"]),
    ],
)
def test_one_clear_line(tmp_path: Path, text: str | bytes, words: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        load(Sample, "sample", file(tmp_path, text), {})
    line = str(error.value)
    assert "\n" not in line
    assert all(word in line for word in words), line


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load(Sample, "sample", tmp_path / "absent.toml", {})


def test_secrets(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"p@ss/w:rd#%\n")
    assert secret(str(path)) == "p@ss/w:rd#%"
    assert with_password("amqp://gw@host:5672/yizhan", "") == "amqp://gw@host:5672/yizhan"
    assert with_password("amqp://gw@host:5672/yizhan", str(path)) == "amqp://gw:p%40ss%2Fw%3Ard%23%25@host:5672/yizhan"
    for url in ("amqp://host/yizhan", "amqp://gw:secret@host/yizhan"):
        with pytest.raises(SettingsError) as error:
            with_password(url, str(path))
        assert "secret" not in str(error.value).replace("secret file", "")
    path.write_bytes(b"\xff")
    for wrong in (path, tmp_path / "absent"):
        with pytest.raises(SettingsError, match="secret file"):
            secret(str(wrong))


def test_an_unknown_log_level() -> None:
    with pytest.raises(SettingsError, match="log_level"):
        log.configure("sample", "loud")


@pytest.mark.parametrize("reader", [registry.pinned_roots, Access.from_file])
@pytest.mark.parametrize("text", [None, "", "[1]", "nonsense"])
def test_wrong_files_of_roots_and_tokens(tmp_path: Path, reader: object, text: str | None) -> None:
    path = tmp_path / "file.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"file\.json"):
        reader(str(path))  # type: ignore[operator]
