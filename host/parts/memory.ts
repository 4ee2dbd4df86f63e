// What a page remembers of its visitor's choices, in this browser alone.
const PREFIX = 'lodger.';

/** The choice of before, or the other one: also where the browser keeps nothing, or something else is there. */
export function recall<T extends string | number | boolean>(name: string, otherwise: T): T {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(PREFIX + name) ?? 'null');
    return typeof kept === typeof otherwise ? (kept as T) : otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(name: string, value: string | number | boolean): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // It is asked again next time.
  }
}
