/** Every command of the data-driven tests. */
import type { Command } from "../command.ts";
import { addNodes } from "./add-nodes.ts";
import { campaign } from "./campaign.ts";
import { confirmedReads } from "./confirmed-reads.ts";
import { crash } from "./crash.ts";
import { deliver } from "./deliver.ts";
import { drop } from "./drop.ts";
import { duplicate } from "./duplicate.ts";
import { handOver } from "./hand-over.ts";
import { heal } from "./heal.ts";
import { log } from "./log.ts";
import { network } from "./network.ts";
import { partition } from "./partition.ts";
import { persist } from "./persist.ts";
import { propose } from "./propose.ts";
import { read } from "./read.ts";
import { reportUnreachable } from "./report-unreachable.ts";
import { resign } from "./resign.ts";
import { restart } from "./restart.ts";
import { setLog } from "./set-log.ts";
import { setTimeout } from "./set-timeout.ts";
import { stabilize } from "./stabilize.ts";
import { status } from "./status.ts";
import { stepReady } from "./step-ready.ts";
import { suspectLeader } from "./suspect-leader.ts";
import { tick } from "./tick.ts";

export const commands: readonly Command[] = [
  addNodes,
  campaign,
  confirmedReads,
  crash,
  deliver,
  drop,
  duplicate,
  handOver,
  heal,
  log,
  network,
  partition,
  persist,
  propose,
  read,
  reportUnreachable,
  resign,
  restart,
  setLog,
  setTimeout,
  stabilize,
  status,
  stepReady,
  suspectLeader,
  tick,
];
