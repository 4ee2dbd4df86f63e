// What a site's user may do, as the configuration of a nats-server has it.
import { permissionsOf } from './names.ts';

/** The inside of a `permissions { }` block. */
export function permissionsText(site: string, way: 'direct' | 'leaf' = 'direct'): string {
  const { publish, subscribe } = permissionsOf(site, way);
  const flag = way === 'leaf' ? ' --leaf' : '';
  const list = (subjects: readonly string[]) => subjects.map((subject) => `    "${subject}"\n`).join('');
  return [
    `# What the site "${site}" may do, from \`lodger federation permissions ${site}${flag}\`.`,
    `publish {\n  allow: [\n${list(publish)}  ]\n}`,
    `subscribe {\n  allow: [\n${list(subscribe)}  ]\n}`,
    'allow_responses { max: 1, expires: "1m" }',
    '',
  ].join('\n');
}
