// Requests to the origins that were granted, and no others. The job must grant each origin: `http:ORIGIN:METHOD[,METHOD]`.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { AREA, takeBytes } from './abi';
import { errorAt } from './result';

@external('lodger:kernel/http@0.1.0', 'request')
declare function hostRequest(
  method: usize,
  methodUnits: i32,
  url: usize,
  urlUnits: i32,
  body: usize,
  length: i32,
  area: usize,
): void;

/** What a server answered, whatever its status. */
export class HttpResponse {
  constructor(
    public readonly status: u16,
    public readonly body: Uint8Array,
  ) {}
}

export namespace http {
  /** Why the last `try...` gave nothing. */
  export let lastError: string = '';

  /** Sends a request; the task fails with the host's message when no answer came. */
  export function request(method: string, url: string, body: Uint8Array): HttpResponse {
    const response = tryRequest(method, url, body);
    if (response === null) throw new Error(lastError);
    return response;
  }

  /** The same, or null; `lastError` then says why. */
  export function tryRequest(method: string, url: string, body: Uint8Array): HttpResponse | null {
    hostRequest(
      changetype<usize>(method),
      method.length,
      changetype<usize>(url),
      url.length,
      body.dataStart,
      body.length,
      AREA,
    );
    const error = errorAt(4);
    if (error === null) {
      return new HttpResponse(load<u16>(AREA, 4), takeBytes(load<usize>(AREA, 8), load<usize>(AREA, 12)));
    }
    lastError = error;
    return null;
  }
}
