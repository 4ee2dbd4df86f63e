// The program of a cell. Its environment is empty, and a package that is loaded below asks for the user's folder: it gets one in which
// nobody can make anything, not even a superuser without walls.
import process from 'node:process';
import { ownProcess } from '../platform/own-process.ts';

process.env['HOME'] = '/dev/null';
ownProcess();
const { live } = await import('./inside.ts');
live(process.argv[2] ?? '');
