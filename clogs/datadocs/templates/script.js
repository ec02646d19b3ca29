"use strict";
(() => {
  const $ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const [input] = $("#filter");
  const [none] = $("#none");
  const lower = (node) => node.textContent.toLowerCase().replace(/\s+/g, " ");

  const tables = $("article.table").map((article) => ({
    article,
    entry: document.querySelector(`[data-table="${CSS.escape(article.id)}"]`),
    text: $("h3, .description", article).map(lower).join(" ").replace(". ", "."),
    rows: $("tbody tr", article).map((row) => ({ row, text: $("th, td.text", row).map(lower).join(" ") })),
  }));

  function filter() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (text) => words.every((word) => text.includes(word));
    let any = false;
    for (const { article, entry, text, rows } of tables) {
      const whole = fits(text);
      let shown = whole;
      for (const { row, text: own } of rows) {
        row.hidden = !whole && !fits(own);
        shown ||= !row.hidden;
      }
      article.hidden = entry.hidden = !shown;
      article.classList.toggle("partly", shown && !whole);
      any ||= shown;
    }
    for (const section of $("section.layer")) {
      section.hidden = !$("article", section).some((article) => !article.hidden);
    }
    for (const list of $(".contents ul:not(.pages)")) {
      list.hidden = list.previousElementSibling.hidden = !$("li", list).some((entry) => !entry.hidden);
    }
    for (const section of $("section.overview")) section.hidden = words.length > 0;
    none.hidden = any;
  }

  // what a link leads to must be there, whatever is filtered
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.closest("[hidden]")) return;
    input.value = "";
    filter();
    target.scrollIntoView();
  }

  const [graph] = $("#graph");
  function follow(node) {
    const name = node?.dataset.name;
    const near = new Set([name]);
    for (const edge of $(".edges path", graph)) {
      const { from, to } = edge.dataset;
      const touches = from === name || to === name;
      edge.classList.toggle("on", touches);
      if (touches) near.add(from).add(to);
    }
    for (const other of $(".node", graph)) other.classList.toggle("near", near.has(other.dataset.name));
    graph.classList.toggle("following", Boolean(node));
    for (const edge of $(".edges path.on", graph)) edge.parentNode.append(edge);
  }
  for (const node of $(".node", graph)) {
    node.addEventListener("pointerenter", () => follow(node));
    node.addEventListener("pointerleave", () => follow(null));
    node.addEventListener("focus", () => follow(node));
    node.addEventListener("blur", () => follow(null));
  }

  input.closest("label").hidden = false;
  input.addEventListener("input", filter);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && document.activeElement !== input) {
      event.preventDefault();
      input.focus();
    } else if (event.key === "Escape" && document.activeElement === input) {
      input.value = "";
      filter();
    }
  });
  window.addEventListener("hashchange", reveal);
  const [contents] = $(".contents");
  if (matchMedia("(max-width: 899px)").matches) contents.open = false;
  if (input.value) filter(); // a browser may fill it in again
})();
