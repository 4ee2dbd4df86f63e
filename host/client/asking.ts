// What callers of a site give with a request, and what they get: forms without the library that sends them.
import type * as v from 'valibot';
import type { ROUTES, RouteName } from '../wire/routes.ts';

/** What goes with a request; the table of routes says what each takes. */
export interface Given {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly json?: unknown;
  /** A body, also in pieces. They must not change until the answer is there. */
  readonly bytes?: Uint8Array | readonly Uint8Array[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: 'HEAD';
  readonly signal?: AbortSignal;
  /** Statuses that are answers, too. */
  readonly accepts?: readonly number[];
}

/** A route's answer, checked. */
export type Answer<N extends RouteName> = (typeof ROUTES)[N] extends {
  readonly answer: infer S extends v.GenericSchema;
}
  ? v.InferOutput<S>
  : undefined;

export interface Asking {
  readonly url: string;
  /** Asks once and checks what comes. */
  ask<N extends RouteName>(name: N, given?: Given): Promise<Answer<N>>;
  /**
   * Tries again while the site does not answer, for as long as the caller is patient. For what may be done twice. Throws
   * `ERR_SITE_UNREACHABLE` after that.
   */
  patiently<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

export interface HttpOptions {
  /** For how long a site may be away, in ms. */
  readonly patienceMs: number;
  /** Certificates to trust beside those of the system, in PEM. */
  readonly ca?: string;
  /** How many at once: what is asked above that waits. As many as are needed where it does not say. */
  readonly connections?: number;
}
