"""izhi watch: what its page shows, whom it answers, how it ends."""

import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from izhi.report.watch import maps, server, state
from izhi.report.watch.progress import Progress
from izhi.study import log
from tests.browser import messages, open_page, requests

pytestmark = pytest.mark.pages

SWEEP = ["neuron=regular_spiking,chattering", "synapse.U_0=0.2,0.5,0.8",
         "stimulus.amplitude=6,8,10,14", "simulation.duration=100 ms", "stimulus.onset=0",
         "simulation.dt=0.5 ms", "run.engine=numpy", "run.n_jobs=1",
         "run.shard_points=4"]  # fmt: skip


@pytest.fixture(scope="module")
def study(run):
    """Give a finished study of 24 points in shards of 4."""
    return run(*SWEEP)


@pytest.fixture
def half(study, tmp_path):
    """Give a study's folder as it is after 3 shards, and the rest of its log."""
    return part(study.path, tmp_path / "half", 3)


def part(path, to, shards):
    shutil.copytree(path, to)
    lines = (path / "log.jsonl").read_text().splitlines(True)
    done = [n for n, line in enumerate(lines) if json.loads(line)["event"] == "shard_done"]
    (to / "log.jsonl").write_text("".join(lines[: done[shards - 1] + 1]))
    return to, lines[done[shards - 1] + 1 :]


def append(path, *lines):
    with open(path / "log.jsonl", "a") as file:
        file.write("".join(lines))


def event(what, **told):
    return json.dumps({"time": "2030-01-01T00:00:00+00:00", "event": what, **told}) + "\n"


def told(watched, **asked):
    """Return what a page is told once all that there is has been looked into."""
    while True:
        found = watched.told(asked)
        if not found["waiting"]:
            return found


@contextmanager
def served(path):
    with server.listening(state.Watched.of(path), 0) as here:
        thread = threading.Thread(target=here.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield here.server_port
        finally:
            here.shutdown()
            thread.join()


def ask(port, path="/", method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def izhi(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "izhi", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


# What is told


def test_a_map_has_the_means_of_the_dataset(study):
    watched = state.Watched.of(study.path)
    first = told(watched)
    assert (first["state"], first["done"], first["total"]) == ("done", 24, 24)
    assert first["maps"]["points"] == 24
    assert first["maps"]["unseen"] == 0
    assert first["maps"]["cells"] == ["pre0", "pre1", "post0"]
    dataset = study.dataset
    names = [s["name"] for s in first["maps"]["statistics"]]
    assert set(names) == {n for n, v in dataset.items() if set(v.dims) & {"cell", "projection"}}
    for name in names:
        values = dataset[name].isel({dataset[name].dims[-1]: 0}).values.astype(float)
        label = str(dataset[name][dataset[name].dims[-1]].values[0])
        if values.dtype.kind == "i":
            values = np.where(values < 0, np.nan, values)
        for at in range(4):
            shown = told(watched, statistic=name, label=label, x="0", y="1", at=f",,{at}")
            np.testing.assert_allclose(
                np.array(shown["maps"]["map"]["values"], float), values[:, :, at].T, rtol=1e-6
            )


def test_axes_that_are_not_shown_are_averaged_over(study):
    shown = told(state.Watched.of(study.path), statistic="firing_rate", label="pre0", x="2", y="0")
    mean = study.dataset.firing_rate.sel(cell="pre0").mean("U_0").values
    np.testing.assert_allclose(shown["maps"]["map"]["values"], mean, rtol=1e-6)
    assert np.ptp(mean) > 10  # Hz


def test_words_of_joined_places_are_the_most_frequent():
    found = maps.Maps((), ())
    regimes = np.array([[4], [2], [4], [-1]], np.int8)
    found.add(np.zeros(4, int), {"status": np.zeros(4), "regime": regimes}, ["a"], [])
    assert found.values(found.choice({})).tolist() == [[4.0]]


def test_a_million_points_are_few_places():
    assert maps.joined((7, 9, 11), 4096) == (1, 1, 1)
    shape = (7, 400, 357)
    per = maps.joined(shape, maps.PLACES)
    assert np.prod([-(-n // p) for n, p in zip(shape, per, strict=True)]) <= maps.PLACES
    axis = maps.Axis("k", "k", np.arange(1000.0), "mV", np.arange(1000.0))
    grid = maps.Maps.of((axis, axis))
    values = np.random.default_rng(1).normal(size=(1000, 1000))
    for some in np.array_split(np.arange(1_000_000), 7):
        rows = {"status": np.zeros(some.size), "firing_rate": values.ravel()[some][:, None]}
        grid.add(some, rows, ["a"], [])
    shown = grid.values(grid.choice({"x": "0", "y": "1"}))
    assert shown.shape == grid.shape == (63, 63)
    np.testing.assert_allclose(shown[3, 5], values[80:96, 48:64].mean())
    assert grid.blocks[0].labels(axis.labels)[:2] == [7.5, 23.5]  # their means


def test_a_running_study_is_followed_and_each_shard_is_looked_at_once(half, monkeypatch):
    path, rest = half
    looked = []
    sha256 = state.folders.sha256
    monkeypatch.setattr(
        state.folders, "sha256", lambda path: looked.append(path.name) or sha256(path)
    )
    watched = state.Watched.of(path)
    with log.writing(path / "log.jsonl"):
        before = told(watched)
        append(path, rest[0][:-20])  # a line that is being written
        assert told(watched)["done"] == 12
        append(path, rest[0][-20:])
        assert told(watched)["done"] == 16
    assert (before["state"], before["done"], before["total"]) == ("running", 12, 24)
    assert before["rate"] > 0
    assert before["left"] == pytest.approx(12 / before["rate"])
    assert f"process {os.getpid()}" in before["who"]
    assert sum(v is not None for row in before["maps"]["map"]["values"] for v in row) == 4
    assert watched.state() == "killed"
    append(path, *rest[1:])
    after = told(watched)
    assert (after["state"], after["done"], after["maps"]["points"]) == ("done", 24, 24)
    assert sorted(looked) == sorted(p.name for p in (path / "shards").iterdir())


def test_a_study_that_is_begun_anew_is_followed_from_its_beginning(study, half):
    path, _ = half
    watched = state.Watched.of(path)
    mark = told(watched)["maps"]["map"]["mark"]
    shutil.rmtree(path)
    part(study.path, path, 2)
    found = told(watched, seen=mark)
    assert (found["done"], found["maps"]["points"]) == (8, 8)
    assert found["maps"]["map"] is not None


def test_a_map_that_is_shown_is_not_sent_again(half):
    watched = state.Watched.of(half[0])
    mark = told(watched)["maps"]["map"]["mark"]
    assert told(watched, seen=mark)["maps"]["map"] is None
    assert told(watched, seen=mark, statistic="spike_count")["maps"]["map"] is not None
    append(half[0], half[1][0])
    assert told(watched, seen=mark)["maps"]["map"] is not None


def test_shards_that_are_not_whole_are_left_out(half):
    path, _ = half
    shard = next(
        p for p in (path / "shards").iterdir() if p.name in (path / "log.jsonl").read_text()
    )
    shard.write_bytes(shard.read_bytes()[:-100])
    found = told(state.Watched.of(path))["maps"]
    assert (found["points"], found["unseen"]) == (8, 4)


def test_failures_and_what_was_asked_for_anew(half):
    path, _ = half
    watched = state.Watched.of(path)
    assert told(watched)["failed"] == 0
    append(path, event("shard_failed", shard="x.nc", points=4, reason="first"),
           event("point_failed", point=23, reason="second"),
           event("point_failed", point=22, reason="third"))  # fmt: skip
    found = told(watched, x="2", y="0")
    assert (found["failed"], found["error"]) == (2, "first")
    assert found["maps"]["map"]["failed"] == [(2, 1), (3, 1)]
    planned = next(line for line in (path / "log.jsonl").read_text().splitlines(True)
                   if json.loads(line)["event"] == "planned")  # fmt: skip
    append(path, event("started", pid=1, host="elsewhere"),
           event("damaged", shard=next(iter(watched.progress.stored)), reason="it is not there"),
           planned.replace('"planned"', '"resumed"'))  # fmt: skip
    found = told(watched, x="2", y="0")
    assert (found["failed"], found["error"], found["done"], found["maps"]["points"]) == (
        0,
        "",
        8,
        8,
    )
    assert found["maps"]["map"]["failed"] == []
    assert "elsewhere" in found["who"]
    append(path, event("stopped", reason="the disk is full"))
    assert (told(watched)["state"], told(watched)["reason"]) == ("stopped", "the disk is full")


def test_the_rate_is_that_of_the_last_while():
    progress = Progress()
    at = "2030-01-01T00:{:02}:{:02}+00:00".format
    progress.add({"event": "started", "time": at(0, 0)})
    progress.add({"event": "planned", "time": at(0, 0), "points": 10_000})
    for second in range(1, 600):
        progress.add({"event": "shard_done", "time": at(*divmod(second, 60)), "shard": str(second),
                      "points": 1 if second < 500 else 20})  # fmt: skip
    assert progress.rate == pytest.approx(20)
    assert progress.left == pytest.approx((10_000 - progress.done) / 20)
    progress.add({"event": "gathered", "time": at(10, 0)})
    assert progress.rate == pytest.approx(progress.done / 600)
    assert progress.left is None


# Whom the server answers


def test_other_methods_hosts_and_addresses_are_refused(half):
    with served(half[0]) as port:
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"):
            status, headers, _ = ask(port, method=method)
            assert (status, headers["Allow"]) == (405, "GET, HEAD")
        for host in (
            "example.org",
            f"example.org:{port}",
            "localhost.example.org",
            "",
            "127.0.0.2",
        ):
            assert ask(port, "/state", Host=host)[0] == 403
        for host in (f"localhost:{port}", f"127.0.0.1:{port}", "localhost:9"):  # ssh -L 9:...
            assert ask(port, "/state", Host=host)[0] == 200
        for path in ("/../log.jsonl", "/%2e%2e/log.jsonl", "/log.jsonl", "//etc/passwd", "/state/",
                     "/watch.py", "/../watch.html", "/study.yaml"):  # fmt: skip
            assert ask(port, path)[0] == 404
        status, headers, content = ask(port, "/state", "HEAD")
        assert (status, content) == (200, b"")
        assert int(headers["Content-Length"]) > 100


def raw(port, request):
    """Send bytes, and that there are no more; return all that is answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        with suppress(OSError):  # refused before all of it was read
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        parts = []
        with suppress(ConnectionError):
            while part := connection.recv(65536):
                parts.append(part)
    return b"".join(parts)


HOST = b"\r\nHost: localhost\r\n\r\n"

MALFORMED = {
    b"GET http://[::1 HTTP/1.1" + HOST: 400, b"GET http://[::1/state HTTP/1.0" + HOST: 400,
    b"GET //[::1 HTTP/1.1" + HOST: 404, b"GET http://a]b/ HTTP/1.1" + HOST: 400,
    b"GET http://[zz]/ HTTP/1.1" + HOST: 400, b"GET http://\xe2\x84\x80/ HTTP/1.1" + HOST: 403,
    b"GET http://evil/ HTTP/1.1" + HOST: 403, b"GET http://localhost/ HTTP/1.1" + HOST: 200,
    b"GET http://127.0.0.1:99999999/ HTTP/1.1" + HOST: 200, b"GET * HTTP/1.1" + HOST: 404,
    b"GET HTTP/1.1" + HOST: 404, b"GET" + HOST: 400, b"\r\n\r\n": None, b"": None, b"GET": 400,
    b"GET / HTTP/9.9" + HOST: 505, b"GET / HTTP/1.x" + HOST: 400, b"GET / HTTP/-1.1" + HOST: 400,
    b"GET / HTTPS/1.1" + HOST: 400, b"GET / a b HTTP/1.1" + HOST: 400,
    b"GET / HTTP/1.1.1" + HOST: 400, b"GET / HTTP/" + b"1" * 5000 + b".1" + HOST: 400,
    b"GET /\0 HTTP/1.1" + HOST: 404, b"GET /%00%ff%zz HTTP/1.1" + HOST: 404,
    b"GET /%2e%2e/log.jsonl HTTP/1.1" + HOST: 404, b"GET /\xff\xfe HTTP/1.1" + HOST: 404,
    b"GET /?%zz=%ff&&&=;=%00 HTTP/1.1" + HOST: 200,
    b"GET /state?x=-1&y=9e9&at=,, HTTP/1.1" + HOST: 200,
    b"GET /state?" + b"a=1&" * 5000 + b" HTTP/1.1" + HOST: 200,
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1" + HOST: 414,
    b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + HOST: 431,
    b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 500 + HOST: 431,
    b"GET / HTTP/1.1\r\nContent-Length: -1" + HOST: 200,
    b"GET / HTTP/1.1\r\nContent-Length: 1e9" + HOST: 200,
    b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked" + HOST: 200,
    b"GET / HTTP/1.1\r\nExpect: 100-continue" + HOST: 200,
    b"GET / HTTP/1.1\r\n: x\r\nno colon\r\n\0: y" + HOST: 403,
    b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n": 403, b"GET / HTTP/1.1\r\n\r\n": 403,
    b"POST / HTTP/1.1\r\nContent-Length: -5" + HOST: 405, b"\x16\x03\x01\x02\x00\x01": 400,
    b"\x1b[31m / HTTP/1.1" + HOST: 405, b"GET\xa0/\xa0HTTP/1.1" + HOST: 200,
}  # fmt: skip


def status(answer):
    """Return the status of an answer; HTTP/0.9 has none where all is well."""
    shown = re.match(rb"HTTP/1\.\d (\d+)", answer) or re.search(rb"Error code: (\d+)", answer)
    return int(shown[1]) if shown else 200 if answer else None


def test_malformed_requests_are_refused_without_a_word(half, capfd):
    with served(half[0]) as port:
        found = {request: status(raw(port, request)) for request in MALFORMED}
        assert ask(port)[0] == 200
    assert found == MALFORMED
    assert capfd.readouterr() == ("", "")


def test_no_bytes_make_the_server_speak(half, capfd):
    random = np.random.default_rng(0)
    parts = [b"GET ", b"HEAD ", b"/", b"http://", b"[", b"]", b"::1", b"%", b" HTTP/1.1", b"\r\n",
             b"Host: localhost", b":", b"\0", b"state?", b"x=", b"\xff", b"//", b"@",
             b"#"]  # fmt: skip
    with served(half[0]) as port:
        for _ in range(300):
            chosen = random.choice(len(parts), random.integers(1, 12))
            raw(port, b"".join(parts[i] for i in chosen) + b"\r\n\r\n")
        assert ask(port)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_what_all_answers_say(half):
    with served(half[0]) as port:
        for path in ("/", "/watch.js", "/watch.css", "/plotly.js", "/state", "/nothing"):
            headers = ask(port, path)[1]
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'; script-src 'self';" in headers["Content-Security-Policy"]
            assert "Access-Control-Allow-Origin" not in headers
            assert headers["Server"].strip() == "izhi"


def test_only_this_machine_is_listened_to(half):
    with served(half[0]) as port, socket.socket() as other:
        other.settimeout(5)
        with pytest.raises(OSError):
            other.connect(("127.0.0.2", port))


def test_nonsense_that_is_asked_for_is_answered_with_the_usual(half):
    with served(half[0]) as port:
        usual = json.loads(ask(port, "/state")[2])["maps"]
        odd = "/state?x=9&y=-1&at=a,%00,999999999999&statistic=%3Cb%3E&label=&seen=0"
        assert json.loads(ask(port, odd)[2])["maps"]["map"]["x"] == usual["map"]["x"] == 2


def test_the_study_is_as_it_was(half):
    def everything():
        return {p: (p.stat().st_mtime_ns, p.is_file() and hashlib.sha256(p.read_bytes()).digest())
                for p in [half[0], *half[0].rglob("*")]}  # fmt: skip

    before = everything()
    with served(half[0]) as port:
        while json.loads(ask(port, "/state")[2])["waiting"]:
            pass
    assert everything() == before


def test_a_line_with_numbers_that_cannot_be_is_no_event(half):
    with served(half[0]) as port:
        before = json.loads(ask(port, "/state")[2])
        append(half[0], event("shard_done", shard="x.nc", points=10**400, sha256=1))
        after = json.loads(ask(port, "/state")[2])
    assert "problem" not in after
    assert after["done"] == before["done"]


def test_a_study_that_goes_away_is_said(half):
    with served(half[0]) as port:
        shutil.rmtree(half[0])
        assert "log.jsonl: cannot be read" in json.loads(ask(port, "/state")[2])["problem"]


# The command


def test_it_ends_when_asked_to_and_leaves_the_port(half):
    program = izhi("watch", half[0])
    first = program.stdout.readline()
    port = int(first.split("127.0.0.1:")[1].split("/")[0])
    second = program.stdout.readline()
    assert first == f"watching {half[0]}: http://127.0.0.1:{port}/ (Ctrl-C ends it)\n"
    assert f"ssh -L {port}:127.0.0.1:{port}" in second
    idle = socket.create_connection(("127.0.0.1", port))  # as browsers keep them
    assert ask(port)[0] == 200
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=30) == ("", "")
    assert program.returncode == 0
    idle.close()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def test_until_done_ends_with_the_run_of_a_study(half):
    path, rest = half
    with log.writing(path / "log.jsonl"):
        program = izhi("watch", path, "--until-done")
        port = int(program.stdout.readline().split("127.0.0.1:")[1].split("/")[0])
        assert json.loads(ask(port, "/state")[2])["state"] == "running"
        append(path, *rest)
    assert program.wait(timeout=30) == 0
    assert program.stderr.read() == ""
    program.communicate()


def test_what_cannot_be_watched_is_said_in_a_line(half, capsys):
    from izhi import cli

    near = half[0].with_name("hall")
    assert cli.main(["watch", str(near)]) == 2
    assert capsys.readouterr().err == f"error: {near}: no such folder; did you mean half?\n"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["watch", str(half[0]), "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert f"error: --port = {port}: Address already in use; choose another, or leave" in said
    assert cli.main(["watch", str(half[0]), "--port", "99999"]) == 2
    assert "--port = 99999: expected a number from 1 to 65535" in capsys.readouterr().err


# The page


def until(browser, script, expected):
    """Wait until a script returns what is expected."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 60, 0.1).until(
        lambda b: b.execute_script(f"return {script}") == expected,
        f"{script} is not {expected!r}",
    )


def text(name):
    return f"document.getElementById({name!r}).textContent"


_HOW_MANY = (
    "(document.getElementById('map').data?.[0].z ?? []).flat().filter((v) => v !== null).length"
)


def test_the_page_follows_a_study_to_its_end(browser, half, study):
    path, rest = half
    with served(path) as port:
        with log.writing(path / "log.jsonl"):
            open_page(browser, f"http://127.0.0.1:{port}/")
            until(browser, text("points"), "12 of 24 (50 %)")
            until(browser, text("state"), "running")
            until(browser, _HOW_MANY, 4)  # the first neuron's row, over all of U_0
            assert "per s" in browser.find_element("id", "rate").text
            append(path, *rest)
            until(browser, text("points"), "24 of 24 (100 %)")
        until(browser, text("state"), "done")
        until(browser, text("spoken"), "done; 100 % of the points are done")
        until(browser, _HOW_MANY, 8)
        choose(browser, "statistic", "number of spikes")
        choose(browser, "cell", "pre0")
        choose(browser, "up", "U_0")
        choose(browser, "neuron", "chattering")
        wanted = study.dataset.spike_count.sel(cell="pre0", neuron="chattering").values
        until(browser, "document.getElementById('map').data[0].z", wanted.tolist())
        choose(browser, "statistic", "firing regime")
        until(browser, "document.getElementById('map').data[0].colorbar.ticktext?.length", 6)
        assert {a.split("/")[2] for a in requests(browser)} == {f"127.0.0.1:{port}"}
        assert messages(browser) == []
    until(browser, "document.getElementById('problem').textContent.includes('has ended')", True)


def choose(browser, label, choice):
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.support.ui import Select, WebDriverWait

    def chosen(b):
        field = b.execute_script(
            "return [...document.querySelectorAll('label')].find("
            "(l) => l.firstChild.textContent === arguments[0])?.querySelector('select')", label,
        )  # fmt: skip
        if field is None or choice not in [o.text for o in Select(field).options]:
            return False
        Select(field).select_by_visible_text(choice)
        return True

    # the page draws its fields anew whenever more points are there
    WebDriverWait(browser, 30, 0.1, [StaleElementReferenceException]).until(chosen)


def test_text_from_a_study_is_text(browser, half, tmp_path):
    hostile = "<img src=x onerror=document.title=1><b>"
    path = half[0].rename(tmp_path / hostile)
    append(path, event("point_failed", point=20, reason="<script>document.title=2</script>" * 9))
    with served(path) as port:
        open_page(browser, f"http://localhost:{port}/", width=480)
        until(browser, text("name"), hostile)
        until(browser, text("failed"), "1")
        until(browser, _HOW_MANY, 4)
        assert browser.find_element("id", "error").text.startswith("<script>document.title=2")
        assert browser.find_elements("css selector", "h1 img, #error script") == []
        assert browser.title == f"50 % {hostile}"
        assert browser.execute_script("return document.body.scrollWidth <= window.innerWidth")
        assert (
            browser.execute_script("return document.getElementById('map').data[1].name") == "failed"
        )


def test_a_real_run_is_followed(browser, tmp_path):
    parts = ["stimulus.amplitude=range(1,13)", "simulation.duration=20 ms", "stimulus.onset=0",
             "simulation.dt=0.5 ms", "run.engine=numpy", "run.n_jobs=1", "run.shard_points=3",
             "study.name=it", f"study.dir={tmp_path}"]  # fmt: skip
    run = izhi("run", "-m", *parts)
    while not (tmp_path / "it/log.jsonl").exists():
        assert run.poll() is None
    with served(tmp_path / "it") as port:
        open_page(browser, f"http://127.0.0.1:{port}/")
        until(browser, text("points"), "12 of 12 (100 %)")
        until(browser, text("state"), "done")
        until(browser, _HOW_MANY, 12)
        assert messages(browser) == []
    _, said = run.communicate(timeout=60)
    assert run.returncode == 0, said
