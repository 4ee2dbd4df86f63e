// The largest of many numbers, in order: a quicksort that leaves alone what is not among them.

/** Parts this small are sorted by insertion. */
const SMALL: usize = 128;

/** Puts the largest `count` of the numbers from `from` up to `to` at their end, in ascending order; the others in front, in any. */
export function sortTop(from: usize, to: usize, count: i32): void {
  const border = count < <i32>((to - from) >> 3) ? to - ((<usize>count) << 3) : from;
  while (to - from > SMALL) {
    const pivot = middle(load<f64>(from), load<f64>(from + (((to - from) >> 4) << 3)), load<f64>(to - 8));
    let low = from;
    let high = to - 8;
    do {
      while (load<f64>(low) < pivot) low += 8;
      while (load<f64>(high) > pivot) high -= 8;
      if (low > high) break;
      const value = load<f64>(low);
      store<f64>(low, load<f64>(high));
      store<f64>(high, value);
      low += 8;
      high -= 8;
    } while (low <= high);
    // The smaller part goes first, so that calls do not nest deeply; a part below the border is left as it is.
    const left = high + 8;
    if (left - from < to - low) {
      if (left > border) sortTop(from, left, <i32>((left - max(border, from)) >> 3));
      from = low;
    } else {
      sortTop(low, to, <i32>((to - max(border, low)) >> 3));
      if (left <= border) return;
      to = left;
    }
  }
  insert(from, to);
}

function middle(a: f64, b: f64, c: f64): f64 {
  return max(min(a, b), min(max(a, b), c));
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
