"""The log tells of the repository of the working folder, and git starts no program for that."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from izhi import cli
from izhi.study import git, log, provenance

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")

SETUP = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false",
         "-c", "protocol.file.allow=always"]  # fmt: skip


def call(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *SETUP, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, **texts: str) -> str:
    """Make a repository, or a commit in one, of files; return the commit."""
    folder.mkdir(exist_ok=True)
    call(folder, "init", "-q")
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text)
    call(folder, "add", ".")
    call(folder, "commit", "-qm", "x")
    return call(folder, "rev-parse", "HEAD")


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a working folder with a commit of a.txt, and a folder for a study beside it."""
    folder = tmp_path / "mine"
    commit(folder, a="one\n")
    (tmp_path / "study").mkdir()
    monkeypatch.chdir(folder)
    return folder


def told(mine: Path) -> dict[str, Any]:
    state: dict[str, Any] = provenance.repositories(mine.parent / "study")["working_folder"]
    return state


def remarks(state: dict[str, Any]) -> list[str]:
    return provenance.remarks({"working_folder": state})


# ---------------------------------------------------------------- programs


def settings_of(folder: Path, evil: str) -> None:
    for key in ("core.fsmonitor", "core.pager", "core.editor", "core.askPass", "core.sshCommand",
                "core.gitProxy", "core.alternateRefsCommand", "credential.helper", "diff.external",
                "diff.evil.command", "diff.evil.textconv", "gpg.program", "pager.status",
                "pager.diff", "sequence.editor", "uploadpack.packObjectsHook"):  # fmt: skip
        call(folder, "config", key, evil)
    for command in ("status", "diff", "config", "rev-parse"):
        call(folder, "config", f"alias.{command}", f"!{evil}")
    (folder / ".gitattributes").write_text("*.txt diff=evil\n")


def a_filter(key: str, name: str = "x") -> Callable[[Path, str], None]:
    def set_up(folder: Path, evil: str) -> None:
        call(folder, "config", f"filter.{name}.{key}", evil)
        call(folder, "config", f"filter.{name}.required", "true")
        (folder / ".gitattributes").write_text(f"*.txt filter={name}\n")

    return set_up


def an_included_filter(folder: Path, evil: str) -> None:
    (folder / "more").write_text(f'[filter "x"]\n\tclean = {evil}\n')
    call(folder, "config", "include.path", "../more")
    (folder / ".gitattributes").write_text("*.txt filter=x\n")


def a_filter_of_the_worktree(folder: Path, evil: str) -> None:
    call(folder, "config", "extensions.worktreeConfig", "true")
    call(folder, "config", "--worktree", "filter.x.clean", evil)
    (folder / ".git" / "info" / "attributes").write_text("*.txt filter=x\n")


def a_filter_of_a_submodule(folder: Path, evil: str) -> None:
    inner, deep = folder.parent / "inner", folder.parent / "deep"
    commit(deep, c="three\n")
    commit(inner, b="two\n")
    call(inner, "submodule", "add", "-q", str(deep), "deep")
    commit(inner)
    call(folder, "submodule", "add", "-q", str(inner), "inner")
    call(folder, "submodule", "update", "-q", "--init", "--recursive")
    commit(folder)
    for place in (folder / "inner", folder / "inner" / "deep"):
        call(place, "config", "filter.x.clean", evil)
        call(place, "config", "core.fsmonitor", evil)
        (place / ".gitattributes").write_text("*.txt filter=x\n")
        for file in place.glob("*.txt"):
            file.write_text("six\n" if file.name == "b.txt" else "seven\n")


def hooks(folder: Path, evil: str) -> None:
    for name in ("post-index-change", "fsmonitor-watchman", "reference-transaction", "pre-auto-gc"):
        (folder / ".git" / "hooks" / name).write_text(f"#!/bin/sh\n{evil}\n")
        (folder / ".git" / "hooks" / name).chmod(0o755)
    call(folder, "update-index", "--refresh", "-q")


@pytest.mark.parametrize(
    "set_up",
    [settings_of, a_filter("clean"), a_filter("process"), a_filter("clean", "a.b c\"d"),
     an_included_filter, a_filter_of_the_worktree, a_filter_of_a_submodule, hooks],
)  # fmt: skip
def test_git_starts_no_program_that_a_repository_names(set_up, mine, tmp_path) -> None:
    canary = tmp_path / "canary"
    set_up(mine, f"touch {canary};")
    canary.unlink(missing_ok=True)  # of the preparations
    (mine / "a.txt").write_text("two\n")
    assert told(mine)["state"] in ("changed", "unknown")
    assert not canary.exists()


def test_a_filter_that_cannot_be_turned_off_is_not_run(mine, tmp_path) -> None:
    """``git -c filter.x=y.clean=`` would set ``filter.x``."""
    canary = tmp_path / "canary"
    a_filter("clean", "x=y")(mine, f"touch {canary};")
    (mine / "a.txt").write_text("two\n")
    state = told(mine)
    assert (state["state"], state["reason"]) == ("unknown", "filter.x=y cannot be turned off")
    assert not canary.exists()


@pytest.mark.parametrize(
    "settings",
    [{"remote.origin.uploadpack": "touch {canary}; git-upload-pack"},
     {"remote.origin.url": "ext::touch {canary}"},
     {"remote.origin.url": "me@host:/x", "core.sshCommand": "touch {canary};"}],
    ids=["uploadpack", "ext", "ssh"],
)  # fmt: skip
def test_what_a_partial_clone_lacks_is_not_fetched(settings, mine, tmp_path, monkeypatch) -> None:
    call(mine, "config", "uploadpack.allowFilter", "true")
    clone, canary = tmp_path / "clone", tmp_path / "canary"
    call(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{mine}", "clone")
    call(clone, "read-tree", "HEAD")  # of a file whose contents are not there
    (clone / "a.txt").write_text("two\n")
    call(clone, "config", "protocol.ext.allow", "always")
    for key, value in settings.items():
        call(clone, "config", key, value.format(canary=canary))
    monkeypatch.chdir(clone)
    state = told(clone)
    assert state["state"] in ("changed", "unknown") and state["reason"]
    assert not canary.exists()


# ---------------------------------------------------------------- filters that are off


@pytest.fixture
def behind_filter(mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a repository where a.txt passes through a filter of the user's, as those of git-lfs."""
    (tmp_path / "config").write_text('[filter "upper"]\n\tclean = tr a-z A-Z\n\trequired = true\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    (mine / ".gitattributes").write_text("a.txt filter=upper\n")
    commit(mine, b="two\n")
    os.utime(mine / "a.txt", (1e9, 1e9))
    return mine


REASON = "the filter that git has for a.txt is a program, which is not run"


def test_a_file_that_only_a_filter_can_compare_is_not_known(behind_filter) -> None:
    state = told(behind_filter)  # ONE is in the commit, and one in the folder
    assert (state["state"], state["reason"]) == ("unknown", REASON)
    assert remarks(state) == [f"git repository of working folder: its state is unknown: {REASON}"]
    (behind_filter / "b.txt").write_text("three\n")
    state = told(behind_filter)
    assert (state["state"], state["reason"]) == ("changed", REASON) and "diff" in state


def test_a_filter_of_no_changed_file_does_not_matter(behind_filter) -> None:
    call(behind_filter, "update-index", "--refresh")
    assert told(behind_filter)["state"] == "clean"
    (behind_filter / "b.txt").write_text("three\n")
    state = told(behind_filter)
    assert state["state"] == "changed" and "diff" in state and "reason" not in state


# ---------------------------------------------------------------- which repository


@pytest.mark.parametrize(
    "names",
    [["GIT_DIR"], ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"], ["GIT_WORK_TREE"],
     ["GIT_INDEX_FILE"], ["GIT_COMMON_DIR"], ["GIT_OBJECT_DIRECTORY"], ["GIT_CONFIG_PARAMETERS"]],
    ids="+".join,
)  # fmt: skip
def test_variables_of_a_hook_lead_to_no_other_repository(
    names, mine, tmp_path, monkeypatch
) -> None:
    other = tmp_path / "other"
    commit(other, a="two\n")
    expected = call(mine, "rev-parse", "HEAD")
    (mine / "a.txt").write_text("two\n")
    values = {
        "GIT_DIR": other / ".git", "GIT_WORK_TREE": other, "GIT_INDEX_FILE": other / ".git/index",
        "GIT_COMMON_DIR": other / ".git", "GIT_OBJECT_DIRECTORY": other / ".git/objects",
        "GIT_CONFIG_PARAMETERS": f"'core.worktree'='{other}'",
    }  # fmt: skip
    for name in names:
        monkeypatch.setenv(name, str(values[name]))
    state = told(mine)
    assert (state["commit"], state["state"], state["changed"]) == (expected, "changed", ["a.txt"])


def test_all_local_variables_of_git_are_left_out(monkeypatch) -> None:
    names = call(Path.cwd(), "rev-parse", "--local-env-vars").split()
    for name in names:
        monkeypatch.setenv(name, "/nowhere")
    environment = git._environment()
    assert {name: environment[name] for name in names if name in environment} == {
        "GIT_NO_REPLACE_OBJECTS": "1"
    }


def test_a_work_tree_elsewhere_is_not_looked_into(mine, tmp_path) -> None:
    """What is in its files would be in the diff, and so in the study."""
    (tmp_path / "a.txt").write_text("a secret\n")
    call(mine, "config", "core.worktree", str(tmp_path))
    state = told(mine)
    elsewhere = f"its files are in {tmp_path}: "
    assert (state["commit"], state["state"]) == (None, "unknown")
    assert state["reason"].startswith(f"{elsewhere}git rev-parse: fatal: not a git repository")
    commit(tmp_path, a="a secret\n")  # a repository, too
    reason = f"{elsewhere}another repository"
    assert told(mine) == {"commit": None, "state": "unknown", "reason": reason}


def test_a_worktree_and_a_submodule_are_repositories(mine, tmp_path, monkeypatch) -> None:
    call(mine, "worktree", "add", "-q", str(tmp_path / "tree"))
    inner = commit(tmp_path / "inner", a="one\n")
    call(mine, "submodule", "add", "-q", str(tmp_path / "inner"), "inner")
    for folder in (tmp_path / "tree", mine / "inner"):
        monkeypatch.chdir(folder)
        assert told(mine)["state"] == "clean"
    assert told(mine)["commit"] == inner


# ---------------------------------------------------------------- what git does not say


SLOW = '#!/bin/sh\ncase "$*" in *" --verify "*) exec sleep 9;; esac\nexec {git} "$@"\n'


def test_a_commit_that_git_does_not_say_in_time_is_unknown(mine, tmp_path, monkeypatch) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(SLOW.format(git=shutil.which("git")))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setattr(git, "PATIENCE", 0.7)
    reason = "git rev-parse did not answer within 0.7 s"
    state = told(mine)
    assert state == {"commit": None, "state": "clean", "commit_reason": reason}
    unknown = f"git repository of working folder: its commit is unknown: {reason}"
    assert remarks(state) == [unknown]
    (mine / "a.txt").write_text("two\n")
    state = told(mine)
    assert state["state"] == "changed" and "diff" in state
    assert remarks(state) == [unknown]


def test_a_repository_without_a_commit_says_so(mine) -> None:
    shutil.rmtree(mine / ".git")
    (mine / "a.txt").unlink()
    call(mine, "init", "-q")
    assert told(mine) == {"commit": None, "state": "clean"}
    (mine / "a.txt").write_text("one\n")
    state = told(mine)
    assert (state["commit"], state["state"]) == (None, "changed")
    assert remarks(state) == ["git repository of working folder: its changes are not kept in full: "
                              "there is no commit"]  # fmt: skip


# ---------------------------------------------------------------- settings that hide changes


def test_new_files_are_changes_whatever_a_config_says(mine) -> None:
    call(mine, "config", "status.showUntrackedFiles", "no")
    assert told(mine)["state"] == "clean"
    (mine / "new.txt").write_text("new\n")
    state = told(mine)
    assert (state["state"], state["changed"]) == ("changed", ["new.txt"])


@pytest.mark.parametrize("key", ["diff.ignoreSubmodules", "submodule.inner.ignore"])
def test_so_are_those_of_submodules(key, mine, tmp_path) -> None:
    commit(tmp_path / "inner", b="two\n")
    call(mine, "submodule", "add", "-q", str(tmp_path / "inner"), "inner")
    commit(mine)
    call(mine, "config", key, "all")
    (mine / "inner" / "b.txt").write_text("three\n")
    assert told(mine)["changed"] == ["inner"]


def test_a_diff_can_be_applied_whatever_a_config_says(mine, tmp_path) -> None:
    text = "".join(f"{number}\n" for number in range(20))
    (mine / "sub").mkdir()
    commit(mine, a=text)
    for key, value in {"color.ui": "always", "color.diff": "always", "diff.noprefix": "true",
                       "diff.mnemonicPrefix": "true", "diff.relative": "true",
                       "diff.context": "0"}.items():  # fmt: skip
        call(mine, "config", key, value)
    (mine / "a.txt").write_text(text.replace("7\n", "seven\n"))
    diff = tmp_path / "study" / told(mine)["diff"]
    call(mine, "checkout", "-q", ".")
    call(mine, "apply", str(diff))
    assert (mine / "a.txt").read_text() == text.replace("7\n", "seven\n")


def test_names_that_are_not_utf8_are_in_the_log_as_escapes(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call(mine, "config", "core.quotePath", "false")
    (mine / "a.txt").write_text("two\n")
    name, folder = os.fsdecode(b"n\xff.txt"), os.fsdecode(b"conf\xff")
    (mine / name).write_text("new\n")
    (mine / folder).mkdir()
    arguments = ["circuit=single", "run.engine=numpy", "run.n_jobs=1", "study.name=s",
                 "simulation.duration='40 ms'"]  # fmt: skip
    assert cli.main(["run", *arguments, "--config-dir", folder]) == 0
    events = log.read(mine / "studies" / "s" / "log.jsonl")
    (planned,) = [event for event in events if event["event"] == "planned"]
    assert name in planned["environment"]["repositories"]["working_folder"]["changed"]
    assert folder in events[0]["command"]
    assert (mine / "studies" / "s" / "log.jsonl").read_bytes().decode()
    for command in (["verify"], ["show"], ["export", "--to", "crate"], ["export", "--to", "csv"],
                    ["export", "--to", "netcdf"]):  # fmt: skip
        assert cli.main([command[0], "studies/s", *command[1:]]) == 0, command
    capsys.readouterr()
    for wrong, said in ((f"study.name=x{name}", "an override is text in UTF-8"),
                        (f"study.dir={folder}", "an override is text in UTF-8")):  # fmt: skip
        assert cli.main(["run", *arguments, wrong]) == 2
        assert said in capsys.readouterr().err
    monkeypatch.chdir(mine / folder)
    assert cli.main(["run", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: study.dir: a folder is expected whose name is UTF-8, not ")
    assert not list((mine / folder).iterdir())


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_at_which_git_does_not_look_makes_the_state_unknown(mine, flag) -> None:
    call(mine, "update-index", flag, "a.txt")
    (mine / "a.txt").write_text("two\n")
    state = told(mine)
    assert state["state"] == "unknown"
    assert state["reason"] == "git is told to take a.txt for unchanged"
    assert remarks(state)


def with_submodule(mine: Path) -> Path:
    """Commit a submodule with a submodule; return the inner one's folder."""
    commit(mine.parent / "deep", c="three\n")
    commit(mine.parent / "inner", b="two\n")
    call(mine.parent / "inner", "submodule", "add", "-q", str(mine.parent / "deep"), "deep")
    commit(mine.parent / "inner")
    call(mine, "submodule", "add", "-q", str(mine.parent / "inner"), "inner")
    call(mine, "submodule", "update", "-q", "--init", "--recursive")
    commit(mine)
    assert told(mine)["state"] == "clean"
    return mine / "inner"


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
@pytest.mark.parametrize("file", ["inner/b.txt", "inner/deep/c.txt"])
def test_so_does_one_in_a_submodule(mine, flag, file) -> None:
    with_submodule(mine)
    call((mine / file).parent, "update-index", flag, Path(file).name)
    (mine / file).write_text("four\n")
    state = told(mine)
    assert state["state"] == "unknown"
    assert state["reason"] == f"git is told to take {file} for unchanged"


@pytest.mark.parametrize(
    ("file", "reason"),
    [("b.txt", "inner"), ("new.txt", "inner"), ("deep/c.txt", "inner/deep")],
)
def test_changes_of_a_submodule_that_are_not_kept_are_said_to_be(mine, file, reason) -> None:
    (with_submodule(mine) / file).write_text("four\n")
    (mine / "a.txt").write_text("two\n")
    state = told(mine)
    assert (state["state"], state["changed"]) == ("changed", ["a.txt", "inner"])
    assert "-one\n+two\n" in (mine.parent / "study" / state["diff"]).read_text()
    assert remarks(state) == [
        "git repository of working folder: its changes are not kept in full: git's diff does not "
        f"have what changed in the submodule {reason}"
    ]


def test_another_commit_of_a_submodule_is_kept(mine) -> None:
    new = commit(with_submodule(mine), b="four\n")
    state = told(mine)
    assert (state["state"], "reason" in state) == ("changed", False)
    assert f"+Subproject commit {new}\n" in (mine.parent / "study" / state["diff"]).read_text()


def test_a_commit_is_not_the_one_that_replaces_it(mine) -> None:
    first = call(mine, "rev-parse", "HEAD")
    second = commit(mine, a="two\n")
    call(mine, "reset", "-q", "--hard", first)
    call(mine, "replace", first, second)
    call(mine, "reset", "-q", "--hard", "HEAD")
    assert (mine / "a.txt").read_text() == "two\n"
    state = told(mine)
    assert (state["commit"], state["changed"]) == (first, ["a.txt"])
    assert "-one\n+two\n" in (mine.parent / "study" / state["diff"]).read_text()


def test_the_name_of_a_repository_may_end_in_a_newline(mine, monkeypatch) -> None:
    folder = mine.rename(mine.parent / "mine\n")
    monkeypatch.chdir(folder)
    assert told(folder) == {"commit": call(folder, "rev-parse", "HEAD"), "state": "clean"}


def test_a_name_with_a_line_separator_is_one_change(mine) -> None:
    call(mine, "config", "core.quotePath", "false")
    (mine / "a\u2028b.txt").write_text("new\n")
    assert told(mine)["changed"] == ["a\u2028b.txt"]
