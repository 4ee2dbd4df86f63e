// What goes wrong with a request, as a refusal that a guest can read and that says nothing of this machine.
import { Refusal, shown } from '../../runtime/job/outside.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'its name could not be looked up',
  ECONNREFUSED: 'it refused the connection',
  ECONNRESET: 'it ended the connection',
  EPIPE: 'it ended the connection',
  EHOSTUNREACH: 'it cannot be reached',
  ENETUNREACH: 'it cannot be reached',
  ETIMEDOUT: 'it did not answer in time',
  UND_ERR_SOCKET: 'it ended the connection',
  UND_ERR_CONNECT_TIMEOUT: 'it did not answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'it did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'it did not answer in time',
  UND_ERR_HEADERS_OVERFLOW: 'its headers are too long',
  HPE_HEADER_OVERFLOW: 'its headers are too long',
};

/** A Refusal for whatever a request threw; `lateMs` if its time was over. */
export function reasonOf(thrown: unknown, { origin }: URL, lateMs: number | undefined): Refusal {
  const asked = `${shown(origin)}: `;
  if (thrown instanceof Refusal)
    return new Refusal(thrown.message.startsWith('"') ? thrown.message : asked + thrown.message);
  if (lateMs !== undefined) return new Refusal(`${asked}no whole answer within ${lateMs} ms`);
  const code = codeOf(thrown);
  return new Refusal(asked + (REASONS[code] ?? `it gave no answer that is understood (${code})`));
}

/** Of several attempts, the first one's. */
function codeOf(thrown: unknown): string {
  const { code, errors } = Object(thrown) as { code?: unknown; errors?: readonly unknown[] };
  if (typeof code === 'string') return code;
  return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : 'unknown';
}
