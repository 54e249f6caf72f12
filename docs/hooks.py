"""Hooks of MkDocs: files outside docs/ that its pages link to, such as pictures, become part of the site."""

import pathlib
import re

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).parent.parent
OUTSIDE = re.compile(r"\]\(\.\./([\w./-]+)\)")


def on_files(files, config):
    """Adds the linked files."""
    pages = [(ROOT / "docs" / file.src_uri).read_text() for file in files.documentation_pages()]
    for path in sorted({path for text in pages for path in OUTSIDE.findall(text)}):
        if path.endswith(".md"):  # it would become a page
            files.append(File.generated(config, f"files/{path}.txt", content=(ROOT / path).read_text()))
        else:
            files.append(File.generated(config, f"files/{path}", abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Points the links to where these files are in the site."""
    return OUTSIDE.sub(lambda m: f"](files/{m[1]}{'.txt' * m[1].endswith('.md')})", markdown)
