"""reelq tenants: made, listed, suspended with their work, and let go again."""

from __future__ import annotations

import json

from reelq.cli import tenants as command
from reelq.worker.rooms import identity


def listed(reelq):
    return {one["slug"]: one for one in map(json.loads, reelq("tenants", "list", "--json").out.splitlines())}


def test_tiers_are_those_of_the_room():
    assert command.TIERS == identity.TIERS


def test_a_tenant_is_made_and_listed(reelq):
    made = reelq("tenants", "create", "acme", "--name", "Acme Films", "--tier", "premium")
    one = listed(reelq)["acme"]
    assert (made.code, made.out.strip()) == (0, one["id"])
    assert (one["name"], one["tier"], one["status"]) == ("Acme Films", "premium", "active")
    assert {"acme", "default"} <= set(reelq("tenants", "list").out.split())


def test_a_suspended_tenant_s_work_is_refused_until_it_is_active_again(reelq):
    reelq("tenants", "create", "acme")
    assert reelq("tenants", "suspend", "acme").out.split() == ["acme", "suspended"]
    refused = reelq("ingest", "https://media.example/a.mp4", "--tenant", "acme")
    assert refused.code == 1 and "must be active, not suspended" in refused.err
    assert reelq("tenants", "activate", listed(reelq)["acme"]["id"]).code == 0
    assert reelq("ingest", "https://media.example/a.mp4", "--tenant", "acme").code == 0


def test_what_cannot_be_is_refused_in_one_line(reelq):
    assert "no tenant 'nope'" in reelq("tenants", "suspend", "nope").err
    reelq("tenants", "create", "acme")
    taken = reelq("tenants", "create", "acme")
    assert taken.code != 0 and "slug must be a new one, not acme" in taken.err and "reelq tenants set acme" in taken.err
    for words, said in (
        (("set-config", "acme", "--weights", '{"watch_history": 1e400}'), "1e400 is too large"),
        (("set", "acme", "--bucket", "No_Bucket!", "--region", "eu"), "s3_bucket must be 3 to 63"),
        (("set", "acme", "--bucket", "a" * 64, "--region", "eu"), "s3_bucket must be 3 to 63"),
        (("set", "acme", "--name", "two\nlines"), "without control characters"),
        (("create", "other", "--name", "\x1b[31m"), "without control characters"),
    ):
        wrong = reelq("tenants", *words)
        assert wrong.code == 2 and said in wrong.err, wrong.err
    for slug in ("Two Words", "-a", "", "a" * 51):
        refused = reelq("tenants", "create", "--", slug)
        assert refused.code == 2 and f"hyphens (not at its ends), not '{slug}'\n" in refused.err and "constraint" not in refused.err


def test_a_tenant_is_shown_and_set(reelq):
    reelq("tenants", "create", "acme")
    told = reelq("tenants", "set", "acme", "--name", "Acme Films", "--tier", "premium", "--weight", "2.5", "--bucket", "acme-media", "--region", "eu", "--no-check", "--json").row
    assert (told["name"], told["tier"], told["job_weight"], told["s3_bucket"], told["s3_region"]) == ("Acme Films", "premium", 2.5, "acme-media", "eu")
    assert reelq("tenants", "set", "acme", "--common-store", "--json").row["s3_bucket"] is None
    assert reelq("tenants", "show", "acme", "--json").row["tier"] == "premium"
    reelq("subscriptions", "set", "--tenant", "acme", "--plan", "enterprise")
    assert reelq("tenants", "show", "acme", "--json").row["tier"] == listed(reelq)["acme"]["tier"] == "enterprise"


def test_a_tenant_s_configuration_is_shown_and_set(reelq, tmp_path):
    reelq("tenants", "create", "acme")
    assert reelq("tenants", "config", "acme", "--json").row["rate_limit_rps"] == 600
    path = tmp_path / "weights.json"
    path.write_text('{"watch_history": 0.6, "editorial": 0.4}')
    told = reelq("tenants", "set-config", "acme", "--no-personalization", "--weights", f"@{path}", "--filters", '{"geo_allowed": ["US"]}', "--rate", "5", "--json").row
    assert (told["personalization_enabled"], told["rate_limit_rps"], told["content_filters"]) == (False, 5, {"geo_allowed": ["US"]})
    assert told["personalization_weights"] == {"watch_history": 0.6, "editorial": 0.4}
    assert reelq("tenants", "set-config", "acme", "--personalization", "--cache-seconds", "0", "--retention-days", "30", "--json").row["personalization_enabled"]
