"""The page of a study in a browser: what it draws, how it is used, what it must not do."""

import base64
import json

import numpy as np
import pytest

import izhi
from izhi.report.page import make
from tests.browser import messages, open_page, requests
from tests.report import pages

pytestmark = pytest.mark.pages

SAMPLE = 20
"""Points with traces of the default sweep's page: few, so that most have none."""


@pytest.fixture(scope="module")
def default(run):
    return run("+experiment=presets_u0_amplitude", "run.engine=compiled")


@pytest.fixture(scope="module")
def page(default, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    return make.report(default.path, path, sample=SAMPLE).as_uri()


@pytest.fixture
def shown(browser, page):
    """Give a browser with the page of the default sweep, as it is when it is opened."""
    if browser.current_url.partition("#")[0] != page:
        opened(browser, page)
    browser.execute_script("location.hash = ''")
    settle(browser)
    return browser


@pytest.fixture
def made_up(browser, tmp_path):
    """Open the page of a study that was never run."""

    def show(data, **size):
        opened(browser, pages.save(tmp_path, data), **size)
        return browser

    return show


def opened(browser, address, **size):
    open_page(browser, address, **size)
    settle(browser)


def settle(browser):
    """Wait until the page has drawn all that it was asked for."""
    wait(browser, "document.querySelector('main').ariaBusy === 'false'")
    assert browser.execute_script("return document.getElementById('error').hidden")


def wait(browser, condition):
    """Wait until a condition holds in the page."""
    from selenium.webdriver.support.ui import WebDriverWait

    wait = WebDriverWait(browser, 60, poll_frequency=0.05)
    wait.until(lambda one: one.execute_script(f"return {condition}"))


def choose(browser, field, text):
    """Choose an option of a select by its text."""
    from selenium.webdriver.support.ui import Select

    Select(browser.find_element("id", field)).select_by_visible_text(text)
    settle(browser)


def drawn(browser, name, key, trace=0):
    """Return what a trace of a drawing holds, with NaN where there is nothing."""
    script = """
      const trace = document.getElementById(arguments[0]).data[arguments[1]];
      return JSON.stringify([...trace[arguments[2]]]);
    """
    return np.array(json.loads(browser.execute_script(script, name, trace, key)), dtype=float)


def text(browser, name):
    return browser.execute_script(f"return document.getElementById('{name}').textContent")


def expected(study, statistic, *dims, **at):
    return study.dataset[statistic].sel(**at).transpose(*dims).values


def click(browser, i, j, name="map"):
    """Press and release the mouse over a place of a map."""
    script = """
      const gd = document.getElementById(arguments[0]);
      gd.scrollIntoView({block: "center", behavior: "instant"});
      const box = gd.getBoundingClientRect();
      const { xaxis: x, yaxis: y } = gd._fullLayout;
      return [box.x + x._offset + x.d2p(arguments[1]), box.y + y._offset + y.d2p(arguments[2])];
    """
    x, y = browser.execute_script(script, name, i, j)
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        event = {"type": kind, "x": x, "y": y}
        if kind != "mouseMoved":
            event |= {"button": "left", "clickCount": 1}
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)
    settle(browser)


def push(browser, selector):
    """Click on the first element that a selector finds, in the middle of the window."""
    element = browser.find_element("css selector", selector)
    scroll = "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})"
    browser.execute_script(scroll, element)
    element.click()
    settle(browser)


def press(browser, *keys):
    """Press keys while the map has the focus."""
    browser.execute_script("document.getElementById('map-keys').focus()")
    browser.switch_to.active_element.send_keys(*keys)
    settle(browser)


def test_a_page_asks_for_nothing_complains_of_nothing_and_is_quick(browser, page):
    opened(browser, page)
    assert requests(browser) == [page]
    assert messages(browser) == []
    script = "return performance.getEntriesByName('izhi:first-drawing')[0].startTime"
    assert browser.execute_script(script) < 3000


def test_the_map_shows_the_numbers_of_the_study(shown, default):
    assert drawn(shown, "map", "z").shape == (7, 11)
    choose(shown, "at-1", "0.6")
    rate = expected(default, "firing_rate", "neuron", "amplitude", U_0=0.6, cell="post0")
    np.testing.assert_allclose(drawn(shown, "map", "z"), rate, rtol=1e-6)
    choose(shown, "cell", "pre1")
    rate = expected(default, "firing_rate", "neuron", "amplitude", U_0=0.6, cell="pre1")
    np.testing.assert_allclose(drawn(shown, "map", "z"), rate, rtol=1e-6)
    choose(shown, "statistic", "first-spike latency (s)")
    latency = expected(default, "first_spike_latency", "neuron", "amplitude", U_0=0.6, cell="pre1")
    np.testing.assert_allclose(drawn(shown, "map", "z"), latency, rtol=1e-6)
    meaning = default.dataset["first_spike_latency"].attrs["comment"]
    assert text(shown, "map-comment") == meaning
    choose(shown, "statistic", "mean release")
    release = expected(
        default, "release_mean", "neuron", "amplitude", U_0=0.6, projection="pre_to_post.pre1"
    )
    np.testing.assert_allclose(drawn(shown, "map", "z"), release, rtol=1e-6)


def test_any_two_axes_may_be_drawn(shown, default):
    choose(shown, "at-0", "chattering")
    choose(shown, "at-2", "8 mV")
    choose(shown, "y", "U_0")
    rate = expected(default, "firing_rate", "U_0", "amplitude", neuron="chattering", cell="post0")
    np.testing.assert_allclose(drawn(shown, "map", "z"), rate, rtol=1e-6)
    choose(shown, "x", "neuron")
    rate = expected(default, "firing_rate", "U_0", "neuron", amplitude=8, cell="post0")
    np.testing.assert_allclose(drawn(shown, "map", "z"), rate, rtol=1e-6)
    choose(shown, "x", "U_0")  # the axes change places
    np.testing.assert_allclose(drawn(shown, "map", "z"), rate.T, rtol=1e-6)


def test_words_have_letters_and_a_legend(shown, default):
    choose(shown, "statistic", "firing regime")
    regime = expected(
        default, "regime", "neuron", "amplitude", U_0=place(shown)["U_0"], cell="post0"
    )
    np.testing.assert_array_equal(drawn(shown, "map", "z"), regime)
    words = default.dataset["regime"].attrs["flag_meanings"].split()
    entries = shown.find_elements("css selector", "#map-legend .entry")
    assert [entry.text.replace("\n", " ")[2:] for entry in entries[:6]] == [
        word.replace("_", " ") for word in words
    ]
    signs = [entry.text[0] for entry in entries[:6]]
    drawn_signs = shown.find_elements("css selector", "#map .heatmap-label")
    assert [sign.text for sign in drawn_signs] == [signs[n] for n in regime.ravel()]


def place(browser):
    """Return the point that the controls show."""
    from selenium.webdriver.support.ui import Select

    words = [
        Select(browser.find_element("id", f"at-{i}")).first_selected_option.text for i in range(3)
    ]
    return {"neuron": words[0], "U_0": float(words[1]), "amplitude": float(words[2].split()[0])}


def test_a_click_shows_the_point_and_its_spikes(shown, default):
    choose(shown, "at-1", "0.6")
    click(shown, 6, 2)
    assert place(shown) == {"neuron": "chattering", "U_0": 0.6, "amplitude": 10.0}
    assert "neuron chattering, U_0 0.6, amplitude 10 mV (done)" in text(shown, "point-words")
    spikes = [default.spike_times(cell=cell, **place(shown)) for cell in ("pre0", "pre1", "post0")]
    strokes = drawn(shown, "traces", "x")[::3]
    np.testing.assert_allclose(strokes, np.concatenate(spikes), rtol=1e-6)
    rows = shown.find_elements("css selector", ".values tbody tr")
    number = next(row for row in rows if row.text.startswith("Number of spikes"))
    assert number.text.split()[-3:] == [str(len(times)) for times in spikes]


def test_a_point_without_traces_leads_to_the_nearest_that_has_them(shown, default, run):
    traced = drawn(shown, "map", "x", trace=1), drawn(shown, "map", "y", trace=1)
    free = next(i for i in range(11) if (i, 0) not in set(zip(*traced, strict=True)))
    click(shown, free, 0)
    assert "izhi report STUDY --sample N" in text(shown, "point-missing")
    assert len(shown.execute_script("return document.getElementById('traces').data")) == 1
    push(shown, "#point-missing button")
    assert shown.execute_script("return document.getElementById('point-missing').hidden")
    at = place(shown)
    alone = run(
        f"neuron={at['neuron']}", f"synapse.U_0={at['U_0']}",
        f"stimulus.amplitude={at['amplitude']} mV", "record.traces=all", "run.engine=numpy",
    )  # fmt: skip
    compare_traces(shown, alone.traces)


def compare_traces(browser, traces):
    """Compare the traces of v with those of a run of this point alone."""
    names = json.loads(browser.execute_script(
        "return JSON.stringify(document.getElementById('traces').data.map((one) => one.yaxis))"
    ))  # fmt: skip
    for number in (1, 2, 3):  # of pre0, pre1 and post0, below the raster
        assert names[number] == f"y{number + 1}"
        time, v = drawn(browser, "traces", "x", number), drawn(browser, "traces", "y", number)
        exact = 1e3 * traces["v"].values[0, number - 1]
        sampled = ~np.isclose(v, 30.0)  # but for the peaks
        there = np.rint(time[sampled] / 1e-4).astype(int)
        assert len(there) > 500
        np.testing.assert_allclose(v[sampled], exact[there], atol=0.05)


def test_keys_and_selects_move_the_point(shown):
    from selenium.webdriver.common.keys import Keys

    choose(shown, "at-0", "chattering")
    choose(shown, "at-2", "8 mV")
    press(shown, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    assert (place(shown)["neuron"], place(shown)["amplitude"]) == ("intrinsically_bursting", 10)
    frame = shown.execute_script("return document.getElementById('map').layout.shapes[0]")
    assert (frame["x0"], frame["y0"]) == (5.5, 0.5)
    press(shown, *[Keys.ARROW_LEFT] * 12)  # and stops at the border
    assert place(shown)["amplitude"] == 4
    assert "amplitude 4 mV" in text(shown, "point-words")


def test_an_address_holds_the_view_and_back_goes_back(shown, page):
    choose(shown, "statistic", "burst rate (1/min)")
    choose(shown, "at-0", "resonator")
    address, before = shown.current_url, place(shown)
    assert "at.neuron=resonator" in address and "statistic=burst_rate" in address
    words = text(shown, "map-words")
    opened(shown, address)
    assert (place(shown), text(shown, "map-words")) == (before, words)
    choose(shown, "at-0", "chattering")
    shown.back()
    settle(shown)
    assert place(shown) == before
    shown.get(f"{page}#statistic=nonsense&x=nowhere&at.neuron=nothing&cell=")
    settle(shown)
    assert "Mean firing rate" in text(shown, "map-words")


def test_curves_follow_an_axis_of_numbers(shown, default):
    assert text(shown, "curves-title") == "f–I curves"
    choose(shown, "at-1", "0.3")
    rate = expected(default, "firing_rate", "neuron", "amplitude", U_0=0.3, cell="post0")
    for row in range(7):
        np.testing.assert_array_equal(drawn(shown, "curves", "x", row), np.arange(4, 15))
        np.testing.assert_allclose(drawn(shown, "curves", "y", row), rate[row], rtol=1e-6)
    styles = shown.execute_script(
        "return document.getElementById('curves').data.map((t) => t.line.dash + t.marker.symbol)"
    )
    assert len(set(styles)) == 7  # told apart without colour
    choose(shown, "along", "U_0")
    assert text(shown, "curves-title") == "Curves"


def test_regimes_and_bursts_of_the_chosen_cell(shown, default):
    choose(shown, "cell", "pre0")
    at = {"U_0": place(shown)["U_0"], "cell": "pre0"}
    for name in ("regime", "burst_rate", "spikes_per_burst"):
        found = drawn(shown, f"small-{name}", "z")
        wanted = expected(default, name, "neuron", "amplitude", **at)
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    click(shown, 3, 4, name="small-burst_rate")
    assert place(shown)["neuron"] == "low_threshold_spiking"


def test_distributions_count_all_points(shown):
    assert "over all 693 points, a row for each cell" in text(shown, "distributions-words")
    choose(shown, "group", "neuron")
    labels = shown.execute_script(
        "return document.getElementById('distributions').layout.yaxis.ticktext"
    )
    assert labels[0] == "regular_spiking<br>n 99" and len(labels) == 7
    choose(shown, "statistic", "firing regime")
    shares = [drawn(shown, "distributions", "x", word) for word in range(6)]
    np.testing.assert_allclose(np.sum(shares, axis=0), 100)


POLICY = "violates the following Content Security Policy directive 'script-src"
"""What the console says of a script that is not the page's."""

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script></script>&lt;b&gt;'


def test_hostile_text_stays_text(made_up):
    math = (
        '<math xmlns="http://www.w3.org/1998/Math/MathML" onclick="window.hacked=3">'
        '<mi href="javascript:window.hacked=4">v</mi><annotation-xml encoding="text/html">'
        '<img xmlns="http://www.w3.org/1999/xhtml" src="x" onerror="window.hacked=5"/>'
        "</annotation-xml></math>"
    )
    model = {
        "title": HOSTILE, "kind": "neuron", "equations": [math, HOSTILE], "threshold": "",
        "reset": [], "on_pre": [], "parameters": [[math, HOSTILE, HOSTILE, HOSTILE, HOSTILE]],
    }  # fmt: skip
    axes = [
        pages.axis(HOSTILE, ["a", HOSTILE, "%{x}<b>c</b>"]),
        pages.axis("U", [1.0, 2.0], HOSTILE),
    ]
    data = pages.study(
        *axes, title=HOSTILE, cells=(HOSTILE, "post0"), facts=[[HOSTILE, HOSTILE]], models=[model],
        aggregation=HOSTILE, config=HOSTILE, provenance=[[HOSTILE, HOSTILE]],
    )  # fmt: skip
    data["statistics"][1]["words"] = [f"{HOSTILE}{n}" for n in range(6)]
    browser = made_up(data)
    for statistic in ("regime", "firing_rate"):
        browser.execute_script(f"location.hash = 'statistic={statistic}'")
        settle(browser)
        click(browser, 1, 1)
    assert browser.execute_script("return window.hacked") is None
    alien = "img, iframe, annotation-xml, [onerror], [onclick], [href^=javascript]"
    assert browser.find_elements("css selector", alien) == []
    assert text(browser, "title") == browser.title == HOSTILE
    labels = [label.text for label in browser.find_elements("css selector", "#map .ytick text")]
    assert labels[2] == "%{x}<b>c</b>"
    assert all(POLICY in said for said in messages(browser))  # a parser met the handlers, no more


def test_no_script_runs_but_the_pages_own(browser, page):
    opened(browser, page)
    browser.execute_script(
        "document.body.append(Object.assign(document.createElement('script'),"
        " { textContent: 'window.hacked = 1' }));"
        "document.body.insertAdjacentHTML('beforeend', '<p id=p onclick=\"hacked = 2\">p</p>');"
        "document.getElementById('p').click()"
    )
    assert browser.execute_script("return window.hacked") is None
    said = messages(browser)
    assert len(said) == 2 and all(POLICY in one for one in said)
    browser.get("about:blank")


def test_a_study_of_one_axis_is_a_line(made_up):
    data = pages.study(pages.axis("amplitude", [4.0, 5.0, 8.0], "mV", key="stimulus.amplitude"))
    browser = made_up(data)
    np.testing.assert_array_equal(drawn(browser, "map", "x"), [4, 5, 8])
    np.testing.assert_array_equal(drawn(browser, "map", "y"), [1000, 1001, 1002])
    click(browser, 8, 1002)
    assert "amplitude 8 mV" in text(browser, "point-words")
    choose(browser, "statistic", "regime")
    np.testing.assert_array_equal(drawn(browser, "map", "z"), [[1000 % 6, 1001 % 6, 1002 % 6]])
    assert messages(browser) == []


def test_a_study_of_one_point_shows_its_values(made_up):
    browser = made_up(pages.study())
    assert "One point" in text(browser, "map-words")
    assert browser.find_element("css selector", ".values").text.splitlines()[1].split()[-3:] == [
        "0", "1000", "Hz",
    ]  # fmt: skip
    assert messages(browser) == []


def test_points_that_are_not_done_are_marked_and_listed(made_up):
    data = pages.study(pages.axis("neuron", ["a", "b", "c"]), pages.axis("amplitude", [1.0, 2, 3]))
    data["status"][0, 1], data["status"][2, 0], data["status"][1] = 2, 3, 1
    browser = made_up(data)
    assert "3 not run, 1 failed, 1 diverged" in text(browser, "problems")
    marks = browser.execute_script(
        "return document.getElementById('map').data.slice(1).map((t) => [t.name, t.x, t.y])"
    )
    assert sorted(marks) == [
        ["diverged", [0], [2]], ["failed", [1], [0]], ["not run", [0, 1, 2], [1, 1, 1]],
    ]  # fmt: skip
    push(browser, "#marked summary")
    push(browser, "#marked button")
    assert "neuron a, amplitude 2 (failed)" in text(browser, "point-words")


def test_a_hundred_thousand_points_open_and_are_redrawn(made_up):
    numbers = [pages.axis(name, range(120)) for name in ("U_0", "I")]
    axes = pages.axis("neuron", list("abcdefg")), *numbers
    data = pages.study(*axes, aggregation="Each place stands for one point.")
    data["status"][:, 60:] = 3  # more than can have a symbol each
    browser = made_up(data)
    values = data["statistics"][0]["values"]
    choose(browser, "y", "U_0")
    np.testing.assert_array_equal(drawn(browser, "map", "z"), values[3, :, :, 1])
    choose(browser, "at-0", "e")
    np.testing.assert_array_equal(drawn(browser, "map", "z"), values[4, :, :, 1])
    click(browser, 100, 30)
    assert text(browser, "point-words").startswith(f"Point {4 * 14400 + 30 * 120 + 100}:")
    assert text(browser, "aggregation") == "Each place stands for one point."
    assert messages(browser) == []


def test_nothing_is_wider_than_the_window_and_no_labels_touch(shown, page):
    wide = "return document.documentElement.scrollWidth"
    assert shown.execute_script(wide) <= 1280
    assert overlaps(shown) == []
    opened(shown, page, width=600)
    assert shown.execute_script(wide) <= 600
    assert overlaps(shown) == []
    shown.set_window_size(1280, 900)


def test_long_labels_do_not_touch(made_up):
    names = [f"quite_a_long_name_of_type_{n}_of_many" for n in range(40)]
    browser = made_up(pages.study(pages.axis("trial", range(400)), pages.axis("neuron", names)))
    assert overlaps(browser) == []
    labels = [e.text for e in browser.find_elements("css selector", "#map .ytick text")]
    assert len(set(labels)) == len(labels) > 10
    choose(browser, "x", "neuron")
    assert overlaps(browser) == []


def overlaps(browser):
    """Return pairs of labels of one axis whose boxes overlap; those that are turned have none."""
    return browser.execute_script("""
      const turned = (text) => /rotate\\(-[49]/.test(text.getAttribute("transform") ?? "");
      const apart = (p, q) => p.left > q.right - 1 || q.left > p.right - 1
        || p.top > q.bottom - 2 || q.top > p.bottom - 2;
      const found = [];
      for (const gd of document.querySelectorAll(".js-plotly-plot")) {
        for (const kind of [".xtick text", ".ytick text"]) {
          const texts = [...gd.querySelectorAll(kind)].filter((text) => !turned(text));
          const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
          boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
            if (!apart(p, q)) found.push([gd.id, a, b]);
          }));
        }
      }
      return found;
    """)


def test_in_print_all_is_there_and_the_controls_are_not(shown):
    shown.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        wait(shown, "document.getElementById('config').open")
        assert shown.execute_script("""
          const seen = (one) => one.checkVisibility() && one.getBoundingClientRect().height > 0;
          const all = (selector) => [...document.querySelectorAll(selector)];
          return all("main > section, .js-plotly-plot, details > pre").every(seen)
            && !all("select, button, .modebar").some(seen);
        """)
        tall = "return document.getElementById('traces').getBoundingClientRect().height"
        assert 800 < shown.execute_script(tall) < 950  # of a sheet's 1,009 pixels
        pdf = base64.b64decode(shown.execute_cdp_cmd("Page.printToPDF", {})["data"])
        assert pdf.count(b"/Type /Page\n") > 3
    finally:
        shown.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_everything_has_a_name_for_those_who_do_not_see_it(shown):
    unnamed = shown.execute_script("""
      const all = (selector) => [...document.querySelectorAll(selector)];
      const fields = all("select, input").filter((one) => !one.labels.length);
      const images = all("[role=img]").filter((one) => !one.ariaLabel);
      return [...fields, ...images].map((one) => one.id);
    """)
    assert unnamed == []
    levels = shown.execute_script(
        "return [...document.querySelectorAll('h1, h2, h3')].map((one) => Number(one.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert max(np.diff(levels)) <= 1
    assert "From" in shown.find_element("id", "map").get_attribute("aria-label")
    assert text(shown, "models").startswith("Izhikevich")
    assert len(shown.find_elements("css selector", "#models math")) > 10


def test_equations_and_provenance_are_told(shown):
    assert izhi.__version__ in text(shown, "provenance")
    assert "synapse.U_0" in text(shown, "axes")
    assert "experiment: presets_u0_amplitude" in text(shown, "config")
