/** The file with which the thread that writes a shard's segments starts. */
import { workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { serveFileWork } from "./file-thread.ts";

const port: MessagePort = workerData;
serveFileWork(port);
