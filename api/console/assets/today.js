// The strip Today, and the service's clock in the browser: every few seconds, while somebody looks,
// the service is asked how the queue stands. It answers only when something has changed.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
  today: (() => {
    const EVERY_MS = 5000;
    const ADDRESS = "/api/v1/queue/today";
    let tag = null;
    let basis = null;
    let asking = false;

    // What the service's clock shows now, in milliseconds; null before it was heard of.
    function now() {
      return basis && basis.shows + (Date.now() - basis.at) * basis.rate;
    }

    function put(id, text) {
      const found = document.getElementById(id);
      if (found && found.textContent !== text) found.textContent = text;
    }

    function tone(name, value) {
      const found = document.getElementById(`today-of-${name}`);
      if (found) found.dataset.tone = value;
    }

    function percent(share, digits) {
      return share === null ? "–" : `${(share * 100).toFixed(digits)} %`;
    }

    // The API tells instants in UTC; people read the site's clock.
    function local(text, zone) {
      const at = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone };
      return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, (instant) =>
        new Date(instant).toLocaleTimeString("en-GB", at),
      );
    }

    // Short, for every page: the page Queue has the whole sentences.
    function alarm(told) {
      const alerts = told.queues.filter((queue) => queue.alert).map((queue) => queue.alert.text);
      const said = alerts.map((text) => local(text, told.zone));
      const breaking = told.queues.filter((queue) => queue.breaks_at).map((queue) => queue.queue);
      if (breaking.length) said.push(`About to break the promise: ${breaking.join(", ")}`);
      if (told.quarantined) said.push(`${told.quarantined} in quarantine`);
      if (told.undelivered) said.push(`${told.undelivered} undelivered`);
      return said.join(" · ");
    }

    function show(told) {
      put("today-waiting", String(told.waiting));
      put("today-due_soon", String(told.due_soon));
      put("today-late", String(told.late));
      put("today-attainment", percent(told.attainment, 1));
      const promised = told.promised === null ? "" : `, ${percent(told.promised, 0)} promised`;
      put("today-attainment-note", promised);
      put("today-present", String(told.present));
      const effective = told.effective === null ? "" : `, ${told.effective.toFixed(1)} effective`;
      put("today-present-note", ` of ${told.on_shift} on shift${effective}`);
      put("today-tasks_due", String(told.tasks_due));
      tone("late", told.late ? "bad" : "");
      tone("due_soon", told.due_soon ? "warn" : "");
      tone("tasks_due", told.tasks_due ? "bad" : "");
      const isBroken = told.attainment !== null && told.attainment < told.promised;
      tone("attainment", told.attainment === null ? "" : isBroken ? "bad" : "good");
      put("today-alarm", alarm(told));
      document.getElementById("today").hidden = false;
    }

    async function ask() {
      if (asking || document.hidden || !document.getElementById("today")) return;
      asking = true;
      try {
        const headers = tag ? { "If-None-Match": tag } : {};
        const answer = await fetch(ADDRESS, { headers, cache: "no-store" });
        document.getElementById("today").classList.toggle("stale", answer.status >= 400);
        if (answer.status === 200) {
          const told = await answer.json();
          tag = answer.headers.get("etag");
          basis = { shows: Date.parse(told.as_of), at: Date.now(), rate: told.clock_rate };
          show(told);
        }
      } catch {
        // The service is not reached: what is shown is old, and looks it.
        document.getElementById("today").classList.add("stale");
      } finally {
        asking = false;
      }
    }

    document.addEventListener("visibilitychange", ask);
    setInterval(ask, EVERY_MS);
    const first = setInterval(() => {
      if (document.getElementById("today")) {
        clearInterval(first);
        ask();
      }
    }, 50);

    return { now, ask };
  })(),
});
