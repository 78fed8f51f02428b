"""What git is asked, of repositories as people have them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild import git
from artifactbuild.git import place
from artifactbuild.problems import Refusal


def plain(*arguments: str, at: Path | None = None) -> str:
    """Run git as its user would."""
    known = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgSign=false"]
    command = ["git", *known, "-C", str(at or Path.cwd()), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(message: str = "more") -> str:
    plain("add", "-A")
    plain("commit", "--allow-empty", "-qm", message)
    return plain("rev-parse", "HEAD")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the user a configuration of their own."""
    config = tmp_path / "gitconfig"
    config.touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    return config


@pytest.fixture
def work(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a repository with one commit on `main` and one on `work`."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    plain("init", "-q", "-b", "main")
    (folder / "a.txt").write_text("one\n")
    (folder / "inner").mkdir()
    (folder / "inner" / "b.txt").write_text("b\n")
    commit()
    plain("switch", "-qc", "work")
    (folder / "a.txt").write_text("two\n")
    commit()
    return folder


def read(revision: str, *paths: str, at: Path | None = None) -> dict[str, bytes]:
    with git.opened(at or Path.cwd()) as repository:
        assert repository is not None
        found = git.commit(repository, revision)
        assert found is not None
        return git.contents(repository, found, paths)


def known(at: Path) -> tuple[str, ...]:
    with git.opened(at) as repository:
        assert repository is not None
        return tuple(sorted(git.known(repository, at)))


def written(revision: str, into: Path) -> dict[str, str]:
    """Extract a revision and return its files."""
    into.mkdir()
    with git.opened(Path.cwd()) as repository:
        assert repository is not None
        found = git.commit(repository, revision)
        assert found is not None
        git.extract(repository, found, into, into.parent / "index")
    files = (path for path in into.rglob("*") if path.is_file())
    return {path.relative_to(into).as_posix(): path.read_text() for path in files}


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as refusal:
        call()
    return str(refusal.value)


def test_files_of_commits(work: Path) -> None:
    assert read("main", "a.txt", "inner/b.txt", "none") == {
        "a.txt": b"one\n",
        "inner/b.txt": b"b\n",
    }
    assert read("HEAD", "a.txt", at=work / "inner") == {"a.txt": b"two\n"}
    assert read("HEAD~1", "a.txt", "inner") == {"a.txt": b"one\n"}


def test_files_of_the_same_content_are_both_there(work: Path) -> None:
    (work / "c.txt").write_text("two\n")
    commit()
    assert read("HEAD", "a.txt", "c.txt") == {"a.txt": b"two\n", "c.txt": b"two\n"}


def test_names_that_are_no_text(work: Path) -> None:
    name = os.fsdecode(b"\xff\n\t.txt")
    (work / name).write_text("odd")
    commit()
    assert read("HEAD", name) == {name: b"odd"}
    assert name in known(work)


@pytest.mark.parametrize("revision", ["main@{0}", "HEAD@{1}", "@{-1}", "main^0", "HEAD^{/more}"])
def test_revisions_by_the_log_and_by_search(work: Path, revision: str) -> None:
    assert read(revision, "a.txt")


@pytest.mark.parametrize(
    "revision",
    ["-h", "--all", "main\nwork", "main\0", "", "none", "HEAD:a.txt", "main..work", ":/more"],
)
def test_what_is_no_revision(work: Path, revision: str) -> None:
    with git.opened(work) as repository:
        assert repository is not None
        assert git.commit(repository, revision) is None


def test_upstream_is_found(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain("clone", "-q", str(work), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    (tmp_path / "clone" / "a.txt").write_text("three\n")
    commit()
    assert read("@{upstream}", "a.txt") == read("@{u}", "a.txt") == {"a.txt": b"two\n"}
    with git.opened(Path.cwd()) as repository:
        assert repository is not None
        assert git.fork(repository)[0] == "origin/work", "what the remote calls its main branch"


def test_linked_working_tree(work: Path, tmp_path: Path) -> None:
    plain("worktree", "add", "-q", str(tmp_path / "other"), "main")
    (tmp_path / "other" / "new.txt").touch()
    assert read("HEAD", "a.txt", at=tmp_path / "other") == {"a.txt": b"one\n"}
    assert known(tmp_path / "other") == ("a.txt", "inner/b.txt", "new.txt")


def test_submodule(work: Path, tmp_path: Path, home: Path) -> None:
    plain("clone", "-q", "--bare", str(work), str(tmp_path / "other"))
    plain(
        "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "other"), "s"
    )
    commit()
    assert read("HEAD", "a.txt", at=work / "s") == {"a.txt": b"two\n"}
    assert known(work / "s" / "inner") == ("b.txt",)


def test_clone_that_shares_its_objects(work: Path, tmp_path: Path) -> None:
    plain("clone", "-q", "--shared", str(work), str(tmp_path / "shared"))
    assert read("HEAD", "a.txt", at=tmp_path / "shared") == {"a.txt": b"two\n"}


def test_other_digests_than_sha1(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    plain("init", "-q", "-b", "main", "--object-format=sha256")
    Path("a.txt").write_text("one\n")
    assert len(commit()) == 64
    assert read("main", "a.txt") == {"a.txt": b"one\n"}
    assert written("HEAD", tmp_path / "into") == {"a.txt": "one\n"}


@pytest.mark.parametrize("kind", ["split", "sparse"])
def test_index_of_another_kind(work: Path, tmp_path: Path, kind: str) -> None:
    if kind == "split":
        plain("update-index", "--split-index")
    else:
        plain("sparse-checkout", "set", "--cone", "--sparse-index")
    (work / "a.txt").write_text("three\n")
    commit()
    assert known(work) == ("a.txt", "inner/b.txt")
    assert written("main", tmp_path / "into") == {"a.txt": "one\n", "inner/b.txt": "b\n"}


def test_files_that_git_would_add(work: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "ignored").write_text("user.txt\n")
    home.write_text(f"[core]\n\texcludesFile = {tmp_path / 'ignored'}\n")
    (work / ".git" / "info" / "exclude").write_text("local.txt\n")
    (work / ".gitignore").write_text("tree.txt\n")
    for name in ("user.txt", "local.txt", "tree.txt", "new.txt"):
        (work / name).touch()
    assert known(work) == (".gitignore", "a.txt", "inner/b.txt", "new.txt")


def test_nothing_of_the_repository_is_changed(work: Path, tmp_path: Path) -> None:
    def state() -> dict[str, tuple[int, int]]:
        found = (path for path in work.rglob("*") if path.is_file())
        return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in found}

    before = state()
    read("main", "a.txt")
    known(work)
    written("main", tmp_path / "into")
    assert state() == before


def test_no_repository(tmp_path: Path) -> None:
    with git.opened(tmp_path) as repository:
        assert repository is None


def test_git_is_not_installed(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(lambda: known(work)) == (
        f"{work}: is in a git checkout, and git is not installed\n"
        "    install git, and see to it that PATH names its folder by an absolute path"
    )
    with git.opened(tmp_path) as repository:
        assert repository is None


def test_file_that_leads_nowhere(work: Path) -> None:
    shutil.rmtree(work / ".git")
    (work / ".git").write_text("gitdir: ../gone\n")
    said = refused(lambda: known(work))
    assert said.startswith(f"{work}: git does not read this repository: not a git repository: ")


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give a folder away")
def test_repository_of_another_user(work: Path, home: Path) -> None:
    for path in (work, work / ".git"):
        os.chown(path, 12345, 12345)
    said = refused(lambda: read("HEAD", "a.txt"))
    assert said == (
        f"{work}: belongs to another user, so git does not read it\n"
        f"    if you trust it, run `git config --global --add safe.directory {work}`"
    )
    (command,) = re.findall("`(.*)`", said)
    subprocess.run(shlex.split(command), check=True)
    assert read("HEAD", "a.txt") == {"a.txt": b"two\n"}


def test_hook_of_git(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook gets GIT_DIR and GIT_INDEX_FILE as relative paths, and may go elsewhere."""
    (work / "new.txt").touch()
    shutil.copyfile(work / ".git" / "index", work / ".git" / "next")
    subprocess.run(["git", "rm", "-q", "--cached", "a.txt"], check=True)
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/next")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "/bin/false")
    assert "inner/b.txt" in known(work)
    assert known(work / "inner") == ("b.txt",)
    assert read("HEAD", "a.txt") == {"a.txt": b"two\n"}


def test_git_folder_that_is_named(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / ".git").rename(tmp_path / "dotfiles")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "dotfiles"))
    monkeypatch.setenv("GIT_WORK_TREE", str(work))
    assert read("HEAD", "a.txt") == {"a.txt": b"two\n"}
    assert known(work) == ("a.txt", "inner/b.txt")


def test_bare_repository_has_no_tree(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain("clone", "-q", "--bare", str(work), str(tmp_path / "bare"))
    said = refused(lambda: read("HEAD", "a.txt", at=tmp_path / "bare"))
    assert said.startswith(f"{tmp_path / 'bare'}: {place.BARE}\n")
    monkeypatch.setattr("artifactbuild.git.running.SETTINGS", ())  # as a git of before 2.38
    assert refused(lambda: read("HEAD", "a.txt", at=tmp_path / "bare")) == said


def test_commit_is_what_it_says(work: Path) -> None:
    plain("replace", "main", "work")
    assert plain("cat-file", "blob", "main:a.txt") == "two"
    assert read("main", "a.txt") == {"a.txt": b"one\n"}


@pytest.fixture
def partial(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a clone without file contents, of a repository that serves them."""
    plain("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    url = f"file://{work}"
    plain("clone", "-q", "--filter=blob:none", "--no-checkout", "--branch=work", url, str(clone))
    monkeypatch.chdir(clone)
    return clone


def repaired(said: str) -> str:
    """Run the fetch that a refusal names, and return it."""
    (command,) = re.findall("run `(git fetch .*)`", said)
    subprocess.run(shlex.split(command), check=True, capture_output=True)
    return command


def test_missing_objects_are_fetched_by_name(partial: Path) -> None:
    names = [plain("rev-parse", f"HEAD:{path}") for path in ("a.txt", "inner/b.txt")]
    said = refused(lambda: read("HEAD", "a.txt", "inner/b.txt"))
    assert said == (
        f"{partial}: objects are missing in this clone: a.txt, inner/b.txt\n"
        f"    run `git fetch origin {' '.join(names)}`"
    )
    repaired(said)
    assert read("HEAD", "a.txt", "inner/b.txt") == {"a.txt": b"two\n", "inner/b.txt": b"b\n"}


def test_extraction_is_repaired_by_a_fetch(partial: Path, tmp_path: Path) -> None:
    found = plain("rev-parse", "HEAD")
    said = refused(lambda: written("HEAD", tmp_path / "one"))
    assert said.startswith(f"{partial}: objects are missing in this clone: files of {found}\n")
    repaired(said)
    assert written("HEAD", tmp_path / "two") == {"a.txt": "two\n", "inner/b.txt": "b\n"}


def test_many_missing_objects_are_fetched_at_once(
    partial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artifactbuild.git.missing.FEW", 1)
    command = repaired(refused(lambda: written("HEAD", tmp_path / "one")))
    assert command == "git fetch --refetch --no-filter origin"
    assert written("HEAD", tmp_path / "two")["a.txt"] == "two\n"


def test_missing_folders_are_fetched(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain("config", "uploadpack.allowFilter", "true")
    url = f"file://{work}"
    plain("clone", "-q", "--filter=tree:0", "--no-checkout", url, str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    repaired(refused(lambda: read("HEAD", "a.txt")))
    assert read("HEAD", "a.txt") == {"a.txt": b"two\n"}


def test_missing_commit_is_fetched(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = plain("rev-parse", "main")
    plain("clone", "-q", "--depth=1", f"file://{work}", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    said = refused(lambda: read(older, "a.txt"))
    assert said.startswith(
        f"{tmp_path / 'clone'}: an object is missing in this clone: the commit {older!r}\n"
    )
    repaired(said)
    assert read(older, "a.txt") == {"a.txt": b"one\n"}


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://example.org/a.git", True),
        ("git@example.org:a.git", True),
        ("work:a.git", True),
        ("/srv/a.git", True),
        ("ext::sh -c x", False),
        ("ext::x", False),
        ("evil://x", False),
        ("ssh://-oProxyCommand=x", False),
        ("-oProxyCommand=x:y", False),
    ],
)
def test_fetch_is_named_for_an_ordinary_address_alone(
    work: Path, tmp_path: Path, url: str, good: bool
) -> None:
    name = plain("rev-parse", "HEAD:a.txt")
    (work / ".git" / "objects" / name[:2] / name[2:]).unlink()
    plain("config", "remote.origin.url", url)
    plain("config", "gc.auto", "0")
    plain("config", "http.https://example.org/.extraheader", "AUTHORIZATION: basic x")
    said = refused(lambda: read("HEAD", "a.txt"))
    assert (f"run `git fetch origin {name}`" in said) is good
    plain("config", "core.sshCommand", "evil")
    said = refused(lambda: read("HEAD", "a.txt"))
    doubt = "'core.sshcommand' of this clone's configuration may make git run a program: only if"
    assert (doubt in said) is good


def smudging(path: Path, word: str) -> str:
    """Write a filter that answers with a word."""
    path.write_text(f"#!/bin/sh\ncat > /dev/null\necho {word}\ntouch '{path}.ran'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_filter_of_the_user_runs(work: Path, home: Path, tmp_path: Path) -> None:
    (work / ".gitattributes").write_text("a.txt filter=lfs\n")
    commit()
    ours = smudging(tmp_path / "ours", "large")
    plain("config", "--file", str(home), "filter.lfs.smudge", ours)
    plain("config", "filter.lfs.smudge", smudging(tmp_path / "theirs", "hostile"))
    assert written("HEAD", tmp_path / "into")["a.txt"] == "large\n"
    assert (tmp_path / "ours.ran").exists()
    assert not (tmp_path / "theirs.ran").exists()


def test_large_file_that_is_not_stored_here(work: Path, home: Path, tmp_path: Path) -> None:
    (work / ".gitattributes").write_text("a.txt filter=lfs\n")
    found = commit()
    fails = smudging(tmp_path / "git-lfs", "large")
    Path(fails).write_text("#!/bin/sh\nexit 2\n")
    for key, value in (("smudge", fails), ("required", "true")):
        plain("config", "--file", str(home), f"filter.lfs.{key}", value)
    plain("remote", "add", "origin", "https://example.org/models.git")
    said = refused(lambda: written("HEAD", tmp_path / "into"))
    assert said.startswith(f"{work}: git could not write the files of {found}: ")
    assert said.endswith(f"\n    run `git lfs fetch origin {found}`")


@pytest.mark.parametrize("key", ["smudge", "process"])
@pytest.mark.parametrize("attributes", [".gitattributes", ".git/info/attributes"])
def test_filter_of_the_repository_is_refused(
    work: Path, home: Path, tmp_path: Path, key: str, attributes: str
) -> None:
    (work / attributes).write_text("a.txt filter=lfs\n")
    commit()
    plain("config", f"filter.lfs.{key}", smudging(tmp_path / "theirs", "hostile"))
    assert refused(lambda: written("HEAD", tmp_path / "one")) == (
        f"{work}: a.txt goes through the filter 'lfs', which only the configuration of this "
        "repository names: its programs are not run\n"
        "    name the filter in your own configuration, if you trust it (`git lfs install`)"
    )
    assert not (tmp_path / "theirs.ran").exists()
    plain("config", "--file", str(home), "filter.lfs.smudge", smudging(tmp_path / "ours", "large"))
    assert written("HEAD", tmp_path / "three")["a.txt"] == "large\n"


def test_hooks_and_fsmonitor_do_not_run(work: Path, home: Path, tmp_path: Path) -> None:
    run = smudging(tmp_path / "theirs", "hostile")
    for name in ("post-index-change", "post-checkout", "reference-transaction"):
        shutil.copy(run, work / ".git" / "hooks" / name)
    plain("config", "core.fsmonitor", run)
    for config in ("--local", "--global"):
        plain("config", config, "core.hooksPath", str(work / ".git" / "hooks"))
    (tmp_path / "theirs.ran").unlink(missing_ok=True)
    assert known(work) == ("a.txt", "inner/b.txt")
    assert written("HEAD", tmp_path / "into")["a.txt"] == "two\n"
    assert not (tmp_path / "theirs.ran").exists()
    plain("status")
    assert (tmp_path / "theirs.ran").exists(), "control: plain git runs them"


def test_git_that_does_not_end(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artifactbuild.git.running.PATIENCE", 0.5)
    os.mkfifo(work / "more")
    plain("config", "include.path", str(work / "more"))
    assert refused(lambda: known(work)) == (
        f"{work}: `git rev-parse` took more than 0.5 s, and was stopped"
    )
