/** A user with a certificate and a key, for tests that call the built `proxy-init`. */
import { chownSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { type Credential, parseCredential } from '../../src/proxy/credential.js'
import { encodePem } from '../../src/x509/pem.js'
import { TestAuthority } from './pki.js'
import { writeTrustDirectory } from './pki-files.js'
import { temporaryDirectory } from './temporary-directory.js'
import { type CallOptions, VoBox } from './vo-box.js'

export const isRoot = process.getuid?.() === 0
export const ca = new TestAuthority()
export const alice = ca.issueUser('alice', { key: 'rsa2048' })
export const DN = '/DC=org/DC=example/OU=Users/CN=alice'
export const PASS_PHRASE = 'correct horse, 42 staples'

export let box: VoBox
/** Of the box. */
export let directory: string
/** Where the proxy is to be. */
export let out: string

/** To be called by a file of tests: each test gets a box of its own. */
export const eachWithBox = () =>
  beforeEach(async () => {
    directory = await temporaryDirectory()
    box = new VoBox(directory, { vo: 'alice', config: '', kept: true })
    await writeTrustDirectory(directory, ca)
    mkdirSync(join(directory, 'home'), { mode: 0o700 })
    out = join(directory, 'home', 'proxy')
    giveToUser(join(directory, 'home'))
  })

export function giveToUser(path: string): void {
  if (isRoot) chownSync(path, box.admin.uid, box.admin.gid)
}

/** The certificate (with what stands above) and the key of somebody, as `--cert` and `--key`. */
export function pair(
  credential: Credential,
  key: string | Buffer = plain(credential),
  mode = 0o600,
) {
  const pem = credential.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('')
  return ['--cert', box.put('cert.pem', pem, 0o644), '--key', box.put('key.pem', key, mode)]
}

export const plain = ({ privateKey }: Credential) =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

export type Encryption = readonly [type: 'pkcs1' | 'pkcs8' | 'sec1', cipher: string]

export const encrypted = ({ privateKey }: Credential, [type, cipher]: Encryption) =>
  privateKey.export({ type, format: 'pem', cipher, passphrase: PASS_PHRASE } as never).toString()

export const init = (words: readonly string[], options: CallOptions = {}) =>
  box.callBare(['proxy-init', '--out', out, ...words], options)

export const initWith = (credential: Credential, ...words: string[]) =>
  init([...pair(credential), ...words])

export const made = (path = out) => describeChain(parseCredential(readFileSync(path)).chain)
