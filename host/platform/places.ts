// Where things of this user lie on this system.
import envPaths from 'env-paths';

const places = () => envPaths('lodger', { suffix: '' });

/** For what can be made again. */
export const cacheFolder = (): string => places().cache;

/** For what the user says once and for all. */
export const configFolder = (): string => places().config;

/** For what must last. */
export const dataFolder = (): string => places().data;
