// Hosts of steppers at a site that is served: real sandboxes behind real connections, honest ones and such as lie in one place.
import { generateKeyPairSync, sign } from 'node:crypto';
import { createRemote } from '../../host/agent/remote.ts';
import type { Crew, Lender, Steppers } from '../../host/lend/contracts.ts';
import { createLender } from '../../host/lend/lender.ts';
import { nodeEngine } from '../../host/platform/engines.ts';
import { node, now } from '../../host/platform/node.ts';
import type { FromHost } from '../../host/wire/site.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { PAGE, TASK } from '../../runtime/base/limits.ts';
import { toHex } from '../../runtime/base/platform.ts';
import type { Engine } from '../../runtime/engine/engine.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { ImageNotice, ImageStore, Steps } from '../../runtime/job/steps.ts';
import type { StartOptions } from '../../runtime/job/task.ts';
import { TARIFF_VERSION } from '../../runtime/meter/tariff.ts';
import { parsePolicy } from '../../runtime/policy/policy.ts';
import { REWRITER_VERSION } from '../../runtime/prepare/form.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { peek } from '../../runtime/snapshot/difference.ts';
import { type Taken, takeImage } from '../../runtime/snapshot/image.ts';
import { openImage } from '../../runtime/snapshot/store.ts';

/** What a host does that it should not. */
export type Lie =
  /** Another output, with all marks as they are. */
  | 'output'
  /** Another state of whatever it runs again for others. */
  | 'audit'
  /** One page of each image but the first is another; it goes on with the right ones. */
  | 'pages'
  /** One page is another from this step on, and so is the output. */
  | { readonly from: number }
  /** Bytes of its images that do not fit what they say. */
  | 'damaged'
  /** Its images never get to the site. */
  | 'unserved'
  /** Another state of each of its images than the one that it is of. */
  | 'misstated'
  /** It takes parts to run again, and never says anything of them. */
  | 'silent';

const POLICY = parsePolicy({
  version: 1,
  limits: Object.fromEntries(Object.entries(TASK).map(([limit, { max }]) => [limit, max])),
  grants: [],
});

/** A host that can be cut off: it says nothing more, and does not come back. */
export interface Lent extends Lender {
  cut(): void;
  /** Tasks that it went on with from an image. */
  readonly resumed: () => number;
}

export interface LendOptions {
  readonly name: string;
  readonly lie?: Lie;
  /** The step behind which it stands still, with an image, until it is closed. */
  readonly leaveAt?: number;
  /** Told of each step when it is done, and of each image whose site has been told. */
  readonly onStep?: (step: number) => void;
  readonly onImage?: (step: number) => void;
}

/** Lends one thread: this one. */
export function lend(site: string, token: string, { name, lie, leaveAt, onStep, onImage }: LendOptions): Lent {
  const remote = createRemote({ url: site, token, onBytes: () => undefined });
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  let [resumed, step] = [0, 0];
  const count = () => onStep?.(++step);
  const sandbox = createSandbox({ engine: counting(nodeEngine('v8'), count), platform: node });
  const crewOf = ({ start, resume }: Steppers): Crew => ({
    threads: 1,
    run: sandbox.run,
    steppers: async () => ({
      start: (task, options) => (leaveAt === undefined ? start(task, options) : leaving(start, leaveAt)(task, options)),
      resume: (...given) => {
        resumed += 1;
        const [image, , { checkpoint }] = given;
        step = peek(checkpoint.store.get(image) as Uint8Array).manifest.step;
        return resume(...given);
      },
    }),
  });
  let isCut = false;
  let hangUp: () => void = () => undefined;
  const lender = createLender({
    connect: async (hear, closed) => {
      if (isCut) throw new Error('it is cut off');
      const line = await remote.connect(hear, closed);
      hangUp = () => line.close('cut off');
      const misstate = (message: FromHost): FromHost =>
        message.type === 'image' && lie === 'misstated' ? { ...message, state: 'ab'.repeat(32) } : message;
      const send = (message: FromHost) => {
        line.send(misstate(message));
        if (message.type === 'image') onImage?.(message.step);
      };
      return { ...line, send };
    },
    blobs: {
      get: async (digest) => {
        const pieces: Uint8Array[] = [];
        for await (const piece of await remote.read(digest)(0)) pieces.push(piece);
        return new Uint8Array(Buffer.concat(pieces));
      },
      put: async (digest, bytes) => {
        if (lie !== 'unserved') await remote.write(digest, bytes);
      },
    },
    key: {
      publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)),
      sign: (bytes) => sign(null, bytes, privateKey),
    },
    digest: node.digest,
    clock: {
      now,
      random: Math.random,
      after: (ms, act) => {
        const timer = setTimeout(act, ms);
        return () => clearTimeout(timer);
      },
    },
    machine: {
      ...{ name, kind: 'node', program: 'a test', memoryBytes: 2 ** 30, isolation: [] },
      ...{ engines: [{ name: 'v8', version: '' }], rewriter: REWRITER_VERSION, tariff: TARIFF_VERSION },
    },
    crew: crewOf(lie === undefined ? sandbox : lying(sandbox, lie)),
    terms: { policy: POLICY, kernels: { refused: [] }, accounts: { refused: [] }, priceFloor: 0 },
    firstBatch: 1,
    audits: () => import('../../host/lend/audits.ts'),
  });
  const cut = () => {
    isCut = true;
    hangUp();
  };
  return { ...lender, cut, resumed: () => resumed, close: () => lender.close().finally(remote.close) };
}

/** Calls `count` behind each step. */
function counting<Compiled>(engine: Engine<Compiled>, count: () => void): Engine<Compiled> {
  return {
    ...engine,
    instantiate: (...given) => {
      const guest = engine.instantiate(...given);
      const call = guest.call.bind(guest);
      guest.call = (name, ...more) => {
        const gave = call(name, ...more);
        if (name === 'step') count();
        return gave;
      };
      return guest;
    },
  };
}

/** Stops at a step as one does that is wanted back, and says no more of it. */
const leaving =
  (start: Steppers['start'], step: number): Steppers['start'] =>
  (task, options) => {
    start(task, { ...options, checkpoint: { ...options.checkpoint, untilStep: step } }).outcome.catch(() => undefined);
    return steps(until(options.signal));
  };

function lying({ start, resume }: Steppers, lie: Lie): Steppers {
  const isPart = ({ checkpoint }: StartOptions) => checkpoint.everyMs === undefined;
  const begin = (options: StartOptions, go: (options: StartOptions) => Steps): Steps => {
    if (isPart(options)) {
      if (lie === 'silent') return steps(until(options.signal));
      return lie === 'audit' ? other(go(forging(options, 0))) : go(options);
    }
    if (lie === 'pages') return go(forging(options, 1));
    if (lie === 'output') return other(go(options));
    if (lie === 'damaged') return go(damaging(options));
    return go(options);
  };
  return {
    start: (task, options) => {
      if (typeof lie === 'string' || isPart(options)) return begin(options, (given) => start(task, given));
      const { input, index, transfer, seed, ...terms } = task;
      const goOn = (at: string, given: StartOptions) => resume(at, terms, given);
      return other(steps(strayed(options, lie.from, [(given) => start(task, given), goOn])));
    },
    resume: (image, terms, options) => begin(options, (given) => resume(image, terms, given)),
  };
}

const steps = (outcome: Promise<Outcome>): Steps => {
  outcome.catch(() => undefined);
  const never = async () => undefined;
  return { outcome, pause: never, image: never, setLimits: never };
};

/** Comes to nothing before the signal is given. */
const until = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new LodgerError('ERR_ABORTED'))));

/** The same, with another output. */
function other({ outcome }: Steps): Steps {
  const change = (found: Outcome): Outcome => {
    if (found.state === 'failed') return found;
    const output = found.output.map((byte, at) => (at === 0 ? byte ^ 1 : byte));
    return { ...found, output, receipt: { ...found.receipt, outputDigest: toHex(node.digest(output)) } };
  };
  return steps(outcome.then(change));
}

/** Tells of a forged image in place of each behind the first so many. */
function forging(options: StartOptions, honest: number): StartOptions {
  const { store, onImage } = options.checkpoint;
  let count = 0;
  const tell = (image: ImageNotice) => {
    if (count++ < honest) return onImage?.(image);
    const forged = forge(store, image.digest, count);
    // The right one goes to the site, too, since those behind it are made from it; at a fuel where no mark is.
    onImage?.({ ...image, fuel: 0 });
    void store.put(forged.image.digest, forged.bytes);
    onImage?.({ ...image, digest: forged.image.digest });
  };
  return { ...options, checkpoint: { ...options.checkpoint, onImage: tell } };
}

/** Honest to a step, and from there on with another page. */
async function strayed(
  options: StartOptions,
  step: number,
  [start, resume]: [(given: StartOptions) => Steps, (at: string, given: StartOptions) => Steps],
): Promise<Outcome> {
  let last: ImageNotice | undefined;
  const onImage = (image: ImageNotice) => {
    last = image;
    options.checkpoint.onImage?.(image);
  };
  await start({ ...options, checkpoint: { ...options.checkpoint, onImage, untilStep: step } }).outcome.catch(
    () => undefined,
  );
  const before = last as unknown as ImageNotice;
  const forged = forge(options.checkpoint.store, before.digest);
  await options.checkpoint.store.put(forged.image.digest, forged.bytes);
  // The site has to have it, since those behind it are made from it; at a fuel where no mark is.
  options.checkpoint.onImage?.({ ...before, fuel: 0, digest: forged.image.digest });
  return resume(forged.image.digest, options).outcome;
}

function damaging(options: StartOptions): StartOptions {
  const { store } = options.checkpoint;
  const put: ImageStore['put'] = (digest, bytes) => {
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
    return store.put(digest, bytes);
  };
  return { ...options, checkpoint: { ...options.checkpoint, store: { ...store, put } } };
}

/** An image that is right in itself, and differs in one bit of the last page from one that is there. */
function forge(store: ImageStore, digest: string, place = 1): Taken {
  const options = { platform: node, memoryBytesMax: TASK.memoryBytesMax.max };
  const { image, copy } = openImage(store, digest, options);
  const memory = new Uint8Array(image.manifest.memoryPages * PAGE);
  copy.writeInto(memory);
  memory[memory.length - place] = (memory[memory.length - place] as number) ^ 4;
  const { version: _, memory: __, memoryPages: ___, parent, state, ...rest } = image.manifest;
  const before = parent === null ? undefined : openImage(store, parent, options);
  const moment = { ...rest, previous: before?.image, state: Buffer.from(state, 'hex') };
  return takeImage((before ?? openImage(store, digest, options)).copy, memory, moment);
}
