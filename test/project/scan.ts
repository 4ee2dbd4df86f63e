// Reads source text far enough to check it: code apart from comments and literals, and what a file imports.

/** An import, export-from, dynamic import, import type or require. `specifier` is undefined where it is not a literal. */
export interface Import {
  readonly specifier: string | undefined;
  readonly line: number;
}

/** What ends a literal or a comment, by what begins it. */
const ENDS: Readonly<Record<string, string>> = { '//': '\n', '/*': '*/', "'": "'", '"': '"' };

/** A slash after one of these begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[=(,:;[{}!&|?+\-*%<>~^]|\b(?:return|case|typeof|in|of|void|throw|yield|await))\s*$/;

/** What stands right before a specifier, or before the argument of a dynamic import or of require. */
const IMPORT = /\bfrom\s*(?=['"])|\bimport\s*(?=['"])|(?<![.\w])(?:import|require)\s*\(\s*/g;

/**
 * The text with every character of comments, strings, templates and regular expressions made a blank, quotes and line ends excepted.
 * What stands in `${}` of a template is code and stays. Offsets and lines are those of the text.
 */
export function codeOf(text: string): string {
  const out = text.split('');
  const blank = (from: number, to: number) => {
    for (let at = from; at < Math.min(to, out.length); at++) if (out[at] !== '\n') out[at] = ' ';
  };
  /** For each template that is open: how many braces of its current `${}` are. */
  const templates: number[] = [];
  let at = 0;
  const template = () => {
    const end = templateEnd(text, at);
    blank(at, end);
    at = end;
    if (text[at] === '`') templates.pop();
    at += text[at] === '`' ? 1 : 2;
  };

  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const one = two.charAt(0);
    const begin = ENDS[two] === undefined ? one : two;
    const end = ENDS[begin];
    if (end !== undefined) {
      const from = at + begin.length;
      const to = begin === "'" || begin === '"' ? quoteEnd(text, from, begin) : indexOr(text, end, from);
      // The marks of a comment go with it; those of a string stay.
      if (begin.length === 2) blank(at, to + (end === '\n' ? 0 : end.length));
      else blank(from, to);
      at = to + end.length;
    } else if (one === '`') {
      templates.push(0);
      at++;
      template();
    } else if (one === '/' && BEFORE_REGEX.test(out.slice(Math.max(0, at - 40), at).join(''))) {
      const to = regexEnd(text, at + 1);
      blank(at, to);
      at = to;
    } else {
      const depth = templates.at(-1);
      at++;
      if (depth === undefined || !'{}'.includes(one)) continue;
      if (one === '}' && depth === 0) template();
      else templates[templates.length - 1] = depth + (one === '{' ? 1 : -1);
    }
  }
  return out.join('');
}

/** Every import of a TypeScript or AssemblyScript file, in any form. */
export function importsOf(text: string): Import[] {
  const code = codeOf(text);
  return [...code.matchAll(IMPORT)].map(({ 0: match, index }) => {
    const literal = /^(['"])(.*?)\1/.exec(text.slice(index + match.length));
    return { specifier: literal?.[2], line: code.slice(0, index).split('\n').length };
  });
}

function indexOr(text: string, wanted: string, from: number): number {
  const index = text.indexOf(wanted, from);
  return index < 0 ? text.length : index;
}

function quoteEnd(text: string, from: number, quote: string): number {
  let at = from;
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return at;
}

/** Where the template's text ends: at its closing mark or at `${`. */
function templateEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '`' && text.slice(at, at + 2) !== '${') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function regexEnd(text: string, from: number): number {
  let inClass = false;
  let at = from;
  for (; at < text.length && text[at] !== '\n'; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '[') inClass = true;
    else if (text[at] === ']') inClass = false;
    else if (text[at] === '/' && !inClass) return at + 1;
  }
  return at;
}
