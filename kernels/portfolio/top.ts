// The largest of many numbers, in order: a quicksort that leaves alone what is not among them.

/** Parts this small are sorted by insertion. */
const SMALL: usize = 128;

/** Puts the largest `count` of the numbers from `from` up to `to` at their end, in ascending order; the others in front, in any. */
export function sortTop(from: usize, to: usize, count: i32): void {
  sortBehind(from, to, count < <i32>((to - from) >> 3) ? to - ((<usize>count) << 3) : from);
}

/** The same for the numbers that belong behind `border`. */
function sortBehind(from: usize, to: usize, border: usize): void {
  while (to - from > SMALL) {
    const pivot = middle(load<f64>(from), load<f64>(from + (((to - from) >> 4) << 3)), load<f64>(to - 8));
    const low = smallerFirst(from, to, pivot);
    // Where none is smaller, those equal to it go first and are in order: many equal numbers take no longer than others.
    if (low == from) from = notLargerFirst(from, to, pivot);
    else if (low <= border) from = low;
    // The smaller part goes first, so that calls do not nest deeply.
    else if (low - from < to - low) {
      sortBehind(from, low, border);
      from = low;
    } else {
      sortBehind(low, to, border);
      to = low;
    }
  }
  insert(from, to);
}

function middle(a: f64, b: f64, c: f64): f64 {
  return max(min(a, b), min(max(a, b), c));
}

/** Moves numbers smaller than the pivot to the front, and returns where they end. It does not branch on what is random. */
function smallerFirst(from: usize, to: usize, pivot: f64): usize {
  let low = from;
  for (let at = from; at < to; at += 8) {
    const value = load<f64>(at);
    store<f64>(at, load<f64>(low));
    store<f64>(low, value);
    low += (<usize>(value < pivot)) << 3;
  }
  return low;
}

/** The same for all that are not larger. At least one is not, so that there are less left, also among NaNs. */
function notLargerFirst(from: usize, to: usize, pivot: f64): usize {
  let low = from;
  for (let at = from; at < to; at += 8) {
    const value = load<f64>(at);
    store<f64>(at, load<f64>(low));
    store<f64>(low, value);
    low += (<usize>!(value > pivot)) << 3;
  }
  return low;
}

function insert(from: usize, to: usize): void {
  for (let at = from + 8; at < to; at += 8) {
    const value = load<f64>(at);
    let hole = at;
    while (hole > from && load<f64>(hole - 8) > value) {
      store<f64>(hole, load<f64>(hole - 8));
      hole -= 8;
    }
    store<f64>(hole, value);
  }
}
