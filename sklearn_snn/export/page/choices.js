// What someone may give the network: a sample, a drawing, or values.

// Grey of a picture: as ink on paper, or light on a dark page.
function paintPicture(canvas, levels, [height, width], ink) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  levels.forEach((level, i) => image.data.set([...ink, level], 4 * i));
  context.putImageData(image, 0, 0);
}

// Return the colour of text as three numbers.
const inkOf = () => palette.text.match(/\d+/g).slice(0, 3).map(Number);

// A picture of pixels from 0 to 255, which may be drawn on.
class Pad {
  constructor(canvas, shape, onDrawn) {
    this.canvas = canvas;
    this.shape = shape;
    this.onDrawn = onDrawn;
    this.levels = new Uint8Array(shape[0] * shape[1]);
    this.isSample = true;
    canvas.style.aspectRatio = `${shape[1]} / ${shape[0]}`;
    // A stroke is about as thick as those of handwritten digits.
    this.radius = 0.65 + 0.022 * Math.max(...shape);
    const [y, x] = shape.map((side) => Math.floor(side / 2) + 0.5);
    this.pen = { x, y, isDown: false, isShown: false };
  }

  // Let it be drawn on, by mouse, finger or keyboard.
  allowDrawing() {
    const { canvas } = this;
    canvas.classList.add("draws");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-describedby", "pad-keys");
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.begin();
      this.pen = { ...this.place(event), isDown: true, isShown: false };
      this.dab(this.pen, this.pen);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.pen.isDown || this.pen.isShown) return;
      // A fast stroke has more places than there are events.
      const events = event.getCoalescedEvents?.() ?? [];
      for (const one of events.length ? events : [event]) this.moveTo(this.place(one));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, () => this.pen.isDown && this.lift());
    }
    canvas.addEventListener("keydown", (event) => this.onKey(event));
    canvas.addEventListener("blur", () => {
      if (this.pen.isDown) this.lift();
      this.pen.isShown = false;
      this.paint();
    });
  }

  place({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const [height, width] = this.shape;
    return {
      x: ((clientX - box.left) / box.width) * width,
      y: ((clientY - box.top) / box.height) * height,
    };
  }

  // A first stroke replaces a sample.
  begin() {
    if (this.isSample) this.clear();
  }

  clear() {
    this.levels.fill(0);
    this.isSample = false;
    this.paint();
  }

  moveTo({ x, y }) {
    this.dab(this.pen, { x, y });
    Object.assign(this.pen, { x, y });
  }

  lift() {
    this.pen.isDown = false;
    this.onDrawn(this.levels);
  }

  // Ink all pixels near the line from one place to another; edges are soft.
  dab(from, to) {
    const [height, width] = this.shape;
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const length2 = dx * dx + dy * dy;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const [px, py] = [column + 0.5 - from.x, row + 0.5 - from.y];
        const along = length2 ? Math.min(Math.max((px * dx + py * dy) / length2, 0), 1) : 0;
        const distance = Math.hypot(px - along * dx, py - along * dy);
        const ink = Math.min(Math.max(this.radius + 0.5 - distance, 0), 1);
        const i = row * width + column;
        this.levels[i] = Math.max(this.levels[i], Math.round(255 * ink));
      }
    }
    this.paint();
  }

  onKey(event) {
    const moves = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    };
    const { pen, shape: [height, width] } = this;
    if (moves[event.key]) {
      const [dx, dy] = moves[event.key];
      const x = Math.min(Math.max(Math.floor(pen.x) + dx, 0), width - 1) + 0.5;
      const y = Math.min(Math.max(Math.floor(pen.y) + dy, 0), height - 1) + 0.5;
      if (pen.isDown) this.moveTo({ x, y });
      else Object.assign(pen, { x, y });
    } else if (event.key === " ") {
      if (pen.isDown) this.lift();
      else {
        this.begin();
        pen.isDown = true;
        this.dab(pen, pen);
      }
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
      this.onDrawn(this.levels);
    } else return;
    event.preventDefault();
    event.stopPropagation();
    pen.isShown = true;
    this.paint();
  }

  show(levels) {
    this.levels.set(levels);
    this.isSample = true;
    this.paint();
  }

  paint() {
    paintPicture(this.canvas, this.levels, this.shape, inkOf());
    const { pen } = this;
    if (!pen.isShown) return;
    const context = this.canvas.getContext("2d");
    context.globalAlpha = pen.isDown ? 0.9 : 0.5;
    context.fillStyle = palette.accent;
    context.fillRect(Math.floor(pen.x), Math.floor(pen.y), 1, 1);
  }
}

// A slider for each value; `onChange` gets all of them.
class Sliders {
  constructor(box, { names, low, high }, onChange) {
    this.rows = names.map((name, j) => {
      const [label, text, output, slider] =
        ["label", "span", "output", "input"].map((tag) => document.createElement(tag));
      text.textContent = name;
      Object.assign(slider, { type: "range", min: low[j], max: high[j], step: "any" });
      slider.addEventListener("input", () => {
        output.textContent = brief(Number(slider.value));
        onChange(this.rows.map((row) => Number(row.slider.value)));
      });
      label.append(text, output, slider);
      box.append(label);
      return { slider, output };
    });
  }

  show(values) {
    this.rows.forEach(({ slider, output }, j) => {
      slider.value = values[j];
      output.textContent = brief(values[j]);
    });
  }
}

// Up to so many samples have a button each, and up to so many one with the true answer.
const MOST_BUTTONS = 60;
const MOST_TRUTHS = 24;

// A button for each sample, or a list of them.
class Samples {
  constructor(box, samples, shape, onChosen, areClasses) {
    this.shape = shape;
    this.areClasses = areClasses;
    this.onChosen = onChosen;
    this.buttons = [];
    if (samples.length > MOST_BUTTONS) this.addList(box, samples);
    else {
      const hasTruths = samples.length <= MOST_TRUTHS;
      samples.forEach((sample, i) => this.addButton(box, sample, i, hasTruths));
    }
  }

  // Return the parts of a true answer: in front, a word for numbers that are classes.
  truthOf({ truth }) {
    if (truth === null) return null;
    return [this.areClasses && !isNaN(truth) ? "class " : "", truth];
  }

  addList(box, samples) {
    this.list = document.createElement("select");
    this.list.setAttribute("aria-label", "Sample");
    samples.forEach((sample, i) => {
      const truth = this.truthOf(sample);
      this.list.add(new Option(`No. ${i + 1}${truth ? ` (${truth.join("")})` : ""}`));
    });
    this.list.addEventListener("change", () => this.onChosen(this.list.selectedIndex));
    box.append(this.list);
  }

  addButton(box, sample, i, hasTruth) {
    const button = document.createElement("button");
    button.type = "button";
    const truth = this.truthOf(sample);
    if (sample.picture) {
      box.className = "pictures";
      const name = `Sample ${i + 1}${truth ? `: ${truth.join("")}` : ""}`;
      button.setAttribute("aria-label", name);
      button.append(document.createElement("canvas"));
    } else if (!truth || !hasTruth) button.textContent = i + 1;
    else {
      const word = document.createElement("span");
      word.className = "word";
      word.textContent = truth[0];
      button.append(`No. ${i + 1} (`, word, `${truth[1]})`);
    }
    button.addEventListener("click", () => this.onChosen(i));
    box.append(button);
    this.buttons.push({ button, levels: sample.picture && decode(sample.picture) });
  }

  // Mark a sample as chosen; -1 is none of them.
  choose(i) {
    if (this.list) this.list.selectedIndex = i;
    this.buttons.forEach(({ button }, k) => button.setAttribute("aria-pressed", k === i));
  }

  paint() {
    for (const { button, levels } of this.buttons) {
      if (levels) paintPicture(button.firstChild, levels, this.shape, inkOf());
    }
  }
}
