import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { arePrograms, outputOf } from "../../../../bench/peers/installed.ts";
import { measureMembers, withMembers } from "../../../../bench/peers/member-process.ts";
import type { Program } from "../../../../bench/peers/member-process.ts";

const never = new AbortController().signal;
const skip = arePrograms("setpriv") ? false : "setpriv is not here";

/** A member that runs a script; `on` is called with each line that it is sent. */
function scripted(script: string, signal: AbortSignal = never): Program {
  const lines =
    'const on = (take) => require("node:readline").createInterface(process.stdin).on("line", take);';
  return { command: process.execPath, arguments: ["-e", lines + script], signal };
}

/** Leads `leads` groups and has as many commands acknowledged as it is given. */
function leading(leads: number): Program {
  return scripted(`
    console.log(JSON.stringify({ leads: ${leads} }));
    on((line) => {
      const [, share, warmUpMs, measureMs] = line.split(" ").map(Number);
      const figures = { acknowledged: share, seconds: measureMs / 1000, cpuMicros: warmUpMs };
      console.log(JSON.stringify({ ...figures, latenciesUs: [share] }));
    });`);
}

describe("members of a peer", { skip }, () => {
  it("share the work by the groups that they lead, and measure the same time", async () => {
    const size = { groups: 4, valueBytes: 16, outstanding: 8, dir: "", signal: never };
    const work = { ...size, warmUpSeconds: 0.0165, seconds: 2 };
    const programs = [leading(1), leading(3), leading(0)];
    const figures = await withMembers(programs, (members) => measureMembers(members, work));
    assert.deepEqual(figures, {
      throughput: 4,
      latenciesUs: [2, 6, 0],
      cpuMicros: (3 * 17) / 8,
    });
  });

  it("are gone when the work is done, and when it fails", async () => {
    const pids: number[] = [];
    const programs = [1, 2].map(() =>
      scripted("console.log(JSON.stringify({ pid: process.pid })); on(() => {});"),
    );
    const run = withMembers(programs, async (members) => {
      for (const member of members) pids.push(await member.number("pid"));
      throw new Error("the work failed");
    });
    await assert.rejects(run, /the work failed/);
    assert.equal(pids.length, 2);
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  });

  it("end with the signal, which is the error then", async () => {
    const controller = new AbortController();
    const run = withMembers(
      [scripted("on(() => {}); console.log('{}')", controller.signal)],
      async ([member]) => {
        await member?.next();
        controller.abort();
        return await member?.next();
      },
    );
    await assert.rejects(run, { name: "AbortError" });
  });

  const failures: readonly (readonly [string, string, RegExp])[] = [
    [
      "says so",
      "console.log(JSON.stringify({ failed: 'no leader' })); on(() => {});",
      /^member 1: no leader$/,
    ],
    [
      "ends",
      "console.error('out of\\nmemory'); process.exitCode = 3;",
      /^member 1 ended with code 3\n {2}out of\n {2}memory$/,
    ],
    [
      "answers something else",
      "console.log('{\"port\":1}'); on(() => {});",
      /expected a number "leads"/,
    ],
  ];
  for (const [how, script, message] of failures) {
    it(`fail with the reason where one ${how}`, async () => {
      const run = withMembers(
        [scripted(script)],
        async ([member]) => await member?.number("leads"),
      );
      await assert.rejects(run, { message });
    });
  }

  it("fail where there is no such program", async () => {
    const program = { command: "/no/such/program", arguments: [], signal: never };
    const run = withMembers([program], async ([member]) => await member?.next());
    await assert.rejects(run, /member 1 ended with code 127\n.*\/no\/such\/program/);
  });
});

it("what a failed build says is in the error, on whichever stream it is said", async () => {
  const script = "console.log('line 3:'); console.error('syntax'); process.exitCode = 1;";
  await assert.rejects(outputOf(process.execPath, "-e", script), /failed: line 3:\n\nsyntax$/);
  await assert.rejects(outputOf("/no/such/program"), /ENOENT/);
});
