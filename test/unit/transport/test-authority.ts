/** A throwaway authority for certificates, made with the openssl of the machine that runs the tests. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { TlsOptions } from "../../../src/transport/index.ts";

/** Of the machine, so not among our packages. */
const program = "openssl";
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export class TestAuthority {
  private readonly directory: string = mkdtempSync(join(tmpdir(), "flotilla-tls-"));

  constructor() {
    after(() => rmSync(this.directory, { recursive: true, force: true }));
    const files = ["-keyout", this.at("ca.key"), "-out", this.at("ca.crt")];
    openssl("req", "-x509", ...newKey, "-days", "2", ...files, "-subj", "/CN=authority");
  }

  get certificate(): string {
    return readFileSync(this.at("ca.crt"), "utf8");
  }

  /** A certificate for 127.0.0.1 and further alternative names, such as `DNS:a`. */
  issue(names: readonly string[], commonName = "somebody"): TlsOptions {
    const files = ["-keyout", this.at("node.key"), "-out", this.at("node.csr")];
    openssl("req", ...newKey, ...files, "-subj", `/CN=${commonName}`);
    const alternative = ["IP:127.0.0.1", ...names].join(",");
    writeFileSync(this.at("san.cnf"), `subjectAltName=${alternative}\n`);
    const signing = ["-CA", this.at("ca.crt"), "-CAkey", this.at("ca.key"), "-CAcreateserial"];
    const form = ["-days", "2", "-extfile", this.at("san.cnf")];
    const request = ["-in", this.at("node.csr"), "-out", this.at("node.crt")];
    openssl("x509", "-req", ...request, ...signing, ...form);
    const read = (name: string): string => readFileSync(this.at(name), "utf8");
    return { key: read("node.key"), cert: read("node.crt"), ca: this.certificate };
  }

  private at(name: string): string {
    return join(this.directory, name);
  }
}

function openssl(...given: readonly string[]): void {
  execFileSync(program, given, { stdio: "ignore" });
}
