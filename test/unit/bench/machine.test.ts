import assert from "node:assert/strict";
import { test } from "node:test";
import { describeMachine, diskIn } from "../../../bench/lib/machine.ts";

const mountinfo = [
  "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw",
  "30 22 0:26 / /tmp rw,nosuid shared:5 - tmpfs tmpfs rw,size=1024k",
  "31 22 8:1 /sub /mnt/fast\\040disk rw - xfs /dev/disk\\040one rw",
  "32 22 8:2 / /mnt/twice rw master:3 propagate_from:2 - ext3 /dev/old rw",
  "33 32 8:3 / /mnt/twice rw - btrfs /dev/new rw",
].join("\n");

test("a directory's disk is that of the innermost mount around it", () => {
  assert.equal(diskIn(mountinfo, "/home/me"), "ext4 on /dev/vda1");
  assert.equal(diskIn(mountinfo, "/tmp"), "tmpfs on tmpfs");
  assert.equal(diskIn(mountinfo, "/tmp/flotilla-bench-x"), "tmpfs on tmpfs");
  assert.equal(diskIn(mountinfo, "/tmpfiles"), "ext4 on /dev/vda1");
  assert.equal(diskIn(mountinfo, "/mnt/fast disk/dir"), "xfs on /dev/disk one");
});

test("of two mounts on one place the later one counts", () => {
  assert.equal(diskIn(mountinfo, "/mnt/twice/dir"), "btrfs on /dev/new");
});

test("what cannot be told is unknown", async () => {
  assert.equal(diskIn("", "/tmp"), "unknown");
  assert.equal((await describeMachine("/there/is/no/such/folder")).disk, "unknown");
});
