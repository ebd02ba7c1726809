// Elements, made without ever taking text for markup.

export const byId = (id) => document.getElementById(id);

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Only for HTML that the server has rendered and sanitised; scripts in it stay dead.
export function showHtml(element, html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  for (const link of parsed.querySelectorAll("a[href]")) link.target = "_blank";
  element.replaceChildren(...parsed.body.childNodes);
}

// Bring a list's children into the order of `wanted`, moving as few as can be.
export function arrange(parent, wanted) {
  let next = parent.firstChild;
  for (const element of wanted) {
    if (element === next) next = next.nextSibling;
    else parent.insertBefore(element, next);
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

export function announce(words) {
  byId("announcer").textContent = words;
}

export function when(text) {
  const time = new Date(text);
  const today = new Date().toDateString() === time.toDateString();
  const clock = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return today ? clock : `${time.toLocaleDateString()} ${clock}`;
}

export function badge(count) {
  if (!count) return null;
  const shown = count >= 1000 ? "1000+" : String(count);
  return h("span", { class: "badge" }, shown, h("span", { class: "hidden" }, " unread"));
}
