"""reelq completion: the scripts that let bash, zsh and fish complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from reelq.cli.app import Choice
from reelq.cli.terminal import output

WHERE = {
    "bash": "~/.local/share/bash-completion/completions/reelq",
    "zsh": "a file _reelq in a folder of $fpath",
    "fish": "~/.config/fish/completions/reelq.fish",
}


@click.command("completion")
@click.argument("shell", type=Choice(list(WHERE)))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    Keep it where the shell looks, or load it from the shell's start file. Beside commands and options it offers what the database
    knows: job types, pipelines, tenants, schedules, workers, hosts, pools, keys of limits, and the newest ids of jobs and videos. Nothing
    is offered when the database does not answer within two seconds.

    \b
    Examples:
      reelq completion bash > ~/.local/share/bash-completion/completions/reelq
      reelq completion zsh > "${fpath[1]}/_reelq"
      reelq completion fish > ~/.config/fish/completions/reelq.fish
      eval "$(reelq completion bash)"
    """
    script = get_completion_class(shell)
    if script is None:
        raise click.ClickException(f"this version of click knows no {shell}")
    output.raw(script(click.get_current_context().find_root().command, {}, "reelq", "_REELQ_COMPLETE").source())
    if output.on_terminal():
        output.say(f"# keep it in {WHERE[shell]}")
