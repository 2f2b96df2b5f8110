import { describeValue, isRecord, optionError } from "../base/index.ts";
import { Credentials } from "../transport/index.ts";
import type { CredentialOptions } from "../transport/index.ts";

/**
 * What credentials are in force after some are renewed.
 * @throws ERR_OPTION_INVALID if a shard would refuse them
 */
export function renewed(present: CredentialOptions, given: CredentialOptions): CredentialOptions {
  const shape: unknown = given;
  if (!isRecord(shape)) {
    throw optionError([`credentials must be an object, got ${describeValue(given)}`]);
  }
  const unknown = Object.keys(shape).filter((name) => name !== "secret" && name !== "tls");
  if (unknown.length > 0) {
    throw optionError(unknown.map((name) => `${name} is no credential: there are secret and tls`));
  }
  new Credentials(present).renew(given);
  const { secret = present.secret, tls = present.tls } = given;
  return { secret, tls };
}
