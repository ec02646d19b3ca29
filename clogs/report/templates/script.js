"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const form = document.querySelector(".filters");
  if (!form) return;

  // Facts come as columns; texts stand there once, with a place for each row.
  const facts = Object.fromEntries(Object.entries(data.facts).map(([name, columns]) => {
    const values = Object.entries(columns).map(([column, all]) =>
      [column, all.texts ? all.places.map((place) => all.texts[place]) : all]);
    const rows = (values[0]?.[1] ?? []).map((_, at) => Object.fromEntries(values.map(([column, all]) => [column, all[at]])));
    return [name, { rows, columns: new Set(Object.keys(columns)) }];
  }));

  // Figures as the terminal writes them
  const fixed = (number, digits) => number.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const money = (usd) => `${usd.toFixed(2) < 0 ? "-" : ""}$${fixed(Math.abs(usd), 2)}`;
  const scaled = (number) => {
    for (const unit of ["", " k", " M"]) {
      if (Math.round(number * 10) / 10 < 1000) return fixed(number, unit ? 1 : 0) + unit;
      number /= 1000;
    }
    return `${fixed(number, 1)} G`;
  };
  const percent = (share) => {
    if (share > 0 && share < 0.001) return "<0.1%";
    if (share > 0.999 && share < 1) return ">99.9%";
    return `${fixed(share * 100, 1)}%`.replace(".0%", "%");
  };
  const duration = (seconds) => {
    if (Math.round(seconds * 10) / 10 < 60) return `${seconds.toFixed(1)} s`;
    const whole = Math.round(seconds);
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    if (whole < 86400) return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole % 3600 / 60)).padStart(2, "0")} min`;
    return `${Math.floor(whole / 86400)} d ${Math.floor(whole % 86400 / 3600)} h`;
  };
  const weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
  const written = {
    tokens: scaled, failed_share: percent, session: (id) => id.slice(0, 8), weekday: (place) => weekdays[place],
    hour: (hour) => `${String(hour).padStart(2, "0")}:00`, block: (moment) => moment.slice(0, 16),
  };
  function cell(column, value) {
    if (value === null || value === undefined) return "–";
    if (written[column]) return written[column](value);
    if (column.endsWith("_usd")) return money(value);
    if (column.endsWith("_seconds")) return duration(value);
    if (typeof value !== "number") return value;
    return column.startsWith("median") ? fixed(value, 1) : fixed(value, 0);
  }

  // What is chosen
  function chosen() {
    const values = Object.fromEntries(new FormData(form));
    const test = [
      ["day", (row) => row.day === null || (row.day >= values.since && row.day <= values.until)],
      ["project", values.project ? (row) => row.project === values.project : null],
      ["user", values.user ? (row) => row.user === values.user : null],
    ].filter(([, passes]) => passes);
    if (values.level) {
      const days = new Map();
      for (const row of facts.activity.rows) {
        if (test.every(([, passes]) => passes(row))) days.set(row.project, (days.get(row.project) ?? new Set()).add(row.day));
      }
      const level = (project) => {
        const active = days.get(project)?.size ?? 0;
        return active >= data.levels.high ? "high" : active >= data.levels.medium ? "medium" : "low";
      };
      test.push(["project", (row) => level(row.project) === values.level]);
    }
    if (values.since <= form.since.min && values.until >= form.until.max) test.shift();
    return test;
  }

  // Sums as the page was written with: see summed() of clogs/report/facts.py
  const how = {
    days: (rows) => new Set(rows.map((row) => row.day)).size,
    last_day: (rows) => rows.reduce((last, row) => (row.day > last ? row.day : last), "") || null,
    failed_share: (rows) => { const calls = total(rows, "tool_calls"); return calls ? total(rows, "failed") / calls : null; },
  };
  const total = (rows, name) => {
    const some = rows.filter((row) => row[name] !== null);
    return some.length ? some.reduce((sum, row) => sum + row[name], 0) : null;
  };
  function measure(section, name, rows) {
    if (name === "sessions" && section.facts === "activity") return new Set(rows.map((row) => row.session)).size;
    return how[name] ? how[name](rows) : total(rows, name);
  }
  function compared(left, right) {
    if (left === right) return 0;
    if (left === null || right === null) return left === null ? 1 : -1;
    return left < right ? -1 : 1;
  }
  function summed(section, rows) {
    const groups = new Map();
    for (const row of rows) {
      const key = JSON.stringify(section.by.map((name) => row[name]));
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(row);
    }
    const found = [...groups.values()].map((group) => Object.fromEntries([
      ...section.by.map((name) => [name, group[0][name]]),
      ...section.measures.map((name) => [name, measure(section, name, group)]),
    ]));
    const largest = (left, right) =>
      (left === null || right === null ? compared(left, right) : -compared(left, right));
    found.sort((left, right) => (section.order && largest(left[section.order], right[section.order]))
      || section.by.reduce((order, name) => order || compared(left[name], right[name]), 0));
    return found.slice(0, section.limit ?? found.length);
  }

  const options = {
    mode: "vega-lite", ast: true, renderer: "svg", actions: false, defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  };
  const unit = (rows) => {
    const days = rows.map((row) => row.day).filter(Boolean).sort();
    const span = days.length ? (new Date(days.at(-1)) - new Date(days[0])) / 86400000 : 0;
    return data.units.find(([, most]) => span <= most)[0];
  };
  function draw(section, chart, rows) {
    const described = JSON.parse(JSON.stringify(section.spec).replaceAll(data.unit, unit(rows)));
    const height = section.chart === "bars" ? data.bars.step * Math.min(rows.length, data.bars.most) : described.height;
    return vegaEmbed(chart, { ...described, height, data: { values: rows } }, options);
  }

  function fill(section, part, rows) {
    const body = part.querySelector("tbody");
    body.replaceChildren(...rows.map((row) => {
      const line = document.createElement("tr");
      for (const name of [...section.by, ...section.measures]) {
        const place = line.insertCell();
        place.textContent = cell(name, row[name]);
        if (section.measures.includes(name)) place.className = "gt_right";
      }
      return line;
    }));
  }

  const parts = [...document.querySelectorAll("section.overview")].map((part) => {
    const section = data.sections[part.id];
    const entry = document.querySelector(`.sections a[href="#${part.id}"]`).parentElement;
    return { part, section, entry, chart: part.querySelector(".chart"), rows: null, drawn: null };
  });
  // A chart is drawn when it comes near; until then it is what the page was written with.
  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const each = parts.find(({ chart }) => chart === target);
      if (!isIntersecting || !each.rows.length || each.drawn === each.rows) continue;
      each.drawn = each.rows;
      draw(each.section, each.chart, each.rows);
    }
  }, { rootMargin: "400px" });

  function show({ first = false } = {}) {
    const tests = chosen();
    for (const each of parts) {
      const { rows, columns } = facts[each.section.facts];
      const fitting = tests.filter(([column]) => columns.has(column));
      each.rows = summed(each.section, rows.filter((row) => fitting.every(([, passes]) => passes(row))));
      each.part.hidden = each.entry.hidden = !each.rows.length;
      each.part.querySelector(".unfiltered").hidden = fitting.length === tests.length;
      if (!first) fill(each.section, each.part, each.rows);
      if (each.chart) {
        near.unobserve(each.chart);
        near.observe(each.chart);
      }
    }
    if (first) return;
    const active = facts.activity.rows.filter((row) => tests.every(([, passes]) => passes(row)));
    for (const name of data.cards.measures) {
      document.querySelector(`[data-card="${name}"]`).textContent = cell(name, measure(data.cards, name, active));
    }
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show));
  form.addEventListener("change", ({ target }) => {
    if (target.name === "last") {
      const until = new Date(form.until.max);
      form.until.value = form.until.max;
      until.setUTCDate(until.getUTCDate() + 1 - target.value);
      form.since.value = target.value ? until.toISOString().slice(0, 10) : form.since.min;
    }
    show();
  });
  const contents = document.querySelector(".contents");
  if (matchMedia("(max-width: 899px)").matches) contents.open = false;
  addEventListener("beforeprint", () => document.querySelectorAll("section > details").forEach((each) => { each.open = true; }));
  show({ first: true });
})();
