// The host that answers each task with its input, for tests: the benchmark of sites is done with the same.
export * from '../../bench/site/echo.ts';
