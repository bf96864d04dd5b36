from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from api.console import callers
from api.console.pages import certificate as page
from api.console.pages import goals, work
from wfm.errors import RequestError


@pytest.fixture
def compared(views, plan, make_came):
    """Reads of a store in which ten of the plan's days have been compared."""
    views.promises.came = make_came(plan, 10)
    return views


def text_of(found) -> str:
    if found is None:
        return ""
    if isinstance(found, str | int | float):
        return str(found)
    if isinstance(found, list | tuple):
        return " ".join(text_of(one) for one in found)
    return text_of(getattr(found, "children", None))


def figure_of(found):
    """The first chart below a component."""
    if isinstance(found, list | tuple):
        return next((f for f in map(figure_of, found) if f is not None), None)
    if getattr(found, "figure", None) is not None:
        return found.figure
    return figure_of(found.children) if getattr(found, "children", None) is not None else None


# -- what is certified ----------------------------------------------------------------------------


def test_every_promise_stands_with_its_errors_band_and_worst_hour(views):
    about, table = page.draw(views, None, "all")

    said = text_of(table)
    assert "93.40 % ± 0.12 % 91.00–95.50 %" in said
    assert "86.1 % Tue 3 Mar 02:00 ± 1.00 %" in said
    assert "in 3 of 336 hours" in said
    assert "100 sampled futures" in about


def test_one_queues_promises_stand_alone(views):
    _, (promises, waiting, _) = page.draw(views, None, "facebook")

    assert len(promises.children[1].children) == 1
    assert len(waiting.children[1].children) == 1


def test_reply_times_backlog_and_what_is_asked_of_agents_are_told(views):
    _, (_, waiting, agents) = page.draw(views, None, "all")

    said = text_of(waiting)
    assert "All queues 3 min 10 min 1.0 on average up to 2 (P90)" in said
    assert "X 3 min – " in said
    assert text_of(agents) == (
        "Agents handle 70 % of their time on queue and finish replies for 3.2 h past it, "
        "on average over the plan."
    )


def test_a_certificate_from_before_reply_times_were_counted_tells_the_rest(views, plan):
    old = replace(plan.tables.certificate, first_response_s={}, overrun_h=None)
    views.shown_plan = replace(plan, tables=replace(plan.tables, certificate=old))

    _, (promises, waiting, agents) = page.draw(views, None, "all")

    assert "93.40 %" in text_of(promises)
    assert waiting is None
    assert text_of(agents) == "Agents handle 70 % of their time on queue, on average over the plan."


def test_a_promise_by_the_day_names_its_worst_day_without_a_time(views, plan, brand):
    line = replace(plan.tables.certificate.goals[0], scope="day")

    table = goals.exact_table(replace(plan.tables.certificate, goals=(line,)), brand, "x")

    assert "86.1 % Tue 3 Mar ± " in text_of(table)


def test_the_plans_own_certificate_is_chosen_first_and_all_are_listed(views, brand):
    held = views.promises.certificates(3)

    assert page.first_of(held) == "1"
    assert [o["label"] for o in page.options(held, brand)] == [
        "Sun 1 Mar 13:00, 200 runs",
        "Sun 1 Mar 12:00, 100 runs, the plan's own",
    ]
    said = text_of(page.history(held, brand))
    assert said.index("Sun 1 Mar 13:00") < said.index("Sun 1 Mar 12:00")
    assert said.count("2 of 3") == 2


def test_a_plan_without_a_list_of_certificates_shows_its_own(views):
    assert page.first_of(()) is None
    assert "100 sampled futures" in page.draw(views, None, "x")[0]


def test_another_certificate_is_shown_when_it_is_chosen(views):
    about, _ = page.draw(views, "2", "x")

    assert "200 sampled futures" in about


def test_the_roster_is_certified_anew_and_the_newest_is_chosen_then(views, monkeypatch):
    monkeypatch.setattr(callers, "planner", lambda: "console:ann")
    views.jobs["job-1"] = SimpleNamespace(
        job_id="job-1", kind="certify", state="done", is_open=False
    )

    shown = work.steer(page.ANEW, views, trigger="certificate-anew", job_id=None, changed=0)
    options, chosen, history = page.renewed(views, shown["changed"])

    assert views.promises.certified == [(3, "console:ann")]
    assert shown["progress"] == "The certificate is kept."
    assert shown["changed"] == 1
    assert chosen == options[0]["value"] == "2"
    assert "200" in text_of(history)


def test_without_a_plan_nothing_is_certified(empty_views):
    with pytest.raises(RequestError, match="no plan any more"):
        page.start(empty_views, "console:ann")


# -- what came ------------------------------------------------------------------------------------


def test_without_results_it_says_what_to_import(views):
    assert "wfm import cases FILE" in text_of(page.came(views, "x"))


def test_days_inside_their_band_are_counted_beside_how_many_should(compared):
    said = text_of(page.came(compared, "x"))

    assert "8 of 10 days lay within their band." in said
    assert "Over all promises 80 % did; 80 % should." in said
    assert "points fewer first replies were in time than certified" in said


def test_bands_and_what_came_are_drawn_by_day(compared, plan):
    figure = figure_of(page.came(compared, "x"))

    band = next(t for t in figure.data if t.name == "Certified, P10–P90")
    own = plan.tables.certificate.series[0]["day"]
    assert np.allclose(band.base, np.array(own.p10[:10]) * 100, atol=0.01)
    assert np.allclose(np.add(band.base, band.y), np.array(own.p90[:10]) * 100, atol=0.02)
    came = {t.name: len(t.y) for t in figure.data if t.name.startswith("Came")}
    assert came == {"Came, inside": 8, "Came, outside": 2}
    assert "goal 90%" in [a.text for a in figure.layout.annotations]


def test_a_promise_of_each_queue_has_its_line(compared):
    said = text_of(page.came(compared, "all"))

    assert all(name in said for name in ("X", "Facebook", "Instagram", "All queues"))
    assert "10 000" in said.replace("\u202f", " ")


def test_a_queue_without_compared_days_says_so_beside_the_others(compared):
    table = compared.promises.came.table
    compared.promises.came = replace(
        compared.promises.came, table=table[table["queue"] != "x"].reset_index(drop=True)
    )

    found = page.came(compared, "x")

    assert "No day of this queue has been compared yet." in text_of(found)
    assert figure_of(found).layout.annotations[0].text.startswith("No day of this queue")


@pytest.mark.parametrize(
    ("bias", "said"),
    [(0.02, "as many first replies"), (2.0, "2.0 points more"), (-2.0, "2.0 points fewer")],
)
def test_a_bias_is_told_by_its_side(bias, said):
    assert said in page.bias_words(bias)
