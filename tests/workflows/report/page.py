"""A page read back: its elements, attributes and text, and whether every element is closed."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """``elements`` are (tag, attributes); ``text`` is what a reader sees, headings marked with ``#``."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "h2":
            self.text += "\n# "

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data

    def tags(self, tag: str) -> list[dict[str, str]]:
        """Attributes of every element ``tag``."""
        return [attributes for found, attributes in self.elements if found == tag]

    def section(self, heading: str) -> str:
        """The text below one heading."""
        return self.text.split(f"\n# {heading}", 1)[1].split("\n# ", 1)[0]
