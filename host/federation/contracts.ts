// What the parts of a federation know of each other: the server between the sites, blobs from other sites, and who this site is.
import type { Digest } from '../../runtime/base/platform.ts';
import type { SiteKey } from '../coordinator/contracts.ts';
import type { Offer } from './messages.ts';

/** A batch that the server has handed to this site, until it is settled or the server hands it out again. */
export interface Handed {
  readonly bytes: Uint8Array;
  /** How often it was handed out, this time included. */
  readonly deliveries: number;
  /** Says that it is being worked on. */
  working(): void;
  /** Takes it out of the stream. */
  settle(): Promise<void>;
}

/** Entries that only move on: whoever changes one says which revision it has seen. */
export interface Ledger {
  /** Makes an entry that is not there. Resolves to its revision. */
  create(key: string): Promise<number>;
  /** The revision of an entry; null where it is gone. */
  find(key: string): Promise<number | null>;
  /** Moves an entry on from a revision. Null where somebody else has moved it. */
  move(key: string, revision: number): Promise<number | null>;
  /** Ends an entry; with a revision, only if nobody has moved it since: false where somebody has. Those who watch it are told. */
  end(key: string, revision?: number): Promise<boolean>;
  /** Takes an entry out that nobody watches any more. */
  forget(key: string): Promise<void>;
}

/**
 * The server between sites. Whatever is asked of it rejects while it is away; it comes back by itself. `hear` functions are called for as long as
 * it is open, also over restarts of the server.
 */
export interface Bus {
  /** Whether there is a connection now. */
  readonly isConnected: boolean;
  /** Resolves when all that sites need at the server is there, or the bus is closed. */
  readonly ready: Promise<void>;
  /** What is wrong while it is not ready; empty for nothing that is known. */
  readonly trouble: string;
  /** Offers a batch to a site. Resolves when it is in the stream. */
  offer(site: string, offer: Offer): Promise<void>;
  /** The next batch that is offered to this site; null if there was none for a while. */
  next(): Promise<Handed | null>;
  readonly leases: Ledger;
  /** Calls back when an entry with such a beginning has been ended. */
  onEnded(beginning: string, hear: (key: string) => void): void;
  /** Publishes this site's record. */
  tell(record: Uint8Array): Promise<void>;
  /** Calls back with every record of a site, as it comes. */
  onRecord(hear: (site: string, record: Uint8Array) => void): void;
  /** Asks another site. Rejects where it does not answer within `timeoutMs`. */
  ask(site: string, message: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** Answers what others ask of this site; nothing is answered where `answer` gives nothing. */
  onAsk(answer: (message: Uint8Array) => Promise<Uint8Array | undefined>): void;
  close(): Promise<void>;
}

/** Where blobs are, and the token that opens it. */
export interface Source {
  readonly url: string;
  readonly token: string;
}

/** Blobs of other sites. */
export interface SiteBlobs {
  /**
   * Resolves when the blob is here. `others`: finds more sources, which are asked first, if it has to come. Throws `ERR_NOT_FOUND` where no source
   * has it, `ERR_SITE_UNREACHABLE`, and `ERR_CONNECTION_UNSAFE`.
   */
  fetch(digest: Digest, sources: readonly Source[], others?: () => Promise<readonly Source[]>): Promise<void>;
  /** Resolves when the other site has the blob. */
  send(digest: Digest, to: Source): Promise<void>;
}

/** This site among the others. */
export interface Self {
  readonly name: string;
  readonly key: SiteKey;
  /** A lease of another site lasts so long without a sign of life. */
  readonly leaseMs: number;
  readonly beatMs: number;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}
