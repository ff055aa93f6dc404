// Time: how many steps are shown, by clock or by hand.

const find = (id) => document.getElementById(id);

// Seconds that all steps take at first.
const DURATION = 5;
const isStill = matchMedia("(prefers-reduced-motion: reduce)");

// Steps that are over at a time, which may be within one.
const stepsDone = (time) => Math.floor(time + 1e-9);

// `onTime` shows what there is after so many steps, of which there may be a fraction.
class Player {
  constructor(nSteps, onTime) {
    this.onTime = onTime;
    this.isPlaying = false;
    this.fastest = Math.max(60, nSteps);
    this.setSpeed(Math.max(2, nSteps / DURATION));
    this.listen();
  }

  // Begin another record.
  reset(nSteps) {
    this.nSteps = nSteps;
    this.time = 0;
    find("time").max = nSteps;
  }

  // Show a record: from its first step on, or at once where nothing is to move.
  start() {
    if (isStill.matches) this.goTo(this.nSteps);
    else this.play();
  }

  play() {
    if (this.time >= this.nSteps) this.move(0);
    this.setPlaying(true);
    let before = null;
    const frame = (now) => {
      if (!this.isPlaying || this.frame !== frame) return;
      const seconds = before === null ? 0 : (now - before) / 1000;
      before = now;
      this.move(this.time + seconds * this.speed);
      if (this.time >= this.nSteps) this.pause();
      else requestAnimationFrame(frame);
    };
    this.frame = frame;
    requestAnimationFrame(frame);
  }

  pause() {
    this.setPlaying(false);
    this.announce();
  }

  // Go to a whole step, and stay there.
  goTo(step) {
    this.setPlaying(false);
    this.move(step);
    this.announce();
  }

  move(time) {
    this.time = Math.min(Math.max(time, 0), this.nSteps);
    const nDone = stepsDone(this.time);
    find("time").value = nDone;
    find("clock").textContent = `${nDone} / ${this.nSteps} steps`;
    this.onTime(isStill.matches ? nDone : this.time);
  }

  setPlaying(isPlaying) {
    this.isPlaying = isPlaying;
    const button = find("play");
    button.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    button.querySelector("path").setAttribute("d",
      isPlaying ? "M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z" : "M4 2.5v11l9-5.5z");
  }

  // Keep the answer in words; those who hear the page are told where it stands still.
  describe(words) {
    this.words = `${stepsDone(this.time)} of ${this.nSteps} steps: ${words}`;
    find("time").setAttribute("aria-valuetext", this.words);
  }

  announce() {
    find("status").textContent = this.words;
  }

  // The slider has the speeds, in steps per second, evenly in their logarithm.
  setSpeed(speed) {
    const share = Math.log(speed) / Math.log(this.fastest);
    find("speed").value = 100 * Math.min(Math.max(share, 0), 1);
    this.readSpeed();
  }

  readSpeed() {
    this.speed = this.fastest ** (find("speed").value / 100);
    const text = this.speed < 10 ? this.speed.toFixed(1) : Math.round(this.speed);
    find("speed-value").textContent = `${text} steps/s`;
    find("speed").setAttribute("aria-valuetext", `${text} steps per second`);
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  listen() {
    const next = () => this.goTo(stepsDone(this.time) + 1);
    find("play").addEventListener("click", () => this.toggle());
    find("restart").addEventListener("click", () => this.goTo(0));
    find("step").addEventListener("click", next);
    find("time").addEventListener("input", () => this.goTo(Number(find("time").value)));
    find("speed").addEventListener("input", () => this.readSpeed());
    const keys = {
      " ": () => this.toggle(),
      ArrowRight: next,
      ArrowLeft: () => this.goTo(Math.ceil(this.time) - 1),
      Home: () => this.goTo(0),
      End: () => this.goTo(this.nSteps),
    };
    document.addEventListener("keydown", (event) => {
      // A control has its own use for some of them.
      const own = event.key === " " ? "button, input, select, #pad" : "input, select, #pad";
      if (!keys[event.key] || event.target.closest?.(own)) return;
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      keys[event.key]();
      event.preventDefault();
    });
  }
}
