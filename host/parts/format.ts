// Numbers as people read them: fuel, times, sizes, moments. Three digits, and a unit.

const UNITS = ['', ' k', ' M', ' G', ' T', ' P'] as const;

/** 1,234,000 is "1.23 M". */
export function short(value: number): string {
  let [left, unit] = [Math.abs(value), 0];
  while (left >= 999.5 && unit < UNITS.length - 1) {
    left /= 1_000;
    unit++;
  }
  const digits = left >= 99.5 || Number.isInteger(left) ? 0 : left >= 9.95 ? 1 : 2;
  return `${value < 0 ? '-' : ''}${left.toFixed(digits)}${UNITS[unit]}`;
}

export function bytes(value: number): string {
  const text = short(value);
  return `${text}${/\d$/.test(text) ? ' ' : ''}B`;
}

/** From ms to weeks, in one or two units. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} days`;
}

export function clock(at: number): string {
  return new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** Controls, marks of direction, and characters without a width; line ends and tabs are no harm. */
const UNSEEN = /[\p{Cf}\p{Co}\p{Cn}]|(?![\t\n])\p{Cc}/gu;

/** Text of a guest's, made fit to show: cut where it is long, with marks for characters that cannot be seen or turn the line around. */
export function shown(text: string, max = 200): string {
  const marked = text.replace(UNSEEN, '\u25a1');
  return marked.length > max ? `${marked.slice(0, max)}…` : marked;
}
