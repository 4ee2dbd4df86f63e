// The OpenAPI document of a site, made from the table of routes and its schemas.
import { toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import {
  AccountStatusSchema,
  HostStatusSchema,
  JobStatusSchema,
  PolicyAnswerSchema,
  RefusalSchema,
  SiteStatusSchema,
  TaskStatusSchema,
  TokenStatusSchema,
} from '../../host/wire/answers.ts';
import { ManifestSchema } from '../../host/wire/api.ts';
import { SignedReceiptSchema } from '../../host/wire/delivered.ts';
import { API, ROUTES, type Route } from '../../host/wire/routes.ts';
import { PolicySchema } from '../../runtime/policy/policy.ts';

const TYPES = {
  json: 'application/json',
  frames: 'application/octet-stream',
  bytes: 'application/octet-stream',
  lines: 'application/x-ndjson',
  events: 'text/event-stream',
} as const;

/** Forms that have a name of their own: what holds one refers to it. */
const NAMED = {
  Manifest: ManifestSchema,
  JobStatus: JobStatusSchema,
  TaskStatus: TaskStatusSchema,
  HostStatus: HostStatusSchema,
  SiteStatus: SiteStatusSchema,
  Policy: PolicySchema,
  PolicyAnswer: PolicyAnswerSchema,
  Account: AccountStatusSchema,
  Token: TokenStatusSchema,
  Receipt: SignedReceiptSchema,
  Refusal: RefusalSchema,
} as const;

const OPTIONS = {
  typeMode: 'input',
  errorMode: 'ignore',
  overrideRef: ({ referenceId }: { readonly referenceId: string }) => `#/components/schemas/${referenceId}`,
} as const;

/** What is carried under a type, with the schema where it is JSON. */
function content(kind: keyof typeof TYPES, schema?: GenericSchema) {
  const isText = kind === 'json' || kind === 'lines';
  return { [TYPES[kind]]: isText && schema ? { schema: schemaOf(schema) } : {} };
}

/** Transforms and checks that JSON Schema has no words for are left out: the server makes them in any case. */
function schemaOf(schema: GenericSchema) {
  const { $schema: _, $defs: __, ...rest } = toJsonSchema(schema, { ...OPTIONS, definitions: NAMED });
  return rest;
}

function parameters(place: 'path' | 'query', schema: GenericSchema | undefined) {
  if (!schema) return [];
  const {
    properties = {},
    required = [],
    anyOf = [],
  } = schemaOf(schema) as {
    properties?: Record<string, unknown>;
    required?: string[];
    anyOf?: { properties?: Record<string, unknown> }[];
  };
  const all = Object.assign({}, properties, ...anyOf.map((each) => each.properties));
  return Object.entries(all).map(([name, each]) => ({
    ...{ name, in: place, required: place === 'path' || required.includes(name), schema: each },
  }));
}

function operation(name: string, route: Route) {
  const { about, roles, params, query, takes, body, gives, answer } = route;
  const done = { description: about, ...(gives !== 'nothing' && { content: content(gives, answer) }) };
  const refused = { description: 'refused, with the code and what to do', content: content('json', RefusalSchema) };
  return {
    operationId: name,
    summary: about,
    ...(roles === 'anyone' ? { security: [] } : { 'x-roles': [...roles, 'operator'] }),
    parameters: [...parameters('path', params), ...parameters('query', query)],
    ...(takes && { requestBody: { required: true, content: content(takes, body) } }),
    responses: { '2XX': done, '4XX': refused },
  };
}

export function openapi(version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, route] of Object.entries(ROUTES) as [string, Route][]) {
    const path = API + route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'A site of Lodger', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    components: {
      schemas: toJsonSchemaDefs(NAMED, OPTIONS),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    paths,
  };
}
