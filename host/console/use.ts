// Hooks of the console: the place in the address, and answers that are asked for again and again.
import { useEffect, useState } from 'preact/hooks';
import { Refused } from './api.ts';

/** The parts of `#/jobs/3` are `jobs` and `3`. */
export function usePlace(): readonly string[] {
  const read = () => location.hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decodeURIComponent);
  const [place, setPlace] = useState(read);
  useEffect(() => {
    const change = () => setPlace(read());
    addEventListener('hashchange', change);
    return () => removeEventListener('hashchange', change);
  }, []);
  return place;
}

export interface Asked<T> {
  readonly value: T | undefined;
  readonly problem: Refused | undefined;
  again(): void;
}

/** Asks now, whenever `keys` change, and every `everyMs`. What was answered last stays while it is asked again. */
export function useAsked<T>(ask: () => Promise<T>, keys: readonly unknown[], everyMs?: number): Asked<T> {
  const [value, setValue] = useState<T>();
  const [problem, setProblem] = useState<Refused>();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let isOver = false;
    const once = () =>
      ask().then(
        (answer) => {
          if (isOver) return;
          setValue(() => answer);
          setProblem(undefined);
        },
        (error: unknown) => {
          if (!isOver) setProblem(problemOf(error));
        },
      );
    once();
    const timer = everyMs === undefined ? undefined : setInterval(once, everyMs);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [...keys, turn]);
  return { value, problem, again: () => setTurn(turn + 1) };
}

/** Whatever was thrown, with a code. */
export function problemOf(error: unknown): Refused {
  if (error instanceof Refused) return error;
  const { code = 'ERR_HOST_FAULT', message = String(error) } = Object(error) as { code?: string; message?: string };
  return new Refused(0, { code, message });
}
