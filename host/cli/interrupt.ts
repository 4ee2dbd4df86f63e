// Ctrl-C: the first ends the task or job in good order, a second one ends the process at once.
import process from 'node:process';

/** The exit code of an interrupted command. */
export const INTERRUPTED = 130;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs `act` with a signal that aborts when the user, or the system, wants an end. */
export async function interruptible<T>(act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const control = new AbortController();
  const stop = () => {
    if (control.signal.aborted) process.exit(INTERRUPTED);
    process.exitCode = INTERRUPTED;
    control.abort();
  };
  for (const name of SIGNALS) process.on(name, stop);
  try {
    return await act(control.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
  }
}
