// The one menu of the page, by the button that opens it: the keys are those that WAI-ARIA describes.

import { byId, h } from "./dom.js";

let opener = null; // the button that gets the focus back

// `entries` are `[label, run]`; a button with a menu has aria-haspopup and aria-expanded.
export function openMenu(button, entries) {
  const menu = byId("menu");
  opener = button;
  menu.replaceChildren(...entries.map(itemOf));
  menu.setAttribute("aria-label", button.getAttribute("aria-label"));
  button.setAttribute("aria-expanded", "true");
  menu.showPopover();
  const { left, bottom, top } = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  menu.style.top = `${bottom + height > innerHeight ? Math.max(8, top - height) : bottom}px`;
  menu.firstElementChild.focus();
}

function itemOf([label, run]) {
  const onclick = () => {
    byId("menu").hidePopover();
    run();
  };
  return h("button", { type: "button", role: "menuitem", tabindex: "-1", onclick }, label);
}

// The button that opened the last menu: a dialog that it led to gives the focus back to it.
export const lastOpener = () => opener;

// Escape is the popover's own.
byId("menu").addEventListener("keydown", (event) => {
  const items = [...byId("menu").children];
  const index = items.indexOf(document.activeElement);
  const next = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: -1 }[event.key];
  if (event.key === "Tab") byId("menu").hidePopover();
  if (next === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  items.at(next % items.length).focus();
});

byId("menu").addEventListener("toggle", (event) => {
  if (event.newState !== "closed") return;
  opener?.setAttribute("aria-expanded", "false");
  const isLost = byId("menu").contains(document.activeElement) || document.activeElement === document.body;
  if (!byId("dialog").open && isLost) opener?.focus({ preventScroll: true });
});
