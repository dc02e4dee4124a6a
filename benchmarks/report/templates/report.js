"use strict";

// A token is [flags, piece, ...]; see benchmarks/report/passages.py for the flags.
const SUPERWORD = 1, PART = 2, AT_MORPHEME = 4;
const root = document.documentElement;

function element(tag, name, ...children) {
  const made = document.createElement(tag);
  made.className = name;
  made.append(...children);
  return made;
}

function words(english, korean) {
  const both = [element("span", "", english), element("span", "", korean)];
  both[0].lang = "en";
  both[1].lang = "ko";
  return both;
}

// Language: the browser's at first; nothing is remembered.
function speak(language) {
  root.lang = root.dataset.language = language;
  for (const group of document.querySelectorAll("optgroup")) group.label = group.dataset[language];
}

const toggle = document.getElementById("language");
toggle.hidden = false;
toggle.addEventListener("click", () => speak(root.lang === "en" ? "ko" : "en"));

// Tables: a second click turns the order round; what has no figure stays last.
function sort(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const head = heads[column], number = head.classList.contains("number"), before = head.getAttribute("aria-sort");
  const descending = before === "none" ? number : before === "ascending";
  for (const other of heads) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const key = (row) => row.cells[column].dataset.sort;
  const rows = [...table.tBodies[0].rows].sort((a, b) => {
    if (!key(a) || !key(b)) return !key(a) - !key(b);
    const order = number ? key(a) - key(b) : key(a).localeCompare(key(b));
    return descending ? -order : order;
  });
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable"))
  [...table.tHead.rows[0].cells].forEach((head, column) =>
    head.firstElementChild.addEventListener("click", () => sort(table, column)));

// Side by side.
function visible(text) {
  return text
    .replace(/\n/g, "⏎")
    .replace(/\t/g, "⇥")
    .replace(/[\0-\x1f]/g, (sign) => String.fromCharCode(0x2400 + sign.charCodeAt(0)));
}

function drawToken([flags, ...pieces], index) {
  const box = element("span", "token c" + (index % 4));
  if (flags & SUPERWORD) box.classList.add("superword");
  if (flags & PART) box.classList.add("part");
  pieces.forEach((piece, i) => box.append(...(i ? [element("i", "meet")] : []), visible(piece)));
  const drawn = flags & AT_MORPHEME ? [element("i", "meet"), box] : [box];
  if (pieces.some((piece) => piece.includes("\n"))) drawn.push(document.createElement("br"));
  return drawn;
}

function drawCut(cut, passage, most) {
  const count = element("p", "count", element("b", "", String(cut.count)), " ", ...words("tokens", "토큰"));
  const facts = [...words(
    `${(passage.characters / cut.count).toFixed(2)} characters a token`,
    `토큰당 ${(passage.characters / cut.count).toFixed(2)}자`)];
  if (cut.superwords) facts.push(" · ", ...words(`${cut.superwords} superword${cut.superwords > 1 ? "s" : ""}`, `초어절 ${cut.superwords}개`));
  if (cut.inside) {
    const share = Math.round((100 * cut.hits) / cut.inside);
    facts.push(" · ", ...words(`${share}% of inner cuts at morphemes`, `어절 안 경계의 ${share}%가 형태소 경계`));
  }
  if (!cut.exact) facts.push(" · ", ...words("does not give back the text", "글이 그대로 복원되지 않음"));
  const meter = element("div", "meter");
  meter.style.width = `${(100 * cut.count) / most}%`;
  const tokens = element("div", "tokens", ...cut.tokens.flatMap(drawToken));
  return element("article", "", element("h3", "", cut.name), count, meter, element("p", "muted", ...facts), tokens);
}

function draw(passage) {
  const most = Math.max(...passage.cuts.map((cut) => cut.count), 1);
  document.getElementById("cuts").replaceChildren(...passage.cuts.map((cut) => drawCut(cut, passage, most)));
}

const data = document.getElementById("data");
if (data) {
  const { passages, groups } = JSON.parse(data.textContent);
  const select = document.getElementById("passage");
  passages.forEach((passage, index) => {
    const [english, korean] = groups[passage.group] ?? [passage.group, passage.group];
    if (select.lastElementChild?.dataset.en !== english) {
      select.append(document.createElement("optgroup"));
      Object.assign(select.lastElementChild.dataset, { en: english, ko: korean });
    }
    const start = [...passage.text.replace(/\s+/g, " ")].slice(0, 24).join("");
    select.lastElementChild.append(new Option(`${passage.file} · ${start}…`, index));
  });
  select.addEventListener("change", () => draw(passages[select.value]));
  draw(passages[0]);
}

speak(navigator.language.startsWith("ko") ? "ko" : "en");
