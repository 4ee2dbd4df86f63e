// What somebody who holds the right does for one task: answers what its thread, or its cell, asks, and keeps the record.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import {
  type Answer,
  type Ask,
  type FilesReport,
  type FilesSide,
  type OutsideTerms,
  Refusal,
  type RequestReport,
} from '../../runtime/job/outside.ts';
import { openFolders } from './folders.ts';
import type { Requests, RequestsOptions } from './http.ts';

/** One task's, for all its attempts. */
export interface Session {
  /** Never rejects, but when the signal has fired. */
  answer(ask: Ask, signal: AbortSignal): Promise<Answer>;
  report(): { readonly files?: FilesReport; readonly requests?: readonly RequestReport[] };
  close(): void;
}

/** Opens nothing before it is asked. Throws nothing. */
export function openSession({ folders, origins }: OutsideTerms, options: RequestsOptions = {}): Session {
  let requests: Requests | undefined;
  let files: FilesSide | undefined;
  const answer = async (ask: Ask, signal: AbortSignal): Promise<Answer> => {
    if (ask.kind === 'request') {
      // Loaded when first needed: most tasks send nothing, and in a jail there is no such package.
      const { openRequests } = await import('./http.ts');
      requests ??= openRequests(origins, options);
      const { status, body } = await requests.send(ask, signal);
      return { status, bytes: body };
    }
    files ??= openFolders(folders);
    return answerOf(files, ask);
  };
  return {
    answer: async (ask, signal) => {
      try {
        return await answer(ask, signal);
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        if (thrown instanceof Refusal) return { refused: thrown.message, reason: thrown.reason };
        const message = thrown instanceof Error ? thrown.message : String(thrown);
        return { refused: `this host failed: ${message}`, reason: 'IO' };
      }
    },
    report: () => ({ ...(files && { files: files.report() }), ...(requests && { requests: requests.report() }) }),
    close: () => {
      files?.close();
      requests?.close();
    },
  };
}

/** For a task in a jail, which has neither files nor a network; what is pinned goes there with it. */
export function sessionForCell(outside: OutsideTerms | undefined): Session | undefined {
  const asks = outside && (outside.origins.length > 0 || outside.folders.some(({ source }) => !('tree' in source)));
  return asks ? openSession(outside) : undefined;
}

/** For a task whose thread has to ask for something: it opens files itself. */
export function sessionFor(outside: OutsideTerms | undefined, options: RequestsOptions): Session | undefined {
  return outside && outside.origins.length > 0 ? openSession(outside, options) : undefined;
}

/** An outcome, of a thread or a cell, with what its holder says of the outside in the receipt. */
export function withReport<Result extends Outcome | LodgerError>(
  result: Result,
  { asked, given }: OutsideTerms,
  report: ReturnType<Session['report']> = {},
): Result {
  if (result instanceof LodgerError) return result;
  const { receipt } = result as Outcome;
  return { ...result, receipt: { ...receipt, outside: { ...receipt.outside, asked, given, ...report } } };
}

function answerOf(files: FilesSide, ask: Exclude<Ask, { kind: 'request' }>): Answer {
  switch (ask.kind) {
    case 'size':
      return { size: files.size(ask.path) };
    case 'names':
      return { names: files.names(ask.path) };
    case 'look':
      return { found: files.look(ask.path) };
    case 'change':
      files.change(ask.path, ask.change);
      return {};
    case 'write':
      files.write(ask.path, ask.offset, ask.bytes);
      return {};
    case 'read': {
      let bytes = new Uint8Array();
      files.read(ask.path, ask, (length) => {
        bytes = new Uint8Array(length);
        return bytes;
      });
      return { bytes };
    }
    default:
      return ask satisfies never;
  }
}
