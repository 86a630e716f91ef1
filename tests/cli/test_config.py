"""reelq config show."""

from __future__ import annotations

from reelq.worker import settings

KEYS = ["name", "variable", "value", "source", "default", "help"]


def by_name(done):
    return {row["name"]: row for row in done.rows}


def test_every_setting_is_shown_with_stable_keys(bare):
    done = bare("config", "show", "--json")
    assert done.code == 0
    assert list(by_name(done)) == list(settings.FIELDS)
    assert list(done.rows[0]) == KEYS


def test_it_tells_where_a_value_came_from(bare, monkeypatch, tmp_path):
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.setenv("REELQ_SLOTS", "3")
    monkeypatch.setenv("REELQ_S3_SECRET_ACCESS_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("PGHOST", "db")
    rows = by_name(bare("--store", "s3://bucket", "config", "show", "--json"))
    assert (rows["slots"]["value"], rows["slots"]["source"]) == ("3", "environment")
    assert (rows["store"]["value"], rows["store"]["source"]) == ("s3://bucket", "flag")
    assert rows["s3_secret_access_key"]["source"] == "REELQ_S3_SECRET_ACCESS_KEY_FILE"
    assert rows["database_url"]["source"] == "PG* variables"
    assert rows["pool"]["source"] == "default"


def test_secrets_are_masked_in_both_forms(bare, monkeypatch):
    monkeypatch.setenv("REELQ_LINK_SECRET", "sesame")
    for words in (("config", "show"), ("config", "show", "--json")):
        done = bare("--database-url", "postgresql://u:sesame@h/d", *words)
        assert "sesame" not in done.out + done.err
        assert "********" in done.out
