// Pictures of a record over time, each on a canvas of its own: rasters, shades, lines.
//
// What a picture shows of all steps is painted once, off the screen, and uncovered from
// left to right: a step costs a copy and what stands out, a frame a line that moves.

// In CSS pixels: room for labels on the left, and for half the handle on the right.
const GUTTER = 48;
const MARGIN = 8;
// A membrane that is deeper than so many times the highest one leaves the picture, which
// then says so; unless the answer is read from it.
const DEPTH = 1.5;
// Of labels of axes, in CSS pixels.
const LABEL = 11;

// Return a colour of the style sheet, as a canvas wants it.
function colorOf(name) {
  const probe = document.body;
  const before = probe.style.color;
  probe.style.color = `var(--${name})`;
  const color = getComputedStyle(probe).color;
  probe.style.color = before;
  return color;
}

const COLORS = ["text", "muted", "line", "accent", "threshold", "spike", "others", "negative"];
let palette = {};

function readColors() {
  palette = Object.fromEntries(COLORS.map((name) => [name, colorOf(name)]));
}

// Return a number in as few characters as so many digits need.
const rounded = (x, nDigits) => String(Number(x.toPrecision(nDigits)));
const brief = (x) => rounded(x, 3);

// Return a number in as many digits as there is room for.
function fitting(context, x, room) {
  const short = [1, 0].map((nDigits) => x.toExponential(nDigits).replace("+", ""));
  const texts = [brief(x), rounded(x, 2), ...short];
  return texts.find((text) => context.measureText(text).width <= room) ?? texts.at(-1);
}

// Return the smallest and the largest of some values.
const ends = (values) => values.reduce(
  ([low, high], x) => [Math.min(low, x), Math.max(high, x)], [Infinity, -Infinity]);

class Plot {
  constructor(title, height) {
    this.figure = document.createElement("figure");
    this.caption = document.createElement("figcaption");
    this.canvas = document.createElement("canvas");
    this.note = document.createElement("span");
    const name = document.createElement("b");
    name.textContent = this.title = title;
    this.caption.append(name, this.note);
    this.canvas.setAttribute("role", "img");
    this.cursor = document.createElement("i");
    this.cursor.className = "cursor";
    this.figure.append(this.caption, this.canvas, this.cursor);
    this.canvas.style.height = this.cursor.style.height = `${height}px`;
    this.height = height;
    this.history = document.createElement("canvas");
  }

  // Show another record, of which nothing is uncovered yet.
  set(record) {
    this.record = record;
    this.layout();
  }

  // Measure, and paint all steps.
  layout() {
    const ratio = this.ratio = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth;
    if (!width || !this.record) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.left = Math.round(GUTTER * ratio);
    this.span = width - GUTTER - MARGIN;
    const w = this.history.width = Math.round(this.span * ratio);
    const h = this.history.height = this.canvas.height;
    this.stepWidth = w / this.record.nSteps;
    const context = this.history.getContext("2d");
    context.clearRect(0, 0, w, h);
    this.paint(context, w, h);
  }

  // Point at a time, in steps, of which there may be a fraction.
  point(time) {
    const share = time / this.record.nSteps;
    this.cursor.style.transform = `translateX(${GUTTER + share * this.span}px)`;
    this.cursor.hidden = share >= 1;
  }

  // Show what there is after so many steps.
  show(nDone) {
    const { canvas, history, left, ratio } = this;
    if (!this.record || !history.width) return;
    const context = canvas.getContext("2d");
    const h = canvas.height;
    const done = Math.round(nDone * this.stepWidth);
    context.clearRect(0, 0, canvas.width, h);
    context.strokeStyle = palette.line;
    context.lineWidth = ratio;
    context.strokeRect(left - ratio / 2, ratio / 2, history.width + ratio, h - ratio);
    this.writeLabels(context, h);
    if (!done) return;
    context.drawImage(history, 0, 0, done, h, left, 0, done, h);
    context.save();
    context.beginPath();
    context.rect(left, 0, done, h);
    context.clip();
    context.translate(left, 0);
    this.highlight(context, nDone, h);
    context.restore();
  }

  writeLabels(context, h) {
    context.font = `${LABEL * this.ratio}px system-ui, sans-serif`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    const right = this.left - 6 * this.ratio;
    for (const { text, value, at, color } of this.labels()) {
      context.fillStyle = palette[color ?? "muted"];
      const written = text ?? fitting(context, value, right - this.ratio);
      context.fillText(written, right, this.inside(at) * h);
    }
  }

  // Where the middle of a label is, which would leave the picture at its very edges.
  inside(at) {
    const edge = (0.6 * LABEL) / this.height;
    return Math.min(Math.max(at, edge), 1 - edge);
  }

  labels() { return []; }

  highlight() {}
}

// A mark for each spike; `eventsAt(record, t)` returns {on, off}.
class Raster extends Plot {
  constructor(title, height, nUnits, eventsAt) {
    super(title, height);
    this.nUnits = nUnits;
    this.eventsAt = eventsAt;
  }

  set(record) {
    // Of all spikes after 0, 1, 2, ... steps.
    this.counts = [0];
    for (let t = 0; t < record.nSteps; t++) {
      const { on, off } = this.eventsAt(record, t);
      this.counts.push(this.counts[t] + on.length + off.length);
    }
    super.set(record);
  }

  paint(context, w, h) {
    const { ratio, nUnits, stepWidth } = this;
    const row = h / nUnits;
    const width = Math.max(ratio, Math.min(0.5 * stepWidth, 5 * ratio));
    const height = Math.max(ratio, 0.8 * row);
    // Where rows are narrower than a mark, marks lie over each other.
    context.globalAlpha = row < ratio ? 0.6 : 1;
    for (let t = 0; t < this.record.nSteps; t++) {
      const x = Math.round((t + 0.5) * stepWidth - width / 2);
      const { on, off } = this.eventsAt(this.record, t);
      for (const [units, color] of [[on, "spike"], [off, "negative"]]) {
        context.fillStyle = palette[color];
        for (const k of units) context.fillRect(x, h - (k + 0.5) * row - height / 2, width, height);
      }
    }
  }

  highlight(context, nDone, h) {
    if (this.chosen === undefined) return;
    const row = h / this.nUnits;
    const height = Math.max(3 * this.ratio, row);
    context.globalAlpha = 0.25;
    context.fillStyle = palette.accent;
    context.fillRect(0, h - (this.chosen + 0.5) * row - height / 2, this.history.width, height);
  }

  labels() {
    return [{ text: String(this.nUnits - 1), at: 0 }, { text: "0", at: 1 }];
  }

  // Return the neuron that is drawn at a height, from 0 at the top to 1.
  unitAt(height) {
    const k = Math.floor((1 - height) * this.nUnits);
    return Math.min(Math.max(k, 0), this.nUnits - 1);
  }

}

// Values as shades: of one colour above 0, of another below.
class Shades extends Plot {
  constructor(title, height, nFeatures) {
    super(title, height);
    this.nFeatures = nFeatures;
  }

  paint(context, w, h) {
    const { nFeatures, stepWidth } = this;
    const row = h / nFeatures;
    this.record.graded.forEach((shade, i) => {
      const size = (shade - 128) / 127;
      if (!size) return;
      const t = Math.floor(i / nFeatures);
      context.fillStyle = palette[size > 0 ? "accent" : "negative"];
      context.globalAlpha = Math.min(Math.abs(size), 1);
      const y = h - ((i % nFeatures) + 1) * row;
      context.fillRect(t * stepWidth, y, Math.ceil(stepWidth), Math.ceil(row));
    });
  }

  labels() {
    return [{ text: String(this.nFeatures - 1), at: 0 }, { text: "0", at: 1 }];
  }
}

// A line for each of some series; `series(record)` returns {values, n, limits, threshold,
// spikes, isWhole}, values step after step, and `best(nDone)` which lines stand out.
class Lines extends Plot {
  constructor(title, height, series, best) {
    super(title, height);
    this.series = series;
    this.best = best;
    this.end = document.createElement("span");
    this.caption.append(this.end);
  }

  set(record) {
    this.data = this.series(record);
    if (this.data.threshold) {
      this.note.textContent = "- - threshold";
      this.note.className = "threshold";
    }
    const { values, limits, isWhole } = this.data;
    const thresholds = this.data.threshold ?? [];
    [this.low, this.high] = limits ?? ends([...values, ...thresholds, 0]);
    const end = -DEPTH * this.high;
    const isCut = !limits && !isWhole && this.high > 0 && this.low < end;
    this.end.textContent = isCut ? `cut off below ${brief(end)}, lowest ${brief(this.low)}` : "";
    if (isCut) this.low = end;
    if (!(this.high > this.low)) this.high = this.low + 1;
    super.set(record);
  }

  // Where a value is drawn, in shares of the height from the top.
  place(value) {
    return 0.94 - (0.88 * (value - this.low)) / (this.high - this.low);
  }

  trace(context, k, nSteps, h) {
    const { values, n } = this.data;
    context.beginPath();
    for (let t = 0; t < nSteps; t++) {
      const y = this.place(values[t * n + k]) * h;
      context.lineTo((t + 0.5) * this.stepWidth, y);
    }
    context.stroke();
  }

  paint(context, w, h) {
    context.lineJoin = "round";
    context.lineWidth = this.ratio;
    context.strokeStyle = palette.others;
    for (let k = 0; k < this.data.n; k++) this.trace(context, k, this.record.nSteps, h);
  }

  highlight(context, nDone, h) {
    const { threshold, spikes, values, n } = this.data;
    const best = this.best(nDone);
    if (threshold) this.drawThreshold(context, threshold[best[0] ?? 0], h);
    // One step more, so that the line leads to the edge of what is shown.
    const nSteps = Math.min(nDone + 1, this.record.nSteps);
    context.lineJoin = "round";
    context.lineWidth = 2 * this.ratio;
    context.strokeStyle = context.fillStyle = palette.accent;
    for (const k of best) {
      this.trace(context, k, nSteps, h);
      for (let t = 0; spikes && t < nSteps; t++) {
        if (!spikes[t * n + k]) continue;
        context.beginPath();
        const y = this.place(values[t * n + k]) * h;
        context.arc((t + 0.5) * this.stepWidth, y, 3 * this.ratio, 0, 2 * Math.PI);
        context.fill();
      }
    }
  }

  drawThreshold(context, threshold, h) {
    context.strokeStyle = palette.threshold;
    context.lineWidth = this.ratio;
    context.setLineDash([5 * this.ratio, 4 * this.ratio]);
    const y = this.place(threshold) * h;
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(this.history.width, y);
    context.stroke();
    context.setLineDash([]);
  }

  labels() {
    const { data: { threshold }, low, high } = this;
    const labels = [];
    const add = (value, color) => {
      const at = this.inside(this.place(value));
      const isFree = labels.every((other) => Math.abs(other.at - at) * this.height > 1.2 * LABEL);
      if (isFree) labels.push({ value, at, color });
    };
    if (threshold) add(threshold[0], "threshold");
    add(low);
    add(high);
    if (low < 0 && high > 0) add(0);
    return labels;
  }
}
