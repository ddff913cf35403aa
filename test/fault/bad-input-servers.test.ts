/**
 * MyProxy servers that say nothing, talk nonsense or lie, met by the built program with `--force`,
 * which takes whatever may be taken: each gets its code, and the good proxy, the registry and the
 * other registration stay byte for byte as they were.
 */
import type { KeyObject } from 'node:crypto'
import { rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeResponse } from '../../src/myproxy/response.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import type { Credential } from '../../src/proxy/credential.js'
import { issueProxy } from '../../src/proxy/issue-proxy.js'
import { proxyFileName } from '../../src/repository/proxy-file-name.js'
import { addProxy, realNow, TestAuthority, userName } from '../support/pki.js'
import { writeCredentialPair, writeTrustDirectory } from '../support/pki-files.js'
import {
  alice,
  ca,
  challenge,
  type Delivery,
  deliver,
  eve,
  hostCredential,
  ok,
  peerThat,
  readRequest,
  rightChain,
} from '../support/scripted-myproxy.js'
import { type Conversation, type ScriptedPeer, startTcpPeer } from '../support/scripted-peer.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'
import { type CallOptions, codeOf, type Finished, VoBox } from '../support/vo-box.js'

let temporary: Awaited<ReturnType<typeof makeTemporaryDirectory>>
let box: VoBox
let carol: string
/** The one address that is registered; `target` is the port behind it at the moment. */
let front: ScriptedPeer
let target = 0
const bob = ca.issueUser('bob')
const [aliceDn, bobDn] = [userName('alice').oneLine, userName('bob').oneLine]
const nameOf = (dn: string) => proxyFileName(dn, undefined)

/** Deadlines of a second are for servers that say nothing; a busy machine may miss them. */
const impatient = '[myproxy]\nconnect_seconds = 1\nanswer_seconds = 1\n'

beforeAll(async () => {
  temporary = await makeTemporaryDirectory()
  const trust = await writeTrustDirectory(temporary.path, ca)
  const host = ca.issueHost('vobox.example.org')
  const { cert, key } = await writeCredentialPair(temporary.path, 'host', host)
  front = await startTcpPeer(passOn)
  const serverDn = hostCredential.chain[0]?.subject.oneLine
  const config = `[trust]\ndirectory = "${trust}"\n[keys]\nkind = "p256"\n`
  box = new VoBox(temporary.path, {
    kept: true,
    vo: 'alice',
    config,
    env: { MYPROXY_SERVER: `localhost:${front.port}`, MYPROXY_SERVER_DN: serverDn ?? '' },
  })
  box.put('impatient.toml', config + impatient)
  const machine = await box.call(['machine-proxy', '--cert', cert, '--key', key], { asRoot: true })
  if (machine.status !== 0) throw new Error(machine.stderr)
  await box.register(box.putLogin('alice', addProxy(alice)))
  await box.register(box.putLogin('bob', addProxy(bob)))
  carol = box.putLogin('carol', addProxy(ca.issueUser('carol')))
})
afterAll(async () => {
  await box?.close()
  await front?.stop()
  await temporary?.remove()
})

function passOn(client: Socket): void {
  const upstream = connect(target, '127.0.0.1')
  upstream.on('error', () => client.destroy())
  upstream.on('close', () => client.destroy())
  client.on('close', () => upstream.destroy())
  client.pipe(upstream).pipe(client)
}

/** Starts what answers behind the front. */
type Start = () => Promise<{ port: number }>

const says =
  (script: (conversation: Conversation) => Promise<unknown>, credential?: Credential): Start =>
  () =>
    peerThat(script, credential)
const delivers = (delivery: Delivery) => says((conversation) => deliver(conversation, delivery))
const answers = (answer: Buffer) =>
  says(async (conversation) => {
    await readRequest(conversation)
    await conversation.stream.write(answer)
  })
const refuses = (...messages: string[]) => answers(encodeResponse({ kind: 'error', messages }))
const belowTls =
  (script: (socket: Socket) => void): Start =>
  async () =>
    startTcpPeer(script)

/** What `signer` makes for the key that we sent, with its chain. */
const madeBy =
  (signer: Credential, hours = 1) =>
  (publicKey: KeyObject): Uint8Array[] => {
    const now = realNow()
    const notAfter = asUnixSeconds(now + hours * 3600)
    const proxy = issueProxy({ signer, publicKey, now, notAfter, random: systemRandom })
    return [proxy, ...signer.chain].map(({ der }) => der)
  }
const forgedBy = (authority: TestAuthority) =>
  delivers({ chain: madeBy(authority.issueUser('alice'), 24 * 300) })

type Lie = [name: string, start: Start, code: string, message?: RegExp]

const unusable: Lie[] = [
  [
    'cuts the connection',
    belowTls((socket) => socket.destroy()),
    'ALL_SERVERS_FAILED CONNECTION_CLOSED',
    /cut the connection/,
  ],
  [
    'sends a web page instead of TLS',
    belowTls((socket) => socket.end('HTTP/1.0 400 Bad Request\r\n\r\n')),
    'ALL_SERVERS_FAILED TLS_FAILED',
    /does not speak TLS/,
  ],
  [
    'sends garbage in TLS',
    answers(Buffer.alloc(500, 0xa5)),
    'ALL_SERVERS_FAILED CONNECTION_CLOSED',
    /after 500 bytes/,
  ],
  [
    'has the certificate of another host',
    says(readRequest, ca.issueHost('evil.example.org')),
    'ALL_SERVERS_FAILED PEER_NAME_MISMATCH',
    /evil/,
  ],
  [
    'has the right name from an unknown CA',
    says(readRequest, new TestAuthority({ name: userName('CA') }).issueHost('px.example.org')),
    'ALL_SERVERS_FAILED PEER_UNTRUSTED',
    /not trusted/,
  ],
  [
    'sends garbage instead of certificates',
    delivers({ insteadOfList: Buffer.alloc(300, 0xa5) }),
    'ALL_SERVERS_FAILED PROTOCOL_VIOLATION',
    /list of 165 certificates/,
  ],
  [
    'hangs up in the middle of the chain',
    delivers({ cutAfter: challenge.length + ok.length + 400 }),
    'ALL_SERVERS_FAILED CONNECTION_CLOSED',
    /closed the connection in the middle/,
  ],
]

const lying: Lie[] = [
  ['half a chain', delivers({ chain: (key) => rightChain(key).slice(0, 1) }), 'CHAIN_BROKEN'],
  [
    'a chain with its middle left out',
    delivers({ chain: (key) => madeBy(addProxy(alice))(key).toSpliced(1, 1) }),
    'CHAIN_BROKEN',
  ],
  [
    'a proxy for another key',
    delivers({ chain: () => addProxy(alice).chain.map(({ der }) => der) }),
    'PROXY_KEY_MISMATCH',
  ],
  ['another user’s chain', delivers({ chain: madeBy(eve) }), 'RENEWED_IDENTITY_DIFFERS'],
  [
    'a longer-lived forgery of the same DN from an unknown CA',
    forgedBy(new TestAuthority({ name: userName('Another CA') })),
    'CHAIN_UNTRUSTED',
    /that the server sent is refused: .*Ask the manager of the MyProxy server/,
  ],
  [
    'a longer-lived forgery from a CA that calls itself like ours',
    forgedBy(new TestAuthority()),
    'SIGNATURE_INVALID',
  ],
  [
    'a limited proxy',
    delivers({ chain: madeBy(addProxy(alice, { policy: 'limited' })) }),
    'RENEWED_LIMITED',
  ],
  [
    'the refusal that nothing is stored',
    refuses('Credentials do not exist'),
    'MYPROXY_NO_CREDENTIAL',
  ],
  [
    'a refusal that wants to move the cursor',
    refuses('no \u001b[2J\u009b1m\u202ereally', 'DN: /CN=eve'),
    'MYPROXY_REFUSED',
  ],
  [
    'a challenge of 64 characters of its own choice',
    answers(
      encodeResponse({
        kind: 'authorization',
        challenges: [{ method: 'X509_certificate_SHA256', text: 'ab'.repeat(32) }],
      }),
    ),
    'MYPROXY_CHALLENGE_REFUSED',
  ],
]

const silent: Lie[] = [
  ['after TCP', belowTls(() => undefined), 'ALL_SERVERS_FAILED DEADLINE_EXCEEDED', /within 1 s/],
  [
    'after TLS',
    says(() => new Promise(() => undefined)),
    'ALL_SERVERS_FAILED DEADLINE_EXCEEDED',
    /within 1 s/,
  ],
]

const renewAlice = ['renew', '--dn', aliceDn, '--force', '--json']

/** The code, and behind one for all servers that of each attempt. */
function codesOf({ stderr }: Finished): string {
  const { code, data } = JSON.parse(stderr).error
  const attempts: { code: string }[] = data.attempts ?? []
  return [code, ...attempts.map((attempt) => attempt.code)].join(' ')
}

/** The one file that failures of alice's renewals are written to. */
const ofAlice = new RegExp(`^state/${nameOf(aliceDn).replaceAll('+', '\\+')}`)

async function expectRefusal([, start, code, message]: Lie, options: CallOptions = {}) {
  const before = box.picture(ofAlice)
  const lines = box.events('renewal-failed').length
  target = (await start()).port
  const refusal = await box.call(renewAlice, options)
  expect(codesOf(refusal)).toBe(code)
  expect(refusal).toMatchObject({ status: 1, stdout: '' })
  const said = refusal.stderr + box.events('renewal-failed').at(-1)
  expect(said).toMatch(/^[\n\x20-\x7e…’]*$/)
  expect(said).not.toContain('\\u00')
  if (message !== undefined) expect(refusal.stderr).toMatch(message)
  expect(box.picture(ofAlice)).toEqual(before)
  expect(box.events('renewal-failed')).toHaveLength(lines + 1)
}

describe('a renewal from a server that cannot be used', () => {
  it.each(unusable)('fails when it %s, and touches nothing', (...lie) => expectRefusal(lie))

  it.each(silent)('fails after its deadline when it says nothing %s', async (...lie) => {
    const VOBOX_PROXY_CONFIG = join(box.directory, 'impatient.toml')
    await expectRefusal(lie, { env: { VOBOX_PROXY_CONFIG } })
  })
})

describe('a renewal from a server that is trusted', () => {
  it.each(lying)('fails when it sends %s, and touches nothing', (...lie) => expectRefusal(lie))
})

describe('registering with a server that lies', () => {
  const info = encodeResponse({
    kind: 'ok',
    credentials: [
      {
        owner: userName('carol').oneLine,
        start: asUnixSeconds(realNow() - 60),
        end: asUnixSeconds(realNow() + 86_400 * 30),
      },
    ],
  })
  /** Shows a stored credential to who asks for it, and delivers something else. */
  const shows = (chain: NonNullable<Delivery['chain']>): Start => {
    let asked = 0
    return says(async (conversation) => {
      asked += 1
      if (asked > 1) return deliver(conversation, { chain })
      await readRequest(conversation)
      return conversation.stream.write(info)
    })
  }
  const forger = new TestAuthority({ name: userName('Another CA') }).issueUser('carol')

  it.each<[string, Start, string]>([
    ['another user’s chain', shows(madeBy(eve)), 'RENEWED_IDENTITY_DIFFERS'],
    ['a forgery of an unknown CA', shows(madeBy(forger, 7200)), 'CHAIN_UNTRUSTED'],
  ])('registers nobody when it delivers %s, and touches nothing', async (_what, start, code) => {
    const before = box.picture()
    target = (await start()).port
    const refusal = await box.call(['register', '--no-voms', '--json', '--proxy', carol])
    expect(codeOf(refusal)).toBe(code)
    expect(refusal).toMatchObject({ status: 1, stdout: '' })
    expect(box.picture()).toEqual(before)
  })
})

describe('after all this', () => {
  it('renew makes log/ again where somebody removed it, and writes its line', async () => {
    rmSync(box.paths.log, { recursive: true })
    target = (await delivers({ chain: madeBy(alice, 24) })()).port
    expect((await box.call(['renew', '--dn', aliceDn, '--force'])).status).toBe(0)
    expect(box.events('renewed')).toHaveLength(1)
  })

  it.each([
    ['alice', alice, aliceDn],
    ['bob', bob, bobDn],
  ])('an honest server renews the proxy of %s at once', async (_name, user, dn) => {
    target = (await delivers({ chain: madeBy(user, 48) })()).port
    const { status, stdout, stderr } = await box.call(['renew', '--dn', dn, '--force'])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^renewed /)
    expect(await box.registry.state(nameOf(dn))).toMatchObject({ failures: 0 })
  })
})
