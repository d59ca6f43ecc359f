/**
 * Presenting: large type, the step's title, its figure and one line at a time. The next key shows the next line, then what
 * was covered, then the next step.
 */

/** The lines of a step in the order in which they are shown; each is {element, guess?}. */
export function linesOf(step) {
  const lines = [];
  // The guess stands in a box of its own with the figure.
  for (const part of [...step.root.children].flatMap((child) => (child.matches(".seen") ? [...child.children] : [child]))) {
    if (part.classList.contains("prose")) lines.push(...proseLines(part));
    else if (part.classList.contains("guess")) lines.push({ element: part, guess: step.guess });
    else if (part.matches(".try, .question")) lines.push({ element: part });
  }
  return lines;
}

function proseLines(prose) {
  return [...prose.children].flatMap((child) => (child.matches("ul, ol") ? [...child.children] : [child])).map((element) => ({ element }));
}

/** {show(index), next(), back(), stop()} over a step that is on show; next and back say whether there was a line to go to. */
export function presenting(root, step) {
  const lines = linesOf(step);
  let at = -1;
  step.figure?.enlarge(true);

  function show(index) {
    at = Math.max(0, Math.min(lines.length - 1, index));
    lines.forEach(({ element }, place) => {
      element.classList.add("one-line");
      element.classList.toggle("now", place === at);
    });
    root.dataset.line = `${at + 1} / ${Math.max(1, lines.length)}`;
  }

  return {
    count: lines.length,
    show,
    next() {
      const { guess } = lines[at] ?? {};
      if (guess?.isOpen()) {
        guess.reveal();
        // Where the figure is not here yet there is nothing to reveal, and the line stays.
        return true;
      }
      if (at >= lines.length - 1) return false;
      show(at + 1);
      return true;
    },
    back() {
      if (at <= 0) return false;
      show(at - 1);
      return true;
    },
    stop() {
      step.figure?.enlarge(false);
      for (const { element } of lines) element.classList.remove("one-line", "now");
    },
  };
}
