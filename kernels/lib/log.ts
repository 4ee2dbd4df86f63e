// Lines for the job's author, kept with the outcome up to a ceiling. The job must grant `log`.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.

@external('lodger:kernel/log@0.1.0', 'write')
declare function write(level: i32, text: usize, units: i32): void;

export namespace log {
  export function debug(message: string): void {
    write(0, changetype<usize>(message), message.length);
  }

  export function info(message: string): void {
    write(1, changetype<usize>(message), message.length);
  }

  export function warn(message: string): void {
    write(2, changetype<usize>(message), message.length);
  }

  export function error(message: string): void {
    write(3, changetype<usize>(message), message.length);
  }
}
