// Loads a thread's module with import(). Piscina would require() it, and Node 20 aborts the whole process when a thread is ended
// while it requires an ES module, which happens to a pool that is closed soon after its start.
const { workerData } = require('node:worker_threads') as { workerData: string };

module.exports.default = import(workerData).then((loaded) => loaded.default);
