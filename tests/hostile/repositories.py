"""Hostile git repositories: what an unpacked archive, or a pull request, can lay out.

Each maker gets a project that is a repository with the branches `main` and `pr`, and arms it. Every
program that it names writes the marker. `diff` is then run in the project or in what is returned.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.hostile.ground import Ground

Make = Callable[[Ground], Path | None]

IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.org")
MANIFEST = "dense/model.artifact.yaml"


def git(folder: Path, *arguments: str) -> str:
    """Run plain git, as its user would."""
    command = ["git", *IDENTITY, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def repository(at: Ground) -> None:
    """Make the project a repository: `main` has a release, `pr` edits its source."""
    shutil.rmtree(at.project / "artifacts")
    git(at.project, "init", "-q", "-b", "main")
    git(at.project, "add", "-A")
    git(at.project, "commit", "-qm", "release")
    git(at.project, "switch", "-qc", "pr")
    with open(at.project / "dense" / "model.py", "a") as source:
        source.write("more = 1\n")
    git(at.project, "commit", "-qam", "edit")


def script(at: Ground, path: Path, then: str = "exec cat") -> str:
    """Write a program that writes the marker, and passes on what it is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {path.name} >> '{at.marker}'\n{then}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def lose(at: Ground, path: str = MANIFEST) -> None:
    """Take an object of `main` out of the repository."""
    name = git(at.project, "rev-parse", f"main:{path}")
    (at.project / ".git" / "objects" / name[:2] / name[2:]).unlink()


def promisor(at: Ground, config: Path) -> None:
    """Name a remote that runs a program when a missing object is read."""
    run = script(at, at.marker.parent / "fetch.sh", then="exit 1")
    with open(config, "a") as file:
        file.write(
            "[core]\n\trepositoryformatversion = 1\n"
            "[extensions]\n\tpartialClone = evil\n"
            f'[remote "evil"]\n\turl = ext::{run}\n'
            '\tpromisor = true\n[protocol "ext"]\n\tallow = always\n'
        )


def _config(at: Ground) -> Path:
    return at.project / ".git" / "config"


def lazy_fetch(at: Ground) -> None:
    promisor(at, _config(at))
    lose(at)


def lazy_fetch_from_another(at: Ground) -> None:
    """A remote that looks good stands next to the one that runs a program."""
    git(at.project, "remote", "add", "origin", "https://example.org/models.git")
    lazy_fetch(at)


def lazy_fetch_of_a_lock(at: Ground) -> None:
    promisor(at, _config(at))
    lose(at, "dense/model.artifact.lock")


def lazy_fetch_of_a_folder(at: Ground) -> None:
    promisor(at, _config(at))
    lose(at, "dense")


def lazy_fetch_of_a_commit(at: Ground) -> None:
    promisor(at, _config(at))
    name = git(at.project, "rev-parse", "main")
    (at.project / ".git" / "objects" / name[:2] / name[2:]).unlink()


def included(at: Ground) -> None:
    more = at.project / ".git" / "more"
    promisor(at, more)
    git(at.project, "config", "include.path", "more")
    lose(at)


def included_on_condition(at: Ground) -> None:
    more = at.project / "dense" / "gitconfig"
    promisor(at, more)
    git(at.project, "config", "includeIf.gitdir:**.path", str(more))
    lose(at)


def of_the_working_tree(at: Ground) -> None:
    git(at.project, "config", "extensions.worktreeConfig", "true")
    promisor(at, at.project / ".git" / "config.worktree")
    lose(at)


def file_that_names_a_folder(at: Ground) -> None:
    """`.git` is a file, as in a submodule, and leads to a folder among the sources."""
    (at.project / ".git").rename(at.project / "dense" / "data")
    (at.project / ".git").write_text("gitdir: dense/data\n")
    promisor(at, at.project / "dense" / "data" / "config")
    name = git(at.project, "rev-parse", f"main:{MANIFEST}")
    (at.project / "dense" / "data" / "objects" / name[:2] / name[2:]).unlink()


def bare(at: Ground, folder: Path) -> None:
    """Lay a bare repository out of files that a pull request can hold."""
    for name in ("objects", "refs/heads"):
        (folder / name).mkdir(parents=True)
    (folder / "objects" / ".keep").touch()
    (folder / "HEAD").write_text("ref: refs/heads/pr\n")
    for name in ("main", "pr"):
        (folder / "refs" / "heads" / name).write_text("1" * 40 + "\n")
    (folder / "config").write_text("[core]\n\tbare = false\n\tworktree = .\n")
    promisor(at, folder / "config")


def bare_in_a_folder(at: Ground) -> Path:
    bare(at, at.project / "dense")
    return at.project / "dense"


def bare_above_a_folder(at: Ground) -> Path:
    bare(at, at.project / "dense")
    (at.project / "dense" / "inner").mkdir()
    return at.project / "dense" / "inner"


def bare_at_the_top_of_an_archive(at: Ground) -> None:
    shutil.rmtree(at.project / ".git")
    bare(at, at.project)


def bare_beside_a_repository(at: Ground) -> None:
    """The real repository counts, at the top of a clone."""
    bare(at, at.project)


def programs(at: Ground) -> None:
    """Name a program under every key that is known to take one."""
    run = script(at, at.marker.parent / "program.sh")
    for key in (
        *("core.fsmonitor", "core.pager", "core.editor", "core.askPass", "core.sshCommand"),
        *("core.gitProxy", "core.alternateRefsCommand", "pager.cat-file", "pager.rev-parse"),
        *("diff.external", "diff.x.textconv", "diff.x.command", "merge.x.driver"),
        *("credential.helper", "gpg.program", "gpg.ssh.program", "sequence.editor"),
        *("filter.x.clean", "interactive.diffFilter", "uploadpack.packObjectsHook"),
        *("alias.rev-parse", "alias.cat-file", "trace2.eventTarget", "gc.recentObjectsHook"),
    ):
        git(at.project, "config", key, f"!{run}" if key.startswith("alias") else run)
    (at.project / ".git" / "info" / "attributes").write_text("* diff=x merge=x\n")


def hooks(at: Ground) -> None:
    """Every hook there is, where git looks for it and where the configuration says."""
    names = ("post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman")
    for name in (*names, "pre-commit", "post-merge", "pre-auto-gc", "sendemail-validate"):
        script(at, at.project / ".git" / "hooks" / name)
        script(at, at.project / "dense" / "hooks" / name)
    git(at.project, "config", "core.hooksPath", str(at.project / "dense" / "hooks"))


def filters(at: Ground) -> None:
    run = script(at, at.marker.parent / "filter.sh")
    git(at.project, "config", "filter.lfs.clean", "cat")
    git(at.project, "config", "filter.lfs.smudge", run)
    git(at.project, "config", "filter.lfs.required", "true")
    (at.project / ".gitattributes").write_text("*.py filter=lfs\n")
    git(at.project, "add", ".gitattributes")
    git(at.project, "commit", "-qm", "attributes")


def alternates(at: Ground) -> None:
    """Objects lie elsewhere, next to a configuration that names programs."""
    other = at.marker.parent / "other"
    git(at.project, "clone", "-q", "--bare", ".", str(other))
    promisor(at, other / "config")
    for folder in (at.project / ".git" / "objects").glob("??"):
        shutil.rmtree(folder)
    info = at.project / ".git" / "objects" / "info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text(f"{other / 'objects'}\n/dev/stdin\n../..\n")


def working_tree_elsewhere(at: Ground) -> None:
    """The configuration says that the working tree is a folder outside."""
    git(at.project, "config", "core.worktree", str(at.canary.parent))


def branch_is_an_option(at: Ground) -> None:
    """`main` is gone, and what the remote calls its main branch is an option of git."""
    git(at.project, "branch", "-qD", "main")
    name = f"--output={at.marker}"
    reference = at.project / ".git" / "refs" / "heads" / name
    reference.parent.mkdir(parents=True, exist_ok=True)
    reference.write_text(git(at.project, "rev-parse", "HEAD") + "\n")
    head = at.project / ".git" / "refs" / "remotes" / "origin" / "HEAD"
    head.parent.mkdir(parents=True)
    head.write_text(f"ref: refs/heads/{name}\n")


def configuration_is_broken(at: Ground) -> None:
    _config(at).write_text("[core\n")


def huge_manifest(at: Ground) -> None:
    git(at.project, "switch", "-q", "main")
    with open(at.manifest, "wb") as file:
        os.truncate(file.fileno(), 1 << 25)
    git(at.project, "commit", "-qam", "huge")
    git(at.project, "switch", "-q", "pr")


DIFF = ("diff",)
MAIN = ("diff", "main")
EXTRACT = ("reproduce", "--from", "pr")
"""Refused after the extraction at the latest: `pr` has other sources than its lock."""

CASES: Mapping[str, tuple[tuple[str, ...], Make]] = {
    "lazy_fetch": (MAIN, lazy_fetch),
    "lazy_fetch_from_another": (MAIN, lazy_fetch_from_another),
    "lazy_fetch_of_a_lock": (MAIN, lazy_fetch_of_a_lock),
    "lazy_fetch_of_a_folder": ((*DIFF, f"main:{MANIFEST}"), lazy_fetch_of_a_folder),
    "lazy_fetch_of_a_commit": (DIFF, lazy_fetch_of_a_commit),
    "included": (MAIN, included),
    "included_on_condition": (MAIN, included_on_condition),
    "of_the_working_tree": (MAIN, of_the_working_tree),
    "file_that_names_a_folder": (MAIN, file_that_names_a_folder),
    "bare_in_a_folder": (DIFF, bare_in_a_folder),
    "bare_above_a_folder": (MAIN, bare_above_a_folder),
    "bare_at_the_top_of_an_archive": (DIFF, bare_at_the_top_of_an_archive),
    "bare_beside_a_repository": (DIFF, bare_beside_a_repository),
    "programs": (DIFF, programs),
    "hooks": (DIFF, hooks),
    "hooks_when_extracted": (EXTRACT, hooks),
    "programs_when_extracted": (EXTRACT, programs),
    "lazy_fetch_when_extracted": (("reproduce", "--from", "main"), lazy_fetch),
    "filters": (EXTRACT, filters),
    "alternates": (DIFF, alternates),
    "working_tree_elsewhere": (DIFF, working_tree_elsewhere),
    "branch_is_an_option": (DIFF, branch_is_an_option),
    "newline": ((*DIFF, "main\n--output=x"), lambda at: None),
    "configuration_is_broken": (DIFF, configuration_is_broken),
    "huge_manifest": (MAIN, huge_manifest),
}

RUNS = (
    *("lazy_fetch", "lazy_fetch_of_a_lock", "lazy_fetch_of_a_folder", "lazy_fetch_of_a_commit"),
    "hooks_when_extracted",
    *("included", "included_on_condition", "of_the_working_tree", "file_that_names_a_folder"),
)
"""Cases in which git, asked for the same without our guards, writes the marker."""
