/** Preloaded into a gate: SIGUSR2 ends the thread that runs the embedded database, as a crash would. */
const threads = require("node:worker_threads");

const { Worker } = threads;
threads.Worker = class extends Worker {
  constructor(...args) {
    super(...args);
    process.once("SIGUSR2", () => this.terminate());
  }
};
