import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { copyOfLatin1, latin1Of } from "../../../src/service/latin1.ts";

describe("latin1Of()", () => {
  it("gives one character a byte, for every byte", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const text = latin1Of(bytes, 0, 256);
    assert.equal(text.length, 256);
    for (let byte = 0; byte < 256; byte += 1) assert.equal(text.charCodeAt(byte), byte);
  });

  it("reads a view within its own bounds and sees what was written since the last call", () => {
    const view = Uint8Array.from(Buffer.from("..abcdef..")).subarray(2, 8);
    assert.equal(latin1Of(view, 1, 4), "bcd");
    view[1] = 0x58;
    assert.equal(latin1Of(view, 1, 4), "Xcd");
    assert.equal(latin1Of(Buffer.from("other"), 0, 5), "other");
    assert.equal(latin1Of(view, 0, 2), "aX");
  });
});

describe("copyOfLatin1()", () => {
  it("equals the text it was made of", () => {
    const text = latin1Of(
      Uint8Array.from({ length: 300 }, (_, at) => at),
      0,
      300,
    );
    assert.equal(copyOfLatin1(text.slice(100, 290)), text.slice(100, 290));
    assert.equal(copyOfLatin1(""), "");
  });
});
