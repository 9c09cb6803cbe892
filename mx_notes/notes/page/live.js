"use strict";
// The parts of the page to play with. Their state stands in the address after the #, as a link to share:
// #softmax=1,5,3&true=1&mu=0.9&rate=0.03

const byId = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const svg = ["g", "path", "polyline", "circle", "line", "text"].includes(name);
  const node = document.createElementNS(svg ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// A number for the eye; the whole of it goes into the data-value attribute.
function digits(x, count) {
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const tiny = Math.abs(x) < 1e-5 || Math.abs(x) >= 1e6;
  const text = tiny ? x.toExponential(count - 1).replace("e", "×10^") : String(Number(x.toPrecision(count)));
  const superscript = (power) => [...power].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)] ?? "").join("");
  return text.replace(/\^(.*)/, (_, power) => superscript(power)).replace("-", "−");
}

function show(output, value, count) {
  output.textContent = digits(value, count);
  output.dataset.value = value;
}

function fromAddress() {
  return new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
}

function toAddress(changes) {
  const state = fromAddress();
  for (const [key, value] of Object.entries(changes)) state.set(key, value);
  history.replaceState(null, "", "#" + [...state].map((pair) => pair.join("=")).join("&"));
}

// Softmax

function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = logits.map((z) => Math.exp(z - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

function naiveSoftmax(logits) {
  const powers = logits.map(Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

// -ln p of the true class, by the sum of powers: p itself may be too small for a number.
function loss(logits, trueClass) {
  const largest = Math.max(...logits);
  const sum = logits.map((z) => Math.exp(z - largest)).reduce((a, b) => a + b);
  return Math.log(sum) - (logits[trueClass] - largest);
}

function gradient(logits, trueClass) {
  return softmax(logits).map((p, i) => (i === trueClass ? p - 1 : p));
}

function softmaxPart() {
  const field = byId("softmax-logits");
  let logits = [1, 5, 3];
  let trueClass = 1;

  function parse() {
    const words = field.value.split(/[\s,;]+/).filter(Boolean);
    const wrong = words.find((word) => !Number.isFinite(Number(word)));
    if (wrong !== undefined) return `“${wrong}” is not a number.`;
    if (words.length < 2 || words.length > 12) return "Two to twelve numbers are needed.";
    logits = words.map(Number);
    return "";
  }

  function draw() {
    trueClass = Math.min(trueClass, logits.length - 1);
    const p = softmax(logits);
    const g = gradient(logits, trueClass);
    byId("softmax-rows").replaceChildren(...logits.map((z, i) => row(z, i, p[i], g[i])));
    show(byId("softmax-loss"), loss(logits, trueClass), 6);
    const naive = naiveSoftmax(logits);
    const output = byId("softmax-naive");
    output.textContent = naive.map((value) => digits(value, 4)).join(", ");
    output.dataset.value = naive.join(" ");
    output.classList.toggle("broken", naive.some(Number.isNaN));
  }

  function row(z, i, p, g) {
    const radio = element("input", { type: "radio", name: "softmax-true", value: i });
    radio.checked = i === trueClass;
    radio.addEventListener("change", () => {
      trueClass = i;
      update();
      byId("softmax-rows").querySelector("input:checked").focus();
    });
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, element("label", {}, radio, ` ${digits(z, 6)}`)),
      bar(`softmax-probability-${i}`, p, "probability"),
      bar(`softmax-gradient-${i}`, g, g < 0 ? "pull" : "push"),
    );
  }

  function bar(id, value, kind) {
    const number = element("output", { id });
    show(number, value, 6);
    const length = element("span", { class: `bar ${kind}`, style: `width: ${100 * Math.abs(value)}%` });
    return element("td", {}, number, element("span", { class: "track", "aria-hidden": "true" }, length));
  }

  function update() {
    const problem = parse();
    byId("softmax-problem").textContent = problem;
    field.setAttribute("aria-invalid", problem !== "");
    if (problem) return;
    draw();
    toAddress({ softmax: logits.join(","), true: trueClass });
  }

  const changes = {
    note: () => [1, 5, 3],
    double: () => logits.map((z) => 2 * z),
    add: () => logits.map((z) => z + 1000),
  };
  for (const button of document.querySelectorAll("#live-softmax button")) {
    button.addEventListener("click", () => {
      field.value = changes[button.dataset.change]().join(", ");
      update();
    });
  }
  field.addEventListener("input", update);

  return function restore() {
    const state = fromAddress();
    if (state.has("softmax")) field.value = state.get("softmax").split(",").join(", ");
    if (/^\d+$/.test(state.get("true") ?? "")) trueClass = Number(state.get("true"));
    byId("softmax-problem").textContent = parse();
    draw();
  };
}

// Momentum

const STEPS = 60;

// The points of v = mu v - rate grad, w = w + v on f(x, y) = (x² + 25 y²) / 2 from (-8, 2).
function descend(mu, rate, steps) {
  let [x, y, vx, vy] = [-8, 2, 0, 0];
  const points = [[x, y]];
  for (let step = 0; step < steps; step++) {
    vx = mu * vx - rate * x;
    vy = mu * vy - rate * (25 * y);
    x += vx;
    y += vy;
    points.push([x, y]);
  }
  return points;
}

function momentumPart() {
  const mu = byId("momentum-mu");
  const rate = byId("momentum-rate");
  const distances = (points) => points.map(([x, y]) => Math.hypot(x, y));

  function drawPath(group, points) {
    // Far outside, a path only has to leave the picture.
    const inside = (value) => Math.max(-60, Math.min(60, value));
    const seen = points.map(([x, y]) => [inside(x), -inside(y)]);
    const dots = seen.map(([cx, cy]) => element("circle", { cx, cy, r: 0.09 }));
    group.replaceChildren(element("polyline", { points: seen.join(" ") }), ...dots);
  }

  function drawDistances(chart, curves) {
    const width = chart.clientWidth || 360; // so that a unit is a pixel, and text as large as elsewhere
    chart.setAttribute("viewBox", `0 0 ${width} 170`);
    const [left, right, top, bottom] = [42, width - 10, 12, 132];
    const x = (step) => left + ((right - left) * step) / STEPS;
    const y = (distance) => {
      const power = Math.max(-6, Math.min(2, Math.log10(distance)));
      return top + ((2 - power) / 8) * (bottom - top);
    };
    const parts = [];
    for (const [power, label] of [[2, "100"], [0, "1"], [-2, "0.01"], [-4, "10⁻⁴"], [-6, "10⁻⁶"]]) {
      const height = y(10 ** power);
      parts.push(element("line", { class: "grid", x1: left, x2: right, y1: height, y2: height }));
      parts.push(element("text", { x: left - 6, y: height + 4, "text-anchor": "end" }, label));
    }
    for (const step of [0, 20, 40, 60]) {
      parts.push(element("text", { x: x(step), y: bottom + 16, "text-anchor": "middle" }, step));
    }
    parts.push(element("text", { x: (left + right) / 2, y: bottom + 33, "text-anchor": "middle" }, "distance to the minimum after each step"));
    for (const [kind, values] of curves) {
      parts.push(element("polyline", { class: kind, points: values.map((value, step) => [x(step), y(value)]).join(" ") }));
    }
    chart.replaceChildren(...parts);
  }

  function draw() {
    const heavy = descend(Number(mu.value), Number(rate.value), STEPS);
    const plain = descend(0, Number(rate.value), STEPS);
    byId("momentum-mu-value").textContent = Number(mu.value).toFixed(2);
    byId("momentum-rate-value").textContent = Number(rate.value).toFixed(3);
    for (const [name, points] of [["plain", plain], ["heavy", heavy]]) {
      drawPath(document.querySelector(`#momentum-bowl .${name}`), points);
      const output = byId(`momentum-${name}`);
      show(output, distances(points)[STEPS], 4);
      output.dataset.end = points[STEPS].join(" ");
    }
    drawDistances(byId("momentum-distance"), [["plain", distances(plain)], ["heavy", distances(heavy)]]);
  }

  for (const slider of [mu, rate]) {
    slider.addEventListener("input", draw);
    // Browsers limit how often the address may change: not at every pixel of a drag.
    slider.addEventListener("change", () => toAddress({ mu: mu.value, rate: rate.value }));
  }

  addEventListener("resize", draw);

  return function restore() {
    const state = fromAddress();
    if (state.has("mu")) mu.value = state.get("mu");
    if (state.has("rate")) rate.value = state.get("rate");
    draw();
  };
}

const parts = [["live-softmax", "softmax", softmaxPart], ["live-momentum", "mu", momentumPart]];
for (const [id, key, part] of parts) {
  if (!byId(id)) continue;
  const restore = part();
  restore();
  addEventListener("hashchange", restore);
  if (fromAddress().has(key)) byId(id).scrollIntoView();
}
