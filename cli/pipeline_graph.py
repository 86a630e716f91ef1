"""A pipeline's graph as text, for Graphviz, for Mermaid, and as nodes and edges."""

from __future__ import annotations

from typing import Any

Step = dict[str, Any]
POLICIES = {"cancel": "is cancelled if one fails", "run": "runs even if one fails"}  # what is not the default


def tree(_name: str, steps: list[Step]) -> list[str]:
    """A line a step, each below the last one that it waits for; where it waits for several, the line names them.

    `steps` come each after those that it waits for.
    """
    order = {step["step"]: place for place, step in enumerate(steps)}
    below: dict[str | None, list[Step]] = {}
    for step in steps:
        last = max(step["after"], key=lambda parent: order[parent]) if step["after"] else None
        below.setdefault(last, []).append(step)
    drawn: list[tuple[str, Step]] = []

    def walk(parent: str | None, margin: str) -> None:
        children = below.get(parent, [])
        for step in children:
            is_last = step is children[-1]
            branch = "" if parent is None else "└─ " if is_last else "├─ "
            drawn.append((margin + branch + step["step"], step))
            walk(step["step"], margin if parent is None else margin + ("   " if is_last else "│  "))

    walk(None, "")
    width = max((len(shown) for shown, _ in drawn), default=0)
    types = max((len(step["job_type"]) for _, step in drawn), default=0)
    return [f"{shown:<{width}}  {step['job_type']:<{types}}  {'; '.join(remarks(step))}".rstrip() for shown, step in drawn]


def remarks(step: Step) -> list[str]:
    """What the place of a step does not say."""
    told = [f"waits for {', '.join(step['after'])}"] if len(step["after"]) > 1 else []
    if step["after"] and step["on_parent_failure"] in POLICIES:
        told.append(POLICIES[step["on_parent_failure"]])
    return told


def dot(name: str, steps: list[Step]) -> list[str]:
    """For Graphviz."""
    nodes = [f'    "{step["step"]}" [label="{step["step"]}\\n{step["job_type"]}"];' for step in steps]
    arrows = [f'    "{parent}" -> "{step["step"]}"{_dashed(step)};' for step in steps for parent in step["after"]]
    return [f'digraph "{name}" {{', "    rankdir=LR;", "    node [shape=box];", *nodes, *arrows, "}"]


def _dashed(step: Step) -> str:
    """An edge that lets a failure pass."""
    return f' [style=dashed, label="{step["on_parent_failure"]}"]' if step["on_parent_failure"] != "fail" else ""


def mermaid(_name: str, steps: list[Step]) -> list[str]:
    """For Mermaid. Steps are numbered, since some words mean something there."""
    number = {step["step"]: f"s{place}" for place, step in enumerate(steps, 1)}
    nodes = [f'    {number[step["step"]]}["{step["step"]}<br/>{step["job_type"]}"]' for step in steps]
    arrows = [
        f"    {number[parent]} {'-->' if step['on_parent_failure'] == 'fail' else '-. ' + step['on_parent_failure'] + ' .->'} {number[step['step']]}"
        for step in steps
        for parent in step["after"]
    ]
    return ["flowchart LR", *nodes, *arrows]


def edges(name: str, steps: list[Step]) -> dict[str, Any]:
    """As nodes and edges, for programs."""
    return {
        "pipeline": name,
        "nodes": [{"step": step["step"], "job_type": step["job_type"]} for step in steps],
        "edges": [
            {"from": parent, "to": step["step"], "on_parent_failure": step["on_parent_failure"]} for step in steps for parent in step["after"]
        ],
    }
