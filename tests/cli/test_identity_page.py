"""docs/identity.md: its programs run one after the other, by a role of an application, and print what stands below them."""

from __future__ import annotations

import re

from tests.cli import embeddoc, identitydoc

TEXT = identitydoc.PAGE.read_text(encoding="utf-8")


def test_the_programs_print_what_the_page_says(conn, dsn, tmp_path):
    try:
        told = identitydoc.run_all(TEXT, conn, dsn, tmp_path)
    finally:
        conn.execute("drop owned by web")
        conn.execute("drop role web")
    shown = {heading: block.text for heading, (_, block) in embeddoc.programs(TEXT).items()}
    assert len(shown) > 4 and told == shown, "run: python -m tools.pages identity"


def test_the_settings_are_those_that_are_shipped(conn):
    shipped = dict(conn.execute("select name, value from identity.login_settings").fetchall())
    rows = re.findall(r"^\| (`[a-z_0-9`, ]+`) \| ([^|]+) \|", TEXT, flags=re.MULTILINE)
    said: dict[str, str] = {}
    for names, values in rows:
        found = re.findall(r"`([a-z_0-9]+)`", names)
        if found[0] in shipped:
            said |= dict(zip(found, values.strip().split(", "), strict=True))
    assert said == shipped
