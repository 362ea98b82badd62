// The trained network, run on one row of cells: read, encode, forward pass, answer.
"use strict";

const Net = (() => {
  // ---- arrays ------------------------------------------------------------------------------

  const opened = new WeakMap();

  /** The numbers of a packed array, in rows one behind the other. */
  function numbers(packed) {
    if (!opened.has(packed)) {
      const text = atob(packed.data);
      const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
      const kind = packed.type === "f4" ? Float32Array : Float64Array;
      opened.set(packed, Float64Array.from(new kind(bytes.buffer)));
    }
    return opened.get(packed);
  }

  /** x W, with W in rows: sums over the rows of W that belong to x. */
  function product(x, W, columns, start = 0) {
    const y = new Float64Array(columns);
    for (let i = 0; i < x.length; i++) {
      if (x[i] === 0) continue;
      const row = start + i * columns;
      for (let j = 0; j < columns; j++) y[j] += x[i] * W[row + j];
    }
    return y;
  }

  const map = (x, f) => Float64Array.from(x, f);

  // ---- activations -------------------------------------------------------------------------

  const sigmoid = (x) => 0.5 * (1 + Math.tanh(x / 2));
  const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const elu = (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x));
  const ACTIVATIONS = {
    relu: (x) => Math.max(x, 0),
    leaky_relu: (x, op) => Math.max(x, op.slope * x),
    tanh: (x) => Math.tanh(x),
    sigmoid,
    softplus,
    elu: (x, op) => elu(x, op.alpha),
    selu: (x, op) => op.scale * elu(x, op.alpha),
    silu: (x) => x * sigmoid(x),
    gelu: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    mish: (x) => x * Math.tanh(softplus(x)),
  };

  // ---- layers ------------------------------------------------------------------------------

  /** f V + d for each number: V (n,F,width), d (n,width). */
  function embedded(functions, op) {
    const [n, count, width] = op.V.shape;
    const V = numbers(op.V), d = numbers(op.d), y = new Float64Array(n * width);
    for (let i = 0; i < n; i++) {
      const own = product(functions[i], V, width, i * count * width);
      for (let j = 0; j < width; j++) y[i * width + j] = own[j] + d[i * width + j];
    }
    return y;
  }

  const LAYERS = {
    dense(x, op) {
      const b = numbers(op.b);
      return map(product(x, numbers(op.W), op.W.shape[1]), (y, j) => op.factor * y + b[j]);
    },
    affine(x, op) {
      const slope = numbers(op.slope), shift = numbers(op.shift);
      return map(x, (v, i) => v * slope[i] + shift[i]);
    },
    layer_norm(x, op) {
      const gamma = numbers(op.gamma), beta = numbers(op.beta);
      const mean = x.reduce((a, b) => a + b, 0) / x.length;
      const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
      const root = Math.sqrt(variance + op.epsilon);
      return map(x, (v, i) => ((v - mean) / root) * gamma[i] + beta[i]);
    },
    embedding(x, op) {
      const first = x.length - op.tables.length, y = Array.from(x.slice(0, first));
      op.tables.forEach((table, k) => {
        const [rows, width] = table.shape;
        const code = Math.min(Math.max(x[first + k], 0), rows - 1);
        y.push(...numbers(table).slice(code * width, (code + 1) * width));
      });
      return Float64Array.from(y);
    },
    periodic(x, op) {
      const [n, waves] = op.w.shape, w = numbers(op.w), b = numbers(op.b), functions = [];
      for (let i = 0; i < n; i++) {
        const at = (k) => Math.cos(2 * Math.PI * w[i * waves + k] * x[i] + b[i * waves + k]);
        functions.push(Float64Array.from({ length: waves }, (_, k) => at(k)));
      }
      return Float64Array.from([...embedded(functions, op), ...x]);
    },
    piecewise(x, op) {
      const [n, most] = op.V.shape, functions = [];
      for (let i = 0; i < n; i++) {
        const at = (t) => {
          if (t >= op.bins[i]) return 0;
          const low = t === 0 ? -Infinity : 0, high = t === op.bins[i] - 1 ? Infinity : 1;
          return Math.min(Math.max(x[i] - t, low), high);
        };
        functions.push(Float64Array.from({ length: most }, (_, t) => at(t)));
      }
      return Float64Array.from([...embedded(functions, op), ...x.slice(n)]);
    },
    parallel(x, op) {
      const each = op.branches.map((layers) => run(x, layers));
      if (op.join === "concat") return Float64Array.from(each.flatMap((y) => Array.from(y)));
      return map(each[0], (_, i) => each.reduce((sum, y) => sum + y[i], 0));
    },
    parametric(x, op) {
      const f = run(x, op.layers), a = numbers(op.a);
      return map(x, (v, i) => v + a[i] * (f[i] - v));
    },
  };

  function run(x, layers) {
    return layers.reduce((h, op) => {
      const activation = ACTIVATIONS[op.op];
      return activation ? map(h, (v) => activation(v, op)) : LAYERS[op.op](h, op);
    }, x);
  }

  // ---- scalers -----------------------------------------------------------------------------

  /** The piecewise linear function through (xs, ys), level beyond its ends. */
  function interpolated(x, xs, ys) {
    const last = xs.length - 1;
    let low = -1, high = xs.length; // xs[low] ≤ x < xs[high]
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] <= x) low = middle;
      else high = middle;
    }
    if (low < 0) return ys[0];
    if (low >= last) return ys[last];
    return ys[low] + ((ys[low + 1] - ys[low]) / (xs[low + 1] - xs[low])) * (x - xs[low]);
  }

  const reversed = (x, sign) => Float64Array.from(x, (v) => sign * v).reverse();
  const clamp = (k, count) => Math.min(Math.max(k, 0), count - 1);
  const at = (packed, i) => numbers(packed)[i];
  const hypotenuse = (z, clip) => z / Math.hypot(1, z / clip);
  const SCALERS = {
    none: { apply: (x) => x, invert: (y) => y },
    standard: {
      apply: (x, s, i) => (x - at(s.mean, i)) / at(s.scale, i),
      invert: (y, s, i) => y * at(s.scale, i) + at(s.mean, i),
    },
    clipped: {
      apply: (x, s, i) => SCALERS.standard.apply(x, s, i),
      invert: (y, s, i) =>
        Math.min(Math.max(SCALERS.standard.invert(y, s, i), at(s.low, i)), at(s.high, i)),
    },
    log: {
      apply: (x, s, i) => (Math.log(x) - at(s.mean, i)) / at(s.scale, i),
      invert: (y, s, i) =>
        Math.exp(Math.min(y * at(s.scale, i) + at(s.mean, i), Math.log(Number.MAX_VALUE))),
    },
    minmax: {
      apply: (x, s, i) => (x - at(s.low, i)) / at(s.span, i),
      invert: (y, s, i) => y * at(s.span, i) + at(s.low, i),
    },
    robust: {
      apply(x, s, i) {
        const z = (x - at(s.center, i)) * at(s.factor, i);
        return s.clip === "none" ? z : hypotenuse(z, s.clip);
      },
      invert(y, s, i) {
        let z = y;
        if (s.clip !== "none") {
          const bounded = Math.min(Math.max(y / s.clip, -0.999), 0.999);
          z = (s.clip * bounded) / Math.sqrt(1 - bounded ** 2);
        }
        const factor = at(s.factor, i);
        return (factor > 0 ? z / factor : 0) + at(s.center, i);
      },
    },
    quantile: {
      apply(x, s, i) {
        const knots = numbers(s.knots[i]), scores = numbers(s.scores);
        const up = interpolated(x, knots, scores);
        return (up - interpolated(-x, reversed(knots, -1), scores)) / 2;
      },
      invert: (y, s, i) => interpolated(y, numbers(s.scores), numbers(s.knots[i])),
    },
    bins: {
      apply(x, s, i) {
        const edges = numbers(s.edges[i]);
        const k = clamp(edges.filter((edge) => edge <= x).length - 1, edges.length - 1);
        return k + (x - edges[k]) / (edges[k + 1] - edges[k]);
      },
      invert(y, s, i) {
        const edges = numbers(s.edges[i]), k = clamp(Math.floor(y), edges.length - 1);
        return edges[k] + (y - k) * (edges[k + 1] - edges[k]);
      },
    },
  };

  // ---- cells -------------------------------------------------------------------------------

  const quoted = (text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");

  /** The number that a cell is; NaN where it is none. */
  function numberOf(word, reading) {
    const mark = reading.thousands;
    const sign = mark === " " ? "[ \\u00a0\\u202f]" : mark && quoted(mark);
    const whole = mark ? `(?:[0-9]{1,3}(?:${sign}[0-9]{3})+|[0-9]+)` : "[0-9]+";
    const form = new RegExp(
      `^([+-]?)(${whole})?(?:${quoted(reading.decimal)}([0-9]*))?([eE][+-]?[0-9]+)?$`
    );
    const found = form.exec(word);
    if (!found || !(found[2] || found[3])) return NaN;
    const digits = (found[2] || "").replace(/[^0-9]/g, "") || "0";
    const value = Number(`${found[1]}${digits}.${found[3] || "0"}${found[4] || ""}`);
    return Number.isFinite(value) ? value : NaN;
  }

  /** +1 for yes, −1 for no, NaN for any other word. */
  function truthOf(word, reading) {
    const value = numberOf(word, reading);
    if (value === 1 || value === 0) return 2 * value - 1;
    const meant = word.toLowerCase();
    return Object.hasOwn(reading.truth, meant) ? reading.truth[meant] : NaN;
  }

  const DIRECTIVES = {
    Y: "([0-9]{4})", y: "([0-9]{2})", m: "([0-9]{1,2})", b: "([A-Za-z]{3,9})", d: "([0-9]{1,2})",
    H: "([0-9]{1,2})", M: "([0-9]{2})", S: "([0-9]{2}(?:\\.[0-9]{1,9})?)",
    z: "(Z|[+-][0-9]{2}:?[0-9]{2})",
  };
  const MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august",
    "september", "october", "november", "december"];

  /** Days since 1970-01-01 with their fraction; NaN for what is no date of this format. */
  function daysOf(word, format) {
    const letters = [];
    const form = format.split(/%(.)/).map((part, i) => {
      if (i % 2 === 0) return quoted(part);
      letters.push(part);
      return DIRECTIVES[part];
    });
    const found = new RegExp(`^${form.join("")}$`).exec(word);
    if (!found) return NaN;
    const part = Object.fromEntries(letters.map((letter, i) => [letter, found[i + 1]]));
    let year = Number(part.Y ?? part.y);
    if (part.Y === undefined) year += year >= 69 ? 1900 : 2000;
    const named = (month) => MONTHS.findIndex((m) => m === month || m.slice(0, 3) === month);
    const month = part.b ? named(part.b.toLowerCase()) : Number(part.m ?? 1) - 1;
    const [day, hour, minute] = [part.d ?? 1, part.H ?? 0, part.M ?? 0].map(Number);
    const date = new Date(0);
    date.setUTCFullYear(year, month, day);
    const fits = date.getUTCMonth() === month && date.getUTCDate() === day && month >= 0;
    const seconds = Number(part.S ?? 0);
    if (!fits || year < 1 || hour > 23 || minute > 59 || seconds >= 60) return NaN;
    let zone = 0;
    if (part.z && part.z !== "Z") {
      zone = Number(part.z.slice(1, 3)) * 60 + Number(part.z.slice(-2));
      if (part.z[0] === "-") zone = -zone;
    }
    return date.getTime() / 864e5 + (hour * 60 + minute - zone) / 1440 + seconds / 86400;
  }

  /** The share of a cycle that is over. */
  const CYCLES = {
    "day of year"(days) {
      const day = Math.floor(days), year = new Date(day * 864e5).getUTCFullYear();
      const start = (y) => new Date(0).setUTCFullYear(y, 0, 1) / 864e5;
      return (day - start(year)) / (start(year + 1) - start(year));
    },
    weekday: (days) => ((((Math.floor(days) + 3) % 7) + 7) % 7) / 7,
    hour: (days) => Math.round((days - Math.floor(days)) * 864e5) / 864e5,
  };

  // ---- from a row to an answer ---------------------------------------------------------------

  /** The inputs of one part of a model: numbers, days, gaps, dates, yes and no, categories. */
  function encoded(part, row, reading) {
    const word = (name) => {
      const text = String(row[name] ?? "").trim();
      return reading.missing.includes(text) ? null : text;
    };
    const number = (name) => (word(name) === null ? NaN : numberOf(word(name), reading));
    const days = (one) => (word(one.name) === null ? NaN : daysOf(word(one.name), one.format));
    const gap = (name) => Number(word(name) === null);
    const elapsed = part.dates.filter((one) => one.elapsed);
    const raw = [...part.numeric.map(number), ...elapsed.map((one) => days(one) - one.origin)];
    const impute = numbers(part.impute), scaler = SCALERS[part.scaler.name];
    const x = raw.map((v, i) => scaler.apply(Number.isNaN(v) ? impute[i] : v, part.scaler, i));
    x.push(...part.indicators.map(gap));
    for (const one of part.dates) {
      const day = days(one);
      for (const cycle of one.cycles) {
        const angle = 2 * Math.PI * CYCLES[cycle](day);
        x.push(...(Number.isNaN(day) ? [0, 0] : [Math.sin(angle), Math.cos(angle)]));
      }
      if (one.missing) x.push(gap(one.name));
    }
    for (const one of part.flags) {
      const said = word(one.name) === null ? NaN : truthOf(word(one.name), reading);
      x.push(Number.isNaN(said) ? 0 : said);
      if (one.missing) x.push(gap(one.name));
    }
    const slot = (one) => {
      if (word(one.name) === null) return one.missing ? one.levels.length : -1;
      return one.levels.indexOf(word(one.name));
    };
    for (const one of part.one_hot) {
      const own = slot(one);
      if (one.signed) x.push([-1, 1, 0][own < 0 ? 2 : own], Number(own < 0));
      else {
        const width = one.levels.length + Number(one.missing) + 1;
        for (let i = 0; i < width; i++) x.push(Number(i === (own < 0 ? width - 1 : own)));
      }
    }
    x.push(...part.coded.map((one) => slot(one) + 1));
    return Float64Array.from(x);
  }

  function softmax(z) {
    const top = Math.max(...z), e = map(z, (v) => Math.exp(v - top));
    const sum = e.reduce((a, b) => a + b, 0);
    return map(e, (v) => v / sum);
  }

  /** What scores stand for; of quantiles one list after another. */
  function linked(z, link, levels) {
    switch (link.name) {
      case "softmax": return softmax(z);
      case "sigmoid": return map(z, sigmoid);
      case "two": return Float64Array.from([sigmoid(-z[0]), sigmoid(z[0])]);
      case "exp": return map(z, (v) => Math.exp(Math.min(v, link.highest)));
      case "sort": {
        const sorted = [];
        for (let i = 0; i < z.length; i += levels)
          sorted.push(...Array.from(z.slice(i, i + levels)).sort((a, b) => a - b));
        return Float64Array.from(sorted);
      }
      default: return z;
    }
  }

  /** Probabilities with the temperature and the share for doubt. */
  function calibrated(p, { temperature, mix }) {
    const logs = map(p, (v) => Math.log(Math.max(v, 5e-324)) / temperature);
    return map(softmax(logs), (v) => (1 - mix) * v + mix / p.length);
  }

  /** The numbers that `bpcli predict` writes for a row {column: cell}, in their order. */
  function predict(model, row) {
    const levels = model.levels.length || 1, each = [];
    for (const part of model.parts) {
      const x = encoded(part, row, model.reading);
      for (const network of part.networks) {
        const y = linked(run(x, network), model.link, levels);
        const own = part.target;
        each.push(own ? map(y, (v, k) =>
          SCALERS[own.name].invert(v, own, Math.floor(k / levels))) : y);
      }
    }
    const mean = map(each[0], (_, k) => each.reduce((sum, y) => sum + y[k], 0) / each.length);
    if (model.calibration.temperature === undefined) return Array.from(mean);
    if (model.kind === "classes") return Array.from(calibrated(mean, model.calibration));
    return Array.from(mean, (p) => calibrated([1 - p, p], model.calibration)[1]);
  }

  /** The class that is answered. */
  function answer(model, numbers) {
    if (model.threshold !== null) return model.answers[Number(numbers[1] > model.threshold)];
    return model.answers[numbers.indexOf(Math.max(...numbers))];
  }

  return { predict, answer, numberOf, daysOf };
})();
