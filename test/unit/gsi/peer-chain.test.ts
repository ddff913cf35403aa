import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { derSequence, encodeDer } from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import { constructedContextTag, contextTag } from '../../../src/asn1/tags.js'
import { type LossBudget, readPeerChain } from '../../../src/gsi/peer-chain.js'
import { secureContextFor } from '../../../src/gsi/tls-credential.js'
import type { Credential } from '../../../src/proxy/credential.js'
import { type Certificate, parseCertificate } from '../../../src/x509/certificate.js'
import { encodePem } from '../../../src/x509/pem.js'
import { encodePrivateKey } from '../../../src/x509/private-key.js'
import { rejectionOf } from '../../support/failure.js'
import { addProxy, TestAuthority, userName } from '../../support/pki.js'

const ca = new TestAuthority()
const host = ca.issueHost('px.example.org')
const user = ca.issueUser('alice')
const rfc = addProxy(addProxy(user))
const chains = {
  'an end entity': user,
  'two RFC 3820 proxies': rfc,
  'a legacy proxy': addProxy(user, { kind: 'legacy' }),
  'a limited legacy proxy below another': addProxy(addProxy(user, { kind: 'legacy' }), {
    kind: 'legacy',
    policy: 'limited',
  }),
  'a draft proxy': addProxy(user, { kind: 'draft' }),
  ...chainsOfSubCa(),
}

/** What names the certificate of its issuer by issuer and serial number, as many CAs have it. */
function naming({ issuer, serialHex }: Certificate, keyId: Uint8Array | undefined) {
  const names = encodeDer(constructedContextTag(1), encodeDer(constructedContextTag(4), issuer.der))
  const serial = encodeDer(contextTag(2), Buffer.from(serialHex, 'hex'))
  const parts = keyId === undefined ? [] : [encodeDer(contextTag(0), keyId), names]
  return { oid: OID.authorityKeyIdentifier, critical: false, value: derSequence(...parts, serial) }
}

/** Users of a sub-CA, which has had a new certificate since; and one whose CA is a root. */
function chainsOfSubCa() {
  // Without key identifiers of their own, so that no other extension is put into what they issue.
  const root = new TestAuthority({ name: userName('Root'), withoutKeyIdentifier: true })
  const named = { extensions: [naming(root.certificate, ca.certificate.subjectKeyId)] }
  const options = { name: userName('Sub-CA'), parent: root, key: ca.privateKey, ...named }
  const old = new TestAuthority({ ...options, withoutKeyIdentifier: true })
  const { certificate } = new TestAuthority(options)
  const issued = (keyId: Uint8Array | undefined) =>
    old.issueUser('bob', { extensions: [naming(old.certificate, keyId)] })
  const below = (credential: Credential, ...above: Certificate[]) => ({
    ...credential,
    chain: [...credential.chain.slice(0, 1), ...above],
  })
  const bob = issued(certificate.subjectKeyId)
  const numbered = below(issued(undefined), certificate)
  return {
    'a user of a sub-CA': bob,
    'a user of a sub-CA, which is not sent': below(bob),
    'a user of a sub-CA that was issued again': below(bob, certificate),
    'a proxy of a user of a sub-CA that was issued again': addProxy(below(bob, certificate)),
    'a user of a sub-CA that was issued again, named by serial number alone': numbered,
    'a user of a root': root.issueUser('carol', named),
  }
}
const versions = ['TLSv1.2', 'TLSv1.3'] as const

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** Both ends of one connection, each of which has presented what it is given. */
async function connected(
  client: Credential | undefined,
  server: Credential,
  version: (typeof versions)[number],
): Promise<{ client: TLSSocket; server: TLSSocket }> {
  const listener = createServer({
    cert: server.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
    key: encodePrivateKey(server.privateKey),
    requestCert: true,
    rejectUnauthorized: false,
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const accepted = once(listener, 'secureConnection')
  const socket = connect({
    port: (listener.address() as AddressInfo).port,
    host: '127.0.0.1',
    secureContext: secureContextFor(client, version),
    rejectUnauthorized: false,
  })
  ends.push(() => {
    socket.destroy()
    listener.close()
  })
  await once(socket, 'secureConnect')
  const [other] = (await accepted) as [TLSSocket]
  for (const end of [socket, other]) end.on('error', () => undefined)
  return { client: socket, server: other }
}

const ders = (chain: readonly { der: Uint8Array }[]) =>
  chain.map(({ der }) => Buffer.from(der).toString('hex'))

describe('readPeerChain', () => {
  const cases = versions.flatMap((version) =>
    Object.entries(chains).map(([what, credential]) => ({ version, what, credential })),
  )

  it.each(cases)('reads $what whole on a server, with $version', async (one) => {
    const { server } = await connected(one.credential, host, one.version)
    expect(ders(readPeerChain(server))).toEqual(ders(one.credential.chain))
  })

  it.each(cases)('reads $what whole on a client, with $version', async (one) => {
    const { client } = await connected(undefined, one.credential, one.version)
    expect(ders(readPeerChain(client))).toEqual(ders(one.credential.chain))
  })

  it.each(versions)('is empty for a peer that presented nothing, with %s', async (version) => {
    const { server } = await connected(undefined, host, version)
    expect(readPeerChain(server)).toEqual([])
  })

  it.each([
    ['two RFC 3820 proxies', 0, 0],
    ['a legacy proxy', 1, 1],
    ['a draft proxy', 1, 1],
    ['a user of a sub-CA', 0, 0],
    ['a user of a sub-CA, which is not sent', 1, 0],
    ['a user of a sub-CA that was issued again', 1, 1],
    ['a user of a root', 0, 0],
  ] as const)(
    'asks for the chain of %s %i times in the way that loses memory, and loses %i certificates',
    async (what, asked, lost) => {
      const { server } = await connected(chains[what], host, 'TLSv1.3')
      const losing = vi.spyOn(server, 'getPeerX509Certificate')
      const budget: LossBudget = { certificates: 10 }
      readPeerChain(server, parseCertificate, budget)
      expect(losing).toHaveBeenCalledTimes(asked)
      expect(budget).toEqual({ certificates: 10 - lost })
    },
  )

  it.each(['a legacy proxy', 'a user of a sub-CA that was issued again'] as const)(
    'reads of %s no more than what is sure once its memory is spent',
    async (what) => {
      const { server } = await connected(chains[what], host, 'TLSv1.3')
      const chain = readPeerChain(server, parseCertificate, { certificates: 0 })
      expect(ders(chain)).toEqual(ders(chains[what].chain.slice(0, 1)))
    },
  )

  it('refuses more than 32 certificates, and counts them as lost where they may be', async () => {
    let long = addProxy(user, { kind: 'legacy' })
    for (let depth = 0; depth < 32; depth++) long = addProxy(long, { kind: 'legacy' })
    const { server } = await connected(long, host, 'TLSv1.3')
    const budget: LossBudget = { certificates: 100 }
    const error = await rejectionOf(
      Promise.resolve().then(() => readPeerChain(server, parseCertificate, budget)),
    )
    expect(error).toMatchObject({ code: 'CHAIN_TOO_LONG', data: { maxCertificates: 32 } })
    expect(budget.certificates).toBeLessThanOrEqual(68)
  })
})
