// The page What-if: the spike is drawn and dragged in the browser; only the controls that have come
// to rest are asked about, and the answer's curves become a picture to paste.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
  whatif: (() => {
    const REST_MS = 180;
    const STEP_MIN = 15;
    const NAMES = [
      "day", "queues", "start", "length", "factor", "half_life", "rise", "added", "cause",
      "handling", "absent", "extra", "automatic", "spike", "acts",
    ];
    const PAUSE = () => window.dash_clientside.no_update;
    let pending = null;
    let asked = 0;

    function summed(usual, queues) {
      const chosen = (queues || []).filter((name) => usual.y[name]);
      return usual.x.map((_, at) => chosen.reduce((sum, name) => sum + usual.y[name][at], 0));
    }

    // As `Surge.shape`: risen within `rise`, held until `length`, then halved every half-life.
    function shape(minutes, length, halfLife, rise) {
      if (minutes < 0) return 0;
      const level = rise > 0 ? Math.min(1, Math.min(minutes, length) / rise) : 1;
      return level * 0.5 ** (Math.max(0, minutes - length) / Math.max(1, halfLife));
    }

    function spiked(base, spike) {
      const shares = base.map((_, at) =>
        shape((at - spike.start) * STEP_MIN, spike.length, spike.halfLife, spike.rise));
      const weight = base.reduce((sum, usual, at) => sum + usual * shares[at], 0);
      const more = weight > 0 ? spike.added / weight : 0;
      return base.map((usual, at) =>
        Math.max(0, usual * (1 + (spike.factor - 1 + more) * shares[at])));
    }

    // What the factor multiplies: the most that is usual while the spike is at its full.
    function reference(base, spike) {
      const last = spike.start + Math.max(1, Math.round(spike.length / STEP_MIN));
      return Math.max(0.5, ...base.slice(spike.start, last));
    }

    function after(x, at, minutes) {
      const moved = new Date(`${x[at].replace(" ", "T")}:00Z`);
      moved.setUTCMinutes(moved.getUTCMinutes() + minutes);
      return moved.toISOString().slice(0, 16).replace("T", " ");
    }

    function clock(minutes) {
      const hours = Math.floor(minutes / 60);
      const rest = Math.round(minutes % 60);
      if (!hours) return `${rest} min`;
      return rest ? `${hours} h ${rest} min` : `${hours} h`;
    }

    function told(usual, spike) {
      return [
        `Starts at ${usual.x[Math.min(spike.start, usual.x.length - 1)].slice(11)}`,
        `Lasts ${clock(spike.length)}`,
        `${spike.factor} times the usual`,
        `Then halves every ${clock(spike.halfLife)}`,
      ];
    }

    // A number that was cleared leaves what is drawn as it is.
    function draw(usual, queues, start, length, factor, halfLife, rise, added, moved, figure) {
      const numbers = [start, length, factor, halfLife, rise, added];
      if (!usual || !figure || numbers.some((n) => n === null || n === undefined)) {
        return [PAUSE(), PAUSE(), PAUSE(), PAUSE(), PAUSE()];
      }
      const spike = { start, length, factor, halfLife, rise, added };
      const base = summed(usual, queues);
      const curves = [base, spiked(base, spike)];
      const top = reference(base, spike) * factor;
      const box = Object.assign({}, figure.layout.meta.shape, {
        x0: after(usual.x, start, 0), x1: after(usual.x, start, length), y0: 0, y1: top,
      });
      const drawn = {
        data: figure.data.map((trace, at) =>
          Object.assign({}, trace, { x: usual.x, y: curves[at] })),
        layout: Object.assign({}, figure.layout, { shapes: [box] }),
      };
      return [drawn, ...told(usual, spike)];
    }

    // The rectangle was moved or pulled: where the controls stand then.
    function dragged(moved, usual, queues, start, length, factor, factorMax, lengthMax) {
      const keep = [PAUSE(), PAUSE(), PAUSE()];
      if (!moved || !usual || moved["shapes[0].x0"] === undefined) return keep;
      const at = (text) => Date.parse(`${String(text).slice(0, 19).replace(" ", "T")}Z`);
      const edges = [at(moved["shapes[0].x0"]), at(moved["shapes[0].x1"])].sort((a, b) => a - b);
      const starts = usual.x.map((text) => Date.parse(`${text.replace(" ", "T")}:00Z`));
      const first = starts.slice(0, usual.day).reduce(
        (best, value, n) => (Math.abs(value - edges[0]) < Math.abs(starts[best] - edges[0]) ? n : best), 0);
      const minutes = Math.round((edges[1] - edges[0]) / 60000 / STEP_MIN) * STEP_MIN;
      const long = Math.min(lengthMax, Math.max(STEP_MIN, minutes));
      const base = summed(usual, queues);
      const before = reference(base, { start, length });
      const high = Math.max(Number(moved["shapes[0].y0"]), Number(moved["shapes[0].y1"]));
      // A move sideways alone leaves the factor; its height means another one elsewhere.
      const pulled = Math.abs(high - before * factor) > 0.02 * before * factor;
      const grown = Math.round((high / before) * 10) / 10;
      const held = pulled ? Math.min(factorMax, Math.max(0, grown)) : factor;
      return [first, long, held];
    }

    function settled(...given) {
      if (pending) {
        clearTimeout(pending.timer);
        pending.done(PAUSE());
      }
      return new Promise((done) => {
        const timer = setTimeout(() => {
          pending = null;
          asked += 1;
          const values = Object.fromEntries(NAMES.map((name, at) => [name, given[at]]));
          done(Object.assign(values, { turn: asked }));
        }, REST_MS);
        pending = { timer, done };
      });
    }

    // -- a picture to paste ---------------------------------------------------------------------

    function blobOf(address) {
      const [head, body] = address.split(",");
      const bytes = Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
      return new Blob([bytes], { type: head.slice(5).split(";")[0] });
    }

    function png(frame, attainment, backlog) {
      const right = backlog.data.map((trace) =>
        Object.assign({}, trace, { xaxis: "x2", yaxis: "y2", showlegend: false }));
      const layout = Object.assign({}, frame.layout);
      const size = { format: "png", width: layout.width, height: layout.height, scale: 2 };
      return window.Plotly.toImage({ data: [...attainment.data, ...right], layout }, size)
        .then(blobOf);
    }

    function saved(blob) {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = "what-if.png";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      return "Saved as what-if.png: this browser lets no page copy a picture.";
    }

    // The clipboard is only there over a safe connection; without it the picture is saved.
    async function picture(clicks, frame, attainment, backlog) {
      if (!clicks || !frame || !window.Plotly) return PAUSE();
      const made = png(frame, attainment, backlog);
      try {
        await navigator.clipboard.write([new ClipboardItem({ "image/png": made })]);
        return "Copied; paste it into a message.";
      } catch (refused) {
        return saved(await made);
      }
    }

    return { draw, dragged, settled, picture };
  })(),
});
