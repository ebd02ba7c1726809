// A text that grows, as blocks of Markdown: finished blocks are final, and text is only appended to
// the last text node, so that a selection and the place of what is being read stay. At the end the
// server's HTML takes the place of those blocks that look different.
//
// Each line is classified from its first characters, which are held back until they are decided.

import { frameOfTable, h, headingLevel } from "./dom.js";
import { renderInline } from "./inline.js";

const UNDECIDED =
  /^\s*(|[-*+_]|[-*_][-*_ ]*|\d{1,9}[.)]?\s?|#{1,6}\s?|>\s?|`{1,2}|~{1,2}|(`{3,}|~{3,}).*)$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*)/s;
const RULE = /^ {0,3}([-*_])( *\1){2,}\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)/s;
const QUOTE = /^ {0,3}> ?(.*)/s;
const ROW = /^ {0,3}\|/;

export function makeBlocks(container) {
  let taken = 0; // characters of the text that are taken in
  let line = "";
  let isDecided = false;
  let block = null; // the open one: { kind, element, node, source, … }

  // Takes the whole text so far, of which earlier calls had the beginning.
  function setText(text) {
    append(text.slice(taken));
    taken = Math.max(taken, text.length);
  }

  function append(text) {
    if (!text) return;
    for (const piece of text.split(/(?<=\n)/)) {
      const ended = piece.endsWith("\n");
      const added = ended ? piece.slice(0, -1) : piece;
      line += added;
      if (isDecided) show(added);
      else if (ended || !isUndecided()) decide(ended);
      if (!ended) continue;
      if (block?.kind === "heading") close();
      if (block?.kind === "table") endRow();
      line = "";
      isDecided = false;
    }
  }

  // The text has ended.
  function end() {
    if (line && !isDecided) decide(true);
    if (line && block?.kind === "table") endRow();
    close();
    line = "";
    isDecided = false;
  }

  const isUndecided = () =>
    block?.kind === "fence" ? /^ {0,3}[`~]*\s*$/.test(line) : UNDECIDED.test(line);

  function show(text) {
    block.source += text;
    block.node.appendData(text);
  }

  // The line is shown from here on, in the block that it belongs to.
  function decide(ended) {
    isDecided = true;
    if (block?.kind === "fence") return decideInFence();
    const isBlank = ended && !line.trim();
    if (isBlank) return onBlank();
    const kind = [FENCE, HEADING, RULE, ITEM, QUOTE, ROW].find((pattern) => pattern.test(line));
    if (kind === FENCE) return openFence();
    if (kind === HEADING) return openHeading();
    if (kind === RULE && ended) return openRule();
    if (kind === ITEM) return openItem();
    if (kind === QUOTE) return continueOrOpen("quote", QUOTE.exec(line)[1]);
    if (kind === ROW && block?.kind !== "paragraph") return beginRow();
    continueText();
  }

  function decideInFence() {
    const closing = /^ {0,3}(`{3,}|~{3,})\s*$/.exec(line);
    if (closing && closing[1].startsWith(block.fence)) {
      isDecided = false;
      return close();
    }
    show(block.hasLines ? `\n${line}` : line);
    block.hasLines = true;
  }

  function onBlank() {
    isDecided = false;
    if (block?.kind === "list") block.hadBlank = true;
    else close();
  }

  function open(kind, element, target = element) {
    close();
    const node = document.createTextNode("");
    target.append(node);
    container.append(element);
    block = { kind, element, node, source: "" };
  }

  function openFence() {
    const [, fence, language] = FENCE.exec(line);
    const code = h("code", { class: language ? `language-${language}` : null });
    open("fence", h("pre", {}, code), code);
    block.fence = fence;
  }

  function openHeading() {
    const [, marks, text] = HEADING.exec(line);
    open("heading", h(`h${headingLevel(marks.length)}`, { dir: "auto" }));
    show(text);
  }

  function openRule() {
    close();
    container.append(h("hr"));
  }

  function openItem() {
    const [, , marker, text] = ITEM.exec(line);
    const tag = /\d/.test(marker) ? "ol" : "ul";
    if (block?.kind !== "list" || block.element.localName !== tag) {
      close();
      const start = tag === "ol" && parseInt(marker, 10) !== 1 ? parseInt(marker, 10) : null;
      const element = h(tag, { start });
      container.append(element);
      block = { kind: "list", element };
    } else {
      finishText(block.item, block.source, block.node);
    }
    const node = document.createTextNode("");
    const item = h("li", { class: "raw", dir: "auto" }, node);
    block.element.append(item);
    Object.assign(block, { item, node, source: "", hadBlank: false });
    show(text);
  }

  function continueOrOpen(kind, text) {
    if (block?.kind === kind) return show(`\n${text}`);
    if (kind === "quote") {
      const paragraph = h("p", { class: "raw", dir: "auto" });
      open(kind, h("blockquote", {}, paragraph), paragraph);
    } else {
      open(kind, h("p", { class: "raw", dir: "auto" }));
    }
    show(text);
  }

  // The first two lines of a table are text until the second one shows that it is one.
  function beginRow() {
    if (!block?.body) return continueOrOpen("table", line);
    const node = document.createTextNode("");
    const cell = h("td", { class: "raw", colspan: block.columns.length, dir: "auto" }, node);
    Object.assign(block, { node, row: h("tr", {}, cell) });
    block.body.append(block.row);
    if (!block.body.isConnected) block.element.append(block.body);
    show(line);
  }

  function endRow() {
    if (block.body) return finishRow(block.row, "td", cellsOf(line), block.columns);
    block.lines = (block.lines ?? 0) + 1;
    if (block.lines === 2) beginTable();
  }

  function beginTable() {
    const [head, rule] = block.source.split("\n").map(cellsOf);
    if (!rule.every((cell) => /^:?-+:?$/.test(cell)) || isSelected(block.element)) {
      block.kind = "paragraph";
      return;
    }
    const row = h("tr");
    const columns = rule.map(alignmentOf);
    finishRow(row, "th", head, columns);
    const table = h("table", {}, h("thead", {}, row));
    const frame = frameOfTable();
    frame.append(table);
    block.element.replaceWith(frame);
    Object.assign(block, { element: table, body: h("tbody"), columns });
  }

  function continueText() {
    if (block?.kind === "list" && (!block.hadBlank || /^\s{2}/.test(line))) {
      block.hadBlank = false;
      return show(`\n${line.trimStart()}`);
    }
    if (block?.kind === "paragraph" || block?.kind === "quote") return show(`\n${line}`);
    open("paragraph", h("p", { class: "raw", dir: "auto" }));
    show(line.trimStart());
  }

  function close() {
    if (!block) return;
    const { kind, element, item, node, source, body } = block;
    block = null;
    if (kind === "list") finishText(item, source, node);
    else if (kind === "quote") finishText(element.firstChild, source, node);
    else if (kind !== "fence" && !body) finishText(element, source, node);
  }

  return { setText, end };
}

function finishText(element, source, node) {
  if (isSelected(element)) return;
  element.classList.remove("raw");
  if (!element.classList.length) element.removeAttribute("class");
  node.replaceWith(renderInline(source.trim()));
}

// `columns` are their alignments.
function finishRow(row, tag, cells, columns) {
  if (isSelected(row)) return;
  row.replaceChildren(
    ...columns.map((align, column) => h(tag, { align, dir: "auto" }, renderInline(cells[column] ?? ""))),
  );
}

// The alignment of a column, by its cell in the second line: `:--`, `:-:`, `--:`.
function alignmentOf(cell) {
  if (!cell.endsWith(":")) return cell.startsWith(":") ? "left" : null;
  return cell.startsWith(":") ? "center" : "right";
}

const cellsOf = (row) =>
  row
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

// Whether the user's selection touches an element: then its text nodes stay.
export function isSelected(element) {
  const selection = document.getSelection();
  return Boolean(selection && !selection.isCollapsed && selection.containsNode(element, true));
}

// Puts the server's blocks in the place of those that look different; equal ones stay.
export function settle(container, blocks) {
  const shown = [...container.children];
  blocks.forEach((block, index) => {
    const current = shown[index];
    if (!current) container.append(block);
    else if (!isSelected(current) && signature(current) !== signature(block)) current.replaceWith(block);
  });
  for (const surplus of shown.slice(blocks.length)) surplus.remove();
  for (const node of [...container.childNodes]) if (node.nodeType === Node.TEXT_NODE) node.remove();
}

// What makes two elements look the same: their tags, links and text, without space between tags.
function signature(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data.trim() ? node.data.replace(/\n$/, "") : "";
  const attributes = ["href", "start", "class", "align"].map((name) => node.getAttribute?.(name));
  return `<${node.nodeName} ${attributes.join(" ")}>${[...node.childNodes].map(signature).join("")}`;
}
