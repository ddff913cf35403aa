/**
 * Proxy files that nobody should believe, given to the programs as a site runs them: each gets its
 * code, and what is registered stays byte for byte as it was.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import { proxyFileName } from '../../src/repository/proxy-file-name.js'
import { encodePem } from '../../src/x509/pem.js'
import { encodePrivateKey } from '../../src/x509/private-key.js'
import { addProxies, addProxy, realNow, TestAuthority, userName } from '../support/pki.js'
import { writeTrustDirectory } from '../support/pki-files.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'
import { type Finished, VoBox } from '../support/vo-box.js'

const ca = new TestAuthority()
const alice = ca.issueUser('alice')
const good = addProxy(alice, { hours: 24 })
const bytes = encodeCredential(good)

const cert = ({ der }: { der: Uint8Array }) => encodePem('CERTIFICATE', der)
const pem = (...parts: string[]) => Buffer.from(parts.join(''))
const key = encodePrivateKey(good.privateKey)
const foreignKey = encodePrivateKey(ca.issueUser('eve').privateKey)
const certificates = good.chain.map(cert)

/** How the file that a row is about comes into being. */
type Make = (path: string, box: VoBox) => void

const holding =
  (content: Uint8Array | string, mode = 0o600): Make =>
  (path, box) =>
    box.putAt(path, content, mode)
const proxy = (credential: Credential) => holding(encodeCredential(credential))
const forged = (authority: TestAuthority) =>
  addProxy(authority.issueUser('alice'), { hours: 24 * 300 })

const rows: [string, Make, string][] = [
  ['an empty file', holding(''), 'PROXY_FILE_MALFORMED'],
  ['one cut in its key', holding(bytes.subarray(0, bytes.indexOf('PRIVATE KEY') + 60)), 'PROXY_FILE_MALFORMED'],
  ['one cut in its last certificate', holding(bytes.subarray(0, -100)), 'PROXY_FILE_MALFORMED'],
  ['one without the chain below its leaf', holding(pem(certificates[0] ?? '', key)), 'CHAIN_BROKEN'],
  ['one without a key', holding(pem(...certificates)), 'PROXY_FILE_MALFORMED'],
  ['a key alone', holding(pem(key)), 'PROXY_FILE_MALFORMED'],
  ['one with the key of somebody else', holding(pem(...certificates, foreignKey)), 'PROXY_KEY_MISMATCH'],
  ['one with two keys', holding(pem(...certificates, key, foreignKey)), 'PROXY_FILE_MALFORMED'],
  ['one of 4 kB of zeros', holding(Buffer.alloc(4096)), 'PROXY_FILE_MALFORMED'],
  ['a certificate in DER', holding(good.chain[0]?.der ?? ''), 'PROXY_FILE_MALFORMED'],
  ['a certificate of random bytes', holding(pem(encodePem('CERTIFICATE', Buffer.alloc(500, 0x5a)), key)), 'CERTIFICATE_MALFORMED'],
  ['an HTML page', holding('<html><body>502 Bad Gateway</body></html>\n'), 'PROXY_FILE_MALFORMED'],
  ['one of 600 kB', holding(Buffer.alloc(600_000, 'A')), 'FILE_TOO_LARGE'],
  ['one of 1 TB', (path, box) => {
    box.putAt(path, bytes)
    truncateSync(path, 2 ** 40)
  }, 'FILE_TOO_LARGE'],
  ['400 proxies one below the other', proxy(addProxies(alice, 400)), 'CHAIN_TOO_LONG'],
  ['one that others can read', holding(bytes, 0o644), 'FILE_UNSAFE'],
  ['one that the group can read', holding(bytes, 0o640), 'FILE_UNSAFE'],
  ['one that others can write', holding(bytes, 0o602), 'FILE_UNSAFE'],
  ['a link to a good one', (path, box) => {
    box.putAt(`${path}.target`, bytes)
    symlinkSync(`${path}.target`, path)
  }, 'FILE_UNSAFE'],
  ['a FIFO', (path) => {
    execFileSync('mkfifo', ['-m', '666', path])
  }, 'FILE_UNSAFE'],
  ['a directory', (path) => mkdirSync(path), 'FILE_UNSAFE'],
  ['nothing at all', () => undefined, 'FILE_MISSING'],
  ['a user certificate with its key', proxy(alice), 'NOT_A_PROXY'],
  ['one that expired an hour ago', proxy(addProxy(alice, { hours: -1 })), 'PROXY_EXPIRED'],
  ['one of 19 minutes', proxy(addProxy(alice, { hours: 19 / 60 })), 'PROXY_LIFE_TOO_SHORT'],
  ['one of tomorrow', proxy(addProxy(alice, { notBefore: realNow() + 86_400, hours: 48 })), 'CHAIN_NOT_YET_VALID'],
  ['a limited one', proxy(addProxy(alice, { policy: 'limited' })), 'PROXY_LIMITED'],
  ['a legacy one', proxy(addProxy(alice, { kind: 'legacy' })), 'PROXY_KIND_REFUSED'],
  ['a longer-lived one of the same DN from an unknown CA', proxy(forged(new TestAuthority({ name: userName('CA') }))), 'CHAIN_UNTRUSTED'],
  ['a longer-lived one of the same DN from a CA of the same name', proxy(forged(new TestAuthority())), 'SIGNATURE_INVALID'],
]
