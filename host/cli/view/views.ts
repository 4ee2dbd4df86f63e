// What can be made of a job's outputs at its end, by name. A view reads outputs of kernels: it trusts none of their bytes.
import type { ViewName } from '../../../runtime/job/form.ts';
import { hitsView } from './hits.ts';

export interface View {
  /** Takes the output of one task, in input order. */
  add(output: Uint8Array): void;
  /** The whole of it, as lines for a terminal. `wallMs`: time of the job. */
  render(facts: { readonly wallMs: number }): string;
}

export const VIEWS: Readonly<Record<ViewName, () => View>> = { hits: hitsView };
