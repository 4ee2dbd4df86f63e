// The way out with an error: what `fail`, `throw` and failed assertions of a kernel come down to.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.

@external('lodger:kernel/exit@0.1.0', 'fail')
declare function exitFail(text: usize, units: i32): void;

/**
 * Ends the task as failed, with exactly this message. Never returns.
 * Where the compiler still wants a value behind it, `throw new Error("...")` does the same.
 */
export function fail(message: string): void {
  exitFail(changetype<usize>(message), message.length);
  unreachable();
}

/**
 * Stands for `abort`: `throw new Error("...")`, failed assertions and the checks of the standard library arrive here.
 * The author's own message goes out as it is; anything else is told apart by its place.
 */
export function stop(message: string | null, file: string | null, line: u32, _column: u32): void {
  const said = message !== null && message.length > 0;
  let text = said ? message! : 'aborted';
  if (file !== null && (!said || isForeign(file))) text = text + ' (' + file + ':' + line.toString() + ')';
  fail(text);
}

/** Whether a message from this file needs its place: the author did not write it, and this library's messages say enough. */
function isForeign(file: string): bool {
  return file.startsWith('~lib/') && !file.startsWith('~lib/lodger/');
}
