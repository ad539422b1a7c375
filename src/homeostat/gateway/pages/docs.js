"use strict";
const TOKENS = /("(?:\\.|[^"\\])*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;
const PIECES = /"(?:\\.|[^"\\])*"|[^\s"{}[\],:]+|[{}[\],:]/g;
const KINDS = ["text", "number", "word"];

const quoted = (text) => "'" + text.replaceAll("'", "'\\''") + "'";
const bodyOf = (operation) => operation.querySelector("textarea");

function pathOf(operation) {
  let path = operation.dataset.path;
  for (const input of operation.querySelectorAll(".given input")) {
    path = path.replace("{" + input.name + "}", encodeURIComponent(input.value));
  }
  return path;
}

function curl(operation) {
  const body = bodyOf(operation);
  let line = "curl -s " + quoted(location.origin + pathOf(operation));
  if (body) {
    line += " \\\n  -H " + quoted("content-type: " + operation.dataset.type);
    line += " \\\n  -d " + quoted(compact(body.value));
  }
  operation.querySelector(".curl pre").textContent = line;
}

// JSON is cut and laid out as text, so that large numbers keep every digit.
function compact(text) {
  try { JSON.parse(text); } catch { return text; }
  return text.match(PIECES).join("");
}

function check(operation) {
  const body = bodyOf(operation);
  let mistake = "";
  if (body) {
    try { JSON.parse(body.value); } catch (error) { mistake = "not JSON: " + error.message; }
    operation.querySelector(".mistake").textContent = mistake;
  }
}

function show(target, text) {
  const parts = document.createDocumentFragment();
  let done = 0;
  for (const found of text.matchAll(TOKENS)) {
    const part = document.createElement("span");
    const key = found[1] && /^\s*:/.test(text.slice(found.index + found[0].length, found.index + found[0].length + 2));
    part.className = key ? "key" : KINDS[found.slice(1).findIndex(Boolean)];
    part.textContent = found[0];
    parts.append(text.slice(done, found.index), part);
    done = found.index + found[0].length;
  }
  parts.append(text.slice(done));
  target.replaceChildren(parts);
}

function pretty(text, type) {
  if (!type.includes("json")) return text;
  try { JSON.parse(text); } catch { return text; }
  return indented(text);
}

function indented(text) {
  let depth = 0, found = "";
  for (const token of text.match(PIECES)) {
    const last = found.at(-1);
    if (token === "}" || token === "]") {
      depth -= 1;
      found += last === "{" || last === "[" ? token : "\n" + "  ".repeat(depth) + token;
      continue;
    }
    if (last === "{" || last === "[" || last === ",") found += "\n" + "  ".repeat(depth);
    found += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth += 1;
  }
  return found;
}

async function send(operation) {
  const button = operation.querySelector(".send"), status = operation.querySelector(".status");
  const target = operation.querySelector(".answer"), body = bodyOf(operation);
  const options = { method: operation.dataset.method, cache: "no-store" };
  if (body) Object.assign(options, { body: body.value, headers: { "content-type": operation.dataset.type } });
  button.disabled = true;
  status.className = "status";
  status.textContent = "waiting";
  const began = performance.now();
  try {
    const answer = await fetch(pathOf(operation), options), text = await answer.text();
    const spent = performance.now() - began;
    status.classList.add(answer.ok ? "good" : "bad");
    status.textContent = [answer.status, answer.statusText, "·", spent.toFixed(spent < 10 ? 1 : 0), "ms"].filter(String).join(" ");
    const type = answer.headers.get("content-type") || "";
    const shown = pretty(text, type) || "(an empty body)";
    if (type.includes("json")) show(target, shown); else target.textContent = shown;
    if (answer.ok && operation.id === "try-predict") labelled(JSON.parse(text));
  } catch (error) {
    status.classList.add("bad");
    status.textContent = "no answer";
    target.textContent = "The gateway cannot be reached: " + error.message;
  } finally {
    button.disabled = false;
    target.scrollTop = 0;
  }
}

// What was just predicted can be labelled at once, unless someone wrote a label of their own.
function labelled(answer) {
  const labels = document.getElementById("try-labels"), body = labels && bodyOf(labels);
  const first = answer.predictions ? answer.predictions[0] : answer;
  if (!body || body.value !== (body.dataset.given || body.defaultValue)) return;
  const given = JSON.parse(body.defaultValue);
  given.labels[0] = { prediction_id: first.id, label: given.labels[0].label };
  body.value = body.dataset.given = JSON.stringify(given, null, 2);
  curl(labels);
}

async function copy(operation) {
  const button = operation.querySelector(".copy"), source = operation.querySelector(".curl pre");
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

for (const operation of document.querySelectorAll(".operation")) {
  const form = operation.querySelector("form");
  const changed = () => { curl(operation); check(operation); };
  form.addEventListener("submit", (event) => { event.preventDefault(); send(operation); });
  form.addEventListener("input", changed);
  form.addEventListener("reset", () => setTimeout(changed));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(operation); }
  });
  operation.querySelector(".copy").addEventListener("click", () => copy(operation));
  curl(operation);
}
