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
    rows: $("tbody tr", article).map((row) => ({ row, text: [...row.cells].slice(0, 2).map(lower).join(" ") })),
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
      any ||= shown;
    }
    for (const section of $("section.layer")) {
      section.hidden = !$("article", section).some((article) => !article.hidden);
    }
    for (const list of $(".contents ul:not(.pages)")) {
      list.hidden = list.previousElementSibling.hidden = !$("li", list).some((entry) => !entry.hidden);
    }
    for (const part of $(".overview")) part.hidden = words.length > 0;
    none.hidden = any;
    if (words.length) (any ? $("article.table:not([hidden])")[0] : none).scrollIntoView();
  }

  // what a link leads to must be there, whatever is filtered
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.closest("[hidden]")) return;
    input.value = "";
    filter();
    target.scrollIntoView();
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
