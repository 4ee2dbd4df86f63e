// Options of the command line that say behind which walls kernels run.
import { Option } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { ISOLATIONS, type Isolation } from '../cell/isolation.ts';
import { readStrictness, STRICTNESS, type Strictness } from '../cell/walls.ts';

/** Reads where kernels run. */
export function isolationKind(text: string): Isolation {
  const known = ISOLATIONS.find((name) => name === text);
  if (known !== undefined) return known;
  throw new LodgerError('ERR_OPTION_INVALID', ['--isolation', `one of ${ISOLATIONS.join(', ')}`]);
}

/** `--strict`, alone or with walls; `more` ends its line in the help. A file after it is refused: it is neither lost nor taken for a wall. */
export function strictOption(more: string): Option {
  const walls = `${STRICTNESS.join(', ')}, or names with commas between them`;
  return new Option(
    '--strict [walls]',
    `which walls there have to be: ${walls}; alone (before another option or "--"): floor${more}`,
  )
    .preset('floor')
    .argParser((text: string): Strictness => readStrictness(text, '--strict'));
}

/** Where kernels run, as options of a pool: whoever asks for walls asks for a process. */
export function isolationOf({ isolation, strict }: { readonly isolation?: Isolation; readonly strict?: Strictness }): {
  readonly isolation: Isolation;
  readonly strict?: Strictness;
} {
  if (strict === undefined) return { isolation: isolation ?? 'thread' };
  return { isolation: isolation ?? 'process', strict };
}
