"""A page as its tests read it: tags with their attributes, words, and what a module imports to make it."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "input", "br"}


class Parsed(HTMLParser):
    """Tags with their attributes, and all words outside of styles and the title; every end closes what was open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.depth, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.depth.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.depth.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, text):
        if "style" not in self.depth and "title" not in self.depth:
            self.texts.append(text.replace("\N{NO-BREAK SPACE}", " "))

    @property
    def words(self) -> str:
        """All text as it stands."""
        return "".join(self.texts)

    @property
    def line(self) -> str:
        """All text in one line, a space between any two pieces."""
        return " ".join(" ".join(self.texts).split())

    def ids(self) -> list[str]:
        return [at["id"] for _, at in self.tags if "id" in at]

    def goals(self) -> set[str]:
        """Where links and uses of pictures lead."""
        return {at["href"][1:] for tag, at in self.tags if tag in {"a", "use"} and "href" in at}

    def sections(self) -> list[str]:
        return [at["id"] for tag, at in self.tags if tag == "section"]


def check_closed(text: str) -> None:
    """Nothing is loaded, nothing runs, every tag is closed, no id stands twice, every link leads somewhere."""
    page = Parsed(text)
    sources = [
        value for _, at in page.tags for key, value in at.items() if key in {"src", "href", "xlink:href"}
    ]
    assert sources and all(source.startswith(("data:", "#")) for source in sources)
    assert not {"script", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not re.search(r"@import|url\((?!#)", text) and "default-src 'none'" in text
    assert page.depth == [] and len(page.ids()) == len(set(page.ids())) and page.goals() <= set(page.ids())


def check_light(text: str, most: int) -> None:
    """Check that a page is one closed file of fewer than `most` bytes, which loads nothing."""
    assert len(text.encode()) < most
    check_closed(text)


def heavy_imports(module: str) -> str:
    """Which of the heavy packages an import of the module brings, as a list in text."""
    code = f"import sys, {module}; print(sorted({{'torch', 'scipy', 'sklearn', 'matplotlib'}} & {{*sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    return done.stdout.strip()
