/** A real grid with a credential of alice's stored in it, and everything that renews it. */
import { copyFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type MyProxyContext, type RenewalCall, requestRenewal } from '../../src/myproxy/client.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import type { Credential } from '../../src/proxy/credential.js'
import { TrustDirectory } from '../../src/x509/trust-anchors.js'
import { dialerWithNames, myproxyContext } from './myproxy-context.js'
import { addProxy } from './pki.js'
import { type RealGrid, startRealGrid } from './real-peers.js'

export interface RenewalGrid {
  grid: RealGrid
  context: MyProxyContext
  /** RSA proxies of the renewer and of alice. */
  machine: Credential
  current: Credential
  /** Renews alice's credential for 12 h, but for the changes. */
  renew(
    call?: Partial<RenewalCall>,
    context?: Partial<MyProxyContext>,
  ): ReturnType<typeof requestRenewal>
  /**
   * Puts what alice has stored into the store once more, with these lines in its `.data` file, since
   * an upload by the C client takes seconds.
   */
  copyStored(file: string, ...lines: string[]): Promise<void>
}

/** Uploads with the C client: under alice's DN, no pass phrase, 48 h, any renewer. */
export async function startRenewalGrid(): Promise<RenewalGrid> {
  const grid = await startRealGrid()
  await grid.upload({ as: grid.users.alice })
  const context = realContext(grid)
  const machine = addProxy(grid.hosts.vobox.credential, { key: 'rsa2048', pathLength: 0 })
  const current = addProxy(grid.users.alice.credential, { key: 'rsa2048' })
  return {
    grid,
    context,
    machine,
    current,
    renew: (call, changes) =>
      requestRenewal(
        { ...context, ...changes },
        {
          servers: [grid.server],
          username: grid.users.alice.dn,
          lifetimeSeconds: 12 * 3600,
          machine,
          current,
          ...call,
        },
      ),
    async copyStored(file, ...lines) {
      const store = grid.storeDirectory
      // A name with slashes, as a DN is, becomes its MD5.
      const stored = (await readdir(store)).find((name) => /^[0-9a-f]{32}\.creds$/.test(name))
      const data = [`OWNER=${grid.users.alice.dn}`, 'LIFETIME=43200', ...lines, 'END_OPTIONS', '']
      await copyFile(join(store, stored ?? ''), join(store, `${file}.creds`))
      await writeFile(join(store, `${file}.data`), data.join('\n'), { mode: 0o600 })
    },
  }
}

/** Trusts the grid's CA directory; deadlines fit a busy machine. */
export function realContext(grid: RealGrid): MyProxyContext {
  const trust = new TrustDirectory(nodeFiles, systemClock, grid.trustDirectory, {
    allowMissingSigningPolicy: false,
  })
  return {
    ...myproxyContext(grid.ca),
    anchors: () => trust.current(),
    dialer: dialerWithNames({ localhost: ['127.0.0.1'] }),
    connectMs: 5000,
    answerMs: 20_000,
  }
}
