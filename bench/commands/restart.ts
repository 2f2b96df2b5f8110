/** How long nodes take to come back: one while the others serve, and all at once. */
import { integerArgument } from "../../src/cli/index.ts";
import type { Cluster } from "../lib/cluster/cluster.ts";
import { withCluster } from "../lib/cluster/with-cluster.ts";
import type { Benchmark, BenchRun, Measured } from "../lib/command.ts";
import {
  addMachineOption,
  addNodesOptions,
  integersArgument,
  limits,
} from "../lib/load-options.ts";
import type { MachineOption, NodesOptions } from "../lib/load-options.ts";
import { figure } from "../lib/result.ts";
import type { Point } from "../lib/result.ts";

interface Options extends NodesOptions, MachineOption {
  readonly groups: readonly number[];
  readonly entries: readonly number[];
  readonly valueBytes: number;
  readonly shards: number;
  readonly restarts: number;
  readonly kill: boolean;
}

interface Cell {
  readonly groups: number;
  readonly entries: number;
}

/** In ms, from the call of Engine.open on; of several nodes that of the slowest. */
interface Restart {
  readonly open: number;
  readonly leaders: number;
  readonly applied: number;
}

export const restart: Benchmark<Options> = {
  name: "restart",
  summary: "how long nodes with a log take to open again: one of them, and all at once",
  repeats: 1,
  configure(command) {
    command
      .option("--groups <list>", "Raft groups", integersArgument(...limits.groups), [1_000, 10_000])
      .option(
        "--entries <list>",
        "entries in the log of each group",
        integersArgument(1, 1_000_000),
        [100],
      )
      .option("--value-bytes <n>", "size of a value", integerArgument(...limits.valueBytes), 16)
      .option("--restarts <n>", "of each kind, in one run", integerArgument(1, 1_000), 3)
      .option("--kill", "end nodes by SIGKILL, instead of closing them in order", false)
      .option("--shards <n>", "worker threads a node", integerArgument(...limits.shards), 1);
    addNodesOptions(command);
    addMachineOption(command);
  },
  async run(options, run): Promise<Measured> {
    const points: Point[] = [];
    for (const groups of options.groups) {
      for (const entries of options.entries) {
        points.push(...(await measureRestarts({ groups, entries }, options, run)));
      }
    }
    return { durability: options.durability, points };
  },
};

async function measureRestarts(cell: Cell, options: Options, run: BenchRun): Promise<Point[]> {
  const { nodes, durability, machine, shards, valueBytes, restarts, kill } = options;
  const { progress } = run;
  const settings = { nodes, durability, machine, shards, groups: cell.groups };
  return await withCluster(settings, run, async (cluster) => {
    progress.phase(`writing ${cell.entries} entries to each`);
    await fill(cluster, { entries: cell.entries, valueBytes });
    const kinds = [
      ["one node", (turn: number) => cluster.names.slice(turn % nodes, (turn % nodes) + 1)],
      ["all nodes", () => cluster.names],
    ] as const;
    const points: Point[] = [];
    for (const [kind, namesOf] of kinds) {
      const samples: Restart[] = [];
      for (let turn = 0; turn < restarts; turn += 1) {
        progress.phase(`restarting ${kind}, ${turn + 1} of ${restarts}`);
        samples.push(await restartNodes(cluster, namesOf(turn), kill));
      }
      const figures = figuresOf(samples);
      points.push({
        settings: { ...cell, restarted: kind, valueBytes, shards, nodes, durability, machine },
        figures,
      });
    }
    return points;
  });
}

async function fill(
  cluster: Cluster,
  entries: { readonly entries: number; readonly valueBytes: number },
): Promise<void> {
  await Promise.all(
    cluster.names.map((name) => cluster.node(name).ask({ kind: "fill", ...entries })),
  );
}

async function restartNodes(
  cluster: Cluster,
  names: readonly string[],
  kill: boolean,
): Promise<Restart> {
  const targets = await cluster.appliedIndexes();
  await Promise.all(names.map((name) => (kill ? cluster.kill(name) : cluster.end(name))));
  const opened = await cluster.startAgain(names);
  const each = await Promise.all(
    names.map(async (name, at) => {
      const node = cluster.node(name);
      const { calledMs = 0, openMs = 0 } = opened[at] ?? {};
      const [leadersMs, appliedMs] = await Promise.all([
        node.ask<number>({ kind: "awaitLeaders" }),
        node.ask<number>({ kind: "reach", targets }),
      ]);
      return {
        open: openMs - calledMs,
        leaders: leadersMs - calledMs,
        applied: appliedMs - calledMs,
      };
    }),
  );
  return {
    open: Math.max(...each.map(({ open }) => open)),
    leaders: Math.max(...each.map(({ leaders }) => leaders)),
    applied: Math.max(...each.map(({ applied }) => applied)),
  };
}

function figuresOf(samples: readonly Restart[]): Point["figures"] {
  const ms = (pick: (sample: Restart) => number): Point["figures"][string] =>
    figure(samples.map(pick), "ms", "lower");
  return {
    open: ms(({ open }) => open),
    allLed: ms(({ leaders }) => leaders),
    allApplied: ms(({ applied }) => applied),
  };
}
