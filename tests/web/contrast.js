// Answers every visible text whose contrast is below WCAG 1.4.3, as [text, ratio]. Colours are read through a canvas, so
// that any notation counts as what is painted; backgrounds are laid over each other from the root up.
(() => {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const painted = (colours) => {
    pen.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
    }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faults = [];
  for (const element of document.querySelectorAll("#app *")) {
    const own = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join(" ").trim();
    if (!own || !element.checkVisibility() || element.closest(".picture")) continue;
    const style = getComputedStyle(element);
    const chain = [];
    let opacity = 1;
    for (let each = element; each; each = each.parentElement) {
      const { backgroundColor, backgroundImage, opacity: one } = getComputedStyle(each);
      opacity *= Number(one);
      chain.unshift(backgroundColor, ...(backgroundImage.match(/okl\w+\([^)]*\)|rgba?\([^)]*\)/g) ?? []).slice(-1));
    }
    const back = painted(chain);
    const front = painted([...chain, style.color]).map((value, place) => value * opacity + back[place] * (1 - opacity));
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) faults.push([own, ratio.toFixed(2)]);
  }
  return faults;
})();
