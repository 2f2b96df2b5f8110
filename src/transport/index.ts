/**
 * transport: frames from shard to shard over TCP. May use base and wire. It never looks into a
 * message of a group.
 */
export type { MemoryFrame, Schedule, Wire } from "./memory-network.ts";
export { MemoryNetwork } from "./memory-network.ts";
export type { MemoryTransportOptions } from "./memory-transport.ts";
export { MemoryTransport } from "./memory-transport.ts";
export {
  describeAddressFault,
  describeHostFault,
  describeRemoteHostFault,
  formatAddress,
  isWildcard,
} from "./address.ts";
export { Credentials, credentialFaults } from "./credentials.ts";
export type { CredentialOptions, Secret, TlsOptions } from "./credentials.ts";
export { Relay } from "./relay.ts";
export type { RelayOptions } from "./relay.ts";
export type { RelayOrder, RelayPort, RelayedBatch } from "./relay-mail.ts";
export type { TcpTransportOptions, TransportIdentity } from "./tcp-options.ts";
export { TcpTransport } from "./tcp-transport.ts";
export type { Cancel, Timers } from "./timers.ts";
export type * from "./transport.ts";
