// Pointing at plots, filtering decisions, copying commands. The page is whole without it.
"use strict";
(() => {
  const tip = document.getElementById("tip");
  const show = (x, y, parts) => {
    tip.replaceChildren(...parts);
    tip.hidden = false;
    const wide = tip.offsetWidth, high = tip.offsetHeight, room = document.documentElement.clientWidth;
    const left = Math.min(Math.max(8, x - wide / 2), room - wide - 8);
    const above = y - high - 14 > window.scrollY ? y - high - 14 : y + 20;
    tip.style.left = `${left}px`;
    tip.style.top = `${above}px`;
  };
  const hide = () => { tip.hidden = true; };
  const make = (tag, text) => {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  };

  for (const element of document.querySelectorAll("[data-tip]")) {
    const point = () => {
      const box = element.getBoundingClientRect();
      show(box.left + box.width / 2 + window.scrollX, box.top + window.scrollY, [make("div", element.dataset.tip)]);
    };
    element.addEventListener("pointerenter", point);
    element.addEventListener("focus", point);
    element.addEventListener("pointerleave", hide);
    element.addEventListener("blur", hide);
  }

  for (const plot of document.querySelectorAll(".quality .plot")) {
    const dots = [...plot.querySelectorAll(".dot")];
    const places = [...new Set(dots.map((dot) => parseFloat(dot.style.left)))];
    const rule = document.createElement("div");
    rule.className = "rule";
    rule.hidden = true;
    plot.append(rule);
    const leave = () => {
      hide();
      rule.hidden = true;
      dots.forEach((dot) => dot.classList.remove("on"));
    };
    plot.addEventListener("pointermove", (event) => {
      if (!places.length) return;
      const box = plot.getBoundingClientRect();
      const at = ((event.clientX - box.left) / box.width) * 100;
      const near = places.reduce((best, place) => (Math.abs(place - at) < Math.abs(best - at) ? place : best));
      dots.forEach((dot) => dot.classList.toggle("on", parseFloat(dot.style.left) === near));
      const chosen = dots.filter((dot) => dot.classList.contains("on")).reverse();
      rule.style.left = `${near}%`;
      rule.hidden = false;
      const lines = chosen.map((dot) => {
        const line = document.createElement("span");
        line.append(make("span", dot.dataset.name), make("span", dot.dataset.value));
        return line;
      });
      const head = make("b", `${chosen[0].dataset.when}, ${chosen[0].dataset.rows}`);
      show(box.left + (near / 100) * box.width + window.scrollX, box.top + window.scrollY, [head, ...lines]);
    });
    plot.addEventListener("pointerleave", leave);
  }

  const filters = document.querySelector(".filters");
  if (filters) {
    filters.hidden = false;
    const rows = [...document.querySelectorAll(".decisions tbody tr")];
    const buttons = [...filters.querySelectorAll("button")];
    const search = filters.querySelector("input");
    const none = document.querySelector(".none");
    let group = "";
    const filter = () => {
      const text = search.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        const fits = (!group || row.dataset.group === group) && row.textContent.toLowerCase().includes(text);
        row.hidden = !fits;
        shown += fits;
      }
      none.hidden = shown > 0;
    };
    const choose = (name) => {
      group = name;
      buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.group === name)));
      filter();
    };
    buttons.forEach((button) => button.addEventListener("click", () => choose(button.dataset.group)));
    search.addEventListener("input", filter);
    window.addEventListener("hashchange", () => {
      const row = document.getElementById(location.hash.slice(1));
      if (row && row.hidden) {
        search.value = "";
        choose("");
        row.scrollIntoView();
      }
    });
  }

  for (const button of document.querySelectorAll(".copy")) {
    if (!navigator.clipboard) break;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.previousElementSibling.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
})();
