// Sizes, times and fuel as people write them: 64MiB, 10s, 4.56 M.
import { LodgerError } from './errors.ts';

const SIZES = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, kB: 1e3, MB: 1e6, GB: 1e9 } as const;
const TIMES = { '': 1, ms: 1, s: 1_000, min: 60_000, h: 3_600_000 } as const;

/** What a size and a time look like; whether they are whole is for the parsers. Marked pure: tabs, which parse none, are not sent them. */
export const SIZE_TEXT = /* @__PURE__ */ textOf(SIZES);
export const DURATION_TEXT = /* @__PURE__ */ textOf(TIMES);

/** Bytes of a text such as `64MiB` or `65536`. Refuses what is not a whole number of bytes below 2^53. */
export function parseSize(text: string, option: string): number {
  return parse(text, option, SIZES, 'a size such as 64MiB, 512KiB or 4096');
}

/** Milliseconds of a text such as `10s`, `250ms` or `5min`. Refuses what is not a whole number of them. */
export function parseDuration(text: string, option: string): number {
  return parse(text, option, TIMES, 'a time such as 10s, 250ms or 5min');
}

function parse(text: string, option: string, units: Readonly<Record<string, number>>, wanted: string): number {
  const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?)\s?([A-Za-z]*)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  const value = digits === undefined || factor === undefined ? Number.NaN : Number(digits) * factor;
  if (!Number.isSafeInteger(value)) throw new LodgerError('ERR_OPTION_INVALID', [option, wanted]);
  return value;
}

function textOf(units: Readonly<Record<string, number>>): RegExp {
  return new RegExp(`^\\d{1,15}(\\.\\d{1,6})?\\s?(${Object.keys(units).filter(Boolean).join('|')})?$`);
}

/** `1.5 MiB`: three significant digits at most. */
export function formatSize(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1024 || unit === 'GiB') return `${short(value)} ${unit}`;
    value /= 1024;
  }
  return `${bytes} B`;
}

/** `250 ms`, `1.25 s`, `3 min 20 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1) return `${short(ms * 1000)} us`;
  if (ms < 1_000) return `${short(ms)} ms`;
  if (ms < 60_000) return `${short(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
  return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
}

/** `4.56 M, 1.2 G a second`. `ms`: how long it took. */
export function formatFuel(fuel: number, ms: number): string {
  const rate = ms > 0 ? `, ${formatCount((fuel / ms) * 1_000)} a second` : '';
  return `${formatCount(fuel)}${rate}`;
}

/** `950`, `12.3 k`, `4.56 M`, `7.8 G`: three significant digits at most. */
export function formatCount(count: number): string {
  let value = count;
  for (const unit of ['', ' k', ' M', ' G']) {
    if (value < 1_000 || unit === ' G') return `${short(value)}${unit}`;
    value /= 1_000;
  }
  return String(count);
}

/** Three significant digits, without trailing zeros. */
export function short(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
