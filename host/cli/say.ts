// What the command line says: documents and outputs to standard output, all else to standard error.
import process from 'node:process';
import type { LogLine } from '../../runtime/job/outcome.ts';
import { fileError } from '../jobs/files.ts';

/**
 * Writes to standard output and waits until it is taken. A reader that went away, such as `head`, is no error. Throws `ERR_FILE`
 * where it cannot be written: to a file on a full disk, say.
 */
export function print(content: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: unknown) => {
      if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE')
        reject(fileError('write', 'standard output', error));
      else resolve();
    };
    try {
      process.stdout.write(content, end);
    } catch (error) {
      // Files are written synchronously, and then it throws.
      end(error);
    }
  });
}

/** Writes a line to standard error. Where that cannot be written there is nobody left to tell. */
export function note(line: string): void {
  try {
    process.stderr.write(`${line}\n`);
  } catch {
    // The exit code says the rest.
  }
}

/** One JSON document on standard output. */
export function printJson(document: unknown): Promise<void> {
  return print(`${JSON.stringify(document, null, 2)}\n`);
}

/** `label` and `value` in two columns, one pair a line; a value may have several lines. */
export function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  const indent = `\n${' '.repeat(width)}`;
  return rows.map(([label, value]) => `${label.padEnd(width)}${value.replaceAll('\n', indent)}\n`).join('');
}

/**
 * Text of a guest, safe to show: control characters, among them those that steer a terminal or turn the direction of writing,
 * are shown as codes. Line feeds and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]|\p{Bidi_Control}|[\u2028\u2029]/gu, (found) => {
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Whether showing the text as it is does no harm. */
export function isPrintable(text: string): boolean {
  return printable(text) === text;
}

/** Printable text of a guest whose further lines cannot pass for lines of ours. */
export function indented(text: string): string {
  return printable(text).replaceAll('\n', '\n  ');
}

/** A guest's log line on standard error. */
export function noteLog({ level, text }: LogLine): void {
  note(`${level}: ${indented(text)}`);
}
