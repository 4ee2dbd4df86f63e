// Starts steppers that can be spoken to in a tab, and goes on with them from their images.
import { LodgerError } from '../../runtime/base/errors.ts';
import { check } from '../../runtime/base/schema.ts';
import type { ImageNotice, Steps } from '../../runtime/job/steps.ts';
import { type Runner, type RunOptions, type StartOptions, StartOptionsSchema } from '../../runtime/job/task.ts';
import { type Notice, pass, scheduleOf, type Wish } from '../../runtime/sandbox/conduct.ts';
import { givenOf, type Permit, type Permitter } from '../../runtime/sandbox/permit.ts';
import { permitLive, permitSteps, permitStored } from '../../runtime/sandbox/permit-steps.ts';
import { linksTo } from '../../runtime/snapshot/store.ts';
import type { Crew, Errand } from './crew.ts';

interface Waiting {
  readonly wish: Wish;
  readonly resolve: (notice: ImageNotice | undefined) => void;
}

export function createStarter({
  permitter,
  crew,
}: {
  readonly permitter: Permitter;
  readonly crew: Crew;
}): Pick<Runner, 'run' | 'start' | 'resume'> {
  const begin = (
    permit: Permit,
    options: RunOptions,
    given: Pick<Errand, 'input' | 'index'> & { readonly from?: string },
  ): Steps => {
    const { signal, checkpoint } = options;
    const control = new AbortController();
    const forward = () => control.abort(signal?.reason);
    signal?.addEventListener('abort', forward, { once: true });
    if (signal?.aborted) forward();
    let failure: LodgerError | undefined;
    let tell: ((wish: Wish) => void) | undefined;
    let ended = false;
    const waiting: Waiting[] = [];
    let settled = Promise.resolve();
    const settle = async (notice: Notice) => {
      const answer = notice.answers ? waiting.shift() : undefined;
      try {
        const image = await pass(notice, options);
        answer?.resolve(image);
      } catch (error) {
        failure ??= error instanceof LodgerError ? error : new LodgerError('ERR_HOST_FAULT', [String(error)]);
        answer?.resolve(undefined);
        control.abort(failure);
        throw failure;
      }
    };
    const onNotice = (notice: Notice) => {
      const told = settled.then(() => settle(notice));
      settled = told.catch(() => undefined);
      return told;
    };
    const from = given.from !== undefined &&
      checkpoint && { digest: given.from, links: linksTo(checkpoint.store, given.from) };
    const outcome = crew
      .run({
        permit,
        input: given.input,
        index: given.index,
        signal: control.signal,
        steps: { schedule: scheduleOf(checkpoint), ...(from && { from }) },
        onNotice,
        onBegin: (wish) => {
          tell = wish;
          for (const each of waiting) tell(each.wish);
        },
      })
      .catch((error: unknown) => {
        throw failure ?? error;
      })
      .finally(async () => {
        await settled;
        ended = true;
        signal?.removeEventListener('abort', forward);
        for (const { resolve } of waiting.splice(0)) resolve(undefined);
      });
    outcome.catch(() => undefined);
    const wish = (one: Wish) =>
      new Promise<ImageNotice | undefined>((resolve) => {
        if (ended) {
          resolve(undefined);
          return;
        }
        waiting.push({ wish: one, resolve });
        tell?.(one);
      });
    return {
      outcome,
      image: () => wish({ kind: 'image' }),
      pause: () => {
        // One that is on no worker yet has nothing to keep.
        if (!tell) control.abort();
        return wish({ kind: 'pause' });
      },
      setLimits: async (limits) => wish({ kind: 'limits', limits: permitLive(permitter, permit, limits) }),
    };
  };
  return {
    run: (task, options = {}) => {
      const permit = permitSteps(permitter, task);
      return begin(permit, options, givenOf(permit, task)).outcome;
    },
    start: (task, options) => {
      const checked = check(StartOptionsSchema, options) as StartOptions;
      const permit = permitSteps(permitter, task);
      return begin(permit, checked, givenOf(permit, task));
    },
    resume: (image, terms, options) => {
      const checked = check(StartOptionsSchema, options) as StartOptions;
      const { permit, open } = permitStored(permitter, terms, { store: checked.checkpoint.store, image });
      return begin(permit, checked, { input: new Uint8Array(), index: open.image.manifest.task.index, from: image });
    },
  };
}
