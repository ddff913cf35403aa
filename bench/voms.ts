/**
 * Attributes from Debian's VOMS server, ours against the C and Java `voms-proxy-init -noregen`, in
 * one run; and what dressing costs beside the server's own time, which is that of a bare exchange.
 */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { connect, createSecureContext, type SecureContext } from 'node:tls'
import { promisify } from 'node:util'
import type { KeyGenerator } from '../src/ports/key-generator.js'
import type { Credential } from '../src/proxy/credential.js'
import { dressProxy, type VomsContext } from '../src/voms/dress-proxy.js'
import { encodeXmlRequest } from '../src/voms/xml-form.js'
import { encodePem } from '../src/x509/pem.js'
import { encodePrivateKey } from '../src/x509/private-key.js'
import { addProxy } from '../test/support/pki.js'
import { type RealGrid, startRealGrid } from '../test/support/real-peers.js'
import { type RealVoms, startRealVoms } from '../test/support/real-voms.js'
import { realVomsContext } from '../test/support/real-voms-context.js'
import { race } from './support/measure.js'
import type { Row, Section } from './support/report.js'

const ROUNDS = 15
const JAVA_ROUNDS = 5
const LIFETIME_SECONDS = 43_200
/** Most that dressing may add to a renewal beside the server's own time. */
const LIMIT_MS = 60
const FQAN = { group: '/alice', role: 'lcgadmin' }

const generate = promisify(generateKeyPair)
const freshKey = async () => (await generate('rsa', { modulusLength: 2048 })).privateKey

export async function measureVoms(): Promise<Section[]> {
  const grid = await startRealGrid()
  try {
    const voms = await startRealVoms(grid)
    try {
      return [await oneAtATime(grid, voms)]
    } finally {
      await voms.stop()
    }
  } finally {
    await grid.stop()
  }
}

async function oneAtATime(grid: RealGrid, voms: RealVoms): Promise<Section> {
  const plain = addProxy(grid.users.alice.credential, { hours: 48, key: 'rsa2048' })
  const stock: KeyObject[] = []
  for (let made = 0; made < 2 * ROUNDS; made++) stock.push(await freshKey())
  const pooled = { generate: async () => stock.pop() as KeyObject }
  // As in the service, which has asked this server before; the first one learns its form.
  const known = realVomsContext(grid, voms, { keys: { generate: freshKey } })
  await dress(known, plain)
  const bare = bareExchange(plain, voms.ports.alice)
  const times = await race(
    {
      bare,
      pooled: () => dressWith(known, plain, pooled),
      fresh: () => dressWith(known, plain, { generate: freshKey }),
      first: () => dress(realVomsContext(grid, voms, { keys: pooled }), plain),
      c: await makePeer(voms, grid, plain, 'voms-proxy-init2'),
    },
    ROUNDS,
  )
  const java = await makePeer(voms, grid, plain, 'voms-proxy-init3')
  const slow = await race({ java }, JAVA_ROUNDS)
  return {
    title: 'Attributes of a VO',
    how: `RSA-2048, Debian's server in its XML form, median of ${ROUNDS} alternating runs (${JAVA_ROUNDS} of Java).`,
    rows: rowsOf({ ...times, ...slow }),
  }
}

type Contestant = 'bare' | 'pooled' | 'fresh' | 'first' | 'c' | 'java'

function rowsOf(times: Readonly<Record<Contestant, number>>): Row[] {
  const ms = (value: number) => `${value.toFixed(0)} ms`
  const against = (what: string, ours: Contestant, peer: 'c' | 'java'): Row => {
    const name = peer === 'c' ? 'C' : 'Java'
    return {
      what,
      ours: ms(times[ours]),
      peer: `${name} \`voms-proxy-init -noregen\` ${ms(times[peer])}`,
      ratio: times[ours] / times[peer],
    }
  }
  const added = times.pooled - times.bare
  return [
    { ...against('key from the pool', 'pooled', 'c'), limit: { atMost: 1 } },
    against('key from the pool', 'pooled', 'java'),
    against('fresh key', 'fresh', 'c'),
    against('first contact, REST tried in vain', 'first', 'c'),
    {
      what: `added to the server's own ${ms(times.bare)}`,
      ours: ms(added),
      peer: `limit ${LIMIT_MS} ms`,
      ratio: added / LIMIT_MS,
      limit: { atMost: 1 },
    },
  ]
}

function dress(context: VomsContext, plain: Credential): Promise<unknown> {
  return dressProxy(context, {
    // A renewal comes with a credential that TLS has not seen before.
    credential: { ...plain },
    requests: [{ vo: 'alice', fqan: FQAN }],
    lifetimeSeconds: LIFETIME_SECONDS,
  })
}

/** The context must stay the same object: what it learnt of the server is kept beside it. */
function dressWith(context: VomsContext, plain: Credential, keys: KeyGenerator): Promise<unknown> {
  context.keys = keys
  return dress(context, plain)
}

/** The same question and answer with nothing around it: no checks, no proxy. */
function bareExchange(plain: Credential, port: number): () => Promise<void> {
  const secureContext = createSecureContext({
    cert: plain.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
    key: encodePrivateKey(plain.privateKey),
    maxVersion: 'TLSv1.2',
  })
  const question = { vo: 'alice', fqans: [FQAN], lifetimeSeconds: LIFETIME_SECONDS, targets: [] }
  return () => exchange(secureContext, port, encodeXmlRequest(question))
}

function exchange(secureContext: SecureContext, port: number, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, secureContext, rejectUnauthorized: false })
    let answer = ''
    socket.once('secureConnect', () => socket.write(request))
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (!answer.includes('</vomsans>')) return
      socket.destroy()
      if (answer.includes('<error>')) reject(new Error(answer))
      else resolve()
    })
    socket.once('error', reject)
    socket.once('end', () => reject(new Error(`the server ended after ${answer}`)))
  })
}

async function makePeer(
  voms: RealVoms,
  grid: RealGrid,
  plain: Credential,
  program: 'voms-proxy-init2' | 'voms-proxy-init3',
): Promise<() => Promise<void>> {
  const proxy = await grid.writeProxy(`${program}-plain`, plain)
  const out = join(grid.directory, `${program}-out`)
  const args = ['-noregen', '-rfc', '-bits', '2048', '-valid', '12:00', '-out', out]
  args.push('-voms', 'alice:/alice/Role=lcgadmin', '-vomses', join(voms.vomses, 'alice-localhost'))
  // The Java client tries nothing but REST unless it is told to.
  if (program === 'voms-proxy-init3') args.push('--enable_legacy_protocol')
  return async () => {
    const { exitCode, stdout, stderr } = await voms.run(program, args, { proxy })
    if (exitCode !== 0) throw new Error(`${program}: ${stdout}${stderr}`)
  }
}
