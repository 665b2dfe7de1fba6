"""Rendering as the gateway does it, in a process of its own; and against poppler, where it is installed."""

import asyncio
import shutil
import sys
from pathlib import Path

import pytest

from services.gateway.documents.errors import FontMissingError
from services.gateway.documents.model import IssueDocument
from services.gateway.documents.rendering import Form, rendered
from services.kit.errors import TransientError
from tests.documents import BODY, HOSTILE, SENTENCE, article, full_bulletin, issue

STARTS = {Form.HTML: b"<!DOCTYPE html>", Form.DOCX: b"PK\x03\x04", Form.PDF: b"%PDF-1.7"}


def fifty_pages() -> IssueDocument:
    return issue(*(article(body=f"{BODY}\n{SENTENCE * 8}") for _ in range(30)))


@pytest.mark.parametrize("form", Form)
async def test_a_process_renders(form: Form) -> None:
    for document in (issue(), full_bulletin()):
        assert (await rendered(document, form)).startswith(STARTS[form])
    assert "/" in form.media_type


async def test_several_at_once_wait_for_one_another() -> None:
    first, second, third = await asyncio.gather(*(rendered(issue(), Form.PDF) for _ in range(3)))
    assert first == second == third


async def test_a_cancelled_rendering_leaves_room_for_the_next() -> None:
    task = asyncio.create_task(rendered(fifty_pages(), Form.PDF))
    await asyncio.wait([task], timeout=0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await rendered(issue(), Form.HTML)


async def printed(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def test_a_missing_font_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "without-kai"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "from services.gateway.documents import fonts, rendering\n"
        "fonts.ROLES['kai'] = fonts.Role(name='楷体', faces=(fonts.Face('No Such Kai'),), package='fonts-kai')\n"
        "sys.stdout.buffer.write(rendering.serve(sys.stdin.buffer.read()))\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(FontMissingError, match=r"楷体 \(No Such Kai\); apt-get install fonts-kai$"):
        await rendered(issue(), Form.PDF)
    assert await rendered(issue(), Form.DOCX)  # which embeds none


async def test_hostile_text_is_rendered() -> None:
    text = HOSTILE.encode(errors="ignore").decode()
    for form in Form:
        assert await rendered(issue(article(text, f"一、{text}\n{text}")), form)


async def test_a_rendering_that_dies_is_a_passing_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(TransientError, match="status 1"):
        await rendered(issue(), Form.PDF)


async def test_the_gateway_itself_loads_no_library() -> None:
    code = "import sys, services.gateway.documents.rendering; print({'typst', 'docx', 'jinja2', 'fontTools'} & set(sys.modules))"
    assert await printed(sys.executable, "-c", code) == "set()\n"


MEASURE = """
import sys, time
from pathlib import Path
from services.gateway.documents.rendering import Form, _render
from tests.integration.test_documents import fifty_pages
document = fifty_pages()
begun = time.perf_counter()
size = len(_render(document, Form(sys.argv[1])))
peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(time.perf_counter() - begun, int(peak) / 1024, size)
"""


@pytest.mark.parametrize("form", Form)
async def test_fifty_pages_stay_within_time_and_memory(form: Form) -> None:
    seconds, mebibytes, size = map(float, (await printed(sys.executable, "-c", MEASURE, form.value)).split())
    assert seconds < 20
    assert mebibytes < 400
    assert size < 5_000_000


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="poppler-utils is not installed")
async def test_poppler_reads_the_text_and_the_fonts(tmp_path: Path) -> None:
    file = tmp_path / "issue.pdf"
    file.write_bytes(await rendered(fifty_pages(), Form.PDF))
    text = await printed("pdftotext", str(file), "-")
    assert text.count("（昆山市、苏州市报送）") == 30
    info = await printed("pdfinfo", str(file))
    assert int(info.split("Pages:")[1].split()[0]) >= 50
    fonts = (await printed("pdffonts", str(file))).splitlines()[2:]
    assert fonts
    assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts)
