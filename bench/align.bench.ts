// placeholder
import type { Result } from './result.ts';
export default async function measure(): Promise<Result> {
  return { name: 'align', times: [], measures: [] };
}
