// A slider that is being moved tells many values; only the one it comes to rest on is asked for.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
  wfm: (() => {
    const REST_MS = 250;
    let pending = null;

    function settled(share, minutes, risk, queue, week, day) {
      if (pending) {
        clearTimeout(pending.timer);
        pending.done(window.dash_clientside.no_update);
      }
      return new Promise((done) => {
        const timer = setTimeout(() => {
          pending = null;
          done({ share, minutes, risk, queue, week, day });
        }, REST_MS);
        pending = { timer, done };
      });
    }

    return { settled };
  })(),
});
