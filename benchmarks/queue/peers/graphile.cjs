// The adapter of graphile-worker: node graphile.cjs VERB ARGS. The verbs are in ../protocol.py; NODE_PATH names node_modules.
"use strict";
const fs = require("node:fs");
const { randomUUID } = require("node:crypto");
const { run, makeWorkerUtils, Logger } = require("graphile-worker");
const { Client } = require("pg");

const connectionString = process.env.BENCH_DSN;
const TASK = "no_op";
const PAD = "x".repeat(64);
const SINGLE = "select graphile_worker.add_job($1, $2::json)";
// Local queue and batched completion: its manual, "Performance".
const WORKER = {
  localQueue: { size: 500 },
  completeJobBatchDelay: Number(process.env.BENCH_GRAPHILE_DELAY ?? 0),
  failJobBatchDelay: Number(process.env.BENCH_GRAPHILE_DELAY ?? 0),
};
const quiet = new Logger(() => (level, message) => {
  if (level === "error" || level === "warning") console.error(level, message);
});

const payload = (i) => ({ i, video_id: randomUUID(), pad: PAD });
const now = () => (performance.timeOrigin + performance.now()) / 1000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const print = (value) => console.log(JSON.stringify(value));

class Recorder {
  constructor(out) {
    this.file = fs.openSync(out, "a");
    this.waiting = [];
    this.timer = setInterval(() => this.flush(), 50);
  }
  note(i) {
    this.waiting.push(i, now());
  }
  flush() {
    if (this.waiting.length === 0) return;
    fs.writeSync(this.file, Buffer.from(Float64Array.from(this.waiting).buffer));
    this.waiting = [];
  }
  close() {
    clearInterval(this.timer);
    this.flush();
    fs.closeSync(this.file);
  }
}

async function withClient(use) {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

const one = (client, i) => client.query({ name: "one", text: SINGLE, values: [TASK, JSON.stringify(payload(i))] });

const VERBS = {
  async info() {
    print({
      name: "graphile",
      version: require("graphile-worker/package.json").version,
      settings: { ...WORKER, "bulk enqueue": "addJobs", "single enqueue": "graphile_worker.add_job" },
      remaining_sql: "select count(*) from graphile_worker._private_jobs where run_at <= now() and attempts < max_attempts",
    });
  },
  async reset() {
    const utils = await makeWorkerUtils({ connectionString, logger: quiet });
    await utils.migrate();
    await utils.release();
  },
  async "enqueue-one"(n) {
    const begin = performance.now();
    await withClient(async (client) => {
      for (let i = 0; i < n; i++) await one(client, i);
    });
    print({ n, seconds: (performance.now() - begin) / 1000 });
  },
  async "enqueue-many"(n, chunk, delay) {
    const utils = await makeWorkerUtils({ connectionString, logger: quiet });
    const begin = performance.now();
    for (let start = 0; start < n; start += chunk) {
      const runAt = delay > 0 ? new Date(Date.now() + delay * 1000) : undefined;
      const specs = [];
      for (let i = start; i < Math.min(start + chunk, n); i++) specs.push({ identifier: TASK, payload: payload(i), runAt });
      await utils.addJobs(specs);
    }
    print({ n, seconds: (performance.now() - begin) / 1000 });
    await utils.release();
  },
  async trickle(n, interval, out) {
    const recorder = new Recorder(out);
    await withClient(async (client) => {
      const begin = performance.now();
      for (let i = 0; i < n; i++) {
        await sleep(Math.max(0, begin + i * interval - performance.now()));
        await one(client, i);
        recorder.note(i);
      }
    });
    recorder.close();
  },
  async work(concurrency, out) {
    const recorder = new Recorder(out);
    const runner = await run({
      preset: { worker: { ...WORKER, connectionString, concurrentJobs: concurrency, maxPoolSize: concurrency + 2 } },
      logger: quiet,
      noHandleSignals: true,
      taskList: { [TASK]: (job) => recorder.note(job.i) },
    });
    process.once("SIGTERM", () => runner.stop());
    await runner.promise;
    recorder.close();
  },
};

const [verb, ...given] = process.argv.slice(2);
if (!Object.hasOwn(VERBS, verb)) {
  console.error(`verbs: ${Object.keys(VERBS).join(", ")}`);
  process.exit(2);
}
VERBS[verb](...given.map((word) => (/^[\d.]+$/.test(word) ? Number(word) : word))).catch((error) => {
  console.error(error);
  process.exit(1);
});
