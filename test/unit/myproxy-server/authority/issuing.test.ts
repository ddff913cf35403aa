import { createPublicKey } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import { OID } from '../../../../src/asn1/oids.js'
import { certificatesIn } from '../../../../src/myproxy/server/authority/issuer.js'
import { linesForClient } from '../../../../src/myproxy/server/refusals.js'
import { asUnixSeconds } from '../../../../src/ports/clock.js'
import { encodeBasicConstraints } from '../../../../src/x509/extensions.js'
import { buildName } from '../../../../src/x509/name.js'
import { encodePem } from '../../../../src/x509/pem.js'
import { type CertificateTemplate, signCertificate } from '../../../../src/x509/sign-certificate.js'
import { rejectionOf } from '../../../support/failure.js'
import { type Asking, ask, type IssuingCa, issuingCa } from '../../../support/issuing-ca.js'
import {
  realNow,
  TestAuthority,
  type TestKeyKind,
  testKey,
  userName,
} from '../../../support/pki.js'
import { describeWithPrograms } from '../../../support/programs.js'

const HOUR = 3600

let ca: IssuingCa
beforeEach(async () => {
  ca = await issuingCa()
})

const issued = async (lines: readonly string[] = [], asking: Asking = {}) =>
  ask(await ca.authority(lines), asking)

/** A request that is refused, what the client is told, and what the log says. */
const refusal = async (lines: readonly string[], asking: Asking = {}) => {
  const failure = await rejectionOf(issued(lines, asking))
  return { code: failure.code, reason: failure.data.reason, told: linesForClient(failure), failure }
}

const CA_TRUE = encodeBasicConstraints({ ca: true })

const NOT_MADE = 'Certificate generation failure.'

describe('an issued certificate', () => {
  it.each([
    [1 * HOUR, 12, 1],
    [48 * HOUR, 12, 12],
    [0, 12, 12],
    [48 * HOUR, 100, 48],
  ])('lives, asked for %i s of at most %i h, for %i h', async (lifetimeSeconds, max, hours) => {
    const [leaf] = await issued([`max_cert_lifetime ${max}`], { lifetimeSeconds })
    const now = ca.clock.now()
    expect(leaf?.notBefore).toBe(now - 300)
    expect(leaf?.notAfter).toBe(now + hours * HOUR)
  })

  it('ends with its CA, which has 2 h left, and is not issued at all an hour after that', async () => {
    ca = await issuingCa(new TestAuthority({ notAfter: ca.clock.now() + 2 * HOUR }))
    const authority = await ca.authority()
    const [leaf] = await ask(authority, { lifetimeSeconds: 12 * HOUR })
    expect(leaf?.notAfter).toBe(ca.clock.now() + 2 * HOUR)
    await ca.clock.advance(3 * HOUR * 1000)
    const before = await readFile(ca.at('serial'), 'utf8')
    const failure = await rejectionOf(ask(authority))
    expect(failure.data.reason).toBe('CHAIN_EXPIRED')
    expect(await readFile(ca.at('serial'), 'utf8')).toBe(before)
  })

  it.each([
    ['p256', [], ['digitalSignature']],
    ['rsa2048', [], ['digitalSignature', 'keyEncipherment', 'dataEncipherment']],
  ] as const)('for a key of %s may be used for what that can do', async (key, _, usages) => {
    const [leaf] = await issued([], { key })
    expect([...(leaf?.keyUsage ?? [])]).toEqual(usages)
    expect(leaf?.extendedKeyUsage).toEqual([OID.clientAuth])
    expect(leaf?.basicConstraints).toEqual({ ca: false })
  })

  it.each(['sha256', 'sha384', 'sha512'])(
    'of a P-256 CA is signed with %s as written',
    async (hash) => {
      const [leaf] = await issued([`certificate_issuer_hashalg ${hash}`])
      expect(leaf?.signatureAlgorithm.name).toBe(`ecdsa-with-${hash.toUpperCase()}`)
    },
  )

  it('has the subject of the map and none of the request', async () => {
    const [leaf] = await issued()
    expect(leaf?.subject.oneLine).toBe('/DC=org/DC=example/OU=Users/CN=bob')
  })

  it('comes with the CA and those above it, also where the file leaves the CA out', async () => {
    const root = new TestAuthority()
    ca = await issuingCa(new TestAuthority({ parent: root, name: ca.issuer.name }))
    const path = await ca.write('chain', encodePem('CERTIFICATE', root.certificate.der))
    const chain = await issued([`certificate_issuer_subca_certfile ${path}`])
    const { certificate } = ca.issuer
    expect(chain.slice(1).map(({ der }) => der)).toEqual([certificate.der, root.certificate.der])
  })

  it('is kept by its number, with whom it is for', async () => {
    await mkdir(ca.at('out'))
    await ca.write('serial', '0100')
    const [leaf] = await issued([`certificate_out_dir ${ca.at('out')}`])
    expect(await readdir(ca.at('out'))).toEqual(['01:00.pem'])
    const text = await readFile(ca.at('out/01:00.pem'), 'utf8')
    expect(certificatesIn(text)[0]?.der).toEqual(Buffer.from(leaf?.der ?? []))
    expect(text).toContain('Username: bob\n')
  })

  it('has extensions of a program, which is told for whom', async () => {
    const program = await ca.program('ext.sh', 'echo "subjectAltName=email:$1@site"')
    const [leaf] = await issued([`certificate_extapp ${program}`])
    expect(leaf?.extensions.map(({ oid }) => oid)).toEqual([OID.subjectAltName])
    expect(Buffer.from(leaf?.extensions[0]?.value ?? []).toString('latin1')).toContain('bob@site')
  })

  it('has the subject that a program prints on its first line', async () => {
    const program = await ca.program('map.sh', 'echo "/CN=$1 of $#"\necho /CN=other')
    const [leaf] = await issued([`certificate_mapapp ${program}`])
    expect(leaf?.subject.oneLine).toBe('/CN=bob of 1')
  })

  it('is shown to both programs that may refuse it, in PEM', async () => {
    const lines = ['request', 'issuer'].map(async (what) => {
      const program = await ca.program(`${what}.sh`, `cat > ${ca.at(what)}`)
      return `certificate_${what}_checker ${program}`
    })
    const [leaf] = await issued(await Promise.all(lines))
    expect(await readFile(ca.at('request'), 'utf8')).toContain(
      '-----BEGIN CERTIFICATE REQUEST-----',
    )
    expect(certificatesIn(await readFile(ca.at('issuer')))[0]?.der).toEqual(leaf?.der)
  })
})

describe('a request', () => {
  it.each<[TestKeyKind, readonly string[], string]>([
    ['rsa1024', [], 'RSA public key must be at least 2048 bits.'],
    ['rsa1024', ['min_keylen 1024'], 'RSA public key must be at least 2048 bits.'],
    ['rsa2048', ['min_keylen 3072'], 'RSA public key must be at least 3072 bits.'],
  ])('with a key of %s and %j is refused, and its sender told why', async (key, lines, why) => {
    const { code, reason, told } = await refusal(lines, { key })
    expect({ code, reason, told }).toEqual({
      code: 'MYPROXY_REFUSED',
      reason: 'KEY_TOO_WEAK',
      told: [NOT_MADE, why],
    })
  })

  it.each([
    ['nobody', 'nobody', 'unknown username: nobody'],
    ['a name that a program could take for an option', '-x', 'unknown username: -x'],
  ])('for %s is refused', async (_what, username, message) => {
    const map = await ca.program('map.sh', 'test "$1" = bob && echo /CN=bob')
    const authority = await ca.authority([`certificate_mapapp ${map}`])
    const failure = await rejectionOf(authority.subjectOf(username, AbortSignal.timeout(20_000)))
    expect(failure.code).toBe('MYPROXY_NO_CREDENTIAL')
    expect(linesForClient(failure)).toEqual([message])
  })

  it.each([
    ['request', '02'],
    ['issuer', '03'],
  ])('is refused by the %s checker, whose words are for the log alone', async (what, next) => {
    await ca.write('serial', '02')
    const program = await ca.program('no.sh', 'echo "not this one" >&2; exit 3')
    const { reason, told, failure } = await refusal([`certificate_${what}_checker ${program}`])
    expect({ reason, told }).toEqual({ reason: 'PROGRAM_FAILED', told: [NOT_MADE] })
    expect(failure.message).toContain('no.sh ended with status 3, and said: not this one')
    expect((await readFile(ca.at('serial'), 'utf8')).trim()).toBe(next)
  })

  it('is refused when the program of the extensions fails, and costs no number', async () => {
    const program = await ca.program('ext.sh', 'echo keyUsage=digitalSignature; exit 1')
    const { reason } = await refusal([`certificate_extapp ${program}`])
    expect(reason).toBe('PROGRAM_FAILED')
    expect(await readFile(ca.at('serial'), 'utf8')).toBe('01\n')
  })

  it('is refused where the name makes no address', async () => {
    const lines = ['certificate_issuer_email_domain example.org']
    const { told, failure } = await refusal(lines, { username: 'o..o' })
    expect(told).toEqual([NOT_MADE])
    expect(failure.message).toContain('e-mail address')
  })

  it('is refused when an old copy of the serial file would give a kept number again', async () => {
    await mkdir(ca.at('out'))
    const authority = await ca.authority([`certificate_out_dir ${ca.at('out')}`])
    await ask(authority)
    await ca.write('serial', '01\n')
    const failure = await rejectionOf(ask(authority))
    expect(failure.data.reason).toBe('SERIAL_FILE_UNUSABLE')
    expect(linesForClient(failure)).toEqual([NOT_MADE])
  })
})

describeWithPrograms('a program that issues', ['openssl'], () => {
  const certificateOf = (authority: TestAuthority, name: string, key: TestKeyKind = 'rsa2048') => {
    const [leaf] = authority.issueUser(name, { key }).chain
    return encodePem('CERTIFICATE', leaf?.der ?? Buffer.alloc(0))
  }

  it('is given what the C server gives it', async () => {
    const program = await ca.program('issue.sh', `cat > ${ca.at('input')}; exit 1`)
    const asking = { credentialName: 'a name', passPhrase: 'hallo123', lifetimeSeconds: 7200 }
    await refusal([`certificate_issuer_program ${program}`, 'max_cert_lifetime 24'], asking)
    const [text, pem] = (await readFile(ca.at('input'), 'utf8')).split('\n\n')
    expect(text?.split('\n')).toEqual([
      'username=bob',
      'passphrase=hallo123',
      'proxy_lifetime=7200',
      'retrievers=NULL',
      'renewers=NULL',
      'credname=a name',
      'creddesc=NULL',
      'authzcreds=NULL',
      'keyretrieve=NULL',
      'trusted_retrievers=NULL',
      'max_cert_lifetime=86400',
    ])
    expect(pem).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----\n/)
  })

  it.each([
    ['hallo123', 'and what it said may hold the pass phrase'],
    ["it's 6", 'and what it said may hold the pass phrase'],
    ['', 'and said: + : username=bob passphrase= proxy_lifetime='],
  ])(
    'may quote its input on standard error: with pass phrase "%s" the log has not that',
    async (passPhrase, said) => {
      const program = await ca.program('read-it.sh', 'text=$(cat); set -x; : "$text"; exit 2')
      const { told, failure } = await refusal([`certificate_issuer_program ${program}`], {
        passPhrase,
      })
      expect(told).toEqual([NOT_MADE])
      expect(failure.message).toContain(`read-it.sh ended with status 2, ${said}`)
      expect(inspect(failure, { depth: 9 })).not.toMatch(/hallo123|it'.*s 6/)
    },
  )

  it.each([
    ['prints nothing', '', 'printed no certificate'],
    ['certifies another key', 'other', 'certified another key'],
  ])('is not believed when it %s', async (_what, file, problem) => {
    await ca.write('other', certificateOf(ca.issuer, 'bob'))
    const program = await ca.program('issue.sh', file && `cat ${ca.at(file)}`)
    const { reason, told, failure } = await refusal([`certificate_issuer_program ${program}`])
    expect({ reason, told }).toEqual({ reason: 'PROGRAM_FAILED', told: [NOT_MADE] })
    expect(failure.message).toContain(problem)
  })

  it('is taken at its word, and what it says is not in the log', async () => {
    const issue = `openssl x509 -req -CA ${ca.at('ca-cert.pem')} -CAkey ${ca.at('ca-key.pem')}`
    const subject = '-subj /DC=org/DC=example/OU=Users/CN=bob'
    const program = await ca.program(
      'issue.sh',
      `sed -n /BEGIN/,/END/p | ${issue} ${subject} -set_serial 77 -days 7000`,
    )
    await ca.clock.advance((realNow() - ca.clock.now()) * 1000)
    const [leaf] = await issued([`certificate_issuer_program ${program}`], {
      passPhrase: 'hallo123',
    })
    expect(leaf?.serialHex).toBe('4d')
    expect(ca.log.map(({ event }) => event)).toEqual(['myproxy-issued'])
    expect(JSON.stringify(ca.log)).not.toContain('hallo123')
  })
})

describe('what a program that issues has printed', () => {
  /** The answer to each request: for its key, its subject and an hour, but for what is changed. */
  const printing = async (changed: (now: number) => Partial<CertificateTemplate>) => {
    const { certificate, privateKey } = ca.issuer
    const now = ca.clock.now()
    const der = signCertificate(
      {
        ...{ serial: Buffer.of(77), issuer: certificate.subject, subject: bob() },
        ...{ publicKey: createPublicKey(testKey('rsa2048', 'asked')), extensions: [] },
        ...{ notBefore: asUnixSeconds(now - 300), notAfter: asUnixSeconds(now + HOUR) },
        ...changed(now),
      },
      privateKey,
    )
    await ca.write('printed', encodePem('CERTIFICATE', der))
    const program = await ca.program('issue.sh', `cat ${ca.at('printed')}`)
    return [`certificate_issuer_program ${program}`, 'max_cert_lifetime 24']
  }

  const bob = () => userName('bob')

  it.each<[string, (now: number) => Partial<CertificateTemplate>]>([
    ['as asked', () => ({})],
    ['299 s ahead of our clock', (now) => ({ notBefore: asUnixSeconds(now + 299) })],
    ['for 24 h 5 min of 24 h', (now) => ({ notAfter: asUnixSeconds(now + 24 * HOUR + 300) })],
    [
      'with the name in other string types',
      () => ({
        subject: buildName([
          ['DC', 'org'],
          ['DC', 'example'],
          ['OU', 'Users', 'utf8'],
          ['CN', 'bob', 'utf8'],
        ]),
      }),
    ],
  ])('is handed on %s', async (_what, changed) => {
    const [leaf] = await issued(await printing(changed), { key: 'rsa2048' })
    expect(leaf?.serialHex).toBe('4d')
  })

  it.each<[string, (now: number) => Partial<CertificateTemplate>, string]>([
    [
      'for somebody else than who was admitted',
      () => ({ subject: userName('eve') }),
      'issued for /DC=org/DC=example/OU=Users/CN=eve, and not for /DC=org/DC=example/OU=Users/CN=bob',
    ],
    [
      'for the key of another request',
      () => ({ publicKey: createPublicKey(testKey('rsa2048', 'other')) }),
      'certified another key',
    ],
    ['as of another CA', () => ({ extensions: [CA_TRUE] }), 'issued another CA'],
    [
      'when it ends this second',
      (now) => ({ notAfter: asUnixSeconds(now) }),
      'issued what has expired',
    ],
    [
      '301 s ahead of our clock',
      (now) => ({ notBefore: asUnixSeconds(now + 301) }),
      'issued what is not valid yet',
    ],
    [
      'for 24 h 5 min 1 s of 24 h',
      (now) => ({ notAfter: asUnixSeconds(now + 24 * HOUR + 301) }),
      'issued for longer than max_cert_lifetime',
    ],
  ])('is refused %s, with the reason in the log alone', async (_what, changed, problem) => {
    const { reason, told, failure } = await refusal(await printing(changed), { key: 'rsa2048' })
    expect({ reason, told }).toEqual({ reason: 'PROGRAM_FAILED', told: [NOT_MADE] })
    expect(failure.message).toContain(`certificate_issuer_program ${problem}`)
    expect(ca.log).toEqual([])
  })
})
