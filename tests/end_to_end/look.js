// Shows REPORT in frames of several widths and writes what a reader would stumble over as JSON.

function luminance(colour) {
  const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((v) => {
    const share = v / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// WCAG's contrast of two colours.
function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

function measure(frame, width) {
  const page = frame.contentDocument;
  const view = frame.contentWindow;
  const style = (node) => view.getComputedStyle(node);
  const root = page.documentElement;
  const paper = style(page.querySelector("section")).backgroundColor;
  const seen = {
    width, scroll: root.scrollWidth, pictures: 0, smallest: Infinity,
    contrast: contrast(style(page.body).color, paper), outside: [], overlaps: [],
    scheme: view.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
  };
  for (const svg of page.querySelectorAll("svg.plot")) {
    seen.pictures += 1;
    const edge = svg.getBoundingClientRect();
    const scale = edge.width / svg.viewBox.baseVal.width;
    const texts = [...svg.querySelectorAll("text")].filter((t) => t.textContent.trim() !== "");
    const boxes = texts.map((t) => t.getBoundingClientRect());
    texts.forEach((text, i) => {
      const a = boxes[i];
      const name = `${svg.getAttribute("aria-label")}: ${text.textContent}`;
      seen.smallest = Math.min(seen.smallest, scale * parseFloat(style(text).fontSize));
      seen.contrast = Math.min(seen.contrast, contrast(style(text).fill, paper));
      if (a.left < edge.left - 1 || a.right > edge.right + 1 || a.top < edge.top - 1 || a.bottom > edge.bottom + 1) {
        seen.outside.push(name);
      }
      for (let j = 0; j < i; j += 1) {
        const b = boxes[j];
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        // Boxes are taller than letters: a third of a line is not yet an overlap.
        if (across > 1 && down > a.height / 3) seen.overlaps.push(`${name} / ${texts[j].textContent}`);
      }
    });
  }
  return seen;
}

function show(width) {
  return new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.style = `border: 0; width: ${width}px; height: 900px`;
    frame.srcdoc = REPORT;
    frame.onload = () => resolve(measure(frame, width));
    document.body.append(frame);
  });
}

window.onload = async () => {
  const seen = [];
  for (const width of WIDTHS) seen.push(await show(width));
  const out = document.createElement("pre");
  out.textContent = JSON.stringify(seen);
  document.body.replaceChildren(out);
};
