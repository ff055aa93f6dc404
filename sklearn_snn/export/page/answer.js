// The answer so far: in large letters, and what each output says.

class Answer {
  constructor(model) {
    this.model = model;
    const { names, task } = model;
    // A single number is the verdict itself.
    if (task === "numbers" && names.length === 1) return;
    this.rows = names.map((name) => {
      const row = document.createElement("li");
      const [text, bar, fill, number] =
        ["span", "span", "i", "span"].map((tag) => document.createElement(tag));
      text.className = "name";
      text.textContent = text.title = name;
      bar.className = "bar";
      bar.append(fill);
      number.className = "number";
      row.append(text, ...(task === "numbers" ? [] : [bar]), number);
      find("outputs").append(row);
      return { row, fill, number };
    });
  }

  // Return the outputs that stand out after so many steps: the class, the labels that
  // are more probable than not, or all numbers.
  best({ logits }, nDone) {
    const { names, task, readout } = this.model;
    if (nDone <= readout.start) return [];
    const z = logits[nDone - 1];
    const all = [...names.keys()];
    if (task === "numbers") return all;
    if (task === "labels") return all.filter((k) => z[k] > 0);
    const highest = Math.max(...z);
    // Where all are alike, nothing speaks for any of them.
    return z.every((x) => x === highest) ? [] : [z.indexOf(highest)];
  }

  // Show the answer after so many steps; return it in words.
  show(record, nDone, truth) {
    const { names, task, readout } = this.model;
    const isRead = nDone > readout.start;
    const answers = isRead ? record.answers[nDone - 1] : names.map(() => 0);
    const best = this.best(record, nDone);
    this.rows?.forEach(({ row, fill, number }, k) => {
      row.classList.toggle("best", best.includes(k));
      fill.style.transform = `scaleX(${answers[k]})`;
      number.textContent = isRead ? this.written(answers[k]) : "";
    });
    let verdict = best.map((k) => names[k]).join(", ") || null;
    if (isRead && task === "numbers") verdict = answers.map(brief).join(", ");
    if (isRead && task === "labels") verdict ??= "none";
    const box = find("verdict");
    box.textContent = verdict ?? "\u2013";
    const words = box.textContent.split(" ");
    box.style.setProperty("--letters", Math.max(...words.map((word) => word.length)));
    const isClass = task === "classes" && best.length > 0;
    const sure = isClass ? `Probability ${this.written(answers[best[0]])}.` : "";
    const beside = truth === null ? "" : `Truth: ${truth}.`;
    find("verdict-detail").textContent = `${sure}\n${beside}`.trim();
    return verdict === null ? "no answer yet" : `${verdict}. ${sure} ${beside}`.trim();
  }

  written(x) {
    return this.model.task === "numbers" ? brief(x) : x.toFixed(2);
  }
}
