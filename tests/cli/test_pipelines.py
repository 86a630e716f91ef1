"""reelq pipelines: listed, shown, drawn, made, replaced, removed; reelq videos rerun, cancel, delete."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from reelq.cli import pipeline_graph


def written(tmp_path, content) -> str:
    path = tmp_path / "steps.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_what_show_prints_add_takes(reelq, tmp_path):
    shown = reelq("pipelines", "show", "standard", "--json").out
    assert reelq("pipelines", "add", "standard", written(tmp_path, shown)).out.split() == ["standard", "unchanged"]
    changed = json.loads(shown)
    next(step for step in changed["steps"] if step["step"] == "ladder")["job_data"] = {"crf": 21}
    assert reelq("pipelines", "add", "fine", written(tmp_path, changed)).out.split() == ["fine", "made"]
    assert reelq("pipelines", "add", "fine", written(tmp_path, changed["steps"]), "--description", "Fine.").out.split() == ["fine", "replaced"]
    assert [row["name"] for row in reelq("pipelines", "list", "--json").rows] == ["fine", "standard"]
    text = reelq("pipelines", "show", "fine").out
    assert "Fine." in text and '{"crf": 21}' in text and "ladder.renditions" in text
    (crf,) = [line for line in text.splitlines() if line.startswith("ladder.crf")]
    assert " 21 " in crf
    assert reelq("pipelines", "remove", "fine").out.split() == ["fine", "removed"]
    gone = reelq("pipelines", "show", "fine")
    assert (gone.code, gone.err) == (2, "reelq: no pipeline 'fine'\nhint: Known: standard\n")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("x", "FILE must be a file of JSON (Expecting value"),
        ("[NaN]", "FILE must be a file of JSON (JSON has no NaN)"),
        ("{}", 'FILE must be a JSON list of steps, or an object with "steps"'),
        ([{"step": "a", "job_type": "no_op", "after": ["b"]}], "step 'a' waits for 'b', and pipeline mine has no such step"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(reelq, tmp_path, content, told):
    done = reelq("pipelines", "add", "mine", written(tmp_path, content))
    assert done.code == 2 and told in done.err and len(done.err.splitlines()) == 2


def test_a_graph_is_drawn_as_a_tree_and_for_programs(reelq):
    assert reelq("pipelines", "graph", "standard").out.splitlines() == [
        "download        download_video",
        "└─ probe        extract_metadata",
        "   ├─ ladder    video_transcode",
        "   └─ poster    generate_thumbnail",
        "      └─ ready  finish_video        waits for poster, ladder",
    ]
    assert '    "probe" -> "ladder";' in reelq("pipelines", "graph", "standard", "--format", "dot").out
    assert "    s2 --> s3" in reelq("pipelines", "graph", "standard", "--format", "mermaid").out
    row = reelq("pipelines", "graph", "standard", "--format", "json").row
    assert {"from": "probe", "to": "ladder", "on_parent_failure": "fail"} in row["edges"] and len(row["nodes"]) == 5


def test_a_step_that_lets_a_failure_pass_says_so():
    step = {"step": "tell", "job_type": "no_op", "after": ["a"], "on_parent_failure": "run"}
    steps = [{"step": "a", "job_type": "no_op", "after": [], "on_parent_failure": "fail"}, step]
    assert pipeline_graph.tree("x", steps)[1] == "└─ tell  no_op  runs even if one fails"
    assert pipeline_graph.dot("x", steps)[-2] == '    "a" -> "tell" [style=dashed, label="run"];'
    assert pipeline_graph.mermaid("x", steps)[-1] == "    s1 -. run .-> s2"


def test_a_video_is_run_again_once_nothing_is_at_work(reelq, clip):
    video = reelq("ingest", clip, "--json").row["video_id"]
    refused = reelq("videos", "rerun", video)
    assert refused.code == 1 and "must not be at work to be run again: download queued" in refused.err and "--force" in refused.err
    assert [row["step"] for row in reelq("videos", "rerun", video, "--force", "--json").rows] == ["download", "probe", "ladder", "poster", "ready"]
    assert {row["status"] for row in reelq("videos", "cancel", video, "--json").rows} == {"cancelled"}
    assert "Nothing is at work" in reelq("videos", "cancel", video).err
    assert "no step 'crf'" in reelq("videos", "rerun", video, "--option", "crf.x=1").err
    assert reelq("videos", "rerun", video, "--option", "ladder.crf=21").code == 0
    assert f"no video {(unknown := uuid4())}" in reelq("videos", "rerun", unknown).err


def test_one_refusal_does_not_keep_the_others_from_it(reelq, clip):
    videos = [reelq("ingest", clip, "--json").row["video_id"] for _ in range(2)]
    done = reelq("videos", "delete", videos[0], uuid4(), videos[1], "--yes", "--json")
    assert done.code == 2 and [row["video_id"] for row in done.rows] == videos and done.rows[0]["jobs"] == 5
    assert reelq("videos", "list").err == "No such videos.\n"


def test_a_delete_asks_and_without_a_terminal_wants_yes(reelq, clip, monkeypatch):
    video = reelq("ingest", clip, "--json").row["video_id"]
    assert "--yes must be given" in reelq("videos", "delete", video, "--hard").err
    monkeypatch.setattr("reelq.cli.terminal.output.can_ask", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_args, **_more: False)
    kept = reelq("videos", "delete", video, "--hard")
    assert kept.code == 1 and "clip.mp4" in kept.err and "nothing was deleted" in kept.err
    monkeypatch.setattr("click.confirm", lambda *_args, **_more: True)
    assert reelq("videos", "delete", video, "--hard").code == 0


def test_for_a_tenant_what_is_anothers_is_not_there(reelq, clip):
    reelq("tenants", "create", "acme")
    video = reelq("ingest", clip, "--json").row["video_id"]
    for command in (["rerun", video], ["cancel", video], ["delete", video, "--yes"]):
        done = reelq("videos", *command, "--tenant", "acme")
        assert (done.code, f"no video {video}" in done.err) == (2, True)
    assert "no tenant 'nope'" in reelq("videos", "cancel", video, "--tenant", "nope").err
    assert reelq("videos", "cancel", video, "--tenant", "default").code == 0


def test_lists_for_a_tenant_have_nothing_of_others(reelq, clip):
    reelq("tenants", "create", "acme")
    reelq("schedules", "add", "theirs", "@daily", "--job", "no_op", "--tenant", "acme")
    reelq("schedules", "add", "ours", "@daily", "--job", "no_op")
    assert [row["name"] for row in reelq("schedules", "list", "--tenant", "acme", "--json").rows] == ["theirs"]
    assert len(reelq("schedules", "list", "--json").rows) == 2
    job = reelq("jobs", "enqueue", "no_op", "--tenant", "acme", "--json").row["job_id"]
    tenant = reelq("jobs", "show", job, "--json").row["tenant_id"]
    assert tenant in {row["id"] for row in reelq("tenants", "list", "--json").rows if row["slug"] == "acme"}
    for key in ("tenant:acme", "tenant:default"):
        reelq("queue", "set-limit", key, 3)
    assert [row["name"] for row in reelq("queue", "limits", "--tenant", "acme", "--json").rows] == ["tenant:acme"]
    reelq("queue", "pause", "tenant", "default", "--reason", "late")
    assert reelq("queue", "pauses", "--tenant", "acme", "--json").rows == []
    assert reelq("queue", "history", "--tenant", "acme", "--json").rows == []
    video = reelq("ingest", clip, "--json").row["video_id"]
    assert "no video" in reelq("videos", "show", video, "--tenant", "acme").err
    assert reelq("videos", "show", video, "--tenant", "default").code == 0
