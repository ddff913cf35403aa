/** A `myproxy-server` with what is to be fetched from it, and the environment of a user who does. */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { MyProxyClient } from '../../src/node/myproxy/my-proxy-client.js'
import { BOTH_WAYS_PROGRAMS, type BothWaysGrid, required, startBothWays } from './both-ways-grid.js'
import { openssl } from './openssl-ca.js'

/** What fetches, and what reads what was fetched. */
export const FETCHING_PROGRAMS = [
  ...BOTH_WAYS_PROGRAMS,
  'myproxy-get-trustroots',
  'grid-proxy-info',
  'grid-proxy-init',
]

/** Opens everything that is stored under one. */
export const PASS_PHRASE = 'correct horse'

type Put = Parameters<MyProxyClient['put']>[0]

export interface FetchingGrid {
  both: BothWaysGrid
  /** Of a user who has no proxy. */
  environment: Record<string, string>
  /** A path below the grid's directory. */
  at(name: string): string
  /** Stores as alice, for 100 hours and proxies of at most 20. */
  store(username: string, changes: Partial<Put>): Promise<unknown>
  /** A client of ours in {@link environment}, or in another. */
  open(settings?: object, environment?: Record<string, string>): Promise<MyProxyClient>
}

/**
 * Stores as alice: `anna`, by pass phrase, also as `short` for an hour; `trusted`, for eve alone; what
 * any renewer may have, under her DN; and `files`, certificate and encrypted key. The caller ends the grid.
 */
export async function startFetching(): Promise<FetchingGrid> {
  const both = await startBothWays()
  const { grid } = both
  const environment = {
    HOME: grid.directory,
    X509_CERT_DIR: grid.trustDirectory,
    X509_USER_PROXY: join(grid.directory, 'no-such-proxy'),
    MYPROXY_SERVER: `localhost:${grid.server.port}`,
    VOBOX_PROXY_CONFIG: join(grid.directory, 'config.toml'),
  }
  const credential = grid.users.alice.credential
  const lives = { storedSeconds: 360_000, lifetimeSeconds: 72_000 }
  const store = (username: string, changes: Partial<Put>) =>
    both.client.put({ username, credential, ...lives, ...changes })
  const { dn } = grid.users.eve
  await store('anna', { passPhrase: PASS_PHRASE, policies: { retriever: '*' } })
  await store('trusted', { policies: { trustedRetriever: dn, retriever: dn } })
  await store(grid.users.alice.dn, { policies: { renewer: '*' }, lifetimeSeconds: 172_800 })
  const short = { credentialName: 'short', storedSeconds: 3600, policies: { retriever: '*' } }
  await store('anna', { passPhrase: PASS_PHRASE, ...short })
  await storeFiles(both)
  return {
    both,
    environment,
    at: (name) => join(grid.directory, name),
    store,
    open: (settings = {}, other = environment) =>
      MyProxyClient.open({ environment: other, ...settings }),
  }
}

async function storeFiles({ grid, files }: BothWaysGrid): Promise<void> {
  const { certificatePath, keyPath } = grid.users.alice
  const locked = join(grid.directory, 'encrypted-key.pem')
  const lock = ['pkcs8', '-topk8', '-in', keyPath, '-out', locked]
  await openssl([...lock, '-passout', `pass:${PASS_PHRASE}`])
  chmodSync(locked, 0o600)
  const words = ['-l', 'files', '-c', certificatePath, '-y', locked, '-r', '*', '-E', '*']
  const options = { proxy: files.alice, input: `${PASS_PHRASE}\n` }
  required(await grid.run('myproxy-store', words, options))
}
