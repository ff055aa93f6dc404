// The page: a choice becomes a record, which is shown step by step.

class View {
  constructor(spec) {
    this.spec = spec;
    this.model = new SpikingModel(spec);
    this.answer = new Answer(this.model);
    this.player = new Player(spec.input.n_steps, (time) => this.show(time));
    find("summary").textContent = spec.summary;
    readColors();
    this.makeChoices();
    this.makePanels();
    this.listen();
    this.chooseSample(0);
  }

  // What can be chosen

  makeChoices() {
    const { input, samples, task } = this.spec;
    this.samples = new Samples(
      find("samples"), samples, input.shape, (i) => this.chooseSample(i), task === "classes");
    if (!input.shape) document.querySelector("main").classList.add("wide");
    find("input").hidden = !input.shape && input.choice !== "sliders";
    if (input.shape) {
      find("pad-box").hidden = false;
      this.pad = new Pad(find("pad"), input.shape, (levels) => this.draw(levels));
      this.canDraw = input.choice === "draw";
      if (this.canDraw) {
        this.pad.allowDrawing();
        find("clear").hidden = false;
        find("clear").addEventListener("click", () => {
          this.pad.clear();
          this.draw(this.pad.levels);
          find("pad").focus();
        });
      } else find("pad").setAttribute("role", "img");
    }
    if (input.choice === "sliders") {
      find("sliders").hidden = false;
      this.sliders = new Sliders(find("sliders"), input, (values) => {
        this.samples.choose(-1);
        this.truth = null;
        this.set(this.model.input.ofValues(values));
        this.player.goTo(this.record.nSteps);
      });
    }
    this.samples.paint();
  }

  chooseSample(i) {
    const sample = this.spec.samples[i];
    this.samples.choose(i);
    this.truth = sample.truth;
    if (this.pad) {
      this.pad.show(decode(sample.picture));
      this.describePad(`sample ${i + 1}`);
    }
    this.sliders?.show(decode(sample.values));
    this.set(this.model.input.ofSample(sample));
    this.player.start();
  }

  // Return the values of a drawing, whose pixels go from 0 to 255.
  valuesOf(levels) {
    const { low, high } = this.spec.input;
    return Array.from(levels, (level, j) => low[j] + ((high[j] - low[j]) * level) / 255);
  }

  draw(levels) {
    this.samples.choose(-1);
    this.truth = null;
    this.describePad("your drawing");
    this.set(this.model.input.ofValues(this.valuesOf(levels)));
    if (levels.some((level) => level > 0)) this.player.start();
    else this.player.goTo(0);
  }

  describePad(what) {
    const [height, width] = this.spec.input.shape;
    const pad = this.canDraw ? "Drawing pad" : "Picture";
    find("pad").setAttribute("aria-label", `${pad}, ${width} by ${height} pixels: ${what}.`);
    find("pad-hint").hidden = !this.canDraw || this.pad.levels.some((level) => level > 0);
    find("clear").textContent = this.pad.isSample ? "Draw your own" : "Clear";
  }

  // Pictures

  makePanels() {
    const { layers, names, task } = this.model;
    const { input } = this.spec;
    const best = (nDone) => this.answer.best(this.record, nDone);
    this.panels = [];
    if (input.kind !== "constant") {
      const events = ({ events: of }, t) => of?.[t] ?? { on: [], off: [] };
      this.inputRaster = new Raster("Input spikes", 150, input.n_features, events);
      const shades = new Shades("Input", 150, input.n_features);
      shades.note.textContent = "blue above 0, orange below";
      this.panels.push(this.inputRaster, shades);
    }
    this.rasters = layers.slice(0, -1).map((layer, l) => {
      const name = layers.length > 2 ? `Hidden spikes, layer ${l + 1}` : "Hidden spikes";
      const raster = new Raster(name, 110, layer.nUnits, (record, t) => ({
        on: this.firing(record.layers[l], layer.nUnits, t), off: [],
      }));
      raster.canvas.classList.add("picks");
      raster.canvas.addEventListener("click", (event) => {
        const box = raster.canvas.getBoundingClientRect();
        this.chooseNeuron(l, raster.unitAt((event.clientY - box.top) / box.height));
      });
      return raster;
    });
    this.panels.push(...this.rasters);
    if (this.rasters.length) this.panels.push(this.makeMembrane());
    const outputs = new Lines("Output membranes", 120,
      (record) => this.membranes(record, layers.length - 1), best);
    const title = { classes: "Probability", labels: "Probabilities", numbers: "Answer" }[task];
    const answers = new Lines(title, 96, ({ answers: of }) => {
      const values = of.flat();
      return { values, n: names.length, limits: task === "numbers" ? ends(values) : [0, 1] };
    }, best);
    this.panels.push(outputs, answers);
    find("panels").append(...this.panels.map(({ figure }) => figure));
  }

  // The membrane of one hidden neuron, which is chosen by number or in a raster.
  makeMembrane() {
    this.membrane = new Lines("Membrane of neuron", 96, (record) => {
      const { layer, unit } = this.neuron;
      const { values, spikes, threshold, n } = this.membranes(record, layer);
      const only = (array) => array.filter((_, i) => i % n === unit);
      return {
        values: only(values), spikes: only(spikes), n: 1, threshold: [threshold[unit]],
      };
    }, () => [0]);
    const unit = document.createElement("input");
    Object.assign(unit, { type: "number", min: 0, step: 1 });
    unit.setAttribute("aria-label", "Hidden neuron");
    unit.addEventListener("change", () =>
      this.chooseNeuron(this.neuron.layer, Number(unit.value)));
    this.unitBox = unit;
    this.membrane.note.before(unit);
    if (this.rasters.length > 1) {
      const layer = document.createElement("select");
      layer.setAttribute("aria-label", "Hidden layer");
      this.rasters.forEach((_, l) => layer.add(new Option(`of layer ${l + 1}`, l)));
      layer.addEventListener("change", () => this.chooseNeuron(Number(layer.value), 0));
      this.layerBox = layer;
      this.membrane.note.before(layer);
    }
    return this.membrane;
  }

  membranes(record, l) {
    const { membranes: values, spikes } = record.layers[l];
    const { nUnits: n, constants: { threshold } } = this.model.layers[l];
    // Where membranes only tell apart outputs that fired as often, spikes are what counts.
    const { counting, statistic, ties } = this.model.readout;
    const isRead = !counting || (Boolean(statistic) && !ties);
    const isWhole = isRead && l === this.model.layers.length - 1;
    return { values, spikes, threshold, n, isWhole };
  }

  firing({ spikes }, nUnits, t) {
    const on = [];
    for (let k = 0; k < nUnits; k++) if (spikes[t * nUnits + k]) on.push(k);
    return on;
  }

  chooseNeuron(layer, unit) {
    const { nUnits } = this.model.layers[layer];
    unit = Math.min(Math.max(Math.round(unit) || 0, 0), nUnits - 1);
    this.markNeuron({ layer, unit });
    this.membrane.set(this.record);
    this.showAgain();
  }

  markNeuron({ layer, unit }) {
    this.neuron = { layer, unit };
    Object.assign(this.unitBox, { value: unit, max: this.model.layers[layer].nUnits - 1 });
    if (this.layerBox) this.layerBox.value = layer;
    this.rasters.forEach((raster, l) => { raster.chosen = l === layer ? unit : undefined; });
  }

  // Return the hidden neuron that fires most often, of the last hidden layer.
  busiest(record) {
    const layer = this.rasters.length - 1;
    const { nUnits } = this.model.layers[layer];
    const counts = new Array(nUnits).fill(0);
    record.layers[layer].spikes.forEach((s, i) => { counts[i % nUnits] += s; });
    return { layer, unit: counts.indexOf(Math.max(...counts)) };
  }

  // A record, and how much of it is shown

  set(input) {
    const record = this.record = this.model.run(input);
    if (this.rasters.length && !this.neuron) this.markNeuron(this.busiest(record));
    for (const panel of this.panels) {
      if (panel instanceof Shades) panel.figure.hidden = !record.graded;
      else if (panel === this.inputRaster) panel.figure.hidden = !record.events;
      if (!panel.figure.hidden) panel.set(record);
    }
    this.nShown = undefined;
    this.player.reset(record.nSteps);
  }

  shownPanels() {
    return this.panels.filter(({ figure }) => !figure.hidden);
  }

  show(time) {
    for (const panel of this.shownPanels()) panel.point(time);
    const nDone = stepsDone(time);
    if (nDone !== this.nShown) this.showStep(nDone);
    this.nShown = nDone;
  }

  // Show the same step, of which something looks different now.
  showAgain() {
    this.nShown = undefined;
    this.show(this.player.time);
  }

  // What changes from step to step.
  showStep(nDone) {
    const words = this.answer.show(this.record, nDone, this.truth);
    this.player.describe(words);
    for (const panel of this.shownPanels()) {
      panel.show(nDone);
      const n = panel instanceof Raster ? panel.counts[nDone] : null;
      if (n !== null) panel.note.textContent = `${n.toLocaleString("en")} so far`;
      const more = n === null ? "" : `: ${n} spikes`;
      panel.canvas.setAttribute("aria-label", `${panel.title}, ${nDone} steps${more}`);
    }
  }

  // Surroundings

  listen() {
    const paint = () => {
      readColors();
      this.samples.paint();
      this.pad?.paint();
      for (const panel of this.shownPanels()) panel.layout();
      this.showAgain();
    };
    new ResizeObserver(paint).observe(find("panels"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
    if (window.parent !== window) this.embed(paint);
  }

  // Within another page: tell how much room is needed; and wear the theme of a page that
  // gives it.
  embed(paint) {
    const root = document.documentElement;
    root.classList.add("embedded");
    const main = document.querySelector("main");
    new ResizeObserver(() => {
      window.parent.postMessage({ spikingPageHeight: main.offsetHeight }, "*");
    }).observe(main);
    window.addEventListener("message", ({ source, data }) => {
      if (source !== window.parent || !["light", "dark"].includes(data?.theme)) return;
      root.classList.add("fitted");
      root.dataset.theme = data.theme;
      paint();
    });
  }
}

// For whoever wants to look behind it.
window.spikingPage = new View(JSON.parse(find("network").textContent));
