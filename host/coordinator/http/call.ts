// What a route's handler is given: the caller, and what the schemas of the table of routes made of the request.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GenericSchema, InferOutput } from 'valibot';
import type { ROUTES, RouteName } from '../../wire/routes.ts';
import type { Known } from '../accounts.ts';

type Part<N extends RouteName, K extends 'params' | 'query' | 'body'> =
  (typeof ROUTES)[N] extends Readonly<Record<K, infer S extends GenericSchema>> ? InferOutput<S> : unknown;

/** One request, checked. */
export interface Call<N extends RouteName> {
  readonly caller: Known;
  readonly params: Part<N, 'params'>;
  readonly query: Part<N, 'query'>;
  readonly body: Part<N, 'body'>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What a handler returns is the answer's JSON, or the reply that it has sent itself. */
export type Handlers = { readonly [N in RouteName]: (call: Call<N>) => unknown };
