/**
 * A bound port: accepts connections, with TLS where certificates are given. What is said on them,
 * and how many there may be, is its owner's business.
 */
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { Server as TlsServer, createServer as createTlsServer } from "node:tls";
import type { SecureContextOptions } from "node:tls";
import { RaftError } from "../base/index.ts";
import type { TlsMaterial } from "./credentials.ts";
import type { TransportSettings } from "./tcp-options.ts";

export interface PortServerEvents {
  /** A raw socket, before TLS. */
  onSocket(socket: Socket): void;
  /** A socket ready for a greeting; with TLS another one than the raw one. */
  onReady(socket: Socket): void;
  /** A socket on which there will be no TLS. */
  onTlsError(socket: Socket, error: Error): void;
}

export class PortServer {
  private readonly server: Server;
  private bound: Promise<number> | undefined;

  constructor(
    { credentials, tuning }: Pick<TransportSettings, "credentials" | "tuning">,
    events: PortServerEvents,
  ) {
    const { tls } = credentials;
    const onReady = (socket: Socket): void => events.onReady(socket);
    if (tls === undefined) this.server = createServer({ noDelay: true }, onReady);
    else {
      const options = {
        ...contextOptionsOf(tls),
        requestCert: true,
        rejectUnauthorized: true,
        handshakeTimeout: tuning.greetingTimeoutMs,
      };
      const server = createTlsServer(options, onReady);
      server.on("tlsClientError", (error, socket) => events.onTlsError(socket, error));
      this.server = server;
    }
    this.server.on("connection", (socket: Socket) => events.onSocket(socket));
  }

  /**
   * Binds; resolves with the port.
   * @throws ERR_PORT_IN_USE, ERR_LISTEN_FAILED
   */
  listen(host: string, port: number): Promise<number> {
    this.bound = this.bind(host, port);
    return this.bound;
  }

  /** From now on connections are accepted with these certificates. */
  renew(tls: TlsMaterial | undefined): void {
    if (tls !== undefined && this.server instanceof TlsServer) {
      this.server.setSecureContext(contextOptionsOf(tls));
    }
  }

  /** Accepts no more; resolves when every connection has ended, too. */
  async close(): Promise<void> {
    // A server that is still resolving its host cannot be closed; it would listen afterwards.
    await this.bound?.catch(() => {});
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private bind(host: string, port: number): Promise<number> {
    const { server } = this;
    return new Promise((resolve, reject) => {
      const onError = (cause: NodeJS.ErrnoException): void =>
        reject(listenError(host, port, cause));
      server.once("error", onError);
      server.listen({ host, port }, () => {
        server.removeListener("error", onError);
        // Errors of accept (no descriptors left) pass by themselves; the peer dials again.
        server.on("error", () => {});
        const address = server.address();
        resolve(isAddressInfo(address) ? address.port : port);
      });
    });
  }
}

function contextOptionsOf({ options: { key, cert, ca } }: TlsMaterial): SecureContextOptions {
  return { key, cert, ca, minVersion: "TLSv1.3" };
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === "object" && address !== null;
}

function listenError(host: string, port: number, cause: NodeJS.ErrnoException): RaftError {
  return cause.code === "EADDRINUSE"
    ? new RaftError("ERR_PORT_IN_USE", `Cannot listen on ${host}:${port}: the port is taken`, {
        cause,
      })
    : new RaftError("ERR_LISTEN_FAILED", `Cannot listen on ${host}:${port}: ${cause.message}`, {
        cause,
      });
}
