// The program of a cell. Its environment is empty, and a package that is loaded below asks for the user's folder: it gets one that is not there.
import process from 'node:process';

process.env['HOME'] = '/nowhere';
const { live } = await import('./inside.ts');
live(process.argv[2] ?? '');
