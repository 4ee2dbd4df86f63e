// What the page of a tab knows and wants: choices that are remembered, reasons to pause, and the I/O worker that does the work.
import { recall, remember } from '../../parts/memory.ts';
import type { FromIoWorker, Lent, ToIoWorker, VisitStatus } from '../visit.ts';
import type { Frames } from './frames.ts';
import { type Conditions, type PauseChoices, pauseOf, type TabPause } from './pauses.ts';
import { watchConditions } from './sources.ts';

export interface LendingState {
  /** The site's name, once it is known. */
  readonly site: string;
  readonly begun: boolean;
  readonly since: number;
  readonly threadsMax: number;
  readonly lent: Lent;
  readonly choices: PauseChoices;
  readonly conditions: Conditions;
  /** Why nothing runs; null while something may. */
  readonly pause: TabPause | null;
  readonly asked: boolean;
  readonly status: VisitStatus | null;
  /** Fuel a second, a second each, the latest last; null for seconds of pause. */
  readonly rates: readonly (number | null)[];
  readonly problem: { readonly code: string; readonly message: string } | null;
}

export interface LendingActs {
  state(): LendingState;
  watch(hear: (state: LendingState) => void): () => void;
  begin(): void;
  lend(lent: Partial<Lent>): void;
  choose(choices: Partial<PauseChoices>): void;
  pause(asked: boolean): void;
  leave(): void;
}

/** Seconds that are drawn. */
const RATES_MAX = 600;

export function createLending(): LendingActs {
  const threadsMax = Math.max(1, navigator.hardwareConcurrency || 1);
  let visit: { readonly worker: Worker; readonly frames: Frames } | undefined;
  let fuelBefore = 0;
  /** Why this page wants to pause, whatever the site wants. */
  let own: TabPause | null = null;
  let state: LendingState = {
    ...{ site: '', begun: false, since: 0, threadsMax, asked: false, status: null, rates: [], problem: null },
    lent: {
      threads: Math.min(threadsMax, recall('threads', Math.max(1, Math.floor(threadsMax / 4)))),
      share: recall('share', 0.5),
    },
    choices: { battery: recall('pause.battery', true), hidden: recall('pause.hidden', false) },
    conditions: { battery: false, hidden: false, saver: false, pressure: false },
    pause: null,
  };
  const listeners = new Set<(state: LendingState) => void>();
  const post = (message: ToIoWorker) => visit?.worker.postMessage(message);
  const set = (change: Partial<LendingState>) => {
    const before = own;
    state = { ...state, ...change };
    own = pauseOf(state);
    state = { ...state, pause: own ?? (state.status?.paused === 'site policy' ? 'site policy' : null) };
    if (state.begun && own !== before) post({ type: 'pause', pause: own });
    for (const hear of listeners) hear(state);
    tellAround(state);
  };
  const hear = (message: FromIoWorker, frames: Frames) => {
    if (message.type === 'status') set({ status: message.status, site: message.status.site ?? state.site });
    else if (message.type === 'frame') frames.open(message.frame, message.script, message.port);
    else if (message.type === 'unframe') frames.end(message.frame);
    else if (message.type === 'failed') set({ problem: { code: message.code, message: message.message } });
    else if (message.type === 'event' && message.event.event === 'refused')
      set({ problem: { code: message.event.code, message: message.event.message } });
    else if (message.type === 'event' && message.event.event === 'connected') set({ problem: null });
  };
  setInterval(() => {
    if (!state.begun) return;
    const fuel = state.status?.fuel ?? 0;
    const rate = state.pause === null ? fuel - fuelBefore : null;
    fuelBefore = fuel;
    set({ rates: [...state.rates, rate].slice(-RATES_MAX) });
  }, 1_000);
  watchConditions((conditions) => set({ conditions: { ...state.conditions, ...conditions } }));

  return {
    state: () => state,
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    begin: () => {
      const [worker, frames] = [new Worker(scriptAt('io-worker.js'), { type: 'module' }), lateFrames()];
      visit = { worker, frames };
      worker.onmessage = ({ data }) => hear(data, frames);
      worker.onerror = ({ message }) =>
        set({ problem: { code: 'ERR_HOST_FAULT', message: message || 'the script of the I/O worker did not load' } });
      const kernelWorker = scriptAt('kernel-worker.js');
      post({ type: 'begin', site: siteOf(), name: nameOf(), lent: state.lent, kernelWorker });
      fuelBefore = 0;
      set({ begun: true, since: Date.now(), problem: null, rates: [] });
      if (own !== null) post({ type: 'pause', pause: own });
    },
    lend: (change) => {
      const lent = { ...state.lent, ...change };
      remember('threads', lent.threads);
      remember('share', lent.share);
      set({ lent });
      post({ type: 'lent', lent });
    },
    choose: (change) => {
      const choices = { ...state.choices, ...change };
      remember('pause.battery', choices.battery);
      remember('pause.hidden', choices.hidden);
      set({ choices });
    },
    pause: (asked) => set({ asked }),
    leave: () => {
      post({ type: 'leave' });
      set({ begun: false, status: null, asked: false });
      const leaving = visit;
      visit = undefined;
      // It closes itself when it has given back what it had; one that does not is ended.
      setTimeout(() => {
        leaving?.worker.terminate();
        leaving?.frames.close();
      }, 5_000);
    },
  };
}

/** What makes frames is loaded with the first: most servers send the header of kernel workers. */
function lateFrames(): Frames {
  let made: Promise<Frames> | undefined;
  return {
    open: (...given) => {
      made ??= import('./frames.ts').then(({ createFrames }) => createFrames());
      void made.then(({ open }) => open(...given));
    },
    end: (number) => void made?.then(({ end }) => end(number)),
    close: () => void made?.then(({ close }) => close()),
  };
}

/** The page around this one, if it is in a frame, is told how the visit stands, and nothing of what runs. */
function tellAround({ begun, pause, status }: LendingState): void {
  if (parent === window) return;
  const { tasksDone = 0, fuel = 0 } = status ?? {};
  parent.postMessage({ lodger: 'visit', lending: begun, paused: pause, tasksDone, fuel }, '*');
}

/** Scripts lie beside the page's folder, on a site and wherever a copy of both was put. */
const scriptAt = (name: string): string => new URL(`../browser/${name}`, document.baseURI).href;

/** The site that the tab is lent to: the page's own origin, unless the copy of the page names another. */
function siteOf(): string {
  const named = document.querySelector<HTMLMetaElement>('meta[name="lodger-site"]')?.content ?? '';
  return named === '' ? location.origin : new URL(named).origin;
}

/** How the site's operator sees this tab: the browser's name and the system's. */
function nameOf(): string {
  const [browser = 'browser'] = /Firefox|Edg|Chrome|Safari/.exec(navigator.userAgent) ?? [];
  const [system = 'system'] = /Windows|Mac OS|Android|Linux|iPhone|iPad/.exec(navigator.userAgent) ?? [];
  return `${browser} on ${system}`;
}
