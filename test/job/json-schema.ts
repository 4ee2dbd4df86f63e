// As much of JSON Schema as our schemas use, for tests: a keyword it does not know makes the test fail rather than pass.

type Json = { readonly [name: string]: unknown };

const NOTES = new Set(['$schema', '$id', 'title', 'description']);
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const KEYWORDS: Readonly<Record<string, (rule: never, value: unknown, schema: Json) => boolean>> = {
  type: (rule: string, value) =>
    rule === 'object'
      ? isObject(value)
      : rule === 'array'
        ? Array.isArray(value)
        : rule === 'integer'
          ? Number.isInteger(value)
          : typeof value === rule,
  const: (rule: unknown, value) => value === rule,
  enum: (rule: readonly unknown[], value) => rule.includes(value),
  pattern: (rule: string, value) => typeof value !== 'string' || new RegExp(rule, 'u').test(value),
  minimum: (rule: number, value) => typeof value !== 'number' || value >= rule,
  maximum: (rule: number, value) => typeof value !== 'number' || value <= rule,
  minItems: (rule: number, value) => !Array.isArray(value) || value.length >= rule,
  maxItems: (rule: number, value) => !Array.isArray(value) || value.length <= rule,
  items: (rule: Json, value) => !Array.isArray(value) || value.every((item) => violation(rule, item) === undefined),
  anyOf: (rule: readonly Json[], value) => rule.some((schema) => violation(schema, value) === undefined),
  required: (rule: readonly string[], value) => !isObject(value) || rule.every((name) => Object.hasOwn(value, name)),
  properties: (rule: Readonly<Record<string, Json>>, value) =>
    !isObject(value) ||
    Object.entries(rule).every(
      ([name, schema]) => !Object.hasOwn(value, name) || violation(schema, value[name]) === undefined,
    ),
  propertyNames: (rule: Json, value) =>
    !isObject(value) || Object.keys(value).every((name) => violation(rule, name) === undefined),
  additionalProperties: (rule: Json | false, value, { properties = {} }) =>
    !isObject(value) ||
    Object.entries(value)
      .filter(([name]) => !Object.hasOwn(properties as Json, name))
      .every(([, item]) => rule !== false && violation(rule, item) === undefined),
};

/** The first keyword that the value does not keep, or nothing. Throws on a keyword that is not known here. */
export function violation(schema: unknown, value: unknown): string | undefined {
  if (!isObject(schema)) throw new Error('a schema must be an object');
  for (const [keyword, rule] of Object.entries(schema)) {
    if (NOTES.has(keyword)) continue;
    const keeps = KEYWORDS[keyword];
    if (keeps === undefined) throw new Error(`JSON Schema keyword "${keyword}" is not known to the tests`);
    if (!keeps(rule as never, value, schema)) return `${keyword}: ${JSON.stringify(rule).slice(0, 200)}`;
  }
  return undefined;
}
