"use strict";
(() => {
  const model = JSON.parse(document.getElementById("model").textContent);
  const values = model.variables.map(() => null); // null until the reader gives a value: no result is shown before
  const $ = (id) => document.getElementById(id);
  let current = null; // the predictor that was changed last

  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  };

  // The model ------------------------------------------------------------------------------------------------------

  const cube = (x) => Math.max(x, 0) ** 3;
  const spline = (x, index, knots) => {
    const [last, before] = [knots[knots.length - 1], knots[knots.length - 2]];
    const knot = knots[index - 1];
    const kept = cube(x - knot) - (cube(x - before) * (last - knot)) / (last - before) + (cube(x - last) * (before - knot)) / (last - before);
    return kept / (last - knots[0]) ** 2;
  };
  const functions = {
    linear: (x) => x,
    level: (x, factor) => (String(x) === factor.level ? 1 : 0),
    spline: (x, factor) => spline(x, factor.numbers[0], factor.numbers.slice(1)),
    power: (x, factor) => x ** factor.numbers[0],
    log: (x, factor) => Math.log(x + factor.numbers[0]),
    sqrt: (x, factor) => Math.sqrt(x + factor.numbers[0]),
    logit: (x, factor) => {
      const p = Math.min(Math.max(x, factor.numbers[0]), 1 - factor.numbers[0]);
      return Math.log(p / (1 - p));
    },
  };
  const column = (term) => term.factors.reduce((product, factor) => product * functions[factor.function](values[factor.variable], factor), 1);
  const probabilityAt = (lp) => {
    if (model.link === "logit") return lp >= 0 ? 1 / (1 + Math.exp(-lp)) : Math.exp(lp) / (1 + Math.exp(lp));
    return model.link === "survival" ? model.baseline ** Math.exp(lp) : lp;
  };
  const pointsOf = (group) => {
    if (group.members.some((i) => values[i] === null)) return null;
    const own = model.terms.filter((term) => term.factors.every((factor) => group.members.includes(factor.variable)));
    return (own.reduce((sum, term) => sum + term.coef * column(term), 0) - group.low) * model.pointsPerUnit;
  };
  const predict = () => {
    const design = [1, ...model.terms.map(column)];
    const lp = model.terms.reduce((sum, term, j) => sum + term.coef * design[j + 1], model.intercept);
    const answer = { lp, probability: probabilityAt(lp), total: (lp - model.lpAtZero) * model.pointsPerUnit };
    if (model.covariance) {
      let variance = 0;
      model.covariance.forEach((row, i) => row.forEach((entry, j) => { variance += design[i] * entry * design[j]; }));
      const half = model.z * Math.sqrt(Math.max(variance, 0));
      [answer.low, answer.high] = [probabilityAt(lp - half), probabilityAt(lp + half)].sort((a, b) => a - b);
    }
    return answer;
  };

  // Words ----------------------------------------------------------------------------------------------------------

  const isShare = model.link !== "identity";
  const percent = (p) => (p < 0.01 ? "<1%" : p > 0.99 ? ">99%" : `${Math.round(100 * p)}%`);
  const finest = (x) => (Math.abs(x) < 0.05 ? 0 : x).toFixed(1).replace("-", "\u2212");
  const shown = (x) => (isShare ? percent(x) : Number(x.toPrecision(3)).toString().replace("-", "\u2212"));
  const given = (i) => {
    const variable = model.variables[i];
    if (values[i] === null) return "not given";
    if (variable.levels) return variable.levels.find((level) => level.value === values[i]).label;
    return `${String(values[i]).replace("-", "\u2212")}${variable.unit ? ` ${variable.unit}` : ""}`;
  };
  const outside = (i) => {
    const variable = model.variables[i];
    if (variable.levels || values[i] === null || (values[i] >= variable.low && values[i] <= variable.high)) return "";
    const tidy = (x) => Number(x.toPrecision(4));
    return `Outside the range of the patients that the model was made from, ${tidy(variable.low)} to ${tidy(variable.high)}: the model extrapolates.`;
  };

  // Fields ---------------------------------------------------------------------------------------------------------

  const fields = model.variables.map((variable, i) => (variable.levels ? choiceField(variable, i) : numberField(variable, i)));

  function frame(variable, i, ...content) {
    const unit = variable.unit ? [" ", element("span", { class: "unit" }, variable.unit)] : [];
    const legend = element("legend", {}, variable.label, ...unit);
    const help = variable.help ? [element("p", { class: "help", id: `help-${i}` }, variable.help)] : [];
    const set = element("fieldset", {}, legend, ...content, ...help);
    $("fields").append(set);
    return set;
  }
  function choiceField(variable, i) {
    const radios = variable.levels.map((level, j) => {
      const radio = element("input", { type: "radio", name: `predictor-${i}`, value: String(j), "aria-describedby": variable.help ? `help-${i}` : undefined });
      radio.addEventListener("change", () => set(i, level.value));
      return radio;
    });
    frame(variable, i, element("div", { class: "choices" }, ...radios.map((radio, j) => element("label", {}, radio, variable.levels[j].label))));
    return { clear: () => radios.forEach((radio) => { radio.checked = false; }), warn: () => {} };
  }
  function numberField(variable, i) {
    const about = [`warning-${i}`, ...(variable.help ? [`help-${i}`] : [])].join(" ");
    const label = variable.label + (variable.unit ? `, ${variable.unit}` : "");
    const slider = element("input", { type: "range", min: variable.min, max: variable.max, step: variable.step, class: "unset", "aria-label": `${label}, slider`, "aria-valuetext": "not given" });
    const box = element("input", { type: "number", step: "any", inputmode: "decimal", "aria-label": label, "aria-describedby": about });
    const middle = String(variable.min + Math.round((variable.max - variable.min) / variable.step / 2) * variable.step);
    const warning = element("p", { class: "outside", id: `warning-${i}` });
    const limit = (x) => (variable.lowest !== null && x < variable.lowest) || (variable.highest !== null && x > variable.highest);
    const limits = variable.lowest === null ? `at most ${variable.highest}` : variable.highest === null ? `at least ${variable.lowest}` : `from ${variable.lowest} to ${variable.highest}`;
    slider.value = middle;
    slider.addEventListener("input", () => {
      box.value = String(Number(Number(slider.value).toPrecision(12)));
      take(Number(box.value));
    });
    // A slider in its starting place does not move when it is pressed there: a click takes the value that it shows.
    slider.addEventListener("click", () => { if (values[i] === null) slider.dispatchEvent(new Event("input")); });
    box.addEventListener("input", () => {
      const typed = box.value.trim() === "" ? NaN : Number(box.value);
      if (Number.isFinite(typed) && !limit(typed)) {
        slider.value = String(typed);
        take(typed);
      } else {
        take(null, Number.isFinite(typed) ? `Impossible: the value must be ${limits}.` : "");
      }
    });
    function take(value, why = "") {
      slider.classList.toggle("unset", value === null);
      slider.setAttribute("aria-valuetext", value === null ? "not given" : `${value}${variable.unit ? ` ${variable.unit}` : ""}`);
      set(i, value);
      warning.textContent = why || outside(i);
      box.toggleAttribute("aria-invalid", Boolean(why));
    }
    const ends = element("div", { class: "ends", "aria-hidden": "true" }, element("span", {}, String(variable.min)), element("span", {}, String(variable.max)));
    frame(variable, i, element("div", { class: "number" }, slider, box, ends), warning);
    return { clear: () => { box.value = ""; slider.value = middle; take(null); } };
  }

  // Result ---------------------------------------------------------------------------------------------------------

  let saying = 0;
  function set(i, value) {
    values[i] = value;
    current = value === null ? null : i;
    update();
  }
  function update() {
    const points = model.groups.map(pointsOf);
    const missing = model.variables.filter((_, i) => values[i] === null).length;
    const answer = missing ? null : predict();
    const computed = answer !== null && Number.isFinite(answer.probability);
    const warnings = [];
    model.variables.forEach((variable, i) => { if (outside(i)) warnings.push(`${variable.label}: ${outside(i)}`); });
    $("probability").className = computed ? "" : "waiting";
    $("interval").textContent = $("plain").textContent = "";
    $("scale").className = computed && isShare ? "" : "empty";
    for (const key of ["value", "low", "high", "total"]) delete $("answer").dataset[key];
    let words;
    if (!computed) {
      words = missing
        ? `Give all predictors to see the result: ${model.variables.length - missing} of ${model.variables.length} given.`
        : "These values have no result: the model's formula is not defined for them.";
      $("probability").textContent = words;
    } else {
      $("probability").textContent = shown(answer.probability);
      Object.assign($("answer").dataset, { value: answer.probability, total: answer.total });
      words = `${shown(answer.probability)}`;
      if (answer.low !== undefined) {
        Object.assign($("answer").dataset, { low: answer.low, high: answer.high });
        $("interval").textContent = `${100 * model.level}% confidence interval ${shown(answer.low)} to ${shown(answer.high)}`;
        words += `, ${$("interval").textContent}`;
      } else {
        $("interval").textContent = "The model comes without a confidence interval.";
      }
      if (isShare) {
        const of = Math.round(100 * answer.probability);
        $("plain").textContent = `Of 100 patients with these findings about ${of} would be expected ${model.link === "survival" ? "to stay free of" : "to have"} the outcome \u201c${model.outcome}\u201d.`;
        $("mark").style.left = `${100 * answer.probability}%`;
        $("band").style.left = `${100 * (answer.low ?? answer.probability)}%`;
        $("band").style.width = `${100 * ((answer.high ?? answer.probability) - (answer.low ?? answer.probability))}%`;
      }
      if (answer.lp < model.lpRange[0] || answer.lp > model.lpRange[1]) {
        warnings.push("Together these values give a result beyond that of every patient that the model was made from.");
      }
    }
    $("warnings").replaceChildren(...warnings.map((text) => element("li", {}, text)));
    $("points").replaceChildren(...model.groups.map((group, g) => element("tr", {},
      element("th", { scope: "row" }, group.label),
      element("td", {}, group.members.map(given).join(", ")),
      element("td", { "data-points": points[g] ?? "" }, points[g] === null || !Number.isFinite(points[g]) ? "\u2013" : finest(points[g])))));
    $("total").textContent = computed ? finest(answer.total) : "\u2013";
    draw(points, computed ? answer : null);
    // A moving slider would interrupt a screen reader with every step: it hears where the value comes to rest.
    clearTimeout(saying);
    saying = setTimeout(() => { $("said").textContent = [words, ...warnings].join(" "); }, 400);
  }

  // Drawing --------------------------------------------------------------------------------------------------------

  const NS = "http://www.w3.org/2000/svg";
  const pen = document.createElement("canvas").getContext("2d");
  const breadth = (text) => { pen.font = "12px system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"; return pen.measureText(text).width; };
  const shape = (name, attributes, text) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const sameSettings = (axis) => axis.settings.every((setting) => values[setting.variable] === setting.value);

  function draw(points, answer) {
    const width = Math.max(280, $("canvas").clientWidth);
    const wide = width > 620;
    const [left, right] = [wide ? 236 : 14, width - (wide ? 58 : 40)];
    const totalEnd = model.totalTicks[model.totalTicks.length - 1].at;
    const at = (x, end) => left + ((right - left) * x) / end;
    const back = shape("g", {}), front = shape("g", {});
    let y = wide ? 26 : 42;
    const rows = [];
    const label = (name, above) => {
      if (wide) {
        lines(name, left - 46).forEach((line, k, all) => back.append(shape("text", { class: "name", x: 0, y: y + 4 + 15 * (k - (all.length - 1) / 2) }, line)));
      } else {
        front.append(shape("text", { class: "name halo", x: 0, y: y - 22 - 14 * above }, name));
      }
    };
    const scale = (name, ticks, end, named) => {
      const places = place(ticks.map((tick) => ({ ...tick, x: at(tick.at, end) })), named, width);
      y += 14 * places.above;
      label(name, places.above);
      const low = Math.min(...ticks.map((tick) => tick.at)), high = Math.max(...ticks.map((tick) => tick.at));
      back.append(shape("line", { class: "line", x1: at(low, end), x2: at(high, end), y1: y, y2: y }));
      for (const tick of places.ticks) {
        const side = tick.track < 0 ? -1 : 1;
        back.append(shape("line", { class: "tick", x1: tick.x, x2: tick.x, y1: y, y2: y + 6 * side }));
        if (tick.track !== 0) {
          const drop = side > 0 ? 4 + 14 * tick.track : -10 - 14 * (-tick.track - 1);
          front.append(shape("text", { class: "halo", x: tick.place, y: y + drop, "text-anchor": "middle" }, tick.label));
        }
      }
      const row = { y, end };
      y += (wide ? 44 : 66) + 14 * Math.max(0, places.below - 1);
      return row;
    };
    const mark = (row, value, words, below) => {
      const x = Math.min(right, Math.max(left, at(value, row.end)));
      const beyond = x !== at(value, row.end);
      front.append(beyond
        ? shape("path", { class: "patient", d: x === right ? `M${x - 5},${row.y - 7}l12,7l-12,7z` : `M${x + 5},${row.y - 7}l-12,7l12,7z` })
        : shape("circle", { class: "patient", cx: x, cy: row.y, r: 7 }));
      if (words) front.append(shape("text", { class: "worth halo", x: right + 14, y: row.y + 4 }, words));
      return x;
    };
    const round = Array.from({ length: 11 }, (_, k) => ({ label: String(Number(((model.maxPoints * k) / 10).toPrecision(6))), at: (model.maxPoints * k) / 10 }));
    const top = scale("Points", round, model.maxPoints, false);
    model.axes.forEach((axis) => rows.push([axis, scale(axis.label, axis.ticks, model.maxPoints, axis.named)]));
    y += 6;
    const total = scale("Total points", model.totalTicks, totalEnd, false);
    const risk = scale(isShare ? "Probability" : "Value", model.riskTicks, totalEnd, false);
    for (const [axis, row] of rows) {
      const value = points[axis.group];
      if (value === null || !Number.isFinite(value) || !sameSettings(axis)) continue;
      const x = mark(row, value, finest(value));
      back.append(shape("line", { class: `guide${axis.variable === current ? " now" : ""}`, x1: x, x2: x, y1: top.y, y2: row.y }));
    }
    if (answer) {
      const x = mark(total, answer.total, finest(answer.total));
      mark(risk, answer.total, shown(answer.probability));
      back.append(shape("line", { class: "guide now", x1: x, x2: x, y1: total.y, y2: risk.y }));
    }
    const picture = shape("svg", { viewBox: `0 0 ${width} ${y - (wide ? 8 : 30)}`, role: "img", "aria-label": "Nomogram: axes of points, of each predictor, of total points and of the probability; the points of this patient stand in the table." });
    picture.append(back, front);
    $("canvas").replaceChildren(picture);
  }
  // Labels stand below the axis; a level that finds no room goes above or further down, a number is left out.
  function place(ticks, named, width) {
    const order = [...ticks].sort((a, b) => a.x - b.x);
    const tracks = named ? [1, -1, 2, -2, 3] : [1];
    const ends = new Map(tracks.map((track) => [track, -Infinity]));
    let above = 0, below = 1;
    for (const tick of order) {
      const half = breadth(tick.label) / 2 + (named ? 4 : 3);
      tick.place = Math.min(Math.max(tick.x, half), width - half);
      const track = tracks.find((candidate) => tick.place - half >= ends.get(candidate));
      tick.track = track ?? (named ? tracks[tracks.length - 1] : 0);
      if (tick.track !== 0) ends.set(tick.track, tick.place + half);
      above = Math.max(above, -tick.track);
      below = Math.max(below, tick.track);
    }
    return { ticks: order, above, below };
  }
  function lines(text, room) {
    const made = [""];
    for (const word of text.split(" ")) {
      const longer = made[made.length - 1] ? `${made[made.length - 1]} ${word}` : word;
      if (breadth(longer) * 1.12 > room && made[made.length - 1]) made.push(word);
      else made[made.length - 1] = longer;
    }
    return made;
  }

  // Start ----------------------------------------------------------------------------------------------------------

  $("about").textContent = (model.covariance
    ? "The confidence interval covers the uncertainty of the model's coefficients, not of the choice of its predictors, and takes the predictors as measured without error."
    : "") + (model.link === "survival" ? " The baseline is taken as known." : "");
  $("clear").addEventListener("click", () => {
    fields.forEach((field, i) => { field.clear(); values[i] = null; });
    current = null;
    update();
  });
  $("print").addEventListener("click", () => window.print());
  let drawn = 0;
  new ResizeObserver(([entry]) => {
    const breadthNow = Math.round(entry.contentRect.width);
    if (breadthNow !== drawn) { drawn = breadthNow; update(); }
  }).observe($("canvas"));
  update();
})();
