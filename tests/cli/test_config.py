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


def test_a_file_that_is_no_text_is_refused(bare, monkeypatch, tmp_path):
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setenv("REELQ_BACKUP_IDENTITY_FILE", str(tmp_path / "key"))
    done = bare("backup", "list", "--store")
    assert done.code == 2 and done.err == f"reelq: REELQ_BACKUP_IDENTITY_FILE must name a text file in UTF-8: {tmp_path / 'key'}\n"


def test_secrets_are_masked_in_both_forms(bare, monkeypatch):
    monkeypatch.setenv("REELQ_LINK_SECRET", "sesame")
    for words in (("config", "show"), ("config", "show", "--json")):
        done = bare("--database-url", "postgresql://u:sesame@h/d", *words)
        assert "sesame" not in done.out + done.err
        assert "********" in done.out


def test_what_is_set_for_all_workers_is_shown_with_its_source_and_the_environment_wins(reelq, monkeypatch):
    assert reelq("config", "set", "worker.poll_s", "0.5s").code == 0
    rows = by_name(reelq("config", "show", "--json"))
    assert (rows["poll_s"]["value"], rows["poll_s"]["source"]) == ("0.5", "database")
    assert rows["log_level"]["source"] == "default"
    monkeypatch.setenv("REELQ_POLL_S", "3s")
    done = reelq("config", "show", "--json")
    assert (by_name(done)["poll_s"]["value"], by_name(done)["poll_s"]["source"]) == ("3.0", "environment")
    assert "worker.poll_s = 0.5s" in done.err and "REELQ_POLL_S" in done.err
    assert reelq("config", "get", "worker.poll_s").out == "0.5s\n"
    assert reelq("config", "unset", "worker.poll_s").code == 0
    assert [row["key"] for row in reelq("config", "list", "--json").rows if not row["is_default"]] == []
    refused = reelq("config", "set", "worker.poll_s", "1 fortnight")
    assert refused.code == 2 and "from 0.05 to 20 seconds" in refused.err


def test_show_works_without_its_database(bare):
    done = bare("--database-url", "postgresql://127.0.0.1:1/d?connect_timeout=1", "config", "show", "--json")
    assert done.code == 0 and by_name(done)["poll_s"]["source"] == "default"
    assert "not shown" in done.err


def test_a_secret_comes_by_stdin_is_sealed_and_signs_links(reelq, dsn, conn, monkeypatch, tmp_path):
    import io

    from reelq.worker.runtime import live_settings

    monkeypatch.setenv("REELQ_SECRETS_FILE", str(tmp_path / "keys"))
    assert reelq("secrets", "init").code == 0
    assert reelq("config", "set", "worker.link_secret", "sesame").code == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("sesame\n"))
    done = reelq("config", "set", "worker.link_secret", "-", "--json")
    assert done.code == 0 and "sesame" not in done.out + done.err
    assert reelq("config", "get", "worker.link_secret").out == "********\n"
    assert b"sesame" not in conn.execute("select sealed_value from ops.system_config where key = 'worker.link_secret'").fetchone()[0]
    assert live_settings.sealed_settings(settings.load(), conn).link_secret == "sesame"
    monkeypatch.setenv("REELQ_LINK_SECRET", "own")
    assert live_settings.sealed_settings(settings.load(), conn).link_secret == "own"
