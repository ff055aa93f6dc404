// What the network is given: values become spikes, or currents, as in Python.
//
// A spike of a rate is a pure function of seed, presentation, all rates of the sample,
// feature and step. `sklearn_snn/_inputs/random.py` has the same two mixers, and says
// where they come from: the same values have the same spikes here as there.

const WORD = 64;
const GOLDEN = 0x9e3779b97f4a7c15n;
const TYPES = {
  uint8: Uint8Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
};

// Return the array that is written as {type, data}, data in base64.
function decode({ type, data }) {
  const text = atob(data);
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  return new TYPES[type](bytes.buffer);
}

const word64 = (x) => BigInt.asUintN(WORD, x);

// Finalizer of SplitMix64.
function mix64(x) {
  x = word64((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  x = word64((x ^ (x >> 27n)) * 0x94d049bb133111ebn);
  return x ^ (x >> 31n);
}

// Finalizer "lowbias32".
function mix32(x) {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

// Rates of intensities, and the spikes that these draw: `PoissonSpikeEncoder`.
class PoissonEncoder {
  constructor({ low, width, max_rate, start, presentation, n_features, n_steps }) {
    this.low = decode(low);
    // Of a feature that was constant it is infinite: it is silent.
    this.width = decode(width);
    this.maxRate = max_rate;
    this.nSteps = n_steps;
    this.presentation = BigInt(presentation);
    this.keys = Array.from({ length: n_features }, (_, j) =>
      mix64(word64(BigInt(start) + BigInt(j + 1) * GOLDEN)));
  }

  // Probability of a spike per step, rounded to float32 as in Python.
  rate(value, j) {
    const k = this.low.length > 1 ? j : 0;
    const position = (value - this.low[k]) / this.width[k];
    return Math.fround(this.maxRate * Math.min(Math.max(position, 0), 1));
  }

  // Return the features that fire, for each step.
  events(values) {
    const streams = [];
    let row = 0n;
    for (let j = 0; j < this.keys.length; j++) {
      const rate = this.rate(values[j], j);
      if (rate > 0) {
        const last = Math.ceil(rate * 2 ** 32) - 1; // the largest word that fires
        row += mix64(word64(this.keys[j] + BigInt(last)));
        streams.push({ feature: j, last });
      }
    }
    row = mix64(word64(row) ^ this.presentation);
    for (const stream of streams) {
      const key = mix64(word64(row + this.keys[stream.feature]));
      stream.start = Number(key & 0xffffffffn) | 0;
      stream.increment = Number(key >> 32n) | 1;
    }
    return Array.from({ length: this.nSteps }, (_, t) => {
      const fires = ({ start, increment, last }) =>
        mix32((Math.imul(increment, t) + start) | 0) <= last;
      return { on: streams.filter(fires).map(({ feature }) => feature), off: [] };
    });
  }
}

// Return the events of spikes that are kept as bits, step after step; "off" are those
// of the value -1.
function unpack({ n_steps, on, off }, nFeatures) {
  const parts = { on: decode(on), off: off ? decode(off) : null };
  const set = (bits, t) => {
    const found = [];
    for (let j = 0; bits && j < nFeatures; j++) {
      const i = t * nFeatures + j;
      if (bits[i >> 3] & (0x80 >> (i & 7))) found.push(j);
    }
    return found;
  };
  return Array.from({ length: n_steps }, (_, t) => ({
    on: set(parts.on, t),
    off: set(parts.off, t),
  }));
}

// All that a sample, or values that someone chose, are to the network.
class Input {
  constructor(spec) {
    this.kind = spec.kind;
    this.nFeatures = spec.n_features;
    this.nSteps = spec.n_steps;
    // What is done to values before they are encoded, or injected as a current.
    this.scaling = (spec.scaling ?? []).map(([name, by]) => [name, decode(by)]);
    if (this.kind === "rates") this.encoder = new PoissonEncoder(spec.encoder);
    if (spec.coef) {
      this.coef = decode(spec.coef);
      this.intercept = decode(spec.intercept);
    }
  }

  // Values as they are after scaling, in float64.
  scaled(values) {
    const operations = {
      add: (x, y) => x + y,
      subtract: (x, y) => x - y,
      multiply: (x, y) => x * y,
      divide: (x, y) => x / y,
      at_least: Math.max,
      at_most: Math.min,
    };
    return this.scaling.reduce(
      (x, [name, by]) => x.map((value, j) => operations[name](value, by[j])),
      Float64Array.from(values));
  }

  // Return what the network runs on: {nSteps, events} or {nSteps, currents}.
  ofValues(values) {
    const x = this.scaled(values);
    if (this.kind === "rates") {
      return { nSteps: this.nSteps, events: this.encoder.events(x) };
    }
    const n = this.intercept.length;
    const sums = new Float64Array(n);
    x.forEach((value, j) => {
      for (let k = 0; k < n; k++) sums[k] += value * this.coef[j * n + k];
    });
    // Arrays of float32 round what they are given.
    const products = this.intercept.constructor.from(sums);
    const currents = products.map((product, k) => product + this.intercept[k]);
    return { nSteps: this.nSteps, currents };
  }

  // The same of a sample of the file.
  ofSample(sample) {
    if (sample.spikes) {
      const { n_steps: nSteps } = sample.spikes;
      return { nSteps, events: unpack(sample.spikes, this.nFeatures) };
    }
    if (sample.currents) {
      const graded = sample.graded && decode(sample.graded);
      return { nSteps: sample.n_steps, currents: decode(sample.currents), graded };
    }
    return this.ofValues(decode(sample.values));
  }
}
