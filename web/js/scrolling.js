// The scroll position of the messages. What is at the top of the view stays there whatever changes
// above it; at the end of the thread the view follows the end, until any move upwards lets go of it.

const UP_KEYS = new Set(["ArrowUp", "PageUp", "Home"]);
const END_PX = 4;

// `hasEnd()` says whether the last row is that of the thread; `onMoved()` is called once per frame
// in which the view moved.
export function makeScrolling(scroll, list, { hasEnd, onMoved }) {
  let follows = false;
  let anchor = null; // { row, index of a block in its text or -1, offset from the top of the view }
  let lastTop = 0;
  let touchY = 0;
  let frame = 0;

  const top = () => scroll.getBoundingClientRect().top;
  const distance = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight;
  const isAtEnd = () => hasEnd() && distance() <= END_PX;

  // The index of the first child whose lower edge is below `y`; children are in order.
  function childAt(parent, y) {
    let low = 0;
    let high = parent.children.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (parent.children[middle].getBoundingClientRect().bottom <= y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function remember() {
    const edge = top();
    const row = list.children[childAt(list, edge + 1)];
    anchor = row ? { row, ...placeIn(row, edge) } : null;
    lastTop = scroll.scrollTop;
  }

  // Within a long message a block of its text is the anchor.
  function placeIn(row, edge) {
    const text = row.querySelector(":scope > .text");
    const index = text ? childAt(text, edge + 1) : -1;
    const block = text?.children[index];
    if (!block || row.getBoundingClientRect().top >= edge) {
      return { index: -1, offset: row.getBoundingClientRect().top - edge };
    }
    return { index, offset: block.getBoundingClientRect().top - edge };
  }

  // Before a change: the anchor may have scrolled far away since the last event.
  function prepare() {
    if (!follows && (scroll.scrollTop !== lastTop || !anchor?.row.isConnected)) remember();
  }

  // After a change: back to where the view was.
  function restore() {
    if (follows) return toEnd();
    if (!anchor?.row.isConnected) return remember();
    const text = anchor.row.querySelector(":scope > .text");
    const element = (anchor.index >= 0 && text?.children[anchor.index]) || anchor.row;
    // The view may have moved since its last event.
    const moved = scroll.scrollTop - lastTop;
    const shift = element.getBoundingClientRect().top - top() - anchor.offset + moved;
    if (Math.abs(shift) > 0.5) scroll.scrollTop += shift;
    anchor.offset -= moved;
    lastTop = scroll.scrollTop;
  }

  function toEnd() {
    follows = hasEnd();
    scroll.scrollTop = scroll.scrollHeight;
    remember();
  }

  // Shows a row with its upper edge at a part of the view's height.
  function toRow(row, part = 0.2) {
    follows = false;
    const y = row.getBoundingClientRect().top - top();
    scroll.scrollTop += y - part * scroll.clientHeight;
    follows = isAtEnd();
    remember();
  }

  function letGo() {
    follows = false;
    remember();
  }

  function onScroll() {
    const hasRisen = scroll.scrollTop < lastTop - 1;
    const hasSunk = scroll.scrollTop > lastTop + 1;
    if (hasRisen && distance() > END_PX) follows = false;
    if (hasSunk && isAtEnd()) follows = true;
    remember();
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      onMoved();
    });
  }

  function onWheel({ deltaY }) {
    if (deltaY < 0) letGo();
    else if (deltaY > 0 && isAtEnd()) follows = true;
  }

  function onTouchMove({ touches }) {
    const y = touches[0]?.clientY ?? 0;
    if (y > touchY) letGo();
    touchY = y;
  }

  scroll.addEventListener("scroll", onScroll, { passive: true });
  scroll.addEventListener("wheel", onWheel, { passive: true });
  scroll.addEventListener("keydown", (event) => UP_KEYS.has(event.key) && letGo());
  scroll.addEventListener("touchstart", (event) => {
    touchY = event.touches[0].clientY;
  }, { passive: true });
  scroll.addEventListener("touchmove", onTouchMove, { passive: true });
  // The width of the window, fonts, whatever changes heights without this page's doing.
  const observer = new ResizeObserver(restore);
  observer.observe(list);
  observer.observe(scroll);

  return { prepare, restore, toEnd, toRow, isAtEnd, childAt, follows: () => follows };
}
