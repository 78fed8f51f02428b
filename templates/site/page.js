"use strict";
(() => {
  // Find models on the index: the form is hidden where this does not run.
  const form = document.querySelector("form.find");
  const rows = [...document.querySelectorAll("tr[data-words]")];
  const find = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const format = form.elements.format.value, state = form.elements.state?.value;
    let shown = 0;
    for (const row of rows) {
      const text = row.dataset.words;
      const fits = words.every((word) => text.includes(word)) &&
        (!format || row.dataset.formats.split(" ").includes(format)) &&
        (!state || row.dataset.state === state);
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    form.querySelector("output").textContent = `${shown} of ${rows.length} shown`;
  };
  if (form) {
    form.hidden = false;
    form.addEventListener("input", find);
    form.addEventListener("submit", (event) => event.preventDefault());
    find();
  }

  // Offer to copy each snippet.
  const copied = async (pre) => {
    try {
      await navigator.clipboard.writeText(pre.textContent);
    } catch {
      getSelection().selectAllChildren(pre);
      return document.execCommand("copy");
    }
    return true;
  };
  for (const code of document.querySelectorAll(".code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${code.dataset.what}`);
    button.addEventListener("click", async () => {
      button.textContent = (await copied(code.querySelector("pre"))) ? "Copied" : "Press Ctrl+C";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    code.append(button);
  }

  // Let the keyboard scroll what is wider or taller than its place.
  const reach = () => {
    for (const box of document.querySelectorAll(".scroll, pre")) {
      const over = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
      if (over) box.tabIndex = 0; else box.removeAttribute("tabindex");
    }
  };
  reach();
  addEventListener("resize", reach);
  document.addEventListener("toggle", reach, true);
})();
