// The connection to a site, again and again: opened, made known by the host's key, and after an end opened anew, each time a little later.
import { proofBytes } from '../wire/ledger.ts';
import type { Attributes, FromHost, Holding, ToHost } from '../wire/site.ts';
import type { Clock, Connect, Event, Key, Line } from './contracts.ts';

/** Waits before it connects again: this, doubled each time up to the most; a random half of it is left out, so that hosts do not come together. */
const RETRY_MS = { first: 500, most: 60_000, refused: 60_000 } as const;

export type Welcome = Extract<ToHost, { type: 'welcome' }>;
/** What a host hears once it is known. */
export type Heard = Exclude<ToHost, { type: 'challenge' | 'welcome' | 'refused' }>;

export interface LinkOptions {
  readonly connect: Connect;
  readonly key: Key;
  readonly clock: Clock;
  readonly attributes: () => Attributes;
  readonly session: number;
  /** What it has when it comes again. */
  readonly holds: () => Holding[];
  readonly tell: (event: Event) => void;
  /** The host is known: it may send from here on. */
  readonly onWelcome: (welcome: Welcome) => void;
  /** Throws a RangeError for what a site may not say; the connection is then closed. */
  readonly hear: (message: Heard) => void;
  readonly onClosed: () => void;
}

export interface Link {
  readonly isOpen: boolean;
  /** Whether it went out; before the welcome and between connections nothing does. */
  send(message: FromHost): boolean;
  close(): void;
}

interface Attempt {
  line: Line | undefined;
  state: 'opening' | 'open' | 'over';
}

export function createLink(options: LinkOptions): Link {
  const { connect, key, clock, attributes, session, holds, tell, onWelcome, hear, onClosed } = options;
  let attempt: Attempt = { line: undefined, state: 'over' };
  let failures = 0;
  let isClosed = false;
  let takeBack: () => void = () => undefined;

  const over = (which: Attempt, reason: string, least = 0) => {
    if (which.state === 'over') return;
    const wasOpen = which.state === 'open';
    which.state = 'over';
    if (wasOpen) onClosed();
    if (isClosed) return;
    const span = Math.max(Math.min(RETRY_MS.first * 2 ** failures, RETRY_MS.most), least);
    const retryMs = Math.round(span * (0.5 + clock.random() / 2));
    failures++;
    tell({ event: 'disconnected', reason, retryMs });
    takeBack = clock.after(retryMs, open);
  };

  const end = (which: Attempt, reason: string, least = 0) => {
    over(which, reason, least);
    which.line?.close(reason);
  };

  const receive = async (which: Attempt, message: ToHost) => {
    if (which.state === 'over') return;
    if (message.type === 'challenge') {
      const proof = await key.sign(proofBytes(message.nonce));
      const said = { key: key.publicKey, proof, attributes: attributes(), session, leases: holds() };
      which.line?.send({ type: 'hello', version: 1, ...said });
    } else if (message.type === 'refused') {
      tell({ event: 'refused', code: message.code, message: message.message });
      end(which, `the site refuses this host: ${message.message}`, RETRY_MS.refused);
    } else if (message.type === 'welcome') {
      if (which.state === 'open') throw new RangeError('it says welcome twice');
      which.state = 'open';
      failures = 0;
      onWelcome(message);
    } else {
      if (which.state !== 'open') throw new RangeError(`"${message.type}" comes before the welcome`);
      hear(message);
    }
  };

  const open = async () => {
    const which: Attempt = { line: undefined, state: 'opening' };
    attempt = which;
    // One at a time and in order: signing may take its time, and a site in this process speaks before `connect` has returned.
    let ready: () => void = () => undefined;
    let turn = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const next = (message: ToHost) => {
      turn = turn
        .then(() => receive(which, message))
        .catch((error: unknown) => end(which, `what the site says is not understood: ${textOf(error)}`));
    };
    try {
      which.line = await connect(next, (reason) => over(which, reason));
      if (isClosed) which.line.close('the host leaves');
      ready();
    } catch (error) {
      over(which, textOf(error));
    }
  };

  void open();
  return {
    get isOpen() {
      return attempt.state === 'open';
    },
    send: (message) => {
      if (attempt.state !== 'open') return false;
      attempt.line?.send(message);
      return true;
    },
    close: () => {
      isClosed = true;
      takeBack();
      end(attempt, 'the host leaves');
    },
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
