// The roster: what was asked for in the side panel is brought into view, and Enter opens a cell of
// the grid as a click does.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
  roster: {
    shown(content, id) {
      const isEmpty = !content || (Array.isArray(content) && !content.length);
      if (!isEmpty) {
        requestAnimationFrame(() => {
          const found = document.getElementById(id);
          if (found) found.scrollIntoView({ block: "nearest" });
        });
      }
      return window.dash_clientside.no_update;
    },
  },
});

window.dashAgGridFunctions = Object.assign({}, window.dashAgGridFunctions, {
  openCell(params, setEventData) {
    if (params.event && params.event.key === "Enter") {
      setEventData({ rowId: params.node.id, colId: params.column.getColId() });
    }
  },
});
