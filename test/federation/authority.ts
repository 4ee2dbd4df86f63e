// Authorities of a test's own, and certificates that they give: by the program openssl, when the test runs.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { scratch } from '../agent/started.ts';

const run = promisify(execFile);
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];

/** Files in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Its own certificate, by which others know those that it gives: a file in PEM. */
  readonly ca: string;
  /** One for names, as openssl writes them: `DNS:localhost,IP:127.0.0.1`. */
  certify(names: string): Promise<Certificate>;
}

/** Makes one; its files are gone with the test. */
export async function openAuthority(name: string): Promise<Authority> {
  const folder = join(await scratch(), name);
  await mkdir(folder);
  const at = (file: string) => join(folder, file);
  const subject = ['-subj', `/CN=${name}`];
  await run('openssl', ['req', '-x509', ...NEW_KEY, ...subject, '-keyout', at('ca.key'), '-out', at('ca.pem')]);
  let given = 0;
  return {
    ca: at('ca.pem'),
    certify: async (names) => {
      const one = `${given++}`;
      const [cert, key, request, extensions] = ['pem', 'key', 'csr', 'ext'].map((kind) => at(`${one}.${kind}`)) as [
        string,
        string,
        string,
        string,
      ];
      await writeFile(extensions, `subjectAltName=${names}\nextendedKeyUsage=serverAuth\n`);
      await run('openssl', ['req', ...NEW_KEY, '-subj', `/CN=site ${one}`, '-keyout', key, '-out', request]);
      const by = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', extensions];
      await run('openssl', ['x509', '-req', '-in', request, ...by, '-days', '2', '-out', cert]);
      return { cert, key };
    },
  };
}
