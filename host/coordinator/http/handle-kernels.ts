// The handler by which tabs are told of kernels that the site has prepared for them.
import { LodgerError } from '../../../runtime/base/errors.ts';
import type { Preparing } from '../preparing.ts';
import type { Refs } from '../refs.ts';
import type { Handlers } from './call.ts';
import type { Shown } from './shown.ts';

export interface KernelParts {
  readonly preparing: Preparing;
  readonly refs: Pick<Refs, 'has'>;
  readonly shown: Shown;
}

export function kernelHandlers({ preparing, refs, shown }: KernelParts): Pick<Handlers, 'prepared'> {
  return {
    prepared: async ({ caller, params: { digest }, query: { nans } }) => {
      // What no job names is not worth a second of this machine to anybody.
      if (!shown.mayRead(caller, digest) || !refs.has(digest)) throw new LodgerError('ERR_NOT_FOUND', ['blob', digest]);
      const answer = await preparing.prepared(digest, nans);
      if (answer.state === 'prepared') shown.show(caller.account, [answer.module]);
      return answer;
    },
  };
}
