/** `MyProxyClient` and a `myproxy-server` that is a CA: short-lived certificates instead of proxies. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { buildName } from '../../src/x509/name.js'
import { rejectionOf } from '../support/failure.js'
import { realNow, TestAuthority } from '../support/pki.js'
import { writeCredentialPair } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { openClient } from '../support/real-client.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

const HOUR = 3600
const NAME = buildName([
  ['DC', 'org'],
  ['DC', 'example'],
  ['CN', 'Online CA'],
])

describeWithPrograms('MyProxyClient and a server that is a CA', MYPROXY_PROGRAMS, () => {
  let temporary: Awaited<ReturnType<typeof makeTemporaryDirectory>>
  let grid: RealGrid
  beforeAll(async () => {
    temporary = await makeTemporaryDirectory()
    const { path } = temporary
    const { privateKey, certificate } = new TestAuthority({ name: NAME, key: 'rsa2048' })
    const { cert, key } = await writeCredentialPair(path, 'ca', {
      privateKey,
      chain: [certificate],
    })
    const [serial, map] = [join(path, 'serial'), join(path, 'map.sh')]
    await writeFile(serial, '01\n')
    const script = '#!/bin/sh\necho "/DC=org/DC=example/OU=Users/CN=$1"\n'
    await writeFile(map, script, { mode: 0o755 })
    grid = await startRealGrid({
      policy: {
        trusted_retrievers: '"*"',
        default_trusted_retrievers: '"/DC=org/DC=example/OU=Users/*"',
        default_retrievers: '"*"',
        certificate_issuer_cert: cert,
        certificate_issuer_key: key,
        certificate_serialfile: serial,
        certificate_out_dir: path,
        certificate_mapapp: map,
        max_cert_lifetime: '24',
      },
    })
  })
  afterAll(async () => {
    await grid?.stop()
    await temporary?.remove()
  })

  const call = (lifetimeSeconds: number) => ({
    username: 'bob',
    credential: grid.users.alice.credential,
    lifetimeSeconds,
  })

  it('fetch a certificate for 1 h, which is no proxy', async () => {
    const client = await openClient(grid, { keyKind: 'rsa2048' })
    const { credential } = await client.get(call(HOUR))
    const facts = describeChain(credential.chain)
    expect(facts.depth).toBe(0)
    expect(facts.identity.oneLine).toBe('/DC=org/DC=example/OU=Users/CN=bob')
    expect(credential.chain[0]?.issuer.oneLine).toBe(NAME.oneLine)
    expect(Math.abs(facts.effectiveEnd - realNow() - HOUR)).toBeLessThan(120)
  })

  it('say to ask with an RSA key where one of P-256 is not certified', async () => {
    const client = await openClient(grid, { keyKind: 'p256' })
    const failure = await rejectionOf(client.get(call(HOUR)))
    expect(failure).toMatchObject({
      code: 'MYPROXY_REFUSED',
      data: { reason: 'certificate-not-made' },
    })
    expect(failure.hint).toContain('RSA key')
  })
})
