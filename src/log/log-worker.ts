/** The file with which the thread that writes a shard's log starts. */
import { workerData } from "node:worker_threads";
import { serveFileWork } from "./file-thread.ts";
import { serveLmdbWork } from "./lmdb-thread.ts";
import type { LogPort } from "./thread-calls.ts";

const { port, store }: { port: LogPort; store: "lmdb" | "segments" } = workerData;
if (store === "lmdb") serveLmdbWork(port);
else serveFileWork(port);
