// Reads an input that people write by hand: one setting a line, as `name = value value`. What is wrong is said by name.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { fail } from './exit';
import { isUtf8 } from './utf8';

/** Bytes of settings that are read; what follows a line `data` is not counted. */
const TEXT_BYTES_MAX: i32 = 65536;

class Setting {
  taken: bool = false;
  constructor(
    readonly name: string,
    readonly value: string,
  ) {}
}

/**
 * The settings of an input. Empty lines count nothing, and `#` begins a comment. A line `data` ends the settings: the bytes behind
 * it are `data`. Each setting is asked for by its name and refused where it is missing, given twice, no number or out of bounds;
 * `finish` refuses those that nobody asked for.
 */
export class Settings {
  private readonly list: Setting[] = [];
  /** The bytes behind the line `data`; null where there is no such line. */
  data: Uint8Array | null = null;

  constructor(input: Uint8Array) {
    let from = 0;
    while (from < input.length && this.data === null) {
      let to = from;
      while (to < input.length && input[to] != 0x0a) to++;
      if (to > TEXT_BYTES_MAX) fail('settings are longer than ' + TEXT_BYTES_MAX.toString() + ' bytes');
      this.readLine(input, from, to);
      from = to + 1;
    }
  }

  has(name: string): bool {
    return this.countOf(name) > 0;
  }

  /** How often the setting is given. */
  countOf(name: string): i32 {
    let count = 0;
    for (let i = 0; i < this.list.length; i++) if (this.list[i].name == name) count++;
    return count;
  }

  /** One number from `min` to `max`. */
  number(name: string, min: f64, max: f64): f64 {
    return bounded(name, this.numbers(name, 1)[0], min, max);
  }

  /** As `number`, and `usual` where the setting is not given. */
  numberOr(name: string, usual: f64, min: f64, max: f64): f64 {
    return this.has(name) ? this.number(name, min, max) : usual;
  }

  /** One whole number from `min` to `max`. */
  integer(name: string, min: i32, max: i32): i32 {
    const value = this.number(name, min, max);
    if (value != Math.floor(value)) fail('setting "' + name + '" must be a whole number, not ' + value.toString());
    return <i32>value;
  }

  /** As `integer`, and `usual` where the setting is not given. */
  integerOr(name: string, usual: i32, min: i32, max: i32): i32 {
    return this.has(name) ? this.integer(name, min, max) : usual;
  }

  /** Exactly `count` numbers of a setting that is given once. */
  numbers(name: string, count: i32): f64[] {
    const given = this.countOf(name);
    if (given != 1) fail('setting "' + name + '" is ' + (given == 0 ? 'missing' : 'given ' + given.toString() + ' times'));
    return this.numbersOf(name, 0, count);
  }

  /** Exactly `count` numbers of the line of that name and index, in the order of the input. */
  numbersOf(name: string, index: i32, count: i32): f64[] {
    let at = 0;
    while (this.list[at].name != name || index-- > 0) at++;
    this.list[at].taken = true;
    const texts = wordsOf(this.list[at].value);
    if (texts.length != count) {
      fail('setting "' + name + '" must have ' + count.toString() + (count == 1 ? ' value' : ' values') + ', not ' + texts.length.toString());
    }
    const values = new Array<f64>(count);
    for (let i = 0; i < count; i++) {
      if (!isDecimal(texts[i])) fail('setting "' + name + '": "' + texts[i] + '" is not a number');
      values[i] = F64.parseFloat(texts[i]);
    }
    return values;
  }

  /** Refuses settings that nobody has asked for. */
  finish(): void {
    for (let i = 0; i < this.list.length; i++) {
      if (!this.list[i].taken) fail('setting "' + this.list[i].name + '" is not known');
    }
  }

  private readLine(input: Uint8Array, from: i32, to: i32): void {
    if (!isUtf8(input.dataStart + from, to - from)) fail('the line at byte ' + from.toString() + ' is not UTF-8');
    const whole = String.UTF8.decodeUnsafe(input.dataStart + from, to - from);
    const comment = whole.indexOf('#');
    const line = (comment < 0 ? whole : whole.substring(0, comment)).trim();
    if (line.length == 0) return;
    if (line == 'data') {
      this.data = input.subarray(to + 1);
      return;
    }
    const sign = line.indexOf('=');
    if (sign < 1) fail('the line "' + line + '" is not of the form name = value');
    this.list.push(new Setting(line.substring(0, sign).trim(), line.substring(sign + 1).trim()));
  }
}

function bounded(name: string, value: f64, min: f64, max: f64): f64 {
  if (value >= min && value <= max) return value;
  fail('setting "' + name + '" must be from ' + shown(min) + ' to ' + shown(max) + ', not ' + shown(value));
  return value;
}

function shown(value: f64): string {
  return value == Math.floor(value) && Math.abs(value) < 1e9 ? (<i64>value).toString() : value.toString();
}

function wordsOf(text: string): string[] {
  const words: string[] = [];
  const parts = text.replaceAll('\t', ' ').split(' ');
  for (let i = 0; i < parts.length; i++) if (parts[i].length > 0) words.push(parts[i]);
  return words;
}

/** An optional sign, digits with at most one point among them, and an optional exponent: what cannot be misread. */
function isDecimal(text: string): bool {
  let at = 0;
  if (isSign(text.charCodeAt(at))) at++;
  const from = at;
  let points = 0;
  while (at < text.length && (isDigit(text.charCodeAt(at)) || text.charCodeAt(at) == 0x2e)) {
    if (text.charCodeAt(at++) == 0x2e) points++;
  }
  if (points > 1 || at - from == points) return false;
  if (at == text.length) return true;
  if ((text.charCodeAt(at++) | 0x20) != 0x65) return false;
  if (at < text.length && isSign(text.charCodeAt(at))) at++;
  const exponent = at;
  while (at < text.length && isDigit(text.charCodeAt(at))) at++;
  return at > exponent && at == text.length;
}

function isDigit(unit: i32): bool {
  return unit >= 0x30 && unit <= 0x39;
}

function isSign(unit: i32): bool {
  return unit == 0x2b || unit == 0x2d;
}
