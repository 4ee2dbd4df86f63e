// Finds the marker `@fast`, with which an author asks for a refusal to be an error.
import type { Compiler, ForStatement } from 'assemblyscript';

const COMMENT = String.raw`(?:\/\/[ \t]*@fast\b[^\n]*\n|\/\*+\s*@fast\b[^*]*\*\/)\s*`;
const BEFORE_LOOP = new RegExp(`${COMMENT}$`);
const BEFORE_FUNCTION = new RegExp(`${COMMENT}(?:export\\s+)?$`);

/** Whether the loop is marked, by a comment `// @fast` right before it. */
export function isLoopMarked({ range }: ForStatement): boolean {
  return BEFORE_LOOP.test(range.source.text.slice(0, range.start));
}

/** Whether the function that is being compiled is marked, by a decorator `@fast` or a comment right before it. */
export function isFunctionMarked({ currentFlow }: Compiler): boolean {
  const { declaration } = currentFlow.sourceFunction.prototype;
  if (declaration.decorators?.some(({ name }) => 'text' in name && name.text === 'fast')) return true;
  const { source, start } = declaration.range;
  return BEFORE_FUNCTION.test(source.text.slice(0, start));
}
