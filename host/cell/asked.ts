// What tasks in a cell ask of the outside: passed on to the pool, which holds the right, and given back when it has answered.
import type { Answer } from '../../runtime/job/outside.ts';
import type { Session } from '../grants/session.ts';
import { answerFromWire, askToWire, type FromCell, type ToCell } from '../wire/cell.ts';

export interface Asked {
  /** For one task, by its number. */
  sessionOf(task: number): Session;
  hear(message: Extract<ToCell, { type: 'answer' }>, bytes: Uint8Array): void;
}

export function createAsked(say: (message: FromCell, bytes?: Uint8Array) => void): Asked {
  const waiting = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  return {
    sessionOf: (task) => ({
      answer: (ask, signal) =>
        new Promise((resolve, reject) => {
          const number = ++asked;
          const leave = () => {
            waiting.delete(number);
            reject(signal.reason);
          };
          signal.addEventListener('abort', leave, { once: true });
          waiting.set(number, (answer) => {
            signal.removeEventListener('abort', leave);
            resolve(answer);
          });
          const [written, bytes] = askToWire(ask);
          say({ type: 'ask', task, number, ask: written as never }, bytes);
        }),
      // The pool keeps the record.
      report: () => ({}),
      close: () => undefined,
    }),
    hear: ({ number, answer }, bytes) => {
      const resolve = waiting.get(number);
      waiting.delete(number);
      resolve?.(answerFromWire(answer, bytes));
    },
  };
}
