/** `MyProxyClient` as another program opens it, on a real grid. */
import { MyProxyClient, type OpenMyProxyOptions } from '../../src/index.js'
import type { RealGrid, RealGridOptions } from './real-peers.js'

/** A server that lets the stored credential say who may fetch it, key included. */
export const OPEN_POLICY: NonNullable<RealGridOptions['policy']> = {
  default_retrievers: '"*"',
  trusted_retrievers: '"*"',
  authorized_key_retrievers: '"*"',
}

/** Reads no configuration of this machine. */
export function openClient(
  grid: Pick<RealGrid, 'server' | 'trustDirectory' | 'directory'>,
  options: Partial<OpenMyProxyOptions> = {},
): Promise<MyProxyClient> {
  const { server, trustDirectory, directory } = grid
  return MyProxyClient.open({
    environment: {
      HOME: directory,
      X509_CERT_DIR: trustDirectory,
      MYPROXY_SERVER: `${server.host}:${server.port}`,
    },
    // Of P-256 keys nothing here depends, and they cost nothing.
    keyKind: 'p256',
    exchangeMs: 20_000,
    ...options,
  })
}
