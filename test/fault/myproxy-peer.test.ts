/** Whom our client takes for its MyProxy server, before a byte of ours leaves. */
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/oids.js'
import type { VoboxError } from '../../src/errors.js'
import type { Credential } from '../../src/proxy/credential.js'
import { parseCrl } from '../../src/x509/crl.js'
import { makeTrustAnchors } from '../../src/x509/trust-anchors.js'
import { rejectionOf } from '../support/failure.js'
import { myproxyContext } from '../support/myproxy-context.js'
import {
  addProxy,
  type CertificateOptions,
  hostName,
  realNow,
  TestAuthority,
} from '../support/pki.js'
import { makeCrl } from '../support/pki-files.js'
import {
  ca,
  deliver,
  eve,
  host,
  hostCredential,
  peerThat,
  renewFrom,
} from '../support/scripted-myproxy.js'

describe('a server', () => {
  const day = 86_400
  const now = realNow()
  const hostWith = (options: CertificateOptions, issuer = ca) => issuer.issueHost(host, options)
  let deep = hostCredential
  for (let depth = 0; depth < 40; depth++) deep = addProxy(deep)

  /** What the client says about a server with that credential, which must see no byte. */
  async function distrustOf(credential: Credential): Promise<VoboxError> {
    let received = -1
    const peer = await peerThat(async ({ stream }) => {
      received = await stream.readExactly(1).then(
        () => 1,
        () => 0,
      )
    }, credential)
    const failure = await rejectionOf(renewFrom([peer.port]))
    await expect.poll(() => received).toBe(0)
    expect(failure.code).toBe('ALL_SERVERS_FAILED')
    const cause = failure.cause as VoboxError
    expect(failure.data.attempts).toMatchObject([{ code: cause.code, address: '127.0.0.1' }])
    expect(failure.persistence).toBe(cause.persistence)
    return cause
  }

  it.each([
    ['an unknown CA of the same name', hostWith({}, new TestAuthority()), 'SIGNATURE_INVALID'],
    ['an unknown CA', hostWith({}, new TestAuthority({ name: hostName('CA') })), 'CHAIN_UNTRUSTED'],
    ['an expired certificate', hostWith({ notAfter: now - day }), 'CHAIN_EXPIRED'],
    ['a certificate of tomorrow', hostWith({ notBefore: now + day }), 'CHAIN_NOT_YET_VALID'],
    [
      'a certificate for clients only',
      hostWith({ extendedKeyUsage: [OID.clientAuth] }),
      'KEY_USAGE_FORBIDS',
    ],
    [
      'an expired proxy of the right host',
      addProxy(hostCredential, { notBefore: now - day, notAfter: now - 60 }),
      'CHAIN_EXPIRED',
    ],
    [
      'a legacy proxy of the right host',
      addProxy(hostCredential, { kind: 'legacy' }),
      'PROXY_KIND_REFUSED',
    ],
    [
      'an independent proxy of the right host',
      addProxy(hostCredential, { policy: 'independent' }),
      'PROXY_KIND_REFUSED',
    ],
    ['a chain of 40 proxies', deep, 'CHAIN_TOO_LONG'],
  ])('with %s is not trusted', async (_what, credential, reason) => {
    const distrust = await distrustOf(credential)
    expect(distrust.code).toBe('PEER_UNTRUSTED')
    expect(distrust.data.reason).toBe(reason)
    expect(distrust.message).toContain('(127.0.0.1) is not trusted: ')
    expect(distrust.hint).toBeTruthy()
  })

  it.each([
    ['another host’s certificate', ca.issueHost('evil.example.org')],
    ['a user’s certificate', eve],
    ['a user’s proxy with the host as its common name', addProxy(eve, { commonName: host })],
  ])('with %s has the wrong name', async (_what, credential) => {
    const distrust = await distrustOf(credential)
    expect(distrust.code).toBe('PEER_NAME_MISMATCH')
    expect(distrust.data.expected).toBe(host)
  })

  it('with a certificate that its CA has revoked is not trusted', async () => {
    const crl = parseCrl(makeCrl(ca, { revoked: hostCredential.chain }))
    const anchors = makeTrustAnchors(
      { certificates: [ca.certificate], crls: [{ crl, file: 'ca.r0' }] },
      { allowMissingSigningPolicy: true, now: realNow },
    )
    const peer = await peerThat(async () => undefined)
    const context = myproxyContext(ca, { anchors: async () => anchors })
    const failure = await rejectionOf(renewFrom([peer.port], context))
    expect((failure.cause as VoboxError).data.reason).toBe('CERTIFICATE_REVOKED')
  })

  it('with a proxy of the right host is the one we mean', async () => {
    const peer = await peerThat((conversation) => deliver(conversation), addProxy(hostCredential))
    expect((await renewFrom([peer.port])).credential.chain).toHaveLength(2)
  })

  it('with a certificate of an intermediate CA, sent in any order, is the one we mean', async () => {
    const intermediate = new TestAuthority({ parent: ca, name: hostName('Intermediate CA') })
    const issued = intermediate.issueHost(host)
    const [leaf, above] = issued.chain
    if (leaf === undefined || above === undefined) throw new Error('no chain')
    const shuffled = { ...issued, chain: [leaf, ca.certificate, above] }
    const peer = await peerThat((conversation) => deliver(conversation), shuffled)
    expect((await renewFrom([peer.port])).credential.chain).toHaveLength(2)
  })

  it('is recognised by its DN where one is configured', async () => {
    const evil = ca.issueHost('evil.example.org')
    const peer = await peerThat((conversation) => deliver(conversation), evil)
    const serverDn = evil.chain[0]?.subject.oneLine ?? ''
    const context = myproxyContext(ca, { serverDn })
    expect((await renewFrom([peer.port], context)).credential.chain).toHaveLength(2)
  })
})
