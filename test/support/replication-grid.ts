/** Secondaries of a primary in a test: servers that accept its host credential alone. */
import { mkdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { openServer, readConfigOf } from '../../src/node/myproxy-server/open-server.js'
import { serverOptionsOf } from '../../src/node/myproxy-server/server-options.js'
import { silentJournal } from '../../src/ports/journal.js'
import type { EmbeddedGrid } from './embedded-myproxy.js'

/** Of a secondary: whoever renews or retrieves may do so as on the primary. */
export const secondaryConfig = ({ hosts }: EmbeddedGrid) =>
  [
    `accepted_credentials "${hosts.server.dn}"`,
    'authorized_retrievers "*"',
    'default_retrievers "*"',
    'authorized_renewers "/DC=org/DC=example/OU=Hosts/*"',
    'default_renewers "none"',
    'authorized_key_retrievers "*"',
    'trusted_retrievers "*"',
    'default_trusted_retrievers "none"',
    '',
  ].join('\n')

/** What the programs of the primary find in their environment. */
export const primaryEnvironment = ({ directory, hosts, trustDirectory }: EmbeddedGrid) => ({
  HOME: directory,
  X509_CERT_DIR: trustDirectory,
  X509_USER_CERT: hosts.server.certificatePath,
  X509_USER_KEY: hosts.server.keyPath,
})

/** Our server as the program composes it, with a store of its own. */
export async function startOurSecondary(grid: EmbeddedGrid, name: string) {
  const directory = join(grid.directory, name)
  const storeDirectory = join(directory, 'store')
  await mkdir(directory, { mode: 0o700 })
  await writeFile(join(directory, 'config'), secondaryConfig(grid), { mode: 0o600 })
  const given = { config: join(directory, 'config'), storage: storeDirectory, port: '0' }
  const environment = primaryEnvironment(grid)
  const options = serverOptionsOf({ ...given, listen: '127.0.0.1' }, environment)
  const credential = async () => grid.hosts.server.credential
  const config = await readConfigOf(options)
  const parts = { options, config, environment, credential, journal: silentJournal }
  const { server, close } = await openServer(parts)
  const { port } = await server.start()
  return {
    port,
    storeDirectory,
    async stop() {
      await server.stop()
      close()
    },
  }
}

/** The way to a server, which a test can cut: connections are refused then, and those there are end. */
export class Gate {
  readonly #target: number
  readonly #open = new Set<Socket>()
  readonly #server = createServer((socket) => this.#pass(socket))
  isShut = false

  constructor(target: number) {
    this.#target = target
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  stop(): void {
    for (const socket of this.#open) socket.destroy()
    this.#server.close()
  }

  #pass(socket: Socket): void {
    if (this.isShut) {
      socket.resetAndDestroy()
      return
    }
    const target = connect(this.#target, '127.0.0.1')
    for (const [from, to] of [
      [socket, target],
      [target, socket],
    ] as const) {
      this.#open.add(from)
      from.on('error', () => to.destroy()).on('close', () => this.#open.delete(from))
      from.pipe(to)
    }
  }
}
