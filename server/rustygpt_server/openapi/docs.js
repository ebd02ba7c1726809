// Search on the page with the API's documents, and links to closed entries.

const query = document.querySelector("#query");
const count = document.querySelector("#count");
const entries = [...document.querySelectorAll(".entry")].map((element) => ({
  element,
  text: element.textContent.toLowerCase(),
}));

// Shows the entries that contain every word, and sections that have one.
function search() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const { element, text } of entries) {
    element.hidden = !words.every((word) => text.includes(word));
    found += element.hidden ? 0 : 1;
  }
  for (const section of document.querySelectorAll("section"))
    section.hidden = !section.querySelector(".entry:not([hidden])");
  count.textContent = words.length ? `${found} found` : "";
}

// Opens the entry that the address names, even when the search has hidden it.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target?.matches(".entry")) return;
  if (target.hidden) {
    query.value = "";
    search();
  }
  target.open = true;
  target.scrollIntoView();
}

document.querySelector("search").hidden = false;
query.addEventListener("input", search);
window.addEventListener("hashchange", openTarget);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== query) {
    event.preventDefault();
    query.focus();
  }
});
search();
openTarget();
