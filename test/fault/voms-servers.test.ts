/** What our client makes of VOMS servers that are silent, talk nonsense, lie or cut the connection. */
import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../src/errors.js'
import { Circuit } from '../../src/gsi/circuit.js'
import type { FailedAttempt } from '../../src/gsi/reach.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { systemRandom } from '../../src/node/ports/random.js'
import type { Journal } from '../../src/ports/journal.js'
import { parseAttributeRequest } from '../../src/voms/attribute-request.js'
import { requestAttributes } from '../../src/voms/request-attributes.js'
import type { VomsContext } from '../../src/voms/voms-context.js'
import type { VomsServer } from '../../src/voms/vomses.js'
import { TestVoms } from '../support/ac.js'
import { rejectionOf } from '../support/failure.js'
import { addProxy, TestAuthority } from '../support/pki.js'
import { stopAfterTest } from '../support/scripted-myproxy.js'
import {
  deadPort,
  type ScriptedPeer,
  startScriptedPeer,
  startTcpPeer,
} from '../support/scripted-peer.js'
import {
  type FormName,
  type ScriptedVomsOptions,
  scriptedVomsContext,
  startScriptedVoms,
} from '../support/scripted-voms.js'

const ca = new TestAuthority()
const voms = new TestVoms(ca)
const credential = addProxy(ca.issueUser('alice'))
const dn = voms.certificate.subject.oneLine

const lineFor = (
  { port }: Pick<ScriptedPeer, 'port'>,
  changes: Partial<VomsServer> = {},
): VomsServer => ({
  alias: 'alice',
  host: voms.host,
  port,
  dn,
  vo: 'alice',
  ...changes,
})

async function ask(
  servers: readonly VomsServer[],
  changes: Partial<VomsContext> = {},
  signal?: AbortSignal,
) {
  const context = await scriptedVomsContext(ca, servers, changes)
  return requestAttributes(context, {
    servers,
    requests: [parseAttributeRequest('alice:/alice/Role=lcgadmin')],
    credential,
    lifetimeSeconds: 3600,
    signal,
  })
}

/** The one failed attempt of asking one server. */
async function onlyAttempt(
  servers: readonly VomsServer[],
  changes: Partial<VomsContext> = {},
): Promise<FailedAttempt> {
  const failure = await rejectionOf(ask(servers, changes))
  expect(failure.code).toBe('VOMS_SERVERS_FAILED')
  const [attempt, ...more] = failure.data.attempts as FailedAttempt[]
  if (attempt === undefined || more.length > 0) throw new Error('not one attempt')
  expect(failure.message).toContain(attempt.message)
  return attempt
}

/** A server that grants, and one that does with these changes. */
const good = () => startScriptedVoms(voms)
const broken = (options: ScriptedVomsOptions) => startScriptedVoms(voms, options)

const silence = () => new Promise<never>(() => undefined)
const impatient = { connectMs: 500, answerMs: 500 }

describe('a server that is silent', () => {
  it.each(['after TCP', 'after TLS'])(
    '%s is left after half a second, and the next one asked',
    async (when) => {
      const peer =
        when === 'after TCP'
          ? await startTcpPeer(() => undefined)
          : await startScriptedPeer({ credential: voms.credential, script: silence })
      stopAfterTest(peer)
      const attempt = await onlyAttempt([lineFor(peer)], impatient)
      expect([attempt.code, attempt.persistence]).toEqual(['DEADLINE_EXCEEDED', 'transient'])
      const { server } = await good()
      const patient = { connectMs: 3000, answerMs: 3000 }
      const granted = await ask([lineFor(peer), server], patient)
      expect(granted.server.port).toBe(server.port)
    },
  )

  it('or drips a byte every 100 ms, is left after half a second all the same', async () => {
    const peer = await startScriptedPeer({
      credential: voms.credential,
      script: async ({ stream }) => {
        for (let left = 100; left > 0; left--) {
          await stream.write(Buffer.from(' '))
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      },
    })
    stopAfterTest(peer)
    expect((await onlyAttempt([lineFor(peer)], impatient)).code).toBe('DEADLINE_EXCEEDED')
  })

  it('is given 0.25 s the next time by the service, where another server follows', async () => {
    const peer = await startTcpPeer(() => undefined)
    stopAfterTest(peer)
    const { server } = await good()
    const said: string[] = []
    const journal: Journal = { write: (_level, _event, message) => said.push(message) }
    const inOrder = { ...systemRandom, fraction: () => 0.999 }
    const circuit = new Circuit({ clock: systemClock, journal })
    const context = { connectMs: 3000, circuit, journal, random: inOrder }
    for (const _round of [1, 2]) await ask([lineFor(peer), server], context)
    circuit.close()
    const reasons = said.filter((text) => text.includes('no TLS within'))
    expect(reasons.filter((text) => text.endsWith('within 3 s'))).not.toEqual([])
    expect(reasons.at(-1)).toMatch(/within 0\.25 s$/)
  })

  it('twenty times over gets no more than four times what one may take', async () => {
    const peer = await startScriptedPeer({ credential: voms.credential, script: silence })
    stopAfterTest(peer)
    const servers = Array.from({ length: 20 }, () => lineFor(peer))
    const failure = await rejectionOf(ask(servers, { connectMs: 200, answerMs: 200 }))
    expect(failure.code).toBe('VOMS_SERVERS_FAILED')
    expect(failure.message).toContain('gave up after 2.4 s in all')
    expect((failure.data.attempts as unknown[]).length).toBeLessThan(20)
  })

  it('is left at once when the caller cancels, and no other is asked', async () => {
    const peer = await startScriptedPeer({ credential: voms.credential, script: silence })
    stopAfterTest(peer)
    const controller = new AbortController()
    const reason = new VoboxError('CANCELLED', 'stopped')
    setTimeout(() => controller.abort(reason), 200)
    const { server, peer: next } = await good()
    await expect(ask([lineFor(peer), server], {}, controller.signal)).rejects.toBe(reason)
    expect(next.connections()).toBe(0)
  })
})

describe('a server that is not there', () => {
  it('is passed over for the next one', async () => {
    const { server } = await good()
    const granted = await ask([lineFor({ port: await deadPort() }), server])
    expect(granted.server.port).toBe(server.port)
  })

  it('and no other, is told with its address; trying again may help', async () => {
    const port = await deadPort()
    const attempt = await onlyAttempt([lineFor({ port })])
    expect(attempt).toMatchObject({
      code: 'CONNECTION_FAILED',
      server: `${voms.host}:${port}`,
      address: '127.0.0.1',
      persistence: 'transient',
    })
  })
})

describe('a server that talks nonsense', () => {
  it.each([
    ['bytes at random', (): string => '\x00\xff\x17'.repeat(50)],
    ['a page of a web server', (): string => 'HTTP/1.1 502 Bad Gateway\r\n\r\n<html>no</html>'],
    ['an empty document', (): string => 'HTTP/1.0 200 OK\r\n\r\n<voms></voms>'],
    ['no certificate in XML', (): string => '<vomsans><version>3</version></vomsans>'],
    ['base64 that is none', (): string => 'HTTP/1.0 200 OK\r\n\r\n<voms><ac>%%%%</ac></voms>'],
    ['nothing', (): string => ''],
  ])('(%s) is asked in both forms, then the next one', async (_what, instead) => {
    const { server: bad, requests } = await broken({ instead })
    const { server } = await good()
    const granted = await ask([bad, server])
    expect(granted.server.port).toBe(server.port)
    expect(requests).toHaveLength(2)
    const attempt = await onlyAttempt([bad])
    expect(attempt.persistence).toBe('transient')
    expect(attempt.code).toMatch(/^(PROTOCOL_VIOLATION|CONNECTION_CLOSED)$/)
  })

  it('keeps what it said in REST as the reason, when XML is closed', async () => {
    const page = 'HTTP/1.1 403 Forbidden\r\n\r\n<html>go away</html>'
    const instead = (form: FormName) => (form === 'rest' ? page : '')
    const { server } = await broken({ instead })
    const attempt = await onlyAttempt([server])
    expect(attempt.code).toBe('PROTOCOL_VIOLATION')
    expect(attempt.message).toContain('answered HTTP 403 (Forbidden) and nothing of VOMS')
    expect(attempt.message).toContain(`${voms.host}:${server.port}`)
  })

  it.each<FormName>(['rest', 'xml'])('of 2 MiB (%s) is cut off at 1 MiB', async (form) => {
    const head = form === 'rest' ? 'HTTP/1.0 200 OK\r\n\r\n<voms><ac>' : '<vomsans><ac>'
    const { server } = await broken({ forms: [form], instead: () => head + 'A'.repeat(2 << 20) })
    const attempt = await onlyAttempt([server])
    expect(attempt.code).toBe('MESSAGE_TOO_LARGE')
    expect(attempt.message).toContain('sent more than 1048576 bytes')
  })

  it.each([
    ['that is no AC at all', () => Buffer.from('30030201ff', 'hex')],
    ['that is cut in half', (der: Buffer) => der.subarray(0, der.length / 2)],
  ])('in an attribute certificate %s is not taken', async (_what, spoil) => {
    const change = (answer: Buffer) =>
      Buffer.from(
        answer.toString('latin1').replace(/<ac>(.*)<\/ac>/, (_whole, base64) => {
          return `<ac>${spoil(Buffer.from(base64, 'base64')).toString('base64')}</ac>`
        }),
        'latin1',
      )
    const { server: bad } = await broken({ change })
    expect((await onlyAttempt([bad])).code).toBe('VOMS_AC_MALFORMED')
    const { server } = await good()
    expect((await ask([bad, server])).server.port).toBe(server.port)
  })

  it('by granting attributes of another VO is passed over', async () => {
    const bob = new TestVoms(ca, { vo: 'bob', host: voms.host })
    const { server } = await startScriptedVoms(bob, { grants: { alice: ['/alice/Role=lcgadmin'] } })
    const attempt = await onlyAttempt([
      { ...server, vo: 'alice', dn: bob.certificate.subject.oneLine },
    ])
    expect(attempt.code).toBe('PROTOCOL_VIOLATION')
    expect(attempt.message).toContain('sent attributes of VO bob where alice was asked')
  })
})

describe('a server that cuts the connection', () => {
  it.each<FormName>(['rest', 'xml'])(
    'after any number of bytes (%s) gives nothing that is used',
    async (form) => {
      // Signatures differ in length by a byte or two, so the end is counted from behind.
      const cuts = [0, 1, 5, 12, 17, 40, 80, 200, 999, -40, -8, -2, -1]
      for (const cut of cuts) {
        const { server } = await broken({
          forms: [form],
          change: (answer) => answer.subarray(0, cut),
        })
        const attempt = await onlyAttempt([server])
        expect(attempt.code, `cut at ${cut}`).toMatch(/^(CONNECTION_CLOSED|PROTOCOL_VIOLATION)$/)
        expect(attempt.persistence).toBe('transient')
      }
    },
  )

  it('in chunks, after any number of bytes, gives nothing that is used either', async () => {
    for (const cutAfter of [30, 60, 85, 120, 800, 1500]) {
      const { server } = await broken({ forms: ['rest'], framing: 'chunked', cutAfter })
      expect((await onlyAttempt([server])).code).toBe('PROTOCOL_VIOLATION')
    }
  })
})

describe('a server that is not the one in the vomses file', () => {
  it('by its DN is not sent a byte', async () => {
    const { server, requests } = await good()
    const attempt = await onlyAttempt([{ ...server, dn: '/DC=org/DC=example/OU=Hosts/CN=other' }])
    expect([attempt.code, attempt.persistence]).toEqual(['PEER_NAME_MISMATCH', 'permanent'])
    expect(attempt.message).toContain(dn)
    expect(requests).toEqual([])
  })

  it('but of that DN by another CA is not sent a byte', async () => {
    const stranger = new TestVoms(new TestAuthority({ key: 'p384' }), { host: voms.host })
    const { server, requests } = await startScriptedVoms(voms, { peer: stranger.credential })
    const attempt = await onlyAttempt([server])
    expect(attempt.code).toBe('PEER_UNTRUSTED')
    expect(requests).toEqual([])
  })

  it('by its host name does not matter: the DN decides', async () => {
    const { server, requests } = await good()
    const renamed = { ...server, host: 'alias.example.net' }
    await ask([renamed])
    expect(requests[0]).toContain('Host: alias.example.net:')
  })

  it('is found under the classic one-line form too, which escapes no slash', async () => {
    const slashed = new TestVoms(ca, {
      host: 'host/voms.slash.org',
      certificate: { dns: [] },
    })
    const { server } = await startScriptedVoms(slashed)
    const { oneLine, classicOneLine } = slashed.certificate.subject
    expect(classicOneLine).not.toBe(oneLine)
    for (const text of [oneLine, classicOneLine]) await ask([{ ...server, dn: text }])
  })
})

describe('replicas that differ', () => {
  it('are asked on after a refusal: one that knows the user grants', async () => {
    const lagging = await broken({ grants: {} })
    const { server } = await good()
    const granted = await ask([lagging.server, server])
    expect(granted.server.port).toBe(server.port)
    expect(lagging.requests).toHaveLength(1)
  })

  it('that all refuse give the refusal that tells most, whoever is asked first', async () => {
    const unknown = await broken({ grants: {} })
    const suspended = await broken({ suspended: { alice: 'AUP not signed' } })
    const notGranted = await broken({ grants: { alice: ['/alice'] } })
    const dead = lineFor({ port: await deadPort() })
    const all = [unknown.server, notGranted.server, suspended.server, dead]
    for (const servers of [all, all.toReversed()]) {
      const failure = await rejectionOf(ask(servers))
      expect([failure.code, failure.data.reason]).toEqual(['VOMS_USER_SUSPENDED', 'aup-not-signed'])
      expect(failure.persistence).toBe('permanent')
      expect((failure.data.attempts as FailedAttempt[]).map(({ code }) => code).toSorted()).toEqual(
        [
          'CONNECTION_FAILED',
          'VOMS_ATTRIBUTE_NOT_GRANTED',
          'VOMS_NO_SUCH_USER',
          'VOMS_USER_SUSPENDED',
        ],
      )
    }
  })

  it('are asked in the order that chance gives', async () => {
    const servers = [await good(), await good(), await good()]
    const lines = servers.map(({ server }) => server)
    const draws = [0.1, 0.1]
    const random = {
      bytes: (length: number) => new Uint8Array(length),
      fraction: () => draws.shift() ?? 0,
    }
    expect((await ask(lines, { random })).server.port).toBe(lines[1]?.port)
    const { server } = await ask(lines)
    expect(server.port).toBe(lines[0]?.port)
  })
})
