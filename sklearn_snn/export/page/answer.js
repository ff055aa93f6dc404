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

  // Return the output that stands out after so many steps; undefined if none does.
  best({ logits }, nDone) {
    if (nDone <= this.model.readout.start) return undefined;
    if (this.model.task !== "classes") return 0;
    const z = logits[nDone - 1];
    const highest = Math.max(...z);
    // Where all are alike, nothing speaks for any of them.
    return z.every((x) => x === highest) ? undefined : z.indexOf(highest);
  }

  // Show the answer after so many steps; return it in words.
  show(record, nDone, truth) {
    const { names, task, readout } = this.model;
    const isRead = nDone > readout.start;
    const answers = isRead ? record.answers[nDone - 1] : names.map(() => 0);
    const best = task === "classes" ? this.best(record, nDone) : undefined;
    this.rows?.forEach(({ row, fill, number }, k) => {
      const isBest = task === "labels" ? answers[k] > 0.5 : k === best;
      row.classList.toggle("best", isBest);
      fill.style.transform = `scaleX(${answers[k]})`;
      number.textContent = isRead ? this.written(answers[k]) : "";
    });
    let verdict = null;
    if (best !== undefined) verdict = names[best];
    else if (isRead && task === "numbers") verdict = answers.map(brief).join(", ");
    else if (isRead && task === "labels") {
      verdict = names.filter((_, k) => answers[k] > 0.5).join(", ") || "none";
    }
    find("verdict").textContent = verdict ?? "\u2013";
    find("verdict").classList.toggle("long", verdict?.length > 10);
    const sure = best === undefined ? "" : `Probability ${this.written(answers[best])}. `;
    const beside = truth === null ? "" : `Truth: ${truth}.`;
    find("verdict-detail").textContent = sure + beside;
    return verdict === null ? "no answer yet" : `${verdict}. ${sure}${beside}`;
  }

  written(x) {
    return this.model.task === "numbers" ? brief(x) : x.toFixed(2);
  }
}
