// The what-if form: a field for each column, and the answer of the network to what they say.
(() => {
  const holder = document.getElementById("network");
  if (!holder) return;
  const model = JSON.parse(holder.textContent);
  const form = document.getElementById("row"), answer = document.getElementById("answer");
  const fields = new Map();

  function element(name, text, parent) {
    const one = document.createElement(name);
    if (text !== undefined) one.textContent = text;
    if (parent) parent.append(one);
    return one;
  }

  function choice(words, gap) {
    const select = element("select");
    for (const [value, shown] of [...words.map((w) => [w, w]), ...gap])
      element("option", shown, select).value = value;
    return select;
  }

  /** A date of the column's format; the parts that a day does not tell are the first ones. */
  function written(days, format) {
    const date = new Date(Math.floor(days) * 864e5), two = (n) => String(n).padStart(2, "0");
    const parts = {
      Y: String(date.getUTCFullYear()).padStart(4, "0"), y: two(date.getUTCFullYear() % 100),
      m: two(date.getUTCMonth() + 1), d: two(date.getUTCDate()), H: "00", M: "00", S: "00", z: "Z",
      b: date.toLocaleString("en", { month: "short", timeZone: "UTC" }),
    };
    return format.replace(/%(.)/g, (_, letter) => parts[letter]);
  }

  const other = (levels) => {
    let word = "?";
    while (levels.includes(word) || model.reading.missing.includes(word)) word += "?";
    return word;
  };
  const missing = model.reading.missing[0] ?? "";
  for (const column of model.columns) {
    const label = element("label", column.name, form);
    let field;
    if (column.kind === "category")
      field = choice(column.levels, [[other(column.levels), "(another)"], [missing, "(missing)"]]);
    else if (column.kind === "flag") field = choice(["yes", "no"], [[missing, "(missing)"]]);
    else {
      field = element("input");
      field.autocomplete = "off";
      field.value = column.kind === "date" ? written(column.start, column.format)
        : String(Number(column.start.toPrecision(6))).replace(".", model.reading.decimal);
      if (column.kind === "number") field.inputMode = "decimal";
    }
    label.append(field);
    fields.set(column, field);
  }

  /** Whether a cell can be read; a missing one can. */
  function readable(column, text) {
    if (model.reading.missing.includes(text.trim())) return true;
    if (column.kind === "number") return !Number.isNaN(Net.numberOf(text.trim(), model.reading));
    return column.kind !== "date" || !Number.isNaN(Net.daysOf(text.trim(), column.format));
  }

  function shown(value) {
    return Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-3)
      ? value.toExponential(3) : String(Number(value.toPrecision(5)));
  }

  function bar(name, share) {
    const line = element("div", undefined, answer);
    line.className = "bar";
    element("span", name, line);
    element("i", undefined, element("span", undefined, line)).style.width = `${100 * share}%`;
    element("span", shown(share), line);
  }

  function update() {
    const row = Object.fromEntries(model.columns.map((c) => [c.name, fields.get(c).value]));
    let wrong = 0;
    for (const [column, field] of fields) {
      const fine = readable(column, field.value);
      field.setAttribute("aria-invalid", String(!fine));
      wrong += Number(!fine);
    }
    answer.replaceChildren();
    if (wrong) {
      element("h3", "A cell cannot be read", answer);
      return;
    }
    const found = Net.predict(model, row);
    if (model.kind === "numbers") {
      const levels = model.levels.length || 1;
      model.answers.forEach((name, i) => {
        const own = found.slice(i * levels, (i + 1) * levels).map(shown);
        const said = model.levels.map((level, k) => `${own[k]} (${level})`).join("  ");
        element("h3", `${name}: ${said || own[0]}`, answer);
      });
      return;
    }
    if (model.kind === "classes") element("h3", Net.answer(model, found), answer);
    model.answers.forEach((name, i) => bar(name, found[i]));
  }

  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
})();
