// The script of a kernel worker, served with a header that leaves it no network. It shows that it has none, and then runs what it is given.
import { portable } from '../../runtime/base/platform.ts';
import { createV8 } from '../../runtime/engine/v8.ts';
import type { FromKernelWorker, ToKernelWorker } from './message.ts';
import { createTurn } from './turn.ts';
import { openWays, WAYS_OUT } from './walls.ts';
import { createWork } from './work.ts';

interface Scope {
  onmessage: ((event: MessageEvent<ToKernelWorker>) => void) | null;
  postMessage(message: FromKernelWorker, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as Scope;

scope.onmessage = async ({ data }) => {
  if (data.type !== 'begin') return;
  scope.onmessage = null;
  const open = await openWays(globalThis.location.origin);
  if (open.length > 0) {
    scope.postMessage({ type: 'unsafe', open }, []);
    return;
  }
  const place = { engine: createV8(data.engineVersion), platform: { ...portable, turn: createTurn() } };
  const work = createWork(place, data.control, (message, transfer = []) => scope.postMessage(message, transfer));
  scope.onmessage = (event) => work.hear(event.data);
  scope.postMessage({ type: 'ready', tried: Object.keys(WAYS_OUT) }, []);
};
