// The page Queue: slack counts down here, without asking the service; a line opens its case; and
// nothing is asked for while nobody looks.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
  queue: (() => {
    const SOON_S = 15 * 60;
    const PATIENCE_MS = 10000;
    let opened = null;
    let asked = 0;

    function two(number) {
      return String(number).padStart(2, "0");
    }

    // 4:05, 1 h 20 min, 3 days; below 0 it is late.
    function left(seconds) {
      const whole = Math.abs(Math.trunc(seconds));
      const minutes = Math.floor(whole / 60);
      const hours = Math.floor(minutes / 60);
      let text = `${minutes}:${two(whole % 60)}`;
      if (hours >= 48) text = `${Math.floor(hours / 24)} days`;
      else if (hours) text = `${hours} h ${minutes % 60} min`;
      return seconds < 0 ? `${text} late` : text;
    }

    function count() {
      mark();
      const now = window.dash_clientside.today.now();
      if (now === null || document.hidden) return;
      for (const found of document.querySelectorAll("[data-due]")) {
        const seconds = (Date.parse(found.dataset.due) - now) / 1000;
        const text = left(seconds);
        if (found.textContent !== text) found.textContent = text;
        found.dataset.tone = seconds < 0 ? "bad" : seconds < SOON_S ? "warn" : "";
      }
    }

    // The line whose case is open is marked, also after the list was drawn anew.
    function mark() {
      for (const found of document.querySelectorAll("[data-case]")) {
        if (found.dataset.case === String(opened)) found.setAttribute("aria-current", "true");
        else found.removeAttribute("aria-current");
      }
    }

    // A click on a line opens its case; one without a case goes back to the list.
    function open(event) {
      const line = event.target.closest && event.target.closest("[data-case]");
      if (!line) return;
      const id = line.dataset.case ? Number(line.dataset.case) : null;
      window.dash_clientside.set_props("queue-case", { data: id });
    }

    // A beat of the page's timer, while somebody looks.
    function beat(ticks) {
      return document.hidden ? window.dash_clientside.no_update : ticks;
    }

    // Where the case is shown above the list, it is brought into view, and later its line again.
    function shown(content, id) {
      const before = opened;
      if (id === before) return window.dash_clientside.no_update;
      opened = id;
      mark();
      const isAbove = window.matchMedia("(width < 1280px)").matches;
      const target = id === null
        ? document.querySelector(`.waits [data-case="${before}"]`)
        : document.getElementById("queue-panel");
      if (isAbove && target) {
        requestAnimationFrame(() => target.scrollIntoView({ block: id === null ? "center" : "start" }));
      }
      return window.dash_clientside.no_update;
    }

    // A press of a button that does something; until it is answered, or long enough, no other
    // counts: nobody claims two cases by a double click.
    function press(event) {
      const found = event.target.closest && event.target.closest("[data-do]");
      if (!found || Date.now() - asked < PATIENCE_MS) return;
      asked = Date.now();
      window.dash_clientside.set_props("queue-asked", { data: { do: found.dataset.do, at: asked } });
    }

    function answered() {
      asked = 0;
      return window.dash_clientside.no_update;
    }

    document.addEventListener("click", open);
    document.addEventListener("click", press);
    setInterval(count, 1000);

    return { answered, beat, shown };
  })(),
});
