// The fitted network: membranes and spikes equal those of `simulate` to the bit.
//
// Membranes are computed in the type and in the order of `sklearn_snn/_model/neurons`:
// where that is float32, each operation is rounded by Math.fround. Weights are whole
// numbers of a spacing, so that sums of those whose input fires are exact in any order
// (see `exact_parts` in `sklearn_snn/_model/synapses.py`).

const identity = (x) => x;

// What the spikes of a layer below, or of the layer itself, add up to.
class Synapses {
  constructor({ weights, spacing }, nUnits, round) {
    this.weights = decode(weights);
    this.spacing = spacing;
    this.nUnits = nUnits;
    this.round = round;
    this.sums = new this.weights.constructor(nUnits);
    this.current = new Float64Array(nUnits);
  }

  add({ on, off }) {
    const { weights, sums, nUnits, spacing } = this;
    sums.fill(0);
    for (const j of on) {
      for (let k = 0, i = j * nUnits; k < nUnits; k++, i++) sums[k] += weights[i];
    }
    for (const j of off) {
      for (let k = 0, i = j * nUnits; k < nUnits; k++, i++) sums[k] -= weights[i];
    }
    for (let k = 0; k < nUnits; k++) this.current[k] = this.round(sums[k] * spacing);
    return this.current;
  }
}

// What a spike does to the membrane, in the same step.
const RESETS = {
  zero: (u, fired) => (fired ? 0 : u),
  subtract: (u, fired, threshold, round) => (fired ? round(u - threshold) : u),
  none: (u) => u,
};

// A step of each kind of neuron: from the current of neuron k to its membrane, in the
// layer's v, and to whether it fires. Constants are arrays of one number per neuron.
const NEURONS = {
  integrator({ alpha, gain }, state, k, current, round) {
    const u = round(round(current * gain[k]) + round(state.v[k] * alpha[k]));
    state.v[k] = u;
    return { u, fired: false };
  },

  lif({ alpha, gain, threshold, reset }, state, k, current, round) {
    const charge = gain ? round(current * gain[k]) : current;
    const u = round(charge + round(state.v[k] * alpha[k]));
    const fired = u > threshold[k];
    state.v[k] = reset(u, fired, threshold[k], round);
    return { u, fired };
  },

  cuba(constants, state, k, current, round) {
    const { alpha_syn: alpha, gain_syn: gain } = constants;
    state.i[k] = round(round(current * gain[k]) + round(state.i[k] * alpha[k]));
    return NEURONS.lif(constants, state, k, state.i[k], round);
  },

  adlif(constants, state, k, current, round) {
    const { rho, by_membrane: a, by_spike: b } = constants;
    const charge = round(current - state.w[k]);
    const { u, fired } = NEURONS.lif(constants, state, k, charge, round);
    const drive = round(round(state.v[k] * a[k]) + (fired ? b[k] : 0));
    state.w[k] = round(round(state.w[k] * rho[k]) + drive);
    return { u, fired };
  },
};

class Layer {
  constructor(spec, round) {
    this.nUnits = spec.n_units;
    this.kind = spec.kind;
    this.round = round;
    this.step = NEURONS[spec.kind];
    this.constants = { reset: RESETS[spec.reset] };
    for (const name in spec.constants) {
      this.constants[name] = decode(spec.constants[name]);
    }
    this.bias = decode(spec.bias);
    // The first layer has none where the currents are known.
    this.feedforward = spec.coef && new Synapses(spec.coef, this.nUnits, round);
    this.recurrent = spec.recurrent && new Synapses(spec.recurrent, this.nUnits, round);
  }

  // Return the record of no steps, at rest.
  begin(nSteps) {
    const zeros = () => new Float64Array(this.nUnits);
    this.state = { v: zeros(), i: zeros(), w: zeros() };
    this.fired = { on: [], off: [] };
    return {
      membranes: new Float64Array(nSteps * this.nUnits),
      spikes: new Uint8Array(nSteps * this.nUnits),
    };
  }

  // Run step t on events, or on currents, which have the bias in them.
  advance(t, events, currents, record) {
    const { round, nUnits } = this;
    const below = currents ?? this.feedforward.add(events);
    const own = this.recurrent?.add(this.fired);
    const on = [];
    for (let k = 0; k < nUnits; k++) {
      let current = currents ? below[k] : round(below[k] + this.bias[k]);
      if (own) current = round(current + own[k]);
      const { u, fired } = this.step(this.constants, this.state, k, current, round);
      record.membranes[t * nUnits + k] = u;
      record.spikes[t * nUnits + k] = fired;
      if (fired) on.push(k);
    }
    this.fired = { on, off: [] };
    return this.fired;
  }
}

function softmax(z) {
  const highest = Math.max(...z);
  const powers = z.map((x) => Math.exp(x - highest));
  const total = powers.reduce((sum, x) => sum + x, 0);
  return powers.map((x) => x / total);
}

const logistic = (x) => 1 / (1 + Math.exp(-x));

// From what the output neurons did so far to outputs: `sklearn_snn/_model/readouts.py`.
class Readout {
  constructor(spec, round) {
    Object.assign(this, spec);
    this.round = round;
    this.thresholds = spec.threshold && decode(spec.threshold);
    this.smallest = 2 ** (round === identity ? -1022 : -126);
    this.below1 = 1 - (round === identity ? 2 ** -53 : 2 ** -24);
  }

  begin(nSteps, nUnits) {
    const lowest = this.statistic === "max" ? -Infinity : 0;
    this.counts = new Float64Array(nUnits);
    this.total = new Float64Array(nUnits).fill(lowest);
    this.nRead = 0;
    // An output per spike, or per membrane.
    this.factor = this.scale ?? (this.counting ? 10 / (nSteps - this.start) : 1);
  }

  // Read a step; return the outputs that are the answers after it.
  read(t, u, spikes) {
    if (t < this.start) return Array.from(u, () => 0);
    const { round, statistic } = this;
    this.nRead += 1;
    const shares = statistic === "probability" && this.shares(u);
    u.forEach((membrane, k) => {
      const before = this.total[k];
      this.counts[k] += spikes[k];
      if (statistic === "sum") this.total[k] = round(before + membrane);
      else if (statistic === "last") this.total[k] = membrane;
      else if (statistic === "max") this.total[k] = Math.max(before, membrane);
      else if (shares) this.total[k] = round(before + shares[k]);
    });
    return Array.from(this.total, (total, k) => this.output(total, k));
  }

  output(total, k) {
    const { round, nRead, factor, signed } = this;
    if (this.counting) {
      let count = this.counts[k];
      if (this.statistic) {
        const soft = round(total / (nRead * this.thresholds[k]));
        count = round(count + (this.ties ? round(Math.tanh(soft)) / 2 : soft));
      }
      const output = round(round(factor) * count);
      return signed ? round(output - round((factor * nRead) / 2)) : output;
    }
    if (this.statistic === "probability") {
      const mean = Math.min(Math.max(round(total / nRead), this.smallest), this.below1);
      return signed ? Math.log(mean) - Math.log1p(-mean) : Math.log(mean);
    }
    return round(round(factor / (this.statistic === "sum" ? nRead : 1)) * total);
  }

  // The probabilities that a step makes of its membranes.
  shares(u) {
    const z = Array.from(u, (membrane) => this.round(membrane * this.factor));
    return this.signed ? z.map(logistic) : softmax(z);
  }
}

class SpikingModel {
  constructor(spec) {
    const round = spec.dtype === "float32" ? Math.fround : identity;
    this.task = spec.task;
    this.names = spec.names;
    this.mean = spec.mean;
    this.scale = spec.scale;
    this.layers = spec.layers.map((layer) => new Layer(layer, round));
    this.readout = new Readout(spec.readout, round);
    this.input = new Input(spec.input);
  }

  // Run all steps; return what happened in each: events or currents that came in, a
  // record of each layer, logits, and answers, which are probabilities or numbers.
  run({ nSteps, events, currents, graded }) {
    const layers = this.layers.map((layer) => layer.begin(nSteps));
    const last = this.layers.at(-1).nUnits;
    const first = this.layers[0].nUnits;
    const isConstant = currents?.length === first;
    this.readout.begin(nSteps, last);
    const logits = [];
    for (let t = 0; t < nSteps; t++) {
      const at = isConstant ? 0 : t * first;
      const given = currents?.subarray(at, at + first);
      let fired = events?.[t];
      this.layers.forEach((layer, l) => {
        fired = layer.advance(t, fired, l ? undefined : given, layers[l]);
      });
      const { membranes, spikes } = layers.at(-1);
      const here = [t * last, (t + 1) * last];
      logits.push(this.readout.read(
        t, membranes.subarray(...here), spikes.subarray(...here)));
    }
    const answers = logits.map((z) => this.answer(z));
    return { nSteps, events, currents, graded, layers, logits, answers };
  }

  answer(z) {
    if (this.task === "classes") return softmax(z);
    if (this.task === "labels") return z.map(logistic);
    return z.map((x, k) => x * this.scale[k] + this.mean[k]);
  }
}
