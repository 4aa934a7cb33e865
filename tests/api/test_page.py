"""How the page's files are served: joined, stripped, small, asked for again (record 16)."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from api.page import WEB, File, files, stripped
from api.page_modules import ModuleFormError, joined
from tests.api.conftest import Served

MAIN = 'import { a } from "./a.js";\nimport * as all from "./deep/b.js";\na(all.b);\n'
A = 'export function a(x) { return x; }\nexport const later = () => import("./deep/late.js");\n'
B = 'import { a as first } from "../a.js";\nexport const b = first("b");\nconst mine = 1;\n'
LATE = 'import { a } from "../a.js";\nimport { c } from "./c.js";\nexport const late = a(c);\n'
C = "export const c = (name) => import(`./deep/${name}.js`);\n"
PAGE = {"main.js": MAIN, "a.js": A, "deep/b.js": B, "deep/late.js": LATE, "deep/c.js": C}


def test_what_the_first_view_imports_comes_in_one_file_and_the_rest_in_another() -> None:
    """Each module keeps its scope and is there once, after what it imports."""
    served = joined(PAGE)
    assert sorted(served) == ["later.js", "main.js"]
    main, later = served["main.js"], served["later.js"]
    assert main.index("const $a = (() => {") < main.index("const $deep_b = (() => {") < main.index("a(all.b);")
    assert "const { a: first } = $a;" in main
    assert "const all = $deep_b;" in main
    assert "return { a, later };" in main
    assert main.endswith("export { $a, $deep_b };\n")
    assert later.startswith('import { $a, $deep_b } from "./main.js";\n')
    assert later.index("const $deep_c = ") < later.index("const { c } = $deep_c;")
    assert later.endswith("export { $deep_c, $deep_late };\n")


def test_a_view_is_loaded_from_the_file_that_holds_it() -> None:
    """By its path as seen from the module, or by a name that is known only then."""
    served = joined(PAGE)
    assert 'const later = () => import("./later.js").then((late) => late.$deep_late);' in served["main.js"]
    assert 'const c = (name) => import("./later.js").then((late) => late[`$deep_${name}`]);' in served["later.js"]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.js", "export let a = 1;\n"), ("a.js", "const a = 1;\nexport { a };\n"), ("a.js", "export default 1;\n"),
        ("a.js", 'import "./deep/c.js";\n'), ("a.js", 'import c from "./deep/c.js";\n'), ("a.js", "await 1;\n"),
        ("a.js", 'import { b } from "./deep/b.js";\nexport const a = b;\n'),
        ("deep/c.js", 'import { late } from "./late.js";\nexport const c = late;\n'),
        ("main.js", 'import { x } from "./x.js";\n'), ("deep/late.js", 'export * from "../a.js";\n'),
        ("a.js", 'export const a = () => import("./deep/b.js");\n'),
        ("a.js", 'export const a = () => import("./deep/none.js");\n'),
    ],
)  # fmt: skip
def test_a_form_that_can_not_be_joined_is_refused(path: str, source: str) -> None:
    """A binding that changes, a circle, a file that is not there: never served as something else."""
    with pytest.raises(ModuleFormError):
        joined({**PAGE, path: source})


def test_every_file_is_as_small_as_it_gets_and_means_the_same() -> None:
    """No comment is sent; what is compressed unpacks to the same; words and manifest hold the same."""
    for name, file in files().items():
        if file.gzipped is not None:
            assert gzip.decompress(file.gzipped) == file.plain
            assert len(file.gzipped) < len(file.plain)
        if name.endswith((".json", ".webmanifest")):
            assert json.loads(file.plain) == json.loads((WEB / name).read_text(encoding="utf-8"))
        if name.endswith((".js", ".css")):
            assert b"\n  " not in file.plain
            assert b"/*" not in file.plain


def test_a_change_of_any_file_is_another_version_of_the_page(tmp_path: Path) -> None:
    """The service worker keeps whole versions, so its own bytes must tell them apart."""

    def worker(**changes: str) -> File:
        copy = tmp_path / str(len(list(tmp_path.iterdir())))
        shutil.copytree(WEB, copy)
        for name, more in changes.items():
            with (copy / name).open("a", encoding="utf-8") as file:
                file.write(more)
        return files(copy)["sw.js"]

    assert worker().plain == files()["sw.js"].plain
    more = {
        "index.html": " ",
        "views/clip.js": "const more = 1;\n",
        "store.js": "const more = 1;\n",
        "style.css": "b {}",
    }
    seen = {worker(**{name: added}).digest for name, added in more.items()}
    assert len(seen | {files()["sw.js"].digest}) == 5


def test_the_worker_keeps_the_page_and_nothing_else() -> None:
    """Never the interface, never itself, never the page by which phones come to trust the gate."""
    line = files()["sw.js"].plain.decode().partition(";")[0]
    kept = json.loads(line.partition("FILES=")[2])
    assert {"/", "/main.js", "/later.js", "/style.css", "/vi.json", "/en.json"} <= set(kept)
    assert not [path for path in kept if path.startswith(("/api", "/trust", "/sw")) or path == "/index.html"]


@pytest.mark.parametrize(
    ("accepts", "coded"),
    [("gzip", True), ("br;q=1, GZIP; q=0.5", True), ("gzip;q=0", False), ("br", False), ("", False)],
)
def test_a_browser_gets_gzip_if_it_takes_it(served: Served, accepts: str, *, coded: bool) -> None:
    """The two forms have tags of their own: a strong tag names bytes."""
    client = served.anybody()
    answer = client.get("/main.js", headers={"Accept-Encoding": accepts})
    assert (answer.headers.get("Content-Encoding") == "gzip") is coded
    assert answer.content == files()["main.js"].plain
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["ETag"].endswith('-gzip"') is coded
    for tag in (answer.headers["ETag"], f'"x", W/{answer.headers["ETag"]}', "*"):
        again = client.get("/main.js", headers={"Accept-Encoding": accepts, "If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == answer.headers["ETag"]


def test_head_tells_the_size_and_sends_nothing(served: Served) -> None:
    client = served.anybody()
    head = client.head("/style.css", headers={"Accept-Encoding": "gzip"})
    assert (head.status_code, head.content) == (200, b"")
    gzipped = files()["style.css"].gzipped
    assert gzipped is not None
    assert head.headers["Content-Length"] == str(len(gzipped))


@pytest.mark.parametrize(
    "path", ["/store.js", "/views/more.js", "/views", "/trust/", "/../page.py", "/sw-push.js", "/sw-push.js/"]
)
def test_what_is_not_a_file_of_the_page_is_not_found(served: Served, path: str) -> None:
    """A module that was joined has no second life of its own: two states of the page would be there."""
    answer: httpx.Response = served.anybody().get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def differing(*pairs: tuple[str, str, str]) -> list[str]:
    """Return the names of the pairs of sources (name, written, served) that are different code."""
    node = Path(sys.prefix, "node", "package.json")
    told = subprocess.run(
        ["node", Path(__file__).with_name("same_code.mjs"), node], input=json.dumps(pairs), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    return list(json.loads(told.stdout))


def test_what_is_served_is_the_code_that_was_written() -> None:
    """The stripper reads JavaScript by patterns. A parser of the language says that each module stayed what it was."""
    written = {path.relative_to(WEB).as_posix(): path.read_text(encoding="utf-8") for path in WEB.rglob("*.js")}
    workers = {name: written.pop(name) for name in ("sw.js", "sw-push.js")}
    sources = joined(written) | workers
    assert differing(*((name, source, stripped(name, source)) for name, source in sources.items())) == []
    served = files()["sw.js"].plain.decode()
    assert all(stripped(name, source).splitlines()[-1] in served for name, source in workers.items())
    assert "importScripts" not in served
    nested = "export const a = (b) => `x  ${b ? `y  z` : ''}  w`;\n"
    said = 'export const a = "no const here";\n'
    pairs = [(name, source, stripped("a.js", source)) for name, source in (("nested", nested), ("said", said))]
    assert differing(*pairs) == ["nested", "said"], "see the comment in api/page.py"
