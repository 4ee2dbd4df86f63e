// What a kernel worker listens to, which has no network: by a header of its own, or by the policy of the frame that it is in. It shows that it
// has none, and then runs what it is given.
import { portable } from '../../runtime/base/platform.ts';
import { createV8 } from '../../runtime/engine/v8.ts';
import type { FromKernelWorker, ToKernelWorker } from './message.ts';
import type { OpenSteps } from './steps-work.ts';
import { createTurn } from './turn.ts';
import { openWays, WAYS_OUT } from './walls.ts';
import { createWork, type WorkOptions } from './work.ts';

/** The worker itself, or the port that it is given. */
interface Speaker {
  onmessage: ((event: MessageEvent<ToKernelWorker>) => void) | null;
  postMessage(message: FromKernelWorker, transfer: Transferable[]): void;
}

/** Listens to whoever started this worker. `openSteps`: of one that can deal with steppers as such. */
export function serve(openSteps?: OpenSteps): void {
  listen(globalThis as unknown as Speaker, openSteps);
}

function listen(speaker: Speaker, openSteps: OpenSteps | undefined): void {
  speaker.onmessage = ({ data }) => {
    if (data.type === 'port') listen(data.port, openSteps);
    else if (data.type === 'begin') void begin(speaker, data, openSteps);
  };
}

async function begin(
  speaker: Speaker,
  { engineVersion, control, wayOut }: Extract<ToKernelWorker, { type: 'begin' }>,
  openSteps: OpenSteps | undefined,
): Promise<void> {
  // What comes while it tries is heard afterwards, or never.
  const early: ToKernelWorker[] = [];
  speaker.onmessage = ({ data }) => early.push(data);
  const open = await openWays(wayOut);
  if (open.length > 0) {
    speaker.postMessage({ type: 'unsafe', open }, []);
    return;
  }
  const place = {
    engine: createV8(engineVersion, { now: portable.now }),
    platform: { ...portable, turn: createTurn() },
  };
  const post: WorkOptions['post'] = (message, transfer = []) => speaker.postMessage(message, transfer);
  const work = createWork(place, control, { post, ...(openSteps && { openSteps }) });
  speaker.onmessage = ({ data }) => work.hear(data);
  for (const message of early) work.hear(message);
  speaker.postMessage({ type: 'ready', tried: Object.keys(WAYS_OUT) }, []);
}
