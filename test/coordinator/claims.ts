// Results of steppers that can be checked in parts, and hosts that run single intervals again.
import type { Delivery, Effects } from '../../host/coordinator/delivery.ts';
import { type Claim, intervalOf } from '../../host/coordinator/intervals.ts';
import { createReplicas, type Replicas } from '../../host/coordinator/replicas.ts';
import { answerOf } from '../../host/coordinator/trust.ts';
import type { Mark } from '../../host/wire/ledger.ts';

export const PARTS = 8;
export const FUEL = 100;

/** What a host says that goes wrong behind so many intervals; honest ones never do. */
export function claimOf(wrongFrom = Number.POSITIVE_INFINITY, parts = PARTS): Claim {
  const marks = Array.from({ length: parts - 1 }, (_, place): Mark => {
    const state = place >= wrongFrom ? `wrong ${wrongFrom} ${place}` : `right ${place}`;
    return [10 * (place + 1), FUEL * (place + 1), state, `image ${state}`];
  });
  const output = wrongFrom < parts ? `wrong ${wrongFrom} output` : 'right output';
  return { rewriter: 1, marks, output, fuel: FUEL * parts };
}

export const from = (host: string, claim?: Claim, change: Partial<Delivery> = {}): Delivery => ({
  ...{ host, owner: host, kind: 'known', late: false, before: 0 },
  answer: answerOf({ output: claim?.output ?? 'right output', fuel: claim?.fuel ?? FUEL * PARTS }),
  ...(claim && { claim }),
  ...change,
});
/** What a host made that went on behind the third interval from what `before` had left there. */
export function goneOn(host: string, before: string, claim: Claim, change: Partial<Delivery> = {}): Delivery {
  const to = claim.marks[2] as Mark;
  let [, , state] = to;
  // Whoever goes on from a wrong state does so honestly.
  const next = (right: string) => (to[2].startsWith('right') ? right : `${state} gone on with`);
  const behind = claim.marks.slice(3).map(([step, fuel, right, image]): Mark => {
    state = next(right);
    return [step, fuel, state, image];
  });
  const marks = [to, ...behind];
  const moved = { ...claim, marks, output: next(claim.output), makers: [before, ...marks.map(() => host)] };
  const part = { host: before, owner: before, kind: 'known', late: false, before: 0, to } as const;
  return from(host, moved, { parts: [part], ...change });
}
export const old = (host: string, claim?: Claim) => from(host, claim, { before: 1_000 });

export function open(tasks: number, change: Partial<Parameters<typeof createReplicas>[0]> = {}): Replicas {
  const replicas = createReplicas({
    ...{ confidence: 0.9, wait: true, deterministic: true, trustedHosts: false, draw: () => 0.99 },
    ...change,
  });
  replicas.grow(tasks, true);
  return replicas;
}

/** Does what is asked for of a task, from the image that is named: an honest host that starts from a wrong state comes to a wrong one. */
export function audit(replicas: Replicas, task: number, host: string, change: Partial<Delivery> = {}): Effects {
  const question = replicas.auditOf(task);
  if (!question) throw new Error(`nothing is asked for of task ${task}`);
  const place = (question.to?.[0] ?? 0) / 10 - 1;
  const state = question.from?.[2] ?? 'right';
  const isRight = state.startsWith('right');
  const output = question.to === null ? 'right output' : `right ${place}`;
  const given = isRight ? output : `${state} gone on with`;
  const fuel = FUEL * ((question.to === null ? PARTS : question.to[0] / 10) - (question.from?.[0] ?? 0) / 10);
  return replicas.audit(
    task,
    intervalOf(question),
    from(host, undefined, { answer: answerOf({ output: given, fuel }), ...change }),
  );
}
