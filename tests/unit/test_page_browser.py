"""The page in a real browser: nothing complains, everything is drawn, nothing is wider than the screen."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from page_samples import HOSTILE, figures

from podium.page.write import write

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="there is no Chromium here (apt-get install chromium)"
)

LOOK = """<script>
addEventListener("load", () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
  const size = each => { const box = each.getBoundingClientRect(); return [box.width, box.height]; };
  const found = {
    title: document.title, width: innerWidth, page: document.documentElement.scrollWidth,
    paper: getComputedStyle(document.body).backgroundColor,
    drawings: [...document.querySelectorAll("svg")].map(size),
    marks: [...document.querySelectorAll("svg")].map(
      each => [...each.querySelectorAll("rect,path,circle,polygon")].filter(one => size(one)[0] > 0).length),
    outside: [...document.querySelectorAll("svg text")].filter(one => {
      const [box, own] = [one.ownerSVGElement.getBoundingClientRect(), one.getBoundingClientRect()];
      return own.width > 0 && (own.right > box.right + 3 || own.left < box.left - 3);
    }).map(one => one.textContent.slice(0, 60)),
  };
  const told = document.createElement("pre");
  told.id = "told";
  told.textContent = JSON.stringify(found);
  document.body.append(told);
});
</script>"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    many = [f"class {number:03d}" for number in range(118)]
    samples = {"single_label": HOSTILE, "multi_label": HOSTILE, "regression": ["v"], "span": [], "many": many}
    for kind, names in samples.items():
        folder = tmp_path_factory.mktemp(kind)
        rows = 600 if kind == "many" else 160
        facts = figures(folder, "single_label" if kind == "many" else kind, names=names, rows=rows)
        page = write([facts], facts["scores"], competition="c", submission="s.csv", folds=3, results=folder)
        found[kind] = folder / "index.html"
        # The page forbids every script; the one that looks at it is let in for the test alone
        page = page.replace(
            "default-src &#39;none&#39;;", "default-src &#39;none&#39;; script-src &#39;unsafe-inline&#39;;"
        )
        found[kind].write_text(page.replace("</head>", f"{LOOK}</head>"), encoding="utf-8")
    return found


@pytest.mark.parametrize(
    ("kind", "width", "dark"),
    [
        ("single_label", 400, True),
        ("single_label", 1280, False),
        ("multi_label", 400, False),
        ("regression", 1280, True),
        ("span", 400, False),
        ("many", 1280, True),
        ("many", 400, False),
    ],
)
def test_everything_is_drawn_and_nothing_is_too_wide(
    pages: dict[str, Path], tmp_path: Path, kind: str, width: int, dark: bool
) -> None:
    assert BROWSER is not None
    command = [
        *(
            BROWSER,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ),
        *(f"--user-data-dir={tmp_path}", f"--window-size={width},900", "--enable-logging=stderr"),
        *(f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--dump-dom", pages[kind].as_uri()),
    ]
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert not re.findall(r"CONSOLE.*", done.stderr)
    told = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.S)
    assert told is not None, done.stderr[-2000:]
    found = json.loads(told[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert found["title"] == "c: report"
    assert found["width"] <= max(width, 500)  # some builds have no narrower windows
    assert found["page"] <= found["width"]
    assert found["paper"] == ("rgb(17, 20, 24)" if dark else "rgb(246, 245, 242)")
    assert len(found["drawings"]) >= 8
    assert min(min(size) for size in found["drawings"]) > 20
    assert min(found["marks"]) > 0
    assert not found["outside"]
