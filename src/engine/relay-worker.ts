/** The file with which the thread starts that has the node's one port: see RelayThread. */
import { workerData } from "node:worker_threads";
import { serveRelay } from "./relay-orders.ts";
import type { RelayTask } from "./relay-orders.ts";

const task: RelayTask = workerData;
serveRelay(task);
