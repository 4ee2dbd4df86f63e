// Risk of a book of options by Monte Carlo: value at risk and expected shortfall at a horizon, with error bars. A typed kernel.
// Room for some thousand paths, so that its memory is kept for the next one.
// @memory 256KiB
import { Book, Risk } from './book';
import { check } from './check';
import { estimate } from './estimate';
import { Paths } from './paths';
import { PAIRS } from './worth';

export function run(book: Book): Risk {
  check(book);
  const paths = new Paths(book);
  const losses = new Float64Array(book.paths);
  const linear = new Float64Array(book.paths);
  for (let i = 0; i < book.paths; i += 2 * <i32>PAIRS) {
    const at = (<usize>i) << 3;
    paths.run(<u64>book.first + <u64>(i >> 1), losses.dataStart + at, linear.dataStart + at);
  }
  const risk = new Risk();
  risk.value = paths.value;
  risk.paths = book.paths;
  estimate(risk, losses, linear, paths.spread, book.confidence);
  return risk;
}
