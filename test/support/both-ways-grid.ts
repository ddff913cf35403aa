/**
 * A `myproxy-server` that lets each stored credential say itself who may do what, our client for it,
 * and the C clients beside that: for tests that store with one and fetch with the other.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MyProxyClient } from '../../src/node/myproxy/my-proxy-client.js'
import { type ChainFacts, describeChain } from '../../src/proxy/chain-facts.js'
import { type Credential, parseCredential } from '../../src/proxy/credential.js'
import { addProxy, realNow } from './pki.js'
import { openClient } from './real-client.js'
import { type ProgramResult, type RealGrid, type RunOptions, startRealGrid } from './real-peers.js'

/** What the C side of the tests runs. */
export const BOTH_WAYS_PROGRAMS = [
  'myproxy-server',
  'myproxy-init',
  'myproxy-info',
  'myproxy-logon',
  'myproxy-destroy',
  'myproxy-change-pass-phrase',
  'myproxy-store',
  'myproxy-retrieve',
] as const

/** Of the test's own: the server says no to nobody, and yes to nobody by default. */
export const PERMISSIVE = {
  authorized_renewers: '"*"',
  authorized_key_retrievers: '"*"',
  trusted_retrievers: '"*"',
}

export interface BothWaysGrid {
  grid: RealGrid
  client: MyProxyClient
  /** RSA proxies: of alice, who stores; of eve, a stranger; of the VO-Box. */
  alice: Credential
  eve: Credential
  vobox: Credential
  /** Their files, for `$X509_USER_PROXY`. */
  files: Record<'alice' | 'eve' | 'vobox', string>
  /** Runs `myproxy-logon` and reads what it fetched. Throws with what it said where it failed. */
  logon(args: readonly string[], options: RunOptions): Promise<ChainFacts>
}

export async function startBothWays(policy: Record<string, string> = {}): Promise<BothWaysGrid> {
  const grid = await startRealGrid({ policy: { ...PERMISSIVE, ...policy } })
  const proxyOf = (credential: Credential) => addProxy(credential, { key: 'rsa2048', hours: 48 })
  const [alice, eve, vobox] = [
    proxyOf(grid.users.alice.credential),
    proxyOf(grid.users.eve.credential),
    proxyOf(grid.hosts.vobox.credential),
  ]
  const files = {
    alice: await grid.writeProxy('alice.proxy', alice),
    eve: await grid.writeProxy('eve.proxy', eve),
    vobox: await grid.writeProxy('vobox.proxy', vobox),
  }
  const configFile = join(grid.directory, 'config.toml')
  await writeFile(configFile, '')
  // Only a burnt-out machine takes longer.
  const client = await openClient(grid, { configFile, connectMs: 20_000 })
  let fetched = 0
  return {
    grid,
    client,
    ...{ alice, eve, vobox, files },
    async logon(args, options) {
      fetched += 1
      const out = join(grid.directory, `fetched-${fetched}`)
      required(await grid.run('myproxy-logon', [...args, '-o', out], options))
      return describeChain(parseCredential(await readFile(out)).chain)
    },
  }
}

/** Of a program that must work. */
export function required(result: ProgramResult): ProgramResult {
  if (result.exitCode === 0) return result
  throw new Error(`exit code ${result.exitCode}: ${result.stdout}${result.stderr}`)
}

/** Of alice's, as `openssl pkcs8 -topk8` writes it. */
export function encryptedKeyOf({ grid }: BothWaysGrid, passPhrase: string): string {
  const { privateKey } = grid.users.alice.credential
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc' } as const
  return privateKey.export({ ...options, passphrase: passPhrase }).toString()
}

/**
 * Puts a credential of alice's into the server's directory as no client can: an expired one, or one
 * that another version of the server left there.
 *
 * @param lines of its `.data` file, besides owner, name and lifetime.
 */
export async function leaveStored(
  { grid }: BothWaysGrid,
  { username, name = '' }: { username: string; name?: string },
  credential: Credential,
  ...lines: string[]
): Promise<void> {
  const base = join(grid.storeDirectory, name === '' ? username : `${username}-${name}`)
  await rename(await grid.writeProxy('left.creds', credential), `${base}.creds`)
  const data = [`OWNER=${grid.users.alice.dn}`, `USERNAME=${username}`, 'LIFETIME=72000', ...lines]
  if (name !== '') data.push(`NAME=${name}`)
  const text = [...data, 'END_OPTIONS', ''].join('\n')
  await writeFile(`${base}.data`, text, { mode: 0o600 })
}

/** A certificate of alice's that ended an hour ago, for the key that she has. */
export function expiredAlice({ grid }: BothWaysGrid): Credential {
  const { privateKey: key } = grid.users.alice.credential
  return grid.ca.issueUser('alice', { notAfter: realNow() - 3600, key })
}
