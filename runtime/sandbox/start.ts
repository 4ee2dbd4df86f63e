// Starts steppers that can be spoken to in the caller's own thread, which has its turn after every step.
import { LodgerError } from '../base/errors.ts';
import type { Digest } from '../base/platform.ts';
import { check } from '../base/schema.ts';
import type { Ready } from '../engine/engine.ts';
import type { Outcome } from '../job/outcome.ts';
import type { ImageNotice, Steps } from '../job/steps.ts';
import { type Runner, type RunOptions, type StartOptions, StartOptionsSchema } from '../job/task.ts';
import type { OpenImage } from '../snapshot/store.ts';
import type { Call, Place } from './call.ts';
import { conduct, type Desk, type Notice, pass, scheduleOf, takeStored, type Wish } from './conduct.ts';
import { givenOf, type Permit, type Permitter } from './permit.ts';
import { permitLive, permitSteps, permitStored } from './permit-steps.ts';
import { Stepping } from './stepping.ts';
import { located } from './trace.ts';

/** What the sandbox brings. */
export interface Stage {
  readonly place: Place;
  readonly permitter: Permitter;
  readyOf(permit: Permit): Promise<Ready>;
}

interface Answer {
  readonly wish: Wish;
  readonly settle: (notice: ImageNotice | undefined) => void;
}

export function createStarter({ place, permitter, readyOf }: Stage): Pick<Runner, 'run' | 'start' | 'resume'> {
  const begin = (permit: Permit, call: Pick<Call, 'input' | 'index'>, options: RunOptions, open?: OpenImage): Steps => {
    const asked: Answer[] = [];
    let ended = false;
    const outcome = run(permit, { ...permit, ...call }, options, { asked, ...(open && { open }) }).finally(() => {
      ended = true;
      for (const { settle } of asked) settle(undefined);
    });
    // Whoever pauses a task does not have to look at how it ended.
    outcome.catch(() => undefined);
    const wish = (one: Wish) =>
      new Promise<ImageNotice | undefined>((settle) => {
        if (ended) settle(undefined);
        else asked.push({ wish: one, settle });
      });
    return {
      outcome,
      image: () => wish({ kind: 'image' }),
      pause: () => wish({ kind: 'pause' }),
      setLimits: async (limits) => wish({ kind: 'limits', limits: permitLive(permitter, permit, limits) }),
    };
  };

  const run = async (
    permit: Permit,
    call: Call,
    options: RunOptions,
    { asked, open }: { readonly asked: Answer[]; readonly open?: OpenImage },
  ): Promise<Outcome> => {
    const { signal, checkpoint } = options;
    const ready = await readyOf(permit);
    if (signal?.aborted) throw new LodgerError('ERR_ABORTED', [], { cause: signal.reason });
    const stepping = open ? Stepping.resume(place, ready, { call, open }) : Stepping.begin(place, ready, call);
    let hearing = Promise.resolve();
    let unheard = 0;
    const hear = async (notice: Notice) => {
      const image = await pass(notice, options);
      unheard--;
      if (notice.answers) asked.shift()?.settle(image);
    };
    let heard = 0;
    const desk: Desk = {
      schedule: scheduleOf(checkpoint),
      take: takeStored,
      next: () => asked[heard]?.wish,
      isClear: () => unheard === 0,
      tell: (notice) => {
        unheard++;
        if (notice.answers) heard++;
        hearing = hearing.then(() => hear(notice)).finally(() => notice.answers && heard--);
        // It is waited for before the next step.
        hearing.catch(() => undefined);
      },
    };
    try {
      for (const steps = conduct(stepping, desk, place.platform); ; ) {
        const { done, value } = steps.next();
        if (done) {
          await hearing;
          if (!value) throw new LodgerError('ERR_ABORTED');
          return located(ready, value);
        }
        await place.platform.turn?.();
        if (unheard > 0) await hearing;
        if (signal?.aborted) throw new LodgerError('ERR_ABORTED', [], { cause: signal.reason });
      }
    } finally {
      stepping.leave();
    }
  };

  return {
    run: async (task, options = {}) => {
      const permit = permitSteps(permitter, task);
      return begin(permit, givenOf(permit, task), options).outcome;
    },
    start: (task, options) => {
      const checked = check(StartOptionsSchema, options) as StartOptions;
      const permit = permitSteps(permitter, task);
      return begin(permit, givenOf(permit, task), checked);
    },
    resume: (image: Digest, terms, options) => {
      const checked = check(StartOptionsSchema, options) as StartOptions;
      const { permit, open } = permitStored(permitter, terms, { store: checked.checkpoint.store, image });
      return begin(permit, { input: new Uint8Array(), index: open.image.manifest.task.index }, checked, open);
    },
  };
}
